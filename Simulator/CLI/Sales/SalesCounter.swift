import ToteConcurrency
import ToteCore
import ToteHTTP

/// The counters of all stores of an export: they poll each store's orders with a cursor, make what
/// was ordered, and hand it over.
final class SalesCounter: Sendable {
    struct HandedOver: Sendable {
        var total: Int64
        var currency: String
    }

    private struct State {
        var cursors: [Int: String] = [:]
        /// Stores with orders to be made; each is worked on by one thread at a time.
        var waiting: [Int] = []
        var busy: Set<Int> = []
        var handedOver: [String: HandedOver] = [:]
        var isClosed = false
        var failure: String?
    }

    private let endpoint: HTTPConnection.Endpoint
    private let stores: [SalesIndex.Store]
    private let tokens: [String]
    private let state = Monitor(State())
    private let threads = Lock<[JoinableThread]>([])

    init(
        _ endpoint: HTTPConnection.Endpoint, stores: [SalesIndex.Store], tokens: [String],
        threads count: Int
    ) {
        self.endpoint = endpoint
        self.stores = stores
        self.tokens = tokens
        let started = (0..<count).map { _ in startThread(named: "counter") { [self] in work() } }
        threads.withLock { $0 = started }
    }

    func close() {
        state.change { $0.isClosed = true }
        for thread in threads.withLock({ $0 }) { thread.join() }
    }

    /// Has a store looked at, and waits until orders were handed over there.
    ///
    /// - Throws: when they were not within two minutes, or a counter failed.
    func collect(_ orders: [String], at store: Int) throws(RunFailure) -> [String: HandedOver] {
        state.change { state in
            if !state.waiting.contains(store) { state.waiting.append(store) }
        }
        let found: Result<[String: HandedOver], RunFailure>? = state.wait(atMost: .seconds(120)) {
            state in
            if let failure = state.failure {
                return .failure(RunFailure(.unavailable, failure))
            }
            var found: [String: HandedOver] = [:]
            for order in orders {
                guard let done = state.handedOver[order] else { return nil }
                found[order] = done
            }
            for order in orders { state.handedOver[order] = nil }
            return .success(found)
        }
        guard let found else {
            throw RunFailure(.expectation, "a counter did not hand an order over for two minutes")
        }
        return try found.get()
    }

    private func work() {
        var connection: HTTPConnection?
        defer { connection?.close() }
        while true {
            let next: Int?? = state.wait(atMost: nil) { state in
                if state.isClosed { return .some(nil) }
                guard let place = state.waiting.firstIndex(where: { !state.busy.contains($0) })
                else { return nil }
                let store = state.waiting.remove(at: place)
                state.busy.insert(store)
                return store
            }
            guard let store = next ?? nil else { return }
            do throws(RunFailure) {
                try serve(store, &connection)
            } catch {
                state.change { $0.failure = $0.failure ?? error.message }
            }
            state.change { $0.busy.remove(store) }
        }
    }

    private func serve(_ store: Int, _ connection: inout HTTPConnection?) throws(RunFailure) {
        while true {
            let cursor = state.change { $0.cursors[store] }
            let since = cursor.map { "&since=\($0)" } ?? ""
            let page = try call(
                "GET", store, "/orders?state=placed,ready&limit=200\(since)", &connection)
            for order in CounterState.list(page["orders"]) {
                try handOver(order, at: store, &connection)
            }
            if let cursor = page["cursor"]?.textValue {
                state.change { $0.cursors[store] = cursor }
            }
            guard page["more"] == .bool(true) else { return }
        }
    }

    private func handOver(
        _ order: Value, at store: Int, _ connection: inout HTTPConnection?
    ) throws(RunFailure) {
        guard let id = order["id"]?.textValue, let version = order["version"]?.intValue else {
            return
        }
        if order["state"] == .text("placed") {
            _ = try call(
                "POST", store, "/orders/\(id)/steps", &connection, ["to": .text("ready")],
                version: version, key: "\(id)-ready")
        }
        let done = try call(
            "POST", store, "/handover", &connection, ["order": .text(id)], key: "\(id)-collected")
        guard let total = done["total"]?.intValue, let currency = done["currency"]?.textValue
        else { throw RunFailure(.expectation, "a hand-over was answered without a total") }
        state.change { state in
            state.handedOver[id] = HandedOver(total: total, currency: currency)
        }
    }

    private func call(
        _ method: String, _ store: Int, _ path: String, _ connection: inout HTTPConnection?,
        _ members: [String: Value]? = nil, version: Int64? = nil, key: String? = nil
    ) throws(RunFailure) -> Value {
        var headers = [(name: "Authorization", value: "Bearer \(tokens[store])")]
        if members != nil { headers.append(("Content-Type", "application/json")) }
        if let version { headers.append(("If-Match", "\"\(version)\"")) }
        if let key { headers.append(("Idempotency-Key", key)) }
        let request = HTTPClientRequest(
            method: method, target: "/v1/stores/\(stores[store].id)\(path)", headers: headers,
            body: members.map { Encoding.json.encode(.map($0)) } ?? [])
        // A kept connection may have been closed meanwhile; keys make a second try harmless.
        var response: HTTPClientResponse?
        for attempt in 0..<2 where response == nil {
            do throws(HTTPClientError) {
                if connection?.isOpen != true { connection = try HTTPConnection(to: endpoint) }
                response = try connection?.send(request, timeout: .seconds(60))
            } catch {
                connection = nil
                if attempt == 1 { throw RunFailure(.unavailable, "no answer: \(error.detail)") }
            }
        }
        let value = response.flatMap { try? Encoding.json.value($0.body) } ?? .null
        guard response?.status == 200 else {
            let code = value["code"]?.textValue ?? "status \(response?.status ?? 0)"
            throw RunFailure(.expectation, "\(method) \(path) was answered with \(code)")
        }
        return value
    }
}
