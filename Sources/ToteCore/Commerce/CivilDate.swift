/// A day of the calendar, counted from 1970-01-01; no time zone.
package struct CivilDate: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01.
    package let days: Int

    package static func < (left: CivilDate, right: CivilDate) -> Bool { left.days < right.days }

    /// 0 for Monday.
    package var weekday: Int { ((days + 3) % 7 + 7) % 7 }

    /// The day so many days after 1970-01-01.
    package init(days: Int) { self.days = days }

    /// Reads `YYYY-MM-DD`; `nil` for what is no day of the years 1970 to 9999.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2] else { return nil }
        let numbers = parts.compactMap { part in
            part.allSatisfy { (0x30...0x39).contains($0) } ? Int(String(Substring(part))) : nil
        }
        guard numbers.count == 3, numbers[0] >= 1970, (1...12).contains(numbers[1]),
            numbers[2] >= 1
        else { return nil }
        self.init(year: numbers[0], month: numbers[1], day: numbers[2])
        // 2027-02-30 is counted on into March.
        guard description == text else { return nil }
    }

    /// The day of a Gregorian year (from 0 on), month (1 to 12) and day; days beyond the month are
    /// counted on into the next.
    ///
    /// Source: Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in March.
    package init(year: Int, month: Int, day: Int) {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        days = era * 146_097 + dayOfEra - 719_468
    }

    /// Year, month and day of the Gregorian calendar.
    package var parts: (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * part + 2) / 5 + 1)
    }

    /// The same day so many months later, or the last day of a month that is too short for it.
    package func adding(months: Int) -> CivilDate {
        let (year, month, day) = parts
        let count = year * 12 + (month - 1) + months
        let first = CivilDate(year: count / 12, month: count % 12 + 1, day: 1)
        let next = CivilDate(year: (count + 1) / 12, month: (count + 1) % 12 + 1, day: 1)
        return CivilDate(days: min(first.days + day - 1, next.days - 1))
    }

    package var description: String {
        let (year, month, day) = parts
        func pad(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        return "\(year)-\(pad(month))-\(pad(day))"
    }
}
