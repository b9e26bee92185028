/// An escrowed right to spend: until it is closed, only its holder can spend what it holds.
///
/// Source: Balegas et al., "Extending eventually consistent cloud databases for enforcing numeric
/// invariants" (bounded counter), 2015; here in a star, the server at its centre.
package struct Lease: Hashable, Sendable {
    /// Who may spend it.
    package enum Holder: Hashable, Sendable {
        case device(ReplicaID)
        /// A store's redeemer, in one incarnation of it.
        case store(String, incarnation: UInt64)

        package var store: String? {
            if case .store(let name, _) = self { name } else { nil }
        }
    }

    package var id: LeaseID
    package var holder: Holder
    /// All that it was ever given.
    package var granted: Int64
    /// What is left of it, with the dates that it came with.
    package var rest: Lots
    /// Of a store's: how much of it goods were given for.
    package var redeemed: Int64 = 0
    /// Binds the holder, never the server: milliseconds of the server's clock.
    package var stopAt: UInt64
    /// Its holder's id is no longer in use: it pays what is under way, and gets nothing more.
    package var isSealed = false
    /// The server would like it back.
    package var isAskedBack = false

    package init(
        id: LeaseID, holder: Holder, granted: Int64, rest: Lots, stopAt: UInt64
    ) {
        self.id = id
        self.holder = holder
        self.granted = granted
        self.rest = rest
        self.stopAt = stopAt
    }

    package var spent: Int64 { granted - rest.total }
}

/// How much may lie in leases, and for how long.
package struct LeaseTerms: Hashable, Sendable {
    /// Units that all open leases of the account may hold together.
    package var unitsMax: Int64
    /// Thousandths of the balance that they may hold together.
    package var share: Int64
    package var stopMilliseconds: UInt64
    /// How long after `stopAt` a device's lease is still honoured as it was.
    package var graceMilliseconds: UInt64

    /// Open leases of one account.
    package static let openMax = 8

    package init(
        unitsMax: Int64 = 2_000, share: Int64 = 500, stopMilliseconds: UInt64 = 72 * 3_600_000,
        graceMilliseconds: UInt64 = 14 * 86_400_000
    ) {
        self.unitsMax = unitsMax
        self.share = share
        self.stopMilliseconds = stopMilliseconds
        self.graceMilliseconds = graceMilliseconds
    }
}
