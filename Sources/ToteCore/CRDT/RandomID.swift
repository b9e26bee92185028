/// What identifies an order for life: made by the device, its idempotency key.
public typealias OrderID = RandomID<OrderKind>
/// What identifies a lease for life: made by the device that asks for it.
public typealias LeaseID = RandomID<LeaseKind>
/// What identifies a hand-off for life: made by the device that offers it.
public typealias HandOffID = RandomID<HandOffKind>

/// What identifies a guest's cart that joins an account: made of the guest's own id.
public typealias JoinID = RandomID<JoinKind>

/// Sets ids of orders apart from others.
public enum OrderKind {}
/// Sets ids of leases apart from others.
public enum LeaseKind {}
/// Sets ids of hand-offs apart from others.
public enum HandOffKind {}
/// Sets ids of joins apart from others.
public enum JoinKind {}

/// An id of 128 random bits; `Kind` says of what.
///
/// Wire form: 32 lower-case hex digits (Protocol §14.1).
public struct RandomID<Kind>: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 32 hex digits.
    public let text: String

    /// An id from its text; `nil` for anything but 32 lower-case hex digits.
    public init?(_ text: String) {
        guard text.utf8.count == 32, Hex.bytes(text) != nil else { return nil }
        self.text = text
    }

    /// An id from random bits.
    package init(high: UInt64, low: UInt64) { text = Hex.string(high) + Hex.string(low) }

    public var description: String { text }

    public static func < (left: RandomID, right: RandomID) -> Bool {
        Name(left.text) < Name(right.text)
    }
}
