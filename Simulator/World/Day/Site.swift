internal import ToteClient
internal import ToteCore
internal import ToteServer
internal import ToteSQLite

/// The server's side of a day: the production server over a file in memory, and what its shell
/// does for it: groups, answers after the commit, and requests that wait.
final class Site {
    struct Waiting {
        var message: Day.Message
        var parked: Parked
    }

    private(set) var server: Server
    let pool: DatabasePool
    /// Where the data file is, in a day of disks that fail.
    private(set) var disk: SimulatedDisk?
    let ids: SharedGenerator
    /// Tokens of the customers, and of the store's counters.
    var tokens: [Token] = []
    /// For each customer a token that opens everything: it signs codes.
    var keys: [String] = []
    var counters: [String] = []
    /// Requests of the group that is open.
    var group: [Day.Message] = []
    var waiting: [Waiting] = []
    /// A backup, and what it is a backup of.
    var backup: Drive?
    /// Until when it answers nobody, and until when it sends everybody away.
    var downUntil: UInt64 = 0
    var busyUntil: UInt64 = 0
    /// The catalogue in force, as it is served.
    var served: [UInt8] = []
    var catalogs = 0
    /// What the operator gave, and what of it is still to be entered.
    var gifts: [Gift] = []
    var unsent: [Gift] = []
    /// Hand-overs that no answer came to: sent again as they were.
    var unanswered: [HandOver] = []

    struct Token {
        var secret: String
        var id: String
        /// When it was minted.
        var since: UInt64
        /// How long one is good at least.
        static let leastMilliseconds: UInt64 = 120_000
    }

    struct HandOver {
        var counter: Int
        var order: OrderID
        var key: String
    }

    struct Gift {
        var customer: Int
        var units: Int64
        var reference: String
    }

    init(
        ids: SharedGenerator, now: UInt64, customers: Int, hasDisk: Bool, pool: DatabasePool
    ) throws {
        self.ids = ids
        self.pool = pool
        disk = hasDisk ? SimulatedDisk() : nil
        disk?.put(WorldImages.server, at: Day.file)
        server = try Server(
            store: Self.store(on: disk.map { .disk($0) } ?? .image(WorldImages.server), pool),
            random: { ids.next() })
        try inGroup {
            for customer in 0..<customers {
                tokens.append(try mint(customer, now))
                let key = try handle(
                    "POST", "v1/admin/tokens",
                    "{\"spaces\":[{\"space\":\"customer:c-\(customer)\"}]}", at: now)
                keys.append(key.value["token"]?.textValue ?? "")
            }
            for counter in 0..<2 {
                let answer = try handle(
                    "POST", "v1/admin/tokens",
                    "{\"spaces\":[{\"space\":\"store:\(Day.store)\"}],\"role\":\"staff\","
                        + "\"label\":\"counter \(counter)\"}", at: now)
                counters.append(answer.value["token"]?.textValue ?? "")
            }
        }
    }

    func mint(_ customer: Int, _ now: UInt64) throws -> Token {
        let answer = try handle(
            "POST", "v1/admin/tokens",
            "{\"spaces\":[{\"space\":\"customer:c-\(customer)\","
                + "\"write\":[\"cart:*\",\"wishlist:*\",\"orders\",\"ledger\"]}]}", at: now)
        guard let token = answer.value["token"]?.textValue, let id = answer.value["id"]?.textValue
        else {
            throw DayFailure(
                kind: .wrong, code: "no_token", message: "no token was minted: \(answer.value)")
        }
        return Token(secret: token, id: id, since: now)
    }

    func store(on drive: Drive) throws -> ServerStore { try Self.store(on: drive, pool) }

    private static func store(on drive: Drive, _ pool: DatabasePool) throws -> ServerStore {
        switch drive {
        case .image(let image): return try ServerStore(image: image, in: pool)
        case .disk(let disk):
            var options = Database.Options()
            options.disk = disk
            options.isExclusive = true
            return try ServerStore(path: Day.file, options: options)
        }
    }

    /// A copy of the server's file.
    func takeBackup() throws {
        backup = try disk.map { .disk($0.copy()) } ?? .image(server.image())
    }

