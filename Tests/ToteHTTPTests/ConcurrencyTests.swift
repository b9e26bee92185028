import Foundation
import Testing
import ToteConcurrency

@Suite(.timeLimit(.minutes(5)))
struct ConcurrencyTests {
    @Test func `a lock lets one thread at a time in`() {
        let count = Lock(0)
        let threads = (0..<4).map { index in
            startThread(named: "counter-with-a-long-name-\(index)") {
                for _ in 0..<10_000 { count.withLock { $0 += 1 } }
            }
        }
        for thread in threads { thread.join() }
        threads[0].join()
        #expect(count.withLock { $0 } == 40_000)
    }

    /// A thread that is neither joined nor let go of keeps its stack: megabytes of addresses.
    @Test func `threads that nobody joins leave nothing behind`() throws {
        func addresses() throws -> Int {
            let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            return 4_096 * (text.split(separator: " ").first.flatMap { Int($0) } ?? 0)
        }
        let before = try addresses()
        for _ in 0..<2_000 {
            let done = Mailbox<Int>()
            _ = startThread(named: "passing") { done.post(1) }
            #expect(done.drain(waitingAtMost: nil) == [1])
        }
        #expect(try addresses() - before < 4 << 30)
    }

    @Test func `a mailbox gives everything in order and wakes who waits`() {
        let numbers = Mailbox<Int>()
        let thread = startThread(named: "poster") {
            for number in 0..<10_000 { numbers.post(number) }
            numbers.close()
        }
        var received: [Int] = []
        while !numbers.isClosed || received.count < 10_000 {
            received += numbers.drain(waitingAtMost: nil)
        }
        thread.join()
        #expect(received == Array(0..<10_000))
    }

    @Test func `a closed mailbox takes nothing and keeps what it had`() {
        let box = Mailbox<Int>()
        #expect(box.post(1))
        box.close()
        #expect(!box.post(2))
        #expect(box.drain(waitingAtMost: nil) == [1])
        #expect(box.drain(waitingAtMost: nil) == [])
    }

    @Test func `waiting ends when the time has passed`() {
        let box = Mailbox<Int>()
        #expect(box.drain(waitingAtMost: .zero) == [])
        #expect(box.drain(waitingAtMost: .milliseconds(5)) == [])
        #expect(box.drain(waitingAtMost: .seconds(-1)) == [])
    }

    @Test func `a monitor answers as soon as the value is right`() {
        let level = Monitor(0)
        let thread = startThread(named: "raiser") {
            for _ in 0..<5 { level.change { $0 += 1 } }
        }
        #expect(level.wait(atMost: nil) { $0 == 5 ? $0 : nil } == 5)
        #expect(level.wait(atMost: .zero) { $0 > 5 ? $0 : nil } == nil)
        thread.join()
    }

    @Test func `durations become nanoseconds within bounds`() {
        #expect(Duration.milliseconds(1).clampedNanos == 1_000_000)
        #expect(Duration.seconds(-1).clampedNanos == 0)
        #expect(Duration.seconds(Int64.max).clampedNanos == UInt64(Int64.max))
        #expect(MonotonicClock.nowNanos() <= MonotonicClock.nowNanos())
    }

    @Test func `a thread that joins itself is a bug`() async {
        await #expect(processExitsWith: .failure) {
            let own = Lock<JoinableThread?>(nil)
            let isSet = Monitor(false)
            let thread = startThread(named: "self") {
                isSet.wait(atMost: nil) { $0 ? true : nil }
                own.withLock { $0 }?.join()
            }
            own.withLock { $0 = thread }
            isSet.change { $0 = true }
            thread.join()
        }
    }
}
