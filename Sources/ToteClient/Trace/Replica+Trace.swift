internal import ToteCore
internal import ToteSQLite

/// One step of a trace: what came into a replica from outside, and where it stood afterwards.
struct TraceStep: Hashable {
    enum Kind: String, CaseIterable {
        /// The memory was read anew: the app was started, or a transaction failed.
        case opened
        /// A change was saved. `body` is a run of this one event.
        case commit
        case withdraw, dismiss
        /// A batch was cut. `body` is its run.
        case cut
        /// A code carried what was not sent. `body` is its run.
        case carry
        /// Everything confirmed is to be fetched anew.
        case refetch
        /// A stretch of the log was sent again, or the last of it was.
        case resent
        /// A reply was taken in. `body` is the reply or the problem, `request` what it answers.
        case receive
    }

    var kind: Kind
    /// Everything that is neither text of the customer's nor large; a map.
    var facts: Value
    var body: [UInt8] = []
    var request: [UInt8] = []
}

// What a replica notes of itself, in its own file and in the transaction of what it notes: the
// trace is what happened, whatever ends the process.
extension Replica {
    /// How many steps a trace has at most, and how many bytes; then it goes on no further.
    static let traceStepsMax = 20_000
    static let traceBytesMax = 32 * 1_024 * 1_024
    /// How much of what the network did a step tells.
    private static let networkEventsMax = 64

    package var isTracing: Bool { traced != nil }

    /// Begins a trace with the state of now; one that was begun before is forgotten.
    package func startTrace() throws(ToteError) {
        try update {
            try store.beginTrace()
            // What is in memory alone is not in the trace: the device goes on from its file, too.
            try load()
            wasReloaded = false
        }
    }

    /// Forgets the trace.
    package func stopTrace() throws(ToteError) {
        try update {
            try store.dropTrace()
            traced = nil
        }
    }

    /// Notes a step, inside the transaction of what it did.
    func note(
        _ kind: TraceStep.Kind, _ facts: [String: Value] = [:], at reading: ClockReading? = nil,
        body: @autoclosure () -> [UInt8] = [], request: @autoclosure () -> [UInt8] = []
    ) throws {
        guard isTracing else { return }
        if wasReloaded {
            wasReloaded = false
            try append(TraceStep(kind: .opened, facts: .map([])))
        }
        var facts = facts
        if let reading { facts["clock"] = reading.value }
        if !networkEvents.isEmpty {
            facts["network"] = .array(networkEvents.map { .text($0) })
            networkEvents = []
        }
        facts["stands"] = standing
        try append(TraceStep(kind: kind, facts: .map(facts), body: body(), request: request()))
    }

    private func append(_ step: TraceStep) throws {
        guard let (steps, bytes) = traced, steps < Self.traceStepsMax, bytes < Self.traceBytesMax
        else { return }
        try store.append(step)
        traced = (steps + 1, bytes + step.body.count + step.request.count)
    }

    /// Remembers what the network did, for the next step: nothing but the trace is at stake.
    package func noteNetwork(_ event: String) {
        guard isTracing, networkEvents.count < Self.networkEventsMax else { return }
        networkEvents.append(event)
    }

    /// Where the replica stands, without anything that a customer wrote.
    var standing: Value {
        .map([
            "replica": .text(Hex.string(id.rawValue)),
            "cursor": cursor.map { .text("\(Hex.string($0.epoch)) \($0.position)") } ?? .null,
            "next": .int(Int64(clamping: nextCounter)),
            "clock": .text(Hex.string(clock.latest.rawValue)),
            "ticket": .bool(ticket != nil), "whole": .bool(wantsWhole),
            "resending": .bool(resending != nil),
            "batch": .int(Int64(batch?.events.count ?? 0)),
            "outbox": .map(
                Dictionary(grouping: outbox, by: { "\($0.state)" })
                    .mapValues { .int(Int64($0.count)) }),
        ])
    }
}

extension ClockReading {
    var value: Value {
        .map([
            "boot": .text(Hex.string(bootID)), "uptime": .text(Hex.string(uptimeMilliseconds)),
            "wall": .text(Hex.string(wallMilliseconds)),
        ])
    }

