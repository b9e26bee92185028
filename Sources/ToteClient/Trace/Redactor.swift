internal import ToteCore

/// Takes what people wrote out of a trace, and keeps what the rules depend on.
///
/// A word becomes another of the same length, the same one each time it appears; which one depends
/// on a key that is thrown away. Words of the protocol, ids, numbers of quantities, times and the
/// marks between words stay: names keep their structure, batches their sizes.
struct Redactor {
    let key: [UInt8]
    /// Batches were sent under the digests of their bytes, which are other bytes now.
    private(set) var digests: [UInt64: UInt64] = [:]

    init(key: [UInt8]) { self.key = key }

    private static let words: Set<String> = {
        var words: Set<String> = [
            "cart", "wishlist", "recent", "journey", "orders", "ledger", "points", "card", "main",
            "place", "cancel", "check_in", "lease", "release", "store", "pickup_time", "screen",
            "quantity", "note", "title", "member", "position", "viewed", "value", "earned",
        ]
        words.formUnion(OrderState.allCases.map(\.rawValue))
        words.formUnion(OrderState.Actor.allCases.map(\.rawValue))
        words.formUnion(LedgerEntry.Kind.allCases.map(\.rawValue))
        words.formUnion(Tender.Kind.allCases.map(\.rawValue))
        return words
    }()

    func text(_ text: String) -> String {
        if let cell = CellReference(text) {
            return CellReference(cell.dot, name(cell.field)).text
        }
        var redacted: [UInt8] = []
        redacted.reserveCapacity(text.utf8.count)
        var word: [UInt8] = []
        for byte in text.utf8 {
            guard Self.isMark(byte) else {
                word.append(byte)
                continue
            }
            redacted += self.word(word)
            redacted.append(byte)
            word = []
        }
        redacted += self.word(word)
        return String(decoding: redacted, as: UTF8.self)
    }

    private static func isMark(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            false
        default: true
        }
    }

    private func word(_ word: [UInt8]) -> [UInt8] {
        guard !word.isEmpty, !Self.words.contains(String(decoding: word, as: UTF8.self)),
            !Self.isID(word)
        else { return word }
        let isNumber = word.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        var letters: [UInt8] = []
        var block: UInt8 = 0
        while letters.count < word.count {
            // A number may not begin with a zero, or it would be another number's spelling.
            letters += SHA256.digest(key + [block] + word).map {
                isNumber ? UInt8(ascii: "1") + $0 % 9 : UInt8(ascii: "a") + $0 % 26
            }
            block &+= 1
        }
        return Array(letters.prefix(word.count))
    }

    /// Ids are random: they tell nothing.
    private static func isID(_ word: [UInt8]) -> Bool {
        word.count >= 16
            && word.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    func name(_ name: Name) -> Name { Name(text(name.text)) }

    func value(_ value: Value) -> Value {
        switch value {
        case .null, .bool, .int: value
        case .text(let text): .text(self.text(text))
        case .array(let values): .array(values.map { self.value($0) })
        // The members' names are the protocol's, or the app's own code's.
        case .map(let entries):
            .map(entries.map { Value.Entry($0.name, self.value($0.value)) })
        }
    }

    func key(_ key: Key) -> Key { Key(name(key.collection), name(key.item), name(key.field)) }

    func payload(_ payload: Payload) -> Payload {
        switch payload {
        case .register(let value): .register(self.value(value))
        case .other(let kind, let value): .other(kind: kind, self.value(value))
        case .base, .delta, .flag: payload
        }
    }

    func change(_ change: Change) -> Change {
        var redacted = change
        redacted.writes = change.writes.map { write in
            Write(
                key: key(write.key), payload: write.payload.map { payload($0) },
                replaces: write.replaces)
        }
        redacted.intent = change.intent.map { value($0) }
        redacted.extensions = change.extensions.map { Value.Entry($0.name, value($0.value)) }
        return redacted
    }

    func rejection(_ rejection: Rejection) -> Rejection {
        Rejection(code: rejection.code, details: value(rejection.details))
    }

    func event(_ event: Event) -> Event {
        let outcome: Event.Outcome =
            switch event.outcome {
            case .accepted: .accepted
            case .rejected(let rejection): .rejected(self.rejection(rejection))
            case .sameAs(let dot, let rejection):
                .sameAs(dot, rejection: rejection.map { self.rejection($0) })
            }
        return Event(dot: event.dot, change: change(event.change), outcome: outcome)
    }

    func run(_ run: Run) -> Run {
        var redacted = run
        redacted.events = run.events.map { event($0) }
        redacted.digest = run.digest.map { digests[$0] ?? $0 }
        return redacted
    }

    /// A batch as it was cut; from now on its digest is known.
    mutating func batch(_ batch: Run) -> Run {
        let redacted = run(batch)
        digests[batch.sentDigest] = redacted.sentDigest
        return redacted
    }

    func documents(_ documents: Documents) -> Documents {
        var redacted = Documents()
        for (key, cell) in documents.sortedCells() {
            redacted.insert(
                Cell(dot: cell.dot, time: cell.time, payload: payload(cell.payload)),
                at: self.key(key))
        }
        return redacted
    }

    func snapshot(_ snapshot: Snapshot) -> Snapshot {
        Snapshot(
            position: snapshot.position, documents: documents(snapshot.documents),
            rejections: snapshot.rejections.map { logged in
                var redacted = logged
                redacted.rejection = rejection(logged.rejection)
                return redacted
            }, next: snapshot.next)
    }

    func reply(_ reply: SyncReply) -> SyncReply {
        var redacted = reply
        redacted.fates = reply.fates.map { fate in
            var redacted = fate
            redacted.rejection = fate.rejection.map { rejection($0) }
            return redacted
        }
        redacted.events = reply.events.map { run($0) }
        redacted.snapshot = reply.snapshot.map { snapshot($0) }
        return redacted
    }

    func request(_ request: SyncRequest) -> SyncRequest {
        var redacted = request
        redacted.changes = request.changes.map { event($0) }
        redacted.resend = request.resend.map { run($0) }
        return redacted
    }
}

extension Run {
    /// What a batch of these bytes is known by.
    var sentDigest: UInt64 { Run.shortDigest(SHA256.digest(Encoding.cbor.encode(self))) }
}