    /// The backup, marked as one.
    func restorable(_ backup: Drive) throws -> Drive {
        switch backup {
        case .image(let image):
            let store = try ServerStore(image: image, in: pool)
            try store.setMeta("is_backup", 1)
            return .image(try store.image())
        case .disk(let disk):
            let copy = disk.copy()
            try store(on: .disk(copy)).setMeta("is_backup", 1)
            return .disk(copy)
        }
    }

    /// The process ends and starts again on its file: who waited is cut off.
    ///
    /// - Parameters:
    ///   - backup: another file in its place.
    ///   - random: when the power was gone, see `SimulatedDisk.restarted`.
    func restart(_ backup: Drive?, losing random: (() -> UInt64)?) throws {
        if let disk {
            var next = disk.restarted(losing: random)
            if case .disk(let backup) = backup { next = backup.copy() }
            self.disk = next
            server = try Server(store: store(on: .disk(next)), random: { [ids] in ids.next() })
        } else {
            let store = try backup.map(store(on:)) ?? ServerStore(after: server.store)
            server = try Server(store: store, random: { [ids] in ids.next() })
        }
    }

    func inGroup<Result>(_ body: () throws -> Result) throws -> Result {
        try server.begin()
        let result = try body()
        try server.commit()
        return result
    }

    /// A request of the operator or of a counter, in the open group.
    func handle(
        _ method: String, _ path: String, _ body: String = "", token: String? = nil,
        version: Int64? = nil, key: String? = nil, query: [String: String] = [:], at now: UInt64
    ) throws -> (status: Int, value: Value) {
        var request = ServerRequest(
            method: method, path: path.split(separator: "/").map(String.init), requestID: "r")
        request.isOperator = token == nil
        request.authorization = token.map { "Bearer \($0)" }
        request.ifMatch = version.map { "\"\($0)\"" }
        request.idempotencyKey = key
        request.query = query
        request.body = Array(body.utf8)
        guard case .answer(let answer) = try server.handle(request, at: now) else {
            return (0, .null)
        }
        return (answer.status, (try? Encoding.json.value(answer.body)) ?? .null)
    }

    static func request(_ message: Day.Message, customer: Int) -> ServerRequest {
        var request = ServerRequest(
            method: "POST", path: ["v1", "spaces", "customer:c-\(customer)", "sync"],
            requestID: "r")
        request.authorization = "Bearer \(message.token)"
        request.contentType = Encoding.cbor.rawValue
        request.body = message.outgoing.body
        return request
    }

    /// What a device with this cursor would be told now.
    func pull(_ customer: Int, _ cursor: Cursor?, at now: UInt64) throws -> SyncReply? {
        var pull = SyncRequest(replica: ReplicaID(0xFFFF_FFFF), cursor: cursor)
        pull.wantsWhole = true
        var request = ServerRequest(
            method: "POST", path: ["v1", "spaces", "customer:c-\(customer)", "sync"],
            requestID: "r")
        request.authorization = "Bearer \(tokens[customer].secret)"
        request.contentType = Encoding.cbor.rawValue
        request.body = Encoding.cbor.encode(pull)
        guard case .answer(let answer) = try inGroup({ try server.handle(request, at: now) }),
            answer.status == 200
        else { return nil }
        return try? Encoding.cbor.reply(answer.body)
    }
}

extension Day {
    /// Milliseconds for which the server waits for more requests to commit with the first one.
    private static let groupMilliseconds: UInt64 = 2

    func arrive(_ message: Message) {
        guard now >= site.downUntil else {
            return timeline.plan(.fail(message, "refused"), at: now + message.back)
        }
        guard now >= site.busyUntil else {
            let problem =
                #"{"type":"about:blank","status":503,"code":"draining","#
                + #""did_not_happen":true,"detail":"later"}"#
            return reply(message, Answer(status: 503, body: Array(problem.utf8), isProblem: true))
        }
        if site.group.isEmpty { timeline.plan(.commit, at: now + Self.groupMilliseconds) }
        site.group.append(message)
    }

