internal import ToteCore

// What counters do (Protocol §15). Every entry takes the token's store for granted: the route has
// checked it.
extension Server {
    static let answerMilliseconds: UInt64 = 7 * 86_400_000

    /// The counter's token and store, or the refusal: somebody else's store is as a missing one.
    func counter(_ request: ServerRequest, store: String) throws -> CounterRequest {
        let token = try authenticate(request)
        guard token.grant(for: "store:\(store)") != nil,
            token.role == .staff || token.role == .manager
        else { throw Problem.notFound }
        return CounterRequest(request: request, token: token, store: store)
    }

    /// `GET /v1/stores/{store}`.
    func storeFacts(_ counter: CounterRequest) throws -> ServerResponse {
        guard let shop = catalog?.store(counter.store) else { throw Problem.notFound }
        return json(
            .map([
                "id": .text(shop.id), "names": .map(shop.names.mapValues { .text($0) }),
                "currency": .text(shop.currency),
                "late_minutes": .array(
                    [shop.lateMinutes.late, shop.lateMinutes.veryLate].map { .int(Int64($0)) }),
                "name_policy": .text(shop.namePolicy.rawValue), "label": .text(counter.label),
                "role": .text(counter.token.role.rawValue),
            ]))
    }

    /// An order of the counter's own store.
    func row(_ counter: CounterRequest, _ id: String) throws -> OrderRow {
        guard let id = OrderID(id), let row = try store.order(id), row.order.store == counter.store
        else { throw Problem.notFound }
        return row
    }

    /// Records an order that took a step, in the store's feed and in its customer's documents.
    ///
    /// - Parameter before: the state that the step led out of; `nil` when it led to none.
    func record(_ row: OrderRow, after before: OrderState?) throws -> Order {
        guard let name = try store.spaceName(row.space) else {
            throw StoreError.corrupt("an order belongs to no space")
        }
        var row = row
        let space = try space(name)
        // A customer's index is kept up to date only where it was read.
        let judge = judge(space, Grant(space: name))
        let writes = try judge.orders().record(&row, after: before)
        try space.writeOwn(writes, by: judge)
        try noteWritten(space)
        try noteOrder(row.order, of: name, isStep: before != nil)
        return row.order
    }

    func answer(_ order: Order) -> ServerResponse {
        var response = json(order.counterValue(catalog))
        response.headers.append(("ETag", "\"\(order.version)\""))
        return response
    }

    private func notAllowed(_ order: Order, _ next: OrderState) -> Problem {
        Problem(
            409, "step_not_allowed", "an order that is \(order.state) does not become \(next)",
            members: [Value.Entry("state", .text(order.state.rawValue))])
    }

    /// Answers a request that carries an idempotency key once; the same again gets the same.
    func once(
        _ counter: CounterRequest, _ body: () throws -> ServerResponse
    ) throws -> ServerResponse {
        let key = try counter.idempotencyKey()
        let path = counter.request.path.joined(separator: "/")
        let digest = SHA256.digest(
            Array("\(path)\n\(counter.request.ifMatch ?? "")\n".utf8) + counter.request.body)
        if let kept = try store.answer(token: counter.token.id, key: key) {
            guard kept.digest == digest else {
                throw Problem(
                    422, "idempotency_key_reused",
                    "this Idempotency-Key was used for another request: make a new one")
            }
            var response = ServerResponse(
                status: kept.status,
                contentType: kept.status == 200 ? "application/json" : "application/problem+json",
                body: kept.body)
            response.headers.append(("Idempotent-Replayed", "true"))
            return response
        }
        var response: ServerResponse
        do {
            response = try body()
        } catch let problem as Problem where problem.status == 409 || problem.status == 412 {
            // Final for this key: what is done meanwhile must not turn a refusal into a deed.
            response = ServerResponse(problem, requestID: counter.request.requestID)
        }
        try store.keepAnswer(
            token: counter.token.id, key: key, digest: digest, status: response.status,
            body: response.body, at: clock)
        return response
    }

    /// Frees the keys of answers that are kept no longer; call it within a group.
    func forgetAnswers() throws {
        try store.forgetAnswers(before: clock - min(clock, Self.answerMilliseconds))
    }

