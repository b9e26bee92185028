import Glibc
import ToteConcurrency

/// The clocks of the HTTP layer; the one file of this target that reads any.
enum SystemClock {
    /// Milliseconds that only run forward, for deadlines.
    static func monotonicMillis() -> Int {
        Int(MonotonicClock.nowNanos() / 1_000_000)
    }

    /// Seconds since 1970 UTC, for the `Date` field.
    static func unixSeconds() -> Int {
        time(nil)
    }
}

/// `Date: Sun, 06 Nov 1994 08:49:37 GMT` with its CR LF (RFC 9110 §5.6.7), made once per second.
package struct DateField {
    private var second = -1
    private(set) var bytes: [UInt8] = []

    mutating func update(unixSeconds: Int) {
        guard unixSeconds != second else { return }
        second = unixSeconds
        bytes = Array("Date: \(Self.text(unixSeconds: unixSeconds))\r\n".utf8)
    }

    /// The date by the Gregorian calendar, for any second from 1970 on.
    package static func text(unixSeconds: Int) -> String {
        let (days, second) = unixSeconds.quotientAndRemainder(dividingBy: 86_400)
        // Source: Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][days % 7]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let time = [second / 3600, second / 60 % 60, second % 60].map(twoDigits)
        return "\(weekday), \(twoDigits(day)) \(months[month - 1]) \(year) "
            + "\(time.joined(separator: ":")) GMT"
    }

    private static func twoDigits(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
