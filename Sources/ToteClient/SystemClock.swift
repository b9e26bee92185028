#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif
internal import ToteCore

/// The device's clocks, its randomness and its timers; the one file of this target that takes any.
///
/// A struct of closures, so that tests and the simulator put their own in place.
package struct DeviceClock: Sendable {
    package var reading: @Sendable () -> ClockReading
    package var draw: @Sendable () -> UInt64
    /// Returns after the duration; throws when the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void

    package init(
        reading: @escaping @Sendable () -> ClockReading,
        draw: @escaping @Sendable () -> UInt64,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.reading = reading
        self.draw = draw
        self.sleep = sleep
    }

    /// The clocks of this device.
    package static let system = DeviceClock(
        reading: {
            ClockReading(
                wallMilliseconds: UInt64(max(0, Date().timeIntervalSince1970 * 1_000)),
                uptimeMilliseconds: uptimeMilliseconds(), bootID: bootID)
        },
        draw: { UInt64.random(in: .min ... .max) },
        sleep: { try await Task.sleep(for: $0) })

    /// This clock with its wall off by so many milliseconds, as a customer sets it; uptime stays
    /// true.
    package func skewed(byMilliseconds skew: @escaping @Sendable () -> Int64) -> DeviceClock {
        var clock = self
        clock.reading = { [reading] in
            var now = reading()
            now.wallMilliseconds = UInt64(
                clamping: Int64(clamping: now.wallMilliseconds).addingReportingOverflow(skew())
                    .partialValue)
            return now
        }
        return clock
    }

    #if canImport(Darwin)
        private static func uptimeMilliseconds() -> UInt64 {
            // CLOCK_MONOTONIC_RAW counts while a Mac or an iPhone sleeps, as mach_continuous_time
            // does.
            clock_gettime_nsec_np(CLOCK_MONOTONIC_RAW) / 1_000_000
        }

        private static let bootID: UInt64 = {
            var bytes = [UInt8](repeating: 0, count: 64)
            var count = bytes.count
            guard sysctlbyname("kern.bootsessionuuid", &bytes, &count, nil, 0) == 0 else {
                return 0
            }
            return hashed(Array(bytes.prefix(count)))
        }()
    #else
        private static func uptimeMilliseconds() -> UInt64 {
            // On Linux and Android this clock is CLOCK_BOOTTIME: sleep counts.
            let (seconds, attoseconds) = ContinuousClock().systemEpoch.duration(to: .now)
                .components
            return UInt64(max(0, seconds)) * 1_000
                + UInt64(max(0, attoseconds / 1_000_000_000_000_000))
        }

        private static let bootID: UInt64 = {
            let path = "/proc/sys/kernel/random/boot_id"
            guard let bytes = FileManager.default.contents(atPath: path) else { return 0 }
            return hashed(Array(bytes))
        }()
    #endif

    private static func hashed(_ bytes: [UInt8]) -> UInt64 {
        SHA256.digest(bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
