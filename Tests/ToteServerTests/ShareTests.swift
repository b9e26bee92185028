import Testing
import ToteCore
import ToteServer

/// Lists and totes over the server's own requests: who opens them, and who does not any more.
struct ShareTests {
    private let shop: Shop
    private let ada: String
    private let ben: String
    private let tablet: String
    private var server: TestServer { shop.server }
    private static let seed = HandOffID(high: 1, low: 2)
    private static let list = Share.space(.list, of: "customer:ada", seed: seed)
    private static let tote = Share.space(.tote, of: "store:s-1", seed: seed)

    init() throws {
        shop = try Shop()
        ada = try shop.server.mint(#"{"spaces":[{"space":"customer:ada"}]}"#)
        ben = try shop.server.mint(#"{"spaces":[{"space":"customer:ben"}]}"#)
        tablet = try shop.server.mint(
            #"{"spaces":[{"space":"store:s-1"}],"role":"staff","label":"kiosk-1"}"#)
    }

    private func post(
        _ path: String, _ body: String, _ token: String
    ) throws -> (status: Int, value: Value) {
        var request = ServerRequest(
            method: "POST", path: path.split(separator: "/").map(String.init), requestID: "r")
        request.authorization = "Bearer \(token)"
        request.body = Array(body.utf8)
        let answer = try server.answer(request)
        return (answer.status, try server.value(answer))
    }

    private func make(_ space: String, _ token: String) throws -> (status: Int, value: Value) {
        try post("v1/shares", "{\"space\":\"\(space)\",\"seed\":\"\(Self.seed)\"}", token)
    }

    private func invite(
        to space: String, _ role: String, by token: String, secret: UInt64 = 7, seconds: Int = 600
    ) throws -> (status: Int, value: Value) {
        let id = HandOffID(high: 9, low: secret)
        return try post(
            "v1/spaces/\(space)/invitations",
            "{\"secret\":\"\(id)\",\"role\":\"\(role)\",\"for_s\":\(seconds)}", token)
    }

    private func join(_ text: String, _ token: String) throws -> (status: Int, value: Value) {
        try post("v1/shares", "{\"join\":\"\(text)\"}", token)
    }

    private func push(
        _ space: String, _ device: inout TestDevice, _ token: String
    ) throws -> TestServer.Answer {
        let add = Change(
            nonce: UInt64(100 * device.replica.rawValue + device.counter),
            time: Timestamp(milliseconds: server.now),
            writes: [Write(key: Make.key, payload: .delta(1), replaces: [])])
        let answer = try server.send(device.batch([add]), token: token, space: space)
        if let reply = answer.reply {
            device.counter += 1
            device.take(reply)
        }
        return answer
    }

    private func quantity(_ space: String, _ token: String) throws -> Int64? {
        let answer = try server.send(
            SyncRequest(replica: ReplicaID(0xFFFF)), token: token, space: space)
        return answer.reply?.snapshot.map { Fold.counter($0.documents.cells(Make.key)) }
    }

    private func shares(_ token: String, _ customer: String) throws -> [String] {
        let answer = try server.send(
            SyncRequest(replica: ReplicaID(0xFFFF)), token: token, space: "customer:\(customer)")
        let documents = try #require(answer.reply?.snapshot).documents
        return documents.items(Reserved.shares).keys.map(\.text).sorted()
    }

    @Test func `a list is its maker's, and whoever is invited writes or reads it`() throws {
        var (one, two) = (TestDevice(1), TestDevice(2))
        #expect(try push(Self.list, &one, ada).code == "not_found")
        let made = try make(Self.list, ada)
        #expect(made.status == 201 && made.value["role"] == .text("owner"))
        #expect(try make(Self.list, ada).value["member"] == made.value["member"])
        #expect(try push(Self.list, &one, ada).reply?.fates[0].rejection == nil)
        // Nobody makes it who did not draw its seed, and nobody opens it uninvited.
        #expect(try make(Self.list, ben).status == 400)
        #expect(try push(Self.list, &two, ben).code == "not_found")
        let code = try #require(
            try invite(to: Self.list, "viewer", by: ada).value["code"]?.textValue)
        #expect(try join(code.lowercased(), ben).status == 201)
        #expect(try join(code, ben).status == 200)
        #expect(try quantity(Self.list, ben) == 1)
        #expect(try push(Self.list, &two, ben).reply?.fates[0].rejection?.code == "not_allowed")
        #expect(try shares(ben, "ben") == [Self.list])
        // Another role, by an owner alone.
        let member = try #require(try join(code, ben).value["member"]?.textValue)
        let path = "v1/spaces/\(Self.list)/members/\(member)"
        #expect(try post(path, #"{"role":"owner"}"#, ben).value["code"] == .text("owner_only"))
        #expect(try invite(to: Self.list, "viewer", by: ben).value["code"] == .text("owner_only"))
        #expect(try post(path, #"{"role":"editor"}"#, ada).status == 200)
        #expect(try push(Self.list, &two, ben).reply?.fates[0].rejection == nil)
        #expect(try quantity(Self.list, ada) == 2)
        // Out of it, at once, also while waiting; and not in again by the same code.
        #expect(try post(path, #"{"role":"none"}"#, ada).status == 200)
        #expect(try push(Self.list, &two, ben).code == "not_found")
        #expect(try shares(ben, "ben") == [])
        #expect(try join(code, ben).value["code"] == .text("invitation_taken"))
        #expect(try server.faults() == [])
    }

    @Test func `an invitation is taken once, by its code or its link, while it lasts`() throws {
        _ = try make(Self.list, ada)
        let link = try #require(
            try invite(to: Self.list, "editor", by: ada, seconds: 604_800).value["link"]?.textValue)
        #expect(try invite(to: Self.list, "editor", by: ada).status == 200)
        #expect(try join(link, ben).status == 201)
        let eve = try server.mint(#"{"spaces":[{"space":"customer:eve"}]}"#)
        #expect(try join(link, eve).value["code"] == .text("invitation_taken"))
        let code = try #require(
            try invite(to: Self.list, "editor", by: ada, secret: 8).value["code"]?.textValue)
        server.now += 601_000
        #expect(try join(code, eve).value["code"] == .text("wrong_code"))
        for _ in 0..<4 { _ = try join("ACDEFG", eve) }
        #expect(try join(link, eve).value["code"] == .text("locked"))
        // A part of a customer's space shares nothing, nor does a tablet that joined a cart.
        let part = try server.mint(
            #"{"spaces":[{"space":"customer:ada","read":["cart:*"],"write":["cart:*"]}]}"#)
        #expect(try make(Self.list, part).status == 404)
        var one = TestDevice(1)
        #expect(try push(Self.list, &one, part).code == "not_found")
    }

    @Test func `a tote goes from tablet to phone, and is gone after its day`() throws {
        var (one, two) = (TestDevice(1), TestDevice(2))
        #expect(try make(Self.tote, tablet).status == 201)
        #expect(try push(Self.tote, &one, tablet).reply?.fates[0].rejection == nil)
        let other = try server.mint(
            #"{"spaces":[{"space":"store:s-1"}],"role":"staff","label":"kiosk-2"}"#)
        #expect(try push(Self.tote, &two, other).code == "not_found")
        let first = try #require(
            try invite(to: Self.tote, "owner", by: tablet).value["code"]?.textValue)
        #expect(try join(first, ada).status == 201)
        #expect(try quantity(Self.tote, ada) == 1)
        let second = try #require(
            try invite(to: Self.tote, "editor", by: ada, secret: 8).value["code"]?.textValue)
        #expect(try join(second, other).status == 201)
        #expect(try push(Self.tote, &two, other).reply?.fates[0].rejection == nil)
        // The tablet that passed it on leaves.
        let member = try #require(try make(Self.tote, tablet).value["member"]?.textValue)
        let path = "v1/spaces/\(Self.tote)/members/\(member)"
        #expect(try post(path, #"{"role":"none"}"#, tablet).status == 200)
        #expect(try quantity(Self.tote, tablet) == nil)
        // A list is no store's.
        let list = Share.space(.list, of: "store:s-1", seed: Self.seed)
        #expect(try make(list, tablet).value["code"] == .text("share_customers_only"))
        server.now += 86_400_000
        #expect(try quantity(Self.tote, ada) == nil)
        try server.runDue()
        #expect(try shares(ada, "ada") == [])
        #expect(try make(Self.tote, tablet).value["code"] == .text("share_ended"))
        #expect(try server.faults() == [])
    }

    @Test func `nobody orders or spends in a share, nor writes who shares it`() throws {
        _ = try make(Self.list, ada)
        let one = TestDevice(1)
        let place = shop.change(.place(shop.tea()), nonce: 1)
        let members = Change(
            nonce: 2, time: Timestamp(milliseconds: server.now),
            writes: [
                Write(key: Key("shares", "x", "value"), payload: .register(.int(1)), replaces: [])
            ])
        let reply = try server.send(one.batch([place, members]), token: ada, space: Self.list).reply
        #expect(reply?.fates.map(\.rejection?.code) == ["not_allowed", "field_not_writable"])
    }

    @Test func `a token that is minted for its name opens no share that nobody has made yet`()
        throws
    {
        let minted = try server.mint(#"{"spaces":[{"space":"\#(Self.list)"}]}"#)
        var device = TestDevice(1)
        #expect(try push(Self.list, &device, minted).code == "not_found")
        #expect(try make(Self.list, ada).status == 201)
        #expect(try push(Self.list, &device, minted).code == "not_found")
    }

    @Test func `a token that is minted for its name opens no share`() throws {
        _ = try make(Self.list, ada)
        let minted = try server.mint("{\"spaces\":[{\"space\":\"\(Self.list)\"}]}")
        #expect(try quantity(Self.list, minted) == nil)
        #expect(try post("v1/spaces/\(Self.list)/end", "{}", ada).status == 200)
        #expect(try quantity(Self.list, minted) == nil)
    }

    @Test func `of who took an invitation and is erased nothing is left`() throws {
        _ = try make(Self.list, ada)
        let link = try #require(
            try invite(to: Self.list, "editor", by: ada).value["link"]?.textValue)
        let joined = try join(link, ben)
        let member = try #require(joined.value["member"]?.textValue)
        let path = "v1/spaces/\(Self.list)/members/\(member)"
        #expect(try post(path, #"{"role":"none"}"#, ben).status == 200)
        #expect(try server.admin("POST", "v1/admin/customers/ben/erase").status == 200)
        #expect(try server.dump().filter { $0.contains("customer:ben") } == [])
        let eve = try server.mint(#"{"spaces":[{"space":"customer:eve"}]}"#)
        #expect(try join(link, eve).value["code"] == .text("invitation_taken"))
        #expect(try server.faults() == [])
    }

    @Test func `what ended is bounded, and forgotten`() throws {
        for number in 0..<200 {
            let seed = HandOffID(high: 5, low: UInt64(number))
            let space = Share.space(.tote, of: "customer:ada", seed: seed)
            let body = "{\"space\":\"\(space)\",\"seed\":\"\(seed)\"}"
            #expect(try post("v1/shares", body, ada).status == 201)
            #expect(try post("v1/spaces/\(space)/end", "{}", ada).status == 200)
        }
        #expect(try make(Self.list, ada).value["code"] == .text("too_many_shares"))
        server.now += 86_400_001
        #expect(try make(Self.list, ada).status == 201)
        server.now += 8 * 86_400_000
        for _ in 0..<3 { _ = try server.inGroup { try server.server.sweepAll(at: server.now) } }
        let rows = try server.dump().filter { $0.hasPrefix("shares ") }
        #expect(rows.count == 1)
        #expect(try server.faults() == [])
    }

    @Test func `the last owner stays or ends it, and who is erased leaves it to the others`()
        throws
    {
        let made = try make(Self.list, ada)
        let owner = try #require(made.value["member"]?.textValue)
        let code = try #require(
            try invite(to: Self.list, "editor", by: ada).value["code"]?.textValue)
        _ = try join(code, ben)
        let path = "v1/spaces/\(Self.list)/members/\(owner)"
        #expect(try post(path, #"{"role":"none"}"#, ada).value["code"] == .text("last_owner"))
        #expect(try post(path, #"{"role":"viewer"}"#, ada).value["code"] == .text("last_owner"))
        #expect(try post("v1/spaces/\(Self.list)/end", "{}", ben).status == 409)
        #expect(try server.admin("POST", "v1/admin/customers/ada/erase").status == 200)
        #expect(try server.dump().filter { $0.contains("customer:ada") } == [])
        #expect(try invite(to: Self.list, "viewer", by: ben, secret: 8).status == 201)
        #expect(try post("v1/spaces/\(Self.list)/end", "{}", ben).status == 200)
        #expect(try quantity(Self.list, ben) == nil)
        #expect(try shares(ben, "ben") == [])
        #expect(try server.faults() == [])
    }
}
