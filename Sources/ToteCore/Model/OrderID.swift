/// What identifies an order for life: 128 random bits made by the device, its idempotency key.
///
/// Wire form: 32 lower-case hex digits (Protocol §14.1).
public struct OrderID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 32 hex digits.
    public let text: String

    /// An id from its text; `nil` for anything but 32 lower-case hex digits.
    public init?(_ text: String) {
        guard text.utf8.count == 32, text.utf8.allSatisfy(Self.isDigit) else { return nil }
        self.text = text
    }

    /// An id from random bits.
    package init(high: UInt64, low: UInt64) { text = Hex.string(high) + Hex.string(low) }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    public var description: String { text }

    public static func < (left: OrderID, right: OrderID) -> Bool {
        Name(left.text) < Name(right.text)
    }
}
