package import ToteCore

/// What of a redeemer is kept outside its file, so that a file that was restored or copied is
/// noticed: the incarnation, and how often it has taken, promised or given back.
package struct RedeemerMark: Hashable, Sendable {
    package var incarnation: UInt64
    package var takes: UInt64

    package init(incarnation: UInt64, takes: UInt64) {
        self.incarnation = incarnation
        self.takes = takes
    }
}

/// What a counter asks of a lease.
public enum RedeemedFor: Hashable, Sendable {
    /// A reward; for a product with the price of what is given, in minor units.
    case reward(String, price: Int64? = nil)
    /// Stored value, in minor units of the store's currency.
    case amount(Int64)
}

/// Something that a counter has redeemed while the store was cut off, or might have been.
public struct Redemption: Hashable, Sendable, Identifiable {
    public var id: OrderID
    /// Tells when the server has it.
    public var receipt: Receipt.ID
    public var account: AccountName
    /// What the customer spent: points, or minor units of the card.
    public var units: Int64
    public var reward: String?
    /// What it is worth at the till, minor units of the store's currency.
    public var value: Int64
    /// What the customer can still spend here by the same reservation.
    public var left: Int64
}

// A store's redeemer: a replica of the store's space that accepts leases while it is cut off.
extension Replica {
    package var redeemerMark: RedeemerMark? {
        redeemer.map { RedeemerMark(incarnation: $0.register.incarnation, takes: $0.takes) }
    }

    /// Whether the server has to be asked for the key of this incarnation.
    package var lacksKey: Bool { redeemer.map { $0.key == nil } ?? false }

    /// Makes this replica a redeemer, or goes on as the one that it is.
    ///
    /// - Parameter outside: what was kept outside the file. Anything but what belongs to the file
    ///   means that it was restored or copied: a new incarnation is taken, and the leases of all
    ///   earlier ones are refused.
    /// - Returns: what is to be kept outside from here on.
    package func openRedeemer(outside: RedeemerMark?) throws(ToteError) -> RedeemerMark {
        if let mark = redeemerMark, let outside, outside.incarnation == mark.incarnation,
            // Legal: the program ended between the take and the note of it.
            outside.takes <= mark.takes
        {
            return mark
        }
        return try update {
            if redeemer == nil { try begin() } else { try takeNewIncarnation() }
            guard let mark = redeemerMark else { preconditionFailure("a redeemer has a mark") }
            return mark
        }
    }

    private func begin() throws {
        let state = RedeemerState(
            register: LeaseRegister(incarnation: randomBits() | 1), key: nil, takes: 0)
        try store.forgetAllTaken()
        try store.setRedeemer(state)
        redeemer = state
    }

    /// After a fork, a restore or a copy: nothing of an earlier incarnation is accepted, and no
    /// promise is sent for it, since the other copy may have taken what the promise would free.
    func takeNewIncarnation() throws {
        guard redeemer != nil else { return }
        try begin()
        for index in outbox.indices where !outbox[index].isJudged {
            guard case .watermark? = outbox[index].change.readableIntent else { continue }
            outbox[index].change.intent = nil
            outbox[index].state = .withdrawn
            try store.rewrite(outbox[index])
        }
    }

    /// Keeps the key that the server gave for an incarnation.
    package func enrol(_ incarnation: UInt64, key: [UInt8]) throws(ToteError) {
        guard var state = redeemer, state.register.incarnation == incarnation else { return }
        state.key = key
        let kept = state
        try update { try store.setRedeemer(kept) }
        redeemer = kept
    }

    /// Takes units of the lease whose code a phone shows. Durable when it returns: goods may go
    /// over the counter then.
    ///
    /// - Throws: `ledgerRefused` with `not_redeemer`, `code_unknown`, `code_expired`,
    ///   `lease_not_held`, `lease_expired`, `balance_too_low`, `reward_unknown`,
    ///   `currency_mismatch`; what `commit` throws. Nothing was taken then.
    package func redeem(
        _ text: String, _ what: RedeemedFor, at store: String, reading: ClockReading
    ) throws(ToteError) -> Redemption {
        guard var state = redeemer, let key = state.key, let now = serverTime(at: reading) else {
            throw .ledger(
                "not_redeemer", "this counter has no key yet: name it redeemer, and connect once")
        }
        guard let code = LeaseCode(text) else {
            throw .ledger("code_unknown", "this is no code of a reservation at a store")
        }
        let certificate = code.certificate
        guard certificate.incarnation == state.register.incarnation else {
            throw .ledger(
                "lease_not_held", "the reservation is of another store, or of a lost counter")
        }
        guard code.isMade(with: key) else {
            throw .ledger("code_unknown", "no customer's phone shows this code here")
        }
        guard RotatingCode.isCurrent(code.step, at: now.milliseconds) else {
            throw .ledger("code_expired", "the code is too old or from a wrong clock: scan again")
        }
        let (amount, reward, value) = try price(of: what, by: certificate, at: store)
        do throws(LeaseRegister.Refusal) {
            try state.register.take(
                amount, of: certificate.lease, granted: certificate.granted,
                stopAt: certificate.stopAt, incarnation: certificate.incarnation,
                at: now.cautious)
        } catch {
            throw refusal(error, certificate, amount, state)
        }
        state.takes += 1
        let intent = RedeemIntent(
            redemption: OrderID(high: randomBits(), low: randomBits()), certificate: certificate,
            amount: amount, reward: reward, at: now.milliseconds)
        let taken = state
        let nonce = try commit([], intent: .redeem(intent), label: "redeem", at: reading) {
            try self.store.setRedeemer(taken)
            try self.store.setTaken(
                certificate.lease, taken.register.taken[certificate.lease])
            try noteDecided(at: now)
        }
        guard let nonce else { throw ToteError(.storage, "nothing was saved") }
        redeemer = taken
        return Redemption(
            id: intent.redemption, receipt: Hex.string(nonce), account: certificate.account,
            units: amount.units, reward: reward, value: value,
            left: taken.register.left(of: certificate.lease, granted: certificate.granted))
    }

