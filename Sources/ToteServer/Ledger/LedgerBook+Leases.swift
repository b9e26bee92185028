internal import ToteCore

// Leases: Protocol §19.4.
extension LedgerBook {
    private static func rejection(
        _ code: String, _ details: [String: Value] = [:]
    ) -> Rejection {
        Rejection(code: code, details: .map(details))
    }

    /// Opens a lease, or raises it.
    ///
    /// - Parameters:
    ///   - redeemer: of the store that is to hold it.
    ///   - isResent: whether it was granted before the server was restored.
    func lease(
        _ intent: LeaseIntent, from replica: ReplicaID, redeemer: Redeemer?, nonce: Nonce,
        isResent: Bool
    ) throws -> Rejection? {
        if let row = try store.lease(intent.lease) {
            guard row.space == space.number, row.account == intent.account else {
                return Self.rejection("lease_unknown")
            }
            guard !row.isClosed else { return Self.rejection("lease_expired") }
        }
        var holder = Lease.Holder.device(replica)
        if let name = intent.store {
            guard let incarnation = redeemer?.incarnation else {
                return Self.rejection("no_redeemer", ["store": .text(name)])
            }
            holder = .store(name, incarnation: incarnation)
        }
        try join()
        let terms = terms(intent.account)
        // What is withheld is for leases that the lost server granted, and this is one of them.
        let withheld = isResent ? 0 : try withheld(intent.account)
        do {
            let given = try change(intent.account) {
                try $0.lease(
                    intent.lease, to: holder, intent.amount, terms: terms, withheld: withheld,
                    at: now)
            }
            enter(
                .lease, intent.account, given,
                LedgerEntry.source("lease", intent.lease.text) + "/\(Hex.string(nonce))")
            if isResent { found(withheld: given, intent.account) }
            note(intent.lease, of: intent.account, reason: "granted")
            return nil
        } catch let refusal as LedgerRefusal {
            return Self.rejection(
                refusal.rawValue,
                ["most": .int(try account(intent.account).leasable(terms, withheld: withheld))])
        }
    }

    /// Gives a lease back, as its holder asks; another of the customer's devices may take back the
    /// lease of a device that is lost.
    ///
    /// - Parameter redeemer: set when a store's redeemer gives it back.
    func release(_ id: LeaseID, redeemer: Redeemer?) throws -> Rejection? {
        guard let row = try store.lease(id), row.space == space.number else {
            return Self.rejection("lease_unknown")
        }
        // Said twice is said once.
        guard !row.isClosed else { return nil }
        switch row.lease.holder {
        case .device:
            guard redeemer == nil else { return Self.rejection("lease_unknown") }
        case .store(let name, let incarnation):
            guard redeemer?.store == name, redeemer?.incarnation == incarnation else {
                return Self.rejection("lease_not_held", ["store": .text(name)])
            }
        }
        try close(id, row.account, reason: "released")
        return nil
    }

    /// Closes a lease, whatever the reason: what it holds becomes available.
    func close(_ id: LeaseID, _ name: AccountName, reason: String) throws {
        guard let lease = try change(name, { $0.close(id) }) else { return }
        enter(
            .release, name, lease.rest.total,
            LedgerEntry.source("lease", id.text) + "/\(reason)")
        note(id, of: name, reason: reason, closed: lease)
    }

    /// Takes back devices' leases whose grace is over.
    func reclaim() throws {
        for (name, stored) in ledger.accounts {
            let grace = terms(name).graceMilliseconds
            for id in stored.account.reclaimable(at: now, grace: grace) {
                try close(id, name, reason: "expired")
            }
        }
    }

    /// Lets everything that is due come about.
    func settleAll() throws {
        for name in ledger.accounts.keys.sorted() { _ = try account(name) }
        try reclaim()
        // What came back may have expired meanwhile.
        for name in ledger.accounts.keys.sorted() { _ = try account(name) }
    }

    /// Seals the leases of replica ids that are no longer in use.
    func seal(_ replicas: Set<ReplicaID>) throws {
        for name in ledger.accounts.keys.sorted() {
            let holds = { (holder: Lease.Holder) in
                if case .device(let replica) = holder { replicas.contains(replica) } else { false }
            }
            guard
                ledger.accounts[name]?.account.leases.contains(where: { holds($0.holder) })
                    ?? false
            else { continue }
            for id in try change(name, { $0.seal(heldBy: holds) }) {
                note(id, of: name, reason: "sealed")
            }
        }
    }

