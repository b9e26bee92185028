internal import Foundation

/// The one place of this target that reads the wall clock.
enum SystemClock {
    /// Seconds since 1970, UTC.
    static func nowSeconds() -> UInt64 { UInt64(max(0, Date().timeIntervalSince1970)) }
}
