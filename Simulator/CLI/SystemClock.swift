import CLinux
import Glibc
import ToteClient
import ToteConcurrency

/// The one place of the simulator's command line that takes time and randomness: the system's, or
/// those of virtual time.
enum SystemClock {
    /// Milliseconds that only run forward.
    static func monotonicMilliseconds() -> UInt64 { MonotonicClock.nowNanos() / 1_000_000 }

    /// The wall clock: milliseconds since 1970.
    static func nowMilliseconds() -> UInt64 {
        if let time = VirtualTime.current { return time.wallMilliseconds }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }

    /// Keeps the calling thread for a while.
    static func pause(_ duration: Duration) {
        if VirtualTime.current != nil {
            Monitor(()).wait(atMost: duration) { _ in Bool?.none }
            return
        }
        let nanos = duration.clampedNanos
        var left = timespec(
            tv_sec: Int(nanos / 1_000_000_000), tv_nsec: Int(nanos % 1_000_000_000))
        var asked = left
        while nanosleep(&asked, &left) != 0, errno == EINTR { asked = left }
    }

    /// The clocks, the timers and the randomness of a device.
    static var device: DeviceClock {
        guard let time = VirtualTime.current else { return .system }
        return DeviceClock(
            reading: {
                ClockReading(
                    wallMilliseconds: time.wallMilliseconds,
                    uptimeMilliseconds: time.nowNanos / 1_000_000, bootID: 1)
            }, draw: { time.random() }, sleep: { try await time.sleep(for: $0) })
    }

    /// 64 bits from the system's generator.
    static func random() -> UInt64 {
        if let time = VirtualTime.current { return time.random() }
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    /// The moment in UTC as `20261123-013048`, for names of directories.
    static func stamp() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func pad(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1_900)\(pad(parts.tm_mon + 1))\(pad(parts.tm_mday))-"
            + "\(pad(parts.tm_hour))\(pad(parts.tm_min))\(pad(parts.tm_sec))"
    }
}
