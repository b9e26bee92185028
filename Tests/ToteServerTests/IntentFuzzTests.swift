import Testing
import ProtocolChecks
import ToteCore
import ToteServer

/// Intents and counters' bodies with every part spoilt: a code that is listed, and no trace but the
/// logged rejection.
struct IntentFuzzTests {
    private let shop: Shop
    private let before: [String]
    private let codes: [String: Set<String>]
    private let order: OrderID

    init() throws {
        shop = try Shop()
        var phone = TestDevice(1)
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
        let place = shop.tea()
        order = place.order
        try shop.place(place, by: &phone, nonce: 2)
        before = try Self.kept(shop.server.dump())
        var codes: [String: Set<String>] = [:]
        for entry in try JSON.file("errors.json").array {
            for kind in ["kind", "also"].compactMap({ entry[$0]?.text }) {
                codes[kind, default: []].insert(entry["code"]?.text ?? "")
            }
        }
        self.codes = codes
    }

    /// The database but for the log of judged changes and who pushed them.
    private static func kept(_ dump: [String]) -> [String] {
        dump.filter { !$0.hasPrefix("log ") && !$0.hasPrefix("replica ") }
    }

    private var intent: Value {
        var place = shop.tea(
            2, cells: [CellReference(Make.dot(1, 1), Fields.quantity)],
            id: OrderID(high: 5, low: 5))
        place.lines[0].note = "hot"
        place.pickupAt = shop.server.now + 3_600_000
        place.name = "Ada"
        place.note = "soon"
        place.tenders = [Tender(.external, 500, reference: "pay"), Tender(.atCounter, 100)]
        return place.value
    }

    private func request(_ intent: Value, _ encoding: Encoding = .json) -> ServerRequest {
        var sync = SyncRequest(replica: ReplicaID(0x77))
        let change = Change(
            nonce: 0x55, time: Timestamp(milliseconds: shop.server.now), intent: intent)
        sync.changes = [Event(dot: Make.dot(0x77, 1), change: change, outcome: .accepted)]
        return shop.server.request(encoding.encode(sync), encoding: encoding)
    }

    /// Sends a request and checks what must hold whatever it is.
    ///
    /// - Returns: the code, or `nil` when it was taken.
    private func judge(_ request: ServerRequest, _ what: String) throws -> String? {
        let (handled, after) = try shop.server.attempt(request)
        guard case .answer(let answer) = handled else { throw TestFailure("\(what) waits") }
        let encoding: Encoding = request.contentType == Encoding.cbor.rawValue ? .cbor : .json
        guard answer.status == 200 else {
            let code = answer.code ?? ""
            #expect(codes["problem"]?.contains(code) == true, "\(what): \(code)")
            #expect(Self.kept(after) == before, "\(what): \(code) left a trace")
            return code
        }
        let fates = try encoding.reply(answer.body).fates
        guard let code = fates.first?.rejection?.code else { return nil }
        #expect(codes["rejection"]?.contains(code) == true, "\(what): \(code)")
        #expect(Self.kept(after) == before, "\(what): \(code) left a trace")
        let logged = after.filter { $0.hasPrefix("log ") && $0.contains(Self.nonceHex) }
        #expect(logged.count == 1 && fates.count == 1, "\(what)")
        return code
    }

    private static let nonceHex = "0000000000000055"

    /// What stands where something else belongs.
    private static let strangers: [Value] = [
        .null, .bool(true), .int(-1), .int(0), .int(1), .int(1_000), .int(1_000_000_000_001),
        .int(9_007_199_254_740_991), .int(-9_007_199_254_740_991), .text(""), .text("x"),
        .text("\u{0}"), .text(String(repeating: "é", count: 300)),
        .text(String(repeating: "x", count: 70_000)), .array([]), .map([]), .array([.int(1)]),
        .array(Array(repeating: .text("x"), count: 101)),
        .array(Array(repeating: .map([]), count: 2_049)), .map(["x": .int(1)]),
        .array([.array([.array([])])]),
    ]

    /// Every value that differs from this one in one place.
    private static func spoilt(_ value: Value) -> [(what: String, value: Value)] {
        var made = strangers.filter { $0 != value }.map {
            (what: "\("\($0)".prefix(40))", value: $0)
        }
        switch value {
        case .text(let text) where !text.isEmpty:
            made.append(("cut", .text(String(text.dropLast()))))
            made.append(("longer", .text(text + "0")))
            made.append(("upper", .text(text.uppercased())))
            made.append(("backwards", .text(String(text.reversed()))))
        case .int(let int):
            made.append(("one more", .int(int + 1)))
            made.append(("one less", .int(int - 1)))
        case .array(let elements):
            made.append(("twice", .array(elements + elements)))
            for (index, element) in elements.enumerated() {
                var rest = elements
                rest.remove(at: index)
                made.append(("without \(index)", .array(rest)))
                for (what, other) in spoilt(element) {
                    rest = elements
                    rest[index] = other
                    made.append(("\(index): \(what)", .array(rest)))
                }
            }
        case .map(let entries):
            made.append(("a stranger", .map(entries + [Value.Entry("zzz", .int(1))])))
            for (index, entry) in entries.enumerated() {
                var rest = entries
                rest.remove(at: index)
                made.append(("without \(entry.name)", .map(rest)))
                for (what, other) in spoilt(entry.value) {
                    rest = entries
                    rest[index] = Value.Entry(entry.name, other)
                    made.append(("\(entry.name): \(what)", .map(rest)))
                }
            }
        default: break
        }
        return made
    }

