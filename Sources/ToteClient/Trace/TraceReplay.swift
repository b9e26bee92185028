internal import ToteCore

/// Does again what a device did, from the trace that it exported.
package struct TraceReplay {
    /// How a replay ended.
    package enum Outcome: Hashable, Sendable {
        /// Every step came out as on the device, and so did the end.
        ///
        /// - Parameter state: the digest of the end; `nil` when the trace was full before.
        case same(steps: Int, state: String?)
        /// A step did not: what the device noted, and what came of it here.
        case diverged(step: Int, kind: String, what: String, noted: String, found: String)
    }

    private let replica: Replica
    private let steps: [TraceStep]
    private let end: Value
    private let draws: Draws

    /// What the device drew, when it took a new id.
    private final class Draws {
        var next: UInt64 = 1
    }

    /// Reads a trace.
    ///
    /// - Throws: `invalidArgument` with the line that is wrong.
    package init(_ bytes: [UInt8]) throws(ToteError) {
        let trace = try TraceReader(bytes)
        let draws = Draws()
        self.draws = draws
        steps = trace.steps
        end = trace.end
        replica = try Replica(starting: trace, random: { draws.next })
    }

    package var stepCount: Int { steps.count }

    /// Does every step.
    ///
    /// - Parameter progress: told after each step.
    package func run(_ progress: (Int) -> Void = { _ in }) -> Outcome {
        for (index, step) in steps.enumerated() {
            do throws(ToteError) {
                if let outcome = try repeated(index, step) { return outcome }
            } catch {
                return diverged(index, step, "it failed", step.kind.rawValue, error.message)
            }
            progress(index + 1)
        }
        if let stands = end["stands"], stands != replica.standing {
            return .diverged(
                step: steps.count, kind: "end", what: "where it stands",
                noted: Self.text(stands), found: Self.text(replica.standing))
        }
        guard let state = end["state"]?.textValue else {
            return .same(steps: steps.count, state: nil)
        }
        let found = replica.stateDigest()
        return found == state
            ? .same(steps: steps.count, state: state)
            : .diverged(
                step: steps.count, kind: "end", what: "the documents", noted: state, found: found)
    }

    /// Does a step, unless it came in one go with the one before.
    ///
    /// - Returns: how it came out otherwise than on the device; `nil` when it did not.
    private func repeated(_ index: Int, _ step: TraceStep) throws(ToteError) -> Outcome? {
        // Noted with the next step.
        if step.kind == .opened {
            try replica.reopen()
            return nil
        }
        if try noted(index) == nil { try perform(step) }
        guard let found = try noted(index) else {
            return diverged(index, step, "nothing came of it", "\(step.kind)", "nothing")
        }
        return compare(index, step, found)
    }

    private func noted(_ index: Int) throws(ToteError) -> TraceStep? {
        do { return try replica.store.steps(after: Int64(index), most: 1).first } catch {
            throw ToteError.storage(error)
        }
    }

    private func perform(_ step: TraceStep) throws(ToteError) {
        let facts = step.facts
        let reading = ClockReading(facts["clock"])
        let nonce = facts["nonce"]?.textValue.flatMap(Hex.id)
        if let id = facts["stands"]?["replica"]?.textValue.flatMap(Hex.id) { draws.next = id }
        switch step.kind {
        case .opened: break
        case .commit:
            guard let reading, let change = try? Encoding.cbor.run(step.body).events.first?.change
            else { return }
            replica.channel = change.channel
            let floor = facts["floor"]?.textValue.flatMap(Hex.id).map { Timestamp(rawValue: $0) }
            try replica.commit(
                change.writes, intent: change.readableIntent, at: reading, nonce: change.nonce,
                floor: floor)
        case .withdraw: if let nonce { try replica.withdraw(nonce) }
        case .dismiss: if let nonce { try replica.dismiss(nonce) }
        case .cut:
            if let reading { _ = try replica.nextRequest(at: reading, pullsAnyway: false) }
        case .carry: if let reading { _ = try replica.carry(at: reading) }
        case .refetch: try replica.refetch()
        case .resent:
            // Of another start of the device than the anchor: no batch is cut.
            let boot = replica.anchor.map { ~$0.reading.bootID } ?? 0
            _ = try replica.nextRequest(
                at: ClockReading(wallMilliseconds: 0, uptimeMilliseconds: 0, bootID: boot),
                pullsAnyway: false)
        case .receive:
            guard let reading, let outgoing = Outgoing(facts: facts, request: step.request)
            else { return }
            let status = Int(facts["status"]?.intValue ?? 0)
            _ = try replica.receive(
                status: status, body: step.body, isProblem: status != 200, to: outgoing,
                at: reading)
        }
    }

    private func compare(_ index: Int, _ step: TraceStep, _ found: TraceStep) -> Outcome? {
        guard found.kind == step.kind else {
            return diverged(index, step, "what was done", "\(step.kind)", "\(found.kind)")
        }
        guard case .map(let entries)? = step.facts["stands"] else { return nil }
        for entry in entries {
            let here = found.facts["stands"]?[entry.name] ?? .null
            if here != entry.value {
                return diverged(
                    index, step, entry.name, Self.text(entry.value), Self.text(here))
            }
        }
        // A batch that was cut of other changes, or stamped otherwise.
        guard ![.cut, .carry].contains(step.kind) || step.body == found.body else {
            return diverged(
                index, step, "the batch", Hex.string(SHA256.digest(step.body)),
                Hex.string(SHA256.digest(found.body)))
        }
        return nil
    }

    private func diverged(
        _ index: Int, _ step: TraceStep, _ what: String, _ noted: String, _ found: String
    ) -> Outcome {
        .diverged(
            step: index + 1, kind: step.kind.rawValue, what: what, noted: noted, found: found)
    }

    private static func text(_ value: Value) -> String {
        String(decoding: Encoding.json.encode(value), as: UTF8.self)
    }
}

