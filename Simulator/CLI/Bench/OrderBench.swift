import CLinux
import Glibc
import ToteCore
import ToteHTTP
import ToteService

/// Orders against the document path, and how soon counters that wait are told.
enum OrderBench {
    static let connections = 32
    static let parked = 200

    /// One store for the load, one for the counters that wait.
    static let catalog = """
        {"products":[{"sku":"latte","names":{"en":"Latte"},"tax":"food","price":{"EUR":400}}],
         "stores":[\(store("s-1")),\(store("s-2"))]}
        """

    private static func store(_ id: String) -> String {
        """
        {"id":"\(id)","names":{"en":"\(id)"},"currency":"EUR","tax_included":true,
         "taxes":{"food":100000},"open":[[1700000000000,4000000000000]],"preparation_minutes":5,
         "slot_minutes":1,"slot_capacity":10000,"expire_minutes":600,"sold_out":[],
         "late_minutes":[5,8],"name_policy":"none"}
        """
    }

    static func run(directory: String, seconds: Double, rounds: Int) throws -> [BenchRow] {
        var options = ServiceOptions(directory: DataDirectory(path: directory + "/ordered"))
        options.http.requestsPerConnectionAtMost = .max
        options.http.connectionsPerAddressAtMost = 1_000
        options.log = Log(least: .error)
        let service = try Service(options)
        defer { service.stop(within: .zero) }
        let admin = try BenchAdmin(options.directory)
        _ = try admin.post("/v1/admin/catalog", catalog)
        return try placing(service, admin, seconds: seconds, rounds: rounds)
            + waiting(service, admin, rounds: rounds * 4)
    }

    /// Rows written by orders against rows written by documents, and orders a second.
    private static func placing(
        _ service: Service, _ admin: BenchAdmin, seconds: Double, rounds: Int
    ) throws -> [BenchRow] {
        var customers = 0
        var ratios: [Double] = []
        var rates: [Double] = []
        var floors: [Double] = []
        var rows: [Double] = []
        for _ in 0..<rounds {
            // A customer has 20 open orders at most: each round has customers of its own.
            let clients = try (0..<connections).map { _ -> OrderClient in
                let spaces = (0..<64).map { "customer:o-\(customers + $0)" }
                customers += 64
                return OrderClient(spaces: spaces, secret: try admin.mint(spaces))
            }
            let orders = try measure(service, seconds, clients)
            let documents = try (0..<connections).map { _ -> SyncClient in
                customers += 1
                let space = "customer:d-\(customers)"
                return SyncClient(space: space, secret: try admin.mint([space]))
            }
            let plain = try measure(service, seconds, documents)
            ratios.append(orders.rowRate / plain.rowRate)
            rates.append(orders.report.rate)
            floors.append(plain.report.rate)
            rows.append(orders.rowRate / orders.report.rate)
        }
        return [
            BenchRow(
                name: "orders_durable", unit: "orders/s", value: median(rates),
                floor: median(floors), ratio: median(ratios), goal: ">= 0.5 (rows)",
                isMet: median(ratios) >= 0.5, details: [("rows_per_order", median(rows))])
        ]
    }

    static func measure<Client: BenchClient>(
        _ service: Service, _ seconds: Double, _ clients: [Client]
    ) throws -> (report: LoadGenerator.Report, rowRate: Double) {
        let box = ClientBox(clients)
        let before = service.counts
        let began = BenchClock.nowNanos()
        let generator = LoadGenerator(
            port: service.port, connections: clients.count,
            request: { box.clients[$0].request() },
            answered: { index, status, body in
                box.clients[index].answered(status, body)
            })
        let report = try generator.run(seconds: seconds)
        if let failure = box.clients.compactMap(\.failure).first { throw BenchError(failure) }
        let elapsed = Double(BenchClock.nowNanos() - began) / 1e9
        return (report, Double(service.counts.rows - before.rows) / elapsed)
    }

    private final class ClientBox<Client> {
        var clients: [Client]

        init(_ clients: [Client]) { self.clients = clients }
    }

