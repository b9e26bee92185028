#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Time that only runs forward, for deadlines; the one file of this target that reads a clock.
package enum MonotonicClock {
    /// Nanoseconds since an unspecified start, by `CLOCK_MONOTONIC`.
    /// In virtual time, that.
    package static func nowNanos() -> UInt64 {
        if let time = VirtualTime.current { return time.nowNanos }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

extension Duration {
    /// Whole nanoseconds; negative durations count as zero, absurdly long ones as 292 years.
    package var clampedNanos: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 9_000_000_000 else { return UInt64(Int64.max) }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
