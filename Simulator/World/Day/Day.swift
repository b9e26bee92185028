internal import ToteClient
internal import ToteCore
internal import ToteServer
package import ToteSQLite

/// A day of devices, counters and a server in one thread and in virtual time: the production cores
/// and the production sync machine over a network, clocks, disks and a server that fail as the seed
/// says. The same seed and limits make the same history, byte for byte.
///
/// Two phases. While faults are on, nothing may be wrong. Then nothing fails any more, and within
/// `settleMilliseconds` everything must be settled with nobody's help.
package final class Day {
    /// A request on its way, or waiting at the server.
    struct Message {
        var device: Int
        /// Of the device's app: an answer to an earlier start is nobody's.
        var launch: Int
        var id: SyncMachine.ID
        var number: UInt64
        var outgoing: Outgoing
        var token: String
        /// Milliseconds that its answer takes back.
        var back: UInt64
        /// What happens to the answer.
        var fault: Fault?
    }

    struct Answer {
        var status: Int
        var body: [UInt8]
        var isProblem: Bool
    }

    enum Step {
        case look(device: Int)
        case lookAtServer
        case act(device: Int, installation: Int)
        case putAway(device: Int, touches: Int)
        case counter
        case timer(device: Int, launch: Int, SyncMachine.ID)
        case token(device: Int, launch: Int, SyncMachine.ID)
        case arrive(Message)
        case commit
        case answer(Message, Answer)
        case fail(Message, String)
        case wake(device: Int, launch: Int)
        case online(device: Int)
        case heal
    }

    package let seed: UInt64
    package let options: DayOptions
    package internal(set) var history: [Stamped] = []
    /// How often each fault struck.
    package internal(set) var struck: [Fault: Int] = [:]
    /// What users and counters did.
    package internal(set) var acts = 0
    package internal(set) var exchanges = 0
    /// What came about, in order: acts of a device's user (`act 3.17`), deeds of a counter
    /// (`counter.5`), strikes of a fault (`reply-lost.12`). Each draws from a stream of its own, so
    /// that one that is left out changes no other's draws.
    package private(set) var events: [String] = []
    /// How many there were of each kind, with those that were left out.
    private var eventCounts: [String: UInt64] = [:]

    package var deviceCount: Int { phones.count }

    var timeline = Timeline<Step>()
    var now = Day.start
    var phones: [Phone] = []
    var site: Site
    /// Streams of their own, so that leaving out one thing changes the others as little as can be.
    var people: SeededGenerator
    /// When people act.
    var pace: SeededGenerator
    var weather: SeededGenerator
    /// Of each fault.
    private var streams: [Fault: SeededGenerator]
    /// Of the latest strike of each.
    private var strikeStreams: [Fault: SeededGenerator] = [:]
    let ids: SharedGenerator
    var isHealed = false
    var requests: UInt64 = 0
    /// The last request that was sent while there were faults.
    var lastFaultyRequest: UInt64 = 0
    /// Which change each dot on the wire stands for.
    var nonces: [Dot: Nonce] = [:]
    /// The changes that are in the history.
    var known: Set<Nonce> = []
    /// Until when nobody reaches the server.
    var partitionedUntil: UInt64 = 0
    /// Until when everything must be settled.
    private var deadline = UInt64.max

    static let start: UInt64 = 1_800_000_000_000
    /// How long everything may take to settle when nothing fails any more.
    package static let settleMilliseconds: UInt64 = 60_000
    static let store = "s-1"

    package init(
        seed: UInt64, limits: DayOptions.Limits = DayOptions.Limits(),
        pool: DatabasePool = DatabasePool()
    ) throws {
        self.seed = seed
        options = DayOptions(seed: seed, limits: limits)
        people = SeededGenerator(seed: seed ^ 0xBEEF)
        pace = SeededGenerator(seed: seed ^ 0xFACE)
        weather = SeededGenerator(seed: seed ^ 0xC10D)
        streams = Dictionary(
            uniqueKeysWithValues: Fault.allCases.enumerated().map { index, fault in
                (fault, SeededGenerator(seed: seed &+ UInt64(index + 1) &* 0x9E37_79B9))
            })
        let ids = SharedGenerator(seed: seed ^ 0xD1CE)
        self.ids = ids
        site = try Site(
            ids: ids, now: Self.start, customers: options.customers, hasDisk: options.hasDisks,
            pool: pool)
        note(
            .began(
                customers: options.customers,
                devices: options.customers * options.devicesEach, rates: options.rates))
        for customer in 0..<options.customers {
            for _ in 0..<options.devicesEach { try addPhone(of: customer) }
        }
        try openShop()
        timeline.plan(.lookAtServer, at: now + options.lookMilliseconds)
        timeline.plan(.counter, at: now + 5_000)
        timeline.plan(.heal, at: now + options.seconds * 1_000)
    }

    func note(_ record: Record) { history.append(Stamped(at: now - Self.start, record: record)) }

    func note(_ fault: Fault, device: Int? = nil) {
        struck[fault, default: 0] += 1
        note(.struck(fault, device: device))
    }

    /// Whether a fault strikes now.
    func strikes(_ fault: Fault) -> Bool {
        guard !isHealed, let rate = options.rates[fault],
            streams[fault]?.chance(rate, of: 1_000) ?? false,
            let stream = begin(fault.rawValue)
        else { return false }
        strikeStreams[fault] = stream
        return true
    }

    /// A number below a bound, out of a strike's own stream: how long, how far.
    func draw(_ fault: Fault, below bound: Int) -> Int {
        if strikeStreams[fault] == nil { strikeStreams[fault] = streams[fault] }
        return strikeStreams[fault]?.below(bound) ?? 0
    }

    /// Begins the next event of a kind.
    ///
    /// - Returns: what it draws from; `nil` for one that is left out.
    func begin(_ kind: String) -> SeededGenerator? {
        eventCounts[kind, default: 0] += 1
        let name = "\(kind).\(eventCounts[kind, default: 0])"
        guard !options.skipped.contains(name) else { return nil }
        events.append(name)
        // FNV-1a: the same in every process, as `hashValue` is not.
        let digest = name.utf8.reduce(0xCBF2_9CE4_8422_2325) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        return SeededGenerator(seed: seed ^ digest)
    }

    /// Runs the whole day and reads what everybody shows at its end.
    ///
    /// - Throws: `DayFailure` when it did not settle, or what a core could not do.
    package func run() throws {
        while try step() {}
        try end()
    }

    /// When the next thing happens, in milliseconds since the day began; `nil` when it is over.
    package var next: UInt64? {
        guard !isHealed || !isSettled, let next = timeline.next, next <= deadline else {
            return nil
        }
        return next - Self.start
    }

    /// Does the next thing.
    ///
    /// - Returns: whether there was one.
    package func step() throws -> Bool {
        guard next != nil, let (at, step) = timeline.take() else { return false }
        now = at
        try take(step)
        if isHealed, deadline == .max { deadline = now + Self.settleMilliseconds }
        return true
    }

    /// Reads what everybody shows, when it is over.
    ///
    /// - Throws: `DayFailure` when it did not settle.
    package func end() throws {
        guard isSettled else {
            let waiting = phones.filter { !$0.isSettled }.map { "\($0.number): \($0.standing)" }
            throw DayFailure(
                kind: .stuck, code: "not_settled",
                message: "not settled after 60 s: device \(waiting.joined(separator: ", "))")
        }
        note(.settled)
        try readTheEnd()
    }

    /// Somebody who watches cuts everybody off the server, or lets them reach it again.
    package var isEverybodyOffline: Bool {
        get { partitionedUntil > now }
        set {
            guard !isHealed else { return }
            partitionedUntil = newValue ? .max : now
            if newValue { note(.partition) }
        }
    }

    private func take(_ step: Step) throws {
        switch step {
        case .look(let device): try look(at: phones[device])
        case .lookAtServer: try lookAtServer()
        case .act(let device, let installation): try act(phones[device], installation)
        case .putAway(let device, let touches): try putAway(phones[device], touches)
        case .counter: try serveAtCounter()
        case .timer(let device, let launch, let id):
            try whenRunning(phones[device], launch) { try feed($0, .timerFired(id)) }
        case .token(let device, let launch, let id):
            try whenRunning(phones[device], launch) { try giveToken($0, id) }
        case .arrive(let message): arrive(message)
        case .commit: try commit()
        case .answer(let message, let answer): try receive(message, answer)
        case .fail(let message, let why):
            try whenRunning(phones[message.device], message.launch) { phone in
                phone.underWay[message.id] = nil
                try feed(phone, .failed(message.id, .noConnection(why)))
            }
        case .wake(let device, let launch): try wake(phones[device], launch)
        case .online(let device):
            let phone = phones[device]
            guard phone.isRunning else { return }
            try feed(phone, .networkMayBeBack)
        case .heal: try heal()
        }
    }

    /// All faults end: paused and killed apps come back, clocks go on as they are.
    private func heal() throws {
        isHealed = true
        lastFaultyRequest = requests
        partitionedUntil = 0
        mendDisks()
        note(.healed)
        try sendUnsent()
        try askAgain()
        for phone in phones {
            phone.offlineUntil = 0
            phone.captiveUntil = 0
            phone.stalledUntil = 0
            phone.deafUpUntil = 0
            phone.deafDownUntil = 0
            // A user who was signed out signs in again; from here on nobody helps.
            phone.guest?.joins = true
            phone.guest?.repeats = 0
            if !phone.isRunning || phone.isSignedOut || phone.isAway { try launch(phone) }
            while phone.guest != nil, phone.replica.outstandingCount == 0 { try join(phone) }
            try feed(phone, .networkMayBeBack)
        }
    }

    private var isSettled: Bool {
        isHealed && phones.allSatisfy(\.isSettled) && phones.allSatisfy(isUpToDate)
    }
}

/// A broken promise, or a day that did not settle.
package struct DayFailure: Error, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        case wrong, stuck
    }

    package var kind: Kind
    /// Stable: which promise.
    package var code: String
    package var message: String
    /// The records that prove it, as few as there can be.
    package var proof: [Stamped] = []

    package var description: String { "\(code): \(message)" }

    init(kind: Kind, code: String, message: String, proof: [Stamped] = []) {
        self.kind = kind
        self.code = code
        self.message = message
        self.proof = proof
    }

    /// Of whatever ended a day before its time.
    package init(_ error: any Error) {
        self =
            error as? DayFailure
            ?? DayFailure(kind: .wrong, code: "core_failed", message: "\(error)")
    }
}
