internal import ToteCore
internal import ToteSQLite

/// A request as the server sees it, whatever carried it.
package struct ServerRequest: Sendable {
    package var method: String
    /// The path's segments, percent-decoded once.
    package var path: [String]
    package var query: [String: String] = [:]
    /// Whether a name is in the query twice.
    package var repeatsQuery = false
    package var contentType: String?
    package var accept: String?
    package var authorization: String?
    /// Conditions on the entity tag, as they came.
    package var ifNoneMatch: String?
    package var ifMatch: String?
    package var idempotencyKey: String?
    package var body: [UInt8] = []
    package var requestID: String
    /// True on the operator's own socket, whose file mode is the credential.
    package var isOperator = false
    /// Set by `identify`: where the table of routes has what is asked for, if it does, and the
    /// SHA-256 of the bearer token.
    package internal(set) var route: Int?
    package internal(set) var tokenHash: [UInt8]?
    /// Set by `prepare`: the sync request as it was read.
    var isPrepared = false
    var prepared: Result<PreparedSync, Problem>?

    package init(method: String, path: [String], requestID: String) {
        self.method = method
        self.path = path
        self.requestID = requestID
    }
}

/// What a request is answered with.
package struct ServerResponse: Sendable {
    package var status: Int
    package var contentType: String
    package var headers: [(name: String, value: String)] = []
    private let content: Content
    /// The stable code of a problem, for the log.
    package var code: String?

    private enum Content: Sendable {
        case bytes([UInt8])
        case reply(SyncReply, [ReplyWriter.Source])
    }

    /// The body. That of a reply is encoded when it is asked for: by the thread that sends it.
    package var body: [UInt8] {
        switch content {
        case .bytes(let bytes): bytes
        case .reply(let reply, let sources): ReplyWriter.cbor(reply, sources)
        }
    }

    package init(status: Int, contentType: String = Encoding.json.rawValue, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        content = .bytes(body)
    }

    /// A reply in CBOR.
    init(_ reply: SyncReply, _ sources: [ReplyWriter.Source]) {
        status = 200
        contentType = Encoding.cbor.rawValue
        content = .reply(reply, sources)
    }

    package init(_ problem: Problem, requestID: String) {
        status = problem.status
        contentType = "application/problem+json"
        content = .bytes(problem.body(requestID: requestID))
        code = problem.code
        if problem.status == 401 {
            headers.append(("WWW-Authenticate", "Bearer error=\"invalid_token\""))
        }
        if let seconds = problem.retryAfterSeconds {
            headers.append(("Retry-After", String(seconds)))
        }
    }
}

/// A request that waits for something new. Costs memory only.
package struct Parked: Sendable {
    enum Question: Sendable {
        case pull(SyncRequest, Encoding)
        case poll(OrderPoll)
    }

    /// What wakes it: a space, a store's as `store:<id>`.
    package let space: String
    package let tokenID: String
    /// Milliseconds of the server's clock at which it is answered anyway.
    package let deadline: UInt64
    /// How many such requests of one token may wait in one space at once.
    package let perTokenMax: Int
    let question: Question
    package let requestID: String

    /// Pulls of one token that may wait in one space at once.
    static let pullsPerTokenMax = 2
}

package enum Handled: Sendable {
    case answer(ServerResponse)
    case park(Parked)
}

