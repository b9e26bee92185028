/// Places between places: texts over 62 digits whose bytewise order is the order of a list.
///
/// No place ends in `0`, so that there is always room before it. A random tail keeps two devices
/// that insert at the same spot apart. Source: Greenspan, "Implementing fractional indexing", 2020.
package enum FractionalIndex {
    private static let digits = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    private static func value(_ digit: UInt8) -> Int {
        digits.firstIndex(of: digit) ?? 0
    }

    /// A place strictly between two places; `nil` is the open end.
    ///
    /// - Parameter tail: random bits that tell two such places apart.
    /// - Precondition: `low < high`, bytewise, where both are given.
    package static func between(_ low: Name?, _ high: Name?, tail: UInt64) -> Name {
        if let low, let high { precondition(low < high, "\(low.text) is not before \(high.text)") }
        let left = low.map { Array($0.text.utf8) } ?? []
        let right = high.map { Array($0.text.utf8) }
        var place: [UInt8] = []
        var bounded = right != nil
        var index = 0
        while true {
            let least = index < left.count ? value(left[index]) : 0
            let most =
                bounded ? right.map { index < $0.count ? value($0[index]) : 0 } ?? 62 : 62
            if most - least > 1 {
                place.append(digits[least + (most - least) / 2])
                break
            }
            place.append(digits[least])
            if most > least { bounded = false }
            index += 1
        }
        // Appending keeps it between: it already differs from both within its length.
        place.append(digits[Int(tail % 62)])
        place.append(digits[Int(tail / 62 % 62)])
        place.append(digits[1 + Int(tail / 3_844 % 61)])
        return Name(String(decoding: place, as: UTF8.self))
    }

    /// Whether a text may be used as a place: known digits only, not ending in `0`.
    package static func isPlace(_ name: Name) -> Bool {
        let bytes = Array(name.text.utf8)
        return bytes.last.map { $0 != digits[0] } ?? false && bytes.allSatisfy(digits.contains)
    }
}
