internal import ToteClient
package import ToteCore
internal import ToteServer
package import ToteSQLite

/// A server and devices in one thread: the production cores over a network, clocks and disks that
/// fail as the seed says. A run is its seed and nothing else.
package final class World {
    final class Device {
        var name: Int
        var replica: Replica
        /// Milliseconds that its wall clock is off.
        var skew: Int64 = 0
        var boot: UInt64 = 1
        /// Images of its disk to roll it back to.
        var saved: [[UInt8]] = []

        init(name: Int, replica: Replica) {
            self.name = name
            self.replica = replica
        }
    }

    enum Message {
        case request(device: Int, Outgoing)
        case reply(device: Int, Outgoing, status: Int, body: [UInt8], isProblem: Bool)
    }

    let seed: UInt64
    let family: WorldOptions.Family
    package let options: WorldOptions
    var random: SeededGenerator
    let ids: SharedGenerator
    /// Where files in memory come from.
    let pool: DatabasePool
    var server: Server
    var devices: [Device] = []
    var messages: [Message] = []
    var history = History()
    /// Milliseconds of true time.
    var now: UInt64 = 1_800_000_000_000
    var secret = ""
    var backups: [[UInt8]] = []
    /// Tokens of the store's counters.
    var counters: [String] = []
    /// The store's redeemer, its token, and what it keeps outside its file.
    var till: Device?
    var tillToken = ""
    var tillMark: RedeemerMark?
    /// The catalogue in force, as it is served.
    var served: [UInt8] = []
    /// Nonce of each dot that the present and former logs have held.
    var dotNonces: [Dot: Nonce] = [:]
    package private(set) var forksDeclared = 0
    package internal(set) var copiesMade = 0
    package private(set) var exchanges = 0
    /// Orders that were accepted, refused, and handed over.
    package internal(set) var ordersAccepted = 0
    package internal(set) var ordersRefused = 0
    /// Points and minor units by what the ledger did with them.
    package internal(set) var ledgerUnits: [LedgerEntry.Kind: Int64] = [:]
    /// Redemptions of the till by leases.
    package internal(set) var redeemedCutOff = 0
    package var ordersHandedOver: Int { history.handOvers.count }

    static let space = "customer:c-1"

    /// - Parameter keepsLines: whether a failure tells what happened before it. Without, run the
    ///   seed again: the same happens.
    package init(
        seed: UInt64, family: WorldOptions.Family, keepsLines: Bool = true,
        pool: DatabasePool = DatabasePool()
    ) throws {
        self.pool = pool
        self.seed = seed
        self.family = family
        history.keepsLines = keepsLines
        var random = SeededGenerator(seed: seed)
        options = WorldOptions(family: family, generator: &random)
        self.random = random
        let ids = SharedGenerator(seed: seed ^ 0xD1CE)
        self.ids = ids
        server = try Server(
            store: ServerStore(image: WorldImages.server, in: pool), random: { ids.next() })
        try mintToken()
        for name in 0..<options.devices {
            let replica = try newReplica(WorldImages.device)
            devices.append(Device(name: name, replica: replica))
        }
        if options.orders > 0 { try openStore() }
        if options.points > 0 { try openTill() }
        if options.wildClocks {
            for device in devices { device.skew = drawSkew() }
        }
    }

    /// A device that starts on the image of a file.
    func newReplica(_ image: [UInt8]) throws -> Replica {
        let ids = ids
        return try Replica(image: image, in: pool, random: { ids.next() })
    }

    private func mintToken() throws {
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "tokens"], requestID: "mint")
        request.isOperator = true
        let body =
            #"{"spaces":[{"space":"customer:c-1","#
            + #""write":["cart:*","wishlist:*","orders","ledger"]}]}"#
        request.body = Array(body.utf8)
        guard case .answer(let answer) = try inGroup({ try server.handle(request, at: now) }),
            let value = try? Encoding.json.value(answer.body),
            let token = value["token"]?.textValue
        else { throw fail(.wrong, "no token was minted") }
        secret = token
    }

    private func drawSkew() -> Int64 {
        let decade: Int64 = 10 * 365 * 24 * 3_600 * 1_000
        return Int64(random.next() % UInt64(2 * decade)) - decade
    }

    func fail(_ kind: WorldFailure.Kind, _ message: String) -> WorldFailure {
        WorldFailure(
            kind: kind, seed: seed, family: family, message: message,
            lines: history.lines)
    }

    func inGroup<Result>(_ body: () throws -> Result) throws -> Result {
        try server.begin()
        let result = try body()
        try server.commit()
        return result
    }

    func reading(_ device: Device) -> ClockReading {
        ClockReading(
            wallMilliseconds: UInt64(clamping: Int64(now) + device.skew),
            uptimeMilliseconds: now - 1_799_999_000_000, bootID: device.boot)
    }

    /// Phase one: everything may fail, nothing may be wrong. Phase two: nothing fails, all must
    /// settle.
    package func run() throws {
        for _ in 0..<options.steps {
            try step()
            if options.orders > 0 { try inGroup { try server.runDue(at: now) } }
            now += 1 + random.next() % 5_000
        }
        try settle()
        try judge()
    }

    private func step() throws {
        let device = devices[random.below(devices.count)]
        if random.chance(options.kills) { return try kill(device) }
        if random.chance(options.clones) { return try clone(device) }
        if random.chance(options.rollbacks) { return try rollBack(device) }
        if random.chance(options.backups) { return try backUp() }
        if random.chance(options.restores) { return try restore() }
        if random.chance(options.withdrawals) { return withdraw(device) }
        if random.chance(options.horizonJumps) { return try jump() }
        if options.points > 0, random.chance(options.points) { return try point(device) }
        if options.orders > 0, random.chance(options.orders) { return try order(device) }
        switch random.below(10) {
        case 0..<4: try edit(device)
        case 4..<6: try send(device)
        default: try deliver()
        }
    }

    func send(_ device: Device) throws {
        if let outgoing = try device.replica.nextRequest(
            at: reading(device), pullsAnyway: true)
        {
            messages.append(.request(device: device.name, outgoing))
            device.replica.checkInvariants()
        }
    }

    private func deliver() throws {
        guard !messages.isEmpty else { return }
        let index = random.below(messages.count)
        let message = messages[index]
        if !random.chance(options.duplicates) { messages.remove(at: index) }
        switch message {
        case .request(let device, let outgoing):
            guard !random.chance(options.lostRequests) else { return }
            let reply = try serve(device, outgoing)
            if !random.chance(options.lostReplies) { messages.append(reply) }
        case .reply: try take(message)
        }
    }

    /// The server's answer to a request.
    func serve(_ device: Int, _ outgoing: Outgoing) throws -> Message {
        exchanges += 1
        var request = ServerRequest(
            method: "POST",
            path: ["v1", "spaces", device == Self.tillName ? "store:s-1" : Self.space, "sync"],
            requestID: "r")
        request.authorization = "Bearer \(device == Self.tillName ? tillToken : secret)"
        for event in outgoing.request.changes where event.change.intent != nil {
            if history.served[event.change.nonce] == nil {
                history.served[event.change.nonce] = now
            }
        }
        request.contentType = Encoding.cbor.rawValue
        request.body = outgoing.body
        let handled = try inGroup { try server.handle(request, at: now) }
        guard case .answer(let answer) = handled else {
            throw fail(.wrong, "a request that does not wait was parked")
        }
        history.note(
            "\(now % 10_000_000) server: device \(device) \(outgoing.kind) "
                + "\(outgoing.request.changes.map { Hex.string($0.change.nonce).prefix(4) }) "
                + "→ \(answer.status) \(answer.code ?? "")")
        return .reply(
            device: device, outgoing, status: answer.status, body: answer.body,
            isProblem: answer.code != nil)
    }

    func take(_ message: Message) throws {
        guard case .reply(let name, let outgoing, let status, let body, let isProblem) = message
        else { return }
        guard let device = name == Self.tillName ? till : devices[name] else { return }
        let before = device.replica.id
        let outcome = try device.replica.receive(
            status: status, body: body, isProblem: isProblem, to: outgoing, at: reading(device))
        device.replica.checkInvariants()
        // Kept in step outside the file: a fork that a reply told of is a new incarnation.
        if name == Self.tillName { tillMark = device.replica.redeemerMark }
        history.note(
            "\(now % 10_000_000) device \(name): \(outcome), at "
                + "\(device.replica.cursor?.position ?? 0)")
        if device.replica.id != before {
            forksDeclared += 1
            if copiesMade == 0 { throw fail(.wrong, "a fork was declared where there is no copy") }
        }
        switch outcome {
        case .progress, .retry: break
        case .tokenRefused, .updateRequired, .halted:
            throw fail(.wrong, "device \(name) gave up: \(outcome)")
        }
    }

    /// Remembers which nonce each dot of the server's log stands for.
    func learn() throws {
        for event in try server.judgedEvents(space: Self.space) where event.outcome == .accepted {
            dotNonces[event.dot] = event.change.nonce
        }
    }

    private func kill(_ device: Device) throws {
        let ids = ids
        device.replica = try Replica(after: device.replica, random: { ids.next() })
        if random.chance(50) {
            device.boot += 1
            if options.wildClocks { device.skew = drawSkew() }
        }
        history.note("device \(device.name) killed and started")
    }

    private func withdraw(_ device: Device) {
        guard let entry = device.replica.pending.last, !entry.change.isEmpty else { return }
        // A copy of the change may live on another device: then it is not withdrawn for good.
        guard options.clones == 0, options.rollbacks == 0 else { return }
        if (try? device.replica.withdraw(entry.change.nonce)) != nil {
            history.edits[entry.change.nonce]?.isWithdrawn = true
            history.note(
                "device \(device.name) withdrew \(Hex.string(entry.change.nonce).prefix(4))")
        }
    }

    private func jump() throws {
        // Thrice stays within the 400 days for which fates are kept.
        guard now < 1_800_000_000_000 + 3 * Limits.horizonMilliseconds else { return }
        now += Limits.horizonMilliseconds + 1
        try inGroup { try server.sweepAll(at: now) }
        history.note("time jumps beyond the horizon")
    }
}

