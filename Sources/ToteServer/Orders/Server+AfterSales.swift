internal import ToteCore

// What is asked and told about an order after it was sold (Protocol §27).
extension Server {
    /// `POST /v1/stores/{store}/orders/{order}/posts`: the store answers on the order's thread.
    func post(_ counter: CounterRequest, _ id: String) throws -> ServerResponse {
        let body = try counter.members(["text"])
        guard let text = try counter.text(body["text"], "text", 1...Order.Post.textBytesMax) else {
            throw Problem(400, "malformed", "send text")
        }
        return try once(counter) {
            var row = try row(counter, id)
            // Nobody could take out again what is written now.
            if try store.spaceName(row.space)?.hasPrefix(Self.erasedKind) ?? false {
                throw Problem.customerErased
            }
            // Nobody at a store speaks for the customer, whatever their token is called.
            let by = counter.label == Order.Post.customer ? "store" : counter.label
            guard row.order.add(Order.Post(at: clock, by: by, text: text)) else {
                throw Problem(
                    409, "thread_full", "a thread has at most \(Order.postsMax) posts")
            }
            return answer(try record(row, after: nil))
        }
    }

    /// `GET /v1/stores/{store}/sales/{number}`: any order of the brand, by its receipt's number.
    func salesReceipt(_ counter: CounterRequest, _ text: String) throws -> ServerResponse {
        // Apart from those for pickup codes, as with hand-offs.
        let tries = "sale \(counter.token.id)"
        if let seconds = guesses.locked(tries, at: clock) {
            var problem = Problem(429, "locked", "too many unknown numbers: wait")
            problem.retryAfterSeconds = seconds
            throw problem
        }
        guard let number = SalesNumber(text) else {
            throw Problem(
                400, "number_malformed",
                "a receipt's number has twelve letters, and its last one tells a wrong one: "
                    + "read it again")
        }
        guard let row = try store.orders(numbered: number).first else {
            _ = guesses.miss(tries, at: clock)
            throw Problem(404, "order_unknown", "no order has this number")
        }
        return json(SalesReceipt(row.order, catalog: catalog).value)
    }

    /// `GET /v1/spaces/{space}/orders?number=…`: one of the customer's own, or none.
    func order(
        numbered text: String, of name: String, _ request: ServerRequest
    ) throws -> ServerResponse {
        guard let number = SalesNumber(text), request.query.count == 1 else {
            throw Problem(
                400, "bad_query", "number is that of a receipt, twelve letters, and goes alone")
        }
        let space = try store.spaceNumber(name)
        let found = try store.orders(numbered: number).filter { $0.space == space }
        return page(found.map(\.order), hasMore: false)
    }
}
