import Testing
import ToteCore
import ToteServer

/// Every route that there is, asked by everybody for everything: what is not somebody's own
/// answers as what is not there, and a refused request leaves no trace.
struct AuthorizationTests {
    private static let missing = OrderID(high: 9, low: 9)

    /// Who asks.
    private struct Bearer {
        var name: String
        var secret: String?
        var isValid = true
        var role = "customer"
        var spaces: [String] = []
        /// Whether it may read and write all of its spaces.
        var isLimited = false

        func owns(_ space: String) -> Bool { isValid && spaces.contains(space) }
    }

    /// One request for a thing of somebody.
    private struct Target {
        var path: [String]
        var query: [String: String] = [:]
        var body = ""
        /// Whether there is such a thing at all.
        var exists = true
        /// The one bearer who may know of it; `nil` for all who own what the path names.
        var onlyFor: String?
    }

    private struct World {
        let shop: Shop
        /// An order of customer c-1 at store s-1, and one of customer c-2 at store s-2.
        let orders: [String: OrderID]
        let bearers: [Bearer]
        let tokenID: String
        let webhookID: String
        let deliveryID: String
        /// A lease of customer c-1, and the id of the token of the redeemer of s-1.
        let lease: LeaseID
        let redeemerID: String
        /// A hand-off that customer c-1 offers.
        let handOff: HandOffID
        /// A list of customer c-1, who is its only member.
        let share: (space: String, member: String)
    }

    private func shopWithOffer() throws -> Shop {
        let shop = try Shop()
        let vip: [String: Any] = [
            "id": "vip", "names": ["en": "V"], "product": "tea", "total": 9, "listed": true,
        ]
        try shop.useProgramme(["offers": [vip]])
        return shop
    }

