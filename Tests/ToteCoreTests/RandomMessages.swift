import Testing
import ToteCore

/// Random messages of every type, canonical as the codecs keep them.
struct RandomMessages {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func id() -> UInt64 { random.chance(10) ? random.pick([0, .max]) : random.next() }

    mutating func number() -> UInt64 {
        let most = UInt64(Limits.integerMax)
        switch random.below(6) {
        case 0: return random.pick([0, 1, 23, 24, 255, 256, 65_535, 65_536, most])
        case 1: return random.next() % most
        default: return random.next() % 300
        }
    }

    mutating func integer() -> Int64 {
        let value = Int64(number())
        return random.chance(50) ? value : -value
    }

    mutating func text() -> String {
        let pieces = [
            "a", "latte", "\u{E9}", "e\u{301}", "\"", "\\", "/", "\n", "\u{0}", "\u{1F}", "\u{7F}",
            "\u{2028}", "\u{FFFF}", "\u{10FFFF}", "\u{1F469}\u{200D}\u{1F373}", " ", "nonce",
        ]
        return (0..<random.below(5)).map { _ in random.pick(pieces) }.joined()
    }

    mutating func value(depth: Int = Limits.valueDepthMax) -> Value {
        switch random.below(depth > 0 ? 7 : 5) {
        case 0: return .null
        case 1: return .bool(random.chance(50))
        case 2: return .int(integer())
        case 3, 4: return .text(text())
        case 5: return .array((0..<random.below(4)).map { _ in value(depth: depth - 1) })
        default: return map(depth: depth - 1)
        }
    }

    mutating func map(depth: Int) -> Value {
        var names = Set<Name>()
        for _ in 0..<random.below(4) { names.insert(Name(text())) }
        return .map(names.sorted().map { Value.Entry($0.text, value(depth: depth)) })
    }

    mutating func dot() -> Dot { Dot(ReplicaID(id()), 1 + number() % (1 << 40)) }

    mutating func time() -> Timestamp {
        Timestamp(milliseconds: number(), count: UInt16(random.below(65_536)))
    }

    mutating func key() -> Key { Key(Name(text()), Name(text()), Name(text())) }

    mutating func payload() -> Payload {
        switch random.below(6) {
        case 0: .register(value())
        case 1: .base(integer())
        case 2, 3: .delta(integer())
        case 4: .flag
        default: .other(kind: 4 + number() % 1_000, value())
        }
    }

    mutating func rejection() -> Rejection {
        Rejection(code: "code_\(random.below(9))", details: random.chance(50) ? .map([]) : value())
    }

    mutating func change(_ keys: [Key]) -> Change {
        var change = Change(nonce: id(), time: random.chance(10) ? .zero : time())
        for _ in 0..<random.below(4) {
            var write = Write(key: random.pick(keys), payload: nil)
            if random.chance(80) { write.payload = payload() }
            for _ in 0..<random.below(3) { write.replaces.append(dot()) }
            change.writes.append(write)
        }
        if random.chance(10) { change.intent = value() }
        if random.chance(20) {
            change.extensions = Set((0..<3).map { _ in Name("x_" + text()) }).sorted()
                .map { Value.Entry($0.text, value()) }
        }
        return change
    }

    mutating func events(
        _ replica: ReplicaID, _ counter: UInt64, count: Int, judged: Bool
    ) -> [Event] {
        let keys = (0..<1 + random.below(12)).map { _ in key() }
        return (0..<count).map { index in
            var outcome = Event.Outcome.accepted
            if judged, random.chance(20) { outcome = .rejected(rejection()) }
            if judged, random.chance(20) {
                outcome = .sameAs(dot(), rejection: random.chance(50) ? nil : rejection())
            }
            return Event(
                dot: Dot(replica, counter + UInt64(index)), change: change(keys), outcome: outcome)
        }
    }

    mutating func run() -> Run {
        let replica = ReplicaID(id())
        let counter = 1 + number() % (1 << 50)
        var run = Run(
            replica: replica, counter: counter,
            events: events(replica, counter, count: 1 + random.below(4), judged: true))
        if random.chance(50) { run.position = 1 + number() % (1 << 40) }
        if random.chance(30) { run.digest = id() }
        return run
    }

    mutating func cursor() -> Cursor { Cursor(epoch: id(), position: number()) }

