/// One account of one customer: points, or stored value of one currency.
///
/// Only the server changes it; every change is one of the functions here, which either do all of
/// what they say or throw and change nothing. Invariants, checked after each (Protocol §19.2):
/// - (L1) granted = pending + available + held in leases + spent + expired + taken back + debt paid
///   + written off.
/// - (L2) no term is below 0, nor is the debt.
/// - (L3) what a lease holds and what goods were given for by it is at most what it was granted.
/// - (L4) a lease ends, for its holder, before the first of its lots expires.
package struct Account: Hashable, Sendable {
    /// Units that were granted and cannot be spent yet.
    package struct Pending: Hashable, Sendable {
        /// What they were granted for.
        package var reference: String
        package var units: Int64
        /// When they become available.
        package var due: UInt64
        package var expires: UInt64?

        package init(reference: String, units: Int64, due: UInt64, expires: UInt64?) {
            self.reference = reference
            self.units = units
            self.due = due
            self.expires = expires
        }
    }

    /// Running sums, in units.
    package struct Totals: Hashable, Sendable {
        package var granted: Int64 = 0
        package var spent: Int64 = 0
        package var expired: Int64 = 0
        package var takenBack: Int64 = 0
        package var debtPaid: Int64 = 0
        package var writtenOff: Int64 = 0

        package init() {}
    }

    package internal(set) var totals = Totals()
    /// Owed for what was taken back when it was no longer there; later grants pay it.
    package internal(set) var debt: Int64 = 0
    package internal(set) var available = Lots()
    /// In the order of their grants.
    package internal(set) var pending: [Pending] = []
    /// The open ones, sealed ones among them.
    package internal(set) var leases: [Lease] = []

    package init() {}

    /// Puts an account together that was taken apart: a row of a table, a document.
    package init(
        totals: Totals, debt: Int64, available: Lots, pending: [Pending], leases: [Lease]
    ) {
        self.totals = totals
        self.debt = debt
        self.available = available
        self.pending = pending
        self.leases = leases
    }

    package var held: Int64 { leases.reduce(0) { $0 + $1.rest.total } }
    package var pendingUnits: Int64 { pending.reduce(0) { $0 + $1.units } }
    /// What could be spent if every lease came back.
    package var balance: Int64 { available.total + held }

    package func lease(_ id: LeaseID) -> Lease? { leases.first { $0.id == id } }

    /// The invariants by name; what does not hold.
    package var faults: [String] {
        var faults: [String] = []
        let terms = [
            pendingUnits, available.total, held, totals.spent, totals.expired, totals.takenBack,
            totals.debtPaid, totals.writtenOff,
        ]
        if totals.granted != terms.reduce(0, +) {
            faults.append("L1: \(totals.granted) granted, \(terms.reduce(0, +)) accounted for")
        }
        if terms.contains(where: { $0 < 0 }) || totals.granted < 0 || debt < 0 {
            faults.append("L2: a term is below 0")
        }
        if leases.contains(where: { $0.redeemed < 0 || $0.rest.total > $0.granted - $0.redeemed }) {
            faults.append("L3: a lease holds more than it was granted")
        }
        if leases.contains(where: { $0.stopAt > $0.rest.firstExpiry ?? .max }) {
            faults.append("L4: a lease outlives its first lot")
        }
        return faults
    }

    package func checkInvariants() {
        precondition(faults.isEmpty, faults.joined(separator: "; "))
        available.checkInvariants()
        for lease in leases { lease.rest.checkInvariants() }
    }
}

/// Why the ledger refuses: a stable code; the account is as it was.
package enum LedgerRefusal: String, Error, CaseIterable {
    /// More than the account, or the lease and the account together, can pay.
    case balanceTooLow = "balance_too_low"
    /// The lease was taken back, and the account cannot pay in its place.
    case leaseExpired = "lease_expired"
    /// Nothing may be leased: the balance or what the programme allows is used up.
    case leaseDenied = "lease_denied"
    /// The lease is sealed or belongs to somebody else.
    case leaseNotHeld = "lease_not_held"
    /// The account would grow beyond what a number can hold.
    case amountOutOfRange = "amount_out_of_range"
    /// All uses of the offer were activated by others.
    case offerExhausted = "offer_exhausted"
}

