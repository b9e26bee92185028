/// The Reed–Solomon code of ISO/IEC 18004:2015 §7.5.2 over GF(256) with x⁸ + x⁴ + x³ + x² + 1.
package struct ReedSolomon: Sendable {
    /// The generator polynomial (x − 1)(x − α)…, the highest power first and without its leading 1,
    /// as exponents of α. None of its coefficients is zero for any length that Table 9 has.
    private let generator: [Int]

    /// A code with so many correction codewords: 1 to 254.
    package init(correctionCodewords count: Int) {
        precondition(count >= 1 && count <= 254, "\(count) correction codewords")
        var coefficients = [UInt8](repeating: 0, count: count) + [1]
        for root in 0..<count {
            // Times (x − α^root); in this field, minus is plus.
            for index in coefficients.indices {
                let next = index + 1 < coefficients.count ? coefficients[index + 1] : 0
                coefficients[index] = next ^ Field.product(coefficients[index], power: root)
            }
        }
        generator = coefficients.dropFirst().map { Field.logarithms[Int($0)] }
    }

    /// The remainder of data · xⁿ by the generator.
    package func correction(for data: some Sequence<UInt8>) -> [UInt8] {
        var remainder = [UInt8](repeating: 0, count: generator.count)
        // The remainder as a ring: its highest power is at `head`, instead of moving all of it.
        var head = 0
        for byte in data {
            let factor = byte ^ remainder[head]
            remainder[head] = 0
            head = head + 1 == generator.count ? 0 : head + 1
            guard factor != 0 else { continue }
            let power = Field.logarithms[Int(factor)]
            var place = head
            for exponent in generator {
                remainder[place] ^= Field.powers[power + exponent]
                place = place + 1 == generator.count ? 0 : place + 1
            }
        }
        return Array(remainder[head...] + remainder[..<head])
    }
}

/// GF(256) by powers of α = 2.
private enum Field {
    /// α⁰, α¹, …; twice over, so that a sum of two logarithms needs no remainder.
    static let powers: [UInt8] = {
        var powers: [UInt8] = []
        var element = 1
        for _ in 0..<510 {
            powers.append(UInt8(element))
            element <<= 1
            if element > 0xFF { element ^= 0x11D }
        }
        return powers
    }()

    /// Of which power of α an element is; zero is none, and its entry means nothing.
    static let logarithms: [Int] = {
        var logarithms = [Int](repeating: 0, count: 256)
        for exponent in 0..<255 { logarithms[Int(powers[exponent])] = exponent }
        return logarithms
    }()

    static func product(_ element: UInt8, power: Int) -> UInt8 {
        element == 0 ? 0 : powers[logarithms[Int(element)] + power % 255]
    }
}
