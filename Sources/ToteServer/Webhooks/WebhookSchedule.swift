/// When a delivery that failed is tried again: the schedule that Standard Webhooks recommends.
package struct WebhookSchedule: Sendable {
    /// Milliseconds from the end of attempt n to attempt n + 1.
    package var waits: [UInt64]
    /// How long an endpoint may fail without a success between before it is disabled.
    package var failingMillisecondsMax: UInt64

    /// Ten attempts: at once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h after the
    /// one before.
    package static let standard = WebhookSchedule(
        waits: [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map { $0 * 1_000 },
        failingMillisecondsMax: 5 * 86_400_000)

    package init(waits: [UInt64], failingMillisecondsMax: UInt64) {
        self.waits = waits
        self.failingMillisecondsMax = failingMillisecondsMax
    }

    /// Milliseconds to wait after so many failed attempts; `nil` when it is given up.
    ///
    /// Up to a tenth longer than the schedule says, so that what failed together does not come back
    /// together.
    package func wait(afterAttempts count: Int, randomBits: UInt64) -> UInt64? {
        precondition(count >= 1, "attempts count from 1, got \(count)")
        guard count <= waits.count else { return nil }
        let wait = waits[count - 1]
        return wait + randomBits % (wait / 10 + 1)
    }
}
