internal import ToteCore
internal import ToteServer

// What the operator and the counters of a world do.
extension LocalServer {
    /// Why the server did not do what a counter asked for.
    public struct Refusal: Error, Hashable {
        /// Of the protocol's list.
        public let code: String
        /// For people.
        public let detail: String
    }

    func openDemoCafe() throws {
        _ = try ask("POST", "v1/admin/catalog", DemoCatalog.json)
    }

    func mintCounter(of store: String) throws -> String {
        let token = try ask(
            "POST", "v1/admin/tokens",
            #"{"spaces":[{"space":"store:\#(store)"}],"role":"staff","label":"counter"}"#)
        return token["token"]?.textValue ?? ""
    }

    /// Does what is due by now: orders that expire, points that are earned.
    func runDue() throws {
        _ = try serve {
            try server.runDue(at: clock.milliseconds)
            return .answer(ServerResponse(status: 200, body: []))
        }
        wakeTouched()
    }

    func step(_ order: OrderID, to state: String, token: String, store: String) throws {
        let list = try ask("GET", "v1/stores/\(store)/orders", token: token)
        guard case .array(let orders)? = list["orders"],
            let found = orders.first(where: { $0["id"]?.textValue == order.text }),
            let version = found["version"]?.intValue
        else { throw Refusal(code: "not_found", detail: "the store has no such open order") }
        _ = try ask(
            "POST", "v1/stores/\(store)/orders/\(order.text)/steps", "{\"to\":\"\(state)\"}",
            token: token, version: version, key: "\(order.text) \(state) \(version)")
    }

    func handOver(_ order: OrderID, token: String, store: String) throws {
        _ = try ask(
            "POST", "v1/stores/\(store)/handover", "{\"order\":\"\(order.text)\"}", token: token,
            key: "\(order.text) \(clock.draw())")
    }

    /// Asks as the operator, or with a token.
    private func ask(
        _ method: String, _ path: String, _ body: String = "", token: String? = nil,
        version: Int64? = nil, key: String? = nil
    ) throws -> Value {
        var request = ServerRequest(
            method: method, path: path.split(separator: "/").map(String.init), requestID: "test")
        request.isOperator = token == nil
        request.authorization = token.map { "Bearer \($0)" }
        request.ifMatch = version.map { "\"\($0)\"" }
        request.idempotencyKey = key
        request.body = Array(body.utf8)
        let handled = try handle(request)
        wakeTouched()
        guard case .answer(let response) = handled else { throw Offline() }
        let value = (try? Encoding.json.value(response.body)) ?? .null
        guard response.status < 300 else {
            throw Refusal(
                code: value["code"]?.textValue ?? "http_\(response.status)",
                detail: value["detail"]?.textValue ?? "")
        }
        return value
    }
}
