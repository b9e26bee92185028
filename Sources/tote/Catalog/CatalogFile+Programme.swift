import ToteCommandLine
import ToteCore

extension CatalogFile {
    /// The programme as it is imported: `time_zone` and `tier_period` become `tier_periods`.
    mutating func programme(_ node: TextNode) -> Value {
        guard case .object(let members) = node.kind else { return Self.value(node) }
        var entries: [Value.Entry] = []
        var zone: TextNode?
        var period: TextNode?
        var hasPeriods = false
        for member in members {
            switch member.name {
            case "time_zone": zone = member.value
            case "tier_period": period = member.value
            default:
                hasPeriods = hasPeriods || member.name == "tier_periods"
                entries.append(Value.Entry(member.name, Self.value(member.value)))
            }
        }
        let firstDay = firstDay
        let now = now
        let hasTiers = members.contains { $0.name == "tiers" }
        let periods = faults.inside(.member("programme")) { faults -> Value? in
            switch (zone, period, hasPeriods) {
            case (nil, nil, true): return nil
            case (nil, nil, false) where !hasTiers: return nil
            case (let zone?, let period?, false):
                return Self.periods(zone, period, firstDay, now, &faults)
            case (_, _, true):
                faults.note(
                    (zone ?? period ?? node).place, "duplicate",
                    "a programme has `time_zone` and `tier_period`, or `tier_periods`, not both")
                return nil
            case (_, _, false):
                let missing = zone == nil ? "time_zone" : "tier_period"
                faults.note(
                    node.place, "missing_member",
                    "`\(missing)` of a programme with tiers is missing: it has `time_zone` and "
                        + "`tier_period`")
                return Self.noPeriods
            }
        }
        if let periods { entries.append(Value.Entry("tier_periods", periods)) }
        return Self.map(entries)
    }

    /// What stands for periods that could not be worked out: no fault of its own.
    private static let noPeriods = Value.array([.array([.int(0), .int(1)])])

    private static func periods(
        _ zone: TextNode, _ period: TextNode, _ firstDay: CivilDate?, _ now: Int,
        _ faults: inout CatalogFaultList
    ) -> Value {
        let length = faults.inside(.member("tier_period")) { tierPeriod(period, &$0) }
        let clock = faults.inside(.member("time_zone")) { localClock(zone, &$0) }
        guard let length, let clock else { return noPeriods }
        let today = clock.date(at: now)
        let first = min(firstDay ?? today, today)
        let starts = length.starts(clock, from: first, to: max(firstDay ?? today, today))
        let moments = starts.map { Value.int(Int64($0 * 1_000)) }
        return .array(zip(moments, moments.dropFirst()).map { .array([$0, $1]) })
    }

    private static func tierPeriod(
        _ node: TextNode, _ faults: inout CatalogFaultList
    ) -> TierPeriod? {
        let known = TierPeriod.allCases.map(\.rawValue)
        guard case .string(let text) = node.kind else {
            faults.wrongType(node, "one of \(known.joined(separator: ", "))")
            return nil
        }
        if let period = TierPeriod(rawValue: text) { return period }
        faults.note(
            node.place, "unknown_reference",
            "\"\(text)\" is none of \(known.joined(separator: ", "))", word: text, known: known)
        return nil
    }
}

/// What tiers are counted by: the years, quarters or months of the calendar in one time zone.
private enum TierPeriod: String, CaseIterable {
    case year, quarter, month

    /// How far ahead periods are worked out. A catalogue that is older has no tiers any more, but
    /// those of who earned nothing.
    private static let yearsAhead = 5

    private var months: Int {
        switch self {
        case .year: 12
        case .quarter: 3
        case .month: 1
        }
    }

    /// When each period begins, in seconds: from the second one before that of `first` to
    /// `yearsAhead` after that of `last`, and the end of the last one.
    func starts(_ clock: LocalClock, from first: CivilDate, to last: CivilDate) -> [Int] {
        func index(_ date: CivilDate) -> Int {
            let (year, month, _) = date.parts
            return (year * 12 + month - 1) / months
        }
        let ahead = Self.yearsAhead * 12 / months
        return (index(first) - 2...index(last) + ahead + 1).compactMap { index in
            let month = index * months
            let date = CivilDate(year: month / 12, month: month % 12 + 1, day: 1)
            let start = clock.moment(date, minute: 0, .first)
            return start < 0 ? nil : start
        }
    }
}
