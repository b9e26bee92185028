/// A whole number of any length, by the way of school: nine decimal digits at a time.
///
/// Slow and plain on purpose: what is checked against it shares none of its arithmetic.
struct BigNatural: Comparable {
    private static let base = 1_000_000_000
    /// The lowest digits first; none at the end is 0.
    private let digits: [Int]

    private init(digits: [Int]) {
        var digits = digits
        while digits.last == 0 { digits.removeLast() }
        self.digits = digits
    }

    init(_ number: Int64) {
        precondition(number >= 0, "no natural number: \(number)")
        var digits: [Int] = []
        var rest = Int(number)
        while rest > 0 {
            digits.append(rest % Self.base)
            rest /= Self.base
        }
        self.init(digits: digits)
    }

    static func + (left: BigNatural, right: BigNatural) -> BigNatural {
        var sum: [Int] = []
        var carry = 0
        for place in 0...max(left.digits.count, right.digits.count) {
            carry += left.digit(place) + right.digit(place)
            sum.append(carry % base)
            carry /= base
        }
        return BigNatural(digits: sum)
    }

    static func * (left: BigNatural, right: BigNatural) -> BigNatural {
        var product = Array(repeating: 0, count: left.digits.count + right.digits.count + 1)
        for (i, a) in left.digits.enumerated() {
            var carry = 0
            for place in i..<product.count {
                carry += product[place] + a * right.digit(place - i)
                product[place] = carry % base
                carry /= base
            }
        }
        return BigNatural(digits: product)
    }

    static func < (left: BigNatural, right: BigNatural) -> Bool {
        guard left.digits.count == right.digits.count else {
            return left.digits.count < right.digits.count
        }
        return left.digits.reversed().lexicographicallyPrecedes(right.digits.reversed())
    }

    private func digit(_ place: Int) -> Int { digits.indices.contains(place) ? digits[place] : 0 }
}