    /// Judges a group, makes it durable, and only then answers.
    func commit() throws {
        let group = site.group
        site.group = []
        guard !group.isEmpty, now >= site.downUntil else { return }
        var answers: [(Message, Answer)] = []
        var tickets: [Record] = []
        let judged = try whileStoring(group) {
            var parking: [Site.Waiting] = []
            try site.server.begin()
            try site.server.runDue(at: now)
            for message in group {
                let request = Site.request(message, customer: phones[message.device].customer)
                switch try site.server.handle(request, at: now) {
                case .answer(let response):
                    let answer = Self.answer(response)
                    if let ticketed = learn(message, answer) { tickets.append(ticketed) }
                    answers.append((message, answer))
                case .park(let parked):
                    parking.append(Site.Waiting(message: message, parked: parked))
                }
            }
            return parking
        }
        guard let parking = judged else { return }
        if strikes(.crashBeforeCommit) {
            note(.crashBeforeCommit)
            return try crash(group)
        }
        // Before anybody is woken: what one of a group asks for, another may have just written.
        let woken = try whileStoring(group) {
            site.waiting += parking
            return try wakeWaiting()
        }
        guard let woken else { return }
        guard try commitGroup(group) else { return }
        exchanges += group.count
        for ticketed in tickets { note(ticketed) }
        if strikes(.crashAfterCommit) {
            note(.crashAfterCommit)
            return try crash(group)
        }
        for (message, answer) in answers + woken { reply(message, answer) }
    }

    /// Remembers which change each dot is that the server has accepted, as its answer says before
    /// the network has it. (A copied device may have given the name of one to another.)
    ///
    /// - Returns: the ticket that it gives, if it does.
    private func learn(_ message: Message, _ answer: Answer) -> Record? {
        let request = message.outgoing.request
        guard !request.changes.isEmpty, answer.status == 200,
            let reply = try? Encoding.cbor.reply(answer.body)
        else { return nil }
        for (event, fate) in zip(request.changes, reply.fates)
        where fate.rejection == nil && fate.sameAs == nil {
            nonces[event.dot] = event.change.nonce
        }
        return reply.ticket.map { given in
            .ticketed(
                request.replica, epoch: reply.cursor.epoch, shown: request.ticket, given: given,
                request.changes.map(\.change.nonce))
        }
    }

    /// Does what reads and writes in the open group, as the server's commit thread does: when the
    /// file cannot be used, nothing of the group happened, and who asked is told.
    private func whileStoring<Result>(
        _ group: [Message], _ body: () throws -> Result
    ) throws -> Result? {
        let waiting = site.waiting
        do {
            return try body()
        } catch let error as SQLiteError where site.disk != nil && !error.isCorrupt {
            site.waiting = waiting
            try giveUp(group)
            return nil
        }
    }

    /// Undoes a group; a server that cannot even do that ends.
    private func giveUp(_ group: [Message]) throws {
        do {
            try site.server.rollBack()
            refuse(group)
        } catch is SQLiteError {
            try crash(group)
        }
    }

    /// Makes a group durable. A disk that is full refused it for certain; after any other error it
    /// is open whether it did, and the process ends.
    ///
    /// - Returns: whether its answers may be sent; if not, who asked was told what there is to.
    private func commitGroup(_ group: [Message]) throws -> Bool {
        do {
            try site.server.commit()
            return true
        } catch let error as SQLiteError where error.isFull {
            try giveUp(group)
        } catch is SQLiteError where site.disk != nil {
            try crash(group)
        }
        return false
    }

    private func refuse(_ group: [Message]) {
        let problem =
            #"{"type":"about:blank","status":503,"code":"storage_unavailable","#
            + #""did_not_happen":true,"detail":"later"}"#
        let answer = Answer(status: 503, body: Array(problem.utf8), isProblem: true)
        // What waited among them was parked in this group, and is refused with it.
        let numbers = Set(group.map(\.number))
        site.waiting.removeAll { numbers.contains($0.message.number) }
        for message in group { reply(message, answer) }
    }

    private static func answer(_ response: ServerResponse) -> Answer {
        Answer(status: response.status, body: response.body, isProblem: response.code != nil)
    }

