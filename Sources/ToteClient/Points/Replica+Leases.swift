internal import ToteCore

/// What was asked for last to keep points ready.
struct KeptReady {
    /// By the device's uptime.
    var at: UInt64
    var lease: LeaseID
    /// The end of the lease at that time; asked for in vain when it did not change.
    var stopAt: UInt64?
}

// Asking for leases and giving them back.
extension Replica {
    /// A lease that waits in the outbox to be given back.
    private func isReleasing(_ id: LeaseID) -> Bool {
        outbox.contains {
            $0.state != .rejected && $0.change.readableIntent == .release(id)
        }
    }

    /// Leases that wait in the outbox to be asked for.
    private var asked: [LeaseIntent] {
        outbox.compactMap { entry in
            guard entry.state == .saved || entry.state == .sending,
                case .lease(let intent)? = entry.change.readableIntent
            else { return nil }
            return intent
        }
    }

    /// The lease that a reservation raises: the open one of this device, or at the store.
    private func raised(_ account: AccountName, at store: String?) throws -> LeaseID? {
        if let waiting = asked.last(where: { $0.account == account && $0.store == store }) {
            return waiting.lease
        }
        // A store whose redeemer was lost raises nothing that the former one holds.
        let dead = try store.map { _ in try self.store.refusedLeases() } ?? []
        return leases.last { record in
            guard record.account == account, !record.isSealed, !isReleasing(record.id),
                !dead.contains(record.id)
            else { return false }
            switch record.holder {
            case .device(let holder): return store == nil && holder == id
            case .store(let name, _): return store == name
            }
        }?.id
    }

    /// Asks the server to set units aside: for this device, or for a store's counter.
    ///
    /// The same place again raises what it has to so many units, and prolongs it.
    ///
    /// - Throws: `invalidArgument`; what `commit` throws.
    package func reserve(
        _ units: Int64, of account: AccountName, at store: String?, label: String = "reserve",
        reading: ClockReading
    ) throws(ToteError) -> Reservation {
        guard let amount = Amount(units) else {
            throw ToteError(
                .invalidArgument,
                "\(units) cannot be reserved: 1 to \(Amount.range.upperBound) can")
        }
        let known: LeaseID?
        do { known = try raised(account, at: store) } catch { throw ToteError.storage(error) }
        let lease = known ?? LeaseID(high: randomBits(), low: randomBits())
        let intent = LeaseIntent(lease: lease, account: account, amount: amount, store: store)
        guard let nonce = try commit([], intent: .lease(intent), label: label, at: reading) else {
            throw ToteError(.storage, "nothing was saved")
        }
        return Reservation(lease: lease, receipt: Hex.string(nonce))
    }

    /// Gives a device's lease back: this one's, or that of a device that is lost.
    ///
    /// - Throws: `ledgerRefused` with `lease_unknown`, or `lease_not_held` for a store's, which
    ///   only its counter gives back; what `commit` throws.
    package func release(
        _ id: LeaseID, label: String = "release", at reading: ClockReading
    ) throws(ToteError) -> Receipt.ID {
        guard let record = leases.first(where: { $0.id == id }) else {
            throw .ledger("lease_unknown", "no reservation here has the id \(id)")
        }
        if let store = record.holder.store {
            throw .ledger(
                "lease_not_held", "only the counter of \(store) gives this reservation back",
                .map(["store": .text(store)]))
        }
        guard let nonce = try commit([], intent: .release(id), label: label, at: reading) else {
            throw ToteError(.storage, "nothing was saved")
        }
        return Hex.string(nonce)
    }

    /// Whether something of the outbox spends by a lease and is not in the documents.
    private func isSpending(_ id: LeaseID) -> Bool {
        outbox.contains { entry in
            guard entry.state != .rejected, entry.state != .withdrawn,
                case .place(let place)? = entry.change.readableIntent, isUncounted(place)
            else { return false }
            return place.tenders.contains { $0.right?.lease == id }
        }
    }

