internal import ToteCore

// What orders do to the ledger: Protocol §20.
extension LedgerBook {
    private static func source(_ order: OrderID) -> String {
        LedgerEntry.source("order", order.text)
    }

    /// Accounts that an order's tenders may have drawn on.
    private static func accounts(_ order: Order) -> [AccountName] {
        let used = Set(order.tenders.compactMap { $0.account(in: order.currency) })
        return Array(used.union([.points, .card(order.currency)])).sorted()
    }

    /// Pays an order's tenders of points and stored value, each in full, or says why not.
    ///
    /// - Parameters:
    ///   - order: with the tenders as they are due; what was named too high is lowered.
    ///   - isResent: its terms were agreed to before the server was restored.
    func pay(
        _ order: inout Order, from replica: ReplicaID, isResent: Bool
    ) throws -> Rejection? {
        for index in order.tenders.indices {
            let tender = order.tenders[index]
            guard let account = tender.account(in: order.currency) else { continue }
            try join()
            if !isResent, let rejection = settle(&order, index) { return rejection }
            guard let amount = order.tenders[index].spend else {
                return Rejection(code: "amount_out_of_range")
            }
            let reference = "\(Self.source(order.id))/\(order.version).\(index)"
            let rejection =
                try tender.right.map {
                    try spend(
                        amount, account, by: $0, from: replica, reference, isResent: isResent)
                } ?? spend(amount, account, reference, isResent: isResent)
            if let rejection { return rejection }
        }
        return nil
    }

    /// Holds a tender of points or of an offer against the programme; points that were named too
    /// high are lowered to what the reward costs.
    private func settle(_ order: inout Order, _ index: Int) -> Rejection? {
        let tender = order.tenders[index]
        let (code, member, id, benefit): (String, String, String, Programme.Benefit?)
        switch tender.kind {
        case .points:
            id = tender.reward ?? ""
            (code, member, benefit) = ("reward", "reward", programme?.reward(id)?.benefit)
        case .offer:
            id = tender.offer ?? ""
            (code, member, benefit) = ("offer", "offer", programme?.offer(id)?.benefit)
        default: return nil
        }
        let unknown = Rejection(code: "\(code)_unknown", details: .map([member: .text(id)]))
        guard let benefit else { return unknown }
        // A product is given as often as it was ordered, and no oftener.
        let before = order.tenders[..<index].count { self.benefit(of: $0) == benefit }
        let ordered = order.lines.map { (sku: $0.name.sku, price: $0.price, quantity: $0.quantity) }
        if case .product(let sku) = benefit {
            let units = ordered.filter { Name($0.sku) == Name(sku) }.reduce(0) { $0 + $1.quantity }
            guard before < units else { return unknown }
        }
        let value =
            programme?.value(of: benefit, lines: ordered, currency: order.currency, taken: before)
            ?? 0
        let points = tender.kind == .points ? programme?.reward(id)?.points : nil
        guard tender.amount <= value, points ?? 0 <= tender.points ?? 0 else {
            var details: [String: Value] = [member: .text(id), "value": .int(value)]
            if let points { details["points"] = .int(points) }
            return Rejection(code: "\(code)_changed", details: .map(details))
        }
        order.tenders[index].points = points
        return nil
    }

    private func benefit(of tender: Tender) -> Programme.Benefit? {
        tender.reward.flatMap { programme?.reward($0)?.benefit }
            ?? tender.offer.flatMap { programme?.offer($0)?.benefit }
    }

    /// What of an order's spends has not come back, per account, with its dates.
    private func outstanding(_ source: String, _ account: AccountName) throws -> Lots {
        var parts = Lots()
        for (entry, lots) in try entries(account, of: source) {
            if entry.kind == .spend { parts.add(lots) }
        }
        for (entry, lots) in try entries(account, of: source) where entry.kind == .refund {
            parts.subtract(lots)
        }
        return parts
    }

    /// Gives back all that an order spent and that has not come back: once, however often it is
    /// asked for.
    func refundAll(_ order: Order) throws {
        for account in Self.accounts(order) {
            try refund(Self.source(order.id), account, most: .max, "\(order.version)")
        }
    }

    /// Gives back up to a number of units of what a source spent, to the lots that they had.
    ///
    /// - Returns: how many came back.
    @discardableResult
    func refund(
        _ source: String, _ account: AccountName, most: Int64, _ suffix: String
    ) throws -> Int64 {
        var left = try outstanding(source, account)
        let parts = left.take(min(most, left.total))
        guard !parts.isEmpty else { return 0 }
        try change(account) { $0.refund(parts) }
        let reference = try fresh("\(source)/\(suffix)", .refund, account)
        enter(.refund, account, parts.total, reference, parts: parts)
        return parts.total
    }

    /// Spends again what an order spent before it was cancelled, from what is available.
    func payAgain(_ order: Order) throws -> Rejection? {
        for (index, tender) in order.tenders.enumerated() {
            guard let account = tender.account(in: order.currency), let amount = tender.spend
            else { continue }
            let reference = "\(Self.source(order.id))/\(order.version).\(index)"
            if let rejection = try spend(amount, account, reference) { return rejection }
        }
        return nil
    }

