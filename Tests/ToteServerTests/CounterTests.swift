import Testing
import ToteCore
import ToteServer

struct CounterTests {
    private func ids(_ value: Value, _ member: String) -> [String] {
        guard case .array(let entries)? = value[member] else { return [] }
        return entries.compactMap { $0["id"]?.textValue }
    }

    @Test func `an order goes from placed to collected and everybody sees each step`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let place = shop.tea()
        try shop.place(place, by: &phone, nonce: 1)
        try shop.step(place.order, "confirmed", "preparing", "ready")
        let order = try #require(try shop.documentsOrder(place.order))
        #expect(order.readyAt == shop.server.now)
        let done = try shop.call(
            "POST", "s-1/handover", "{\"code\":\"\(order.code ?? "")\"}".lowercased())
        #expect(done.status == 200 && done.value["state"] == .text("collected"))
        let after = try #require(try shop.documentsOrder(place.order))
        #expect(
            after.steps.map(\.state) == [.placed, .confirmed, .preparing, .ready, .collected])
        #expect(after.steps.map(\.by) == ["customer", "till-1", "till-1", "till-1", "till-1"])
        #expect(after.version == 5)
        #expect(try shop.server.faults() == [])
    }

    @Test func `a step is taken at the version it was meant for and once for a key`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let place = shop.tea()
        try shop.place(place, by: &phone, nonce: 1)
        let path = "s-1/orders/\(place.order.text)/steps"
        #expect(try shop.call("POST", path, #"{"to":"ready"}"#).status == 428)
        #expect(
            try shop.call("POST", path, #"{"to":"ready"}"#, version: 1, key: "").status == 400)
        let first = try shop.call("POST", path, #"{"to":"preparing"}"#, version: 1, key: "k")
        let again = try shop.call("POST", path, #"{"to":"preparing"}"#, version: 1, key: "k")
        #expect(first.status == 200 && again.status == 200)
        #expect(first.response.body == again.response.body)
        #expect(again.response.headers.contains { $0.name == "Idempotent-Replayed" })
        let reused = try shop.call("POST", path, #"{"to":"ready"}"#, version: 1, key: "k")
        #expect(reused.status == 422 && reused.value["code"] == .text("idempotency_key_reused"))
        let stale = try shop.call("POST", path, #"{"to":"ready"}"#, version: 1)
        #expect(stale.status == 412 && stale.value["order"]?["version"] == .int(2))
        let illegal = try shop.call("POST", path, #"{"to":"confirmed"}"#, version: 2)
        #expect(illegal.status == 409 && illegal.value["state"] == .text("preparing"))
        #expect(try shop.call("POST", path, #"{"to":"collected"}"#, version: 2).status == 409)
    }

    @Test func `of a thousand races for one order each has one winner and the loser is told`()
        throws
    {
        let shop = try Shop()
        let second = try shop.server.mint(
            #"{"spaces":[{"space":"store:s-1"}],"role":"staff","label":"till-2"}"#)
        var phone = TestDevice(1)
        let random = TestRandom(seed: 5)
        for race in 1...1_000 as ClosedRange<UInt64> {
            let place = shop.tea()
            #expect(try shop.place(place, by: &phone, nonce: race) == nil)
            let ready = try shop.call(
                "POST", "s-1/orders/\(place.order.text)/steps", #"{"to":"ready"}"#, version: 1)
            #expect(ready.status == 200)
            let tokens = random.below(2) == 0 ? [shop.staff, second] : [second, shop.staff]
            let body = "{\"order\":\"\(place.order.text)\"}"
            // Both are in one group, as when they come at the same moment.
            let answers = try tokens.map {
                try shop.call("POST", "s-1/handover", body, token: $0)
            }
            let winner = tokens[0] == second ? "till-2" : "till-1"
            #expect(answers[0].status == 200 && answers[1].status == 409)
            #expect(answers[1].value["code"] == .text("already_collected"))
            #expect(answers[1].value["by"] == .text(winner))
            #expect(answers[1].value["at"] == .int(Int64(shop.server.now)))
            shop.server.now += 700_000
        }
    }

    @Test func `wrong codes are counted and lock the token but not the other counter`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let place = shop.tea()
        try shop.place(place, by: &phone, nonce: 1)
        try shop.step(place.order, "ready")
        var left: [Int64?] = []
        for _ in 0..<5 {
            let answer = try shop.call("POST", "s-1/handover", #"{"code":"ZZZZ"}"#)
            #expect(answer.status == 422 && answer.value["code"] == .text("wrong_code"))
            left.append(answer.value["attempts_left"]?.intValue)
        }
        #expect(left == [4, 3, 2, 1, 0])
        let code = try #require(try shop.documentsOrder(place.order)?.code)
        let locked = try shop.call("POST", "s-1/handover", "{\"code\":\"\(code)\"}")
        #expect(locked.status == 429 && locked.value["code"] == .text("locked"))
        #expect(locked.response.headers.contains { $0.name == "Retry-After" })
        let other = try shop.call(
            "POST", "s-1/handover", "{\"code\":\"\(code)\"}", token: shop.manager)
        #expect(other.status == 200)
        shop.server.now += 301_000
        let freed = try shop.call("POST", "s-1/handover", #"{"code":"ZZZZ"}"#)
        #expect(freed.value["attempts_left"] == .int(4))
    }

    @Test func `a hand-over is undone within a minute and later by a manager on record`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let place = shop.tea()
        try shop.place(place, by: &phone, nonce: 1)
        try shop.step(place.order, "ready")
        let body = "{\"order\":\"\(place.order.text)\"}"
        let path = "s-1/orders/\(place.order.text)"
        #expect(try shop.call("POST", "s-1/handover", body).status == 200)
        shop.server.now += 60_000
        #expect(try shop.call("POST", "\(path)/undo").value["state"] == .text("ready"))
        #expect(try shop.call("POST", "s-1/handover", body).status == 200)
        shop.server.now += 60_001
        let late = try shop.call("POST", "\(path)/undo")
        #expect(late.status == 409 && late.value["code"] == .text("undo_too_late"))
        let reason = #"{"to":"ready","reason":"wrong bag"}"#
        #expect(try shop.call("POST", "\(path)/override", reason).status == 404, "staff may not")
        let done = try shop.call("POST", "\(path)/override", reason, token: shop.manager)
        #expect(done.status == 200 && done.value["state"] == .text("ready"))
        let audit = try shop.server.value(shop.server.admin("GET", "v1/admin/audit"))
        guard case .array(let entries)? = audit["entries"] else { throw TestFailure("\(audit)") }
        #expect(entries.first?["what"] == .text("collected to ready"))
        #expect(entries.first?["label"] == .text("boss"))
        #expect(entries.first?["reason"] == .text("wrong bag"))
    }

    @Test func `what was handed over while cut off is taken and a cancelled one is disputed`()
        throws
    {
        let shop = try Shop()
        var phone = TestDevice(1)
        let (kept, cancelled) = (shop.tea(), shop.tea())
        try shop.place(kept, by: &phone, nonce: 1)
        try shop.place(cancelled, by: &phone, nonce: 2)
        try shop.step(kept.order, "ready")
        try shop.step(cancelled.order, "ready")
        let made = shop.server.now + 1_000
        shop.server.now += 90_000
        try shop.step(cancelled.order, "cancelled")
        func late(_ place: PlaceIntent) -> String {
            "{\"order\":\"\(place.order.text)\",\"at\":\(made)}"
        }
        let taken = try shop.call("POST", "s-1/handover", late(kept))
        #expect(taken.status == 200)
        #expect(try shop.documentsOrder(kept.order)?.steps.last?.at == made)
        let disputed = try shop.call("POST", "s-1/handover", late(cancelled))
        #expect(disputed.status == 409 && disputed.value["code"] == .text("order_closed"))
        #expect(try shop.documentsOrder(cancelled.order)?.isDisputed == true)
        let alarm = try shop.call("GET", "s-1/orders", query: ["state": "ready", "since": "0-0"])
        #expect(alarm.status == 410)
        // A board that is switched on now sees the alarm too, until it is dismissed.
        let states = ["state": "preparing,ready"]
        let seen = try shop.call("GET", "s-1/orders", query: states)
        #expect(ids(seen.value, "orders") == [cancelled.order.text])
        let path = "s-1/orders/\(cancelled.order.text)/dismiss"
        #expect(try shop.call("POST", path).status == 200)
        let later = try shop.call("GET", "s-1/orders", query: states)
        #expect(ids(later.value, "orders") == [])
        #expect(try shop.documentsOrder(cancelled.order)?.isDisputed == false)
    }

    @Test func `an order that nobody collects expires and can still be resolved`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let place = shop.tea()
        try shop.place(place, by: &phone, nonce: 1)
        try shop.step(place.order, "ready")
        let pickup = try #require(try shop.documentsOrder(place.order)?.pickupAt)
        let due = try #require(try shop.server.server.nextDue())
        #expect(due == pickup + 120 * 60_000)
        try shop.server.inGroup { try shop.server.server.runDue(at: due - 1) }
        #expect(try shop.documentsOrder(place.order)?.state == .ready)
        shop.server.now = due
        try shop.server.inGroup { try shop.server.server.runDue(at: due) }
        #expect(try shop.documentsOrder(place.order)?.state == .expired)
        #expect(try shop.server.server.nextDue() == nil)
        let body = "{\"order\":\"\(place.order.text)\"}"
        #expect(try shop.call("POST", "s-1/handover", body).value["state"] == .text("collected"))
    }

    @Test func `a poll with an ETag costs nothing while nothing happens`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let first = try shop.call("GET", "s-1/orders")
        let tag = try #require(first.response.headers.first { $0.name == "ETag" }?.value)
        #expect(try shop.call("GET", "s-1/orders", tag: tag).status == 304)
        try shop.place(shop.tea(), by: &phone, nonce: 1)
        let next = try shop.call("GET", "s-1/orders", tag: tag)
        #expect(next.status == 200 && ids(next.value, "orders").count == 1)
    }

    @Test func `a server under load asks pollers to stay away for a while`() throws {
        let shop = try Shop()
        #expect(try shop.call("GET", "s-1/orders").value["poll_after_ms"] == nil)
        shop.server.server.loadHint = 750
        #expect(try shop.call("GET", "s-1/orders").value["poll_after_ms"] == .int(750))
    }

    @Test(arguments: [
        ["state": "queued"], ["state": "ready,,"], ["wait": "26"], ["limit": "0"], ["x": "1"],
    ])
    func `a poll that cannot be read is refused`(query: [String: String]) throws {
        let shop = try Shop()
        let answer = try shop.call("GET", "s-1/orders", query: query)
        #expect(answer.status == 400 && answer.value["code"] == .text("bad_query"))
    }

    @Test func `a cursor of another server is answered with the way back`() throws {
        let shop = try Shop()
        for since in ["x", "0-1", "0000000000000001-4"] {
            let answer = try shop.call("GET", "s-1/orders", query: ["since": since])
            #expect(answer.status == 410 && answer.value["code"] == .text("cursor_expired"))
        }
    }

    /// A counter that follows its cursor against the whole history of the store, over restarts.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func `a counter that polls sees every outcome once`(seed: UInt64) throws {
        let shop = try Shop(capacity: 1_000)
        let random = TestRandom(seed: seed)
        var phone = TestDevice(1)
        var orders: [OrderID] = []
        let follower = Follower(shop, "seed \(seed)")
        for nonce in 1...60 as ClosedRange<UInt64> {
            switch random.below(6) {
            case 0,
                1 where orders.count < 15:
                let place = shop.tea()
                orders.append(place.order)
                _ = try phone.push([shop.change(.place(place), nonce: nonce)], to: follower.server)
            case 2:
                try follower.poll()
            case 3 where random.below(4) == 0:
                follower.server = try follower.server.reopened()
            default:
                guard !orders.isEmpty else { continue }
                try follower.step(orders[random.below(orders.count)], random.below(2))
            }
        }
        try follower.poll()
        for id in orders {
            guard let order = try follower.order(id) else { continue }
            let last = follower.shown[id.text]
            if order.state == .ready || last != nil {
                #expect(last?.state == order.state.rawValue, "seed \(seed)")
                #expect(last?.version == order.version, "seed \(seed)")
            }
        }
    }
}

/// A counter that polls for ready orders, three at a time, and remembers what it was told.
private final class Follower {
    var server: TestServer
    private let shop: Shop
    private let what: String
    private(set) var shown: [String: (state: String, version: Int64)] = [:]
    private var told: Set<String> = []
    private var since: String?
    private var keys = 0

    init(_ shop: Shop, _ what: String) {
        self.shop = shop
        server = shop.server
        self.what = what
    }

    private func call(
        _ method: String, _ path: [String], query: [String: String] = [:], _ body: String = ""
    ) throws -> Value {
        keys += 1
        var request = ServerRequest(
            method: method, path: ["v1", "stores", "s-1"] + path, requestID: "r")
        request.authorization = "Bearer \(shop.manager)"
        request.query = query
        request.body = Array(body.utf8)
        request.idempotencyKey = "k\(keys)"
        return try Encoding.json.value(server.answer(request).body)
    }

    func order(_ id: OrderID) throws -> Order? {
        Order(try server.documents(), item: Name(id.text))
    }

    func step(_ id: OrderID, _ skipped: Int) throws {
        guard let next = try order(id)?.state.steps(by: .manager).dropFirst(skipped).first else {
            return
        }
        if next == .collected {
            _ = try call("POST", ["handover"], "{\"order\":\"\(id.text)\"}")
        } else {
            _ = try call(
                "POST", ["orders", id.text, "override"],
                "{\"to\":\"\(next.rawValue)\",\"reason\":\"test\"}")
        }
    }

    func poll() throws {
        var more = true
        while more {
            var query = ["state": "ready", "limit": "3"]
            if let since { query["since"] = since }
            let value = try call("GET", ["orders"], query: query)
            since = try #require(value["cursor"]?.textValue)
            more = value["more"] == .bool(true)
            for member in ["orders", "left"] {
                guard case .array(let entries)? = value[member] else { continue }
                for entry in entries { try take(entry) }
            }
        }
    }

    private func take(_ entry: Value) throws {
        let id = try #require(entry["id"]?.textValue)
        let state = try #require(entry["state"]?.textValue)
        let version = try #require(entry["version"]?.intValue)
        #expect(told.insert("\(id)@\(version)").inserted, "told twice, \(what)")
        #expect(version > shown[id]?.version ?? 0, "an older one, \(what)")
        shown[id] = (state, version)
    }
}
