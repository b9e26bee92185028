internal import ToteConcurrency
internal import ToteCore
internal import ToteSQLite
import ToteServer

/// The one thread that owns the server and its file: takes all requests that wait, runs them in one
/// transaction, commits once, and only then answers them (group commit).
final class CommitThread: Sendable {
    enum Job: Sendable {
        /// What its asker asks, by the number of the request.
        case request(number: UInt64, Asker)
        /// The client of a request is gone: a parked one is forgotten.
        case disconnected(number: UInt64)
        /// Runs between groups, with the server.
        case work(@Sendable (Server) -> Void)
        /// Answers everything that is parked, and parks nothing from then on.
        case drain
    }

    /// How the thread ended.
    enum End: Sendable {
        case stopped
        /// The file failed in a way that leaves the outcome of a commit unknown.
        case failed(String)
    }

    let jobs = Mailbox<Job>()
    private let directory: DataDirectory
    private let log: Log
    private let answers: Answers
    private let configure: @Sendable (Server) -> Void
    private let onEnd: @Sendable (End) -> Void
    let statistics = Lock(Statistics())
    /// Called on the thread after a commit that made webhooks due; must not block.
    let onNewWebhooks = Lock<(@Sendable () -> Void)?>(nil)

    struct Statistics: Sendable {
        /// Requests of each group, and seconds: of its COMMIT alone, of all of it.
        var groupRequests = Histogram(bounds: Histogram.requests)
        var commits = Histogram(bounds: Histogram.seconds)
        var groups = Histogram(bounds: Histogram.seconds)
        var checkpoints = Histogram(bounds: Histogram.seconds)
        var rows: UInt64 = 0
        var parked = 0
        /// How often a parked request was looked at again.
        var parkedLooks: UInt64 = 0
        var counts = ServerCounts()
        var cachedSpaces = 0
        /// When the newest backup was begun, milliseconds since 1970; 0 when there is none.
        var backupTime: UInt64 = 0
    }

    /// - Parameter configure: called once with the server, before it serves.
    init(
        directory: DataDirectory, answers: Answers,
        configure: @escaping @Sendable (Server) -> Void,
        onEnd: @escaping @Sendable (End) -> Void
    ) {
        self.directory = directory
        log = answers.log
        self.answers = answers
        self.configure = configure
        self.onEnd = onEnd
    }

    /// Opens the file on a thread of its own and serves until the mailbox is closed.
    ///
    /// - Returns: the thread, once the file is open. Throws what kept it from opening.
    func start() throws(ServiceError) -> JoinableThread {
        let opened = Mailbox<Result<Void, ServiceError>>()
        let thread = startThread(named: "tote-commit") { [self] in
            do {
                let store = try ServerStore(path: directory.filePath)
                let server = try Server(store: store, random: SystemClock.randomBits)
                server.keepErasure = { [directory] in try directory.keep($0) }
                server.keepRights = { [directory] in try directory.keep($0) }
                configure(server)
                let taken = try server.eraseAgain(
                    directory.erasures(), at: SystemClock.nowMilliseconds())
                if taken.customers + taken.rights > 0 {
                    log.line(
                        .info, "took away again what a backup brought back",
                        [
                            ("customers", .int(Int64(taken.customers))),
                            ("rights", .int(Int64(taken.rights))),
                        ])
                }
                statistics.withLock { $0.backupTime = server.backupTime }
                opened.post(.success(()))
                var loop = CommitLoop(
                    server: server, jobs: jobs, log: log, answers: answers,
                    statistics: statistics, onNewWebhooks: onNewWebhooks)
                onEnd(loop.run())
            } catch let error as ServiceError {
                opened.post(.failure(error))
            } catch {
                let code = (error as? StoreError)?.code ?? "storage"
                opened.post(.failure(.store(code: code, "\(error)")))
            }
        }
        if case .failure(let error)? = opened.drain(waitingAtMost: nil).first {
            thread.join()
            throw error
        }
        return thread
    }
}

/// The loop of the commit thread. Lives on it alone.
private struct CommitLoop {
    let server: Server
    let jobs: Mailbox<CommitThread.Job>
    let log: Log
    let answers: Answers
    let statistics: Lock<CommitThread.Statistics>
    let onNewWebhooks: Lock<(@Sendable () -> Void)?>

