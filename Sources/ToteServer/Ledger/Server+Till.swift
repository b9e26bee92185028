internal import ToteCore

// What a till does for a customer who stands before it: Protocol §21. Every entry takes the
// token's store for granted: the route has checked it.
extension Server {
    /// How old a receipt may be that a till was not able to send.
    static let receiptMilliseconds: UInt64 = 7 * 86_400_000

    /// The customer whose phone shows a code.
    ///
    /// - Parameter time: when it was shown.
    func customer(
        showing text: String, at counter: CounterRequest, time: UInt64
    ) throws -> Space {
        let root = try store.keptRootSecret() ?? []
        let isMade: Bool
        let (member, step): (UInt64, UInt64)
        if let code = MemberCode(text) {
            (member, step) = (code.member, code.step)
            isMade = code.isMade(with: DerivedKey.member(root, member))
        } else if let code = LeaseCode(text) {
            (member, step) = (code.certificate.member, code.step)
            isMade = code.isMade(
                with: DerivedKey.store(
                    root, counter.store, incarnation: code.certificate.incarnation))
        } else {
            throw Problem(422, "code_unknown", "this is no code that a customer's phone shows")
        }
        guard isMade, !root.isEmpty, let number = try store.space(ofMember: member) else {
            throw Problem(422, "code_unknown", "no customer's phone shows this code here")
        }
        guard RotatingCode.isCurrent(step, at: time) else {
            throw Problem(
                422, "code_expired", "the code is too old or from a wrong clock: scan it again")
        }
        return try space(numbered: number)
    }

