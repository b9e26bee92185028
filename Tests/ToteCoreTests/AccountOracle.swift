import ToteCore

/// An account as a heap of single units, each in one place: slow, and too simple to be wrong in the
/// way in which sums and lots are.
struct AccountOracle {
    enum Place: Hashable {
        case pending(reference: String, due: UInt64)
        case available
        case lease(LeaseID)
        case spent, expired, takenBack, debtPaid, writtenOff
    }

    struct Unit {
        var expires: UInt64
        var place: Place
    }

    struct OpenLease {
        var id: LeaseID
        var granted: Int64
        var stopAt: UInt64
        var isSealed = false
    }

    var units: [Unit] = []
    var debt: Int64 = 0
    var leases: [OpenLease] = []

    func count(_ isHere: (Place) -> Bool) -> Int64 { Int64(units.count { isHere($0.place) }) }
    func count(_ place: Place) -> Int64 { count { $0 == place } }
    var held: Int64 {
        count { if case .lease = $0 { true } else { false } }
    }
    var pending: Int64 {
        count { if case .pending = $0 { true } else { false } }
    }

    /// The units of a place, the first to expire first.
    private func indices(_ place: Place, from earliest: UInt64 = 0) -> [Int] {
        units.indices.filter { units[$0].place == place && units[$0].expires >= earliest }
            .sorted { units[$0].expires < units[$1].expires }
    }

    /// What a place holds, as lots.
    func lots(_ place: Place) -> Lots {
        Lots(
            units.filter { $0.place == place }.map {
                Lot(expires: $0.expires == .max ? nil : $0.expires, units: 1)
            })
    }

    @discardableResult
    mutating func move(
        _ most: Int64, from place: Place, to other: Place, expiringFrom earliest: UInt64 = 0
    ) -> Int64 {
        let moved = indices(place, from: earliest).prefix(Int(max(0, most)))
        for index in moved { units[index].place = other }
        return Int64(moved.count)
    }

    mutating func grant(
        _ amount: Int64, _ reference: String, due: UInt64, expires: UInt64?, now: UInt64
    ) {
        for _ in 0..<amount {
            var place = due > now ? Place.pending(reference: reference, due: due) : .available
            if debt > 0 {
                debt -= 1
                place = .debtPaid
            }
            units.append(Unit(expires: expires ?? .max, place: place))
        }
    }

    mutating func settle(now: UInt64) {
        for index in units.indices {
            if case .pending(_, let due) = units[index].place, due <= now {
                units[index].place = .available
            }
            if units[index].place == .available, units[index].expires <= now {
                units[index].place = .expired
            }
        }
    }

    mutating func spend(_ amount: Int64) -> Bool {
        guard count(.available) >= amount else { return false }
        move(amount, from: .available, to: .spent)
        return true
    }

    /// - Returns: what the lease got; `nil` when it is refused.
    mutating func lease(
        _ id: LeaseID, _ amount: Int64, _ terms: LeaseTerms, now: UInt64
    ) -> Int64? {
        let old = leases.first { $0.id == id }
        guard old != nil || leases.count < LeaseTerms.openMax, old?.isSealed != true else {
            return nil
        }
        let balance = count(.available) + held
        let leasable = min(
            min(balance * terms.share / 1_000, terms.unitsMax) - held, count(.available))
        let given = move(
            min(amount - count(.lease(id)), leasable), from: .available, to: .lease(id),
            expiringFrom: max(now + 1, old?.stopAt ?? 0))
        guard old != nil || given > 0 else { return nil }
        let first = indices(.lease(id)).first.map { units[$0].expires } ?? .max
        let end = max(old?.stopAt ?? 0, min(now + terms.stopMilliseconds, first))
        leases.removeAll { $0.id == id }
        leases.append(
            OpenLease(id: id, granted: (old?.granted ?? 0) + given, stopAt: end))
        return given
    }

    mutating func close(_ id: LeaseID) {
        leases.removeAll { $0.id == id }
        move(.max >> 1, from: .lease(id), to: .available)
    }

    mutating func spend(_ amount: Int64, by id: LeaseID) -> Bool {
        guard count(.lease(id)) + count(.available) >= amount else { return false }
        let byLease = move(amount, from: .lease(id), to: .spent)
        move(amount - byLease, from: .available, to: .spent)
        return true
    }

    /// - Parameter most: what was ever given to the lease and no goods were given for.
    mutating func spendGiven(_ amount: Int64, by id: LeaseID, most: Int64) -> Int64 {
        let due = min(amount, most)
        let byLease = move(due, from: .lease(id), to: .spent)
        return amount - byLease - move(due - byLease, from: .available, to: .spent)
    }

    mutating func refund(_ parts: Lots) {
        for lot in parts.parts {
            let dated = units.indices.filter {
                units[$0].place == .spent && units[$0].expires == lot.expires ?? .max
            }
            for index in dated.prefix(Int(lot.units)) { units[index].place = .available }
        }
    }

    mutating func takeBack(
        _ amount: Int64, _ reference: String, _ policy: Account.TakeBackPolicy
    ) {
        var left = amount
        for index in units.indices where left > 0 {
            guard case .pending(reference, _) = units[index].place else { continue }
            units[index].place = .takenBack
            left -= 1
        }
        if policy != .onlyPending { left -= move(left, from: .available, to: .takenBack) }
        switch policy {
        case .onlyPending: break
        case .withinBalance: debt += min(left, held)
        case .debt: debt += left
        }
    }

    /// What an account shows otherwise than the units say.
    func difference(from account: Account) -> String? {
        let pairs: [(name: String, sum: Int64, units: Int64)] = [
            ("granted", account.totals.granted, Int64(units.count)),
            ("pending", account.pendingUnits, pending),
            ("available", account.available.total, count(.available)),
            ("held", account.held, held), ("spent", account.totals.spent, count(.spent)),
            ("expired", account.totals.expired, count(.expired)),
            ("taken back", account.totals.takenBack, count(.takenBack)),
            ("debt paid", account.totals.debtPaid, count(.debtPaid)),
            ("written off", account.totals.writtenOff, count(.writtenOff)),
            ("debt", account.debt, debt),
        ]
        for pair in pairs where pair.sum != pair.units {
            return "\(pair.name) is \(pair.sum), the units say \(pair.units)"
        }
        if account.available != lots(.available) { return "the lots differ" }
        guard Set(account.leases.map(\.id)) == Set(leases.map(\.id)) else {
            return "other leases are open"
        }
        for lease in leases {
            guard let other = account.lease(lease.id), other.rest == lots(.lease(lease.id)),
                other.granted == lease.granted, other.stopAt == lease.stopAt,
                other.isSealed == lease.isSealed
            else { return "lease \(lease.id) differs" }
        }
        return nil
    }
}
