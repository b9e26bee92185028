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
        #expect(try restored.server.eraseAgain(kept, at: restored.now) == 1)
        #expect(found(in: try restored.store.image()) == [])
        #expect(try restored.faults() == [])
        #expect(try restored.server.eraseAgain(kept, at: restored.now) == 0)
        let answer = try restored.send(
            SyncRequest(replica: ReplicaID(1)), token: world.secret)
        #expect(answer == .problem(410, "customer_erased"))
        // What is in the file and not on the list is put there.
        var second = ErasureList()
        restored.server.keepErasure = { second.insert($0) }
        _ = try restored.server.eraseAgain(ErasureList(), at: restored.now)
        #expect(second == kept)
    }

    @Test func `a list that cannot be written keeps the customer`() throws {
        let world = try world()
        let server = world.shop.server
        try collect(world)
        struct Full: Error {}
        server.server.keepErasure = { _ in throw Full() }
        let before = try server.dump()
        let answer = try erase(server)
        #expect(answer.status == 503 && answer.code == "storage_unavailable")
        #expect(try server.dump() == before)
        server.server.keepErasure = { _ in }
        #expect(try server.value(erase(server))["new"] == .bool(true))
    }

    @Test func `the list is read as it was written, and a damaged one is refused`() throws {
        var list = ErasureList()
        for name in ["customer:a", "customer:b"] {
            list.insert(list.entry(for: name, at: 7, random: { 5 }))
        }
        let text = list.entries.map(ErasureList.line).joined()
        #expect(try ErasureList(text: text) == list)
        #expect(list.contains(space: "customer:b") && !list.contains(space: "customer:c"))
        #expect(!text.contains("customer"))
        let cut = String(text.dropLast(9))
        #expect(try ErasureList(text: cut).entries.count == 1, "it was being written")
        #expect(try ErasureList(text: "").isEmpty)
        for broken in ["x\n", text + "\n", "00 00 1\n", text.uppercased() + "zz zz zz\n"] {
            #expect(throws: StoreError.self) { try ErasureList(text: broken) }
        }
    }
}
