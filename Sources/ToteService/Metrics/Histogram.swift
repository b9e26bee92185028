/// Counts of values by size. Owned by one thread, or guarded by a lock.
struct Histogram: Sendable {
    /// Upper bounds, rising; above the last is the rest.
    let bounds: [Double]
    /// Values up to each bound and above the one before, then the rest.
    private(set) var counts: [UInt64]
    private(set) var sum = 0.0

    /// 0.1 ms to 10 s.
    static let seconds = [
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
        2.5, 10,
    ]
    static let requests = [1.0, 2, 4, 8, 16, 32, 64, 128, 256, 512]

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    var count: UInt64 { counts.reduce(0, +) }

    mutating func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    /// Takes in what another thread has counted.
    mutating func add(_ other: Histogram) {
        precondition(bounds == other.bounds, "histograms of other bounds do not add up")
        for index in counts.indices { counts[index] += other.counts[index] }
        sum += other.sum
    }
}