    /// `POST /v1/stores/{store}/orders/{order}/steps`.
    func step(_ counter: CounterRequest, _ id: String) throws -> ServerResponse {
        let body = try counter.members(["to", "reason"])
        guard let next = body["to"]?.textValue.flatMap(OrderState.init(rawValue:)) else {
            throw Problem(400, "malformed", "to is the state that the order shall have")
        }
        let reason = try counter.text(body["reason"], "reason", 1...256)
        let version = try counter.expectedVersion()
        return try once(counter) {
            var row = try row(counter, id)
            guard row.order.version == version else {
                throw Problem(
                    412, "version_moved",
                    "the order is at version \(row.order.version), not \(version): look again",
                    members: [Value.Entry("order", row.order.counterValue(catalog))])
            }
            guard next != .collected, row.order.state != .collected,
                row.order.state.allows(next, by: .store)
            else { throw notAllowed(row.order, next) }
            let before = row.order.state
            row.order.take(next, at: clock, by: counter.label)
            row.order.reason = reason ?? row.order.reason
            return answer(try record(row, after: before))
        }
    }

    /// `POST /v1/stores/{store}/handover`.
    func handOver(_ counter: CounterRequest) throws -> ServerResponse {
        let body = try counter.members(["code", "order", "at"])
        let code = try counter.text(body["code"], "code", 1...16)
        let id = try counter.text(body["order"], "order", 32...32)
        guard (code == nil) != (id == nil) else {
            throw Problem(400, "malformed", "send code or order, one of them")
        }
        var made: UInt64?
        if let at = body["at"] {
            guard let time = at.intValue, time >= 0, id != nil else {
                throw Problem(400, "malformed", "at is a time, and goes with the order's id")
            }
            made = min(UInt64(time), clock)
        }
        return try once(counter) {
            if let seconds = guesses.locked(counter.token.id, at: clock), code != nil {
                var problem = Problem(
                    429, "locked",
                    "too many wrong codes: find the order by its name or id, or wait")
                problem.retryAfterSeconds = seconds
                throw problem
            }
            let found: OrderRow
            if let id { found = try row(counter, id) } else { found = try row(counter, code: code) }
            return try handOver(found, counter, madeAt: made)
        }
    }

    private func row(_ counter: CounterRequest, code: String?) throws -> OrderRow {
        let since = clock - min(clock, OrderBook.codeRestMilliseconds)
        let wanted = code?.uppercased() ?? ""
        if let row = try store.order(store: counter.store, code: wanted, closedSince: since) {
            return row
        }
        let left = guesses.miss(counter.token.id, at: clock)
        throw Problem(
            422, "wrong_code", "no order of this store has this code; \(left) attempts are left",
            members: [Value.Entry("attempts_left", .int(Int64(left)))])
    }

    private func handOver(
        _ found: OrderRow, _ counter: CounterRequest, madeAt: UInt64?
    ) throws -> ServerResponse {
        var row = found
        let state = row.order.state
        if state == .collected, let first = row.order.steps.last(where: { $0.state == .collected })
        {
            throw Problem(
                409, "already_collected", "\(first.by) handed this order over before",
                members: [
                    Value.Entry("at", .int(Int64(first.at))), Value.Entry("by", .text(first.by)),
                ])
        }
        if state == .cancelled || state == .declined, madeAt != nil, !row.order.isDisputed {
            row.order.isDisputed = true
            row.order.version += 1
            try audit(
                counter.token, store: counter.store, row.order.id.text, "disputed",
                "handed over while cut off")
            _ = try record(row, after: nil)
            var problem = closed(row.order)
            problem.didNotHappen = false
            return ServerResponse(problem, requestID: counter.request.requestID)
        }
        guard state != .cancelled, state != .declined else { throw closed(row.order) }
        // What was handed over while cut off is a fact, whatever the counter had not yet noted.
        let isFact = madeAt != nil && state.isOpen
        guard state.allows(.collected, by: .store) || isFact else {
            throw Problem(
                409, "not_ready", "the order is \(state): it is not ready to be handed over",
                members: [Value.Entry("state", .text(state.rawValue))])
        }
        row.order.take(.collected, at: madeAt ?? clock, by: counter.label)
        return answer(try record(row, after: state))
    }

    private func closed(_ order: Order) -> Problem {
        Problem(
            409, "order_closed", "the order was \(order.state): nothing may be handed over for it",
            members: [Value.Entry("state", .text(order.state.rawValue))])
    }

