internal import ToteCore

/// What a device may spend, with everything taken off that waits in its outbox.
///
/// Invariant (P1): units that a queued change spends are spent by no other: neither what a lease
/// has left nor what is available counts them.
struct SpendingPower {
    struct Own {
        let record: LeaseRecord
        var left: Int64
        /// Whether its end is still far enough for an honest device.
        let isLive: Bool
        /// Whether it waits to be given back.
        var isReleased = false
    }

    /// The leases of this device's present id, the first to end first.
    private(set) var own: [Own] = []
    private var left: [LeaseID: Int64] = [:]
    private var available: [AccountName: Int64] = [:]

    init(_ replica: Replica, at reading: ClockReading) {
        let documents = replica.view.confirmed
        let records = LedgerDocuments.leases(in: documents)
        for account in LedgerDocuments.accounts(in: documents) {
            available[account.name] = account.available
        }
        left = Dictionary(uniqueKeysWithValues: records.map { ($0.id, $0.left) })
        var released: Set<LeaseID> = []
        for entry in replica.outbox {
            switch entry.state {
            case .rejected, .withdrawn: continue
            case .saved, .sending, .accepted: break
            }
            switch entry.change.readableIntent {
            case .place(let place) where replica.isUncounted(place): take(place)
            case .release(let id): released.insert(id)
            default: break
            }
        }
        // A time that nobody knows is later than any.
        let now = replica.serverTime(at: reading)?.cautious ?? .max
        own = records.filter { $0.holder == .device(replica.id) && !$0.isSealed }
            .map { record in
                Own(
                    record: record, left: max(0, left[record.id] ?? 0), isLive: record.stopAt > now,
                    isReleased: released.contains(record.id))
            }
            .sorted { ($0.record.stopAt, $0.record.id) < ($1.record.stopAt, $1.record.id) }
    }

    private mutating func take(_ place: PlaceIntent) {
        for tender in place.tenders {
            guard let account = tender.account(in: place.currency), let spend = tender.spend
            else { continue }
            let byLease = tender.right.map { min(spend.units, max(0, left[$0.lease] ?? 0)) } ?? 0
            if let lease = tender.right?.lease { left[lease, default: 0] -= byLease }
            available[account, default: 0] -= spend.units - byLease
        }
    }

    /// What is left of a lease, whoever holds it.
    func left(of id: LeaseID) -> Int64 { max(0, left[id] ?? 0) }

    func available(_ account: AccountName) -> Int64 { max(0, available[account] ?? 0) }

    /// What this device may spend without a network, by all its leases together.
    func here(_ account: AccountName) -> Int64 {
        own.filter { $0.record.account == account && $0.isLive && !$0.isReleased }
            .reduce(0) { $0 + $1.left }
    }

    /// The most that one spend may be.
    func most(_ account: AccountName, isOnline: Bool) -> Int64 {
        let lease =
            own.filter { $0.record.account == account && $0.isLive && !$0.isReleased }
            .map(\.left).max() ?? 0
        return isOnline ? lease + available(account) : lease
    }

    /// Takes units for one spend.
    ///
    /// - Parameter isOnline: whether what is available may pay what no lease does.
    /// - Returns: the right to name; `nil` when only what is available pays.
    /// - Throws: `balance_too_low`, `lease_expired`.
    mutating func take(
        _ amount: Amount, _ account: AccountName, isOnline: Bool
    ) throws(ToteError) -> LeaseRight? {
        let usable = own.indices.filter {
            own[$0].record.account == account && own[$0].isLive && !own[$0].isReleased
                && own[$0].record.certificate != nil && own[$0].left > 0
        }
        if let index = usable.first(where: { own[$0].left >= amount.units }) {
            return take(amount.units, by: index)
        }
        let best = usable.max { own[$0].left < own[$1].left }
        let byLease = best.map { own[$0].left } ?? 0
        if isOnline, amount.units - byLease <= available(account) {
            available[account, default: 0] -= amount.units - byLease
            return best.flatMap { take(byLease, by: $0) }
        }
        throw refusal(amount, account, byLease, isOnline: isOnline)
    }

    private mutating func take(_ units: Int64, by index: Int) -> LeaseRight? {
        let record = own[index].record
        own[index].left -= units
        left[record.id, default: 0] -= units
        return record.certificate.map {
            LeaseRight(
                lease: record.id, granted: record.granted, stopAt: record.stopAt, certificate: $0)
        }
    }

    private func refusal(
        _ amount: Amount, _ account: AccountName, _ byLease: Int64, isOnline: Bool
    ) -> ToteError {
        let hasEnded = own.contains {
            $0.record.account == account && !$0.isLive && $0.left >= amount.units
        }
        if !isOnline, hasEnded {
            return .order(
                "lease_expired",
                "what is held here of \(account) has ended, or nearly: connect and order again",
                .map(["account": .text(account.description)]))
        }
        return .order(
            "balance_too_low",
            "\(amount.units) of \(account) are asked for, this device may spend \(byLease)"
                + (isOnline ? " and \(available(account)) are available" : ": connect for more"),
            .map([
                "account": .text(account.description),
                "available": .int(isOnline ? available(account) : 0), "held": .int(byLease),
            ]))
    }
}

extension Replica {
    /// Whether the documents do not tell yet what an order spent: with the order the server writes
    /// what it left of its leases.
    func isUncounted(_ place: PlaceIntent) -> Bool {
        view.confirmed.items(Order.collection)[Name(place.order.text)] == nil
    }

    /// Whether an entry of the outbox spends what the documents still show.
    func isOwed(_ entry: OutboxEntry) -> Bool {
        guard entry.state == .accepted, case .place(let place)? = entry.change.readableIntent,
            place.tenders.contains(where: { $0.spend != nil })
        else { return false }
        return isUncounted(place)
    }
}
