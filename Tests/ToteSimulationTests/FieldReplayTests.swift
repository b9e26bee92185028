import Testing
import ToteClient
import ToteCore

@testable import ToteSimulation

/// Devices that live through a day of faults note what they do; their traces do it again.
struct FieldReplayTests {
    @Test(arguments: 1...16)
    func `every device of a day is replayed from its trace`(seed: UInt64) throws {
        var limits = DayOptions.Limits()
        limits.seconds = 600
        let day = try Day(seed: seed, limits: limits)
        for phone in day.phones { try phone.replica.startTrace() }
        try day.run()
        var steps = 0
        // One that was installed anew has no trace.
        for phone in day.phones where phone.replica.isTracing {
            let trace = try phone.replica.exportTrace { seed }
            let outcome = try TraceReplay(trace).run()
            guard case .same(let count, _) = outcome else {
                Issue.record("device \(phone.number): \(outcome)")
                continue
            }
            steps += count
        }
        #expect(steps > 0 || day.struck[.reinstalled] != nil)
    }
}
