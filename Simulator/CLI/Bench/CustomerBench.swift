import Glibc
import ToteCore
import ToteSQLite
import ToteHTTP
import ToteServer
import ToteService

/// Whether it matters how many customers a file has: the same thousand sync where there are no
/// others and where there are a million.
enum CustomerBench {
    private static let few = 1_000
    private static let many = 1_000_000
    /// Customers of a commit while a file is filled.
    private static let perCommit = 1_000
    /// When memory is looked at first: all that is bounded is full by then.
    private static let warmShare = 10

    static func run(
        directory: String, seconds: Double, rounds: Int, isCheck: Bool
    ) throws -> [BenchRow] {
        let (few, many) = isCheck ? (100, 3_000) : (few, many)
        let fewCustomers = try fill(directory + "/few", few, keeping: few)
        let manyCustomers = try fill(directory + "/many", many, keeping: few)
        var sides = try [
            Side(directory + "/few", fewCustomers.secrets),
            Side(directory + "/many", manyCustomers.secrets),
        ]
        defer { for side in sides { side.service.stop(within: .zero) } }
        // The first sync of each customer reads its documents; then they are in memory.
        let cold = try sides.indices.map { try sides[$0].syncAll() }
        var pairs: [(few: Double, many: Double)] = []
        for _ in 0..<rounds {
            let costs = try sides.indices.map { try sides[$0].measure(seconds) }
            pairs.append((costs[0], costs[1]))
        }
        let ratio = median(pairs.map { $0.many / $0.few })
        let growth = manyCustomers.growth
        return [
            BenchRow(
                name: "sync_of_a_million", unit: "us", value: median(pairs.map(\.many)),
                floor: median(pairs.map(\.few)), ratio: ratio, goal: "<= 1.3",
                isMet: ratio <= 1.3,
                details: [
                    ("customers", Double(many)), ("first_sync_us", cold[1]),
                    ("floor_first_sync_us", cold[0]),
                ]),
            BenchRow(
                name: "memory_growth", unit: "MB", value: growth / 1e6, floor: nil,
                ratio: growth / 64e6, goal: "<= 64 MB", isMet: growth <= 64e6,
                details: [("customers_passed", Double(many - many / warmShare))]),
        ]
    }

    /// Makes a file in which every customer has a token and has pushed a line of a cart, by the
    /// server's own rules.
    ///
    /// - Returns: tokens of customers spread over all, and by how many bytes this process grew
    ///   between the first tenth and the last customer.
    private static func fill(
        _ directory: String, _ count: Int, keeping kept: Int
    ) throws -> (secrets: [(space: String, secret: String)], growth: Double) {
        let data = DataDirectory(path: directory)
        try data.make()
        var options = Database.Options()
        options.syncsEveryCommit = false
        let store = try ServerStore(path: data.filePath, options: options)
        var random = SeededBits(seed: 5)
        let server = try Server(store: store, random: { random.next() })
        var secrets: [(space: String, secret: String)] = []
        var (warm, number) = (0, 0)
        while number < count {
            try server.begin()
            for _ in 0..<min(perCommit, count - number) {
                let space = "customer:c-\(number)"
                let secret = try visit(server, space)
                if number % (count / kept) == 0 { secrets.append((space, secret)) }
                number += 1
            }
            try server.commit()
            if number % (perCommit * 20) == 0 { try server.checkpoint() }
            if warm == 0, number >= count / warmShare {
                warm = try BenchServer.ownMemory(of: "self")
            }
        }
        try server.begin()
        try server.settle()
        try server.commit()
        try server.checkpoint()
        return (secrets, Double(try BenchServer.ownMemory(of: "self") - warm))
    }

    /// A customer gets a token and pushes a change.
    private static func visit(_ server: Server, _ space: String) throws -> String {
        let now = ToteService.SystemClock.nowMilliseconds()
        var mint = ServerRequest(
            method: "POST", path: ["v1", "admin", "tokens"], requestID: "")
        mint.isOperator = true
        mint.body = Array(#"{"spaces":[{"space":"\#(space)"}]}"#.utf8)
        guard case .answer(let minted) = try server.handle(mint, at: now),
            let secret = try Encoding.json.value(minted.body)["token"]?.textValue
        else { throw BenchError("no token was minted") }
        var client = SyncClient(space: space, secret: secret, changes: 1)
        var push = ServerRequest(
            method: "POST", path: ["v1", "spaces", space, "sync"], requestID: "")
        push.contentType = Encoding.cbor.rawValue
        push.authorization = "Bearer \(secret)"
        push.body = Encoding.cbor.encode(client.nextPush())
        guard case .answer(let answer) = try server.handle(push, at: now), answer.status == 200
        else { throw BenchError("a push was not taken") }
        return secret
    }

    /// One file and those of its customers who are at work.
    private struct Side {
        let service: Service
        private var clients: [SyncClient]

        init(_ directory: String, _ customers: [(space: String, secret: String)]) throws {
            var options = ServiceOptions(directory: DataDirectory(path: directory))
            options.http.requestsPerConnectionAtMost = .max
            options.log = Log(least: .error)
            service = try Service(options)
            clients = customers.map { customer in
                // Not the device that pushed while the file was filled.
                var client = SyncClient(space: customer.space, secret: customer.secret)
                client.abandon()
                return client
            }
        }

        /// Each customer syncs once: microseconds of each.
        mutating func syncAll() throws -> Double {
            let line = try BenchLine(port: service.port)
            defer { line.close() }
            var micros: [Double] = []
            for index in clients.indices {
                let answer = try line.send(clients[index].request())
                clients[index].answered(answer.status, answer.body[...], isBare: false)
                if let failure = clients[index].failure { throw BenchError(failure) }
                micros.append(answer.micros)
            }
            return median(micros)
        }

        /// Microseconds of a sync, of 32 connections on which all customers take turns.
        mutating func measure(_ seconds: Double) throws -> Double {
            let box = Box(clients)
            let generator = LoadGenerator(
                port: service.port, connections: SyncBench.connections,
                request: { box.request(of: $0) },
                answered: { box.answered($0, $1, $2) })
            let report = try generator.run(seconds: seconds)
            clients = box.clients
            if let failure = clients.compactMap(\.failure).first { throw BenchError(failure) }
            return 1e6 / report.rate
        }
    }

    /// Which customer is on which connection.
    private final class Box {
        var clients: [SyncClient]
        private var current = Array(0..<SyncBench.connections)

        init(_ clients: [SyncClient]) { self.clients = clients }

        func request(of connection: Int) -> [UInt8] { clients[current[connection]].request() }

        func answered(_ connection: Int, _ status: Int, _ body: ArraySlice<UInt8>) {
            clients[current[connection]].answered(status, body, isBare: false)
            current[connection] += SyncBench.connections
            if current[connection] >= clients.count { current[connection] = connection }
        }
    }
}
