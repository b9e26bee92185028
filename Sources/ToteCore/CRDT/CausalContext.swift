/// The dots of one replica that are known, as ranges of counters.
///
/// One range from 1 in every ordinary life. Holes appear only after a server was restored from a
/// backup and the first push of the new epoch jumps ahead of what others still resend.
/// Invariant (C1): ranges are sorted, not empty, and do not touch.
package struct CausalContext: Hashable, Sendable {
    package private(set) var ranges: [ClosedRange<UInt64>]

    package init(_ ranges: [ClosedRange<UInt64>] = []) {
        self.ranges = ranges
        checkInvariants()
    }

    /// The highest counter known, 0 for none.
    package var last: UInt64 { ranges.last?.upperBound ?? 0 }

    package func contains(_ counter: UInt64) -> Bool {
        // Almost always one range, and almost always the last.
        ranges.last { $0.lowerBound <= counter }?.contains(counter) ?? false
    }

    /// Adds a counter; adding a known one changes nothing.
    package mutating func insert(_ counter: UInt64) {
        if let tail = ranges.last, tail.upperBound + 1 == counter {
            ranges[ranges.count - 1] = tail.lowerBound...counter
            return
        }
        guard !contains(counter) else { return }
        let index = ranges.firstIndex { $0.lowerBound > counter } ?? ranges.count
        ranges.insert(counter...counter, at: index)
        if index + 1 < ranges.count, ranges[index + 1].lowerBound == counter + 1 {
            ranges[index] = counter...ranges[index + 1].upperBound
            ranges.remove(at: index + 1)
        }
        if index > 0, ranges[index - 1].upperBound + 1 == counter {
            ranges[index - 1] = ranges[index - 1].lowerBound...ranges[index].upperBound
            ranges.remove(at: index)
        }
        checkInvariants()
    }

    /// Adds counters of which none is known.
    package mutating func insert(_ counters: ClosedRange<UInt64>) {
        if let tail = ranges.last, tail.upperBound + 1 == counters.lowerBound {
            ranges[ranges.count - 1] = tail.lowerBound...counters.upperBound
        } else if ranges.isEmpty {
            ranges = [counters]
        } else {
            for counter in counters { insert(counter) }
        }
    }

    package func checkInvariants() {
        for (left, right) in zip(ranges, ranges.dropFirst()) {
            assert(left.upperBound + 1 < right.lowerBound, "C1: \(left) touches \(right)")
        }
    }
}
