public import ToteCore

/// What a customer has of one account, and where it is.
public struct Balance: Hashable, Sendable {
    public var account: AccountName
    /// What the server lets any of the customer's devices spend, which takes a network.
    public var available: Int64
    /// What this device can spend without a network.
    public var here: Int64
    /// The reservations of this device; those that ended or are sealed hold nothing for it.
    public var heldHere: [Holding]
    /// Reservations of the customer's other devices, and at stores.
    public var heldElsewhere: [Holding]
    /// What was earned and cannot be spent yet.
    public var pending: Int64
    /// When pending units become available: `expires` is that moment.
    public var maturing: [Lot]
    /// What of the available units expires first, and when.
    public var expiring: [Lot]
    /// What later earnings pay first.
    public var debt: Int64

    /// What could be spent from here with a network.
    public var spendable: Int64 { available + here }
    /// All that is the customer's and can be spent somewhere.
    public var total: Int64 {
        available + (heldHere + heldElsewhere).reduce(0) { $0 + $1.units }
    }

    /// Units that are set aside for one place.
    public struct Holding: Hashable, Sendable, Identifiable {
        public enum Place: Hashable, Sendable {
            case thisDevice
            case otherDevice
            /// At the counter of this store, also while it is cut off.
            case store(String)
        }

        public var id: LeaseID
        public var place: Place
        /// What is left of it.
        public var units: Int64
        /// Until when it can be spent: milliseconds since 1970, the server's clock.
        public var until: UInt64
        /// Its device began anew, as after a restore: it pays what is under way and nothing more.
        public var isSealed: Bool
        /// The server would like it back.
        public var isAskedBack: Bool
    }
}

/// A reward that the customer has enough points for.
public struct RewardInReach: Hashable, Sendable {
    public var reward: Programme.Reward
    /// What it takes off, minor units of the store's currency.
    public var value: Int64
    /// Whether this device holds the points, so that it takes no network.
    public var isReadyOffline: Bool
}

/// What was asked for with `reserve`.
public struct Reservation: Hashable, Sendable {
    public var lease: LeaseID
    /// Tells what became of it.
    public var receipt: Receipt.ID
}
