/// What the symbol says of itself, with a BCH code against damage.
package enum CodedInformation {
    /// Correction level and mask in 15 bits, masked so that they are never all zero (§7.9.1).
    package static func format(_ correction: QRCode.Correction, mask: Int) -> Int {
        coded(correction.indicator << 3 | mask, generator: 0b101_0011_0111, degree: 10)
            ^ 0b101_0100_0001_0010
    }

    /// The version in 18 bits (§7.10).
    package static func version(_ version: Int) -> Int {
        coded(version, generator: 0b1_1111_0010_0101, degree: 12)
    }

    /// The value, and behind it the remainder of its division by the generator (Annexes C and D).
    private static func coded(_ value: Int, generator: Int, degree: Int) -> Int {
        var remainder = value << degree
        for shift in stride(from: 7, through: 0, by: -1)
        where remainder >> (degree + shift) & 1 == 1 {
            remainder ^= generator << shift
        }
        return value << degree | remainder
    }
}

extension QRCode.Correction {
    /// Table 12.
    fileprivate var indicator: Int {
        switch self {
        case .low: 0b01
        case .medium: 0b00
        case .quartile: 0b11
        case .high: 0b10
        }
    }
}