    private struct Reader: Hashable {
        let token: String
        let space: String

        init(_ parked: Parked) {
            token = parked.tokenID
            space = parked.space
        }
    }

    private final class Waiting {
        let parked: Parked
        let asker: Asker

        init(parked: Parked, asker: Asker) {
            self.parked = parked
            self.asker = asker
        }
    }

    private var parked: [UInt64: Waiting] = [:]
    private var parkedBySpace: [String: Set<UInt64>] = [:]
    /// How many of one token wait in one space: a device shares several, each with its own.
    private var parkedByReader: [Reader: Int] = [:]
    /// When what is parked is answered anyway; what was answered before is still there.
    private var deadlines = DeadlineWheel()
    private var parkedLooks: UInt64 = 0
    private var isDraining = false
    private var hasCommittedSinceCheckpoint = false
    /// Pages in the WAL at the last checkpoint: while a backup reads, none begins the WAL anew.
    private var walPagesAtCheckpoint = 0
    private var idleRounds = 0
    /// When orders that are due are looked at again, after that failed.
    private var dueAgain: UInt64 = 0
    static let dueRetryMilliseconds: UInt64 = 60_000

    /// Pages of 4 KiB by which the WAL grows before it is written back although there is work.
    static let pagesPerCheckpoint = 8_192
    /// How long the thread waits for work before it looks after the file.
    static let idleWait: Duration = .milliseconds(250)
    /// Idle rounds between two sweeps of a space.
    static let roundsPerSweep = 40

    init(
        server: Server, jobs: Mailbox<CommitThread.Job>, log: Log, answers: Answers,
        statistics: Lock<CommitThread.Statistics>, onNewWebhooks: Lock<(@Sendable () -> Void)?>
    ) {
        self.server = server
        self.onNewWebhooks = onNewWebhooks
        self.jobs = jobs
        self.log = log
        self.answers = answers
        self.statistics = statistics
    }

    mutating func run() -> CommitThread.End {
        while true {
            var taken = jobs.drain(waitingAtMost: Self.idleWait)
            if taken.isEmpty, jobs.isClosed { break }
            do {
                if taken.isEmpty { try lookAfter() }
                try serve(&taken)
            } catch {
                return .failed("\(error)")
            }
        }
        try? server.checkpoint()
        return .stopped
    }

    /// What one group of requests came to, before it is durable.
    private struct Group {
        var answers: [(Asker, ServerResponse)] = []
        var parking: [(UInt64, Parked, Asker)] = []
        var requests: [Asker] = []
        /// What was parked until now.
        var overdue: [UInt64] = []
        var woken: [UInt64] = []
    }

    /// One group: from BEGIN to the answers. What was taken is gone then.
    private mutating func serve(_ taken: inout [CommitThread.Job]) throws {
        let now = SystemClock.nowMilliseconds()
        let began = MonotonicClock.nowNanos()
        let isDue = try now >= dueAgain && server.nextDue().map { $0 <= now } ?? false
        guard !taken.isEmpty || deadlines.isDue(at: now) || isDue else { return }
        server.loadHint = Self.loadHint(waiting: taken.count)
        for case .work(let work) in taken { work(server) }
        var group = Group()
        do {
            try judge(taken, at: now, isDue: isDue, &group)
            try server.keepErasures()
        } catch {
            try server.rollBack()
            undo(group, at: now)
            // An order that cannot be read must not fail what others ask for.
            if isDue { dueAgain = now + Self.dueRetryMilliseconds }
            // One request that meets a damaged space must not fail those beside it.
            if error.isDamage, taken.count > 1 {
                for job in taken {
                    if case .work = job { continue }
                    var alone = [job]
                    try serve(&alone)
                }
                return
            }
            log.line(.error, "a group of requests failed", [("detail", .text("\(error)"))])
            answerFailure(error, group.requests)
            return
        }
        let judged = MonotonicClock.nowNanos()
        do {
            try server.commit()
        } catch {
            // A disk that is full has refused the bytes for certain; anything else leaves it open.
            guard let error = error as? SQLiteError, error.isFull else { throw error }
            try server.rollBack()
            undo(group, at: now)
            log.line(.error, "the disk is full", [])
            answerFailure(error, group.requests)
            return
        }
        let committed = MonotonicClock.nowNanos()
        // Before it is said that somebody is erased; when a backup reads just now, soon after.
        if server.wantsTruncation { try truncate() }
        if server.takeNewWebhooks() { onNewWebhooks.withLock { $0 }?() }
        // What was read is given back by the threads that answer, not by this one.
        let count = group.requests.count
        taken = []
        group.requests = []
        answers.send(&group.answers)
        for number in group.woken { forget(number) }
        note(requests: count, began: began, judged: judged, committed: committed)
        hasCommittedSinceCheckpoint = true
        idleRounds = 0
        if !server.owed.isEmpty { try eraseOwed() }
        if server.walPages < walPagesAtCheckpoint { walPagesAtCheckpoint = 0 }
        if server.walPages - walPagesAtCheckpoint >= Self.pagesPerCheckpoint { try checkpoint() }
    }