    /// Available units that are kept for leases which a lost server may have granted: what could be
    /// leased at the restore, less what turned up, until every device was heard from or no honest
    /// one counts on its lease any more.
    func withheld(_ name: AccountName) throws -> Int64 {
        guard wasRestored, let stored = ledger.accounts[name], stored.withheld > 0,
            let mark = try store.meta("was_restored")
        else { return 0 }
        // 1 until the first push after the restore.
        let restored = mark > 1 ? mark : now
        let terms = terms(name)
        let span = terms.stopMilliseconds + terms.graceMilliseconds
        guard now <= restored + span,
            space.isAnyDeviceAwaited(epoch, seenSince: restored - min(span, restored))
        else { return 0 }
        return min(stored.withheld, try account(name).available.total)
    }

    /// Puts a lease in place that the server certified before it was restored.
    func adopt(
        _ id: LeaseID, _ name: AccountName, to holder: Lease.Holder, granted: Amount,
        stopAt: UInt64
    ) throws {
        let found = try change(name) {
            $0.adopt(id, to: holder, granted: granted, stopAt: stopAt)
        }
        self.found(withheld: found, name)
        note(id, of: name, reason: "adopted")
    }

    /// Spends by a lease that a change names; what it does not hold is paid from what is available.
    ///
    /// - Parameters:
    ///   - replica: whose change it is.
    ///   - isResent: it was spent before the server was restored: nothing is withheld from it.
    func spend(
        _ amount: Amount, _ name: AccountName, by right: LeaseRight, from replica: ReplicaID,
        _ reference: String, isResent: Bool
    ) throws -> Rejection? {
        if let row = try store.lease(right.lease) {
            guard row.space == space.number, row.account == name,
                case .device(let holder) = row.lease.holder, isFamily(holder, replica)
            else { return Self.rejection("lease_unknown") }
        } else {
            guard wasRestored, let holder = try certifiedHolder(right, name, for: replica),
                let granted = Amount(right.granted)
            else { return Self.rejection("lease_unknown") }
            try adopt(
                right.lease, name, to: .device(holder), granted: granted, stopAt: right.stopAt)
        }
        do {
            let withheld = isResent ? 0 : try withheld(name)
            let (parts, byLease) = try change(name) {
                try $0.spend(amount, by: right.lease, withheld: withheld)
            }
            enter(.spend, name, amount.units, reference, parts: parts)
            if byLease > 0 { note(right.lease, of: name, reason: "spent") }
            return nil
        } catch let refusal as LedgerRefusal {
            return try tooLow(refusal, name)
        }
    }

    /// Spends what is available.
    func spend(
        _ amount: Amount, _ name: AccountName, _ reference: String, isResent: Bool = false
    ) throws -> Rejection? {
        do {
            let withheld = isResent ? 0 : try withheld(name)
            let parts = try change(name) { try $0.spend(amount, withheld: withheld) }
            enter(.spend, name, amount.units, reference, parts: parts)
            return nil
        } catch let refusal as LedgerRefusal {
            return try tooLow(refusal, name)
        }
    }

    private func tooLow(_ refusal: LedgerRefusal, _ name: AccountName) throws -> Rejection {
        let account = try account(name)
        return Self.rejection(
            refusal.rawValue,
            [
                "account": .text(name.description), "available": .int(account.available.total),
                "held": .int(account.held),
            ])
    }

    private func isFamily(_ holder: ReplicaID, _ replica: ReplicaID) -> Bool {
        if holder == replica { return true }
        guard let family = space.replicas[holder]?.family else { return false }
        return space.replicas[replica]?.family == family
    }

    /// The holder that a certificate was made for: the replica, or one of its former ids.
    private func certifiedHolder(
        _ right: LeaseRight, _ name: AccountName, for replica: ReplicaID
    ) throws -> ReplicaID? {
        let root = try store.rootSecret(randomBits)
        let family = space.replicas[replica]?.family ?? replica
        let members = space.replicas.values.filter { $0.family == family }.map(\.id)
        return ([replica] + members.sorted()).first { holder in
            let terms = LeaseRecord.terms(
                right.lease, name, holder: holder, granted: right.granted, stopAt: right.stopAt)
            return DerivedKey.lease(root, space: space.name, terms) == right.certificate
        }
    }

    /// Asks devices for their leases, when a spend was refused that they would have paid.
    func askBack(_ name: AccountName) throws {
        guard try account(name).leases.contains(where: { $0.holder.store == nil }) else { return }
        let asked = try change(name) { $0.askBack() }
        guard asked else { return }
        for lease in try account(name).leases where lease.isAskedBack {
            note(lease.id, of: name, reason: "asked back")
        }
    }
}
