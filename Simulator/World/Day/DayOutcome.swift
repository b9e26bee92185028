internal import ToteCore
package import ToteSQLite

/// What a day came to.
package struct DayOutcome: Sendable {
    package let seed: UInt64
    package let limits: DayOptions.Limits
    package let options: DayOptions
    package let verdict: Verdict
    package let history: [Stamped]
    /// How often each fault struck.
    package let struck: [Fault: Int]
    package let acts: Int
    package let exchanges: Int
    package let devices: Int
    /// See `Day.events`.
    package let events: [String]

    /// Runs a day and judges it.
    ///
    /// - Parameter pool: what is left of days before it on this thread.
    package init(
        seed: UInt64, limits: DayOptions.Limits = DayOptions.Limits(),
        pool: DatabasePool = DatabasePool()
    ) {
        self.seed = seed
        self.limits = limits
        options = DayOptions(seed: seed, limits: limits)
        var day: Day?
        var failure: DayFailure?
        do {
            let made = try Day(seed: seed, limits: limits, pool: pool)
            day = made
            try made.run()
        } catch {
            failure = DayFailure(error)
        }
        history = day?.history ?? []
        struck = day?.struck ?? [:]
        acts = day?.acts ?? 0
        exchanges = day?.exchanges ?? 0
        devices = day?.deviceCount ?? 0
        events = day?.events ?? []
        verdict = failure.map { .invalid($0) } ?? Checker.verdict(on: history)
    }

    /// What is broken; `nil` for a day that is valid or void.
    package var failure: DayFailure? {
        if case .invalid(let failure) = verdict { failure } else { nil }
    }

    /// The lines of `history.ndjson`, as bytes.
    package var lines: [UInt8] {
        var bytes: [UInt8] = []
        for stamped in history {
            bytes.append(contentsOf: stamped.line.utf8)
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    /// The SHA-256 of `lines`, in hex: two runs are the same when these are.
    package var hash: String { Hex.string(SHA256.digest(lines)) }
}
