import Glibc
import ToteClient
import ToteCommandLine
import ToteConcurrency

/// One simulated device: the client core in a directory, behind a network and a clock of its own.
actor DeviceSession {
    /// What a device is started with.
    struct Options: Sendable {
        var name: String
        var server: ServerPlace
        var customer = "demo"
        var directory: String
        /// Read anew for each token call, so that a new token can be put into it.
        var tokenFile: String?
        var token: String?
        var isLive = true
        var isGuest = false
        /// The store whose device it is; it has no customer of its own then.
        var store: String?
        /// Where the app runs.
        var channel = Channel.app
    }

    typealias Answer = LineAnswer

    let options: Options
    nonisolated let link: NetworkLink
    let tote: Tote
    /// The list or tote that is open.
    var opened: SharedSpace? {
        didSet { lastShare = opened?.id ?? lastShare }
    }
    /// The one that was open last.
    private(set) var lastShare: String?
    let transport: NetworkTransport
    private let world: Lock<DeviceSettings>
    private(set) var isLive: Bool
    /// The orders that were placed here, and how long the server took to decide.
    let journal: OrderJournal

    /// Opens the device where it was left.
    ///
    /// - Throws: `ToteError`, `Files.Failure`.
    init(_ options: Options) async throws {
        self.options = options
        try Files.makeDirectory(options.directory)
        var settings = try DeviceSettings.load(from: options.directory)
        if options.isGuest, !Files.exists(options.directory + "/store") {
            settings.isSignedOut = true
        }
        try settings.save(to: options.directory)
        let world = Lock(settings)
        self.world = world
        link = NetworkLink(
            to: options.server, profile: NetworkWords.kept(settings.network))
        transport = NetworkTransport(over: link)
        let uptime = SystemClock.device.reading
        var clock = SystemClock.device.skewed {
            let settings = world.withLock { $0 }
            guard settings.driftMillionths != 0 else { return settings.skewMilliseconds }
            return settings.skewMilliseconds
                + Int64(uptime().uptimeMilliseconds) * settings.driftMillionths / 1_000_000
        }
        clock.reading = { [reading = clock.reading] in
            var now = reading()
            let settings = world.withLock { $0 }
            now.bootID ^= settings.boots &* 0x9E37_79B9_7F4A_7C15
            now.uptimeMilliseconds -= min(now.uptimeMilliseconds, settings.bootedMilliseconds)
            return now
        }
        do {
            tote = try Tote(
                directory: options.directory + "/store", clock: clock, channel: options.channel)
        } catch {
            transport.close()
            throw error
        }
        journal = OrderJournal(options.directory + "/orders")
        isLive = options.isLive
        if options.store != nil {
            if await tote.joinedHandOff != nil {
                try await tote.resumeHandOff(transport: transport)
            }
        } else if !settings.isSignedOut, hasToken {
            try await signIn()
        }
        if isLive { await tote.start() }
        for entry in journal.entries where entry.fateAt == nil { watch(entry.receipt) }
    }

    var settings: DeviceSettings { world.withLock { $0 } }

    /// Changes what outlives the process; durable when it returns.
    func change(_ body: @Sendable (inout DeviceSettings) -> Void) throws(Files.Failure) {
        let settings = world.withLock { settings in
            body(&settings)
            return settings
        }
        try settings.save(to: options.directory)
    }

    var customer: String { settings.customer ?? options.customer }

    private var hasToken: Bool {
        settings.tokenFile ?? options.tokenFile ?? options.token != nil
    }

    var token: TokenProvider {
        let (file, secret) = (settings.tokenFile ?? options.tokenFile, options.token)
        return {
            guard let file else { return secret.map { AccessToken($0) } }
            let text = String(decoding: try Files.read(file), as: UTF8.self)
            let word = text.split(whereSeparator: \.isWhitespace).first
            return word.map { AccessToken(String($0)) }
        }
    }

    private func signIn(carts policy: CartPolicy = .union) async throws {
        try await tote.signIn(
            customer: customer, transport: transport, carts: policy, token: token)
    }

    /// Takes a customer's code, as a store's device.
    func join(_ code: String) async throws {
        guard let store = options.store else {
            throw VerbFailure(.usage, "this is no store's device: start it with --store STORE")
        }
        try await tote.joinHandOff(code, at: store, transport: transport, token: token)
    }

    func signIn(customer: String?, tokenFile: String?, carts policy: CartPolicy) async throws {
        try change { settings in
            settings.isSignedOut = false
            if let customer { settings.customer = customer }
            if let tokenFile { settings.tokenFile = tokenFile }
        }
        guard hasToken else {
            throw VerbFailure(
                .usage,
                "there is no token: start with --token-file FILE or TOTE_TOKEN, or name "
                    + "the file: sign-in \(self.customer) FILE")
        }
        try await signIn(carts: policy)
    }

    func signOut() async throws {
        try await tote.signOut()
        try change { $0.isSignedOut = true }
    }

    func setLive(_ isLive: Bool) async {
        self.isLive = isLive
        if isLive { await tote.start() } else { await tote.stop() }
    }

    func use(_ profile: NetworkProfile, named name: String) async throws {
        link.use(profile)
        try change { $0.network = name }
        if !profile.isOffline { await tote.networkMayBeBack() }
    }

    /// Syncs once and says how it went.
    func sync(within deadline: Duration) async -> String {
        // A retry would be in vain: the first try tells it all.
        let deadline = link.profile.isOffline ? .milliseconds(100) : deadline
        do {
            let report = try await tote.syncOnce(deadline: deadline)
            if report.isComplete { return "up to date" }
            return "not up to date: \(DeviceText.status(report.status)), "
                + "\(report.unsentCount) to be sent"
        } catch {
            return "not up to date: \(error.message)"
        }
    }

    /// Ends the device; everything is kept.
    func close() async {
        await tote.close()
        link.use(NetworkProfile.presets[0])
        transport.close()
    }

    /// Does what a line says.
    ///
    /// - Throws: `VerbFailure`.
    func run(_ line: String) async throws(VerbFailure) -> Answer {
        guard let parsed = try VerbLine.parse(line, among: DeviceVerbs.all) else {
            return Answer()
        }
        return try await perform(parsed)
    }

    /// Does what a line says that was read.
    func perform(_ line: VerbLine) async throws(VerbFailure) -> Answer {
        do {
            return try await run(line)
        } catch let failure as VerbFailure {
            throw failure
        } catch let error as ToteError {
            let code = error.rejection?.code ?? error.code.rawValue
            throw VerbFailure(.refused, "\(error.message) (\(code))", code: code)
        } catch {
            throw VerbFailure(.refused, "\(error)")
        }
    }
}