    /// Everything of a group that happens inside its transaction.
    private mutating func judge(
        _ taken: [CommitThread.Job], at now: UInt64, isDue: Bool, _ group: inout Group
    ) throws {
        try server.begin()
        // First, so that whoever asks sees nothing that should be over by now.
        if isDue { try server.runDue(at: now) }
        for job in taken {
            switch job {
            case .request(let number, let asker):
                guard let request = asker.request else { continue }
                group.requests.append(asker)
                switch try server.handle(request, at: now) {
                case .answer(let response): group.answers.append((asker, response))
                case .park(let parked): group.parking.append((number, parked, asker))
                }
            case .disconnected(let number): forget(number)
            case .drain: isDraining = true
            case .work: break
            }
        }
        for (number, parked, asker) in group.parking {
            park(number, parked, asker, &group.answers)
        }
        group.overdue = deadlines.take(at: now)
        group.woken = try wake(group.overdue, at: now, &group.answers)
    }

    /// A group that was not committed: what it parked is refused, what it woke waits on.
    private mutating func undo(_ group: Group, at now: UInt64) {
        for (number, _, _) in group.parking { forget(number) }
        for number in group.overdue { deadlines.insert(number, deadline: now) }
    }

    /// How long pollers are asked to stay away when so many requests came at once.
    private static func loadHint(waiting: Int) -> Int {
        waiting < 64 ? 0 : min(waiting * 10, 10_000)
    }

    private func answerFailure(_ error: any Error, _ requests: [Asker]) {
        let isFull = (error as? SQLiteError)?.isFull ?? false
        var problem =
            isFull
            ? Problem(503, "storage_full", "the server's disk is full; nothing was applied")
            : Problem(
                503, "storage_unavailable", "the data file cannot be used; nothing was applied")
        problem.retryAfterSeconds = 5
        for asker in requests {
            answers.send(ServerResponse(problem, requestID: asker.requestID), to: asker)
        }
    }

    private mutating func park(
        _ number: UInt64, _ sync: Parked, _ asker: Asker,
        _ answers: inout [(Asker, ServerResponse)]
    ) {
        guard parkedByReader[Reader(sync), default: 0] < sync.perTokenMax else {
            var problem = Problem(
                429, "too_many_waiting",
                "at most \(sync.perTokenMax) requests of one token may wait in one space")
            problem.retryAfterSeconds = 5
            answers.append((asker, ServerResponse(problem, requestID: sync.requestID)))
            return
        }
        parked[number] = Waiting(parked: sync, asker: asker.parked())
        deadlines.insert(number, deadline: sync.deadline)
        parkedBySpace[sync.space, default: []].insert(number)
        parkedByReader[Reader(sync), default: 0] += 1
    }

    private mutating func forget(_ number: UInt64) {
        guard let waiting = parked.removeValue(forKey: number) else { return }
        parkedBySpace[waiting.parked.space]?.remove(number)
        if parkedBySpace[waiting.parked.space]?.isEmpty ?? false {
            parkedBySpace[waiting.parked.space] = nil
        }
        let reader = Reader(waiting.parked)
        let left = parkedByReader[reader, default: 1] - 1
        parkedByReader[reader] = left == 0 ? nil : left
    }

