import Testing
import ToteServer

/// Token buckets against the rule that they stand for.
struct RateLimiterTests {
    private func key(_ number: UInt64) -> RateLimiter.Key { .init(high: 1, low: number) }
    private let second: UInt64 = 1_000_000

    @Test func `a key may ask a burst at once, then at its rate, and is told how long to wait`() {
        var limiter = RateLimiter(perSecond: 10, burstSeconds: 2, keysMax: 100)
        let now = 100 * second
        #expect((0..<20).allSatisfy { _ in limiter.take(key(1), at: now) == nil })
        let wait = limiter.take(key(1), at: now)
        #expect(wait == 100_000)
        // What was refused has taken nothing.
        #expect(limiter.take(key(1), at: now) == 100_000)
        #expect(limiter.take(key(1), at: now + 99_999) == 1)
        #expect(limiter.take(key(1), at: now + 100_000) == nil)
        // Another key is not held back.
        #expect(limiter.take(key(2), at: now) == nil)
        // One that rests has its burst again, and no more.
        let later = now + 60 * second
        let served = (0..<50).count { _ in limiter.take(key(1), at: later) == nil }
        #expect(served == 20)
    }

    @Test func `what is given back may be asked again, and never more than the burst`() {
        var limiter = RateLimiter(perSecond: 1, burstSeconds: 3, keysMax: 100)
        let now = 50 * second
        for _ in 0..<1_000 {
            #expect(limiter.take(key(1), at: now) == nil)
            limiter.giveBack(key(1), at: now)
        }
        limiter.giveBack(key(1), at: now)
        #expect((0..<10).count { _ in limiter.take(key(1), at: now) == nil } == 3)
    }

    /// However requests are spread, within any time no more pass than the burst and the rate give.
    @Test(arguments: 0..<50 as Range<UInt64>)
    func `no stretch of time has more than burst and rate`(seed: UInt64) {
        let random = TestRandom(seed: seed)
        let rate = 1 + random.below(20)
        let burst = 1 + random.below(3)
        var limiter = RateLimiter(perSecond: rate, burstSeconds: burst, keysMax: 4)
        var now: UInt64 = 7 * second
        var passed: [UInt64] = []
        for _ in 0..<400 {
            now += UInt64(random.below(200_000))
            if limiter.take(key(9), at: now) == nil { passed.append(now) }
        }
        for (index, start) in passed.enumerated() {
            for (count, end) in passed[index...].enumerated() {
                // The period of a rate is whole microseconds: a bucket gains a little sooner.
                let gained = (end - start) / (second / UInt64(rate))
                #expect(UInt64(count + 1) <= UInt64(rate * burst) + gained + 1, "seed \(seed)")
            }
        }
    }

    @Test func `a million keys take no more room than the bound, and forget nobody who asks on`() {
        var limiter = RateLimiter(perSecond: 1, burstSeconds: 2, keysMax: 1_000)
        let now = 5 * second
        #expect(limiter.take(key(0), at: now) == nil)
        #expect(limiter.take(key(0), at: now) == nil)
        var most = 0
        for number in 1...1_000_000 as ClosedRange<UInt64> {
            _ = limiter.take(key(number), at: now)
            most = max(most, limiter.count)
            // One that keeps asking stays out.
            if number % 500 == 0 {
                limiter.giveBack(key(0), at: now)
                #expect(limiter.take(key(0), at: now) == nil)
                #expect(limiter.take(key(0), at: now) != nil)
            }
        }
        #expect(most <= 2_000)
    }
}