    /// Answers who waits for what the open group has written, or has waited long enough.
    private func wakeWaiting() throws -> [(Message, Answer)] {
        let touched = site.server.touchedSpaces
        let revoked = site.server.revokedTokens
        var answers: [(Message, Answer)] = []
        var rest: [Site.Waiting] = []
        for waiting in site.waiting {
            let isDue =
                touched.contains(waiting.parked.space) || now >= waiting.parked.deadline
                || revoked.contains(waiting.parked.tokenID)
            if isDue, case .answer(let response) = try site.server.resume(waiting.parked, at: now) {
                answers.append((waiting.message, Self.answer(response)))
            } else {
                rest.append(waiting)
            }
        }
        site.waiting = rest
        return answers
    }

    /// Does something at the server, and tells who waits for it.
    ///
    /// - Returns: `nil` when its disk failed: it did not happen, or nobody knows.
    func atServer<Result>(_ body: () throws -> Result) throws -> Result? {
        let done = try whileStoring([]) {
            try site.server.begin()
            return (try body(), try wakeWaiting())
        }
        guard let (result, woken) = done, try commitGroup([]) else { return nil }
        for (message, answer) in woken { reply(message, answer) }
        return result
    }

    /// A request of the operator or of a counter; who waits for what it does is told.
    ///
    /// - Returns: status 503 when it did not happen, and 0 when the server ended before it said.
    func ask(
        _ method: String, _ path: String, _ body: String = "", token: String? = nil,
        version: Int64? = nil, key: String? = nil, query: [String: String] = [:]
    ) throws -> (status: Int, value: Value) {
        try atServer {
            try site.handle(
                method, path, body, token: token, version: version, key: key, query: query,
                at: now)
        } ?? (now < site.downUntil ? 0 : 503, .null)
    }

    /// The process is gone: so are its connections. It is back in a moment.
    func crash(
        _ group: [Message] = [], backup: Drive? = nil, losingPower: Bool = false
    ) throws {
        let cutOff = Dictionary(
            (group + site.group + site.waiting.map(\.message)).map { ($0.number, $0) },
            uniquingKeysWith: { first, _ in first })
        for (_, message) in cutOff.sorted(by: { $0.key < $1.key }) {
            timeline.plan(.fail(message, "reset"), at: now + message.back)
        }
        site.waiting = []
        site.group = []
        site.downUntil = now + 300 + UInt64(weather.below(3_000))
        try site.restart(
            backup, losing: losingPower ? { self.drawBits(.serverPowerLost) } : nil)
    }

    func lookAtServer() throws {
        guard !isHealed else { return sweepWaiting() }
        timeline.plan(.lookAtServer, at: now + options.lookMilliseconds)
        guard now >= site.downUntil else { return }
        _ = try atServer { try site.server.runDue(at: now) }
        lookAfterFile()
        for fault in Fault.ofTheServer where strikes(fault) {
            switch fault {
            case .partition: partitionedUntil = now + UInt64(draw(fault, below: 60_000))
            case .menuChanged: try changeMenu()
            case .soldOut: try sellOut()
            case .restarted: try crash()
            case .overloaded: site.busyUntil = now + UInt64(draw(fault, below: 20_000))
            case .restored:
                guard try restoreOrBackUp() else { continue }
            case .swept: _ = try atServer { try site.server.sweepAll(at: now) }
            case .serverPowerLost: try crash(losingPower: true)
            case .serverDiskFull, .serverDiskFailed: fail(site.disk, fault)
            case .upgraded: try crash(backup: formerRelease())
            default: continue
            }
            note(fault)
        }
    }

    /// Without faults, too, somebody must end the waiting that is over.
    private func sweepWaiting() {
        timeline.plan(.lookAtServer, at: now + 1_000)
        _ = try? atServer {}
    }

    /// - Returns: whether the server went back to a backup.
    private func restoreOrBackUp() throws -> Bool {
        guard let backup = site.backup, draw(.restored, below: 100) < 40 else {
            if let moment = try atServer({ try site.server.beginBackup(at: now) }),
                (try? site.takeBackup()) != nil
            {
                _ = try atServer { try site.server.noteBackup(begunAt: moment) }
            }
            return false
        }
        try crash(backup: site.restorable(backup))
        try giveAgain()
        try mintAgain()
        return true
    }
}
