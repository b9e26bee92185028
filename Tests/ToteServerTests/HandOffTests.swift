import Testing
import ToteCore
import ToteSQLite
import ToteServer

/// A customer goes on at a store's device (Protocol §24), over the server's own requests.
struct HandOffTests {
    private let shop: Shop
    private var phone = TestDevice(1)
    private var tablet = TestDevice(0xFFFF)

    init() throws {
        shop = try Shop()
        try shop.useProgramme()
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
    }

    private struct Answered {
        var status: Int
        var code: String?
        var value: Value
    }

    private func post(
        _ path: [String], _ body: String, token: String? = nil
    ) throws -> Answered {
        var request = ServerRequest(method: "POST", path: ["v1"] + path, requestID: "r")
        request.authorization = "Bearer \(token ?? shop.server.token)"
        request.body = Array(body.utf8)
        let answer = try shop.server.answer(request)
        return Answered(
            status: answer.status, code: answer.code, value: try shop.server.value(answer))
    }

    private static func id(_ number: UInt64) -> HandOffID { HandOffID(high: 0xAB, low: number) }

    private func offer(
        _ number: UInt64 = 1, more: String = "", token: String? = nil,
        space: String = TestServer.space
    ) throws -> Answered {
        try post(
            ["spaces", space, "handoffs"], "{\"id\":\"\(Self.id(number))\"\(more)}", token: token)
    }

    private func join(
        _ code: String, device: UInt64 = 0xFFFF, token: String? = nil, store: String = "s-1"
    ) throws -> Answered {
        try post(
            ["stores", store, "handoffs"],
            "{\"code\":\"\(code)\",\"device\":\"\(Hex.string(device))\"}",
            token: token ?? shop.staff)
    }

    private func act(
        _ what: String, _ number: UInt64 = 1, token: String? = nil
    ) throws -> Answered {
        try post(
            ["spaces", TestServer.space, "handoffs", Self.id(number).text, what], "", token: token)
    }

