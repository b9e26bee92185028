import ToteClient
import ToteConcurrency
import ToteCore

/// A store's counter as a program: it follows the store's orders and asks for steps.
///
/// One thread polls as a real counter does, with a cursor and a request that waits; one sends what
/// was asked for, one after the other and each until it is answered; one, when it is told to, takes
/// orders through their steps by itself. What they know is in the file before it shows.
final class Counter: Sendable {
    struct Options: Sendable {
        var name: String
        var store: String
        var server: ServerPlace
        var directory: String
        /// Read anew for each request, so that a new token can be put into it.
        var tokenFile: String?
        var token: String?
        /// Whether it takes reservations while it is cut off.
        var isRedeemer = false
    }

    /// What the server said to a deed.
    enum Outcome: Sendable {
        case done(Value, isReplay: Bool)
        case refused(code: String, message: String, Value)
    }

    struct State: Sendable {
        var saved: CounterState
        var isClosed = false
        /// Rises when the network changes, so that who waits for it looks again.
        var networks = 0
        var outcomes: [String: Outcome] = [:]
        var underWay: [NetworkLink.Exchange] = []
        /// Why the server gives no orders; `nil` while it does.
        var trouble: String? = "not asked yet"
    }

    static let waitSeconds = 25
    /// How long a verb waits for the server's answer.
    static let answerLimit: Duration = .seconds(20)
    private static let outcomesMax = 1_000

    let options: Options
    let link: NetworkLink
    let state: Monitor<State>
    private let threads = Lock<[JoinableThread]>([])
    /// The visit that goes on.
    let visit = Lock<String?>(nil)
    let till = Lock<(redeemer: Redeemer, transport: NetworkTransport)?>(nil)

    /// Opens a counter where it was left, and begins to poll.
    init(_ options: Options) throws(Files.Failure) {
        self.options = options
        try Files.makeDirectory(options.directory)
        guard let saved = try CounterState.load(from: options.directory) else {
            throw Files.Failure("read", options.directory + "/counter.json")
        }
        link = NetworkLink(
            to: options.server, profile: NetworkWords.kept(saved.network))
        state = Monitor(State(saved: saved))
        let bodies: [(String, @Sendable () -> Void)] = [
            ("poll", { [self] in poll() }), ("send", { [self] in send() }),
            ("auto", { [self] in runAuto() }),
        ]
        let started = bodies.map { name, body in startThread(named: name, body) }
        threads.withLock { $0 = started }
    }

    var snapshot: State { state.change { $0 } }
    var isClosed: Bool { state.change { $0.isClosed } }

    /// Changes what outlives the process; it is in the file when this returns.
    func change<Result: Sendable>(_ body: @Sendable (inout State) -> Result) -> Result {
        state.change { state in
            let result = body(&state)
            // Legal to fail: a full disk stops the run at the next line, which sees nothing new.
            try? state.saved.save(to: options.directory)
            return result
        }
    }

    /// Ends the threads; what was asked for stays in the file.
    func close() {
        let cut = state.change { state in
            state.isClosed = true
            return state.underWay
        }
        closeRedeemer()
        for exchange in cut { exchange.cut() }
        for thread in threads.withLock({ $0 }) { thread.join() }
    }

    func use(_ profile: NetworkProfile, named name: String) {
        link.use(profile)
        change { state in
            state.saved.network = name
            state.networks += 1
        }
        guard !profile.isOffline, let redeemer else { return }
        Blocking.wait { await redeemer.networkMayBeBack() }
    }

    // MARK: Requests

