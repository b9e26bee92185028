internal import ToteCore

// Rules of orders and points.
extension Checker {
    private static func accepted(_ facts: Facts) -> Set<Nonce> {
        Set(facts.log.values.joined().filter { $0.outcome == "accepted" }.map(\.nonce))
    }

    /// At most one counter is told that it handed an order over. What it did after a backup is not
    /// known to the server that was restored from it.
    static func ordersAreHandedOverOnce(_ facts: Facts) -> DayFailure? {
        guard facts.restores.isEmpty else { return nil }
        var handed: [OrderID: (counter: Int, at: Stamped)] = [:]
        for stamped in facts.history {
            guard case .counter(let counter, "handover", let order, 200) = stamped.record
            else { continue }
            if let former = handed.updateValue((counter, stamped), forKey: order) {
                return broken(
                    "handed_over_twice", "order \(order.text) was handed over twice",
                    [former.at, stamped])
            }
        }
        for case .shows(let device, _, _, _, let orders) in facts.history.map(\.record) {
            for order in orders
            where (order.state == "collected") != (handed[order.id] != nil) {
                return broken(
                    "hand_over_unknown",
                    "device \(device): order \(order.id.text) is \(order.state), and was "
                        + (handed[order.id] == nil ? "handed over by nobody" : "handed over"))
            }
        }
        return nil
    }

    /// No line is in two orders.
    static func ordersTakeEachCellOnce(_ facts: Facts) -> DayFailure? {
        let accepted = accepted(facts)
        var taken: [LiveCell: Nonce] = [:]
        for (nonce, change) in facts.changes.sorted(by: { $0.value.at < $1.value.at })
        where change.act == .place && accepted.contains(nonce) {
            for write in change.writes {
                for saw in write.saw {
                    let cell = LiveCell(nonce: saw, key: write.key)
                    // Legal in one order: a copy sees a change under both names, until
                    // it is told that they are one.
                    if let former = taken.updateValue(nonce, forKey: cell), former != nonce {
                        return broken(
                            "ordered_twice",
                            "\(Hex.string(saw)) is in the orders of \(Hex.string(former)) and "
                                + Hex.string(nonce),
                            facts.proof(of: former) + facts.proof(of: nonce))
                    }
                }
            }
        }
        return nil
    }

    /// What a counter has said to be sold out is in no order that was made after that and judged
    /// before it was there again. A server that went back does not know it.
    static func soldOutIsNotSold(_ facts: Facts) -> DayFailure? {
        guard facts.restores.isEmpty else { return nil }
        /// Since when a product is out, and when that was open again: indices of the history.
        var spans: [String: [(since: Int, until: Int)]] = [:]
        var open: [String: Int] = [:]
        for (index, stamped) in facts.history.enumerated() {
            switch stamped.record {
            case .availability(let sku, true, 200..<300) where open[sku] == nil: open[sku] = index
            case .availability(let sku, false, _):
                if let since = open.removeValue(forKey: sku) {
                    spans[sku, default: []].append((since, index))
                }
            case .struck(.menuChanged, _):
                for (sku, since) in open { spans[sku, default: []].append((since, index)) }
                open = [:]
            default: break
            }
        }
        for (sku, since) in open {
            spans[sku, default: []].append((since, facts.history.count))
        }
        let accepted = accepted(facts)
        for (nonce, change) in facts.changes.sorted(by: { $0.value.at < $1.value.at })
        where change.act == .place && accepted.contains(nonce) {
            let told = change.toldAt ?? facts.history.count
            for write in change.writes {
                let sku = String(write.key.item.text.prefix { $0 != "|" })
                for span in spans[sku] ?? [] where span.since < change.at && told < span.until {
                    return broken(
                        "sold_out_sold", "\(sku) is sold out, and in order \(Hex.string(nonce))",
                        [facts.history[span.since]] + facts.proof(of: nonce))
                }
            }
        }
        return nil
    }

    /// A price that rose meanwhile is asked for, and never taken.
    static func nobodyPaysMoreThanShown(_ facts: Facts) -> DayFailure? {
        var agreed: [OrderID: (total: Int64, at: Stamped)] = [:]
        for stamped in facts.history {
            switch stamped.record {
            case .priced(let order, let total): agreed[order] = (total, stamped)
            case .shows(let device, _, _, _, let orders):
                for order in orders {
                    guard let (total, at) = agreed[order.id], order.total > total else { continue }
                    return broken(
                        "dearer",
                        "device \(device): order \(order.id.text) costs \(order.total), and the "
                            + "customer was shown \(total)", [at, stamped])
                }
            default: break
            }
        }
        return nil
    }

    /// How long a lease is honoured at the least, by the programme of the day: `stop_hours`.
    private static let leaseMilliseconds: UInt64 = 3_600_000

    /// Nobody is refused what they spent by a right that they had, or more of it. Of a device that
    /// was copied or went back, and of a server that did, so much is not promised; and a customer
    /// may give a right of another device back: that one is not judged.
    static func leasesAreHonoured(_ facts: Facts) -> DayFailure? {
        guard facts.restores.isEmpty, facts.copies == 0, facts.losses.isEmpty,
            facts.history.last?.at ?? 0 < leaseMilliseconds
        else { return nil }
        var rights: [Nonce: [LeaseID]] = [:]
        var givenBack: Set<LeaseID> = []
        for case .drew(let nonce, let leases) in facts.history.map(\.record) {
            rights[nonce] = leases
            if facts.changes[nonce]?.act == .release { givenBack.formUnion(leases) }
        }
        for seen in facts.log.values.joined() where seen.outcome == "lease_expired" {
            guard let leases = rights[seen.nonce], givenBack.isDisjoint(with: leases)
            else { continue }
            return broken(
                "lease_refused", "\(Hex.string(seen.nonce)) counts on what was set aside for it",
                facts.proof(of: seen.nonce))
        }
        return nil
    }

