import Testing
import ToteCore
import ToteSQLite
import ToteServer

/// A customer is erased: nothing says who they were, and nothing of the shop's own is lost.
struct ErasureTests {
    /// What the customer, their app and those who served them said of them.
    private static let said = [
        "customer:c-1", "\"c-1\"", "Kanarie-note", "Kanarie-line", "Kanarie-name",
        "Kanarie-order", "Kanarie-wish", "Kanarie-label", "Kanarie-gift", "Kanarie-reason",
        "Kanarie-back", "Kanarie-till",
    ]

    private struct World {
        let shop: Shop
        var phone: TestDevice
        let order: OrderID
        let secret: String
    }

    /// A customer with documents, points, a lease, tokens, a hand-off, and an order that was
    /// collected.
    private func world() throws -> World {
        let shop = try Shop()
        let server = shop.server
        try shop.useProgramme()
        _ = try server.admin(
            "POST", "v1/admin/webhooks", #"{"url":"https://hooks.example.com/tote"}"#)
        let secret = try server.mint(
            #"{"spaces":[{"space":"customer:c-1"}],"label":"Kanarie-label"}"#)
        var phone = TestDevice(1)
        let note = Change(
            nonce: 11, time: Timestamp(milliseconds: server.now),
            writes: [
                Write(
                    key: Key("cart:main", "tea", Fields.note),
                    payload: .register(.text("Kanarie-note"))),
                Write(
                    key: Key("wishlist:w", "", Fields.title),
                    payload: .register(.text("Kanarie-wish"))),
            ])
        _ = try phone.push([note], to: server)
        _ = try server.admin(
            "POST", "v1/admin/ledger",
            #"{"customer":"c-1","account":"points","kind":"grant","amount":500,"#
                + #""reference":"Kanarie-gift","reason":"Kanarie-reason"}"#)
        let lease = Change(
            nonce: 12, time: Timestamp(milliseconds: server.now),
            intent: Intent.lease(
                LeaseIntent(
                    lease: LeaseID(high: 7, low: 7), account: .points,
                    amount: try #require(Amount(10)))
            ).value)
        #expect(try phone.push([lease], to: server).reply?.fates[0].rejection == nil)
        var offer = ServerRequest(
            method: "POST", path: ["v1", "spaces", "customer:c-1", "handoffs"], requestID: "r")
        offer.authorization = "Bearer \(server.token)"
        offer.body = Array("{\"id\":\"\(HandOffID(high: 8, low: 8))\"}".utf8)
        #expect(try server.answer(offer).status == 201)
        var place = shop.tea()
        (place.name, place.note) = ("Kanarie-name", "Kanarie-order")
        place.lines[0].note = "Kanarie-line"
        #expect(try shop.place(place, by: &phone, nonce: 13) == nil)
        return World(shop: shop, phone: phone, order: place.order, secret: secret)
    }

    private func collect(_ world: World) throws {
        try world.shop.step(world.order, "confirmed", "preparing", "ready")
        let answer = try world.shop.call(
            "POST", "s-1/handover", "{\"order\":\"\(world.order.text)\"}")
        #expect(answer.status == 200)
        world.shop.server.now += 120_000
        try world.shop.server.runDue()
        // A purchase that earned nothing, of which something came back: no entry names it.
        let code = try memberCode(world.shop.server)
        let bought = try world.shop.call(
            "POST", "s-1/receipts",
            "{\"receipt\":\"r-1\",\"code\":\"\(code)\",\"currency\":\"EUR\",\"total\":5,\"lines\":"
                + "[{\"sku\":\"tea\",\"quantity\":1,\"amount\":5}]}")
        #expect(bought.status == 200 || bought.status == 201, "\(bought.value)")
        let unearned = try world.shop.call(
            "POST", "s-1/returns",
            #"{"receipt":{"store":"s-1","id":"r-1"},"reason":"Kanarie-till"}"#)
        #expect(unearned.status == 200, "\(unearned.value)")
        let whole = try world.shop.call(
            "POST", "s-1/returns",
            "{\"order\":\"\(world.order.text)\",\"reason\":\"Kanarie-back\"}")
        #expect(whole.status == 200)
    }

    private func memberCode(_ server: TestServer) throws -> String {
        let member = LedgerDocuments.value(LedgerDocuments.member, in: try server.documents())
        return try MemberCode(
            member: #require(member?["number"]?.textValue.flatMap(Hex.id)),
            secret: #require(member?["secret"]?.textValue.flatMap(Hex.bytes)), at: server.now
        ).text
    }

    /// What a device of the customer's did is in the audit, by its token's label.
    private func allowPoints(_ world: World) throws {
        var ask = ServerRequest(
            method: "POST",
            path: [
                "v1", "spaces", "customer:c-1", "handoffs", HandOffID(high: 8, low: 8).text,
                "points",
            ], requestID: "r")
        ask.authorization = "Bearer \(world.secret)"
        _ = try world.shop.server.answer(ask)
    }

    private func erase(_ server: TestServer, _ customer: String = "c-1") throws -> ServerResponse {
        try server.admin("POST", "v1/admin/customers/\(customer)/erase")
    }

    private func order(_ id: OrderID, of server: TestServer) throws -> Order? {
        let body = try server.store.database.row(
            "SELECT body FROM orders WHERE id = ?", .blob(Hex.bytes(id.text) ?? [])
        ) { $0.blob(0) }
        return try body.flatMap { Order(try Encoding.cbor.value($0), id: id) }
    }

    private func found(in image: [UInt8]) -> [String] {
        let text = String(decoding: image, as: Unicode.ASCII.self)
        return Self.said.filter { text.contains($0) }
    }

    @Test func `nothing in the file says who they were, and the file is sound`() throws {
        let world = try world()
        let server = world.shop.server
        try allowPoints(world)
        // What is booked already under the name that the rest might get.
        for (kind, reference) in [
            ("write_off", "erased"), ("grant", "rest"), ("grant", "erased-1"),
        ] {
            let answer = try server.admin(
                "POST", "v1/admin/ledger",
                "{\"customer\":\"c-1\",\"account\":\"points\",\"kind\":\"\(kind)\",\"amount\":5,"
                    + "\"reference\":\"\(reference)\",\"reason\":\"r\"}")
            #expect(answer.status == 201)
        }
        try collect(world)
        #expect(found(in: try server.store.image()).count == Self.said.count, "before it")
        let before = try server.store.database.row(
            "SELECT sum(units) FROM entries"
        ) { $0.int(0) }
        let answer = try erase(server)
        #expect(answer.status == 200)
        let told = try server.value(answer)
        #expect(told["new"] == .bool(true) && told["orders"] == .int(1))
        #expect(found(in: try server.store.image()) == [])
        #expect(try server.faults() == [])
        let labels = try server.store.database.rows("SELECT label FROM audit") { $0.text(0) }
        #expect(!labels.contains("Kanarie-label"))
        // The ledger says what it said, and where the rest went.
        let entries = try server.store.database.rows(
            "SELECT kind, units FROM entries ORDER BY number"
        ) { "\($0.text(0)) \($0.int(1))" }
        #expect(entries.contains("grant 500") && entries.contains { $0.hasPrefix("write_off ") })
        let after = try server.store.database.row("SELECT sum(units) FROM entries") { $0.int(0) }
        #expect(try #require(after) > #require(before))
        let left = try server.store.database.row(
            "SELECT sum(available), sum(held) FROM accounts"
        ) { ($0.int(0), $0.int(1)) }
        #expect(left?.0 == 0 && left?.1 == 0)
        // What was sold is known.
        let sold = try #require(try order(world.order, of: server))
        #expect(sold.total == 300 && sold.state == .collected && sold.lines.count == 1)
        // Read anew it is the same.
        #expect(found(in: try server.reopened().store.image()) == [])
        #expect(try erase(server).status == 200, "said twice")
        #expect(try server.value(erase(server))["new"] == .bool(false))
    }

    @Test func `their devices are told, whatever they show, and the id is nobody's again`() throws {
        var world = try world()
        let server = world.shop.server
        try collect(world)
        var wait = SyncRequest(replica: ReplicaID(5))
        wait.waitSeconds = 20
        wait.cursor = try #require(world.phone.push([], to: server).reply).cursor
        let asked = try server.handle(server.request(Encoding.cbor.encode(wait)))
        guard case .park(let parked) = asked else { throw TestFailure("not parked") }
        _ = try erase(server)
        guard case .answer(let told) = try server.server.resume(parked, at: server.now) else {
            throw TestFailure("still parked")
        }
        #expect(told.status == 410 && told.code == "customer_erased")
        for secret in [server.token, world.secret] {
            let answer = try server.send(SyncRequest(replica: ReplicaID(1)), token: secret)
            #expect(answer == .problem(410, "customer_erased"))
        }
        let write = Change(
            nonce: 77, time: Timestamp(milliseconds: server.now),
            writes: [
                Write(key: Key("cart:main", "tea", Fields.quantity), payload: .delta(1))
            ])
        #expect(try world.phone.push([write], to: server).code == "customer_erased")
        #expect(
            try server.admin(
                "POST", "v1/admin/tokens", #"{"spaces":[{"space":"customer:c-1"}]}"#
            ).code == "customer_erased")
        #expect(
            try server.admin(
                "POST", "v1/admin/ledger",
                #"{"customer":"c-1","account":"points","kind":"grant","amount":5,"#
                    + #""reference":"x","reason":"y"}"#
            ).code == "customer_erased")
        #expect(found(in: try server.store.image()) == [])
    }

    @Test func `an order that is open is finished first, and nothing has happened`() throws {
        let world = try world()
        let server = world.shop.server
        let before = try server.dump()
        let answer = try erase(server)
        #expect(answer.status == 409 && answer.code == "customer_has_open_orders")
        #expect(try server.value(answer)["orders"] == .array([.text(world.order.text)]))
        #expect(try server.dump() == before)
        #expect(try erase(server, "nobody").status == 404)
    }

    @Test func `an admin who may see the customer stays one, and ids that look alike are two`()
        throws
    {
        let server = try TestServer()
        let admin = try server.mint(
            #"{"spaces":[{"space":"customer:zo\u00e9"}],"role":"admin","label":"boss"}"#)
        let two = try server.mint(#"{"spaces":[{"space":"customer:zoe\u0301"}]}"#)
        let add = Change(
            nonce: 5, time: Timestamp(milliseconds: server.now),
            writes: [Write(key: Key("cart:main", "tea", Fields.quantity), payload: .delta(1))])
        var one = TestDevice(1)
        var other = TestDevice(2)
        _ = try server.send(one.batch([add]), token: admin, space: "customer:zo\u{e9}")
        _ = try server.send(other.batch([add]), token: two, space: "customer:zoe\u{301}")
        one.counter = 1
        other.counter = 1
        #expect(try server.server.judgedEvents(space: "customer:zo\u{e9}").count == 1)
        #expect(try server.server.judgedEvents(space: "customer:zoe\u{301}").count == 1)
        #expect(try erase(server, "zo\u{e9}").status == 200)
        #expect(try server.server.judgedEvents(space: "customer:zoe\u{301}").count == 1)
        let pull = SyncRequest(replica: ReplicaID(3))
        #expect(try server.send(pull, token: two, space: "customer:zoe\u{301}").reply != nil)
        var status = ServerRequest(
            method: "GET", path: ["v1", "admin", "status"], requestID: "r")
        status.authorization = "Bearer \(admin)"
        #expect(try server.answer(status).status == 200)
    }

    @Test func `a code that was used is free again when it was to be`() throws {
        let world = try world()
        let server = world.shop.server
        try collect(world)
        let moved = { try server.store.database.rows("SELECT moved FROM orders") { $0.int(0) } }
        let before = try moved()
        server.now += 40 * 86_400_000
        _ = try erase(server)
        #expect(try moved() == before)
    }

    @Test func `nobody else's are touched`() throws {
        let world = try world()
        let server = world.shop.server
        let other = try server.mint(
            #"{"spaces":[{"space":"customer:c-2"},{"space":"customer:c-1"}],"label":"two"}"#)
        var sync = SyncRequest(replica: ReplicaID(2))
        let foreign = world.shop.tea(store: "s-2")
        sync.changes = [
            Event(
                dot: Make.dot(2, 1), change: world.shop.change(.place(foreign), nonce: 2),
                outcome: .accepted)
        ]
        #expect(try server.send(sync, token: other, space: "customer:c-2").reply != nil)
        let before = try order(foreign.order, of: server)
        try collect(world)
        _ = try erase(server)
        #expect(try order(foreign.order, of: server) == before)
        let pull = SyncRequest(replica: ReplicaID(3))
        #expect(try server.send(pull, token: other, space: "customer:c-2").reply != nil)
        #expect(try server.send(pull, token: other).code == "not_found", "it opens the other one")
        #expect(try server.faults() == [])
    }

    @Test func `a backup of before is held against the list`() throws {
        let world = try world()
        let server = world.shop.server
        try collect(world)
        let backup = try server.store.image()
        var kept = ErasureList()
        server.server.keepErasure = { kept.insert($0) }
        _ = try erase(server)
        #expect(kept.entries.count == 1)
        let copy = try ServerStore(image: backup)
        try copy.setMeta("is_backup", 1)
        let restored = try TestServer(image: copy.image(), seed: 9)
        restored.now = server.now
        #expect(found(in: try restored.store.image()).count == Self.said.count)
        #expect(try restored.server.eraseAgain(kept, at: restored.now).customers == 1)
        #expect(found(in: try restored.store.image()) == [])
        #expect(try restored.faults() == [])
        #expect(try restored.server.eraseAgain(kept, at: restored.now).customers == 0)
        let answer = try restored.send(
            SyncRequest(replica: ReplicaID(1)), token: world.secret)
        #expect(answer == .problem(410, "customer_erased"))
        // What is in the file and not on the list is put there.
        var second = ErasureList()
        restored.server.keepErasure = { second.insert($0) }
        _ = try restored.server.eraseAgain(ErasureList(), at: restored.now)
        #expect(second == kept)
    }

    @Test func `a list that cannot be written keeps the customer, and one that was is heeded`()
        throws
    {
        let world = try world()
        let server = world.shop.server
        try collect(world)
        struct Full: Error {}
        server.server.keepErasure = { _ in throw Full() }
        let before = try server.dump()
        #expect(throws: Full.self) { try erase(server) }
        try server.server.rollBack()
        #expect(try server.dump() == before)
        #expect(server.server.owed.isEmpty)
        // The list has it, and then the group could not be committed.
        var kept = ErasureList()
        server.server.keepErasure = { kept.insert($0) }
        try server.server.begin()
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "customers", "c-1", "erase"], requestID: "r")
        request.isOperator = true
        _ = try server.server.handle(request, at: server.now)
        try server.server.keepErasures()
        try server.server.rollBack()
        #expect(try server.dump() == before)
        #expect(!kept.isEmpty && server.server.owed == kept)
        try server.server.eraseOwed(at: server.now)
        #expect(found(in: try server.store.image()) == [] && server.server.owed.isEmpty)
        #expect(kept.entries.count == 1)
        #expect(try server.value(erase(server))["new"] == .bool(false))
    }

    /// Their rows were the last ones of the log, and it goes on with the numbers behind those: a
    /// row of a lower number would not be found after the next start.
    @Test func `what is written after an erasure and a restart is there after a crash`() throws {
        let server = try TestServer()
        let other = try server.mint(#"{"spaces":[{"space":"customer:c-2"}]}"#)
        var (phone, tablet) = (TestDevice(1), TestDevice(2))
        try phone.push([Make.add(nonce: 1, at: server.now)], to: server)
        _ = try server.send(
            tablet.batch([Make.add(nonce: 2, at: server.now)]), token: other,
            space: "customer:c-2")
        try server.inGroup { try server.server.settle() }
        #expect(try erase(server, "c-2").status == 200)
        let second = try server.reopened()
        try phone.push([Make.add(nonce: 3, at: server.now)], to: second)
        let third = try second.reopened()
        #expect(try third.quantity() == 2)
        #expect(try third.faults() == [])
    }

    @Test func `the list is read as it was written, and a damaged one is refused`() throws {
        var list = ErasureList()
        for name in ["customer:a", "customer:b"] {
            list.insert(list.entry(for: name, at: 7, random: { 5 }))
        }
        let text = list.entries.map(ErasureList.line).joined()
        #expect(try ErasureList(Array(text.utf8)) == list)
        #expect(list.contains(space: "customer:b") && !list.contains(space: "customer:c"))
        #expect(!text.contains("customer"))
        #expect(try ErasureList(Array(text.utf8.dropLast())) == list, "the end alone is missing")
        let windows = text.replacing("\n", with: "\r\n")
        #expect(try ErasureList(Array(windows.utf8)) == list)
        let cut = String(text.dropLast(9))
        #expect(try ErasureList(Array(cut.utf8)).entries.count == 1, "it was being written")
        #expect(try ErasureList([]).isEmpty)
        #expect(throws: ErasureList.Damaged.self) {
            try ErasureList(Array("\(text)0123456789".utf8), forgivesTail: false)
        }
        for broken in [
            "x\n", text + "\n", "00 00 1\n", text + "zz zz zz\n", "no list", "token A 1\n",
            "share customer:7 1\n", "member list:x 00 king 1\n", "right x 1\n",
        ] {
            #expect(throws: ErasureList.Damaged.self) { try ErasureList(Array(broken.utf8)) }
        }
        // A day and no more: a time would say whose ledger it is.
        let late = list.entry(for: "customer:c", at: 3 * 86_400_000 + 55, random: { 5 })
        #expect(late.at == 3 * 86_400_000)
    }
}
