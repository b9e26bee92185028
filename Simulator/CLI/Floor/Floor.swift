import ToteClient
import ToteConcurrency
import ToteCore
import ToteSimulation

/// An hour on a shop floor, in virtual time: customers with phones, a store's tablets, associates,
/// guests, lists and totes, all of them the whole production client over the production service,
/// while networks, clocks, devices and the server fail as the seed says.
///
/// Where a `Day` has the synchronous cores alone, this has what is around them: what erases what a
/// device has no right to any more. Two phases, as there: while faults are on nothing may be wrong;
/// then nothing fails any more, and everything must settle.
final class Floor: Sendable {
    struct Limits: Sendable {
        var without: Set<Fault> = []
        var seconds = 1_500
    }

    /// What a floor came to.
    struct Outcome: Sendable {
        let seed: UInt64
        let failure: FloorFailure?
        let acts: [String: Int]
        let refusals: [String: Int]
        let struck: [String: Int]
        let notes: [String]
        let directory: String
    }

    private struct State {
        var devices: [FloorDevice] = []
        var isHealed = false
        /// The ids of the tokens of each device that are in force.
        var tokens: [Int: [String]] = [:]
        var handOffs: [HandOff.ID: HandOffFacts] = [:]
        /// Since when the server runs.
        var serverSince = SystemClock.nowMilliseconds()
    }

    struct HandOffFacts: Sendable {
        var customer: Int
        var mayAllowPoints = false
        var endedAt: UInt64?
    }

    static let store = "cafe"
    static let otherStore = "other"
    static let actMilliseconds: UInt64 = 9_000

    let seed: UInt64
    let limits: Limits
    let directory: String
    let book: FloorBook
    let server: VirtualServer
    let administrator: Administrator
    let rates: Set<Fault>
    let customers: Int
    private let state = Lock(State())

    /// Runs a floor from its beginning to its end, in virtual time.
    static func run(seed: UInt64, limits: Limits) -> Outcome {
        VirtualRun.run(seed: seed) {
            var directory = ""
            do {
                directory = try Files.makeTemporaryDirectory()
                Keeper.shared.removeAtEnd(directory)
                let floor = try Floor(seed: seed, limits: limits, in: directory)
                floor.run()
                let book = floor.book.snapshot
                return Outcome(
                    seed: seed, failure: book.failure, acts: book.acts, refusals: book.refusals,
                    struck: book.struck, notes: book.notes, directory: directory)
            } catch {
                return Outcome(
                    seed: seed, failure: FloorFailure(code: "not_begun", message: "\(error)"),
                    acts: [:], refusals: [:], struck: [:], notes: [], directory: directory)
            }
        }
    }

    private init(seed: UInt64, limits: Limits, in directory: String) throws {
        self.seed = seed
        self.limits = limits
        self.directory = directory
        book = FloorBook()
        server = try VirtualServer(in: directory, failing: true)
        administrator = Administrator(place: server.operatorPlace, token: nil)
        var random = SeededGenerator(seed: seed ^ 0xF100)
        customers = 2 + random.below(2)
        rates = Self.rates(&random).subtracting(limits.without)
        try openStore()
        for customer in 0..<customers {
            for _ in 0...random.below(2) { try addPhone(of: customer) }
        }
        for tablet in 0..<2 { try addTablet(tablet) }
    }

    /// Which faults strike: a swarm, as of days.
    private static func rates(_ random: inout SeededGenerator) -> Set<Fault> {
        var rates = Set(faults.filter { _ in random.chance(55) })
        // What a copy erased may come back at a restored server (Protocol §6.4): here it is
        // either.
        if random.chance(60) {
            rates.remove(.restored)
        } else {
            rates.subtract([.copied, .rolledBack])
        }
        return rates
    }

    var devices: [FloorDevice] { state.withLock { $0.devices } }
    var isHealed: Bool { state.withLock { $0.isHealed } || book.snapshot.failure != nil }
    var serverSince: UInt64 {
        get { state.withLock { $0.serverSince } }
        set { state.withLock { $0.serverSince = newValue } }
    }

    func note(_ id: HandOff.ID, isOf customer: Int) {
        state.withLock { state in
            if state.handOffs[id] == nil { state.handOffs[id] = HandOffFacts(customer: customer) }
        }
    }

    func note(allowed id: HandOff.ID) {
        state.withLock { $0.handOffs[id]?.mayAllowPoints = true }
    }

    func note(ended id: HandOff.ID) {
        let now = book.now
        state.withLock { $0.handOffs[id]?.endedAt = now }
    }

    func mayAllowPoints(_ id: HandOff.ID) -> Bool {
        state.withLock { $0.handOffs[id]?.mayAllowPoints ?? false }
    }

    func hasToken(_ device: FloorDevice) -> Bool {
        state.withLock { $0.tokens[device.number]?.isEmpty == false }
    }

    func takeTokens(of number: Int) -> [String] {
        state.withLock { $0.tokens.removeValue(forKey: number) ?? [] }
    }

