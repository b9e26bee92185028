/// Whom a limit counts: a numeric address; of IPv6 the /64 that one line has.
package struct HTTPAddress: Hashable, Sendable {
    /// The sixteen bytes as two words, IPv4 as `::ffff:a.b.c.d`.
    package let high: UInt64
    package let low: UInt64

    /// Reads an address in digits, without a port; nil for anything else.
    package init?(_ text: String) {
        guard let bits = SocketAddress(numericHost: text, port: 0)?.bits?.countedAs else {
            return nil
        }
        high = bits.high
        low = bits.low
    }
}