    /// From the step that makes an order ready to the answer of each counter that waits: the median
    /// over all counters, against one durable commit alone.
    private static func waiting(
        _ service: Service, _ admin: BenchAdmin, rounds: Int
    ) throws -> [BenchRow] {
        let staff = try (0..<parked / 4).map { _ in
            try admin.mint(["store:s-2"], role: "staff")
        }
        var board = try ParkedBoard(port: service.port, tokens: staff)
        defer { board.close() }
        let customer = "customer:waiting"
        var orders = OrderClient(
            spaces: [customer], secret: try admin.mint([customer]), store: "s-2")
        let line = try BenchLine(port: service.port)
        defer { line.close() }
        var commits: [Double] = []
        var answers: [Double] = []
        var lasts: [Double] = []
        let rounds = min(rounds, 18)
        for _ in 0..<rounds {
            // Both begin on a machine at rest, and pay for waking it.
            usleep(20_000)
            let placed = try line.send(orders.request())
            orders.answered(placed.status, placed.body[...])
            if let failure = orders.failure { throw BenchError(failure) }
            commits.append(placed.micros)
            let step =
                "POST /v1/stores/s-2/orders/\(orders.lastOrder)/steps HTTP/1.1\r\n"
                + "Host: localhost\r\nAuthorization: Bearer \(staff[0])\r\nIf-Match: \"1\"\r\n"
                + "Idempotency-Key: \(orders.lastOrder)\r\nContent-Type: application/json\r\n"
                + "Content-Length: 14\r\n\r\n{\"to\":\"ready\"}"
            try board.park()
            usleep(20_000)
            let began = BenchClock.nowNanos()
            try line.write(Array(step.utf8))
            let micros = try board.collect(since: began)
            answers += micros
            lasts.append(micros.max() ?? 0)
            let answer = try line.read()
            guard answer.status == 200 else {
                throw BenchError("the step was answered \(answer.status)")
            }
        }
        let idle = Double(board.idleBytes) * 60 / Double(Limits.waitSecondsMax)
        let ratio = median(answers) / median(commits)
        return [
            BenchRow(
                name: "ready_to_counter", unit: "us", value: median(answers),
                floor: median(commits), ratio: ratio, goal: "<= 3", isMet: ratio <= 3,
                details: [
                    ("parked", Double(parked)), ("first_us", answers.min() ?? 0),
                    ("last_us", median(lasts)),
                ]),
            BenchRow(
                name: "idle_board", unit: "bytes", value: idle, floor: nil, ratio: idle,
                goal: "<= 300 a minute", isMet: idle <= 300, details: []),
        ]
    }
}

/// A client of a load: what it sends next, and what it makes of the answer.
protocol BenchClient {
    mutating func request() -> [UInt8]
    mutating func answered(_ status: Int, _ body: ArraySlice<UInt8>)
    var failure: String? { get }
}

extension SyncClient: BenchClient {
    mutating func answered(_ status: Int, _ body: ArraySlice<UInt8>) {
        answered(status, body, isBare: false)
    }
}

/// A device that places an order of one line with each request, for one customer after another.
struct OrderClient: BenchClient {
    private let spaces: [String]
    private let secret: String
    private let store: String
    private var random: SeededBits
    private var space = -1
    private var left = 0
    private var replica = ReplicaID(1)
    private var counter: UInt64 = 1
    private var ticket: UInt64?
    private var cursor: Cursor?
    private(set) var lastOrder = ""
    var failure: String?

    init(spaces: [String], secret: String, store: String = "s-1") {
        self.store = store
        self.spaces = spaces
        self.secret = secret
        random = SeededBits(seed: secret.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    }

    mutating func request() -> [UInt8] {
        if left == 0 {
            space = (space + 1) % spaces.count
            left = 20
            replica = ReplicaID(random.next() | 1)
            counter = 1
            ticket = nil
            cursor = nil
        }
        left -= 1
        let order = OrderID(high: random.next(), low: random.next())
        lastOrder = order.text
        let place = PlaceIntent(
            order: order, store: store, cart: "main",
            lines: [.init(item: "latte", quantity: 2, price: 400)], currency: "EUR", total: 800,
            catalog: 1, tenders: [Tender(.atCounter, 800)])
        var request = SyncRequest(replica: replica, cursor: cursor)
        request.ticket = ticket
        request.counter = counter
        let time = Timestamp(milliseconds: ToteService.SystemClock.nowMilliseconds())
        request.changes = [
            Event(
                dot: Dot(replica, counter),
                change: Change(
                    nonce: random.next(), time: time, intent: Intent.place(place).value),
                outcome: .accepted)
        ]
        counter += 1
        let body = Encoding.cbor.encode(request)
        return Array(
            ("POST /v1/spaces/\(spaces[space])/sync HTTP/1.1\r\nHost: localhost\r\n"
                + "Authorization: Bearer \(secret)\r\nContent-Type: application/cbor\r\n"
                + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
    }

    mutating func answered(_ status: Int, _ body: ArraySlice<UInt8>) {
        guard status == 200, let reply = try? Encoding.cbor.reply(Array(body)) else {
            failure = "answered \(status): \(String(decoding: body, as: UTF8.self))"
            return
        }
        if let rejection = reply.fates.compactMap(\.rejection).first {
            failure = "an order was refused: \(rejection.code)"
        }
        ticket = reply.ticket
        cursor = reply.cursor
    }
}