    /// Looks again at what waits in spaces that were written to, whose token went, or whose time is
    /// over. What is answered stays parked until the group is committed.
    private mutating func wake(
        _ overdue: [UInt64], at now: UInt64, _ answers: inout [(Asker, ServerResponse)]
    ) throws -> [UInt64] {
        guard !parked.isEmpty else { return [] }
        var numbers = Set(server.touchedSpaces.flatMap { parkedBySpace[$0] ?? [] })
        numbers.formUnion(overdue)
        if isDraining || !server.revokedTokens.isEmpty {
            for (number, waiting) in parked
            where isDraining || server.revokedTokens.contains(waiting.parked.tokenID) {
                numbers.insert(number)
            }
        }
        var woken: [UInt64] = []
        for number in numbers.sorted() {
            guard let waiting = parked[number] else { continue }
            parkedLooks += 1
            let handled = try server.resume(waiting.parked, at: now, mustAnswer: isDraining)
            if case .answer(let response) = handled {
                woken.append(number)
                answers.append((waiting.asker, response))
            }
        }
        return woken
    }

    /// What is done when nobody asks for anything. A disk that is full, or a space that is damaged,
    /// does not end the server: those who ask are told.
    private mutating func lookAfter() throws {
        idleRounds += 1
        do {
            if idleRounds == 1, hasCommittedSinceCheckpoint {
                try server.begin()
                try server.settle()
                try server.commit()
                try checkpoint()
            }
            if !server.owed.isEmpty { try eraseOwed() }
            if server.wantsTruncation { try truncate() }
            if idleRounds % Self.roundsPerSweep == 0 {
                try server.begin()
                try server.sweep(at: SystemClock.nowMilliseconds())
                try server.commit()
            }
        } catch {
            guard error.isDamage || (error as? SQLiteError)?.isFull ?? false else {
                throw error
            }
            try server.rollBack()
            log.line(.error, "looking after the file failed", [("detail", .text("\(error)"))])
        }
    }

    /// Publishes what the group came to. One without requests says nothing of those with some.
    private func note(requests: Int, began: UInt64, judged: UInt64, committed: UInt64) {
        let end = MonotonicClock.nowNanos()
        let (rows, counts, spaces) = (server.rowsWritten, server.counts, server.cachedSpaceCount)
        let (backup, waiting, looks) = (server.backupTime, parked.count, parkedLooks)
        statistics.withLock {
            if requests > 0 {
                $0.groupRequests.observe(Double(requests))
                $0.commits.observe(Double(committed - judged) / 1e9)
                $0.groups.observe(Double(end - began) / 1e9)
            }
            $0.rows = UInt64(rows)
            $0.parked = waiting
            $0.parkedLooks = looks
            $0.counts = counts
            $0.cachedSpaces = spaces
            $0.backupTime = backup
        }
    }

    /// Erases whom a group was to erase that could not be committed: when there is room.
    private func eraseOwed() throws {
        do {
            try server.eraseOwed(at: SystemClock.nowMilliseconds())
        } catch {
            guard error.isDamage || (error as? SQLiteError)?.isFull ?? false else { throw error }
            try server.rollBack()
            log.line(.error, "erasing a customer failed", [("detail", .text("\(error)"))])
        }
    }

    /// Empties the WAL, now or when there is room and nobody reads.
    private func truncate() throws {
        do {
            try server.truncateLog()
        } catch let error as SQLiteError where error.isFull {
            log.line(.error, "the disk is full", [])
        }
    }

    private mutating func checkpoint() throws {
        hasCommittedSinceCheckpoint = false
        walPagesAtCheckpoint = server.walPages
        let began = MonotonicClock.nowNanos()
        do {
            try server.checkpoint()
            let end = MonotonicClock.nowNanos()
            statistics.withLock { $0.checkpoints.observe(Double(end - began) / 1e9) }
        } catch let error as SQLiteError where error.isFull {
            // The WAL has everything; it is written back when there is room.
            log.line(.error, "the disk is full", [])
        }
    }
}

extension Error {
    /// Whether it tells of something in the file that is not as it was written: what does not
    /// touch it goes on.
    fileprivate var isDamage: Bool {
        self is StoreError || (self as? SQLiteError)?.isCorrupt ?? false
    }
}
