import Foundation
import Testing
import ProtocolChecks
import ToteCore
import ToteSQLite
import ToteServer

/// Random numbers that depend on the seed alone.
final class TestRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// A server without sockets, its clock and its random numbers in the test's hands.
final class TestServer {
    static let space = "customer:c-1"

    private(set) var server: Server
    private(set) var store: ServerStore
    let random: TestRandom
    /// Milliseconds of the server's clock.
    var now: UInt64 = 1_800_000_000_000
    /// A token that may do everything in the space.
    private(set) var token = ""

    init(image: [UInt8]? = nil, seed: UInt64 = 1) throws {
        let random = TestRandom(seed: seed)
        self.random = random
        store = try ServerStore(image: image)
        server = try Server(store: store, random: { random.next() })
        if image == nil { token = try mint(#"{"spaces":[{"space":"customer:c-1"}]}"#) }
    }

    /// A server on the bytes of this one, as after a restart; a restored one when they are a
    /// backup.
    func reopened(isBackup: Bool = false) throws -> TestServer {
        let copy = try ServerStore(image: store.image())
        if isBackup { try copy.setMeta("is_backup", 1) }
        let next = try TestServer(image: copy.image(), seed: random.next())
        next.token = token
        next.now = now
        next.server.horizonMilliseconds = server.horizonMilliseconds
        next.server.fateMilliseconds = server.fateMilliseconds
        return next
    }

    var epoch: UInt64 { server.epoch }

    /// Goes on with another server's token and clock.
    func adopt(_ other: TestServer) {
        token = other.token
        now = other.now
    }

    func inGroup<Result>(_ body: () throws -> Result) throws -> Result {
        try server.begin()
        let result = try body()
        try server.commit()
        return result
    }

    /// Lets everything that is due come about.
    func runDue() throws {
        try inGroup { try server.runDue(at: now) }
    }

    /// Runs one request in a group of its own. What it is answered must be as documented.
    func handle(_ request: ServerRequest) throws -> Handled {
        let handled = try inGroup { try server.handle(request, at: now) }
        if case .answer(let response) = handled { APICheck.check(request, response) }
        return handled
    }

    func answer(_ request: ServerRequest) throws -> ServerResponse {
        guard case .answer(let answer) = try handle(request) else { throw TestFailure("parked") }
        return answer
    }

    func admin(_ method: String, _ path: String, _ body: String = "") throws -> ServerResponse {
        var request = ServerRequest(
            method: method, path: path.split(separator: "/").map(String.init), requestID: "r")
        request.isOperator = true
        request.body = Array(body.utf8)
        return try answer(request)
    }

    /// Makes a token and returns its secret.
    func mint(_ body: String) throws -> String {
        let answer = try admin("POST", "v1/admin/tokens", body)
        guard answer.status == 201, let secret = try value(answer)["token"]?.textValue else {
            throw TestFailure("\(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
        }
        return secret
    }

    func value(_ answer: ServerResponse) throws -> Value { try Encoding.json.value(answer.body) }

    func request(
        _ body: [UInt8], token: String? = nil, space: String = TestServer.space,
        encoding: Encoding = .cbor
    ) -> ServerRequest {
        var request = ServerRequest(
            method: "POST", path: ["v1", "spaces", space, "sync"], requestID: "r")
        request.authorization = "Bearer \(token ?? self.token)"
        request.contentType = encoding.rawValue
        request.body = body
        return request
    }

    func send(
        _ sync: SyncRequest, token: String? = nil, space: String = TestServer.space,
        encoding: Encoding = .cbor
    ) throws -> Answer {
        let bytes = encoding.encode(sync)
        let answer = try answer(request(bytes, token: token, space: space, encoding: encoding))
        if answer.status == 200 { return .reply(try encoding.reply(answer.body)) }
        return .problem(answer.status, answer.code ?? "")
    }

    /// What a sync is answered with.
    enum Answer: Equatable {
        case reply(SyncReply)
        case problem(Int, String)

        var reply: SyncReply? { if case .reply(let reply) = self { reply } else { nil } }
        var code: String? { if case .problem(_, let code) = self { code } else { nil } }
    }

    /// Every row of every table as text: what a refused request must leave as it was.
    func dump() throws -> [String] {
        let database = store.database
        var lines: [String] = []
        lines += try database.rows("SELECT name || '=' || value FROM meta WHERE name <> 'clock'") {
            $0.text(0)
        }
        lines += try database.rows(
            "SELECT json_array(number, name, trimmed, hex(awaited)) FROM spaces"
        ) { "space " + $0.text(0) }
        lines += try database.rows(
            """
            SELECT json_array(space, position, count, replica, counter, time, digest, hex(body))
            FROM log ORDER BY space, position
            """
        ) { "log " + $0.text(0) }
        lines += try database.rows(
            "SELECT json_array(space, position, hex(body)) FROM snapshots ORDER BY space"
        ) { "snapshot " + $0.text(0) }
        lines += try database.rows(
            """
            SELECT json_array(space, replica, family, epoch, counter, ifnull(hex(holes), '-'),
                ticket, ifnull(previous, '-'), hex(digest), batch_counter, batch_count, seen)
            FROM replicas ORDER BY space, replica
            """
        ) { "replica " + $0.text(0) }
        lines += try database.rows(
            """
            SELECT json_array(id, hex(hash), label, role, grants, created, expires, revoked)
            FROM tokens ORDER BY id
            """
        ) { "token " + $0.text(0) }
        return lines + (try dumpOrders())
    }

    /// The same of the tables that orders and counters have.
    private func dumpOrders() throws -> [String] {
        let tables: [StaticString] = [
            """
            SELECT 'catalogs', json_array(version, time, hex(body)) FROM catalogs ORDER BY version
            """,
            """
            SELECT 'orders', json_array(hex(id), space, store, state, version, position, code,
                placed, slot, moved, due, nonce, hex(cells), hex(body)) FROM orders ORDER BY id
            """,
            "SELECT 'feeds', json_array(store, position) FROM feeds ORDER BY store",
            """
            SELECT 'slots', json_array(store, start, used, capacity) FROM slots
            ORDER BY store, start
            """,
            """
            SELECT 'answers', json_array(token, key, at, hex(digest), status, hex(body))
            FROM answers ORDER BY token, key
            """,
            """
            SELECT 'audit', json_array(id, at, token, label, store, order_id, what, reason)
            FROM audit ORDER BY id
            """,
            """
            SELECT 'webhooks', json_array(id, url, label, types, hex(secret), hex(previous),
                disabled, held) FROM webhooks ORDER BY id
            """,
            "SELECT 'deliveries', json_array(number, webhook, message, due) FROM deliveries",
            """
            SELECT 'accounts', json_array(number, space, name, granted, pending, available, held,
                spent, expired, taken_back, debt_paid, written_off, debt, due, hex(body))
            FROM accounts ORDER BY number
            """,
            """
            SELECT 'entries', json_array(number, account, kind, units, at, reference, due, expires,
                hex(parts)) FROM entries ORDER BY number
            """,
            """
            SELECT 'leases', json_array(hex(id), account, replica, store, incarnation, granted,
                rest, stop_at, state, asked_back, reason, hex(lots)) FROM leases ORDER BY id
            """,
            "SELECT 'offers', json_array(id, issued, ceiling) FROM offers",
            "SELECT 'offer_customers', json_array(offer, space) FROM offer_customers",
            "SELECT 'shares', json_array(space, made, until, ended) FROM shares",
            "SELECT 'share_members', json_array(space, principal, member, role) FROM share_members",
            """
            SELECT 'invitations', json_array(hex(secret), code, space, inviter, role, until,
                taken) FROM invitations ORDER BY secret
            """,
            "SELECT 'members', json_array(space, member, hex(earned)) FROM members",
            "SELECT 'redeemers', json_array(store, token, incarnation, watermark) FROM redeemers",
            "SELECT 'receipts', json_array(store, id, space, hex(body)) FROM receipts",
            "SELECT 'returns', json_array(number, source, store, hex(body)) FROM returns",
            "SELECT 'redemptions', json_array(hex(id), space, store, account) FROM redemptions",
            """
            SELECT 'handoffs', json_array(hex(id), space, code, state, until, points, store, ended,
                token, claimant) FROM handoffs ORDER BY id
            """,
        ]
        return try tables.flatMap { table in
            try store.database.rows(table) { "\($0.text(0)) \($0.text(1))" }
        }
    }

    /// Runs one request in a group that is rolled back: what it is answered, and what every table
    /// held after it.
    func attempt(_ request: ServerRequest) throws -> (handled: Handled, dump: [String]) {
        try server.begin()
        do {
            let handled = try server.handle(request, at: now)
            if case .answer(let response) = handled { APICheck.check(request, response) }
            let after = try dump()
            try server.rollBack()
            return (handled, after)
        } catch {
            try server.rollBack()
            throw error
        }
    }

    /// The documents that a device without a cursor gets.
    func documents(token: String? = nil) throws -> Documents {
        let answer = try send(SyncRequest(replica: ReplicaID(0xFFFF)), token: token)
        guard let snapshot = answer.reply?.snapshot else { throw TestFailure("\(answer)") }
        return snapshot.documents
    }

    func quantity(_ item: Name = "tea") throws -> Int64 {
        Fold.counter(try documents().cells(Key("cart:main", item, Fields.quantity)))
    }

    /// What the verifier finds in a file with this content.
    func faults() throws -> [String] {
        try TemporaryDirectory.with { directory in
            let path = directory + "/tote.sqlite"
            try write(to: path)
            return try Verifier.verify(path: path).faults
        }
    }

    /// Makes a data file with this content.
    func write(to path: String) throws {
        try Data(store.image()).write(to: URL(fileURLWithPath: path))
        try Database(path: path).addPageChecksums()
    }
}

struct TestFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

enum TemporaryDirectory {
    /// A directory for one test, gone after it.
    static func with<Result>(_ body: (String) throws -> Result) throws -> Result {
        let path = NSTemporaryDirectory() + "/tote-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }
}

/// One installation as a script of requests: it keeps its counter, its ticket and its cursor.
struct TestDevice {
    var replica: ReplicaID
    var counter: UInt64 = 0
    var ticket: UInt64?
    var cursor: Cursor?
    var formerly: [ReplicaID] = []
    /// What it pushed last, for retries.
    private(set) var last: SyncRequest?

    init(_ replica: UInt64) { self.replica = ReplicaID(replica) }

    /// A batch under the device's next counters.
    func batch(_ changes: [Change]) -> SyncRequest {
        var request = SyncRequest(replica: replica, cursor: cursor)
        request.ticket = ticket
        request.counter = counter + 1
        request.formerly = formerly
        request.changes = changes.enumerated().map { index, change in
            Event(
                dot: Dot(replica, counter + 1 + UInt64(index)), change: change,
                outcome: .accepted)
        }
        return request
    }

    /// Pushes changes and takes in the reply.
    @discardableResult
    mutating func push(
        _ changes: [Change], to server: TestServer, token: String? = nil
    ) throws -> TestServer.Answer {
        let request = batch(changes)
        last = request
        let answer = try server.send(request, token: token)
        if let reply = answer.reply {
            counter += UInt64(changes.count)
            take(reply)
        }
        return answer
    }

    mutating func take(_ reply: SyncReply) {
        ticket = reply.ticket ?? ticket
        cursor = reply.cursor
    }

    /// Pulls until there is nothing more. Returns all events.
    @discardableResult
    mutating func pull(_ server: TestServer, token: String? = nil) throws -> [Event] {
        var events: [Event] = []
        while true {
            let answer = try server.send(
                SyncRequest(replica: replica, cursor: cursor), token: token)
            guard let reply = answer.reply else { throw TestFailure("\(answer)") }
            cursor = reply.cursor
            events += reply.events.flatMap(\.events)
            if !reply.hasMore { return events }
        }
    }
}

/// Changes to a cart, as tests write them.
enum Make {
    static let key = Key("cart:main", "tea", Fields.quantity)

    static func add(
        _ amount: Int64 = 1, nonce: UInt64, key: Key = Make.key, replaces: [Dot] = [],
        at time: UInt64 = 1_800_000_000_000
    ) -> Change {
        Change(
            nonce: nonce, time: Timestamp(milliseconds: time),
            writes: [Write(key: key, payload: .delta(amount), replaces: replaces)])
    }

    static func erase(
        _ dots: [Dot], nonce: UInt64, key: Key = Make.key, at time: UInt64 = 1_800_000_000_000
    ) -> Change {
        Change(
            nonce: nonce, time: Timestamp(milliseconds: time),
            writes: [Write(key: key, payload: nil, replaces: dots)])
    }

    static func dot(_ replica: UInt64, _ counter: UInt64) -> Dot {
        Dot(ReplicaID(replica), counter)
    }
}