extension Account {
    /// Grants units: earned, topped up, given. Pays debt first.
    ///
    /// - Parameters:
    ///   - due: when they become available; at once when it is not in the future.
    ///   - expires: when what is not spent by then expires.
    /// - Returns: how much of it paid debt.
    package mutating func grant(
        _ amount: Amount, for reference: String, due: UInt64, expires: UInt64?, at now: UInt64
    ) throws(LedgerRefusal) -> Int64 {
        guard totals.granted + amount.units <= Limits.integerMax else { throw .amountOutOfRange }
        let paid = min(debt, amount.units)
        totals.granted += amount.units
        totals.debtPaid += paid
        debt -= paid
        let rest = amount.units - paid
        if rest > 0, due > now {
            pending.append(
                Pending(reference: reference, units: rest, due: due, expires: expires))
        } else {
            available.add(Lot(expires: expires, units: rest))
        }
        checkInvariants()
        return paid
    }

    /// Spends from the available units, the first to expire first.
    ///
    /// - Parameter withheld: available units that may not be spent now.
    /// - Returns: what was spent, with the dates that it had.
    package mutating func spend(
        _ amount: Amount, withheld: Int64 = 0
    ) throws(LedgerRefusal) -> Lots {
        guard available.total - withheld >= amount.units else { throw .balanceTooLow }
        let parts = available.take(amount.units)
        totals.spent += amount.units
        checkInvariants()
        return parts
    }

    /// Spends as much of an amount as the available units cover.
    package mutating func spendAvailable(upTo amount: Amount) -> Lots {
        let parts = available.take(amount.units)
        totals.spent += parts.total
        checkInvariants()
        return parts
    }

    /// Gives spent units back, to the lots and dates that they had.
    package mutating func refund(_ parts: Lots) {
        precondition(parts.total <= totals.spent, "L2: more is refunded than was spent")
        totals.spent -= parts.total
        available.add(parts)
        checkInvariants()
    }

    /// What becomes of units that were earned for what comes back.
    package enum TakeBackPolicy: String, CaseIterable, Sendable {
        case onlyPending = "only_pending"
        case withinBalance = "within_balance"
        case debt
    }

    /// Takes earned units back: pending ones of the reference first, then by policy.
    ///
    /// - Returns: what was taken now, and what became debt; what is in neither is forgiven.
    package mutating func takeBack(
        _ amount: Amount, earnedFor reference: String, policy: TakeBackPolicy
    ) -> (taken: Int64, debt: Int64) {
        var left = amount.units
        for index in pending.indices where pending[index].reference == reference {
            let part = min(left, pending[index].units)
            pending[index].units -= part
            left -= part
        }
        pending.removeAll { $0.units == 0 }
        if policy != .onlyPending { left -= available.take(left).total }
        let taken = amount.units - left
        totals.takenBack += taken
        // What lies in leases cannot be taken, and shall not be a way to keep it.
        let owed: Int64 =
            switch policy {
            case .onlyPending: 0
            case .withinBalance: min(left, held)
            case .debt: left
            }
        debt += owed
        checkInvariants()
        return (taken, owed)
    }

    /// Writes available units off: an operator's correction.
    package mutating func writeOff(_ amount: Amount) throws(LedgerRefusal) {
        guard available.total >= amount.units else { throw .balanceTooLow }
        _ = available.take(amount.units)
        totals.writtenOff += amount.units
        checkInvariants()
    }

    /// Makes due pending units available, and lets what has expired expire.
    ///
    /// - Returns: what matured, by reference, and how much expired.
    package mutating func settle(at now: UInt64) -> (matured: [Pending], expired: Int64) {
        var matured: [Pending] = []
        if pending.contains(where: { $0.due <= now }) {
            matured = pending.filter { $0.due <= now }
            pending.removeAll { $0.due <= now }
            for part in matured { available.add(Lot(expires: part.expires, units: part.units)) }
        }
        let expired = available.takeExpired(at: now).total
        totals.expired += expired
        if !matured.isEmpty || expired > 0 { checkInvariants() }
        return (matured, expired)
    }

    /// The next moment at which `settle` or `reclaimable` has something to do.
    package func nextDue(grace: UInt64) -> UInt64? {
        let times =
            pending.map(\.due) + [available.firstExpiry].compactMap { $0 }
            + leases.filter { $0.holder.store == nil }.map { $0.stopAt + grace + 1 }
        return times.min()
    }
}