    @Test func `an order with any one part spoilt is refused by a listed code, or taken`() throws {
        #expect(try judge(request(intent), "as it was") == nil)
        var found: [String: Int] = [:]
        for (what, value) in Self.spoilt(intent) {
            found[try judge(request(value), what) ?? "taken", default: 0] += 1
        }
        let expected: Set<String> = [
            "intent_malformed", "unsupported", "store_unknown", "currency_mismatch",
            "pickup_time_passed", "product_unknown", "tenders_mismatch", "value_too_large",
            "malformed", "price_changed",
        ]
        #expect(Set(found.keys).isSuperset(of: expected), "\(found)")
        #expect(found["taken", default: 0] > 5 && found["intent_malformed", default: 0] > 300)
    }

    @Test(arguments: ["cancel", "check_in"])
    func `a step of a customer with any one part spoilt is refused or taken`(kind: String) throws {
        let members: [String: Value] = ["kind": .text(kind), "order": .text(order.text)]
        let whole = Value.map(
            kind == "cancel" ? members : members.merging(["spot": .text("3")]) { $1 })
        #expect(try judge(request(whole), "as it was") == nil)
        var found: Set<String> = []
        for (what, value) in Self.spoilt(whole) {
            if let code = try judge(request(value), what) { found.insert(code) }
        }
        #expect(found.isSuperset(of: ["intent_malformed", "unsupported"]))
    }

    @Test func `a change whose intent is not a change's place for writes is refused`() throws {
        var sync = SyncRequest(replica: ReplicaID(0x77))
        var change = Make.add(nonce: 0x55)
        change.intent = intent
        sync.changes = [Event(dot: Make.dot(0x77, 1), change: change, outcome: .accepted)]
        let bytes = Encoding.json.encode(sync)
        let found = try judge(shop.server.request(bytes, encoding: .json), "with writes")
        #expect(found == "intent_malformed")
    }

    @Test(arguments: Encoding.allCases)
    func `an order cut at any byte is refused, with any byte changed it is refused or taken`(
        encoding: Encoding
    ) throws {
        let bytes = request(intent, encoding).body
        var found: Set<String> = []
        for count in 0..<bytes.count {
            let cut = shop.server.request(Array(bytes[..<count]), encoding: encoding)
            #expect(try judge(cut, "cut at \(count)") == "malformed")
        }
        let values: [UInt8] =
            encoding == .cbor ? [0, 0x18, 0x60, 0x80, 0xA0, 0xFF] : Array("0\"{[".utf8)
        for index in bytes.indices {
            for value in values + [bytes[index] ^ 1] where value != bytes[index] {
                var mutated = bytes
                mutated[index] = value
                let request = shop.server.request(mutated, encoding: encoding)
                let code = try judge(request, "byte \(index) is \(value)")
                found.insert(code ?? "taken")
            }
        }
        #expect(found.isSuperset(of: ["malformed", "intent_malformed"]), "\(found)")
    }

    @Test(arguments: [
        ("orders/{}/steps", #"{"to":"confirmed","reason":"r"}"#), ("handover", #"{"code":"ABCD"}"#),
        ("handover", #"{"order":"{}","at":1800000000000}"#),
        ("orders/{}/override", #"{"to":"ready","reason":"r"}"#),
        ("orders/{}/undo", "{}"), ("orders/{}/dismiss", "{}"),
        ("availability", #"{"sku":"tea","available":true}"#),
    ])
    func `a counter's body with any one part spoilt is refused by a listed code, or taken`(
        path: String, body: String
    ) throws {
        func request(_ bytes: [UInt8]) -> ServerRequest {
            let parts = path.replacing("{}", with: order.text).split(separator: "/")
            var request = ServerRequest(
                method: "POST", path: ["v1", "stores", "s-1"] + parts.map(String.init),
                requestID: "r")
            request.authorization = "Bearer \(shop.manager)"
            request.ifMatch = "\"1\""
            request.idempotencyKey = "k"
            request.body = bytes
            return request
        }
        let whole = Array(body.replacing("\"{}\"", with: "\"\(order.text)\"").utf8)
        var bodies = (0..<whole.count).map { Array(whole[..<$0]) }
        for (_, value) in Self.spoilt(try Encoding.json.value(whole)) {
            bodies.append(Encoding.json.encode(value))
        }
        for bytes in bodies {
            let (handled, after) = try shop.server.attempt(request(bytes))
            guard case .answer(let answer) = handled else { throw TestFailure("waits") }
            guard answer.status != 200 else { continue }
            let what = String(decoding: bytes.prefix(80), as: UTF8.self)
            let code = answer.code ?? ""
            #expect(answer.status < 500, "\(what): \(answer.status)")
            let isListed = codes.values.contains { $0.contains(code) }
            #expect(isListed, "\(what): \(code)")
            // A refusal that is final for its key is kept for it.
            let left = Self.kept(after).filter { !$0.hasPrefix("answers ") }
            #expect(left == before, "\(what): \(code) left a trace")
        }
    }
}
