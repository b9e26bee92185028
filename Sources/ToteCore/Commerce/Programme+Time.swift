// Tiers, and when points can be spent and for how long: Protocol/points.md sections 18.3 and 18.5.

extension Programme {
    private static let dayMilliseconds: UInt64 = 86_400_000
    private static let hourMilliseconds: UInt64 = 3_600_000

    /// The period that a moment lies in; `nil` for one before or after all that are known.
    public func period(at time: UInt64) -> (start: UInt64, end: UInt64)? {
        place(of: time).map { (tierPeriods[$0].start, tierPeriods[$0].end) }
    }

    private func place(of time: UInt64) -> Int? {
        guard let place = tierPeriods.lastIndex(where: { $0.start <= time }),
            time < tierPeriods[place].end
        else { return nil }
        return place
    }

    /// A customer's tier at a moment: the last whose `from` is no more than was earned in the
    /// period of that moment or in the one before it, whichever is more (M-PRG-3). `nil` for none.
    ///
    /// A moment outside all periods counts as if nothing had been earned.
    ///
    /// - Parameter earned: points by the start of their period.
    public func tier(earned: [UInt64: Int64], at time: UInt64) -> Tier? {
        var most: Int64 = 0
        if let place = place(of: time) {
            for period in tierPeriods[max(0, place - 1)...place] {
                most = max(most, earned[period.start] ?? 0)
            }
        }
        return tiers.last { $0.from <= most }
    }

    /// The first moment at which points that were earned at `time` have expired; `nil` when they
    /// never do.
    ///
    /// It is the end, in UTC, of the same day of the month `expiryMonths` later, or of that month's
    /// last day (M-PRG-5). A whole day, so that a customer can be told a date, and so that what
    /// was earned on one day is one lot to whoever counts.
    public func expiry(ofPointsEarnedAt time: UInt64) -> UInt64? {
        guard let expiryMonths else { return nil }
        let day = CivilDate(days: Int(time / Self.dayMilliseconds))
        let last = day.adding(months: expiryMonths)
        let end = UInt64(last.days + 1).multipliedReportingOverflow(by: Self.dayMilliseconds)
        return end.overflow ? .max : end.partialValue
    }

    /// The first moment at which points that were earned at `time` can be spent.
    public func pendingUntil(_ time: UInt64) -> UInt64 {
        let end = time.addingReportingOverflow(UInt64(pendingHours) * Self.hourMilliseconds)
        return end.overflow ? .max : end.partialValue
    }
}
