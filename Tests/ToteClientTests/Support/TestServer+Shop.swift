import Testing
import ToteClient
import ToteTesting
import ToteCore
import ToteServer

/// The store at which the tests' customers order, and its counter.
extension TestServer {
    /// Puts a catalogue of tea and cake in force.
    func sell(
        teaAt price: Int = 300, capacity: Int = 50, soldOut: [String] = [], programme: String = ""
    ) throws {
        let version = (catalog?.version ?? 0) + 1
        func product(_ sku: String, _ price: Int) -> String {
            """
            {"sku":"\(sku)","names":{"en":"\(sku)"},"tax":"food","price":{"EUR":\(price)}}
            """
        }
        let list = soldOut.map { "\"\($0)\"" }.joined(separator: ",")
        let content = """
            "categories":[],"groups":[],
            "products":[\(product("tea", price)),\(product("cake", 500))],
            "stores":[{"id":"s-1","names":{"en":"One"},"currency":"EUR","tax_included":true,
            "taxes":{"food":100000},"open":[[1700000000000,1900000000000]],
            "preparation_minutes":10,"slot_minutes":10,"slot_capacity":\(capacity),
            "expire_minutes":120,"sold_out":[\(list)],"late_minutes":[5,8],
            "name_policy":"first"}]\(programme)}
            """
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "catalog"], requestID: "r")
        request.isOperator = true
        request.body = Array("{\(content)".utf8)
        _ = try done(request)
        catalog = (version, Array("{\"version\":\(version),\(content)".utf8))
    }

    func done(_ request: ServerRequest) throws -> Value {
        let handled = try handle(request)
        wakeTouched()
        guard case .answer(let answer) = handled, (200..<300).contains(answer.status) else {
            throw Offline()
        }
        return try Encoding.json.value(answer.body)
    }

    func staff() throws -> String { try mintStaff().secret }

    /// A token of the store's staff.
    func mintStaff() throws -> (id: String, secret: String) {
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "tokens"], requestID: "r")
        request.isOperator = true
        request.body = Array(
            #"{"spaces":[{"space":"store:s-1"}],"role":"staff","label":"till"}"#.utf8)
        let token = try done(request)
        return (token["id"]?.textValue ?? "", token["token"]?.textValue ?? "")
    }

    /// The store's orders as its counter sees them: id → state.
    func counter() throws -> [OrderID: String] {
        var request = ServerRequest(
            method: "GET", path: ["v1", "stores", "s-1", "orders"], requestID: "r")
        request.authorization = "Bearer \(try staff())"
        request.query["state"] =
            "placed,confirmed,preparing,ready,collected,expired,declined,cancelled"
        guard case .array(let orders)? = try done(request)["orders"] else { throw Offline() }
        return orders.reduce(into: [:]) { found, order in
            guard let id = order["id"]?.textValue.flatMap({ OrderID($0) }) else { return }
            found[id] = order["state"]?.textValue
        }
    }

    /// The counter takes an order a step further.
    func step(_ id: OrderID, to state: String, version: Int) throws {
        var request = ServerRequest(
            method: "POST", path: ["v1", "stores", "s-1", "orders", id.text, "steps"],
            requestID: "r")
        request.authorization = "Bearer \(try staff())"
        request.ifMatch = "\"\(version)\""
        request.idempotencyKey = "k-\(version)"
        request.body = Array("{\"to\":\"\(state)\"}".utf8)
        _ = try done(request)
    }
}

extension TestBed {
    /// A signed-in device that has the catalogue and teas in its cart.
    func customer(_ name: String = "a", teas: Int = 2) async throws -> Tote {
        if await server.catalog == nil { try await server.sell() }
        let tote = try await device(name)
        _ = try await tote.syncOnce()
        try await tote.refreshCatalog()
        if teas > 0 { try await tote.cart().setQuantity(teas, of: "tea") }
        return tote
    }
}

extension Tote {
    /// Orders what the cart shows, as soon as possible.
    @discardableResult
    func order() async throws -> QueuedOrder {
        try await cart().place(OrderRequest(store: "s-1"))
    }

    /// How many teas the cart shows.
    var teas: Int64 { get async { await cart().value.quantity("tea") } }
}
