/// An IP address as its bits, and whether a webhook may go there.
package enum NetworkAddress: Hashable, Sendable {
    case v4(UInt32)
    /// The upper and the lower 64 bits.
    case v6(UInt64, UInt64)

    /// What an address reaches (the registries of RFC 6890, RFC 4291, RFC 6598, RFC 4193).
    package enum Reach: String, Sendable {
        /// Anybody on the internet.
        case global
        case loopback
        /// A network of its owner: RFC 1918, RFC 4193, or a carrier's (RFC 6598).
        case `private`
        /// This link only; the cloud's metadata service, 169.254.169.254, is one of these.
        case linkLocal = "link-local"
        case multicast
        case unspecified
        /// For documentation, tests, tunnels, or for nothing yet.
        case reserved
    }

    /// An IPv6 address from its 16 bytes in network order.
    package init?(v6 bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        let upper = bytes[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self = .v6(upper, bytes[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// Where the address leads.
    package var reach: Reach {
        switch self {
        case .v4(let bits): Self.reach(v4: bits)
        case .v6(let upper, let lower): Self.reach(v6: upper, lower)
        }
    }

    private static let v4Blocks: [(network: UInt32, bits: UInt32, reach: Reach)] = [
        (0x0000_0000, 8, .unspecified), (0x0A00_0000, 8, .private),
        (0x6440_0000, 10, .private), (0x7F00_0000, 8, .loopback),
        (0xA9FE_0000, 16, .linkLocal), (0xAC10_0000, 12, .private),
        (0xC000_0000, 24, .reserved), (0xC000_0200, 24, .reserved),
        (0xC058_6300, 24, .reserved), (0xC0A8_0000, 16, .private),
        (0xC612_0000, 15, .reserved), (0xC633_6400, 24, .reserved),
        (0xCB00_7100, 24, .reserved), (0xE000_0000, 4, .multicast),
        (0xF000_0000, 4, .reserved),
    ]

    private static func reach(v4 bits: UInt32) -> Reach {
        v4Blocks.first { bits >> (32 - $0.bits) == $0.network >> (32 - $0.bits) }?.reach ?? .global
    }

    private static func reach(v6 upper: UInt64, _ lower: UInt64) -> Reach {
        let low = UInt32(truncatingIfNeeded: lower)
        if upper == 0 {
            if lower == 0 { return .unspecified }
            if lower == 1 { return .loopback }
            // ::ffff:0:0/96, the IPv4-mapped ones.
            if lower >> 32 == 0xFFFF { return reach(v4: low) }
            return .reserved
        }
        // 64:ff9b::/96 (NAT64) and 2002::/16 (6to4) carry an IPv4 address.
        if upper == 0x0064_FF9B_0000_0000, lower >> 32 == 0 { return reach(v4: low) }
        if upper >> 48 == 0x2002 { return reach(v4: UInt32(truncatingIfNeeded: upper >> 16)) }
        if upper >> 56 == 0xFF { return .multicast }
        if upper >> 54 == 0xFE80 >> 6 { return .linkLocal }
        // fc00::/7, and the older site-local fec0::/10.
        if upper >> 57 == 0xFC >> 1 || upper >> 54 == 0xFEC0 >> 6 { return .private }
        // Of the rest only 2000::/3 is handed out; in it Teredo and its like, and documentation.
        guard upper >> 61 == 0b001 else { return .reserved }
        if upper >> 41 == 0x2001_0000 >> 9 || upper >> 32 == 0x2001_0DB8 { return .reserved }
        if upper >> 44 == 0x3FFF0 { return .reserved }
        return .global
    }
}

extension NetworkAddress {
    /// An address as text in its canonical decimal form or, for IPv6, any of RFC 4291's.
    package init?(_ text: String) {
        let address = text.contains(":") ? Self.v6(text) : Self.v4(text).map { .v4($0) }
        guard let address else { return nil }
        self = address
    }

    /// Four decimal numbers without leading zeros: no octal, no hexadecimal, no fewer parts.
    private static func v4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0"),
                part.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            bits = bits << 8 | UInt32(number)
        }
        return bits
    }

    private static func v6(_ text: String) -> NetworkAddress? {
        let halves = text.replacingDoubleColon()
        guard halves.count <= 2, let head = groups(halves[0], allowsV4: halves.count == 1)
        else { return nil }
        guard halves.count == 2 else { return head.count == 8 ? address(head) : nil }
        guard let tail = groups(halves[1], allowsV4: true), head.count + tail.count < 8
        else { return nil }
        let middle = [UInt16](repeating: 0, count: 8 - head.count - tail.count)
        return address(head + middle + tail)
    }

    private static func address(_ groups: [UInt16]) -> NetworkAddress {
        let upper = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        return .v6(upper, groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) })
    }

    /// The 16-bit groups of one side of `::`; the last may be an IPv4 address, which counts twice.
    private static func groups(_ text: String, allowsV4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if part.contains(".") {
                guard allowsV4, index == parts.count - 1, let bits = v4(part) else { return nil }
                groups.append(UInt16(truncatingIfNeeded: bits >> 16))
                groups.append(UInt16(truncatingIfNeeded: bits))
            } else {
                guard (1...4).contains(part.utf8.count), part.allSatisfy(\.isHexDigit),
                    part.utf8.count == part.count, let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }
}

extension String {
    /// The parts before and behind each `::`.
    fileprivate func replacingDoubleColon() -> [String] {
        var parts: [[UInt8]] = [[]]
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: ":"), rest.first == UInt8(ascii: ":") {
                rest.removeFirst()
                parts.append([])
            } else {
                parts[parts.count - 1].append(byte)
            }
        }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }
}