    private func id(_ body: Value, _ name: String, _ counter: CounterRequest) throws -> String {
        guard let text = try counter.text(body[name], name, 1...64),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw Problem(400, "malformed", "\(name) is 1 to 64 printable ASCII characters")
        }
        return text
    }

    private func amount(_ body: Value, _ name: String) throws -> Amount {
        guard let amount = body[name]?.intValue.flatMap({ Amount($0) }) else {
            throw Problem(
                400, "malformed", "\(name) is a whole number from 1 to \(Amount.range.upperBound)")
        }
        return amount
    }

    /// Of what is given for a reward, minor units; `nil` when it is absent.
    private func price(_ body: Value) throws -> Int64? {
        guard let price = body["price"] else { return nil }
        guard let units = price.intValue, (0...PlaceIntent.amountMax).contains(units) else {
            throw Problem(
                400, "malformed", "price is minor units, from 0 to \(PlaceIntent.amountMax)")
        }
        return units
    }

    private func currency(_ body: Value, _ counter: CounterRequest) throws -> String {
        guard let currency = try counter.text(body["currency"], "currency", 3...3),
            AccountName("card:\(currency)") != nil
        else { throw Problem(400, "malformed", "currency is an ISO 4217 code") }
        return currency
    }

    private func summary(_ name: AccountName, of space: Space) throws -> Value {
        let account = space.ledger?.accounts[name]?.account ?? Account()
        return .map([
            "account": .text(name.description), "available": .int(account.available.total),
            "pending": .int(account.pendingUnits),
        ])
    }

    /// `POST /v1/stores/{store}/receipts`: a purchase at the till earns, once for its receipt.
    func takeReceipt(_ counter: CounterRequest) throws -> ServerResponse {
        let body = try counter.members([
            "receipt", "code", "at", "currency", "total", "lines",
        ])
        let id = try id(body, "receipt", counter)
        let receipt = try TillReceipt(body)
        if let (known, number) = try store.receipt(store: counter.store, id: id) {
            let asked = receipt.value(earned: 0)
            let isSame = ["currency", "total", "lines"].allSatisfy { known[$0] == asked[$0] }
            guard isSame else {
                throw Problem(
                    409, "receipt_exists", "this store has another receipt with this id")
            }
            return json(
                .map([
                    "receipt": .text(id), "earned": known["earned"] ?? .int(0),
                    "balance": try summary(.points, of: try settled(try space(numbered: number))),
                ]))
        }
        var time = clock
        if let at = body["at"] {
            guard let made = at.intValue.flatMap(UInt64.init(exactly:)) else {
                throw Problem(400, "malformed", "at is a time in milliseconds")
            }
            guard made + Self.receiptMilliseconds >= clock else {
                throw Problem(422, "receipt_too_old", "a receipt is taken for 7 days")
            }
            time = min(made, clock)
        }
        guard let text = try counter.text(body["code"], "code", 1...256) else {
            throw Problem(400, "malformed", "code is what the customer's phone shows")
        }
        let space = try customer(showing: text, at: counter, time: time)
        let earned = try changeLedger(of: space) { book -> Int64 in
            guard let programme = book.programme else { return 0 }
            try book.join()
            let points = programme.earned(
                lines: receipt.lines.map { ($0.sku, $0.amount) }, total: receipt.total,
                paidWithPoints: 0, currency: receipt.currency, times: book.tierTimes)
            guard let amount = Amount(points) else { return 0 }
            try book.earn(amount, LedgerEntry.source("receipt", counter.store, id))
            return points
        }
        try space.store(in: store)
        try store.insertReceipt(
            store: counter.store, id: id, space: space.number, at: clock,
            receipt.value(earned: earned))
        return json(
            .map([
                "receipt": .text(id), "earned": .int(earned),
                "balance": try summary(.points, of: space),
            ]), status: 201)
    }

    /// A customer's space with its ledger read and settled.
    func settled(_ space: Space) throws -> Space {
        try changeLedger(of: space) { try $0.settleAll() }
        return space
    }

    /// `POST /v1/stores/{store}/redemptions`: points or stored value spent at the counter, online.
    func redeem(_ counter: CounterRequest) throws -> ServerResponse {
        let body = try counter.members([
            "code", "reward", "offer", "currency", "amount", "price",
        ])
        guard let text = try counter.text(body["code"], "code", 1...256) else {
            throw Problem(400, "malformed", "code is what the customer's phone shows")
        }
        let currency = try currency(body, counter)
        let reward = try counter.text(body["reward"], "reward", 1...64)
        let offer = try counter.text(body["offer"], "offer", 1...64)
        guard ["reward", "offer", "amount"].filter({ body[$0] != nil }).count == 1 else {
            throw Problem(400, "malformed", "send reward, offer or amount, one of them")
        }
        return try once(counter) {
            let space = try customer(showing: text, at: counter, time: clock)
            var spend: (name: AccountName, amount: Amount, value: Int64)
            if let reward {
                spend = try points(for: reward, currency, price: try price(body))
            } else if let offer {
                spend = try use(of: offer, currency, price: try price(body))
            } else {
                let amount = try amount(body, "amount")
                spend = (.card(currency), amount, amount.units)
            }
            let id = OrderID(high: randomBits(), low: randomBits())
            let reference = LedgerEntry.source("redemption", id.text)
            try changeLedger(of: space) { book in
                if let rejection = try book.spend(spend.amount, spend.name, reference) {
                    throw Problem(
                        409, rejection.code, "the customer's account cannot pay this",
                        members: [Value.Entry("details", rejection.details)])
                }
            }
            try store.insertRedemption(
                id, space: space.number, store: counter.store, account: spend.name.description,
                at: clock)
            return json(
                .map([
                    "redemption": .text(id.text), "units": .int(spend.amount.units),
                    "value": .int(spend.value),
                    "balance": try summary(spend.name, of: space),
                ]))
        }
    }

    /// What a reward costs, and what it is worth here.
    private func points(
        for id: String, _ currency: String, price: Int64?
    ) throws -> (name: AccountName, amount: Amount, value: Int64) {
        guard let programme = catalog?.programme, let reward = programme.reward(id),
            let amount = Amount(reward.points)
        else { throw Problem(409, "reward_unknown", "the programme has no such reward") }
        return (
            .points, amount,
            try value(of: reward.benefit, programme, currency, price, "reward_unknown")
        )
    }

    /// One use of an offer, and what it is worth here.
    private func use(
        of id: String, _ currency: String, price: Int64?
    ) throws -> (name: AccountName, amount: Amount, value: Int64) {
        guard let programme = catalog?.programme, let offer = programme.offer(id),
            let amount = Amount(1)
        else { throw Problem(409, "offer_unknown", "the programme has no such offer") }
        return (
            .offer(offer.id), amount,
            try value(of: offer.benefit, programme, currency, price, "offer_unknown")
        )
    }

    private func value(
        of benefit: Programme.Benefit, _ programme: Programme, _ currency: String,
        _ price: Int64?, _ code: String
    ) throws -> Int64 {
        var lines: [(sku: String, price: Int64)] = []
        if case .product(let sku) = benefit { lines = price.map { [(sku, $0)] } ?? [] }
        guard let value = programme.value(of: benefit, lines: lines, currency: currency) else {
            throw Problem(
                409, code, "it does not apply: for a product send the price of what is given")
        }
        return value
    }

    /// `POST /v1/stores/{store}/returns`: goods that come back, to any store.
    func takeReturn(_ counter: CounterRequest) throws -> ServerResponse {
        let body = try counter.members(["order", "receipt", "redemption", "lines", "reason"])
        _ = try counter.text(body["reason"], "reason", 1...256)
        let named = ["order", "receipt", "redemption"].filter { body[$0] != nil }
        guard named.count == 1 else {
            throw Problem(400, "malformed", "send order, receipt or redemption, one of them")
        }
        return try once(counter) {
            switch named[0] {
            case "order": return try returnOrder(body, counter)
            case "receipt": return try returnReceipt(body, counter)
            default: return try returnRedemption(body, counter)
            }
        }
    }

    private func returnOrder(_ body: Value, _ counter: CounterRequest) throws -> ServerResponse {
        guard let id = body["order"]?.textValue.flatMap({ OrderID($0) }),
            var row = try store.order(id)
        else { throw Problem(404, "order_unknown", "no order has this id") }
        guard row.order.state == .collected else {
            throw Problem(
                409, "step_not_allowed",
                "an order that is \(row.order.state) cannot be returned; cancel it",
                members: [Value.Entry("state", .text(row.order.state.rawValue))])
        }
        let bought = row.order.lines.map {
            TillReceipt.Line(
                sku: $0.name.item.text, quantity: $0.quantity, amount: $0.price * $0.quantity)
        }
        let kept = row.order
        let before = TillReceipt.worth(row.order.returned, of: bought, total: row.order.total)
        row.order.returned = try TillReceipt.adding(body["lines"], to: row.order.returned, bought)
        let after = TillReceipt.worth(row.order.returned, of: bought, total: row.order.total)
        row.order.version += 1
        let source = LedgerEntry.source("order", id.text)
        let number = try store.returnCount(of: source) + 1
        let order = row.order
        let space = try space(numbered: row.space)
        // What was not earned yet is earned first: it is taken back by the same rule then.
        let outside = try changeLedger(of: space) { book -> Int64 in
            try book.earn(kept, later: order)
            return try book.takeBack(order, returned: after, before: before, number: number)
        }
        _ = try record(row, after: nil)
        return try returned(
            source, counter, body, worth: after - before, outside: outside, order.currency, space)
    }

    private func returnReceipt(_ body: Value, _ counter: CounterRequest) throws -> ServerResponse {
        guard case .map? = body["receipt"], let name = body["receipt"]?["store"]?.textValue,
            let id = body["receipt"]?["id"]?.textValue
        else { throw Problem(400, "malformed", "receipt is {store, id}") }
        guard let (known, number) = try store.receipt(store: name, id: id) else {
            throw Problem(404, "receipt_unknown", "no receipt of that store has this id")
        }
        let receipt = try TillReceipt(known)
        let before = TillReceipt.worth(receipt.returned, of: receipt.lines, total: receipt.total)
        var changed = receipt
        changed.returned = try TillReceipt.adding(
            body["lines"], to: receipt.returned, receipt.lines)
        let after = TillReceipt.worth(changed.returned, of: receipt.lines, total: receipt.total)
        let source = LedgerEntry.source("receipt", name, id)
        let count = try store.returnCount(of: source) + 1
        let space = try space(numbered: number)
        try changeLedger(of: space) {
            try $0.takeBack(source, share: (after, receipt.total), "return.\(count)")
        }
        try store.updateReceipt(
            store: name, id: id, changed.value(earned: known["earned"]?.intValue ?? 0))
        return try returned(
            source, counter, body, worth: after - before, outside: after - before,
            receipt.currency, space)
    }

    private func returnRedemption(
        _ body: Value, _ counter: CounterRequest
    ) throws -> ServerResponse {
        guard body["lines"] == nil, let id = body["redemption"]?.textValue.flatMap({ OrderID($0) })
        else { throw Problem(400, "malformed", "a redemption is returned whole, by its id") }
        let source = LedgerEntry.source("redemption", id.text)
        guard let (number, _, text) = try store.redemption(id), let name = AccountName(text) else {
            throw Problem(404, "redemption_unknown", "no redemption has this id")
        }
        let space = try space(numbered: number)
        let units = try changeLedger(of: space) {
            try $0.refund(source, name, most: .max, "return")
        }
        guard units > 0 else {
            throw Problem(409, "already_returned", "this redemption was taken back before")
        }
        return try returned(
            source, counter, body, worth: units, outside: 0, name.description, space)
    }

    private func returned(
        _ source: String, _ counter: CounterRequest, _ body: Value, worth: Int64, outside: Int64,
        _ currency: String, _ space: Space
    ) throws -> ServerResponse {
        let facts: [String: Value] = [
            "source": .text(source), "worth": .int(worth), "refund_at_counter": .int(outside),
            "currency": .text(currency),
        ]
        try store.insertReturn(
            source: source, store: counter.store, at: clock,
            .map(
                facts.merging([
                    "lines": body["lines"] ?? .null, "by": .text(counter.label),
                    "reason": body["reason"] ?? .text(""),
                ]) { $1 }))
        return json(.map(facts.merging(["balance": try summary(.points, of: space)]) { $1 }))
    }

    /// `POST /v1/stores/{store}/redeemer`: the redeemer fetches its key.
    func enrolRedeemer(_ counter: CounterRequest) throws -> ServerResponse {
        let body = try counter.members(["incarnation"])
        guard let text = try counter.text(body["incarnation"], "incarnation", 16...16),
            let incarnation = Hex.id(text), incarnation != 0
        else { throw Problem(400, "malformed", "incarnation is 16 lower-case hex digits") }
        guard var redeemer = try store.redeemer(counter.store), redeemer.token == counter.token.id
        else { throw Problem.notFound }
        if redeemer.incarnation != incarnation {
            // Leases of the former one stay blocked: its disk is lost, and so is what it took.
            redeemer.incarnation = incarnation
            redeemer.watermark = 0
            try store.save(redeemer)
        }
        let root = try store.rootSecret(randomBits)
        return json(
            .map([
                "store": .text(counter.store), "incarnation": .text(text),
                "key": .text(
                    Hex.string(DerivedKey.store(root, counter.store, incarnation: incarnation))),
                "server_time": .int(Int64(clock)),
            ]))
    }
}