    /// Offers and joins: the code, and the token that the tablet got.
    private func joined(_ number: UInt64 = 1, more: String = "") throws -> (String, String) {
        let code = try #require(try offer(number, more: more).value["code"]?.textValue)
        let answer = try join(code)
        #expect(answer.status == 200)
        return (code, try #require(answer.value["token"]?.textValue))
    }

    private func shown(_ number: UInt64 = 1) throws -> HandOff? {
        HandOff.all(in: try shop.server.documents()).first { $0.id == Self.id(number) }
    }

    @Test mutating func `a tablet that takes the code shares the cart, live, and no more`() throws {
        try shop.grant(500, reference: "g")
        let offered = try offer()
        #expect(offered.status == 201)
        let code = try #require(offered.value["code"]?.textValue)
        #expect(try shown()?.state == .offered)
        // Typed by a person.
        let typed = code.prefix(3).lowercased() + " " + code.suffix(3)
        let answer = try join(typed)
        #expect(answer.status == 200 && answer.value["space"] == .text(TestServer.space))
        let token = try #require(answer.value["token"]?.textValue)
        #expect(try shown()?.state == .joined)
        #expect(try shown()?.store == "s-1")
        #expect(try shown()?.device == "till-1")
        // It sees the cart, and nothing of points and orders.
        let seen = try shop.server.documents(token: token)
        #expect(Set(seen.collections.keys) == ["cart:main", "handoffs"])
        // Each sees what the other does.
        let added = try tablet.push([Make.add(3, nonce: 2)], to: shop.server, token: token)
        #expect(added.reply?.fates.first?.rejection == nil)
        #expect(try shop.server.quantity() == 5)
        let place = try tablet.push(
            [shop.change(.place(shop.tea()), nonce: 3)], to: shop.server, token: token)
        #expect(place.reply?.fates.first?.rejection?.code == "not_allowed")
        for collection in ["journey", "recent", "handoffs", "app:x"] {
            let change = Change(
                nonce: UInt64(collection.utf8.count) + 90, time: Timestamp(rawValue: 1 << 60),
                writes: [
                    Write(key: Key(Name(collection), "x", "y"), payload: .register(.int(1)))
                ])
            var restamped = change
            restamped.time = Timestamp(milliseconds: shop.server.now)
            let answer = try tablet.push([restamped], to: shop.server, token: token)
            #expect(answer.reply?.fates.first?.rejection != nil, "\(collection)")
        }
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `what is the customer's alone stays so, whatever the tablet asks`() throws {
        let (_, token) = try joined()
        let (_, other) = try joined(2)
        for path in ["orders", "ledger"] {
            var request = ServerRequest(
                method: "GET", path: ["v1", "spaces", TestServer.space, path], requestID: "r")
            request.authorization = "Bearer \(token)"
            #expect(try shop.server.answer(request).status == 404, "\(path)")
        }
        #expect(try offer(3, token: token).status == 404)
        #expect(try act("points", token: token).status == 404)
        #expect(try act("end", 2, token: token).status == 404)
        #expect(try act("end", token: other).status == 404)
        // Nor does a code give anybody anything who is no store's device.
        let code = try #require(try offer(4).value["code"]?.textValue)
        let stranger = try shop.server.mint(#"{"spaces":[{"space":"customer:c-2"}]}"#)
        #expect(try join(code, token: stranger).status == 404)
        #expect(try join(code, token: shop.otherStaff).status == 404)
        #expect(try offer(5, token: stranger).status == 404)
        #expect(try act("end", token: stranger).status == 404)
        let limited = try shop.server.mint(
            #"{"spaces":[{"space":"customer:c-1","write":["cart:*"]}]}"#)
        #expect(try offer(6, token: limited).status == 404)
        #expect(try act("end", token: limited).status == 404)
    }

    @Test mutating func `a joined device speaks for itself alone`() throws {
        try shop.grant(500, reference: "g")
        let lease = LeaseIntent(
            lease: LeaseID(high: 1, low: 1), account: .points, amount: try #require(Amount(50)))
        try phone.push([shop.change(.lease(lease), nonce: 20)], to: shop.server)
        let (_, token) = try joined()
        #expect(try act("points").status == 200)
        let before = try shop.server.dump()
        // As the phone, as somebody else, and as one who says that it was the phone before.
        var attempts = [TestDevice(1), TestDevice(0xABCD), TestDevice(0xFFFF)]
        attempts[2].formerly = [ReplicaID(1)]
        attempts[0].counter = phone.counter
        attempts[0].ticket = phone.ticket
        for device in attempts {
            let answer = try shop.server.send(device.batch([Make.add(1, nonce: 30)]), token: token)
            #expect(answer == .problem(401, "invalid_token"))
        }
        #expect(try shop.server.dump() == before)
        // What was set aside for the phone is the phone's.
        let answer = try phone.push([Make.add(1, nonce: 31)], to: shop.server)
        #expect(answer.reply?.fates.first?.rejection == nil)
        let leases = LedgerDocuments.leases(in: try shop.server.documents())
        #expect(leases.count == 1 && !leases[0].isSealed)
    }

    @Test mutating func `a restored server has ended all of them`() throws {
        let (code, token) = try joined()
        let restored = try shop.server.reopened(isBackup: true)
        let sync = SyncRequest(replica: ReplicaID(0xFFFF))
        #expect(try restored.send(sync, token: token) == .problem(401, "invalid_token"))
        var again = ServerRequest(
            method: "POST", path: ["v1", "stores", "s-1", "handoffs"], requestID: "r")
        again.authorization = "Bearer \(shop.staff)"
        again.body = Array("{\"code\":\"\(code)\",\"device\":\"00000000000000ff\"}".utf8)
        #expect(try restored.answer(again).code == "wrong_code")
        #expect(try restored.faults() == [])
    }

    @Test mutating func `points and orders once the customer says so on the phone`() throws {
        try shop.grant(500, reference: "g")
        let (_, token) = try joined()
        #expect(try act("points", token: token).status == 404, "not on the tablet itself")
        let allowed = try act("points")
        #expect(allowed.status == 200 && allowed.value["points"] == .bool(true))
        #expect(try act("points").status == 200, "again")
        #expect(try shown()?.allowsPoints == true)
        let seen = try shop.server.documents(token: token)
        #expect(LedgerDocuments.accounts(in: seen).first?.available == 500)
        // Balances, and nothing that a code could be made with afterwards.
        #expect(LedgerDocuments.value(LedgerDocuments.member, in: seen) == nil)
        let all = String(
            decoding: Encoding.json.encode(Snapshot(position: 1, documents: seen)), as: UTF8.self)
        #expect(!all.contains("secret"))
        let intent = Intent.place(shop.tea())
        let answer = try tablet.push([shop.change(intent, nonce: 5)], to: shop.server, token: token)
        #expect(answer.reply?.fates.first?.rejection == nil)
        // Rights to spend offline stay with the customer's own devices.
        let lease = LeaseIntent(
            lease: LeaseID(high: 1, low: 1), account: .points, amount: try #require(Amount(10)))
        let asked = try tablet.push(
            [shop.change(.lease(lease), nonce: 6)], to: shop.server, token: token)
        #expect(asked.reply?.fates.first?.rejection?.code == "not_allowed")
        let list = try shop.server.value(shop.server.admin("GET", "v1/admin/audit"))["entries"]
        guard case .array(let entries)? = list else { throw TestFailure("no audit") }
        #expect(
            entries.compactMap { $0["what"]?.textValue } == [
                "hand-off: points allowed", "hand-off joined", "grant 500",
            ])
    }

    @Test mutating func `a code is taken once; the same device gets a lost answer again`() throws {
        let (code, first) = try joined()
        let taken = try join(code, device: 8)
        #expect(taken.status == 409 && taken.code == "handoff_taken")
        let before = try shop.server.dump().count
        let again = try join(code)
        #expect(again.status == 200)
        #expect(try shop.server.dump().count == before, "nothing piles up")
        let second = try #require(again.value["token"]?.textValue)
        let void = try shop.server.send(SyncRequest(replica: ReplicaID(0xFFFF)), token: first)
        #expect(void == .problem(401, "invalid_token"))
        #expect(try shop.server.documents(token: second).cellCount > 0)
        // The offer asked for again, after it was taken: it is told what became of it.
        let offered = try offer()
        #expect(offered.status == 200 && offered.value["code"] == nil)
        #expect(offered.value["state"] == .text("joined"))
    }

    @Test func `the same offer asked again has the same code, and each its own`() throws {
        let first = try offer()
        #expect(try offer().value == first.value)
        #expect(try offer(2).value["code"] != first.value["code"])
        let stranger = try shop.server.mint(#"{"spaces":[{"space":"customer:c-2"}]}"#)
        let theirs = try offer(1, token: stranger, space: "customer:c-2")
        #expect(theirs.status == 404, "another customer's id tells nothing")
    }

    @Test func `wrong codes are counted, and then locked`() throws {
        for left in [4, 3, 2, 1, 0] as [Int64] {
            let answer = try join("ACDEFG")
            #expect(answer.status == 422 && answer.code == "wrong_code")
            #expect(answer.value["attempts_left"] == .int(left))
        }
        let code = try #require(try offer().value["code"]?.textValue)
        #expect(try join(code).code == "locked")
        // Another device of the store may go on, and this one for what it does otherwise.
        #expect(try join(code, token: shop.manager).status == 200)
        #expect(try shop.call("POST", "s-1/handover", #"{"code":"ACDE"}"#).status == 422)
    }

    @Test mutating func `it ends when left, revoked or over, and the token with it`() throws {
        func isIn(_ token: String) throws -> Bool {
            let sync = Encoding.cbor.encode(SyncRequest(replica: ReplicaID(0xFFFF)))
            return try shop.server.answer(shop.server.request(sync, token: token)).status == 200
        }
        let (code, left) = try joined()
        #expect(try act("end", token: left).value["end"] == .text("left"))
        #expect(try !isIn(left))
        #expect(try join(code).code == "handoff_ended")
        let (_, revoked) = try joined(2)
        #expect(try act("end", 2).value["end"] == .text("revoked"))
        #expect(try act("end", 2).status == 200, "again")
        #expect(try !isIn(revoked))
        let (_, late) = try joined(3, more: ",\"for_s\":60")
        shop.server.now += 59_000
        #expect(try isIn(late))
        shop.server.now += 1_000
        #expect(try !isIn(late))
        #expect(try act("points", 3).code == "handoff_ended")
        // A code that nobody took, and one that was taken back before.
        let unused = try #require(try offer(4).value["code"]?.textValue)
        let withdrawn = try #require(try offer(5).value["code"]?.textValue)
        #expect(try act("end", 5).status == 200)
        #expect(try join(withdrawn).code == "handoff_ended")
        shop.server.now += HandOff.offerMilliseconds
        #expect(try join(unused).code == "wrong_code")
    }

    @Test mutating func `who waits at the server is told at once that it is over`() throws {
        let (_, token) = try joined()
        var wait = SyncRequest(replica: ReplicaID(0xFFFF))
        let reply = try shop.server.send(wait, token: token).reply
        wait.cursor = reply?.cursor
        wait.waitSeconds = 25
        let bytes = Encoding.cbor.encode(wait)
        guard
            case .park(let parked) = try shop.server.handle(
                shop.server.request(bytes, token: token))
        else { throw TestFailure("not parked") }
        try shop.server.inGroup {
            var request = ServerRequest(
                method: "POST",
                path: ["v1", "spaces", TestServer.space, "handoffs", Self.id(1).text, "end"],
                requestID: "r")
            request.authorization = "Bearer \(shop.server.token)"
            _ = try shop.server.server.handle(request, at: shop.server.now)
            #expect(shop.server.server.revokedTokens.count == 1)
            let handled = try shop.server.server.resume(parked, at: shop.server.now)
            guard case .answer(let answer) = handled else { throw TestFailure("waits on") }
            #expect(answer.status == 401)
        }
    }

    @Test mutating func `so many at once, and old ones leave the documents`() throws {
        for number in 1...UInt64(HandOff.openMax) { #expect(try offer(number).status == 201) }
        let refused = try offer(99)
        #expect(refused.status == 409 && refused.code == "too_many_handoffs")
        for number in 1...UInt64(40) {
            if number > HandOff.openMax { #expect(try offer(number).status == 201) }
            #expect(try act("end", number).status == 200)
            shop.server.now += 1_000
        }
        _ = try offer(100)
        let all = HandOff.all(in: try shop.server.documents())
        #expect(all.count <= HandOff.endedMax + HandOff.openMax)
        #expect(all.contains { $0.id == Self.id(40) } && !all.contains { $0.id == Self.id(1) })
        // Their rows go later.
        let rows: () throws -> Int64? = { [shop] in
            try shop.server.store.database.row("SELECT count(*) FROM handoffs") { $0.int(0) }
        }
        #expect(try rows() == 41)
        shop.server.now += 2 * 86_400_000
        try shop.server.inGroup { try shop.server.server.sweep(at: shop.server.now) }
        #expect(try rows() == 0)
        #expect(try shop.server.faults() == [])
    }

    @Test(arguments: [
        "UPDATE handoffs SET points = 1", "UPDATE handoffs SET until = until + 1",
        "UPDATE handoffs SET state = 'ended'", "UPDATE handoffs SET space = 99",
        "UPDATE tokens SET expires = NULL WHERE id = (SELECT token FROM handoffs)",
        "UPDATE tokens SET grants = replace(grants, 'c-1', 'c-2')",
        "DELETE FROM tokens WHERE id = (SELECT token FROM handoffs)",
    ])
    func `a hand-off that was tampered with in the file is found`(sql: String) throws {
        _ = try joined()
        #expect(try shop.server.faults() == [])
        try shop.server.store.database.execute("PRAGMA foreign_keys = 0")
        try shop.server.store.database.execute(sql)
        #expect(try !shop.server.faults().isEmpty)
    }

    @Test(arguments: [
        #"{}"#, #"{"id":"12"}"#, #"{"id":7}"#, #"[]"#, #"{"#,
        #"{"id":"000000000000000000000000000000ab","for_s":59}"#,
        #"{"id":"000000000000000000000000000000ab","for_s":28801}"#,
        #"{"id":"000000000000000000000000000000ab","for_s":"60"}"#,
        #"{"id":"000000000000000000000000000000ab","code":"ACDEFG"}"#,
    ])
    func `an offer that says something else is malformed`(body: String) throws {
        let answer = try post(["spaces", TestServer.space, "handoffs"], body)
        #expect(answer.status == 400 && answer.code == "malformed")
    }

    @Test(arguments: [
        #"{}"#, #"{"code":"ACDEFG"}"#, #"{"code":"ACDEFG","device":"7"}"#,
        #"{"code":"","device":"0000000000000007"}"#, #"{"code":7,"device":"0000000000000007"}"#,
        #"{"code":"ACDEFG","device":"0000000000000007","x":1}"#,
    ])
    func `a join that says something else is malformed`(body: String) throws {
        let answer = try post(["stores", "s-1", "handoffs"], body, token: shop.staff)
        #expect(answer.status == 400 && answer.code == "malformed")
    }
}
