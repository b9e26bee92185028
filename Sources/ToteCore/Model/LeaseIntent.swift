/// A lease as its holder asks for it: a new one, or more of one that it has.
package struct LeaseIntent: Hashable, Sendable {
    package var lease: LeaseID
    package var account: AccountName
    /// What the holder wants to be able to spend by it from now on.
    package var amount: Amount
    /// The store at whose counter it is to be spent; `nil` for the device itself.
    package var store: String?

    package init(lease: LeaseID, account: AccountName, amount: Amount, store: String? = nil) {
        self.lease = lease
        self.account = account
        self.amount = amount
        self.store = store
    }

    init(_ value: Value) throws(IntentError) {
        let reader = try IntentReader(
            value, members: ["kind", "lease", "account", "amount", "store"])
        lease = try reader.lease()
        account = try reader.account()
        amount = try reader.amount("amount")
        store = try reader.optionalText("store", 64)
        if case .offer = account, store != nil {
            throw .malformed("an offer is set aside for a device alone")
        }
    }

    package var value: Value {
        .map(
            [
                "kind": .text("lease"), "lease": .text(lease.text),
                "account": .text(account.description), "amount": .int(amount.units),
            ].merging(store.map { ["store": .text($0)] } ?? [:]) { $1 })
    }
}

/// What a redeemer took of a lease before goods went over the counter.
package struct RedeemIntent: Hashable, Sendable {
    /// Made by the redeemer: the redemption's idempotency key.
    package var redemption: OrderID
    /// The certificate of the lease, with which the server knows it again after a restore.
    package var certificate: LeaseCertificate
    package var amount: Amount
    package var reward: String?
    /// When, by the redeemer's cautious reading of the server's time.
    package var at: UInt64

    package init(
        redemption: OrderID, certificate: LeaseCertificate, amount: Amount, reward: String?,
        at: UInt64
    ) {
        self.redemption = redemption
        self.certificate = certificate
        self.amount = amount
        self.reward = reward
        self.at = at
    }

    init(_ value: Value) throws(IntentError) {
        let reader = try IntentReader(
            value, members: ["kind", "redemption", "certificate", "amount", "reward", "at"])
        guard let id = OrderID(try reader.text("redemption", 32...32)) else {
            throw .malformed("a redemption's id is 32 lower-case hex digits")
        }
        redemption = id
        let text = try reader.text("certificate", 1...192)
        guard let certificate = LeaseCertificate(message: text) else {
            throw .malformed("certificate is the message of a lease's code")
        }
        self.certificate = certificate
        amount = try reader.amount("amount")
        reward = try reader.optionalText("reward", 64)
        at = UInt64(try reader.int("at", 0...Int64(Timestamp.millisecondsMax)))
    }

    package var value: Value {
        .map(
            [
                "kind": .text("redeem"), "redemption": .text(redemption.text),
                "certificate": .text(certificate.message), "amount": .int(amount.units),
                "at": .int(Int64(at)),
            ].merging(reward.map { ["reward": .text($0)] } ?? [:]) { $1 })
    }
}
