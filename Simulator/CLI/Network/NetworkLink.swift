import ToteClient
import ToteConcurrency
import ToteHTTP

/// What lies between a device and the server: a profile, and faults that the next exchanges meet.
final class NetworkLink: Sendable {
    /// Why no answer came.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var profile: NetworkProfile
        var faults: [NetworkFault] = []
        var underWay: [UInt64: Exchange] = [:]
        var lastID: UInt64 = 0
        var metFaults = 0
        var answered: [String: (asked: UInt64, at: UInt64)] = [:]
    }

    /// One exchange, which somebody else may end.
    final class Exchange: Sendable {
        let request: TransportRequest
        private let state = Monitor(State())

        private struct State {
            var isCut = false
            var connection: (any ServerConnection)?
        }

        init(_ request: TransportRequest) { self.request = request }

        /// Ends the exchange, wherever it is.
        func cut() {
            state.change { state in
                state.isCut = true
                state.connection?.cancel()
            }
        }

        var isCut: Bool { state.change { $0.isCut } }

        fileprivate func use(_ connection: any ServerConnection) throws(Failure) {
            let isCut = state.change { state in
                state.connection = connection
                return state.isCut
            }
            if isCut { throw Failure(description: "the network is gone") }
        }

        fileprivate func pause(_ duration: Duration) throws(Failure) {
            let isCut: Bool? = state.wait(atMost: duration) { $0.isCut ? true : nil }
            if isCut == true { throw Failure(description: "the network is gone") }
        }
    }

    let place: ServerPlace
    private let state: Lock<State>

    init(to place: ServerPlace, profile: NetworkProfile) {
        self.place = place
        state = Lock(State(profile: profile))
    }

    var profile: NetworkProfile { state.withLock { $0.profile } }
    var faults: [NetworkFault] { state.withLock { $0.faults } }

    /// How many exchanges met a fault, or got lost on a bad network.
    var metFaults: Int { state.withLock { $0.metFaults } }

    /// For each space that was synced over it: when the last request that the server answered was
    /// made, and when its answer came, in milliseconds of the wall clock.
    var answered: [String: (asked: UInt64, at: UInt64)] { state.withLock { $0.answered } }

    private func noteAnswer(to request: TransportRequest, asked: UInt64) {
        let words = request.path.split(separator: "/")
        guard request.lane != .lookup, words.count == 4, words[3] == "sync" else { return }
        let space = words[2].replacing("%3A", with: ":")
        let now = SystemClock.nowMilliseconds()
        state.withLock { $0.answered[String(space)] = (asked, now) }
    }

    /// Changes the network. Going offline cuts what is under way; faults that wait are forgotten.
    func use(_ profile: NetworkProfile) {
        let cut: [Exchange] = state.withLock { state in
            state.profile = profile
            state.faults = []
            guard profile.isOffline else { return [] }
            return state.underWay.sorted { $0.key < $1.key }.map(\.value)
        }
        for exchange in cut { exchange.cut() }
    }

    /// Has the next exchanges meet a fault, one after the other.
    func add(_ fault: NetworkFault, times: Int = 1) {
        state.withLock { $0.faults += Array(repeating: fault, count: times) }
    }

    /// Carries one exchange over the link; blocks.
    func carry(_ exchange: Exchange) throws -> TransportResponse {
        let (id, profile, fault) = state.withLock { state in
            state.lastID += 1
            state.underWay[state.lastID] = exchange
            // Parked requests wait for news: a fault is meant for what a person just did.
            let meets = exchange.request.lane == .exchange && !state.profile.isOffline
            let fault = meets && !state.faults.isEmpty ? state.faults.removeFirst() : nil
            if fault != nil, fault != .pass { state.metFaults += 1 }
            return (state.lastID, state.profile, fault)
        }
        defer { state.withLock { $0.underWay[id] = nil } }
        guard !profile.isOffline else { throw Failure(description: "there is no network") }
        if fault == .captivePortal || profile.name == NetworkProfile.captive {
            try exchange.pause(profile.delay(bytes: 0, kilobits: 0) + jitter(profile))
            return Self.loginPage
        }
        let asked = SystemClock.nowMilliseconds()
        let response = try carry(exchange, profile, fault)
        // A proxy's page is no answer of the server's.
        if ![.badGateway, .gatewayTimeout, .truncatedReply, .overloaded].contains(fault) {
            noteAnswer(to: exchange.request, asked: asked)
        }
        return response
    }

    private func carry(
        _ exchange: Exchange, _ profile: NetworkProfile, _ fault: NetworkFault?
    ) throws -> TransportResponse {
        let request = exchange.request
        try exchange.pause(
            profile.delay(bytes: request.body.count, kilobits: profile.up) + jitter(profile))
        guard fault != .lostRequest, !isUnlucky(profile) else {
            throw Failure(description: "the request was lost")
        }
        if fault == .badGateway { return Self.proxyPage(502) }
        if fault == .overloaded { return Self.proxyPage(503) }
        let message = HTTPClientRequest(
            method: request.method, target: request.path,
            headers: request.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
                + [("Connection", "close")], body: request.body)
        if fault == .twice { _ = try send(message, exchange) }
        let connection = try open(exchange)
        defer { connection.close() }
        let timeout = request.timeout
        switch fault {
        case .cutRequest(let bytes):
            try connection.write(Array(connection.encoded(message).prefix(bytes)))
            throw Failure(description: "the connection was cut after \(bytes) bytes of the request")
        case .cutReply(let bytes):
            try connection.write(connection.encoded(message))
            try connection.drain(max(bytes, 1), within: timeout)
            throw Failure(description: "the connection was cut after \(bytes) bytes of the reply")
        default: break
        }
        var response = try connection.send(message, within: timeout)
        try exchange.pause(
            profile.delay(bytes: response.body.count, kilobits: profile.down) + jitter(profile))
        guard fault != .lostReply, !isUnlucky(profile) else {
            throw Failure(description: "the reply was lost")
        }
        switch fault {
        case .lateReply: try exchange.pause(Self.lateness)
        case .truncatedReply: response.body.removeLast(response.body.count / 2)
        case .gatewayTimeout: return Self.proxyPage(504)
        default: break
        }
        return response
    }

    private func open(_ exchange: Exchange) throws -> any ServerConnection {
        let connection = try place.connect()
        try exchange.use(connection)
        return connection
    }

    private func send(
        _ message: HTTPClientRequest, _ exchange: Exchange
    ) throws -> TransportResponse {
        let connection = try open(exchange)
        defer { connection.close() }
        return try connection.send(message, within: exchange.request.timeout)
    }

    private func jitter(_ profile: NetworkProfile) -> Duration {
        .milliseconds(Int(SystemClock.random() % UInt64(profile.jitter + 1)))
    }

    private func isUnlucky(_ profile: NetworkProfile) -> Bool {
        guard SystemClock.random() % 100 < UInt64(profile.loss) else { return false }
        state.withLock { $0.metFaults += 1 }
        return true
    }

    /// Longer than anybody waits.
    private static let lateness: Duration = .seconds(90)

    private static func proxyPage(_ status: Int) -> TransportResponse {
        TransportResponse(
            status: status, headers: ["Content-Type": "text/html"],
            body: Array("<html><body>The server does not answer.</body></html>".utf8))
    }

    private static let loginPage = TransportResponse(
        status: 200, headers: ["Content-Type": "text/html"],
        body: Array("<html><body>Welcome! Please sign in to use this network.</body></html>".utf8))
}