    // What live sync does by itself.

    /// How long nothing is reserved by itself after a lease was asked back: another device needs
    /// the units.
    static var askedBackMilliseconds: UInt64 { 900_000 }
    static var keepReadyMilliseconds: UInt64 { 600_000 }
    /// A lease whose end is nearer is prolonged.
    static var prolongMilliseconds: UInt64 { 24 * 3_600_000 }

    /// Gives back what the server asks for and what has ended, and keeps points ready for when
    /// there is no network.
    ///
    /// - Parameter ready: how many points this device should always hold; 0 for none.
    /// - Returns: whether something waits to be sent for it.
    package func keepLeases(
        ready: Int64, at reading: ClockReading
    ) throws(ToteError) -> Bool {
        guard let now = serverTime(at: reading) else { return false }
        var hasChanged = false
        for record in leases
        where record.holder == .device(id) && !isReleasing(record.id) && !isSpending(record.id) {
            // What has ended is of no use here; without a return it is held until the grace is
            // over.
            let hasEnded = ready == 0 && now.isSure && record.stopAt <= now.milliseconds
            guard record.isAskedBack || hasEnded else { continue }
            _ = try release(
                record.id, label: hasEnded ? "give back what ended" : "give back, as asked for",
                at: reading)
            if record.isAskedBack {
                try update { try store.setFact("asked_back", now.milliseconds) }
            }
            hasChanged = true
        }
        guard ready > 0, try mayKeep(at: now), try keep(ready, now, at: reading) else {
            return hasChanged
        }
        return true
    }

    private func mayKeep(at now: ServerTime) throws(ToteError) -> Bool {
        do {
            let back = try store.fact("asked_back") ?? 0
            return now.milliseconds >= back + Self.askedBackMilliseconds
                || now.milliseconds < back
        } catch {
            throw ToteError.storage(error)
        }
    }

    private func keep(
        _ ready: Int64, _ now: ServerTime, at reading: ClockReading
    ) throws(ToteError) -> Bool {
        let isNew =
            keptReady.map { kept in
                reading.uptimeMilliseconds < kept.at
                    || reading.uptimeMilliseconds - kept.at >= Self.keepReadyMilliseconds
            } ?? true
        guard isNew, asked.allSatisfy({ $0.account != .points || $0.store != nil }) else {
            return false
        }
        let own = SpendingPower(self, at: reading).own.last {
            $0.record.account == .points && !$0.isReleased && !$0.record.isAskedBack
        }
        let isShort = (own?.left ?? 0) * 2 < ready && leasable > 0
        // Where leases are short, a third of one is enough.
        let stopHours = (catalog?.programme?.leases ?? .standard).stopHours
        let near = min(Self.prolongMilliseconds, UInt64(stopHours) * 3_600_000 / 3)
        // A lot that expires soon keeps a lease from being prolonged: asked for once.
        let isEnding =
            own.map { own in
                own.record.stopAt < now.milliseconds + near
                    && !(keptReady?.lease == own.record.id
                        && keptReady?.stopAt == own.record.stopAt)
            } ?? false
        guard isShort || isEnding, let amount = Amount(max(ready, own?.left ?? 0)) else {
            return false
        }
        let made = try reserve(
            amount.units, of: .points, at: nil, label: "keep points ready", reading: reading)
        keptReady = KeptReady(
            at: reading.uptimeMilliseconds, lease: made.lease, stopAt: own?.record.stopAt)
        return true
    }

    /// How much more the programme lets be set aside, as far as it can be told here.
    private var leasable: Int64 {
        guard
            let account = LedgerDocuments.accounts(in: view.confirmed)
                .first(where: { $0.name == .points })
        else { return 0 }
        let policy = catalog?.programme?.leases ?? .standard
        let balance = account.available + account.held
        let share = balance / 1_000 * policy.share + balance % 1_000 * policy.share / 1_000
        return min(min(share, policy.pointsMax) - account.held, account.available)
    }
}
