public import ToteCore

// What an app shows and does with a customer's points and stored value.
extension Tote {
    /// The customer's points, and where they are.
    public var points: Balance { balance(.points) }

    /// The points now, and again whenever they change.
    public nonisolated var pointsUpdates: Updates<Balance> { Updates(self) { $0.points } }

    /// The customer's stored value in a currency, an ISO 4217 code.
    public func card(_ currency: String) -> Balance { balance(.card(currency)) }

    /// The customer's stored value in all currencies that there is any of, by their codes.
    public var cards: [Balance] {
        (openReplica?.accounts ?? []).filter { $0.kind == "card" }.map { balance($0) }
    }

    /// The stored value now, and again whenever it changes.
    public nonisolated func cardUpdates(_ currency: String) -> Updates<Balance> {
        Updates(self) { $0.card(currency) }
    }

    func balance(_ account: AccountName) -> Balance {
        openReplica?.balance(account, at: clock.reading())
            ?? Balance(
                account: account, available: 0, here: 0, heldHere: [], heldElsewhere: [],
                pending: 0, maturing: [], expiring: [], debt: 0)
    }

    /// The last entries of the ledger of all accounts, latest first, also without a network;
    /// `olderEntries` has the others.
    public var ledger: [LedgerEntry] { openReplica?.ledger ?? [] }

    /// The entries now, and again whenever one is made.
    public nonisolated var ledgerUpdates: Updates<[LedgerEntry]> { Updates(self) { $0.ledger } }

    /// The loyalty programme of the catalogue that is here.
    public var programme: Programme? { openReplica?.catalog?.programme }

    /// The customer's tier; `nil` without one.
    public var tier: Programme.Tier? { openReplica?.tier(at: clock.reading()) }

    /// What an order of a cart will earn when it is collected, computed as the server will.
    ///
    /// - Parameter rewards: those that are to be spent with it: what they pay earns nothing.
    /// - Throws: `orderRefused` when it cannot be ordered there.
    public func willEarn(
        cart: String = "main", at store: String, rewards: [String] = []
    ) throws(ToteError) -> Int64 {
        try replica().willEarn(cart: cart, at: store, rewards: rewards, at: clock.reading())
    }

    /// The rewards that a cart allows and that the customer's points reach, the cheapest first.
    ///
    /// - Throws: `orderRefused` when it cannot be ordered there.
    public func rewardsInReach(
        cart: String = "main", at store: String
    ) throws(ToteError) -> [RewardInReach] {
        try replica().rewardsInReach(cart: cart, at: store, at: clock.reading())
    }

    /// Asks the server to set units aside: for this device, so that it can spend them without a
    /// network, or for a store, so that its counter can while it is cut off.
    ///
    /// Durable when it returns; the receipt tells what the server did. The same place again raises
    /// what it has to so many units, and prolongs it; it is never lowered. Less may be set aside
    /// than was asked for: `points` shows what was.
    ///
    /// - Throws: `invalidArgument`, `outboxFull`, `storage`.
    @discardableResult
    public func reserve(
        _ units: Int64, of account: AccountName = .points, at store: String? = nil
    ) throws(ToteError) -> Reservation {
        let made = try replica().reserve(units, of: account, at: store, reading: clock.reading())
        handle(.localChange)
        return made
    }

    /// Gives a reservation back: of this device, or of another one that is lost.
    ///
    /// - Returns: the receipt that tells what became of it.
    /// - Throws: `ledgerRefused` when there is none, or it is a store's: its counter gives those
    ///   back; `storage`.
    @discardableResult
    public func release(_ lease: LeaseID) throws(ToteError) -> Receipt.ID {
        let receipt = try replica().release(lease, at: clock.reading())
        handle(.localChange)
        return receipt
    }

    /// Keeps so many points reserved for this device while live sync runs, as far as the programme
    /// allows; 0, as at the start, for none. What is reserved already stays until it ends.
    public func keepReady(points: Int64) {
        ready = max(0, points)
        keepPoints()
    }

    /// What the phone shows at a till to be recognised, good for about a minute; `nil` before the
    /// first sync of a customer whose shop has a programme.
    public func memberCode() -> MemberCode? { openReplica?.memberCode(at: clock.reading()) }

    /// What the phone shows at a store's counter to spend what is reserved there, also while the
    /// store is cut off; good for about a minute. `nil` when it has ended or is used up.
    public func leaseCode(_ lease: LeaseID) -> LeaseCode? {
        openReplica?.leaseCode(lease, at: clock.reading())
    }

    /// Gives back what the server asks for, and keeps points ready.
    func keepPoints() {
        guard machine.mode == .live, machine.isUpToDate, session != nil, redeemerRecord == nil,
            let replica = openReplica
        else { return }
        // Legal to fail: it is tried again with the next answer.
        guard (try? replica.keepLeases(ready: ready, at: clock.reading())) == true else { return }
        handle(.localChange)
    }
}
