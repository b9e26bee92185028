internal import ToteCore

extension ToteError {
    static func ledger(
        _ code: String, _ message: String, _ details: Value = .map([])
    ) -> ToteError {
        ToteError(.ledgerRefused, message, rejection: Rejection(code: code, details: details))
    }
}

// What the documents and the outbox say of a customer's accounts.
extension Replica {
    private func summary(_ account: AccountName) -> AccountSummary? {
        LedgerDocuments.accounts(in: view.confirmed).first { $0.name == account }
    }

    /// The accounts that the customer has, sorted.
    package var accounts: [AccountName] {
        LedgerDocuments.accounts(in: view.confirmed).map(\.name).sorted()
    }

    /// Leases as the server wrote of them last.
    package var leases: [LeaseRecord] { LedgerDocuments.leases(in: view.confirmed) }

    /// What the customer has of an account, as this device sees it.
    package func balance(_ account: AccountName, at reading: ClockReading) -> Balance {
        let power = SpendingPower(self, at: reading)
        let summary = summary(account)
        var balance = Balance(
            account: account, available: power.available(account), here: power.here(account),
            heldHere: [], heldElsewhere: [], pending: summary?.pending ?? 0,
            maturing: summary?.maturing ?? [], expiring: summary?.lots ?? [],
            debt: summary?.debt ?? 0)
        for record in leases where record.account == account {
            let place: Balance.Holding.Place =
                switch record.holder {
                case .device(let holder):
                    holder == id || formerly.contains(holder) ? .thisDevice : .otherDevice
                case .store(let name, _): .store(name)
                }
            // Sealed by this device itself, before the server has heard of its new id.
            let isFormer = place == .thisDevice && record.holder != .device(id)
            let holding = Balance.Holding(
                id: record.id, place: place, units: power.left(of: record.id),
                until: record.stopAt, isSealed: record.isSealed || isFormer,
                isAskedBack: record.isAskedBack)
            if place == .thisDevice {
                balance.heldHere.append(holding)
            } else {
                balance.heldElsewhere.append(holding)
            }
        }
        return balance
    }

    /// The entries of the ledger that the documents hold, latest first.
    package var ledger: [LedgerEntry] { LedgerDocuments.entries(in: view.confirmed) }

    /// The customer's tier by what is known here.
    package func tier(at reading: ClockReading) -> Programme.Tier? {
        guard
            case .map(let entries)? = LedgerDocuments.value(
                LedgerDocuments.earned, in: view.confirmed)
        else { return catalog?.programme?.tier(earned: [:], at: nowMilliseconds(at: reading)) }
        var earned: [UInt64: Int64] = [:]
        for entry in entries {
            guard let start = UInt64(entry.name), let units = entry.value.intValue else { continue }
            earned[start] = units
        }
        return catalog?.programme?.tier(earned: earned, at: nowMilliseconds(at: reading))
    }

    private func nowMilliseconds(at reading: ClockReading) -> UInt64 {
        serverTime(at: reading)?.milliseconds ?? reading.wallMilliseconds
    }

    /// What an order of a cart will earn when it is collected, by the server's own code.
    package func willEarn(
        cart: String, at store: String, rewards: [String], at reading: ClockReading
    ) throws(ToteError) -> Int64 {
        let quote = try quote(cart: cart, at: store)
        guard let programme = catalog?.programme else { return 0 }
        let prices = quote.lines.map { ($0.line.sku, $0.price) }
        var due = quote.total
        for id in rewards {
            let value = programme.reward(id).flatMap {
                programme.value(of: $0.benefit, lines: prices, currency: quote.currency)
            }
            due -= min(due, value ?? 0)
        }
        return programme.earned(
            lines: quote.lines.map { ($0.line.sku, $0.price * $0.quantity) }, total: quote.total,
            paidWithPoints: quote.total - due, currency: quote.currency,
            times: tier(at: reading)?.times ?? Programme.once)
    }

    /// The rewards that a cart allows and that the customer's points reach, the cheapest first.
    package func rewardsInReach(
        cart: String, at store: String, at reading: ClockReading
    ) throws(ToteError) -> [RewardInReach] {
        let quote = try quote(cart: cart, at: store)
        guard let programme = catalog?.programme else { return [] }
        let power = SpendingPower(self, at: reading)
        return programme.rewardsInReach(
            points: power.most(.points, isOnline: true),
            lines: quote.lines.map { ($0.line.sku, $0.price) }, currency: quote.currency
        ).map { reward, value in
            RewardInReach(
                reward: reward, value: min(value, quote.total),
                isReadyOffline: reward.points <= power.most(.points, isOnline: false))
        }
    }

    // Codes.

    private var member: (number: UInt64, secret: [UInt8])? {
        guard let value = LedgerDocuments.value(LedgerDocuments.member, in: view.confirmed),
            let number = value["number"]?.textValue.flatMap(Hex.id),
            let secret = value["secret"]?.textValue.flatMap(Hex.bytes)
        else { return nil }
        return (number, secret)
    }

    /// What the phone shows to be recognised; `nil` before the server has made the customer a
    /// member.
    package func memberCode(at reading: ClockReading) -> MemberCode? {
        guard let (number, secret) = member, let now = serverTime(at: reading) else { return nil }
        return MemberCode(member: number, secret: secret, at: now.milliseconds)
    }

    /// What the phone shows to spend a store's lease at its counter; `nil` when there is none, it
    /// has ended, or it is used up.
    package func leaseCode(_ id: LeaseID, at reading: ClockReading) -> LeaseCode? {
        guard let record = leases.first(where: { $0.id == id }), record.left > 0,
            case .store(_, let incarnation) = record.holder,
            let secret = record.secret.flatMap(Hex.bytes), let member = member?.number,
            let now = serverTime(at: reading), record.stopAt > now.milliseconds
        else { return nil }
        let certificate = LeaseCertificate(
            lease: record.id, member: member, account: record.account, granted: record.granted,
            stopAt: record.stopAt, incarnation: incarnation)
        return LeaseCode(certificate, secret: secret, at: now.milliseconds)
    }
}