    func secret() -> String {
        guard let file = options.tokenFile else { return options.token ?? "" }
        let text = String(decoding: (try? Files.read(file)) ?? [], as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    }

    var path: String { "/v1/stores/\(options.store)" }

    /// Carries a request over the link; whoever closes the counter ends it.
    func carry(
        _ method: String, _ path: String, headers: [String: String] = [:], body: String = "",
        lane: TransportRequest.Lane
    ) throws -> TransportResponse {
        var headers = headers
        headers["Authorization"] = "Bearer \(secret())"
        if !body.isEmpty { headers["Content-Type"] = "application/json" }
        let exchange = NetworkLink.Exchange(
            TransportRequest(
                method: method, path: path, headers: headers, body: Array(body.utf8),
                timeout: .seconds(Self.waitSeconds + 10), lane: lane))
        let isClosed = state.change { state in
            state.underWay.append(exchange)
            return state.isClosed
        }
        defer { state.change { state in state.underWay.removeAll { $0 === exchange } } }
        if isClosed { throw CancellationError() }
        return try link.carry(exchange)
    }

    static func problem(_ response: TransportResponse) -> (code: String, message: String, Value) {
        let value = (try? Encoding.json.value(response.body)) ?? .null
        let code = value["code"]?.textValue ?? "status_\(response.status)"
        return (code, value["detail"]?.textValue ?? code, value)
    }

    /// Waits after a failure, or until the network changes.
    private func rest(_ duration: Duration, networks: Int) {
        _ = state.wait(atMost: duration) { $0.isClosed || $0.networks != networks ? true : nil }
    }

    // MARK: Polling

    private func poll() {
        var failures = 0
        while !isClosed {
            let (cursor, networks) = state.change { ($0.saved.cursor, $0.networks) }
            var target = "\(path)/orders"
            if let cursor { target += "?since=\(cursor)&wait=\(Self.waitSeconds)" }
            do {
                let response = try carry("GET", target, lane: .parked)
                failures = 0
                took(response, cursor, networks)
            } catch {
                failures += 1
                let trouble = "\(error)"
                state.change { $0.trouble = trouble }
                rest(.milliseconds(50 << min(failures, 5)), networks: networks)
            }
        }
    }

    private func took(_ response: TransportResponse, _ cursor: String?, _ networks: Int) {
        guard response.status == 200, let page = try? Encoding.json.value(response.body) else {
            let (code, message, _) = Self.problem(response)
            if code == "cursor_expired" { return change { $0.saved.cursor = nil } }
            state.change { $0.trouble = "\(message) (\(code))" }
            return rest(Self.pause(response) + .milliseconds(500), networks: networks)
        }
        let now = SystemClock.nowMilliseconds()
        change { state in
            state.trouble = nil
            state.saved.take(page, isWhole: cursor == nil, at: now)
        }
        if page["more"] != .bool(true), let pause = page["poll_after_ms"]?.intValue {
            rest(.milliseconds(min(max(pause, 0), 60_000)), networks: networks)
        }
    }

    // MARK: Sending

    /// Asks for something; it is in the file before it is sent.
    func ask(_ deed: CounterState.Deed) {
        change { $0.saved.deeds.append(deed) }
    }

    /// What the server said; `nil` when it has not in this time.
    func outcome(of key: String, within limit: Duration = answerLimit) -> Outcome? {
        state.wait(atMost: limit) { $0.outcomes[key] }
    }

    private func send() {
        var failures = 0
        while true {
            let next: (CounterState.Deed, Int)?? = state.wait(atMost: nil) { state in
                if state.isClosed { return .some(nil) }
                return state.saved.deeds.first.map { ($0, state.networks) }
            }
            guard let (deed, networks) = next ?? nil else { return }
            var asked = Duration.zero
            var headers = ["Idempotency-Key": deed.key]
            if let version = deed.ifMatch { headers["If-Match"] = "\"\(version)\"" }
            do {
                let response = try carry(
                    "POST", deed.path, headers: headers, body: deed.body, lane: .exchange)
                // Busy, or a token that is not there yet: nothing was decided.
                let isOpen =
                    response.status >= 500 || [401, 408].contains(response.status)
                    || Self.problem(response).code == "rate_limited"
                asked = Self.pause(response)
                if !isOpen, Self.isAnswer(response) {
                    failures = 0
                    decided(deed, response)
                    continue
                }
            } catch {}
            failures += 1
            rest(asked + .milliseconds(30 << min(failures, 6)), networks: networks)
        }
    }

    /// How long the server asks to be left alone.
    private static func pause(_ response: TransportResponse) -> Duration {
        .seconds(response.header("Retry-After").flatMap { Int($0) } ?? 0)
    }

    /// A login page in between is none.
    private static func isAnswer(_ response: TransportResponse) -> Bool {
        response.header("Content-Type")?.contains("json") == true
    }

    private func decided(_ deed: CounterState.Deed, _ response: TransportResponse) {
        let outcome: Outcome
        let isReplay = response.header("Idempotent-Replayed") == "true"
        if (200..<300).contains(response.status) {
            outcome = .done((try? Encoding.json.value(response.body)) ?? .null, isReplay: isReplay)
        } else {
            let (code, message, value) = Self.problem(response)
            outcome = .refused(code: code, message: message, value)
        }
        change { state in
            state.saved.deeds.removeAll { $0.key == deed.key }
            switch outcome {
            case .done(let order, _):
                state.saved.keep(order)
                if order["state"]?.textValue == "collected" { state.saved.collectedHere += 1 }
            case .refused(let code, _, let value):
                state.saved.refusals[code, default: 0] += 1
                if let order = value["order"] { state.saved.keep(order) }
            }
            if state.outcomes.count >= Self.outcomesMax { state.outcomes = [:] }
            state.outcomes[deed.key] = outcome
        }
    }

    // MARK: By itself

    /// The step that `auto` takes from a state.
    private static let nextStep = [
        "placed": "preparing", "confirmed": "preparing", "preparing": "ready",
    ]

    private func runAuto() {
        while true {
            let pause: Int64?? = state.wait(atMost: nil) { state in
                if state.isClosed { return .some(nil) }
                return state.saved.autoPause.map { .some($0) }
            }
            guard let pause = pause ?? nil else { return }
            let board = snapshot.saved.board.filter { order in
                let state = order["state"]?.textValue ?? ""
                return Self.nextStep[state] != nil || state == "ready" || state == "expired"
            }
            guard !board.isEmpty else {
                _ = state.wait(atMost: .milliseconds(20)) { $0.isClosed ? true : nil }
                continue
            }
            let order = board[Int(SystemClock.random() % UInt64(board.count))]
            if let deed = autoDeed(order) {
                ask(deed)
                _ = state.wait(atMost: Self.answerLimit) { state in
                    state.isClosed || state.outcomes[deed.key] != nil ? true : nil
                }
            }
            _ = state.wait(atMost: .milliseconds(pause)) { $0.isClosed ? true : nil }
        }
    }

    private func autoDeed(_ order: Value) -> CounterState.Deed? {
        guard let id = order["id"]?.textValue, let version = order["version"]?.intValue,
            let state = order["state"]?.textValue
        else { return nil }
        if let next = Self.nextStep[state] {
            return step(id, version, to: next)
        }
        return handOver(order: id, code: order["code"]?.textValue, at: nil)
    }
}

// What a counter asks for.
extension Counter {
    static func freshKey() -> String {
        Hex.string(SystemClock.random()) + Hex.string(SystemClock.random())
    }

