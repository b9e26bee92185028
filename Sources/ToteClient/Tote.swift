internal import ToteCore

/// A customer's carts, wishlists and place in the shop's journey on this device, and what keeps
/// them the same on all.
///
/// Opens without an account: a guest's documents stay on the device until `signIn`. Every edit is
/// durable when it returns and never waits for a network. One `Tote` per directory at a time.
public actor Tote {
    let clock: DeviceClock
    let installation: Installation
    /// The documents that show; `nil` after `close`.
    var openReplica: Replica? {
        didSet {
            openReplica?.catalogReader = catalogReader
            openReplica?.channel = installation.borrowed == nil ? channel : .tablet
        }
    }
    /// Where the app runs: its orders say so.
    let channel: Channel
    let catalogReader: CatalogReader
    /// Counts accounts shown, so that what is observed is read anew.
    var shown: UInt64 = 0
    var session: Session?
    var machine: SyncMachine
    var wantsLive = false
    /// Whether the account that showed last was erased at the server, and everything of it here.
    /// Until the next sign-in.
    public internal(set) var wasErased = false
    /// Whether a guest's documents could not be taken in yet, because too much waits to be sent.
    var guestWaits = false

    /// What is under way for the machine.
    var tasks: [SyncMachine.ID: Task<Void, Never>] = [:]
    var underWay: [SyncMachine.ID: Outgoing] = [:]
    var inbox: [SyncMachine.Event] = []
    var isHandling = false

    /// How many points live sync keeps reserved for this device.
    var ready: Int64 = 0
    /// Of a store's redeemer: what is kept outside its file.
    var redeemerRecord: RedeemerRecord?
    /// The epoch of the server that gave the key last.
    var enrolledEpoch: UInt64?
    var enrolTask: Task<Void, Never>?
    /// When a redeemer promised last, by the device's uptime.
    var promised: UInt64?

    /// When the catalogue was asked for last, by the device's uptime.
    var catalogRead: UInt64?
    var catalogTask: Task<Void, Never>?

    /// Erases what was borrowed when its time is over.
    var handOffTask: Task<Void, Never>?
    /// Removes again what could not be removed.
    /// By the account that is being removed.
    var eraseTasks: [String: Task<Void, Never>] = [:]
    /// Whether a code is being taken.
    var isJoining = false
    /// How the last hand-off ended that was joined here.
    var ended: EndedHandOff?

    /// Shares that are open, by their directories.
    var openShares: [String: Tote] = [:]
    /// Ends those whose time is over.
    var shareTasks: [String: Task<Void, Never>] = [:]
    /// Shares that are being closed, by their directories: whoever opens one waits for it.
    var closing: [String: Task<Void, Never>] = [:]
    /// Asks about shares that the customer's documents know no more.
    var checkTask: Task<Void, Never>?
    /// How a store's device asks about what it shares, as it last did; and when it does so again.
    var storeShareAccess: ShareAccess?
    var lookTask: Task<Void, Never>?
    /// Shares that ended on this device since it was opened.
    var endedShareList: [EndedShare] = []
    /// Whether this is of a share that is gone from the device.
    var hasEnded = false
    /// Of a share, as what its members know this device's owner.
    var shareMember: Name?

    var observers: [UInt64: Observer] = [:]
    var nextObserver: UInt64 = 0
    var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]

    /// What it takes to sync an account.
    struct Session {
        /// Percent-encoded.
        let path: String
        let transport: any Transport
        let token: TokenProvider
        /// Whose redeemer this is.
        let store: String?
        /// Whether it is a share's: who is no member of it is answered as if it were not there.
        var isShared = false
        var secret = ""
    }

    /// Opens the documents of whoever was signed in last in this directory, or a guest's.
    ///
    /// - Parameter directory: made when it is not there; nothing else may write into it. On a phone
    ///   choose one that the system does not empty.
    /// - Parameter channel: where the app runs, for `tote report channels`.
    /// - Throws: `storage`, `storeUnusable`, `storeTooNew`; what is in the directory is left as it
    ///   is. `invalidArgument` for what cannot be a channel.
    public init(directory: String, channel: Channel = .app) throws(ToteError) {
        guard channel.isValid else {
            throw ToteError(
                .invalidArgument, "a channel is 1 to \(Channel.bytesMax) of a-z 0-9 -")
        }
        try self.init(directory: directory, clock: .system, channel: channel)
    }

    /// - Parameter survivesPowerCuts: false for a simulator with thousands of devices on one disk:
    ///   then what returned outlives the process, but not the machine.
    package init(
        directory: String, clock: DeviceClock, channel: Channel = .app,
        catalogReader: CatalogReader = .plain, survivesPowerCuts: Bool = true
    ) throws(ToteError) {
        self.clock = clock
        self.channel = channel
        self.catalogReader = catalogReader
        let installation = try Installation(
            directory: directory, survivesPowerCuts: survivesPowerCuts)
        // Legal to fail: the files are nobody's, and the next start tries again.
        try? installation.removeGivenUp()
        let ended = try Self.endIfOver(installation, clock)
        let endedShares = try Self.removeOldShares(installation, clock)
        let replica = try Replica(
            path: installation.path, survivesPowerCuts: survivesPowerCuts, random: clock.draw)
        replica.catalogReader = catalogReader
        replica.channel = installation.borrowed == nil ? channel : .tablet
        let waits = try Self.adoptGuests(installation, into: replica, random: clock.draw)
        self.installation = installation
        openReplica = replica
        guestWaits = waits
        self.ended = ended
        endedShareList = endedShares
        machine = SyncMachine(hasAccount: installation.account != nil)
        if installation.borrowed != nil {
            Task { [weak self] in await self?.awaitEndOfHandOff() }
        }
        if installation.hasShares {
            Task { [weak self] in await self?.awaitEndsOfShares() }
        }
    }

    deinit {
        for task in tasks.values { task.cancel() }
        catalogTask?.cancel()
        enrolTask?.cancel()
        handOffTask?.cancel()
        for task in eraseTasks.values { task.cancel() }
        checkTask?.cancel()
        lookTask?.cancel()
        for task in shareTasks.values { task.cancel() }
    }

    /// Ends syncing and closes the files, so that the directory can be opened again.
    ///
    /// What is called afterwards throws `storage`; sequences end.
    public func close() async {
        handle(.stop)
        try? openReplica?.checkpoint()
        openReplica = nil
        session = nil
        catalogTask?.cancel()
        enrolTask?.cancel()
        handOffTask?.cancel()
        for task in eraseTasks.values { task.cancel() }
        redeemerRecord = nil
        lookTask?.cancel()
        for task in shareTasks.values { task.cancel() }
        closeShares()
        installation.close()
        for id in observers.keys.sorted() { observers.removeValue(forKey: id)?.finish() }
        resumeWaiters()
        await closeAllShares()
    }

    /// - Throws: `storage` after `close`, and where a disk that fails has nothing to show.
    func replica() throws(ToteError) -> Replica {
        try showGuest()
        guard let openReplica else {
            if hasEnded {
                throw ToteError(
                    .notFound,
                    "this is shared with this device no more, and is gone from it: see endedShares")
            }
            throw ToteError(.storage, "this Tote was closed: open the directory again")
        }
        return openReplica
    }

    /// What the app shows: the confirmed state with the outbox on top; empty after `close`.
    var documents: Documents { openReplica?.view.merged ?? Documents() }

    /// How many changes of this device the server has not judged yet.
    public var unsentCount: Int { openReplica?.unsentCount ?? 0 }
}
