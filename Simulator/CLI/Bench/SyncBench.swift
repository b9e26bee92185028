import Glibc
import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteSQLite
import ToteService

/// Durable syncs of 10 changes against a path that stores each request's bytes as one row and
/// answers.
enum SyncBench {
    static let connections = 32
    static let changesPerSync = 10

    static func run(directory: String, seconds: Double, rounds: Int) throws -> [BenchRow] {
        let spaces = (0..<connections).map { "customer:c-\($0)" }
        var options = ServiceOptions(directory: DataDirectory(path: directory + "/served"))
        options.http.requestsPerConnectionAtMost = .max
        options.log = Log(least: .error)
        let service = try Service(options)
        defer { service.stop(within: .zero) }
        let secrets = try spaces.map { try mint($0, options.directory) }
        let bare = try BarePath(path: directory + "/bare.db")
        defer { bare.stop() }
        var pairs: [(LoadGenerator.Report, LoadGenerator.Report)] = []
        var commits: [Double] = []
        let clients = SyncClients(zip(spaces, secrets).map { SyncClient(space: $0, secret: $1) })
        let bareClients = SyncClients(
            zip(spaces, secrets).map { SyncClient(space: $0, secret: $1) })
        for _ in 0..<rounds {
            let before = service.counts
            pairs.append(
                try LoadGenerator.alternate(
                    clients.load(of: service.port, isBare: false),
                    bareClients.load(of: bare.port, isBare: true), seconds: seconds))
            let after = service.counts
            commits.append(
                Double(after.groups - before.groups) / Double(after.requests - before.requests))
            for box in [clients, bareClients] { try box.check() }
        }
        let ratio = median(pairs.map { $0.0.rate / $0.1.rate })
        let tail = median(pairs.map { $0.0.percentile(0.99) / $0.1.percentile(0.99) })
        return [
            BenchRow(
                name: "sync_durable", unit: "syncs/s", value: median(pairs.map(\.0.rate)),
                floor: median(pairs.map(\.1.rate)), ratio: ratio, goal: ">= 0.6",
                isMet: ratio >= 0.6,
                details: [
                    ("server_cpu_us", median(pairs.map(\.0.serverCPUMicros))),
                    ("floor_cpu_us", median(pairs.map(\.1.serverCPUMicros))),
                    ("fsyncs_per_sync", median(commits)),
                    ("p50_us", median(pairs.map { $0.0.percentile(0.5) })),
                    ("floor_p50_us", median(pairs.map { $0.1.percentile(0.5) })),
                ]),
            BenchRow(
                name: "sync_durable_p99", unit: "us",
                value: median(pairs.map { $0.0.percentile(0.99) }),
                floor: median(pairs.map { $0.1.percentile(0.99) }), ratio: tail, goal: "<= 2",
                isMet: tail <= 2, details: []),
        ]
    }

    private static func mint(_ space: String, _ directory: DataDirectory) throws -> String {
        try BenchAdmin(directory).mint([space])
    }

}

/// The clients of a load, each on a connection of its own: a reference keeps them between its
/// closures.
final class SyncClients {
    private var clients: [SyncClient]

    init(_ clients: [SyncClient]) { self.clients = clients }

    func load(of port: UInt16, isBare: Bool = false) -> LoadGenerator {
        LoadGenerator(
            port: port, connections: clients.count,
            request: { self.clients[$0].request() },
            answered: { self.clients[$0].answered($1, $2, isBare: isBare) })
    }

    func check() throws(BenchError) {
        if let failure = clients.compactMap(\.failure).first { throw BenchError(failure) }
    }
}

/// A device as the load sees it: it edits a cart of 20 lines and pushes 10 changes at a time.
struct SyncClient {
    private let head: String
    private var replica: ReplicaID
    private var random: SeededBits
    private var counter: UInt64 = 1
    private var ticket: UInt64?
    private var cursor: Cursor?
    private var time = ToteService.SystemClock.nowMilliseconds()
    /// The last dot written at each line, to be replaced by the next set.
    private var last: [Int: Dot] = [:]
    var failure: String?

    private let changes: Int

