internal import ToteCore

/// Takes what people wrote out of a trace, and keeps what the rules depend on.
///
/// A word becomes another of the same length and of the same kinds of letters: the same one each
/// time that it appears, and no other's. Which one depends on a key that is thrown away. Words of
/// the protocol stay, and the marks between words, amounts, quantities and times: names keep their
/// structure, batches their sizes. Ids in texts are words like others: secrets look like them.
final class Redactor {
    private let key: [UInt8]
    /// Every word so far, and what it became; what is taken may not become another's.
    private var images: [[UInt8]: [UInt8]] = [:]
    private var taken: Set<[UInt8]>
    /// Batches were sent under the digests of their bytes, which are other bytes now.
    private var digests: [UInt64: UInt64] = [:]

    private static let attemptsMax: UInt64 = 10_000

    init(key: [UInt8]) {
        self.key = key
        taken = Set(Self.words.map { Array($0.utf8) })
    }

    private static let words: Set<String> = {
        var words: Set<String> = [
            "cart", "wishlist", "recent", "journey", "orders", "ledger", "points", "card", "main",
            "place", "cancel", "check_in", "rate", "post", "lease", "release", "redeem",
            "watermark", "store",
            "ticked", "pick", "gathered", "missing", "substituted", "shares", "owner", "editor",
            "viewer", "activate", "offer",
            "listed", "challenge", "join", "joins", "union", "max", "replace",
            "pickup_time", "screen", "quantity", "note", "title", "member", "position", "viewed",
            "value", "earned",
        ]
        words.formUnion(OrderState.allCases.map(\.rawValue))
        words.formUnion(OrderState.Actor.allCases.map(\.rawValue))
        words.formUnion(LedgerEntry.Kind.allCases.map(\.rawValue))
        words.formUnion(Tender.Kind.allCases.map(\.rawValue))
        return words
    }()

