internal import Synchronization

/// Virtual time: the threads of a simulation take turns, and time passes when all of them wait.
///
/// While one runs, a thread that `startThread` starts gets its turn when the others before it wait
/// in a `Monitor` or have ended, in the order in which they became ready: the same program with the
/// same seed does the same again. What blocks in another way (a file, a child process) keeps its
/// turn and takes no time. When nobody is ready, time jumps to the next moment that somebody waits
/// for (as in FoundationDB's simulation: Zhou et al., SIGMOD 2021, section 4).
///
/// At most one runs in a process. Production code pays one read of a flag for it.
package final class VirtualTime: Sendable {
    /// A thread that takes turns.
    final class Participant: Sendable {
        // Safe: touched with the mutex of the virtual time held only.
        nonisolated(unsafe) fileprivate let condition = PlatformCondition()
        nonisolated(unsafe) fileprivate var hasEnded = false

        deinit { condition.destroy() }
    }

    private struct Waiting {
        let participant: Participant
        let key: ObjectIdentifier
        let deadline: UInt64
        let number: UInt64
    }

    private struct Timer {
        let deadline: UInt64
        let number: UInt64
        let action: @Sendable () -> Void
    }

    private static let isActive = Atomic(false)
    private static let running = Lock<VirtualTime?>(nil)

    private struct State {
        /// Who has the turn, and the thread that is; another thread is none of the simulation's.
        var turn = Participant()
        var owner = ThreadIdentity.current
        var ready: [Participant] = []
        var waiting: [Waiting] = []
        var timers: [Timer] = []
        var jobs: [@Sendable () -> Void] = []
        var isOver = false
        var threadCount = 1
        var lastNumber: UInt64 = 0
        var generator: UInt64
        var nanos = VirtualTime.startNanos
    }

    private static let startNanos: UInt64 = 3_600_000_000_000
    private let startMilliseconds: UInt64
    /// What the thread that runs the jobs waits for.
    private let jobsKey = ObjectIdentifier(VirtualTime.self)
    // Safe: touched with `mutex` held only.
    nonisolated(unsafe) private var state: State
    nonisolated(unsafe) private let mutex = PlatformMutex()

    private init(seed: UInt64, startMilliseconds: UInt64) {
        self.startMilliseconds = startMilliseconds
        state = State(generator: seed)
    }

    deinit { mutex.destroy() }

    /// The one that runs, if any.
    static var active: VirtualTime? {
        isActive.load(ordering: .acquiring) ? running.withLock { $0 } : nil
    }

    /// The one whose turns this thread takes, if any.
    package static var current: VirtualTime? {
        guard let active, active.isTurnOfThisThread else { return nil }
        return active
    }

    private var isTurnOfThisThread: Bool {
        mutex.lock()
        defer { mutex.unlock() }
        return state.owner == .current
    }

    /// Runs a body, and every thread that it starts, in virtual time.
    ///
    /// - Parameters:
    ///   - seed: of all that `random` returns.
    ///   - startMilliseconds: what the wall clock says at the start, since 1970.
    package static func run<Result>(
        seed: UInt64, startMilliseconds: UInt64, _ body: (VirtualTime) throws -> Result
    ) rethrows -> Result {
        let time = VirtualTime(seed: seed, startMilliseconds: startMilliseconds)
        running.withLock { running in
            precondition(running == nil, "one virtual time at a time")
            running = time
        }
        isActive.store(true, ordering: .releasing)
        defer {
            isActive.store(false, ordering: .releasing)
            running.withLock { $0 = nil }
        }
        let worker = startThread(named: "jobs") { time.runJobs() }
        defer { time.finish(worker) }
        return try body(time)
    }

    /// Lets what is left end. What does not within a minute never gets its turn again.
    private func finish(_ worker: JoinableThread) {
        let limit = nowNanos + 60_000_000_000
        while threadCountNow > 2, nowNanos < limit {
            wait(on: ObjectIdentifier(self), untilNanos: limit)
        }
        mutex.lock()
        state.isOver = true
        wakeWaiting(on: jobsKey)
        mutex.unlock()
        worker.join()
    }

    private var threadCountNow: Int {
        mutex.lock()
        defer { mutex.unlock() }
        return state.threadCount
    }

    // MARK: Time and randomness

    /// Nanoseconds that only run forward.
    package var nowNanos: UInt64 {
        mutex.lock()
        defer { mutex.unlock() }
        return state.nanos
    }

    /// The wall clock: milliseconds since 1970.
    package var wallMilliseconds: UInt64 {
        startMilliseconds + (nowNanos - Self.startNanos) / 1_000_000
    }

    /// 64 bits (SplitMix64: Steele et al., OOPSLA 2014).
    package func random() -> UInt64 {
        mutex.lock()
        defer { mutex.unlock() }
        state.generator &+= 0x9E37_79B9_7F4A_7C15
        var word = state.generator
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    // MARK: Jobs

    /// Has a thread of its own run a job, after those that were posted before.
    package func post(_ job: @escaping @Sendable () -> Void) {
        mutex.lock()
        state.jobs.append(job)
        wakeWaiting(on: jobsKey)
        mutex.unlock()
    }

    /// Returns when a time has passed.
    ///
    /// - Throws: when the task is cancelled before.
    package func sleep(for duration: Duration) async throws {
        let sleep = Lock<(sleeper: CheckedContinuation<Void, any Error>?, isOver: Bool)>(
            (nil, false))
        @Sendable func end(_ result: Result<Void, any Error>) {
            let sleeper = sleep.withLock { sleep in
                defer { sleep = (nil, true) }
                return sleep.sleeper
            }
            sleeper?.resume(with: result)
        }
        let timer = Lock<UInt64?>(nil)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { sleeper in
                let isOver = sleep.withLock { sleep in
                    if !sleep.isOver { sleep.sleeper = sleeper }
                    return sleep.isOver
                }
                if isOver { return sleeper.resume(throwing: CancellationError()) }
                let number = post(after: duration) { end(.success(())) }
                timer.withLock { $0 = number }
            }
        } onCancel: {
            end(.failure(CancellationError()))
            // Days of virtual time would be spent on timers that nobody waits for.
            if let number = timer.withLock({ $0 }) { forget(timer: number) }
        }
    }

    private func forget(timer number: UInt64) {
        mutex.lock()
        state.timers.removeAll { $0.number == number }
        mutex.unlock()
    }

    /// - Returns: the timer's number.
    private func post(
        after duration: Duration, _ job: @escaping @Sendable () -> Void
    ) -> UInt64 {
        mutex.lock()
        defer { mutex.unlock() }
        state.lastNumber += 1
        let (deadline, overflow) = state.nanos.addingReportingOverflow(duration.clampedNanos)
        state.timers.append(
            Timer(deadline: overflow ? .max : deadline, number: state.lastNumber, action: job))
        return state.lastNumber
    }

    private func runJobs() {
        while true {
            mutex.lock()
            let taken = state.jobs
            state.jobs = []
            let isLast = state.isOver
            mutex.unlock()
            for job in taken { job() }
            if taken.isEmpty {
                if isLast { return }
                wait(on: jobsKey, untilNanos: .max)
            }
        }
    }

    // MARK: Turns

    /// Starts a thread that takes turns.
    func spawn(
        named name: String, _ body: @escaping @Sendable () -> Void
    ) -> (identity: ThreadIdentity, participant: Participant) {
        let participant = Participant()
        mutex.lock()
        state.ready.append(participant)
        state.threadCount += 1
        mutex.unlock()
        let identity = spawnThread(named: name) { [self] in
            mutex.lock()
            takeTurn(participant)
            mutex.unlock()
            body()
            mutex.lock()
            participant.hasEnded = true
            state.threadCount -= 1
            wakeWaiting(on: ObjectIdentifier(participant))
            wakeWaiting(on: ObjectIdentifier(self))
            passTurn()
            mutex.unlock()
        }
        return (identity, participant)
    }

    /// Lets the others take their turns until a thread has ended.
    func waitForEnd(of participant: Participant) {
        while true {
            mutex.lock()
            let hasEnded = participant.hasEnded
            mutex.unlock()
            if hasEnded { return }
            wait(on: ObjectIdentifier(participant), untilNanos: .max)
        }
    }

    /// Lets the others take their turns until somebody wakes who waits for this, or until a moment.
    func wait(on key: ObjectIdentifier, untilNanos deadline: UInt64) {
        mutex.lock()
        let participant = state.turn
        state.lastNumber += 1
        state.waiting.append(
            Waiting(
                participant: participant, key: key, deadline: deadline, number: state.lastNumber))
        passTurn()
        takeTurn(participant)
        mutex.unlock()
    }

    /// Wakes who waits for something that has changed.
    func wake(_ key: ObjectIdentifier) {
        mutex.lock()
        wakeWaiting(on: key)
        mutex.unlock()
    }

    // With the mutex held, from here on.

    private func wakeWaiting(on key: ObjectIdentifier) {
        guard state.waiting.contains(where: { $0.key == key }) else { return }
        state.ready += state.waiting.filter { $0.key == key }.map(\.participant)
        state.waiting.removeAll { $0.key == key }
    }

    private func takeTurn(_ participant: Participant) {
        while state.turn !== participant { participant.condition.wait(mutex) }
        state.owner = .current
    }

    private func passTurn() {
        while state.ready.isEmpty { passTime() }
        state.turn = state.ready.removeFirst()
        state.turn.condition.signal()
    }

    /// Nobody is ready: the next moment that somebody waits for comes.
    private func passTime() {
        let next = (state.waiting.map(\.deadline) + state.timers.map(\.deadline)).min() ?? .max
        precondition(next < .max, "everybody waits for somebody else: a deadlock")
        let now = max(state.nanos, next)
        state.nanos = now
        let due = state.waiting.filter { $0.deadline <= now }
            .sorted { ($0.deadline, $0.number) < ($1.deadline, $1.number) }
        state.ready += due.map(\.participant)
        state.waiting.removeAll { $0.deadline <= now }
        let over = state.timers.filter { $0.deadline <= now }
            .sorted { ($0.deadline, $0.number) < ($1.deadline, $1.number) }
        guard !over.isEmpty else { return }
        state.timers.removeAll { $0.deadline <= now }
        state.jobs += over.map(\.action)
        wakeWaiting(on: jobsKey)
    }
}
