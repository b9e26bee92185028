import ToteCommandLine
import ToteCore

/// Opening hours as people write them: by weekday, in the store's own time.
struct StoreHours {
    /// From one minute of the day to another; beyond 1,440 it is the next day's.
    typealias Span = (from: Int, to: Int)

    static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    static let members = weekdays + ["closed", "special"]
    static let spansPerDayMax = 8
    static let datesMax = 1_000

    private var weekly = Array(repeating: [Span](), count: 7)
    private var closed: Set<CivilDate> = []
    private var special: [CivilDate: [Span]] = [:]

    /// Reads `hours`; notes what is wrong with them.
    init(_ node: TextNode, _ faults: inout CatalogFaultList) {
        guard case .object(let members) = node.kind else {
            faults.wrongType(node, "an object like {\"mon\": [[\"07:00\", \"19:00\"]]}")
            return
        }
        for member in members {
            faults.inside(.member(member.name)) { faults in
                if let day = Self.weekdays.firstIndex(of: member.name) {
                    weekly[day] = Self.spans(member.value, &faults)
                } else if member.name == "closed" {
                    closed = Self.dates(member.value, &faults)
                } else if member.name == "special" {
                    special = Self.specials(member.value, &faults)
                } else {
                    faults.note(
                        member.place, "unknown_member",
                        "`\(member.name)` is no member of opening hours", word: member.name,
                        known: Self.members)
                }
            }
        }
    }

    private static func dates(
        _ node: TextNode, _ faults: inout CatalogFaultList
    ) -> Set<CivilDate> {
        guard case .array(let nodes) = node.kind, nodes.count <= datesMax else {
            faults.wrongType(node, "a list of at most \(datesMax) dates")
            return []
        }
        var dates: Set<CivilDate> = []
        for (index, node) in nodes.enumerated() {
            faults.inside(.index(index)) { faults in
                guard case .string(let text) = node.kind else {
                    return faults.wrongType(node, "a date like \"2026-12-25\"")
                }
                if let date = date(text, node.place, &faults) { dates.insert(date) }
            }
        }
        return dates
    }

    private static func date(
        _ text: String, _ place: TextPlace, _ faults: inout CatalogFaultList
    ) -> CivilDate? {
        if let date = CivilDate(text) { return date }
        faults.note(place, "bad_date", "\"\(text)\" is no date like 2026-12-25")
        return nil
    }

    private static func specials(
        _ node: TextNode, _ faults: inout CatalogFaultList
    ) -> [CivilDate: [Span]] {
        guard case .object(let members) = node.kind, members.count <= datesMax else {
            faults.wrongType(node, "an object from at most \(datesMax) dates to hours")
            return [:]
        }
        var special: [CivilDate: [Span]] = [:]
        for member in members {
            faults.inside(.member(member.name)) { faults in
                let spans = spans(member.value, &faults)
                if let date = date(member.name, member.place, &faults) { special[date] = spans }
            }
        }
        return special
    }

    private static func spans(_ node: TextNode, _ faults: inout CatalogFaultList) -> [Span] {
        guard case .array(let nodes) = node.kind, nodes.count <= spansPerDayMax else {
            faults.wrongType(
                node, "a list of at most \(spansPerDayMax) like [\"07:00\", \"19:00\"]")
            return []
        }
        var spans: [Span] = []
        for (index, node) in nodes.enumerated() {
            faults.inside(.index(index)) { faults in
                guard let span = span(node, &faults) else { return }
                if let last = spans.last, span.from < last.to {
                    return faults.note(
                        node.place, "intervals_overlap",
                        "these hours begin before those in front of them end")
                }
                spans.append(span)
            }
        }
        return spans
    }

    private static func span(_ node: TextNode, _ faults: inout CatalogFaultList) -> Span? {
        guard case .array(let ends) = node.kind, ends.count == 2 else {
            faults.wrongType(node, "two times like [\"07:00\", \"19:00\"]")
            return nil
        }
        var minutes: [Int] = []
        for end in ends {
            guard case .string(let text) = end.kind, let minute = minute(text) else {
                faults.note(end.place, "bad_time", "a time here is \"00:00\" to \"24:00\"")
                return nil
            }
            minutes.append(minute)
        }
        guard minutes[0] != minutes[1], minutes[0] < 1_440 else {
            faults.note(
                node.place, "bad_time",
                "these hours have no length; all day is [\"00:00\", \"24:00\"]")
            return nil
        }
        // Over midnight: the end is on the next day.
        return (minutes[0], minutes[1] < minutes[0] ? minutes[1] + 1_440 : minutes[1])
    }

    private static func minute(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
        let digits = [0, 1, 3, 4].map { Int(bytes[$0]) - 0x30 }
        guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        let isTime = minute < 60 && (hour < 24 || hour == 24 && minute == 0)
        return isTime ? hour * 60 + minute : nil
    }

    /// The intervals of a number of days in UTC, milliseconds, as a catalogue has them.
    ///
    /// The night before the first day counts as far as it reaches into it. Hours that touch are one
    /// interval.
    func intervals(_ clock: LocalClock, from first: CivilDate, days: Int) -> [ClosedRange<Int>] {
        var intervals: [ClosedRange<Int>] = []
        let start = clock.moment(first, minute: 0, .first)
        for day in (first.days - 1)..<(first.days + days) {
            let date = CivilDate(days: day)
            let spans = special[date] ?? (closed.contains(date) ? [] : weekly[date.weekday])
            for span in spans {
                let from = clock.moment(date, minute: span.from, .first)
                let next = CivilDate(days: day + span.to / 1_440)
                let to = clock.moment(next, minute: span.to % 1_440, .last)
                if from < to, to > start { intervals.append(from * 1_000...to * 1_000) }
            }
        }
        var merged: [ClosedRange<Int>] = []
        for interval in intervals.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, interval.lowerBound <= last.upperBound {
                merged[merged.count - 1] =
                    last.lowerBound...max(last.upperBound, interval.upperBound)
            } else {
                merged.append(interval)
            }
        }
        return merged
    }
}
