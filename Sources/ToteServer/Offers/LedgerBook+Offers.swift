internal import ToteCore

// Offers and challenges: Protocol/offers.md section 30.
extension LedgerBook {
    /// Of a customer's orders, so many are looked at for what an offer needs, the latest first.
    private static let ordersMax = 1_000

    /// Gives the customer their share of an offer, once, however often it is asked for.
    ///
    /// - Parameter isResent: whether it was activated before the server was restored: then it is
    ///   not judged again by whom it is for.
    func activate(_ id: String, nonce: Nonce, isResent: Bool) throws -> Rejection? {
        let unknown = Rejection(code: "offer_unknown", details: .map(["offer": .text(id)]))
        guard let offer = programme?.offer(id) else { return unknown }
        if !isResent, offer.audience == .listed, try !store.isListed(space.number, for: id) {
            return unknown
        }
        guard isResent || offer.isOn(at: now) else {
            var details: [String: Value] = ["offer": .text(id)]
            if let from = offer.from { details["from"] = .int(Int64(from)) }
            if let until = offer.until { details["until"] = .int(Int64(until)) }
            return Rejection(code: "offer_not_on", details: .map(details))
        }
        if !isResent, case .buyers(let orders, let days, let sku) = offer.audience {
            let found = try collected(inDays: days, with: sku)
            guard found >= orders else {
                return Rejection(
                    code: "offer_not_earned",
                    details: .map([
                        "offer": .text(id), "orders": .int(Int64(found)),
                        "needs": .int(Int64(orders)),
                    ]))
            }
        }
        do {
            try issue(offer, LedgerEntry.source("offer", id) + "/\(Hex.string(nonce))")
            return nil
        } catch let refusal as LedgerRefusal {
            return Rejection(code: refusal.rawValue, details: .map(["offer": .text(id)]))
        }
    }

    /// Moves what is left for the customer out of an offer and into their account.
    ///
    /// - Throws: `LedgerRefusal` for somebody who has nothing of it and gets nothing.
    private func issue(_ offer: Programme.Offer, _ reference: String) throws {
        try join()
        let name = AccountName.offer(offer.id)
        var pool = try pool(offer)
        guard let amount = try pool.issue(having: try account(name).totals.granted) else { return }
        guard
            try grant(.issue, name, amount, reference, due: now, expires: offer.until)
        else { return }
        note(pool, of: offer.id)
    }

    private func collected(inDays days: Int, with sku: String?) throws -> Int {
        let since = now - min(now, UInt64(days) * 86_400_000)
        let orders = try store.orders(
            space: space.number, before: UInt64(Limits.integerMax), most: Self.ordersMax)
        return orders.count { order in
            order.state == .collected && order.collectedAt ?? 0 >= since && !order.isAllReturned
                && (sku.map { sku in order.lines.contains { Name($0.name.sku) == Name(sku) } }
                    ?? true)
        }
    }

    /// Counts a collected order for the challenges that it is part of, and gives the prizes.
    func advance(by order: Order, collectedAt time: UInt64) throws {
        guard let programme, !order.isAllReturned else { return }
        for challenge in programme.challenges {
            let skus = order.lines.map(\.name.sku)
            guard let day = challenge.day(collectedAt: time, skus: skus) else { continue }
            let item = LedgerDocuments.item(challenge: challenge.id)
            var progress =
                LedgerDocuments.value(item, in: space.documents)
                .flatMap { ChallengeProgress($0) } ?? ChallengeProgress()
            progress.forget(outside: challenge)
            guard progress.count(day, of: order.id) else { continue }
            if progress.days.count >= challenge.days {
                progress.doneAt = now
                progress.missed = try give(challenge)
            }
            note(challenge.id, progress)
        }
    }

    /// Gives the prize of a challenge, once.
    ///
    /// - Returns: why there is none.
    private func give(_ challenge: Programme.Challenge) throws -> String? {
        let reference = LedgerEntry.source("challenge", challenge.id)
        switch challenge.prize {
        case .points(let points):
            guard let amount = Amount(points) else { return nil }
            try join()
            _ = try grant(.grant, .points, amount, reference, due: now)
        case .offer(let id):
            guard let offer = programme?.offer(id) else { return "offer_unknown" }
            guard offer.isOn(at: now) else { return "offer_not_on" }
            // Legal to come too late: what all customers may have was given to others.
            do { try issue(offer, reference) } catch let refusal as LedgerRefusal {
                return refusal.rawValue
            }
        }
        return nil
    }
}

extension Order {
    /// Whether all of it came back.
    var isAllReturned: Bool {
        !returned.isEmpty
            && lines.indices.allSatisfy { returned[$0] ?? 0 >= lines[$0].quantity }
    }
}
