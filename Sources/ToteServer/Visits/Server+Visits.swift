internal import ToteCore

// The associate's view of a customer who has shown who they are (Protocol §28).
extension Server {
    /// `POST /v1/stores/{store}/visits`: a customer's code begins a visit.
    func beginVisit(_ counter: CounterRequest) throws -> ServerResponse {
        let body = try counter.members(["code"])
        guard let code = try counter.text(body["code"], "code", 1...256) else {
            throw Problem(400, "malformed", "send code: what the customer's phone shows")
        }
        let space = try customer(showing: code, at: counter, time: clock)
        let id = Hex.string(randomBits()) + Hex.string(randomBits())
        let visit = Visit(
            space: space.name, store: counter.store, token: counter.token.id,
            until: clock + Visit.milliseconds)
        visits.begin(id, visit, at: clock)
        try audit(counter.token, store: counter.store, space.name, "visit begun", "")
        return json(
            .map([
                "visit": .text(id), "until": .int(Int64(visit.until)),
                "server_time": .int(Int64(clock)),
            ]), status: 201)
    }

    /// `GET /v1/stores/{store}/visits/{visit}`: a look, which is audited.
    func lookAtVisitor(_ counter: CounterRequest, _ id: String) throws -> ServerResponse {
        let visit = try visit(counter, id)
        let space = try settled(try space(visit.space))
        let orders = try store.orders(
            space: space.number, before: UInt64(Limits.integerMax), most: CustomerView.ordersMax)
        let view = CustomerView(
            space: space, orders: orders, role: counter.token.role, catalog: catalog)
        try audit(counter.token, store: counter.store, space.name, "visit looked at", "")
        return json(view.value)
    }

    /// `POST /v1/stores/{store}/visits/{visit}/end`.
    func endVisit(_ counter: CounterRequest, _ id: String) throws -> ServerResponse {
        _ = try counter.members([])
        let visit = try visit(counter, id)
        visits.end(id)
        try audit(counter.token, store: counter.store, visit.space, "visit ended", "")
        return json(.map([]))
    }

    private func visit(_ counter: CounterRequest, _ id: String) throws -> Visit {
        guard
            let visit = visits.visit(
                id, store: counter.store, token: counter.token.id, at: clock)
        else { throw Problem.notFound }
        return visit
    }
}