    /// What an order earns, by the programme in force and the customer's tier.
    private func earnings(_ order: Order) -> Amount? {
        guard let programme else { return nil }
        // What cost the customer nothing earns nothing.
        let paid = order.tenders.filter { $0.kind == .points || $0.kind == .offer }
            .reduce(0) { $0 + $1.amount }
        // What came back before another hand-over earns nothing again.
        let lines = order.lines.enumerated().map { index, line in
            let kept = line.quantity - (order.returned[index] ?? 0)
            return (line.name.sku, line.price.multipliedReportingOverflow(by: kept))
        }
        // Legal of an order that came back to a restored server: its prices were never checked.
        guard lines.allSatisfy({ !$1.overflow && $1.partialValue <= PlaceIntent.amountMax }),
            (0...order.total).contains(paid)
        else { return nil }
        return Amount(
            programme.earned(
                lines: lines.map { ($0, $1.partialValue) }, total: order.total,
                paidWithPoints: paid, currency: order.currency, times: tierTimes))
    }

    /// Grants what a collected order earns, once for each hand-over.
    ///
    /// - Parameter later: the order with what came back just now: what came back as a whole is no
    ///   part of a challenge.
    func earn(_ order: Order, later: Order? = nil) throws {
        // Nobody is there any more to earn.
        guard let time = order.collectedAt, !space.name.hasPrefix(Server.erasedKind) else { return }
        try advance(by: later ?? order, collectedAt: time)
        guard let amount = earnings(order) else { return }
        try earn(amount, "\(Self.source(order.id))/\(time)")
    }

    /// Grants earned points, once for a reference.
    @discardableResult
    func earn(_ amount: Amount, _ reference: String) throws -> Bool {
        try join()
        let due = programme?.pendingUntil(now) ?? now
        guard try grant(.earn, .points, amount, reference, due: due) else { return false }
        count(earned: amount.units)
        return true
    }

    /// What was earned for a source and not yet taken back.
    private func kept(_ source: String) throws -> (units: Int64, all: Int64, references: [String]) {
        var (units, all): (Int64, Int64) = (0, 0)
        var references: [String] = []
        for (entry, _) in try entries(.points, of: source) {
            switch entry.kind {
            case .earn:
                units += entry.units
                all += entry.units
                references.append(entry.reference)
            case .takeBack, .debt: units -= entry.units
            default: break
            }
        }
        return (units, all, references)
    }

    /// Takes back what a source earned, in sum at most that, by the programme's policy.
    ///
    /// - Parameter share: of everything it ever earned, as a fraction; `nil` for all of it.
    func takeBack(
        _ source: String, share: (part: Int64, of: Int64)?, _ suffix: String
    ) throws {
        let (units, all, references) = try kept(source)
        let gone = all - units
        let target = share.map { Self.share(all, $0.part, $0.of) } ?? all
        guard let amount = Amount(min(units, target - gone)) else { return }
        let policy =
            programme.flatMap { Account.TakeBackPolicy(rawValue: $0.refundPolicy.rawValue) }
            ?? .withinBalance
        let (taken, debt) = try change(.points) {
            $0.takeBack(amount, earnedFor: references.last ?? "", policy: policy)
        }
        let reference = try fresh("\(source)/\(suffix)", .takeBack, .points)
        enter(.takeBack, .points, taken, reference)
        enter(.debt, .points, debt, reference)
        count(earned: -amount.units)
    }

    /// A share of an amount, rounded down.
    static func share(_ amount: Int64, _ part: Int64, _ whole: Int64) -> Int64 {
        guard whole > 0 else { return 0 }
        let product = UInt64(amount).multipliedFullWidth(by: UInt64(min(part, whole)))
        return Int64(UInt64(whole).dividingFullWidth(product).quotient)
    }

    /// What the ledger does when an order took a step.
    ///
    /// - Returns: why the step cannot be taken.
    func note(step order: Order, before: OrderState) throws -> Rejection? {
        switch (before, order.state) {
        case (_, .cancelled), (_, .declined): try refundAll(order)
        case (.cancelled, _), (.declined, _): return try payAgain(order)
        // A hand-over taken back after it earned: as if the goods came back.
        case (.collected, .ready):
            try takeBack(Self.source(order.id), share: nil, "\(order.version)")
        default: break
        }
        return nil
    }

    /// Takes goods back: tenders and points by the share of the order that was returned so far.
    ///
    /// - Parameters:
    ///   - returned: worth of all that was returned so far, in minor units, this time included.
    ///   - number: of this return, among those of the order.
    /// - Returns: what goes back to the customer by other ways than the ledger, in minor units.
    func takeBack(_ order: Order, returned: Int64, before: Int64, number: Int) throws -> Int64 {
        let source = Self.source(order.id)
        var outside: Int64 = 0
        for tender in order.tenders {
            let due =
                Self.share(tender.amount, returned, order.total)
                - Self.share(tender.amount, before, order.total)
            guard let account = tender.account(in: order.currency), let spent = tender.spend
            else {
                outside += due
                continue
            }
            let units =
                Self.share(spent.units, returned, order.total)
                - Self.share(spent.units, before, order.total)
            if units > 0 { try refund(source, account, most: units, "return.\(number)") }
        }
        try takeBack(source, share: (returned, order.total), "return.\(number)")
        return outside
    }
}
