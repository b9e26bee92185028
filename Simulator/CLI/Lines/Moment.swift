/// Moments as people and files write them: milliseconds since 1970, UTC.
enum Moment {
    /// Days since 1970 of a date of the Gregorian calendar (Howard Hinnant, "days_from_civil").
    static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func date(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * part + 2) / 5 + 1
        )
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// As RFC 3339 in UTC, to the second.
    static func text(_ milliseconds: UInt64) -> String {
        let seconds = Int(milliseconds / 1_000)
        let (year, month, day) = date(seconds / 86_400)
        let rest = seconds % 86_400
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(rest / 3_600, 2)):"
            + "\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))Z"
    }

    /// Reads RFC 3339, and `YYYY-MM-DD HH:MM[:SS]` as UTC; `nil` for anything else.
    static func parse(_ text: String) -> UInt64? {
        var rest = Array(text.utf8)[...]
        func number(_ digits: Int, _ range: ClosedRange<Int>) -> Int? {
            guard rest.count >= digits else { return nil }
            var value = 0
            for byte in rest.prefix(digits) {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte) - 0x30
            }
            rest = rest.dropFirst(digits)
            return range.contains(value) ? value : nil
        }
        func take(_ characters: String) -> UInt8? {
            guard let byte = rest.first, characters.utf8.contains(byte) else { return nil }
            rest = rest.dropFirst()
            return byte
        }
        guard let year = number(4, 1970...9999), take("-") != nil, let month = number(2, 1...12),
            take("-") != nil, let day = number(2, 1...31), take("Tt ") != nil,
            let hour = number(2, 0...23), take(":") != nil, let minute = number(2, 0...59),
            date(days(year: year, month: month, day: day)) == (year, month, day)
        else { return nil }
        var seconds = 0
        var milliseconds = 0
        if take(":") != nil {
            guard let value = number(2, 0...60) else { return nil }
            seconds = value
            if take(".") != nil {
                var scale = 100
                var digits = 0
                while let digit = number(1, 0...9) {
                    milliseconds += digit * scale
                    scale /= 10
                    digits += 1
                }
                guard digits > 0 else { return nil }
            }
        }
        var offset = 0
        if let sign = take("+-") {
            guard let hours = number(2, 0...23), take(":") != nil, let minutes = number(2, 0...59)
            else { return nil }
            offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "+") ? 1 : -1)
        } else {
            _ = take("Zz")
        }
        guard rest.isEmpty else { return nil }
        let whole = days(year: year, month: month, day: day) * 86_400 + hour * 3_600
        let total = (whole + (minute - offset) * 60 + seconds) * 1_000 + milliseconds
        return total < 0 ? nil : UInt64(total)
    }
}