    private func refusal(
        _ refusal: LeaseRegister.Refusal, _ certificate: LeaseCertificate, _ amount: Amount,
        _ state: RedeemerState
    ) -> ToteError {
        let left = state.register.left(of: certificate.lease, granted: certificate.granted)
        let message =
            switch refusal {
            case .leaseExpired: "the reservation has ended, or nearly"
            case .leaseNotHeld: "the reservation is not of this counter"
            case .balanceTooLow: "\(amount.units) are asked for, the reservation has \(left) left"
            }
        return .ledger(
            refusal.rawValue, message,
            .map(["account": .text(certificate.account.description), "held": .int(left)]))
    }

    /// What is taken of a lease, for which reward, and what it is worth.
    private func price(
        of what: RedeemedFor, by certificate: LeaseCertificate, at store: String
    ) throws(ToteError) -> (Amount, reward: String?, value: Int64) {
        guard let catalog, let shop = catalog.store(store) else {
            throw .order("no_catalog", "no catalogue is here yet: connect once")
        }
        switch what {
        case .amount(let units):
            guard certificate.account == .card(shop.currency) else {
                throw .ledger(
                    "currency_mismatch", "the reservation holds \(certificate.account)",
                    .map(["currency": .text(shop.currency)]))
            }
            guard let amount = Amount(units) else {
                throw ToteError(.invalidArgument, "\(units) is no amount")
            }
            return (amount, nil, units)
        case .reward(let id, let price):
            let reward = certificate.account == .points ? catalog.programme?.reward(id) : nil
            var lines: [(sku: String, price: Int64)] = []
            if case .product(let sku)? = reward?.benefit { lines = price.map { [(sku, $0)] } ?? [] }
            guard let reward, let amount = Amount(reward.points),
                let value = catalog.programme?.value(
                    of: reward.benefit, lines: lines, currency: shop.currency)
            else {
                throw .ledger(
                    "reward_unknown",
                    "no such reward applies here; for a product say the price of what is given",
                    .map(["reward": .text(id)]))
            }
            return (amount, id, value)
        }
    }

    /// Takes a redemption back that was not sent, because it could not be noted outside the file.
    package func takeBack(_ redemption: Redemption, of code: String) throws(ToteError) {
        guard var state = redeemer, let nonce = Hex.id(redemption.receipt),
            let certificate = LeaseCode(code)?.certificate,
            let index = outbox.firstIndex(where: {
                $0.change.nonce == nonce && $0.state == .saved
            })
        else { return }
        var taken = state.register.taken
        taken[certificate.lease, default: 0] -= redemption.units
        if taken[certificate.lease] == 0 { taken[certificate.lease] = nil }
        state.register = LeaseRegister(
            incarnation: state.register.incarnation, watermark: state.register.watermark,
            taken: taken)
        state.takes -= 1
        let former = state
        try update {
            var entry = outbox[index]
            entry.change.intent = nil
            entry.state = .withdrawn
            try store.rewrite(entry)
            try store.setRedeemer(former)
            try store.setTaken(certificate.lease, taken[certificate.lease])
            outbox[index] = entry
        }
        redeemer = former
    }

    /// How far behind the last reply a promise stays: a server's replies may be ahead of its clock
    /// by what it lets a change be.
    static var watermarkMarginMilliseconds: UInt64 {
        UInt64(Limits.clockAheadMillisecondsMax) + 1_000
    }

    /// Promises to take nothing of leases that end at or before the server's time of the last
    /// reply. It is sent behind everything that was taken before.
    ///
    /// - Returns: the receipt; `nil` when there is nothing new to promise.
    package func promiseWatermark(at reading: ClockReading) throws(ToteError) -> Receipt.ID? {
        guard var state = redeemer, state.key != nil,
            let time = heard ?? anchor?.serverMilliseconds
        else { return nil }
        let until = time - min(time, Self.watermarkMarginMilliseconds)
        guard until > state.register.watermark else { return nil }
        state.register.promise(until)
        // A file of before the promise would take what the promise frees.
        state.takes += 1
        let promised = state
        let nonce = try commit([], intent: .watermark(until), label: "watermark", at: reading) {
            try store.setRedeemer(promised)
        }
        redeemer = promised
        return nonce.map { Hex.string($0) }
    }

    /// Gives a store's lease back: nothing is taken of it any more.
    package func releaseAtStore(
        _ id: LeaseID, at reading: ClockReading
    ) throws(ToteError) -> Receipt.ID {
        guard var state = redeemer, state.key != nil else {
            throw .ledger("not_redeemer", "this counter has no key yet")
        }
        state.register.close(id)
        // A file of before would take what is given back here.
        state.takes += 1
        let closed = state
        let nonce = try commit([], intent: .release(id), label: "release", at: reading) {
            try store.setRedeemer(closed)
            try store.setTaken(id, .max)
        }
        guard let nonce else { throw ToteError(.storage, "nothing was saved") }
        redeemer = closed
        return Hex.string(nonce)
    }
}