extension Replica {
    /// A replica as it was when a trace began, which notes what it does from there on.
    fileprivate convenience init(
        starting trace: TraceReader, random: @escaping () -> UInt64
    ) throws(ToteError) {
        let store = try ReplicaStore(image: nil)
        do {
            for row in trace.start {
                guard try store.restore(row.table, row.numbers, row.body, name: row.name) else {
                    throw ToteError(
                        .invalidArgument, "the trace has a row of \(row.table) that cannot be")
                }
            }
        } catch {
            throw ToteError.storage(error)
        }
        try self.init(store: store, random: random)
        try startTrace()
    }

    /// The memory is read anew from the same file.
    fileprivate func reopen() throws(ToteError) {
        isStale = true
        try refresh()
    }
}

/// A trace as it is read from its file.
struct TraceReader {
    static let version: Int64 = 1

    struct Row {
        let table: String
        let numbers: [Int64?]
        let body: [UInt8]
        let name: String
    }

    private(set) var start: [Row] = []
    private(set) var steps: [TraceStep] = []
    private(set) var end = Value.null

    init(_ bytes: [UInt8]) throws(ToteError) {
        var isBegun = false
        for (index, line) in bytes.split(separator: 0x0A).enumerated() {
            func wrong(_ what: String) -> ToteError {
                ToteError(.invalidArgument, "line \(index + 1) of the trace: \(what)")
            }
            let value: Value
            do { value = try Encoding.json.value(Array(line)) } catch { throw wrong(error.message) }
            if index == 0 {
                guard let version = value["trace"]?.intValue else {
                    throw wrong("this is no trace")
                }
                guard version == Self.version else {
                    throw wrong("version \(version) is not known: update this program")
                }
                isBegun = true
            } else if let table = value["start"]?.textValue {
                guard let row = Row(table, value) else { throw wrong("a row that cannot be read") }
                start.append(row)
            } else if value["step"] != nil {
                guard let step = TraceStep(value) else {
                    throw wrong("a step that cannot be read")
                }
                steps.append(step)
            } else if let last = value["end"] {
                end = last
            } else {
                throw wrong("neither a row, nor a step, nor the end")
            }
        }
        guard isBegun, end != .null else {
            throw ToteError(
                .invalidArgument, "the trace is cut off: its last line says how it ended")
        }
    }
}

extension TraceReader.Row {
    init?(_ table: String, _ value: Value) {
        guard case .array(let values)? = value["numbers"] else { return nil }
        var numbers: [Int64?] = []
        for value in values {
            if value == .null {
                numbers.append(nil)
            } else if let number = value.textValue.flatMap({ Int64($0) }) {
                numbers.append(number)
            } else {
                return nil
            }
        }
        guard let body = value.bytes("body") else { return nil }
        self.init(
            table: table, numbers: numbers, body: body, name: value["name"]?.textValue ?? "")
    }
}

extension TraceStep {
    init?(_ value: Value) {
        guard let kind = value["kind"]?.textValue.flatMap(Kind.init), let facts = value["facts"],
            let body = value.bytes("body"), let request = value.bytes("request")
        else { return nil }
        self.init(kind: kind, facts: facts, body: body, request: request)
    }
}

extension Value {
    /// The bytes of a member; none when it is not there, `nil` when it is no Base 64.
    fileprivate func bytes(_ name: String) -> [UInt8]? {
        guard let text = self[name]?.textValue else { return [] }
        return Base64.bytes(text)
    }
}
