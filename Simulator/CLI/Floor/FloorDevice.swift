import CLinux
import ToteClient
import ToteConcurrency
import ToteSQLite
import ToteSimulation

/// A device on a shop floor: the client core in a directory, and what its user has open.
final class FloorDevice: Sendable {
    /// Whose it is.
    enum Owner: Hashable, Sendable {
        case customer(Int)
        /// The store's, by its number.
        case store(Int)
    }

    private struct State {
        var session: DeviceSession?
        var open: [String: SharedSpace] = [:]
        /// Since when it runs on a good network, in milliseconds of virtual time.
        var goodSince = UInt64.max
        /// Until when something may have kept it from erasing what it should.
        var badDiskUntil: UInt64 = 0
        var diskFailures = 0
        /// How often it was started.
        var starts = 0
        var hasSaved = false
        var isRetired = false
        /// A sign-in threw: it is to be called again.
        var isHalfIn = false
    }

    let number: Int
    let owner: Owner
    private let options: DeviceSession.Options
    nonisolated(unsafe) private let disk: FailingDirectory
    private let state = Lock(State())

    init(number: Int, owner: Owner, _ options: DeviceSession.Options) {
        self.number = number
        self.owner = owner
        self.options = options
        disk = FailingDirectory(options.directory)
    }

    var name: String { options.name }
    var directory: String { options.directory }
    var session: DeviceSession? { state.withLock { $0.session } }
    var starts: Int { state.withLock { $0.starts } }
    var goodSince: UInt64 { state.withLock { $0.goodSince } }
    /// Whether its user is done with it.
    var isRetired: Bool {
        get { state.withLock { $0.isRetired } }
        set { state.withLock { $0.isRetired = newValue } }
    }

    /// Starts the app on what is in its directory; leaves it as it is where its disk fails.
    ///
    /// - Throws: what keeps it from starting.
    func start() throws {
        guard session == nil else { return }
        let mayFail = !disk.failures.isEmpty
        let opened = Blocking.wait { [options] () async -> Result<DeviceSession, any Error> in
            do { return .success(try await DeviceSession(options)) } catch {
                return .failure(error)
            }
        }
        if case .failure = opened, mayFail { return }
        let fresh = try opened.get()
        state.withLock { state in
            state.session = fresh
            state.starts += 1
            state.isHalfIn = false
            state.goodSince = SystemClock.nowMilliseconds()
        }
        if Blocking.wait({ await fresh.settings.network }) != NetworkProfile.usual { turnBad() }
    }

    /// Ends the process at once; what is in its directory is found again as it is now.
    ///
    /// - Parameters:
    ///   - keepsNothing: ends it whatever becomes of its directory.
    ///   - seed: says what is lost of what was not synced; `nil` where there is power.
    func end(keepsNothing: Bool = false, losing seed: UInt64? = nil) throws {
        let session = state.withLock { state in
            defer { (state.session, state.open, state.goodSince) = (nil, [:], .max) }
            return state.session
        }
        guard let session else { return }
        let lines = DeviceLines(session: session)
        if keepsNothing { return lines.vanish() }
        try Files.keeping(directory, on: disk, losing: seed) { lines.vanish() }
    }

    func use(_ profile: NetworkProfile) throws {
        turnBad()
        guard let session else { return }
        let failed = Blocking.wait { () async -> (any Error)? in
            do {
                try await session.use(profile, named: profile.name)
                return nil
            } catch {
                return error
            }
        }
        if let failed { throw failed }
        if profile.name == NetworkProfile.usual, self.session != nil {
            state.withLock { $0.goodSince = SystemClock.nowMilliseconds() }
        }
    }

    /// Its network is as usual, and stays so for a while.
    func turnGood() throws {
        guard goodSince == .max else { return }
        try use(.preset(NetworkProfile.usual) ?? .presets[0])
    }

    /// Its network is not to be relied on from now on.
    func turnBad() { state.withLock { $0.goodSince = .max } }

    /// Signs its customer in.
    func signIn(_ session: DeviceSession, carts policy: CartPolicy) async throws {
        state.withLock { $0.isHalfIn = true }
        try await session.signIn(customer: nil, tokenFile: nil, carts: policy)
        state.withLock { $0.isHalfIn = false }
    }

    /// Whether it is to be signed in although an account shows.
    func isOut(_ tote: Tote) async -> Bool {
        if state.withLock({ $0.isHalfIn }) { return true }
        return await tote.status == .signedOut
    }