/// The server without sockets, threads and clock: requests in, responses out, over one data file.
///
/// Owned by one thread. Group commit: `begin`, any number of `handle`, `commit`; answers must not
/// leave before the commit returned. After a thrown storage error call `rollBack`: nothing of the
/// group happened.
package final class Server {
    package let store: ServerStore
    private(set) var tokens: TokenBook
    private(set) var catalogs: CatalogBook
    let randomBits: () -> UInt64
    package private(set) var epoch: UInt64
    private(set) var wasRestored: Bool
    /// Milliseconds at which something was first pushed after a restore; `nil` before it, and
    /// where there was none.
    private var restoredAt: UInt64?
    private var spaces: [Name: Space] = [:]
    var pins = SnapshotPins()
    /// Milliseconds; never falls within the life of a file.
    private(set) var clock: UInt64
    /// The moment before which everything is in the newest backup.
    package private(set) var backupTime: UInt64
    private var uses: UInt64 = 0
    /// Wrong codes; in memory only.
    var guesses = GuessGuard()
    /// What polls were answered in this group: many boards ask the same.
    var pollAnswers: [OrderPoll: ServerResponse] = [:]
    /// Where feeds end, as far as this group has asked.
    var feedEnds: [String: UInt64] = [:]
    /// Who is refused again and again; in memory only.
    var refusals = RefusalWatch()
    /// Customers who are being served; in memory only.
    var visits = VisitBook()
    /// The answer to who asks for full slots.
    var slots: (hour: UInt64, body: [UInt8], tag: String)?
    /// How long pollers are asked to wait before they poll again, milliseconds; 0 for not at all.
    package var loadHint = 0
    /// When the next order expires, once it is known.
    private var due: UInt64??
    /// The number of the space that was swept last.
    private var lastSwept: UInt64 = 0
    /// Spaces that the group has written to.
    package private(set) var touchedSpaces: Set<String> = []
    /// Tokens that the group has revoked.
    package private(set) var revokedTokens: Set<String> = []
    /// What keeps spaces within the horizon; tests move the horizon.
    package var horizonMilliseconds = Limits.horizonMilliseconds
    package var fateMilliseconds = Limits.fateMilliseconds
    /// Where webhooks may go, and when they are tried again.
    package var webhookPolicy = WebhookPolicy()
    package var webhookSchedule = WebhookSchedule.standard
    var webhooks = WebhookMemory()
    /// Who was erased.
    var erasures = ErasureList()
    /// Writes an entry to the list beside the file, durably, before anything is erased.
    package var keepErasure: (ErasureList.Entry) throws -> Void = { _ in }
    /// Erasures of this group that are not on the list beside the file yet.
    var unkept: [ErasureList.Entry] = []
    /// Those that are on it, and whose group was not committed.
    package internal(set) var owed = ErasureList()
    /// Those of this group that are.
    var kept: [ErasureList.Entry] = []
    /// Puts changes of rights on the list beside the file: durable when it returns.
    package var keepRights: ([Right]) throws -> Void = { _ in }
    /// Changes of rights: of the open group, committed and not on the list, and on the list while
    /// the file still has them.
    var openRights: [Right] = []
    var unlistedRights: [Right] = []
    var listedRights: [Right] = []
    /// What changed since the backup that this file was restored from.
    var restoredRights = RestoredRights()
    /// Changes of roles in each share within an hour.
    var roleChanges: (hour: UInt64, bySpace: [UInt64: Int]) = (0, [:])
    /// Whether something was erased that the WAL may still hold.
    package var wantsTruncation = false

    /// How many spaces are kept in memory.
    static let spacesMax = 10_000
    /// How many spaces a sweep looks at: a few milliseconds of work.
    static let spacesPerSweep = 32

    /// Opens a data file, gives it a new epoch when it is a backup.
    ///
    /// - Throws: `StoreError` or `SQLiteError`; the file is as it was then.
    package init(store: ServerStore, random randomBits: @escaping () -> UInt64) throws {
        self.store = store
        self.randomBits = randomBits
        let epoch = try store.meta("epoch")
        let isBackup = try store.meta("is_backup") == 1
        wasRestored = isBackup
        clock = try store.meta("clock") ?? 0
        backupTime = try store.meta("backup_time") ?? 0
        catalogs = try CatalogBook(store: store)
        if let epoch, !isBackup {
            self.epoch = epoch
        } else {
            let fresh = randomBits() | 1
            self.epoch = fresh
            let (clock, policy) = (clock, catalogs.current?.catalog.programme?.leases)
            try store.database.transaction {
                if isBackup {
                    try store.withholdLeasable(policy ?? .standard)
                    try store.forgetHandOffs()
                }
                try store.setMeta("epoch", fresh)
                try store.setMeta("is_backup", 0)
                try store.setMeta("was_restored", isBackup ? 1 : 0)
                // The backup that this file came from is the newest one of it.
                try store.setMeta("backup_time", isBackup ? clock : 0)
            }
            backupTime = isBackup ? clock : 0
        }
        tokens = TokenBook(store: store)
        erasures = try store.erasures()
        try readRestore()
    }

    /// When the next order or account has something due; `nil` when none has.
    package func nextDue() throws -> UInt64? {
        if let due { return due }
        let next = [try store.nextDue(), try store.nextDueAccount(), try store.nextDueShare()]
            .compactMap { $0 }.min()
        due = .some(next)
        return next
    }

    /// Reads whether the file was ever restored (`was_restored` is there), and when (it is more
    /// than 1).
    private func readRestore() throws {
        let mark = try store.meta("was_restored") ?? 0
        wasRestored = mark > 0
        restoredAt = mark > 1 ? mark : nil
    }

    /// Begins the time for which orders are resent: the clock in a backup is that of its making.
    func noteRestore() throws {
        guard wasRestored, restoredAt == nil, clock > 1 else { return }
        try store.setMeta("was_restored", clock)
        restoredAt = clock
    }

    /// Whether devices may still bring orders back, at what they say was agreed: they keep them as
    /// long. For ever would be for whoever makes orders up.
    private var takesResentOrders: Bool {
        wasRestored && clock <= (restoredAt ?? clock) + Limits.uncoveredMilliseconds
    }

    /// Takes note of an order that is new or took a step.
    func noteOrder(_ order: Order, of space: String, isStep: Bool) throws {
        touchedSpaces.insert("store:\(order.store)")
        pollAnswers = [:]
        feedEnds = [:]
        slots = nil
        due = nil
        // A check-in, a dispute and what is said about the order are no events.
        guard isStep, let step = order.steps.last else { return }
        try enqueueWebhook(
            type: "order.\(order.isReopened ? "reopened" : step.state.rawValue)",
            id: "\(order.id) \(step.state.rawValue) \(step.at)",
            data: .map([
                "order": .text(order.id.text), "store": .text(order.store),
                "customer": .text(String(space.drop { $0 != ":" }.dropFirst())),
                "state": .text(order.state.rawValue),
                "version": .int(order.version),
            ]))
    }

    /// Takes note that something may be due earlier than was known.
    func noteDue() { due = nil }

    /// The clock never falls.
    func advance(to now: UInt64) { clock = max(clock, now) }

    /// Takes note of what was written into a space: wakes who waits for it, and keeps its snapshot
    /// near the end of its log.
    func noteWritten(_ space: Space) throws {
        touchedSpaces.insert(space.name)
        if keeper.isDue(space) { try keeper.keep(space, now: clock, trims: false) }
    }

    /// What judges in a space for a token with this grant.
    ///
    /// - Parameter token: the id of the token, where one asks.
    func judge(_ space: Space, _ grant: Grant, token: String? = nil) -> Judge {
        Judge(
            space: space, store: store, epoch: epoch, wasRestored: wasRestored, grant: grant,
            now: clock, randomBits: randomBits, catalog: catalog,
            takesResentOrders: takesResentOrders,
            onOrder: { [unowned self] in try noteOrder($0, of: space.name, isStep: $1) },
            onRedeemer: { [unowned self] in try judge($0, of: space.id, by: token, $1) })
    }

    /// Rows written since the file was opened: what a benchmark counts.
    package var rowsWritten: Int { store.database.totalChangedRowCount }

    /// Begins a group.
    package func begin() throws {
        touchedSpaces = []
        revokedTokens = []
        pollAnswers = [:]
        feedEnds = [:]
        try store.database.begin()
    }

    /// Makes the group durable. After an error the outcome is unknown, unless it says that the disk
    /// is full.
    package func commit() throws {
        try keepErasures()
        try dropListedRights()
        try store.database.commit()
        store.tally.commit()
        kept = []
        listRights()
    }

    /// What was committed since the file was opened.
    package var counts: ServerCounts { store.tally.counts }

    /// Spaces that are kept in memory.
    package var cachedSpaceCount: Int { spaces.count }

    /// Drops the group and everything in memory that came of it.
    package func rollBack() throws {
        if store.database.isInTransaction { try store.database.execute("ROLLBACK") }
        store.tally.rollBack()
        try store.readUnplaced()
        spaces = [:]
        pins = SnapshotPins()
        tokens = TokenBook(store: store)
        catalogs = try CatalogBook(store: store)
        slots = nil
        for entry in kept { owed.insert(entry) }
        (kept, unkept) = ([], [])
        openRights = []
        erasures = try store.erasures()
        backupTime = try store.meta("backup_time") ?? 0
        try readRestore()
        touchedSpaces = []
        due = nil
    }

    /// Answers a request within the open group.
    ///
    /// - Parameter now: the clock, milliseconds since 1970.
    /// - Throws: storage errors only, after which the group must be rolled back.
    package func handle(_ request: ServerRequest, at now: UInt64) throws -> Handled {
        clock = max(clock, now)
        do {
            if request.isPrepared { return try route(request) }
            var prepared = request
            prepared.identify()
            prepared.prepare()
            return try route(prepared)
        } catch let problem as Problem {
            return .answer(ServerResponse(problem, requestID: request.requestID))
        }
    }

    /// Looks at a parked request again: answers it when there is something new, or when its time is
    /// over.
    ///
    /// - Parameter mustAnswer: answers it whatever there is, before the server stops.
    package func resume(
        _ parked: Parked, at now: UInt64, mustAnswer: Bool = false
    ) throws -> Handled {
        clock = max(clock, now)
        do {
            guard let token = try tokens.token(id: parked.tokenID) else {
                throw Problem.unauthorized
            }
            try check(token)
            guard let grant = try grant(token, for: parked.space) else { throw Problem.notFound }
            let mustAnswer = mustAnswer || clock >= parked.deadline
            switch parked.question {
            case .pull(let request, let encoding):
                let space = try space(parked.space)
                let isNew = space.position > (request.cursor?.position ?? 0)
                guard isNew || mustAnswer else { return .park(parked) }
                return .answer(
                    try reply(
                        request, space: space, grant: grant, verdict: nil, encoding: encoding))
            case .poll(let poll):
                return try answer(poll, mustAnswer: mustAnswer).map { .answer($0) } ?? .park(parked)
            }
        } catch let problem as Problem {
            return .answer(ServerResponse(problem, requestID: parked.requestID))
        }
    }

    /// Bearer token → what it may do, or the refusal.
    func authenticate(_ request: ServerRequest) throws -> Token {
        guard let hash = request.tokenHash, let token = try tokens.token(hash: hash) else {
            throw Problem.unauthorized
        }
        try check(token)
        guard token.role != .metrics else { throw Problem.notFound }
        return token
    }

    /// - Throws: the refusal of a token that is over, whatever it is shown for.
    private func check(_ token: Token) throws {
        guard token.isValid(at: clock) else {
            throw token.isErased ? Problem.customerErased : Problem.unauthorized
        }
    }

    /// Lets an operator's request for the metrics pass, and one with a token of that role.
    ///
    /// - Throws: a `Problem` for another's, and storage errors.
    package func admitScrape(_ request: ServerRequest, at now: UInt64) throws {
        guard !request.isOperator else { return }
        guard let hash = request.tokenHash, let token = try tokens.token(hash: hash),
            token.isValid(at: max(clock, now))
        else { throw Problem.unauthorized }
        guard token.role == .metrics else { throw Problem.notFound }
    }

    private var keeper: Keeper {
        var keeper = Keeper(store: store)
        keeper.horizonMilliseconds = horizonMilliseconds
        keeper.fateMilliseconds = fateMilliseconds
        return keeper
    }

    /// The space with this name, read or made; the caller has checked the grant.
    func space(_ name: String) throws -> Space {
        uses += 1
        if let space = spaces[Name(name)] {
            space.lastUse = uses
            return space
        }
        if spaces.count >= Self.spacesMax {
            let threshold = spaces.values.map(\.lastUse).sorted()[Self.spacesMax / 4]
            spaces = spaces.filter { $0.value.lastUse > threshold }
        }
        let space: Space
        if let number = try store.spaceNumber(name) {
            space = try Space(
                number: number, name: name, store: store, wasRestored: wasRestored)
        } else {
            guard !erasures.contains(space: name) else { throw Problem.customerErased }
            space = Space(number: 0, name: name)
        }
        space.lastUse = uses
        spaces[Name(name)] = space
        return space
    }

    /// Drops what is in memory of a space that is no more.
    func forgetSpace(_ name: String) {
        touchedSpaces.insert(name)
        refusals.forget(space: name)
        visits.forget(space: name)
        spaces[Name(name)] = nil
        pins = SnapshotPins()
        due = nil
    }

    /// Trims the spaces whose turn it is; call it when idle, within a group.
    package func sweep(at now: UInt64) throws {
        clock = max(clock, now)
        try forgetAnswers()
        try forgetWebhooks(at: clock)
        if try store.forgetHandOffs(at: clock) { tokens.noteRemoved() }
        try store.forgetInvitations(at: clock)
        try forgetOldShares()
        let some = try store.spaces(after: lastSwept, most: Self.spacesPerSweep)
        for (_, name) in some { try keeper.keep(try space(name), now: clock, trims: true) }
        lastSwept = some.count < Self.spacesPerSweep ? 0 : some.last?.number ?? 0
    }

    /// Trims every space now.
    package func sweepAll(at now: UInt64) throws {
        clock = max(clock, now)
        try forgetAnswers()
        if try store.forgetHandOffs(at: clock) { tokens.noteRemoved() }
        try store.forgetInvitations(at: clock)
        try forgetOldShares()
        for (_, name) in try store.spaceNames() {
            try keeper.keep(try space(name), now: clock, trims: true)
        }
    }

    /// Takes note that a backup begun at `time` is complete and verified.
    package func noteBackup(begunAt time: UInt64) throws {
        backupTime = max(backupTime, time)
        try store.setMeta("backup_time", backupTime)
        try store.setMeta("clock", clock)
    }

    /// Marks the moment from which on a backup that begins now is sure to hold everything older.
    package func beginBackup(at now: UInt64) throws -> UInt64 {
        clock = max(clock, now) + 1
        try store.setMeta("clock", clock)
        return clock
    }

    func noteRevoked(_ id: String) { revokedTokens.insert(id) }
}
