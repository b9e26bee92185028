// Rights move here alone: the server grants them out of what is available, and takes them back
// on what its holder sent, or when nobody honest can spend them any more (Protocol §19.4).

extension Account {
    /// How much more may be leased.
    package func leasable(_ terms: LeaseTerms, withheld: Int64 = 0) -> Int64 {
        Self.leasable(terms, available: available.total, held: held, withheld: withheld)
    }

    package static func leasable(
        _ terms: LeaseTerms, available: Int64, held: Int64, withheld: Int64 = 0
    ) -> Int64 {
        let balance = available + held
        let share = balance / 1_000 * terms.share + balance % 1_000 * terms.share / 1_000
        return max(0, min(min(share, terms.unitsMax) - held, available - withheld))
    }

    /// Opens a lease, or raises the one that has this id to the amount; the same again changes
    /// nothing. Never lowers an amount or a date.
    ///
    /// - Parameter amount: what the holder wants to be able to spend by it from now on.
    /// - Returns: what the lease holds more than before.
    package mutating func lease(
        _ id: LeaseID, to holder: Lease.Holder, _ amount: Amount, terms: LeaseTerms,
        withheld: Int64 = 0, at now: UInt64
    ) throws(LedgerRefusal) -> Int64 {
        let index = leases.firstIndex { $0.id == id }
        if let index {
            guard leases[index].holder == holder, !leases[index].isSealed else {
                throw .leaseNotHeld
            }
        } else {
            guard leases.count < LeaseTerms.openMax else { throw .leaseDenied }
        }
        var lease =
            index.map { leases[$0] }
            ?? Lease(
                id: id, holder: holder, granted: 0, rest: Lots(),
                stopAt: 0)
        let wanted = amount.units - lease.rest.total
        var rest = available
        // A lot that expires before the present end of the lease would have to lower it; one that
        // expires now is of no use to anybody.
        let earliest = index == nil ? now + 1 : max(now + 1, lease.stopAt)
        // All that it was ever given is an amount, too: certificates and tenders name it.
        let parts = rest.take(
            min(
                wanted, leasable(terms, withheld: withheld),
                Amount.range.upperBound - lease.granted), expiringFrom: earliest)
        if index == nil, parts.isEmpty { throw .leaseDenied }
        lease.rest.add(parts)
        lease.granted += parts.total
        lease.stopAt = max(
            lease.stopAt, min(now + terms.stopMilliseconds, lease.rest.firstExpiry ?? .max))
        lease.isAskedBack = false
        available = rest
        if let index { leases[index] = lease } else { leases.append(lease) }
        checkInvariants()
        return parts.total
    }

    /// Puts an unknown lease that the server certified before it was restored in place again.
    ///
    /// - Parameter granted: what the certificate says; it holds as much of it as is available.
    /// - Returns: how much that is.
    @discardableResult
    package mutating func adopt(
        _ id: LeaseID, to holder: Lease.Holder, granted: Amount, stopAt: UInt64
    ) -> Int64 {
        precondition(lease(id) == nil, "a lease that is open is adopted")
        let parts = available.take(granted.units, expiringFrom: stopAt)
        leases.append(
            Lease(id: id, holder: holder, granted: granted.units, rest: parts, stopAt: stopAt))
        checkInvariants()
        return parts.total
    }

    /// Spends by a lease, and beyond what it holds from what is available.
    ///
    /// A lease that is closed is late: the available units pay if they cover all of it.
    /// - Parameter withheld: available units that may not be spent now.
    /// - Returns: what was spent, with the dates that it had, and how much of it by the lease.
    package mutating func spend(
        _ amount: Amount, by id: LeaseID, withheld: Int64 = 0
    ) throws(LedgerRefusal) -> (parts: Lots, byLease: Int64) {
        guard let index = leases.firstIndex(where: { $0.id == id }) else {
            // What is withheld belongs to leases that a lost server granted, not to this one.
            do { return (try spend(amount, withheld: withheld), 0) } catch { throw .leaseExpired }
        }
        let byLease = min(amount.units, leases[index].rest.total)
        guard amount.units - byLease <= available.total - (byLease == amount.units ? 0 : withheld)
        else { throw .balanceTooLow }
        var parts = leases[index].rest.take(byLease)
        parts.add(available.take(amount.units - byLease))
        totals.spent += amount.units
        checkInvariants()
        return (parts, byLease)
    }

    /// Spends what a store has given goods for: by the lease, then from what is available; what
    /// neither covers, or is more in all than the lease was ever given, is the retailer's loss.
    ///
    /// - Parameter closed: the lease as it was closed, where it is not open any more.
    /// - Returns: what was spent, with the dates that it had; the lease as it is now; the loss.
    package mutating func spendGiven(
        _ amount: Amount, by id: LeaseID, closed: Lease? = nil
    ) -> (parts: Lots, lease: Lease, loss: Int64) {
        let index = leases.firstIndex { $0.id == id }
        guard var lease = index.map({ leases[$0] }) ?? closed else {
            preconditionFailure("goods were given for a lease that was never there")
        }
        // No honest redeemer takes more of it, and the customer pays no more to another.
        let due = min(amount.units, lease.granted - lease.redeemed)
        var parts = index == nil ? Lots() : lease.rest.take(due)
        parts.add(available.take(due - parts.total))
        lease.redeemed += due
        totals.spent += parts.total
        if let index { leases[index] = lease }
        checkInvariants()
        return (parts, lease, amount.units - parts.total)
    }

    /// Closes a lease: what it still holds becomes available, with the dates that it had.
    ///
    /// - Returns: the lease as it was, its rest included; `nil` when there is no such open lease.
    package mutating func close(_ id: LeaseID) -> Lease? {
        guard let index = leases.firstIndex(where: { $0.id == id }) else { return nil }
        let lease = leases.remove(at: index)
        available.add(lease.rest)
        checkInvariants()
        return lease
    }

    /// Seals the leases of ids that are no longer in use.
    package mutating func seal(heldBy isHolder: (Lease.Holder) -> Bool) -> [LeaseID] {
        var sealed: [LeaseID] = []
        for index in leases.indices where isHolder(leases[index].holder) {
            guard !leases[index].isSealed else { continue }
            leases[index].isSealed = true
            sealed.append(leases[index].id)
        }
        return sealed
    }

    /// Asks the devices' leases back.
    package mutating func askBack() -> Bool {
        var hasAsked = false
        for index in leases.indices where leases[index].holder.store == nil {
            guard !leases[index].isAskedBack, !leases[index].rest.isEmpty else { continue }
            leases[index].isAskedBack = true
            hasAsked = true
        }
        return hasAsked
    }

    /// Devices' leases that no honest device counts on any more, by the server's clock.
    package func reclaimable(at now: UInt64, grace: UInt64) -> [LeaseID] {
        leases.filter { $0.holder.store == nil && now > $0.stopAt + grace }.map(\.id)
    }

    /// A store's leases that its redeemer has promised to accept no more.
    package func reclaimable(
        below watermark: UInt64, at store: String, incarnation: UInt64
    ) -> [LeaseID] {
        leases.filter {
            $0.holder == .store(store, incarnation: incarnation) && $0.stopAt <= watermark
        }.map(\.id)
    }
}
