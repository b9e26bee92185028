import ToteCore
import ToteHTTP
import ToteServer
import ToteService
import ToteSQLite

/// Spends at the counter against orders, and the check of a large ledger against SQLite's own.
enum PointsBench {
    static let connections = 32
    static let customers = 10_000
    static let entries = 1_000_000
    /// What a check of this program makes of the two numbers above.
    static let checkShare = 200

    private static func options(_ directory: String) -> ServiceOptions {
        var options = ServiceOptions(directory: DataDirectory(path: directory + "/spent"))
        options.http.requestsPerConnectionAtMost = .max
        options.http.connectionsPerAddressAtMost = 1_000
        options.log = Log(least: .error)
        return options
    }

    static func run(
        directory: String, seconds: Double, rounds: Int, isCheck: Bool
    ) throws -> [BenchRow] {
        let share = isCheck ? checkShare : 1
        return try spending(
            directory, customers: max(connections, customers / share), seconds: seconds,
            rounds: rounds)
            + [try verifying(directory, entries: entries / share)]
    }

    /// Redemptions a second, over many accounts and on one, against orders a second.
    private static func spending(
        _ directory: String, customers: Int, seconds: Double, rounds: Int
    ) throws -> [BenchRow] {
        let options = options(directory)
        let service = try Service(options)
        defer { service.stop(within: .zero) }
        let admin = try BenchAdmin(options.directory)
        _ = try admin.post("/v1/admin/catalog", OrderBench.catalog)
        let till = try admin.mint(["store:s-1"], role: "staff")
        let members = try topUp(customers, admin, port: service.port)
        var (many, one, orders): ([Double], [Double], [Double]) = ([], [], [])
        var placed = 0
        for _ in 0..<rounds {
            many.append(try rate(service, seconds, members, till))
            one.append(try rate(service, seconds, [members[0]], till))
            let clients = try (0..<connections).map { _ -> OrderClient in
                let spaces = (0..<64).map { "customer:o-\(placed + $0)" }
                placed += 64
                return OrderClient(spaces: spaces, secret: try admin.mint(spaces))
            }
            orders.append(try OrderBench.measure(service, seconds, clients).report.rate)
        }
        let pairs = zip(many, orders).map { $0 / $1 }
        let single = zip(one, orders).map { $0 / $1 }
        return [
            BenchRow(
                name: "spends_durable", unit: "spends/s", value: median(many),
                floor: median(orders), ratio: median(pairs), goal: ">= 0.8",
                isMet: median(pairs) >= 0.8, details: [("customers", Double(customers))]),
            BenchRow(
                name: "spends_one_account", unit: "spends/s", value: median(one),
                floor: median(orders), ratio: median(single), goal: ">= 0.2",
                isMet: median(single) >= 0.2, details: []),
        ]
    }

    /// Gives each customer a card to spend from. Returns what their phones make codes with.
    private static func topUp(
        _ count: Int, _ admin: BenchAdmin, port: UInt16
    ) throws -> [Member] {
        var members: [Member] = []
        let line = try HTTPConnection(to: .tcp(host: "127.0.0.1", port: port))
        for start in stride(from: 0, to: count, by: 64) {
            let spaces = (start..<min(start + 64, count)).map { "customer:p-\($0)" }
            let secret = try admin.mint(spaces)
            for space in spaces {
                _ = try admin.post(
                    "/v1/admin/ledger",
                    "{\"customer\":\"\(space.dropFirst(9))\",\"account\":\"card:EUR\","
                        + "\"kind\":\"top_up\",\"amount\":1000000000,\"reference\":\"\(space)\"}")
                let response = try line.send(
                    HTTPClientRequest(
                        method: "POST", target: "/v1/spaces/\(space)/sync",
                        headers: [
                            ("Authorization", "Bearer \(secret)"),
                            ("Content-Type", "application/cbor"),
                        ], body: Encoding.cbor.encode(SyncRequest(replica: ReplicaID(1)))))
                let documents = try Encoding.cbor.reply(response.body).snapshot?.documents
                guard
                    let value = documents.flatMap({
                        LedgerDocuments.value(LedgerDocuments.member, in: $0)
                    }), let number = value["number"]?.textValue.flatMap(Hex.id),
                    let key = value["secret"]?.textValue.flatMap(Hex.bytes)
                else { throw BenchError("a customer has no member code") }
                members.append(Member(number: number, secret: key))
            }
        }
        return members
    }