    /// `POST …/orders/{order}/undo`: takes back a hand-over, within a minute.
    func undo(_ counter: CounterRequest, _ id: String) throws -> ServerResponse {
        _ = try counter.members([])
        var row = try row(counter, id)
        guard row.order.state == .collected,
            let done = row.order.steps.last(where: { $0.state == .collected })
        else { throw notAllowed(row.order, .ready) }
        guard clock <= done.at + OrderState.undoMilliseconds else {
            throw Problem(
                409, "undo_too_late", "a hand-over can be undone for 60 s; ask a manager to undo it"
            )
        }
        row.order.take(.ready, at: clock, by: counter.label)
        return answer(try record(row, after: .collected))
    }

    /// `POST …/orders/{order}/override`: a manager's step, with a reason, on record.
    func override(_ counter: CounterRequest, _ id: String) throws -> ServerResponse {
        guard counter.token.role == .manager else { throw Problem.notFound }
        let body = try counter.members(["to", "reason"])
        guard let next = body["to"]?.textValue.flatMap(OrderState.init(rawValue:)),
            let reason = try counter.text(body["reason"], "reason", 1...256)
        else { throw Problem(400, "malformed", "send to and reason") }
        var row = try row(counter, id)
        guard row.order.state.allows(next, by: .manager) else { throw notAllowed(row.order, next) }
        let before = row.order.state
        row.order.take(next, at: clock, by: counter.label)
        row.order.reason = reason
        let order = try record(row, after: before)
        try audit(
            counter.token, store: counter.store, order.id.text,
            "\(before.rawValue) to \(next.rawValue)", reason)
        return answer(order)
    }

    /// `POST …/orders/{order}/dismiss`: somebody has looked into a dispute.
    func dismiss(_ counter: CounterRequest, _ id: String) throws -> ServerResponse {
        _ = try counter.members([])
        var row = try row(counter, id)
        guard row.order.isDisputed else { return answer(row.order) }
        row.order.isDisputed = false
        row.order.version += 1
        try audit(
            counter.token, store: counter.store, row.order.id.text, "dispute dismissed", "")
        return answer(try record(row, after: nil))
    }

    /// `POST /v1/stores/{store}/availability`.
    func setAvailability(_ counter: CounterRequest) throws -> ServerResponse {
        let body = try counter.members(["sku", "available"])
        guard let sku = try counter.text(body["sku"], "sku", 1...512),
            case .bool(let isAvailable)? = body["available"]
        else { throw Problem(400, "malformed", "send sku and available") }
        guard
            let changed = catalog?.settingAvailability(
                sku: sku, at: counter.store, isAvailable: isAvailable)
        else { throw Problem(404, "product_unknown", "no product has this SKU") }
        let version = try catalogs.replace(with: changed, at: clock).version
        return json(
            .map([
                "sku": .text(sku), "available": .bool(isAvailable), "catalog": .int(version),
            ]))
    }

    /// `GET /v1/spaces/{space}/orders`: older orders than the documents hold.
    func orderHistory(_ request: ServerRequest, space name: String) throws -> ServerResponse {
        let token = try authenticate(request)
        guard let grant = token.grant(for: name), grant.mayRead(Reserved.orders) else {
            throw Problem.notFound
        }
        if let number = request.query["number"] {
            return try order(numbered: number, of: name, request)
        }
        let before = request.query["before"].map { UInt64($0) } ?? UInt64(Limits.integerMax)
        let limit = request.query["limit"].map { Int($0) } ?? 50
        guard let before, before <= UInt64(Limits.integerMax), let limit,
            (1...100).contains(limit)
        else { throw Problem(400, "bad_query", "before is a time, limit is 1 to 100") }
        let number = try store.spaceNumber(name) ?? 0
        var orders = try store.orders(space: number, before: before, most: limit + 1)
        var hasMore = false
        if orders.count > limit {
            // A page ends between two moments: the next one asks for what was placed before.
            let last = orders[limit - 1].placedAt
            orders =
                orders.filter { $0.placedAt > last }
                + (try store.orders(space: number, placedAt: last))
            hasMore = try !store.orders(space: number, before: last, most: 1).isEmpty
        }
        return page(orders, hasMore: hasMore)
    }

    func page(_ orders: [Order], hasMore: Bool) -> ServerResponse {
        let values = orders.map { order -> Value in
            guard case .map(let members) = order.value else { return order.value }
            return .map(
                (members + [Value.Entry("id", .text(order.id.text))])
                    .sorted { Name($0.name) < Name($1.name) })
        }
        return json(
            .map(["orders": .array(values), "more": .bool(hasMore)]))
    }
}