    /// - Parameter changes: how many a push has.
    init(space: String, secret: String, changes: Int = SyncBench.changesPerSync) {
        self.changes = changes
        random = SeededBits(seed: space.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        replica = ReplicaID(random.next() | 1)
        head =
            "POST /v1/spaces/\(space)/sync HTTP/1.1\r\nHost: localhost\r\n"
            + "Authorization: Bearer \(secret)\r\nContent-Type: application/cbor\r\n"
            + "Content-Length: "
    }

    /// Goes on as a new device, as after a reinstall.
    mutating func abandon() {
        replica = ReplicaID(random.next() | 1)
        counter = 1
        ticket = nil
        last = [:]
    }

    /// A pull of what is new behind a cursor, or of everything, the same every time.
    static func pull(
        space: String, secret: String, cursor: Cursor? = nil, waitSeconds: UInt64 = 0
    ) -> [UInt8] {
        let client = SyncClient(space: space, secret: secret)
        var request = SyncRequest(replica: client.replica, cursor: cursor)
        request.waitSeconds = waitSeconds
        return client.message(request)
    }

    private func message(_ request: SyncRequest) -> [UInt8] {
        let body = Encoding.cbor.encode(request)
        return Array("\(head)\(body.count)\r\n\r\n".utf8) + body
    }

    mutating func request() -> [UInt8] { message(nextPush()) }

    /// The next push, as it goes into the body.
    mutating func nextPush() -> SyncRequest {
        var request = SyncRequest(replica: replica, cursor: cursor)
        request.ticket = ticket
        request.counter = counter
        request.changes = (0..<UInt64(changes)).map { offset in
            let line = Int(random.next() % 20)
            let key = Key("cart:main", Name("latte|milk=oat|size=\(line)"), Fields.quantity)
            let dot = Dot(replica, counter + offset)
            let change = Change(
                nonce: random.next(), time: Timestamp(milliseconds: time, count: UInt16(offset)),
                writes: [
                    Write(
                        key: key, payload: .base(Int64(1 + random.next() % 9)),
                        replaces: last[line].map { [$0] } ?? [])
                ])
            last[line] = dot
            return Event(dot: dot, change: change, outcome: .accepted)
        }
        counter += UInt64(changes)
        return request
    }

    mutating func answered(_ status: Int, _ body: ArraySlice<UInt8>, isBare: Bool) {
        guard status == 200, let reply = try? Encoding.cbor.reply(Array(body)) else {
            failure = "answered \(status): \(String(decoding: body, as: UTF8.self))"
            return
        }
        if isBare { return }
        if reply.fates.contains(where: { $0.rejection != nil }) {
            failure = "a change was rejected"
        }
        ticket = reply.ticket
        cursor = reply.cursor
        time = reply.serverTime.milliseconds
    }
}

/// The floor: the same HTTP loops and group commit, one row of the request's bytes, a fixed answer.
final class BarePath: Sendable {
    private let server: HTTPServer
    private let jobs: Mailbox<([UInt8], HTTPResponder)>
    private let thread: JoinableThread
    let port: UInt16

    init(path: String) throws {
        var options = HTTPServerOptions()
        options.requestsPerConnectionAtMost = .max
        let jobs = Mailbox<([UInt8], HTTPResponder)>()
        self.jobs = jobs
        server = HTTPServer(options: options) { request, responder in
            jobs.post((request.body, responder))
        }
        thread = startThread(named: "bare-commit") {
            do { try Self.store(path, jobs) } catch { jobs.close() }
        }
        port = try server.start()
    }

    func stop() {
        server.stop(within: .zero)
        jobs.close()
        thread.join()
    }

    private static func store(_ path: String, _ jobs: Mailbox<([UInt8], HTTPResponder)>) throws {
        let database = try Database(path: path)
        try database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        var reply = SyncReply(
            cursor: Cursor(epoch: 1, position: 1_000_000),
            serverTime: Timestamp(milliseconds: 1_800_000_000_000))
        reply.ticket = .max
        reply.fates = (0..<SyncBench.changesPerSync).map { Fate(position: 1_000_000 + UInt64($0)) }
        let body = Encoding.cbor.encode(reply)
        var groups = 0
        while true {
            let group = jobs.drain(waitingAtMost: nil)
            if group.isEmpty, jobs.isClosed { return }
            try database.execute("BEGIN IMMEDIATE")
            for (bytes, _) in group {
                try database.run("INSERT INTO rows (body) VALUES (?)", .blob(bytes))
            }
            try database.execute("COMMIT")
            for (_, responder) in group {
                responder.respond(
                    HTTPResponse(
                        status: 200, headers: [("Content-Type", "application/cbor")], body: body))
            }
            groups += 1
            if groups % 2_000 == 0 { try database.checkpoint() }
        }
    }
}

/// Random bits for load, cheap and repeatable.
struct SeededBits {
    private var state: UInt64

    init(seed: UInt64) { state = seed | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