    init?(_ value: Value?) {
        guard let boot = value?["boot"]?.textValue.flatMap(Hex.id),
            let uptime = value?["uptime"]?.textValue.flatMap(Hex.id),
            let wall = value?["wall"]?.textValue.flatMap(Hex.id),
            max(uptime, wall) <= UInt64(Limits.integerMax)
        else { return nil }
        self.init(wallMilliseconds: wall, uptimeMilliseconds: uptime, bootID: boot)
    }
}

extension Outgoing {
    /// What a reply to it is taken in by, besides the request.
    var facts: [String: Value] {
        var facts: [String: Value] = [
            "cursor": cursor.map {
                .array([.text(Hex.string($0.epoch)), .int(Int64(clamping: $0.position))])
            } ?? .null
        ]
        switch kind {
        case .push: facts["asked"] = .text("push")
        case .pull: facts["asked"] = .text("pull")
        case .resend(let through):
            facts["asked"] = .text("resend")
            facts["through"] = .int(Int64(clamping: through))
        }
        return facts
    }

    /// From the facts and the request's bytes.
    init?(facts: Value, request: [UInt8]) {
        guard let request = try? Encoding.cbor.request(request) else { return nil }
        let kind: Kind
        switch facts["asked"]?.textValue {
        case "push": kind = .push
        case "pull": kind = .pull
        case "resend":
            guard let through = facts["through"]?.intValue, through >= 0 else { return nil }
            kind = .resend(through: UInt64(through))
        default: return nil
        }
        var cursor: Cursor?
        if case .array(let parts)? = facts["cursor"], parts.count == 2,
            let epoch = parts[0].textValue.flatMap(Hex.id), let position = parts[1].intValue,
            position >= 0
        {
            cursor = Cursor(epoch: epoch, position: UInt64(position))
        }
        self.init(kind: kind, request: request, cursor: cursor)
    }
}

extension ReplicaStore {
    /// The tables that a replica is read from; those of a trace's start have the same names behind
    /// `start_`.
    static let tracedTables = ["facts", "changes", "log", "snapshot", "batch"]

    var hasTrace: Bool {
        get throws {
            try database.row("SELECT 1 FROM sqlite_schema WHERE name = 'trace'") { _ in true }
                ?? false
        }
    }

    /// Copies what is there now, as the start of a new trace.
    func beginTrace() throws {
        try dropTrace()
        for table in Self.tracedTables {
            try database.execute("CREATE TABLE start_\(table) AS SELECT * FROM \(table)")
        }
        try database.execute("DELETE FROM start_facts WHERE name = 'catalog'")
        try database.execute(
            """
            CREATE TABLE trace (
                number INTEGER PRIMARY KEY, kind TEXT NOT NULL, facts BLOB NOT NULL,
                body BLOB NOT NULL, request BLOB NOT NULL
            ) STRICT
            """)
    }

    func dropTrace() throws {
        for table in ["trace"] + Self.tracedTables.map({ "start_\($0)" }) {
            try database.execute("DROP TABLE IF EXISTS \(table)")
        }
    }

    func append(_ step: TraceStep) throws {
        try database.run(
            "INSERT INTO trace (kind, facts, body, request) VALUES (?1, ?2, ?3, ?4)",
            .text(step.kind.rawValue), .blob(Encoding.cbor.encode(step.facts)),
            .blob(step.body), .blob(step.request))
    }

    /// The steps behind a number, at most so many.
    func steps(after number: Int64, most: Int64) throws -> [TraceStep] {
        try database.rows(
            """
            SELECT kind, facts, body, request FROM trace WHERE number > ?1
            ORDER BY number LIMIT ?2
            """,
            .int(number), .int(most)
        ) { ($0.text(0), $0.blob(1), $0.blob(2), $0.blob(3)) }
        .map { kind, facts, body, request in
            guard let kind = TraceStep.Kind(rawValue: kind) else {
                throw ToteError(.storeUnusable, "a step of the trace cannot be read")
            }
            return TraceStep(
                kind: kind, facts: try Encoding.cbor.value(facts), body: body, request: request)
        }
    }

    /// How many steps there are, and how large they are.
    func traceSize() throws -> (steps: Int, bytes: Int)? {
        guard try hasTrace else { return nil }
        return try database.row(
            "SELECT count(*), coalesce(sum(length(body) + length(request)), 0) FROM trace"
        ) { (Int($0.int(0)), Int($0.int(1))) }
    }
}
