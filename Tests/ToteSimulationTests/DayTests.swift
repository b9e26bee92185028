import Testing
import ToteSQLite
import ToteSimulation

/// Whole days in virtual time. A deep run: `tote-sim explore --seeds`.
struct DayTests {
    /// How many days every test run goes through.
    private static let days: UInt64 = 3

    @Test func `days under faults are valid, and settle by themselves`() {
        for seed in 1...Self.days {
            let outcome = DayOutcome(seed: seed)
            guard let failure = outcome.failure else { continue }
            let proof = failure.proof.map(\.line).joined(separator: "\n")
            Issue.record("seed \(seed): \(failure)\n\(proof)")
        }
    }

    @Test(arguments: [3] as [UInt64])
    func `a seed makes the same history, byte for byte`(seed: UInt64) {
        let first = DayOutcome(seed: seed)
        let again = DayOutcome(seed: seed)
        #expect(first.lines == again.lines)
        #expect(first.hash == again.hash)
        #expect(first.hash != DayOutcome(seed: seed + 1).hash)
        // On what is left of another day, too.
        let pool = DatabasePool()
        _ = DayOutcome(seed: seed + 1, pool: pool)
        #expect(DayOutcome(seed: seed, pool: pool).hash == first.hash)
    }

    @Test func `a fault that is left out does not strike, and those that are not do`() {
        var struck: Set<Fault> = []
        var limits = DayOptions.Limits()
        limits.without = [.killed, .replyLost]
        for seed in 20...21 as ClosedRange<UInt64> {
            let outcome = DayOutcome(seed: seed, limits: limits)
            struck.formUnion(outcome.struck.keys)
            #expect(outcome.failure == nil, "seed \(seed)")
        }
        #expect(struck.isDisjoint(with: limits.without))
        #expect(struck.count > 15, "\(struck)")
    }

    /// Seeds that once failed, with what they found.
    @Test(
        arguments: [
            // Two tokens ran out, hours apart, without a network: the customer was signed out.
            10,
            // A request was lost with the old network, and its retry waited a minute.
            61,
            // The same when the first request on the new network was refused.
            610,
        ] as [UInt64])
    func `a day that once failed holds`(seed: UInt64) {
        let failure = DayOutcome(seed: seed).failure
        #expect(failure == nil, "\(String(describing: failure))")
    }
}