extension World {
    /// What the verifier finds in the server's file.
    func faults() throws -> [String] { try Verifier.faults(of: server.store) }

    fileprivate func clone(_ device: Device) throws {
        guard devices.count < 7 else { return }
        let copy = Device(
            name: devices.count, replica: try newReplica(device.replica.image()))
        copy.skew = device.skew
        copy.boot = random.chance(50) ? device.boot : random.next() >> 8
        devices.append(copy)
        copiesMade += 1
        history.note("device \(device.name) copied as \(copy.name)")
    }

    fileprivate func rollBack(_ device: Device) throws {
        let image = try device.replica.image()
        if let old = device.saved.last, random.chance(60) {
            device.replica = try newReplica(old)
            copiesMade += 1
            history.note("device \(device.name) rolled back")
            try noteLosses()
        } else {
            device.saved.append(image)
        }
    }

    fileprivate func backUp() throws {
        let moment = try inGroup { try server.beginBackup(at: now) }
        backups.append(try server.image())
        try inGroup { try server.noteBackup(begunAt: moment) }
        history.note("backup")
    }

    fileprivate func restore() throws {
        guard let image = backups.last else { return }
        try learn()
        let ids = ids
        let store = try ServerStore(image: image, in: pool)
        try store.setMeta("is_backup", 1)
        server = try Server(store: store, random: { ids.next() })
        history.note("server restored")
        if options.points > 0 { try replayGifts() }
        // One fault at a time loses nothing: only with disks rolled back as well may a change be on
        // none.
        if options.rollbacks > 0 || options.horizonJumps > 0 { try noteLosses() }
    }

    /// Marks what is on no disk any more, neither a device's nor the server's: it cannot arrive.
    private func noteLosses() throws {
        var held = Set(try server.judgedEvents(space: Self.space).map(\.change.nonce))
        for device in devices { held.formUnion(try device.replica.heldNonces()) }
        for nonce in history.edits.keys where !held.contains(nonce) {
            history.edits[nonce]?.mayBeLost = true
        }
    }
}