    static func giftsCountOnce(_ facts: Facts) -> DayFailure? {
        var granted: [String: Int64] = [:]
        var names: Set<String> = []
        for case .entry(let customer, let account, let kind, let reference, let source, let units)
            in facts.history.map(\.record)
        {
            guard names.insert("\(customer) \(account) \(kind) \(reference)").inserted else {
                return broken("entry_twice", "\(kind) \(reference) is in the ledger twice")
            }
            if kind == "grant" { granted["\(customer) \(source)", default: 0] += units }
        }
        for gift in facts.gifts {
            let source = LedgerEntry.source("correction", gift.reference)
            let found = granted["\(gift.customer) \(source)"] ?? 0
            guard found == gift.units else {
                return broken(
                    "gift_count", "\(gift.reference) gave \(found) of \(gift.units) points")
            }
        }
        return nil
    }

    /// No more of an offer is issued than there is, in all and for each; nobody is told that there
    /// is nothing left who was the first to ask; and who was told that it is theirs has it. A
    /// server that went back may have issued it to others.
    static func offersAreSharedOut(_ facts: Facts) -> DayFailure? {
        var issued: [Int: Int64] = [:]
        for case .entry(let customer, _, "issue", _, _, let units) in facts.history.map(\.record) {
            issued[customer, default: 0] += units
        }
        let total = issued.values.reduce(0, +)
        if total > World.offerTotal || (issued.values.max() ?? 0) > World.offerEach {
            return broken(
                "over_issued", "\(total) uses of \(World.offerTotal) are issued: \(issued)")
        }
        guard facts.restores.isEmpty else { return nil }
        for seen in facts.log.values.joined() {
            guard let change = facts.changes[seen.nonce], change.act == .activate else { continue }
            if seen.outcome == "offer_exhausted", total < World.offerTotal {
                return broken(
                    "exhausted_early",
                    "\(Hex.string(seen.nonce)) is told that nothing is left, \(total) are issued",
                    facts.proof(of: seen.nonce))
            }
            if seen.outcome == "accepted", issued[change.customer] == nil {
                return broken(
                    "not_issued", "\(Hex.string(seen.nonce)) is accepted and gave nothing",
                    facts.proof(of: seen.nonce))
            }
        }
        return nil
    }

    /// Nobody has less than nothing at any time, oldest entry first.
    static func noBalanceIsNegative(_ facts: Facts) -> DayFailure? {
        var balances: [String: Int64] = [:]
        for stamped in facts.history.reversed() {
            guard
                case .entry(let customer, let account, let kind, let reference, _, let units) =
                    stamped.record
            else { continue }
            let sign: Int64 =
                switch kind {
                case "welcome", "earn", "top_up", "grant", "issue", "refund": 1
                case "spend", "expire", "take_back", "write_off": -1
                default: 0
                }
            balances["\(customer) \(account)", default: 0] += sign * units
            if balances["\(customer) \(account)"] ?? 0 < 0 {
                return broken(
                    "negative", "\(kind) \(reference) takes customer \(customer) below 0",
                    [stamped])
            }
        }
        return nil
    }

    /// An order costs the points that it says, or nothing when it came to nothing.
    static func ordersCostWhatTheySay(_ facts: Facts) -> DayFailure? {
        guard facts.restores.isEmpty else { return nil }
        var costs: [String: Int64] = [:]
        for case .entry(_, _, let kind, _, let source, let units) in facts.history.map(\.record) {
            if kind == "spend" { costs[source, default: 0] += units }
            if kind == "refund" { costs[source, default: 0] -= units }
        }
        for case .shows(_, _, _, _, let orders) in facts.history.map(\.record) {
            for order in orders {
                let isOff = ["cancelled", "declined", "rejected", "withdrawn"].contains(order.state)
                let cost = costs[LedgerEntry.source("order", order.id.text)] ?? 0
                guard cost == (isOff ? 0 : order.points) else {
                    return broken(
                        "wrong_cost",
                        "order \(order.id.text) is \(order.state), says \(order.points) points and "
                            + "cost \(cost)")
                }
            }
        }
        return nil
    }

    /// What a store gave is booked, once. What it gave after a backup is not known to the server
    /// that was restored from it.
    static func redemptionsCostWhatTheyGave(_ facts: Facts) -> DayFailure? {
        guard facts.restores.isEmpty else { return nil }
        var costs: [String: Int64] = [:]
        for case .entry(_, _, "spend", _, let source, let units) in facts.history.map(\.record) {
            costs[source, default: 0] += units
        }
        for stamped in facts.history {
            guard case .redeemed(_, let source, let units) = stamped.record,
                costs[source] != units
            else { continue }
            return broken(
                "redeemed_unbooked",
                "\(source) gave for \(units), \(costs[source] ?? 0) are booked", [stamped])
        }
        return nil
    }
}
