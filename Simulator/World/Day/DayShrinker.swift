/// Looks for a smaller day that breaks the same promise: fewer people, faults and seconds first,
/// then fewer single events: halves of them, quarters, and so on to one (Zeller and Hildebrandt,
/// "Simplifying and isolating failure-inducing input", 2002).
package enum DayShrinker {
    /// The smallest day that was found.
    ///
    /// - Parameters:
    ///   - outcome: of a day that fails.
    ///   - progress: is told how many days were tried.
    package static func least(
        _ outcome: DayOutcome, progress: (Int) -> Void = { _ in }
    ) -> DayOutcome {
        guard let code = outcome.failure?.code else { return outcome }
        var least = outcome
        var tried = 0
        /// Takes a smaller day that fails the same way.
        func takes(_ limits: DayOptions.Limits) -> Bool {
            tried += 1
            progress(tried)
            let next = DayOutcome(seed: least.seed, limits: limits)
            guard next.failure?.code == code else { return false }
            least = next
            return true
        }
        while smaller(least).contains(where: takes) {}
        var size = (least.events.count + 1) / 2
        while size > 0, tried < triesMax {
            var isSmaller = false
            var start = 0
            while start < least.events.count, tried < triesMax {
                var limits = least.limits
                let end = min(start + size, least.events.count)
                limits.skipped.formUnion(least.events[start..<end])
                if takes(limits) { isSmaller = true } else { start = end }
            }
            if size > 1 || !isSmaller { size /= 2 }
        }
        // A fault none of whose strikes is needed is not, either.
        while smaller(least).contains(where: takes) {}
        return least
    }

    /// Days that are tried at most for single events.
    private static let triesMax = 3_000

    /// Days with one thing less, those first that save most.
    private static func smaller(_ day: DayOutcome) -> [DayOptions.Limits] {
        let options = day.options
        func with(_ change: (inout DayOptions.Limits) -> Void) -> DayOptions.Limits {
            var limits = day.limits
            change(&limits)
            return limits
        }
        var found: [DayOptions.Limits] = []
        // Nothing after the failure is needed, and less may do before it.
        let end = (day.history.last?.at ?? 0) / 1_000 + 1
        if end < options.seconds { found.append(with { $0.seconds = end }) }
        if options.seconds > 10 { found.append(with { $0.seconds = options.seconds / 2 }) }
        if options.customers > 1 { found.append(with { $0.customers = options.customers - 1 }) }
        if options.devicesEach > 1 {
            found.append(with { $0.devicesEach = options.devicesEach - 1 })
        }
        for fault in options.rates.keys.sorted() {
            found.append(with { $0.without.insert(fault) })
        }
        if options.seconds > 10 {
            found.append(with { $0.seconds = options.seconds - options.seconds / 8 })
        }
        return found
    }
}
