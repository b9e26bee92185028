internal import ToteCore
internal import ToteSQLite

// A trace as a file: lines of JSON. First what was there at the start, a row a line; then the steps
// in their order; last how it ended. Texts are redacted on the way out, see `Redactor`.

extension Replica {
    /// The trace as a file that holds nothing that a customer wrote.
    ///
    /// - Parameter random: for the key of the redaction, which is kept nowhere.
    /// - Throws: `notFound` when none was begun; `storage` and its kin.
    package func exportTrace(random: () -> UInt64) throws(ToteError) -> [UInt8] {
        try refresh()
        guard let traced else {
            throw ToteError(.notFound, "no trace was begun: startTrace begins one")
        }
        let key = (0..<4).flatMap { _ in withUnsafeBytes(of: random()) { Array($0) } }
        do {
            let redactor = Redactor(key: key)
            var file = TraceWriter()
            let isFull = traced.steps >= Self.traceStepsMax || traced.bytes >= Self.traceBytesMax
            file.line([
                "trace": .int(TraceReader.version), "steps": .int(Int64(traced.steps)),
                "full": .bool(isFull),
            ])
            try store.exportStart(redactor, into: &file)
            var number: Int64 = 0
            while true {
                let steps = try store.steps(after: number, most: 256)
                for step in steps {
                    number += 1
                    file.step(try step.redacted(redactor), number: number)
                }
                if steps.count < 256 { break }
            }
            var end: [String: Value] = [:]
            if !isFull {
                end["stands"] = standing
                end["state"] = .text(stateDigest { redactor.documents($0) })
            }
            file.line(["end": .map(end)])
            return file.bytes
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// A digest of what the device shows as confirmed, and of what waits to be.
    ///
    /// - Parameter redact: what the documents go through first.
    func stateDigest(_ redact: (Documents) -> Documents = { $0 }) -> String {
        let snapshot = Snapshot(
            position: cursor?.position ?? 0, documents: redact(view.confirmed))
        let waiting = outbox.map { entry in
            "\(entry.dot.replica.rawValue).\(entry.dot.counter) \(entry.change.nonce) "
                + "\(entry.state) \(entry.isVisible) \(entry.position ?? 0)\n"
        }
        return Hex.string(
            SHA256.digest(Encoding.cbor.encode(snapshot) + Array(waiting.joined().utf8)))
    }
}

extension TraceStep {
    /// The step without what people wrote. What was no reply of a server's becomes a byte.
    fileprivate func redacted(_ redactor: Redactor) throws -> TraceStep {
        var step = self
        switch kind {
        case .commit: step.body = Encoding.cbor.encode(redactor.run(try Encoding.cbor.run(body)))
        case .cut, .carry:
            step.body = Encoding.cbor.encode(redactor.batch(try Encoding.cbor.run(body)))
        case .receive:
            step.request = Encoding.cbor.encode(
                redactor.request(try Encoding.cbor.request(request)))
            if let reply = try? Encoding.cbor.reply(body) {
                step.body = Encoding.cbor.encode(redactor.reply(reply))
            } else if let problem = try? Encoding.json.value(body) {
                let kept = ["code", "epoch", "server_time"].compactMap { name in
                    problem[name].map { (name, $0) }
                }
                step.body = Encoding.json.encode(
                    .map(Dictionary(uniqueKeysWithValues: kept)))
            } else {
                step.body = [0xFF]
            }
        case .opened, .withdraw, .dismiss, .resent, .refetch: break
        }
        return step
    }
}

/// Lines of JSON.
private struct TraceWriter {
    private(set) var bytes: [UInt8] = []

    mutating func line(_ members: [String: Value]) {
        bytes += Encoding.json.encode(.map(members)) + [0x0A]
    }

    mutating func row(_ table: String, _ numbers: [Int64?], _ body: [UInt8]?, name: String? = nil) {
        var members: [String: Value] = [
            "start": .text(table),
            "numbers": .array(numbers.map { $0.map { .text(String($0)) } ?? .null }),
        ]
        if let body { members["body"] = .text(Base64.string(body)) }
        if let name { members["name"] = .text(name) }
        line(members)
    }

    mutating func step(_ step: TraceStep, number: Int64) {
        var members: [String: Value] = [
            "step": .int(number), "kind": .text(step.kind.rawValue), "facts": step.facts,
        ]
        if !step.body.isEmpty { members["body"] = .text(Base64.string(step.body)) }
        if !step.request.isEmpty { members["request"] = .text(Base64.string(step.request)) }
        line(members)
    }
}

extension ReplicaStore {
    fileprivate func exportStart(
        _ redactor: Redactor, into file: inout TraceWriter
    ) throws {
        for (name, number) in try database.rows(
            "SELECT name, value FROM start_facts WHERE typeof(value) = 'integer' ORDER BY name",
            map: { ($0.text(0), $0.int(1)) })
        {
            file.row("facts", [name == "ticket" ? 0 : number], nil, name: name)
        }
        if let formerly = try database.row(
            "SELECT value FROM start_facts WHERE name = 'formerly'", map: { $0.blob(0) })
        {
            file.row("facts", [], formerly, name: "formerly")
        }
        // First: what is in the outbox went under its digest.
        if let batch = try database.row("SELECT body FROM start_batch", map: { $0.blob(0) }) {
            let run = redactor.batch(try Encoding.cbor.run(batch))
            file.row("batch", [], Encoding.cbor.encode(run))
        }
        let changes = try database.rows(
            """
            SELECT nonce, sequence, replica, counter, wall, uptime, boot, floor, state,
                outstanding, visible, digest, position, own, body, code FROM start_changes
            ORDER BY sequence
            """
        ) { row in
            (
                (0..<14).map { row.isNull($0) ? nil : row.int($0) }, row.optionalBlob(14),
                row.optionalText(15)
            )
        }
        for (numbers, body, code) in changes {
            let run = try body.map { try Encoding.cbor.run($0) }
            var numbers = numbers
            numbers[11] = numbers[11].map {
                Int64(bitPattern: redactor.digest(UInt64(bitPattern: $0)))
            }
            file.row(
                "changes", numbers, run.map { Encoding.cbor.encode(redactor.run($0)) }, name: code)
        }
        let log = try database.rows(
            "SELECT sequence, position, held, time, body FROM start_log ORDER BY sequence"
        ) { row in ((0..<4).map { row.isNull($0) ? nil : row.int($0) }, row.blob(4)) }
        for (numbers, body) in log {
            let run = redactor.run(try Encoding.cbor.run(body))
            file.row("log", numbers, Encoding.cbor.encode(run))
        }
        if let body = try database.row("SELECT body FROM start_snapshot", map: { $0.blob(0) }) {
            let snapshot = redactor.snapshot(try Encoding.cbor.snapshot(body))
            file.row(
                "snapshot", [Int64(bitPattern: snapshot.position)], Encoding.cbor.encode(snapshot))
        }
    }

    /// Facts that are any 64 bits; the others are numbers that the protocol can write.
    private static let bitFacts: Set<String> = [
        "replica", "epoch", "ticket", "resend_epoch", "anchor_boot",
    ]
    /// Facts that are stamps.
    private static let stampFacts: Set<String> = ["clock", "stamped"]

    /// Puts a row of a trace's start in its place.
    ///
    /// - Returns: false for a row that no device can have.
    func restore(
        _ table: String, _ numbers: [Int64?], _ body: [UInt8], name: String
    ) throws -> Bool {
        func number(_ index: Int) -> Parameter { numbers[index].map { .int($0) } ?? .null }
        func isNumber(_ index: Int, orNone: Bool = false) -> Bool {
            numbers[index].map { (0...Int64(Limits.integerMax)).contains($0) } ?? orNone
        }
        switch (table, numbers.count) {
        case ("facts", 1):
            let isStamp = Self.stampFacts.contains(name)
            guard Self.bitFacts.contains(name) || isStamp || isNumber(0),
                !isStamp || (numbers[0] ?? -1) >= 0
            else { return false }
            try database.run(
                "INSERT OR REPLACE INTO facts VALUES (?1, ?2)", .text(name), number(0))
        case ("facts", 0):
            guard name == "formerly", body.count % 8 == 0 else { return false }
            try database.run(
                "INSERT OR REPLACE INTO facts VALUES (?1, ?2)", .text(name), .blob(body))
        case ("batch", 0):
            _ = try Encoding.cbor.run(body)
            try database.run("INSERT INTO batch VALUES (1, ?1)", .blob(body))
        case ("log", 4):
            guard isNumber(0), isNumber(1, orNone: true), isNumber(2), isNumber(3),
                let run = try? Encoding.cbor.run(body),
                numbers[1].map({ $0 == Int64(clamping: run.position) }) ?? true
            else { return false }
            try database.run(
                """
                INSERT INTO log (sequence, position, held, time, body)
                VALUES (?1, ?2, ?3, ?4, ?5)
                """,
                number(0), number(1), number(2), number(3), .blob(body))
        case ("snapshot", 1):
            guard isNumber(0), let snapshot = try? Encoding.cbor.snapshot(body),
                numbers[0] == Int64(clamping: snapshot.position)
            else { return false }
            try database.run("INSERT INTO snapshot VALUES (1, ?1, ?2)", number(0), .blob(body))
        case ("changes", 14):
            // Sequence, counter, the clocks, state, outstanding, visible, position, own.
            let isFit = [1, 3, 4, 5, 8, 9, 10, 13].allSatisfy { isNumber($0) }
            guard isFit, isNumber(12, orNone: true), (numbers[7] ?? -1) >= 0,
                numbers[0] != nil, numbers[2] != nil, numbers[6] != nil,
                body.isEmpty || (try? Encoding.cbor.run(body))?.events.count == 1
            else { return false }
            try insert(changes: numbers, body, code: name)
        default: return false
        }
        return true
    }

    private func insert(changes numbers: [Int64?], _ body: [UInt8], code: String) throws {
        func number(_ index: Int) -> Parameter { numbers[index].map { .int($0) } ?? .null }
        try database.run(
            """
            INSERT INTO changes (nonce, sequence, replica, counter, wall, uptime, boot, floor,
                state, outstanding, visible, digest, position, own, body, code, label)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, '')
            """,
            number(0), number(1), number(2), number(3), number(4), number(5), number(6),
            number(7), number(8), number(9), number(10), number(11), number(12), number(13),
            body.isEmpty ? .null : .blob(body), code.isEmpty ? .null : .text(code))
    }
}
