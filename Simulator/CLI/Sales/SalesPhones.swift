import Glibc
import ToteClient
import ToteConcurrency
import ToteCore
import ToteHTTP

/// The phones of an export's customers: the last ones used stay open, the others are files.
final class SalesPhones: Sendable {
    struct Phone: Sendable {
        let customer: Int
        let tote: Tote
        /// Of the catalogue that it has.
        var catalog: Int64
    }

    private struct State {
        /// The one used last is the last.
        var open: [Phone] = []
        /// Of each customer that ever had a phone.
        var catalogs: [Int: Int64] = [:]
    }

    /// A phone takes about a megabyte of memory, and five files.
    private static let openMax = 300
    private static let filesEach = 6

    /// How many may be open, as far as the system's limit on files allows.
    private static let openCount: Int = {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 4_096))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let room = Int(clamping: limit.rlim_cur) - 128
        return min(max(room / filesEach, 8), openMax)
    }()

    private let directory: String
    private let transport: SalesTransport
    private let catalogReader: CatalogReader
    private let state = Lock(State())

    init(in directory: String, _ endpoint: HTTPConnection.Endpoint) {
        self.directory = directory
        transport = SalesTransport(endpoint)
        let last = Lock<(bytes: [UInt8], catalog: Catalog)?>(nil)
        catalogReader = CatalogReader { bytes in
            if let last = last.withLock({ $0 }), last.bytes == bytes { return last.catalog }
            let catalog = try Catalog(try Encoding.json.value(bytes))
            last.withLock { $0 = (bytes, catalog) }
            return catalog
        }
    }

    /// Takes a customer's phone: nobody else has it until it is given back.
    func take(_ customer: Int, named name: String, token: String) async throws -> Phone {
        let open = state.withLock { state -> Phone? in
            guard let place = state.open.firstIndex(where: { $0.customer == customer }) else {
                return nil
            }
            return state.open.remove(at: place)
        }
        if let open { return open }
        let path = "\(directory)/\(name)"
        try Files.makeDirectory(path)
        // One disk for all phones: each waiting for it at every edit would be all that is measured.
        let tote = try Tote(
            directory: path, clock: .system, catalogReader: catalogReader, survivesPowerCuts: false)
        try await tote.signIn(customer: name, transport: transport) { AccessToken(token) }
        let known = state.withLock { $0.catalogs[customer] ?? 0 }
        return Phone(customer: customer, tote: tote, catalog: known)
    }

    /// Gives a phone back; the one that was not used for longest is closed when too many are open.
    func give(_ phone: Phone) async {
        let surplus = state.withLock { state -> Phone? in
            state.catalogs[phone.customer] = phone.catalog
            state.open.append(phone)
            return state.open.count > Self.openCount ? state.open.removeFirst() : nil
        }
        await surplus?.tote.close()
    }

    func close() async {
        for phone in state.withLock({ $0.open }) { await phone.tote.close() }
        transport.close()
    }
}

/// What carries the requests of many phones: a few threads, each with a connection that stays open.
final class SalesTransport: Transport {
    private struct Job: Sendable {
        let request: TransportRequest
        let answer: CheckedContinuation<TransportResponse, any Error>
    }

    private struct State: Sendable {
        var jobs: [Job] = []
        var isClosed = false
    }

    private static let threadCount = 8

    private let state = Monitor(State())
    private let threads = Lock<[JoinableThread]>([])

    init(_ endpoint: HTTPConnection.Endpoint) {
        let started = (0..<Self.threadCount).map { _ in
            startThread(named: "phone-net") { [state] in Self.work(state, endpoint) }
        }
        threads.withLock { $0 = started }
    }

    func close() {
        state.change { $0.isClosed = true }
        for thread in threads.withLock({ $0 }) { thread.join() }
    }

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        try await withCheckedThrowingContinuation { continuation in
            let job = Job(request: request, answer: continuation)
            let isTaken = state.change { state in
                if !state.isClosed { state.jobs.append(job) }
                return !state.isClosed
            }
            if !isTaken { continuation.resume(throwing: CancellationError()) }
        }
    }

    private static func work(_ state: Monitor<State>, _ endpoint: HTTPConnection.Endpoint) {
        var connection: HTTPConnection?
        defer { connection?.close() }
        while true {
            let next: Job?? = state.wait(atMost: nil) { state in
                if !state.jobs.isEmpty { return .some(state.jobs.removeFirst()) }
                return state.isClosed ? .some(nil) : nil
            }
            guard let job = next ?? nil else { return }
            job.answer.resume(
                with: Result {
                    if connection?.isOpen != true { connection = try HTTPConnection(to: endpoint) }
                    return try carry(job.request, connection)
                })
        }
    }

    private static func carry(
        _ request: TransportRequest, _ connection: HTTPConnection?
    ) throws -> TransportResponse {
        guard let connection else { throw CancellationError() }
        let response = try connection.send(
            HTTPClientRequest(
                method: request.method, target: request.path,
                headers: request.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
                body: request.body), timeout: request.timeout)
        return TransportResponse(
            status: response.status,
            headers: Dictionary(
                response.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { $0 + ", " + $1 }),
            body: response.body)
    }
}
