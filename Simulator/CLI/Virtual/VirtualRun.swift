import CTasks
import ToteConcurrency

/// A scenario in virtual time: devices, counters and the server in this process, taking turns.
enum VirtualRun {
    /// What the wall clock says at the start of every run: a Friday morning.
    private static let startMilliseconds: UInt64 = 1_800_000_000_000

    /// Runs a body, its threads and its tasks in virtual time.
    static func run<Result>(seed: UInt64, _ body: () throws -> Result) rethrows -> Result {
        tote_take_jobs(takeJob)
        defer { tote_take_jobs(nil) }
        return try VirtualTime.run(seed: seed, startMilliseconds: startMilliseconds) { _ in
            try body()
        }
    }

    /// Has a job of a Swift task run in its turn.
    private static let takeJob: tote_job_taker = { job in
        guard let job, let time = VirtualTime.current else {
            preconditionFailure("a task outside of virtual time")
        }
        let taken = unsafeBitCast(job, to: UnownedJob.self)
        time.post { taken.runSynchronously(on: VirtualRun.anyExecutor) }
    }

    /// What a job of the global executor is told that it runs on: no executor of anybody's.
    private static var anyExecutor: UnownedSerialExecutor {
        unsafeBitCast((0, 0), to: UnownedSerialExecutor.self)
    }
}
