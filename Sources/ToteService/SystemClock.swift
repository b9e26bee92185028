import Glibc
internal import ToteConcurrency

/// The one place of this target that reads the wall clock and takes randomness: the system's, or
/// those of virtual time.
package enum SystemClock {
    private static let ahead = Lock<UInt64>(0)

    /// Has the clock run so many milliseconds ahead: for drills of what takes hours.
    package static func runAhead(milliseconds: UInt64) { ahead.withLock { $0 = milliseconds } }

    /// Milliseconds since 1970, UTC.
    package static func nowMilliseconds() -> UInt64 {
        if let time = VirtualTime.current {
            return time.wallMilliseconds + ahead.withLock { $0 }
        }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
            + ahead.withLock { $0 }
    }

    /// 64 bits from the system's generator, fit for secrets; in virtual time, from the seed's.
    package static func randomBits() -> UInt64 {
        if let time = VirtualTime.current { return time.random() }
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    /// The moment as RFC 3339, UTC, with milliseconds.
    package static func text(_ milliseconds: UInt64) -> String {
        var seconds = time_t(milliseconds / 1_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func pad(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let date =
            "\(pad(Int(parts.tm_year) + 1_900, 4))-\(pad(Int(parts.tm_mon) + 1, 2))-"
            + pad(Int(parts.tm_mday), 2)
        let time =
            "\(pad(Int(parts.tm_hour), 2)):\(pad(Int(parts.tm_min), 2)):"
            + "\(pad(Int(parts.tm_sec), 2)).\(pad(Int(milliseconds % 1_000), 3))"
        return "\(date)T\(time)Z"
    }
}