    func text(_ text: String) -> String {
        var redacted: [UInt8] = []
        redacted.reserveCapacity(text.utf8.count)
        var word: [UInt8] = []
        for byte in text.utf8 {
            guard Self.isMark(byte) else {
                word.append(byte)
                continue
            }
            redacted += image(of: word)
            redacted.append(byte)
            word = []
        }
        redacted += image(of: word)
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

    private func image(of word: [UInt8]) -> [UInt8] {
        guard !word.isEmpty, !Self.words.contains(String(decoding: word, as: UTF8.self)) else {
            return word
        }
        if let image = images[word] { return image }
        var attempt: UInt64 = 0
        var image = draw(word, attempt)
        // There are as many images of a kind as words of it, but for those of other alphabets:
        // two of these may share one.
        while !taken.insert(image).inserted, attempt < Self.attemptsMax {
            attempt += 1
            image = draw(word, attempt)
        }
        images[word] = image
        return image
    }

    private func draw(_ word: [UInt8], _ attempt: UInt64) -> [UInt8] {
        let isHex = word.count >= 16 && word.allSatisfy(Self.isHex)
        var stream: [UInt8] = []
        var block: UInt64 = 0
        while stream.count < word.count {
            stream += digest(of: word, attempt << 32 | block)
            block += 1
        }
        return zip(word, stream).enumerated().map { index, pair in
            let (byte, bits) = pair
            if isHex { return Array("0123456789abcdef".utf8)[Int(bits % 16)] }
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): return UInt8(ascii: "A") + bits % 26
            // A number that does not begin with a zero does not then.
            case UInt8(ascii: "1")...UInt8(ascii: "9") where index == 0 && word.count > 1:
                return UInt8(ascii: "1") + bits % 9
            case UInt8(ascii: "0") where index == 0 && word.count > 1: return byte
            case UInt8(ascii: "0")...UInt8(ascii: "9"): return UInt8(ascii: "0") + bits % 10
            case UInt8(ascii: "_"): return byte
            default: return UInt8(ascii: "a") + bits % 26
            }
        }
    }

    private func digest(of bytes: [UInt8], _ number: UInt64) -> [UInt8] {
        SHA256.digest(key + withUnsafeBytes(of: number) { Array($0) } + bytes)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    func name(_ name: Name) -> Name { Name(text(name.text)) }

    /// - Parameters:
    ///   - isOurs: whether members' names and numbers are the protocol's.
    ///   - areCells: whether texts are the cells that an order takes out of a cart.
    func value(_ value: Value, isOurs: Bool, areCells: Bool = false) -> Value {
        switch value {
        case .null, .bool: value
        case .int(let int): isOurs ? value : .int(number(int))
        case .text(let text): .text(areCells ? cell(text) : self.text(text))
        case .array(let values):
            .array(values.map { self.value($0, isOurs: isOurs, areCells: areCells) })
        case .map(let entries):
            .map(
                entries.map { entry in
                    Value.Entry(
                        isOurs ? entry.name : text(entry.name),
                        self.value(
                            entry.value, isOurs: isOurs,
                            areCells: isOurs && entry.name == "cells"))
                }.sorted { Name($0.name) < Name($1.name) })
        }
    }

    /// A cell keeps its dot, which the changes have as well.
    private func cell(_ text: String) -> String {
        guard let cell = CellReference(text) else { return self.text(text) }
        return CellReference(cell.dot, name(cell.field)).text
    }

    /// Another number that takes as many bytes in CBOR (RFC 8949 section 3).
    private func number(_ int: Int64) -> Int64 {
        let size = int < 0 ? UInt64(bitPattern: ~int) : UInt64(int)
        let widths: [ClosedRange<UInt64>] = [
            0...23, 24...0xFF, 0x100...0xFFFF, 0x1_0000...0xFFFF_FFFF,
            0x1_0000_0000...UInt64(Limits.integerMax - 1),
        ]
        guard let range = widths.first(where: { $0.contains(size) }) else { return int }
        let bits = digest(of: [], size).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let other = range.lowerBound + bits % UInt64(range.count)
        return int < 0 ? ~Int64(other) : Int64(other)
    }

    func key(_ key: Key) -> Key { Key(name(key.collection), name(key.item), name(key.field)) }

    func payload(_ payload: Payload, in collection: Name) -> Payload {
        let isOurs = Reserved.isReserved(collection)
        return switch payload {
        case .register(let value): .register(self.value(value, isOurs: isOurs))
        case .other(let kind, let value): .other(kind: kind, self.value(value, isOurs: isOurs))
        case .base, .delta, .flag: payload
        }
    }

    func change(_ change: Change) -> Change {
        var redacted = change
        redacted.writes = change.writes.map { write in
            Write(
                key: key(write.key),
                payload: write.payload.map { payload($0, in: write.key.collection) },
                replaces: write.replaces)
        }
        redacted.intent = change.intent.map { value($0, isOurs: true) }
        // Their names are those of a later version's protocol.
        redacted.extensions = change.extensions.map {
            Value.Entry(
                $0.name,
                $0.name == Change.channelMember ? $0.value : value($0.value, isOurs: false))
        }
        return redacted
    }

    func rejection(_ rejection: Rejection) -> Rejection {
        Rejection(code: rejection.code, details: value(rejection.details, isOurs: true))
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
        redacted.digest = run.digest.map { digest($0) }
        return redacted
    }

    /// The digest of a batch of other words; one whose bytes are not in the trace tells nothing of
    /// them either.
    func digest(_ digest: UInt64) -> UInt64 {
        digests[digest]
            ?? self.digest(of: [], digest).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A batch as it was cut; from now on its digest is known.
    func batch(_ batch: Run) -> Run {
        let redacted = run(batch)
        digests[batch.sentDigest] = redacted.sentDigest
        return redacted
    }

    func documents(_ documents: Documents) -> Documents {
        var redacted = Documents()
        for (key, cell) in documents.sortedCells() {
            redacted.insert(
                Cell(
                    dot: cell.dot, time: cell.time,
                    payload: payload(cell.payload, in: key.collection)),
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
        redacted.ticket = reply.ticket.map { _ in 0 }
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
        redacted.ticket = request.ticket.map { _ in 0 }
        redacted.changes = request.changes.map { event($0) }
        redacted.resend = request.resend.map { run($0) }
        return redacted
    }
}

extension Run {
    /// What a batch of these bytes is known by.
    var sentDigest: UInt64 { Run.shortDigest(SHA256.digest(Encoding.cbor.encode(self))) }
}
