public import ToteClient
package import ToteCore
package import ToteServer

/// The production server over a file in memory, and the network in front of it, which fails as a
/// test says: a transport for `Tote.signIn`.
public actor LocalServer: Transport {
    /// What happens to one exchange.
    public enum Fault: Sendable {
        /// The request never arrives.
        case lost
        /// The request is served, its answer never arrives.
        case replyLost
        /// Something between answers instead.
        case answer(TransportResponse)
        /// Arrives and is served when the test releases it.
        case held
    }

    /// There is no way to the server.
    public struct Offline: Error {
        package init() {}
    }

    package private(set) var server: Server
    package private(set) var store: ServerStore
    package let clock: VirtualClock
    /// The catalogue in force as it is served, and its version.
    package var catalog: (version: Int, bytes: [UInt8])?
    private var parked: [Int: (sync: Parked, wake: CheckedContinuation<Void, Never>)] = [:]
    private var held: [CheckedContinuation<Void, Never>] = []
    private var nextID = 0
    package private(set) var faults: [Fault] = []
    package var isDown = false
    /// Requests that arrived, also those that a fault answered: the path and the bearer's secret.
    package private(set) var seen: [(path: String, secret: String, lane: TransportRequest.Lane)] =
        []
    /// Told of every answer that the server gave.
    private let answered: @Sendable (ServerRequest, ServerResponse) -> Void
    /// What changed of rights, as the list beside a file has it.
    private let taken = ListedRights()

    private final class ListedRights {
        var list = ErasureList()
    }

    private var arrivals: [(count: Int, wake: CheckedContinuation<Void, Never>)] = []

    /// A server that knows nobody yet.
    public init(_ clock: VirtualClock) throws {
        try self.init(clock) { _, _ in }
    }

    /// A server whose answers a test hears of.
    package init(
        _ clock: VirtualClock,
        answered: @escaping @Sendable (ServerRequest, ServerResponse) -> Void
    ) throws {
        self.clock = clock
        self.answered = answered
        store = try ServerStore(image: nil)
        server = try Server(store: store, random: { clock.draw() })
        server.keepRights = { [taken] in for right in $0 { taken.list.insert(right) } }
    }

    /// A backup of now, and the catalogue that is in it.
    package func backup() throws -> (image: [UInt8], catalog: (version: Int, bytes: [UInt8])?) {
        let store = try ServerStore(image: server.image())
        try store.setMeta("is_backup", 1)
        return (try store.image(), catalog)
    }

    /// Goes on from a backup, as `tote restore` does.
    package func restore(_ backup: (image: [UInt8], catalog: (version: Int, bytes: [UInt8])?))
        throws
    {
        let clock = clock
        var list = try store.erasures()
        for right in taken.list.rights { list.insert(right) }
        store = try ServerStore(image: backup.image)
        server = try Server(store: store, random: { clock.draw() })
        server.keepRights = { [taken] in for right in $0 { taken.list.insert(right) } }
        try server.eraseAgain(list, at: clock.milliseconds)
        catalog = backup.catalog
    }

    /// What the next exchanges meet, one each.
    public func fail(_ faults: Fault...) { self.faults += faults }
    /// Whether nobody reaches it.
    public func setDown(_ isDown: Bool) { self.isDown = isDown }

    /// Mints a token; with `write` for these collections alone.
    public func mint(_ customer: String, write: [String] = ["*"], expiresIn seconds: Int? = nil)
        throws
        -> String
    {
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "tokens"], requestID: "mint")
        request.isOperator = true
        let grant: Value = .map([
            "space": .text("customer:\(customer)"), "write": .array(write.map { .text($0) }),
        ])
        var body: [String: Value] = ["spaces": .array([grant])]
        if let seconds { body["expires_in_s"] = .int(Int64(seconds)) }
        request.body = Encoding.json.encode(.map(body))
        let answer = try handle(request)
        guard case .answer(let response) = answer,
            let secret = try Encoding.json.value(response.body)["token"]?.textValue
        else { throw Offline() }
        return secret
    }

    /// Erases a customer, as an operator does: their devices are told with their next answer.
    ///
    /// - Returns: whether they are erased: a customer with an open order is not.
    @discardableResult
    public func erase(_ customer: String) throws -> Bool {
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "customers", customer, "erase"],
            requestID: "erase")
        request.isOperator = true
        let answer = try handle(request)
        wakeTouched()
        guard case .answer(let response) = answer else { return false }
        return response.status == 200
    }

    /// One request as the server sees it, in a group of its own.
    package func handle(_ request: ServerRequest) throws -> Handled {
        try tell(request, serve { try server.handle(request, at: clock.milliseconds) })
    }

    private func tell(_ request: ServerRequest, _ handled: Handled) -> Handled {
        if case .answer(let response) = handled { answered(request, response) }
        return handled
    }

    package func serve(_ body: () throws -> Handled) throws -> Handled {
        try server.begin()
        let handled = try body()
        try server.commit()
        return handled
    }

    /// How many times each change of a customer was judged; what is the same as another's was not.
    package func judged(_ customer: String) throws -> [Nonce: Int] {
        try server.judgedEvents(space: "customer:\(customer)")
            .filter { if case .sameAs = $0.outcome { false } else { true } }
            .reduce(into: [:]) { $0[$1.change.nonce, default: 0] += 1 }
    }

    /// Waits until so many requests have arrived since the start.
    package func arrived(_ count: Int) async {
        guard seen.count < count else { return }
        await withCheckedContinuation { arrivals.append((count, $0)) }
    }

    /// Waits until a test lets it go on.
    func hold() async { await withCheckedContinuation { held.append($0) } }

    /// Lets go on what `held` holds.
    public func releaseHeld() {
        for waiting in held { waiting.resume() }
        held = []
    }

    package func releaseParked() {
        for entry in parked.values { entry.wake.resume() }
        parked = [:]
    }

    public func send(_ request: TransportRequest) async throws -> TransportResponse {
        let secret = request.headers["Authorization"].map { String($0.dropFirst(7)) } ?? ""
        if request.lane != .lookup { seen.append((request.path, secret, request.lane)) }
        for arrival in arrivals where arrival.count <= seen.count { arrival.wake.resume() }
        arrivals.removeAll { $0.count <= seen.count }
        guard !isDown else { throw Offline() }
        guard request.lane == .exchange, !faults.isEmpty else { return try await answer(request) }
        switch faults.removeFirst() {
        case .lost: throw Offline()
        case .replyLost:
            _ = try await answer(request)
            throw Offline()
        case .answer(let response): return response
        case .held:
            await hold()
            return try await answer(request)
        }
    }

    private func answer(_ request: TransportRequest) async throws -> TransportResponse {
        let parts = request.path.split(separator: "?", maxSplits: 1)
        let path = parts[0].split(separator: "/").map {
            String($0).replacing("%20", with: " ").replacing("%C3%A9", with: "é")
        }
        var inner = ServerRequest(method: request.method, path: path, requestID: "r")
        for pair in parts.dropFirst().first?.split(separator: "&") ?? [] {
            let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
            inner.query[sides[0]] = sides.count == 2 ? sides[1] : ""
        }
        inner.ifNoneMatch = request.headers["If-None-Match"]
        inner.authorization = request.headers["Authorization"]
        inner.contentType = request.headers["Content-Type"]
        inner.body = request.body
        var handled = try handle(inner)
        wakeTouched()
        while case .park(let sync) = handled {
            nextID += 1
            let id = nextID
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if Task.isCancelled { return continuation.resume() }
                    parked[id] = (sync, continuation)
                }
            } onCancel: {
                Task { await self.wake(id) }
            }
            try Task.checkCancellation()
            handled = try tell(
                inner, serve { try server.resume(sync, at: clock.milliseconds + 30_000) })
        }
        guard case .answer(let response) = handled else { throw Offline() }
        if path == ["v1", "catalog"], response.code == "not_found", let catalog {
            let isKnown = inner.ifNoneMatch == "\"\(catalog.version)\""
            return TransportResponse(
                status: isKnown ? 304 : 200, body: isKnown ? [] : catalog.bytes)
        }
        var headers = ["Content-Type": response.contentType]
        for (name, value) in response.headers { headers[name] = value }
        return TransportResponse(status: response.status, headers: headers, body: response.body)
    }

    private func wake(_ id: Int) { parked.removeValue(forKey: id)?.wake.resume() }

    package func wakeTouched() {
        for (id, entry) in parked where server.touchedSpaces.contains(entry.sync.space) {
            wake(id)
        }
    }
}
