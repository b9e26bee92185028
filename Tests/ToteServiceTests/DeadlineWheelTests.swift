import Testing
import ToteService

@Suite struct DeadlineWheelTests {
    @Test func `a deadline is found over soon after it is, never before, once`() {
        let slot = DeadlineWheel.slotMilliseconds
        var wheel = DeadlineWheel()
        let start: UInt64 = 1_790_000_000_123
        var deadlines: [UInt64: UInt64] = [:]
        var found: [UInt64: UInt64] = [:]
        for step in 0..<4_000 as Range<UInt64> {
            let now = start + step * 37
            if step < 3_000 {
                // Those put in later may be over earlier.
                let deadline = now + (step &* 7_919) % 30_000
                wheel.insert(step, deadline: deadline)
                deadlines[step] = deadline
            }
            let isDue = wheel.isDue(at: now)
            let taken = wheel.take(at: now)
            #expect(isDue || taken.isEmpty)
            for number in taken {
                #expect(found.updateValue(now, forKey: number) == nil)
            }
        }
        _ = wheel.take(at: start + 4_000 * 37 + 60_000).map { found[$0] = .max }
        #expect(found.count == deadlines.count)
        for (number, deadline) in deadlines where found[number] != .max {
            let at = found[number] ?? 0
            #expect(at >= deadline && at <= deadline + slot + 37)
        }
    }

    @Test func `an empty wheel is never due, however long nothing happens`() {
        var wheel = DeadlineWheel()
        #expect(!wheel.isDue(at: .max))
        wheel.insert(1, deadline: 1_000)
        #expect(wheel.take(at: 1_790_000_000_000) == [1])
        #expect(!wheel.isDue(at: .max))
        // Far behind the last one that was over: no slot between is looked at.
        wheel.insert(2, deadline: 1_790_000_000_500)
        #expect(wheel.take(at: 1_790_000_000_499) == [])
        #expect(wheel.take(at: 1_790_000_001_000) == [2])
    }
}
