/// A hybrid logical time: 48 bits of milliseconds since 1970 and 16 bits that count within one.
///
/// Wire form: `[milliseconds, count]` (Protocol §3.4). It decides only between writes that did not
/// see each other; causality never needs it. Source: Kulkarni et al., "Logical physical clocks",
/// 2014.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package static let zero = Timestamp(rawValue: 0)
    /// The largest millisecond that 48 bits hold: the year 10889.
    package static let millisecondsMax: UInt64 = (1 << 48) - 1

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// A time from its parts; milliseconds beyond 48 bits are held at the largest.
    package init(milliseconds: UInt64, count: UInt16 = 0) {
        rawValue = min(milliseconds, Self.millisecondsMax) << 16 | UInt64(count)
    }

    package var milliseconds: UInt64 { rawValue >> 16 }
    package var count: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

    /// The next time after this one. Saturates at the greatest time there is.
    package var next: Timestamp { Timestamp(rawValue: rawValue == .max ? .max : rawValue + 1) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A hybrid logical clock: never behind what it has seen, never behind the clock it is shown.
///
/// Invariant (H1): `latest` never decreases.
package struct HybridClock: Hashable, Sendable {
    package private(set) var latest: Timestamp

    package init(latest: Timestamp = .zero) { self.latest = latest }

    /// Takes note of a time made elsewhere.
    package mutating func observe(_ time: Timestamp) { latest = max(latest, time) }

    /// The time now: the greater of the clock and the latest time seen; nothing is consumed.
    package func reading(atMilliseconds now: UInt64) -> Timestamp {
        max(latest, Timestamp(milliseconds: now))
    }

    /// A new time, greater than all before.
    package mutating func stamp(atMilliseconds now: UInt64) -> Timestamp {
        latest = max(latest.next, Timestamp(milliseconds: now))
        return latest
    }
}