    private struct Member {
        let number: UInt64
        let secret: [UInt8]
    }

    private static func rate(
        _ service: Service, _ seconds: Double, _ members: [Member], _ till: String
    ) throws -> Double {
        var next = 0
        var failure: String?
        var random = SeededBits(seed: BenchClock.nowNanos())
        let generator = LoadGenerator(
            port: service.port, connections: connections,
            request: { _ in
                next = (next + 1) % members.count
                let member = members[next]
                let code = MemberCode(
                    member: member.number, secret: member.secret,
                    at: ToteService.SystemClock.nowMilliseconds())
                let body = "{\"code\":\"\(code.text)\",\"amount\":1,\"currency\":\"EUR\"}"
                return Array(
                    ("POST /v1/stores/s-1/redemptions HTTP/1.1\r\nHost: localhost\r\n"
                        + "Authorization: Bearer \(till)\r\nContent-Type: application/json\r\n"
                        + "Idempotency-Key: \(Hex.string(random.next()))\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)").utf8)
            },
            answered: { _, status, body in
                guard status != 200 else { return }
                failure = "a spend was answered \(status): \(String(decoding: body, as: UTF8.self))"
            })
        let report = try generator.run(seconds: seconds)
        if let failure { throw BenchError(failure) }
        return report.rate
    }

    /// `tote verify` of a large ledger against SQLite's integrity check of the same file.
    private static func verifying(_ directory: String, entries: Int) throws -> BenchRow {
        let path = directory + "/ledger.db"
        try fill(path, entries: entries)
        let began = BenchClock.nowNanos()
        let report = try Verifier.verify(path: path)
        let took = Double(BenchClock.nowNanos() - began) / 1e9
        guard report.faults.isEmpty, report.entries >= entries else {
            throw BenchError(
                "the ledger is not in order: \(report.faults.first ?? "entries lack")")
        }
        let database = try Database(path: path)
        let floorBegan = BenchClock.nowNanos()
        let faults = try database.integrityFaults()
        let floor = Double(BenchClock.nowNanos() - floorBegan) / 1e9
        guard faults.isEmpty else { throw BenchError("SQLite: \(faults[0])") }
        return BenchRow(
            name: "verify_ledger", unit: "s", value: took, floor: floor, ratio: took / floor,
            goal: "<= 3", isMet: took / floor <= 3,
            details: [("entries", Double(report.entries)), ("events", Double(report.events))])
    }

    /// How far apart the entries are: a million of them in four years.
    private static let entryMilliseconds: UInt64 = 126_000

    /// A data file whose ledger has so many entries, made by the server itself: top-ups and
    /// corrections of a thousand customers over years, the log kept as a running server keeps it.
    private static func fill(_ path: String, entries: Int) throws {
        var random = SeededBits(seed: 7)
        let server = try Server(store: ServerStore(path: path), random: { random.next() })
        let groups = 1_000
        var made = 0
        while made < entries {
            try server.begin()
            for _ in 0..<groups where made < entries {
                var request = ServerRequest(
                    method: "POST", path: ["v1", "admin", "ledger"], requestID: "fill")
                request.isOperator = true
                let kind = made % 2 == 0 ? "top_up" : "write_off"
                request.body = Array(
                    ("{\"customer\":\"c-\(made / 2 % 1_000)\",\"account\":\"card:EUR\","
                        + "\"kind\":\"\(kind)\",\"amount\":5,\"reference\":\"p-\(made)\","
                        + "\"reason\":\"bench\"}").utf8)
                let answer = try server.handle(
                    request, at: 1_800_000_000_000 + UInt64(made) * entryMilliseconds)
                guard case .answer(let response) = answer, response.status == 201 else {
                    throw BenchError("an entry was refused")
                }
                made += 1
            }
            try server.commit()
            // What the commit thread does when it is idle.
            guard made % 50_000 == 0 || made == entries else { continue }
            try server.begin()
            try server.sweepAll(at: 1_800_000_000_000 + UInt64(made) * entryMilliseconds)
            try server.settle()
            try server.commit()
            try server.checkpoint()
        }
    }
}
