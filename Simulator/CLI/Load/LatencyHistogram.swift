/// How long things took, in buckets of at most a 64th of what is in them: of any number of values
/// in 30 KB. The idea is that of Gil Tene's HdrHistogram.
struct LatencyHistogram {
    private var counts = [UInt64](repeating: 0, count: 128 + 58 * 64)
    private(set) var total: UInt64 = 0
    private(set) var longest: UInt64 = 0

    /// Microseconds.
    mutating func record(_ micros: UInt64) {
        counts[Self.index(micros)] += 1
        total += 1
        longest = max(longest, micros)
    }

    /// The least value that so many of a hundred do not exceed, rounded up to its bucket's end;
    /// `nil` without values.
    func percentile(_ percent: Double) -> UInt64? {
        guard total > 0 else { return nil }
        let wanted = UInt64((Double(total) * percent / 100).rounded(.up))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen >= max(1, wanted) { return min(longest, Self.last(index)) }
        }
        return longest
    }

    private static func index(_ value: UInt64) -> Int {
        guard value >= 128 else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - 6
        return 128 + (shift - 1) * 64 + Int(value >> UInt64(shift)) - 64
    }

    /// The greatest value of a bucket.
    private static func last(_ index: Int) -> UInt64 {
        guard index >= 128 else { return UInt64(index) }
        let shift = UInt64((index - 128) / 64 + 1)
        return ((UInt64((index - 128) % 64 + 64) + 1) << shift) - 1
    }
}
