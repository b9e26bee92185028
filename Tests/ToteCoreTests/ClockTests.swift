import Testing
import ToteCore

struct ClockTests {
    @Test func `stamps rise strictly while the clock stands, falls and jumps`() {
        var clock = HybridClock()
        var last = Timestamp.zero
        for now in [5, 5, 5, 3, 0, 100, 99, 100, 101] as [UInt64] {
            let reading = clock.reading(atMilliseconds: now)
            #expect(reading == clock.reading(atMilliseconds: now), "a reading consumes nothing")
            let stamp = clock.stamp(atMilliseconds: now)
            #expect(stamp > last)
            #expect(stamp.milliseconds >= now)
            #expect(stamp >= reading)
            last = stamp
        }
        #expect(last == Timestamp(milliseconds: 101))
    }

    @Test func `a stamp follows every time that was seen`() {
        var clock = HybridClock(latest: Timestamp(milliseconds: 9))
        clock.observe(Timestamp(milliseconds: 50, count: 7))
        clock.observe(Timestamp(milliseconds: 20))
        #expect(clock.latest == Timestamp(milliseconds: 50, count: 7))
        #expect(
            clock.stamp(atMilliseconds: 10) == Timestamp(milliseconds: 50, count: 8))
        #expect(clock.stamp(atMilliseconds: 51) == Timestamp(milliseconds: 51))
    }

    @Test func `the count overflows into the millisecond`() {
        var clock = HybridClock(latest: Timestamp(milliseconds: 50, count: .max))
        #expect(clock.stamp(atMilliseconds: 1) == Timestamp(milliseconds: 51, count: 0))
    }

    @Test func `time ends at its greatest value and does not wrap`() {
        let end = Timestamp(milliseconds: .max, count: .max)
        #expect(end.milliseconds == Timestamp.millisecondsMax)
        #expect(end.next == end)
        var clock = HybridClock(latest: end)
        #expect(clock.stamp(atMilliseconds: .max) == end)
        #expect(Timestamp(milliseconds: 1 << 50) < end)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `a context is the set of what was put in`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var context = CausalContext()
        var set: Set<UInt64> = []
        let width = 20 + random.below(100)
        for _ in 0..<120 {
            let counter = UInt64(1 + random.below(width))
            context.insert(counter)
            set.insert(counter)
            context.checkInvariants()
        }
        for counter in 0...UInt64(width + 2) {
            #expect(context.contains(counter) == set.contains(counter), "\(counter)")
        }
        #expect(context.last == set.max())
        #expect(context.ranges.reduce(0) { $0 + $1.count } == set.count)
        #expect(CausalContext(context.ranges) == context)
        for (left, right) in zip(context.ranges, context.ranges.dropFirst()) {
            #expect(left.upperBound + 1 < right.lowerBound, "C1")
        }
    }

    @Test func `consecutive counters are one range, and holes close`() {
        var context = CausalContext()
        #expect(context.last == 0 && !context.contains(0) && !context.contains(1))
        for counter in [1, 2, 3, 7, 8, 5] as [UInt64] { context.insert(counter) }
        #expect(context.ranges == [1...3, 5...5, 7...8])
        context.insert(4)
        context.insert(6)
        #expect(context.ranges == [1...8])
    }
}
