internal import ToteCore

// How an order is paid from the customer's accounts.
extension Replica {
    /// The tenders of an order: offers, rewards, the card, then what was asked for besides.
    ///
    /// - Parameter isOnline: whether the server is in touch, so that it pays what no lease does.
    /// - Throws: `orderRefused` with `reward_unknown`, `offer_unknown`, `balance_too_low`,
    ///   `lease_expired`,
    ///   `tenders_mismatch`.
    func tenders(
        _ request: OrderRequest, _ quote: Quote, isOnline: Bool, at reading: ClockReading
    ) throws(ToteError) -> [Tender] {
        guard request.tenders?.allSatisfy({ $0.spend == nil }) ?? true else {
            throw ToteError(
                .invalidArgument,
                "name rewards and card in the request: what they spend is held "
                    + "against what this device may spend")
        }
        var power = SpendingPower(self, at: reading)
        var due = quote.total
        var tenders: [Tender] = []
        for id in request.offers {
            let tender = try tender(offer: id, quote, due, tenders, isOnline: isOnline, &power)
            due -= tender.amount
            tenders.append(tender)
        }
        for id in request.rewards {
            let tender = try tender(id, quote, due, tenders, isOnline: isOnline, &power)
            due -= tender.amount
            tenders.append(tender)
        }
        if let card = request.card, due > 0 {
            let tender = try tender(card, quote, due, isOnline: isOnline, &power)
            if let tender {
                due -= tender.amount
                tenders.append(tender)
            }
        }
        tenders += request.tenders ?? (due == 0 ? [] : [Tender(.atCounter, due)])
        let paid = tenders.reduce(Int64(0)) { $0.addingReportingOverflow($1.amount).partialValue }
        guard paid == quote.total else {
            throw .order(
                "tenders_mismatch", "the tenders sum to \(paid), the order costs \(quote.total)",
                .map(["total": .int(quote.total)]))
        }
        return tenders
    }

    private func tender(
        _ id: String, _ quote: Quote, _ due: Int64, _ before: [Tender], isOnline: Bool,
        _ power: inout SpendingPower
    ) throws(ToteError) -> Tender {
        guard let programme = catalog?.programme, let reward = programme.reward(id),
            let value = value(of: reward.benefit, programme, quote, before),
            let points = Amount(reward.points)
        else {
            throw .order(
                "reward_unknown", "the programme has no reward \(id) for this order",
                .map(["reward": .text(id)]))
        }
        guard due > 0, value > 0 else { throw Self.nothingLeft("the reward \(id)", quote) }
        var tender = Tender(.points, min(value, due))
        tender.reward = reward.id
        tender.points = reward.points
        tender.right = try power.take(points, .points, isOnline: isOnline)
        return tender
    }

    /// What one more of rewards and offers is worth, as the server will find it.
    private func value(
        of benefit: Programme.Benefit, _ programme: Programme, _ quote: Quote, _ before: [Tender]
    ) -> Int64? {
        let taken = before.count { tender in
            let other =
                tender.reward.flatMap { programme.reward($0)?.benefit }
                ?? tender.offer.flatMap { programme.offer($0)?.benefit }
            return other == benefit
        }
        return programme.value(
            of: benefit, lines: quote.lines.map { ($0.line.sku, $0.price, $0.quantity) },
            currency: quote.currency, taken: taken)
    }

    private static func nothingLeft(_ what: String, _ quote: Quote) -> ToteError {
        .order(
            "tenders_mismatch", "nothing is left to be paid by \(what)",
            .map(["total": .int(quote.total)]))
    }

    private func tender(
        offer id: String, _ quote: Quote, _ due: Int64, _ before: [Tender], isOnline: Bool,
        _ power: inout SpendingPower
    ) throws(ToteError) -> Tender {
        guard let programme = catalog?.programme, let offer = programme.offer(id),
            let value = value(of: offer.benefit, programme, quote, before),
            let use = Amount(1)
        else {
            throw .order(
                "offer_unknown", "the programme has no offer \(id) for this order",
                .map(["offer": .text(id)]))
        }
        guard due > 0, value > 0 else { throw Self.nothingLeft("the offer \(id)", quote) }
        var tender = Tender(.offer, min(value, due))
        tender.offer = offer.id
        tender.right = try power.take(use, .offer(offer.id), isOnline: isOnline)
        return tender
    }

    /// `nil` when all of a card is asked for that has nothing.
    private func tender(
        _ card: OrderRequest.Card, _ quote: Quote, _ due: Int64, isOnline: Bool,
        _ power: inout SpendingPower
    ) throws(ToteError) -> Tender? {
        let account = AccountName.card(quote.currency)
        let wanted: Int64
        switch card {
        case .all: wanted = min(due, power.most(account, isOnline: isOnline))
        case .amount(let units):
            guard units > 0 else {
                throw ToteError(.invalidArgument, "\(units) cannot be paid from a card")
            }
            wanted = min(due, units)
        }
        guard wanted > 0 else { return nil }
        guard let amount = Amount(min(wanted, Amount.range.upperBound)) else { return nil }
        var tender = Tender(.card, amount.units)
        tender.right = try power.take(amount, account, isOnline: isOnline)
        return tender
    }
}