    private func world() throws -> World {
        let shop = try shopWithOffer()
        let server = shop.server
        func mint(_ spaces: [String], _ more: String = "") throws -> String {
            let list = spaces.map { "{\"space\":\"\($0)\"\(more)}" }.joined(separator: ",")
            return "{\"spaces\":[\(list)]"
        }
        func token(_ role: String, _ spaces: [String], more: String = "") throws -> String {
            try server.mint(mint(spaces) + ",\"role\":\"\(role)\"\(more)}")
        }
        let other = try token("customer", ["customer:c-2"])
        var phone = TestDevice(1)
        let mine = shop.tea()
        try shop.place(mine, by: &phone, nonce: 1)
        var theirs = SyncRequest(replica: ReplicaID(2))
        let foreign = shop.tea(store: "s-2")
        theirs.changes = [
            Event(
                dot: Make.dot(2, 1), change: shop.change(.place(foreign), nonce: 2),
                outcome: .accepted)
        ]
        _ = try server.send(theirs, token: other, space: "customer:c-2")
        let expired = try token("manager", ["store:s-1"], more: ",\"expires_in_s\":1")
        let revoked = try token("manager", ["store:s-1"], more: ",\"label\":\"lost\"")
        server.now += 2_000
        let list = try server.value(server.admin("GET", "v1/admin/tokens"))["tokens"]
        guard case .array(let tokens)? = list,
            let lost = tokens.first(where: { $0["label"] == .text("lost") })?["id"]?.textValue,
            let tokenID = tokens.first?["id"]?.textValue
        else { throw TestFailure("no tokens") }
        _ = try server.admin("DELETE", "v1/admin/tokens/\(lost)")
        let till = try server.mint(
            #"{"spaces":[{"space":"customer:c-1","read":["cart:*"],"write":["cart:*"]}]}"#)
        let hook = try server.value(
            server.admin(
                "POST", "v1/admin/webhooks", #"{"url":"https://hooks.example.com/tote"}"#))
        let hookID = try #require(hook["id"]?.textValue)
        let ping = try server.value(server.admin("POST", "v1/admin/webhooks/\(hookID)/test"))
        var bearers = [
            Bearer(name: "nobody", secret: nil, isValid: false),
            Bearer(name: "garbage", secret: "tote_00", isValid: false),
            Bearer(name: "expired", secret: expired, isValid: false),
            Bearer(name: "revoked", secret: revoked, isValid: false),
            Bearer(name: "customer", secret: server.token, spaces: ["customer:c-1"]),
            Bearer(name: "another customer", secret: other, spaces: ["customer:c-2"]),
            Bearer(name: "till", secret: till, spaces: ["customer:c-1"], isLimited: true),
            Bearer(name: "admin", secret: try token("admin", []), role: "admin"),
            Bearer(name: "metrics", secret: try token("metrics", []), role: "metrics"),
        ]
        for role in ["customer", "staff", "manager"] {
            for store in ["s-1", "s-2"] {
                bearers.append(
                    Bearer(
                        name: "\(role) of \(store)", secret: try token(role, ["store:\(store)"]),
                        role: role, spaces: ["store:\(store)"]))
            }
        }
        let (lease, redeemerID) = try ledger(
            server, redeemer: bearers.first { $0.name == "staff of s-1" }?.secret ?? "",
            by: &phone)
        let handOff = HandOffID(high: 8, low: 8)
        var offer = ServerRequest(
            method: "POST", path: ["v1", "spaces", "customer:c-1", "handoffs"], requestID: "r")
        offer.authorization = "Bearer \(server.token)"
        offer.body = Array("{\"id\":\"\(handOff)\"}".utf8)
        #expect(try server.answer(offer).status == 201)
        return World(
            shop: shop, orders: ["s-1": mine.order, "s-2": foreign.order], bearers: bearers,
            tokenID: tokenID, webhookID: hookID,
            deliveryID: try #require(ping["id"]?.textValue), lease: lease,
            redeemerID: redeemerID, handOff: handOff, share: try makeShare(server))
    }

    /// Points for customer c-1, some in a lease of their phone, and a redeemer for s-1.
    private func ledger(
        _ server: TestServer, redeemer: String, by phone: inout TestDevice
    ) throws -> (LeaseID, String) {
        _ = try server.admin(
            "POST", "v1/admin/ledger",
            #"{"customer":"c-1","account":"points","kind":"grant","amount":100,"#
                + #""reference":"g","reason":"test"}"#)
        let lease = LeaseID(high: 7, low: 7)
        let change = Change(
            nonce: 99, time: Timestamp(milliseconds: server.now),
            intent: Intent.lease(
                LeaseIntent(lease: lease, account: .points, amount: try #require(Amount(10)))
            ).value)
        let reply = try phone.push([change], to: server).reply
        guard reply?.fates[0].rejection == nil else { throw TestFailure("no lease") }
        let tokens = try server.value(server.admin("GET", "v1/admin/tokens"))["tokens"]
        guard case .array(let list)? = tokens else { throw TestFailure("no tokens") }
        // Of those of staff at s-1: the one made last.
        let mine = list.filter {
            $0["role"] == .text("staff")
                && Encoding.json.encode($0["spaces"] ?? .null).contains(UInt8(ascii: "1"))
        }
        for token in mine.reversed() {
            guard let id = token["id"]?.textValue else { continue }
            let body = "{\"token\":\"\(id)\"}"
            _ = try server.admin("POST", "v1/admin/stores/s-1/redeemer", body)
            var request = ServerRequest(
                method: "POST", path: ["v1", "stores", "s-1", "redeemer"], requestID: "r")
            request.authorization = "Bearer \(redeemer)"
            request.body = Array(#"{"incarnation":"00000000000000aa"}"#.utf8)
            if try server.answer(request).status == 200 { return (lease, id) }
            _ = try server.admin(
                "POST", "v1/admin/stores/s-1/redeemer/write-off", #"{"reason":"another"}"#)
        }
        throw TestFailure("no redeemer")
    }

    /// What a route is asked for; `nil` for one that nobody has described here.
    private func targets(_ route: Route, _ world: World) -> [Target]? {
        let parts = route.path.split(separator: "/").map(String.init)
        func filled(_ values: [String: String]) -> [String] {
            parts.map { values[$0] ?? $0 }
        }
        let stores = ["s-1", "s-2", "s-9"]
        switch route.path {
        case "/v1/handshake", "/v1/openapi.json", "/v1/catalog", "/v1/slots", "/v1/admin/status",
            "/v1/admin/audit", "/v1/admin/alerts", "/v1/admin/offers":
            return [Target(path: parts)]
        case "/v1/admin/tokens":
            return [Target(path: parts, body: #"{"spaces":[{"space":"customer:x"}]}"#)]
        case "/v1/admin/catalog": return [Target(path: parts, body: Self.catalog)]
        case "/v1/admin/tokens/{id}":
            return [
                Target(path: filled(["{id}": world.tokenID])),
                Target(path: filled(["{id}": "tok_0"]), exists: false),
            ]
        case "/v1/admin/webhooks":
            return [Target(path: parts, body: #"{"url":"https://hooks.example.com/other"}"#)]
        case _ where route.path.hasPrefix("/v1/admin/webhooks/{id}"):
            let ids = ["{id}": world.webhookID, "{delivery}": world.deliveryID]
            return [
                Target(path: filled(ids)),
                Target(path: filled(ids.merging(["{id}": "wh_0"]) { $1 }), exists: false),
            ]
        case "/v1/spaces/{space}/sync", "/v1/spaces/{space}/orders",
            "/v1/spaces/{space}/ledger":
            return ["customer:c-1", "customer:c-2", "customer:c-9", "store:s-1", "store:s-2"].map {
                Target(path: filled(["{space}": $0]))
            }
        case _ where route.path.hasPrefix("/v1/spaces/{space}/handoffs"):
            return handOffTargets(route, world)
        case "/v1/stores/{store}", "/v1/stores/{store}/availability":
            return stores.map {
                Target(
                    path: filled(["{store}": $0]), body: #"{"sku":"tea","available":false}"#,
                    exists: $0 != "s-9")
            }
        case "/v1/stores/{store}/orders":
            return stores.flatMap { store in
                [["wait": "0"], ["wait": "25"]].map {
                    Target(path: filled(["{store}": store]), query: $0)
                }
            }
        case "/v1/stores/{store}/handover":
            return stores.flatMap { store in
                orders(at: store, world).map { id, exists in
                    Target(
                        path: filled(["{store}": store]), body: "{\"order\":\"\(id)\"}",
                        exists: exists)
                }
            }
        case "/v1/stores/{store}/orders/{order}/steps",
            "/v1/stores/{store}/orders/{order}/undo",
            "/v1/stores/{store}/orders/{order}/override",
            "/v1/stores/{store}/orders/{order}/dismiss",
            "/v1/stores/{store}/orders/{order}/posts":
            let bodies = [
                "posts": #"{"text":"t"}"#, "steps": #"{"to":"confirmed"}"#,
                "override": #"{"to":"ready","reason":"r"}"#,
            ]
            return stores.flatMap { store in
                orders(at: store, world).map { id, exists in
                    Target(
                        path: filled(["{store}": store, "{order}": id]),
                        body: bodies[parts.last ?? ""] ?? "", exists: exists)
                }
            }
        default: return moreTargets(parts, world) ?? ledgerTargets(route, world)
        }
    }

    private func makeShare(_ server: TestServer) throws -> (space: String, member: String) {
        let seed = HandOffID(high: 4, low: 4)
        let space = Share.space(.list, of: "customer:c-1", seed: seed)
        var make = ServerRequest(method: "POST", path: ["v1", "shares"], requestID: "r")
        make.authorization = "Bearer \(server.token)"
        make.body = Array("{\"space\":\"\(space)\",\"seed\":\"\(seed)\"}".utf8)
        let made = try server.value(server.answer(make))
        return (space, try #require(made["member"]?.textValue))
    }

    private static func isOfShare(_ parts: [String]) -> Bool {
        guard parts.count > 3, parts[1] == "spaces" else { return false }
        return ["invitations", "members", "end"].contains(parts[3])
    }

    private func moreTargets(_ parts: [String], _ world: World) -> [Target]? {
        if parts == ["v1", "shares"] {
            // Whoever has no right to make it, and a space that nobody's seed makes.
            let body = #"{"space":"list:0","seed":"0"}"#
            return [Target(path: parts, body: body)]
        }
        if Self.isOfShare(parts) {
            let missing = "list:\(String(repeating: "0", count: 32))"
            return [world.share.space, missing, "customer:c-1"].map { space in
                Target(
                    path: parts.map {
                        ["{space}": space, "{member}": world.share.member][$0] ?? $0
                    }, body: "{}", exists: space == world.share.space)
            }
        }
        guard parts.contains("{offer}") else { return nil }
        return ["vip", "gone"].map { offer in
            Target(
                path: parts.map { $0 == "{offer}" ? offer : $0 }, body: #"{"customers":["a"]}"#,
                exists: offer == "vip")
        }
    }

    /// Hand-offs of customer c-1, in their space and in others'.
    private func handOffTargets(_ route: Route, _ world: World) -> [Target] {
        let parts = route.path.split(separator: "/").map(String.init)
        let spaces = ["customer:c-1", "customer:c-2", "customer:c-9", "store:s-1", "store:s-2"]
        return spaces.flatMap { space in
            [world.handOff, HandOffID(high: 9, low: 9)].map { id in
                let isOffer = parts.last == "handoffs"
                return Target(
                    path: parts.map { ["{space}": space, "{handoff}": id.text][$0] ?? $0 },
                    body: isOffer ? "{\"id\":\"0000000000000000000000000000000e\"}" : "",
                    exists: isOffer
                        ? space.hasPrefix("customer:")
                        : space == "customer:c-1" && id == world.handOff)
            }
        }
    }

    private func ledgerTargets(_ route: Route, _ world: World) -> [Target]? {
        let parts = route.path.split(separator: "/").map(String.init)
        func filled(_ values: [String: String]) -> [String] {
            parts.map { values[$0] ?? $0 }
        }
        switch route.path {
        case "/v1/stores/{store}/receipts", "/v1/stores/{store}/redemptions",
            "/v1/stores/{store}/returns", "/v1/stores/{store}/handoffs",
            "/v1/stores/{store}/visits", "/v1/stores/{store}/alerts":
            // What is asked for is refused for its body: the store is theirs.
            return ["s-1", "s-2", "s-9"].map {
                Target(path: filled(["{store}": $0]), body: "{}")
            }
        case "/v1/stores/{store}/visits/{visit}", "/v1/stores/{store}/visits/{visit}/end":
            // One that somebody began is the vectors' (vst-004): nobody here has shown a code.
            return ["s-1", "s-2"].map { store in
                Target(
                    path: filled([
                        "{store}": store, "{visit}": "0000000000000000000000000000000f",
                    ]), exists: false)
            }
        case "/v1/stores/{store}/sales/{number}":
            // Receipts are the whole brand's, for whoever is at a store.
            return ["s-1", "s-2", "s-9"].flatMap { store in
                world.orders.values.map {
                    Target(path: filled(["{store}": store, "{number}": SalesNumber($0).text]))
                }
            }
        case "/v1/stores/{store}/redeemer":
            // Only the redeemer's own token may know that there is one.
            return [
                Target(
                    path: filled(["{store}": "s-1"]), body: #"{"incarnation":"00000000000000aa"}"#,
                    onlyFor: "staff of s-1")
            ]
        case "/v1/admin/leases": return [Target(path: parts)]
        case "/v1/admin/customers/{customer}/erase":
            return ["c-1", "nobody"].map {
                Target(path: filled(["{customer}": $0]), exists: $0 == "c-1")
            }
        case "/v1/admin/ledger":
            return [
                Target(
                    path: parts, query: ["customer": "c-1"],
                    body: #"{"customer":"c-1","account":"points","kind":"grant","amount":1,"#
                        + #""reference":"r","reason":"r"}"#)
            ]
        case "/v1/admin/leases/{lease}/write-off":
            return [
                Target(
                    path: filled(["{lease}": world.lease.text]), body: #"{"reason":"lost"}"#),
                Target(
                    path: filled(["{lease}": String(repeating: "0", count: 32)]),
                    body: #"{"reason":"lost"}"#, exists: false),
            ]
        case "/v1/admin/stores/{store}/redeemer":
            return [
                Target(
                    path: filled(["{store}": "s-1"]), body: "{\"token\":\"\(world.redeemerID)\"}"),
                Target(
                    path: filled(["{store}": "s-9"]), body: "{}", exists: route.method == "POST"),
            ]
        case "/v1/admin/stores/{store}/redeemer/write-off":
            return ["s-1", "s-9"].map {
                Target(
                    path: filled(["{store}": $0]), body: #"{"reason":"lost"}"#, exists: $0 == "s-1"
                )
            }
        default: return nil
        }
    }

    private static let catalog =
        #"{"categories":[],"groups":[],"products":[],"stores":[]}"#

    /// Ids to try at a store, and whether it has the order.
    private func orders(at store: String, _ world: World) -> [(id: String, exists: Bool)] {
        world.orders.sorted { $0.key < $1.key }.map { ($1.text, $0 == store) }
            + [(Self.missing.text, false), (String(repeating: "Z", count: 32), false)]
    }

    /// Whether the bearer may know that the target is there.
    private func mayReach(_ bearer: Bearer, _ route: Route, _ target: Target) -> Bool {
        let owner = target.path.count > 2 ? target.path[2] : ""
        switch route.access.rawValue {
        case "open": return true
        case "token" where route.path == "/v1/shares":
            let isCustomer = ["customer:c-1", "customer:c-2"].contains { bearer.owns($0) }
            return isCustomer && !bearer.isLimited || ["staff", "manager"].contains(bearer.role)
        case "token": return bearer.isValid && bearer.role != "metrics"
        case "space":
            if Self.isOfShare(route.path.split(separator: "/").map(String.init)) {
                return bearer.owns("customer:c-1") && !bearer.isLimited
                    && bearer.role == "customer" && target.exists
            }
            if route.path.contains("/handoffs") {
                return bearer.owns(owner) && !bearer.isLimited && bearer.role == "customer"
                    && target.exists
            }
            return bearer.owns(owner)
                && !(bearer.isLimited && !route.path.hasSuffix("/sync"))
        case "store":
            if let only = target.onlyFor { return bearer.name == only }
            return bearer.owns("store:\(owner)") && target.exists
                && (bearer.role == "manager"
                    || bearer.role == "staff" && !route.path.hasSuffix("/override"))
        case "admin": return bearer.isValid && bearer.role == "admin" && target.exists
        default:
            Issue.record("nobody has said here who may ask \(route.path)")
            return false
        }
    }

    private func request(_ route: Route, _ target: Target, _ bearer: Bearer) -> ServerRequest {
        var request = ServerRequest(method: route.method, path: target.path, requestID: "r")
        request.authorization = bearer.secret.map { "Bearer \($0)" }
        request.query = target.query
        request.contentType = "application/json"
        request.ifMatch = route.path.hasSuffix("/steps") ? "\"1\"" : nil
        request.idempotencyKey = "k"
        request.body = Array(target.body.utf8)
        if route.path.hasSuffix("/sync") {
            var push = SyncRequest(replica: ReplicaID(0x77))
            push.changes = [
                Event(dot: Make.dot(0x77, 1), change: Make.add(nonce: 77), outcome: .accepted)
            ]
            request.body = Encoding.json.encode(push)
        }
        if target.query["wait"] == "25" { request.query["since"] = nil }
        return request
    }

    @Test func `nobody reaches what is another's, and what is hidden is as what is missing`()
        throws
    {
        let world = try world()
        let server = world.shop.server
        var nowhere = ServerRequest(method: "GET", path: ["v1", "nothing"], requestID: "r")
        nowhere.authorization = "Bearer \(server.token)"
        let notFound = try server.answer(nowhere)
        #expect(notFound.status == 404 && notFound.headers.isEmpty)
        var reached: [String: Set<Bool>] = [:]
        let before = try server.dump()
        for route in Server.routes {
            guard let targets = targets(route, world) else {
                Issue.record("this test does not know how to ask \(route.method) \(route.path)")
                continue
            }
            for target in targets {
                for bearer in world.bearers {
                    let place = "\(bearer.name): \(route.method) \(target.path) \(target.body)"
                    let (handled, after) = try server.attempt(request(route, target, bearer))
                    let isReached = mayReach(bearer, route, target)
                    reached[route.method + route.path, default: []].insert(isReached)
                    guard case .answer(let answer) = handled else {
                        #expect(isReached, "\(place) waits")
                        continue
                    }
                    if isReached {
                        #expect(answer.status != 401 && answer.code != "not_found", "\(place)")
                        #expect(answer.status < 500, "\(place)")
                        continue
                    }
                    #expect(after == before, "\(place) left a trace")
                    if bearer.isValid {
                        #expect(answer.status == 404 && answer.code == "not_found", "\(place)")
                        #expect(answer.body == notFound.body && answer.headers.isEmpty, "\(place)")
                        #expect(answer.contentType == notFound.contentType, "\(place)")
                    } else {
                        #expect(answer.status == 401 && answer.code == "invalid_token", "\(place)")
                        #expect(answer.headers.map(\.name) == ["WWW-Authenticate"], "\(place)")
                    }
                }
            }
        }
        for route in Server.routes {
            let isNeverReached = route.path.contains("/visits/")
            let wanted: Set<Bool> =
                isNeverReached ? [false] : route.access == .open ? [true] : [true, false]
            #expect(reached[route.method + route.path] == wanted, "\(route.path)")
        }
    }

    @Test func `another's order within a push is as one that is not there`() throws {
        let world = try world()
        let (shop, server) = (world.shop, world.shop.server)
        let mine = try #require(world.orders["s-1"])
        func fates(_ id: OrderID, _ bearer: String, _ space: String) throws -> [Rejection?] {
            let secret = world.bearers.first { $0.name == bearer }?.secret
            var push = SyncRequest(replica: ReplicaID(0x77))
            let intents: [Intent] = [.checkIn(id, spot: nil), .cancel(id)]
            push.changes = intents.enumerated().map { index, intent in
                Event(
                    dot: Make.dot(0x77, UInt64(index) + 1),
                    change: shop.change(intent, nonce: UInt64(index) + 70), outcome: .accepted)
            }
            var request = server.request(Encoding.cbor.encode(push), token: secret, space: space)
            request.requestID = "r"
            guard case .answer(let answer) = try server.attempt(request).handled,
                answer.status == 200
            else { throw TestFailure("refused") }
            return try Encoding.cbor.reply(answer.body).fates.map(\.rejection)
        }
        for (bearer, space) in [
            ("another customer", "customer:c-2"), ("staff of s-1", "store:s-1"),
            ("manager of s-1", "store:s-1"),
        ] {
            let theirs = try fates(mine, bearer, space)
            #expect(try fates(Self.missing, bearer, space) == theirs, "\(bearer)")
            // In a store's space nothing is ordered at all.
            let code = space.hasPrefix("store:") ? "not_allowed" : "order_unknown"
            #expect(theirs.map { $0?.code } == [code, code], "\(bearer)")
        }
        #expect(try fates(mine, "customer", "customer:c-1") == [nil, nil])
    }

    @Test func `an order that names another's cells leaves them where they are`() throws {
        let world = try world()
        let (shop, server) = (world.shop, world.shop.server)
        var phone = TestDevice(5)
        try phone.push([Make.add(2, nonce: 50)], to: server)
        let other = try #require(world.bearers.first { $0.name == "another customer" }?.secret)
        let cell = CellReference(Make.dot(5, 1), Fields.quantity)
        var push = SyncRequest(replica: ReplicaID(0x77))
        push.changes = [
            Event(
                dot: Make.dot(0x77, 1),
                change: shop.change(.place(shop.tea(2, cells: [cell])), nonce: 77),
                outcome: .accepted)
        ]
        let answer = try server.send(push, token: other, space: "customer:c-2")
        #expect(answer.reply?.fates.first?.rejection == nil)
        #expect(try server.quantity() == 2)
        // And its owner still orders it.
        let rejection = try shop.place(shop.tea(2, cells: [cell]), by: &phone, nonce: 51)
        #expect(rejection == nil)
        #expect(try server.quantity() == 0)
    }

    @Test func `a code of another store is as one that nobody has`() throws {
        let world = try world()
        let (shop, server) = (world.shop, world.shop.server)
        let theirs = try #require(world.orders["s-2"])
        let list = try shop.call("GET", "s-2/orders", token: shop.otherStaff)
        guard case .array(let orders)? = list.value["orders"],
            let code = orders.first(where: { $0["id"] == .text(theirs.text) })?["code"]?.textValue
        else { throw TestFailure("\(list.value)") }
        let unknown = code == "ACDE" ? "ACDF" : "ACDE"
        let first = try shop.call("POST", "s-1/handover", "{\"code\":\"\(code)\"}")
        let second = try shop.call(
            "POST", "s-1/handover", "{\"code\":\"\(unknown)\"}", token: shop.manager)
        #expect(first.status == 422 && first.response.body == second.response.body)
        #expect(try server.faults() == [])
    }

    @Test func `a limited token resends no order, so that another device can bring it`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
        let till = try shop.server.mint(
            #"{"spaces":[{"space":"customer:c-1","read":["*"],"write":["cart:*"]}]}"#)
        let restored = try shop.server.reopened(isBackup: true)
        let place = shop.tea(2, cells: [CellReference(Make.dot(1, 1), Fields.quantity)])
        #expect(try shop.place(place, by: &phone, nonce: 2) == nil)
        let event = Event(
            dot: Make.dot(1, 2), change: shop.change(.place(place), nonce: 2), outcome: .accepted)
        var request = SyncRequest(
            replica: ReplicaID(9), cursor: Cursor(epoch: restored.epoch, position: 0))
        request.resend = [Run(replica: ReplicaID(1), counter: 2, events: [event])]
        #expect(try restored.send(request, token: till).reply != nil)
        #expect(Order(try restored.documents(), item: Name(place.order.text)) == nil)
        #expect(try restored.send(request).reply != nil)
        #expect(
            Order(try restored.documents(), item: Name(place.order.text))?.state == .placed)
    }
}