    func facts(of id: HandOff.ID) -> HandOffFacts? { state.withLock { $0.handOffs[id] } }

    func add(_ device: FloorDevice) { state.withLock { $0.devices.append(device) } }

    // The cast.

    private func openStore() throws {
        _ = try administrator.importCatalog(try Self.catalog(teaPrice: 320))
        for store in [Self.store, Self.otherStore] {
            let minted = try administrator.mint(counter: store, store: store, isManager: false)
            try write(minted.secret, as: "counter-\(store)")
        }
    }

    static func catalog(teaPrice: Int) throws -> Value {
        func shop(_ id: String) -> String {
            #"{"id":"\#(id)","names":{"en":"\#(id)"},"currency":"EUR","tax_included":true,"#
                + #""taxes":{"drink":100000},"open":[[0,4102444800000]],"slot_minutes":10,"#
                + #""preparation_minutes":5,"slot_capacity":500,"expire_minutes":60,"#
                + #""late_minutes":[5,10],"name_policy":"first"}"#
        }
        return try Encoding.json.value(
            Array(
                (#"{"products":[{"sku":"tea","names":{"en":"Tea"},"tax":"drink","#
                    + #""price":{"EUR":\#(teaPrice)}}],"#
                    + #""stores":[\#(shop(store)),\#(shop(otherStore))],"#
                    + #""programme":{"names":{"en":"Beans"},"rewards":[],"#
                    + #""earn":[{"currency":"EUR","points":1,"per":10,"rounding":"down"}],"#
                    + #""leases":{"points_max":2000,"share":1000}}}"#).utf8))
    }

    private func write(_ secret: String, as name: String) throws {
        try Files.write(Array((secret + "\n").utf8), to: "\(directory)/\(name).token")
    }

    func tokenFile(of number: Int) -> String { "\(directory)/device-\(number).token" }

    func secret(_ name: String) -> String {
        let bytes = (try? Files.read("\(directory)/\(name).token")) ?? []
        return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
    }

    /// Mints another token of a customer's device, which finds it when it asks for one.
    func mint(_ customer: Int, device number: Int) throws {
        let answer = try administrator.call(
            "POST", "/v1/admin/tokens",
            .map([
                "spaces": .array([
                    .map(["space": .text(FloorBook.space(ofCustomer: customer))])
                ])
            ]))
        guard let secret = answer["token"]?.textValue, let id = answer["id"]?.textValue else {
            throw FloorFailure(code: "no_token", message: "no token was minted")
        }
        try write(secret, as: "device-\(number)")
        state.withLock { $0.tokens[number, default: []].append(id) }
    }

    private func addPhone(of customer: Int) throws {
        let number = devices.count
        try mint(customer, device: number)
        var options = DeviceSession.Options(
            name: "phone-\(customer)-\(number)", server: server.place,
            directory: "\(directory)/devices/phone-\(number)")
        options.customer = FloorBook.customerID(customer)
        options.tokenFile = tokenFile(of: number)
        add(FloorDevice(number: number, owner: .customer(customer), options))
    }

    private func addTablet(_ tablet: Int) throws {
        let minted = try administrator.mint(
            counter: "tablet-\(tablet)", store: Self.store, isManager: false)
        try write(minted.secret, as: "tablet-\(tablet)")
        let number = devices.count
        var options = DeviceSession.Options(
            name: "tablet-\(tablet)", server: server.place,
            directory: "\(directory)/devices/tablet-\(number)")
        options.tokenFile = "\(directory)/tablet-\(tablet).token"
        options.store = Self.store
        options.channel = .tablet
        add(FloorDevice(number: number, owner: .store(tablet), options))
    }

    // The hour.

    private func run() {
        do {
            for device in devices { try device.start() }
            var threads = devices.map { device in
                startThread(named: device.name) { [self] in live(device) }
            }
            threads.append(startThread(named: "weather") { [self] in strike() })
            threads.append(startThread(named: "counter") { [self] in serve() })
            threads.append(startThread(named: "inspector") { [self] in inspect() })
            let end = book.now + UInt64(limits.seconds) * 1_000
            while book.now < end, book.snapshot.failure == nil { SystemClock.pause(.seconds(1)) }
            state.withLock { $0.isHealed = true }
            for thread in threads { thread.join() }
            for thread in copies { thread.join() }
            if book.snapshot.failure == nil { try judge() }
        } catch let failure as FloorFailure {
            book.fail(failure.code, failure.message)
        } catch {
            book.fail("broke_off", "\(error)")
        }
        for device in devices { try? device.end(keepsNothing: true) }
        server.end()
    }

    private let copyThreads = Lock<[JoinableThread]>([])
    private var copies: [JoinableThread] { copyThreads.withLock { $0 } }
    var copyCount: Int { copies.count }

    /// A copied device has a user, too.
    func begin(_ device: FloorDevice) throws {
        add(device)
        try device.start()
        let thread = startThread(named: device.name) { [self] in live(device) }
        copyThreads.withLock { $0.append(thread) }
    }
}