    mutating func request() -> SyncRequest {
        var request = SyncRequest(replica: ReplicaID(id()))
        if random.chance(70) { request.cursor = cursor() }
        if random.chance(50) { request.ticket = id() }
        if random.chance(60) {
            request.counter = 1 + number() % (1 << 50)
            request.changes = events(
                request.replica, request.counter, count: 1 + random.below(4), judged: false)
        }
        for _ in 0..<random.pick([0, 0, 2]) { request.formerly.append(ReplicaID(id())) }
        if random.chance(20) { request.waitSeconds = 1 + number() % 25 }
        for _ in 0..<random.pick([0, 0, 0, 2]) { request.resend.append(run()) }
        if random.chance(20) {
            request.page = SyncRequest.Page(position: number(), next: number())
        }
        request.wantsWhole = random.chance(20)
        return request
    }

    mutating func documents() -> Documents {
        var documents = Documents()
        let replicas = (0..<1 + random.below(3)).map { _ in ReplicaID(id()) }
        let keys = (0..<1 + random.below(5)).map { _ in key() }
        for counter in 0..<UInt64(random.below(8)) {
            let dot = Dot(random.pick(replicas), counter + 1)
            let cell = Cell(dot: dot, time: time(), payload: payload())
            documents.insert(cell, at: random.pick(keys))
        }
        return documents
    }

    mutating func snapshot() -> Snapshot {
        var snapshot = Snapshot(position: 1 + number() % (1 << 40), documents: documents())
        for _ in 0..<random.below(3) {
            snapshot.rejections.append(
                LoggedRejection(dot: dot(), nonce: id(), time: time(), rejection: rejection()))
        }
        if random.chance(30) { snapshot.next = number() }
        return snapshot
    }

    mutating func reply() -> SyncReply {
        var reply = SyncReply(cursor: cursor(), serverTime: time())
        if random.chance(50) { reply.ticket = id() }
        for _ in 0..<random.below(4) {
            var fate = Fate(position: 1 + number() % (1 << 40))
            if random.chance(30) { fate.sameAs = dot() }
            if random.chance(30) { fate.rejection = rejection() }
            reply.fates.append(fate)
        }
        for _ in 0..<random.below(3) { reply.events.append(run()) }
        if random.chance(30) { reply.snapshot = snapshot() }
        reply.covered = number()
        reply.hasMore = random.chance(30)
        return reply
    }
}

/// A message type with its two doors: what the torture goes through.
struct MessageType: Sendable, CustomTestStringConvertible {
    var name: String
    /// Encodes a random message of the type and tells whether it came back equal.
    var sample: @Sendable (UInt64, Encoding) -> (bytes: [UInt8], comesBack: Bool)
    /// Decodes and encodes again.
    var again: @Sendable ([UInt8], Encoding) throws(WireError) -> [UInt8]

    var testDescription: String { name }

    static let all: [MessageType] = [
        MessageType(
            name: "request",
            sample: { seed, encoding in
                var messages = RandomMessages(seed: seed)
                let message = messages.request()
                let bytes = encoding.encode(message)
                return (bytes, (try? encoding.request(bytes)) == message)
            },
            again: { (bytes, encoding) throws(WireError) in
                encoding.encode(try encoding.request(bytes))
            }),
        MessageType(
            name: "reply",
            sample: { seed, encoding in
                var messages = RandomMessages(seed: seed)
                let message = messages.reply()
                let bytes = encoding.encode(message)
                return (bytes, (try? encoding.reply(bytes)) == message)
            },
            again: { (bytes, encoding) throws(WireError) in
                encoding.encode(try encoding.reply(bytes))
            }),
        MessageType(
            name: "run",
            sample: { seed, encoding in
                var messages = RandomMessages(seed: seed)
                let message = messages.run()
                let bytes = encoding.encode(message)
                return (bytes, (try? encoding.run(bytes)) == message)
            },
            again: { (bytes, encoding) throws(WireError) in
                encoding.encode(try encoding.run(bytes))
            }),
        MessageType(
            name: "snapshot",
            sample: { seed, encoding in
                var messages = RandomMessages(seed: seed)
                let message = messages.snapshot()
                let bytes = encoding.encode(message)
                return (bytes, (try? encoding.snapshot(bytes)) == message)
            },
            again: { (bytes, encoding) throws(WireError) in
                encoding.encode(try encoding.snapshot(bytes))
            }),
        MessageType(
            name: "value",
            sample: { seed, encoding in
                var messages = RandomMessages(seed: seed)
                let message = messages.value()
                let bytes = encoding.encode(message)
                return (bytes, (try? encoding.value(bytes)) == message)
            },
            again: { (bytes, encoding) throws(WireError) in
                encoding.encode(try encoding.value(bytes))
            }),
    ]
}