    static func body(_ members: [String: Value?]) -> String {
        let present = members.compactMapValues { $0 }
        return String(decoding: Encoding.json.encode(.map(present)), as: UTF8.self)
    }

    func step(
        _ order: String, _ version: Int64, to state: String, reason: String? = nil
    ) -> CounterState.Deed {
        CounterState.Deed(
            key: Self.freshKey(), path: "\(path)/orders/\(order)/steps", ifMatch: version,
            body: Self.body(["to": .text(state), "reason": reason.map { .text($0) }]),
            order: order, what: "\(state) \(order.prefix(8))")
    }

    /// A hand-over by the code that was told, or of an order that the board shows.
    func handOver(order: String?, code: String?, at time: UInt64?) -> CounterState.Deed {
        let isByCode = code != nil && time == nil
        return CounterState.Deed(
            key: Self.freshKey(), path: "\(path)/handover", ifMatch: nil,
            body: Self.body([
                "code": isByCode ? code.map { .text($0) } : nil,
                "order": isByCode ? nil : order.map { .text($0) },
                "at": time.map { .int(Int64($0)) },
            ]), order: order ?? "", what: "hand over \(code ?? String(order?.prefix(8) ?? ""))")
    }

    func deed(
        _ order: String, _ action: String, _ members: [String: Value?] = [:]
    ) -> CounterState.Deed {
        CounterState.Deed(
            key: Self.freshKey(), path: "\(path)/orders/\(order)/\(action)", ifMatch: nil,
            body: Self.body(members), order: order, what: "\(action) \(order.prefix(8))")
    }

    func availability(_ sku: String, _ isAvailable: Bool) -> CounterState.Deed {
        CounterState.Deed(
            key: Self.freshKey(), path: "\(path)/availability", ifMatch: nil,
            body: Self.body(["sku": .text(sku), "available": .bool(isAvailable)]), order: "",
            what: "\(isAvailable ? "available" : "sold-out") \(sku)")
    }
}