    // Its disk.

    /// Within how many milliseconds it does what it could not while its disk failed.
    private static let afterMend: UInt64 = 40_000

    /// Whether its disk keeps it from erasing what it should, or did so a moment ago. A full one
    /// does not.
    var isDiskBad: Bool {
        state.withLock { state in
            let now = SystemClock.nowMilliseconds()
            let isFull = disk.failures[.write]?.isFull ?? false
            if !isFull, !disk.failures.isEmpty || disk.failureCount != state.diskFailures {
                state.badDiskUntil = now + Self.afterMend
            }
            state.diskFailures = disk.failureCount
            return now < state.badDiskUntil
        }
    }

    func fail(_ isFull: Bool, _ weather: inout SeededGenerator) {
        disk.fail(isFull, &weather)
        _ = isDiskBad
    }

    /// Somebody makes room, or the disk goes on by itself; the app starts where it could not.
    func mend() throws {
        _ = isDiskBad
        disk.failures = [:]
        try start()
    }

    // What befalls its directory, while it does not run.

    func reinstall() {
        Files.remove(directory)
        Files.remove(directory + ".saved")
        disk.unsynced = [:]
        state.withLock { $0.hasSaved = false }
    }

    /// Saves the directory, or puts back what was saved.
    ///
    /// - Returns: whether it was put back.
    func saveOrRollBack() throws -> Bool {
        let saved = directory + ".saved"
        guard state.withLock({ $0.hasSaved }) else {
            try Files.copyDirectory(directory, to: saved)
            state.withLock { $0.hasSaved = true }
            return false
        }
        try Files.copyDirectory(saved, to: directory)
        disk.unsynced = [:]
        state.withLock { $0.hasSaved = false }
        return true
    }

    /// Another device with the same directory.
    func copied(as number: Int, tokenFile: String) throws -> FloorDevice {
        var options = options
        options.tokenFile = tokenFile
        options.name = "\(options.name)-copy-\(number)"
        options.directory = "\(directory)-copy-\(number)"
        try Files.copyDirectory(directory, to: options.directory)
        return FloorDevice(number: number, owner: owner, options)
    }

    // What is shared.

    /// What is open of what is shared; opens it where it is not.
    func open(_ space: String, in session: DeviceSession) async throws -> SharedSpace {
        if let open = state.withLock({ $0.open[space] }) { return open }
        let opened =
            if let store = options.store {
                try await session.tote.openShare(
                    space, at: store, transport: session.transport, token: session.token)
            } else {
                try await session.tote.openShare(space)
            }
        await use(opened, in: session)
        return opened
    }

    func use(_ share: SharedSpace, in session: DeviceSession) async {
        await share.start()
        state.withLock { state in
            if state.session === session { state.open[share.id] = share }
        }
    }

    /// The account shows no more, or nobody looks at what is open.
    func closeShares() {
        let open = state.withLock { state in
            defer { state.open = [:] }
            return state.open
        }
        Task { for share in open.values { await share.stop() } }
    }

    /// The marks that are anywhere in its directory, by a search for their bytes.
    func marks() -> Set<String> { Self.marks(in: directory) }

    /// What every mark begins and ends with, see `FloorBook.prefix`.
    static let sign = "zq"

    static func marks(in directory: String) -> Set<String> {
        var found: Set<String> = []
        for name in Files.names(in: directory) {
            let path = directory + "/" + name
            if Files.isDirectory(path) {
                found.formUnion(marks(in: path))
            } else if let bytes = try? Files.read(path) {
                collect(&found, from: bytes)
            }
        }
        return found
    }

    /// Collects what stands between two signs, with them.
    private static func collect(_ found: inout Set<String>, from bytes: [UInt8]) {
        let sign = Array(sign.utf8)
        bytes.withUnsafeBytes { bytes in
            var place = 0
            while place < bytes.count,
                let next = memmem(
                    bytes.baseAddress.map { $0 + place }, UInt(bytes.count - place), sign,
                    UInt(sign.count))
            {
                let start = bytes.baseAddress.map { UnsafeRawPointer(next) - $0 } ?? 0
                place = start + sign.count
                let rest = bytes[place...].prefix(20)
                let name = rest.prefix { $0 != sign[0] }
                guard rest.dropFirst(name.count).starts(with: sign) else { continue }
                found.insert(
                    Self.sign + String(decoding: name, as: UTF8.self) + Self.sign)
            }
        }
    }
}
