import ToteClient
import ToteConcurrency
import ToteCore
import ToteHTTP

/// A device that edits and pushes without a pause, by the production client core, and holds the
/// server to what it has answered.
///
/// Its own thread runs it. Invariant: what was answered is at most what the server has, and that is
/// at most what was edited.
final class CrashClient: Sendable {
    /// What went wrong, or how much was done.
    struct Result: Sendable {
        var edits: Int64 = 0
        var answered: Int64 = 0
        /// What the server was seen to have.
        var seen: Int64 = 0
        var answers = 0
        /// Requests that the server ended over, and whose fate was looked up.
        var cutOff = 0
        var fault: String?
    }

    private static let cart: Name = "cart:main"
    /// So many that a long run stays below the 1,024 additions that one line keeps apart.
    private static let items = (0..<48).map { Name("latte|size=\($0)") }

    private let name: String
    private let secret: String
    private let endpoint: HTTPConnection.Endpoint
    private let shared: CrashRun.Shared
    private let state = Lock(Result())

    init(
        _ name: String, secret: String, endpoint: HTTPConnection.Endpoint,
        shared: CrashRun.Shared
    ) {
        self.name = name
        self.secret = secret
        self.endpoint = endpoint
        self.shared = shared
    }

    var space: String { "customer:\(name)" }
    var result: Result { state.withLock { $0 } }

    /// Edits and pushes until the run is over, and looks a last time then.
    func run() {
        do {
            let replica = try Self.makeReplica()
            var connection: HTTPConnection?
            var round: UInt64 = 0
            while !shared.isOver {
                round += 1
                try edit(replica, round)
                while let outgoing = try replica.nextRequest(
                    at: Self.reading(), pullsAnyway: false)
                {
                    if let reply = try send(outgoing, &connection) {
                        try take(reply, outgoing, replica)
                    } else {
                        let end = shared.lastEnd
                        state.withLock { $0.cutOff += 1 }
                        try lookUp(after: end)
                        try expectNothingRefused(replica)
                    }
                }
                state.withLock { $0.answered = $0.edits }
            }
            try lookUp(after: nil)
        } catch {
            state.withLock { $0.fault = $0.fault ?? "\(error)" }
        }
    }

    private static func makeReplica() throws -> Replica {
        try Replica(image: Replica.emptyImage(), random: { SystemClock.random() })
    }

    private static func reading() -> ClockReading {
        ClockReading(
            wallMilliseconds: SystemClock.nowMilliseconds(),
            uptimeMilliseconds: SystemClock.monotonicMilliseconds(), bootID: 1)
    }

    private func edit(_ replica: Replica, _ round: UInt64) throws {
        for step in 0...round % 3 {
            let item = Self.items[Int((round + step) % UInt64(Self.items.count))]
            let writes = replica.view.adding(1, collection: Self.cart, item: item)
            _ = try replica.commit(writes, at: Self.reading())
            state.withLock { $0.edits += 1 }
        }
    }

    /// - Returns: `nil` when the server ended before it answered.
    private func send(
        _ outgoing: Outgoing, _ connection: inout HTTPConnection?
    ) throws -> HTTPClientResponse? {
        let request = HTTPClientRequest(
            method: "POST", target: "/v1/spaces/\(space)/sync",
            headers: [
                ("Authorization", "Bearer \(secret)"), ("Content-Type", Encoding.cbor.rawValue),
            ], body: outgoing.body)
        do {
            let open = try connection ?? HTTPConnection(to: endpoint)
            connection = open
            let response = try open.send(request)
            if !open.isOpen { connection = nil }
            state.withLock { $0.answers += 1 }
            shared.noteAnswer()
            return response
        } catch {
            connection = nil
            return nil
        }
    }

    private func take(
        _ response: HTTPClientResponse, _ outgoing: Outgoing, _ replica: Replica
    ) throws {
        let before = replica.id
        let isProblem = response.status != 200
        let outcome = try replica.receive(
            status: response.status, body: response.body, isProblem: isProblem, to: outgoing,
            at: Self.reading())
        guard case .progress = outcome, replica.id == before else {
            // Legal while it ends or begins: nothing was done then, and it says so.
            if response.status == 503 { return SystemClock.pause(.milliseconds(5)) }
            throw RunFailure(.expectation, "\(space): \(outcome) after \(response.status)")
        }
    }

    private func expectNothingRefused(_ replica: Replica) throws {
        for case .rejected(let rejection) in try replica.receipts().map(\.state) {
            throw RunFailure(.expectation, "\(space): refused: \(rejection.code)")
        }
    }

    /// Waits for the server, and holds what it has against what it answered.
    ///
    /// - Parameter end: how the server ended over a push; `nil` when everything was answered.
    private func lookUp(after end: CrashRun.Shared.End?) throws {
        let reader = try Self.makeReplica()
        var seenBefore: Int64?
        while true {
            guard
                let outgoing = try reader.nextRequest(at: Self.reading(), pullsAnyway: true)
            else { throw RunFailure(.expectation, "a reader asks for nothing") }
            var connection: HTTPConnection?
            guard let response = try send(outgoing, &connection), response.status == 200 else {
                guard !shared.hasGivenUp else {
                    throw RunFailure(.unavailable, "the server does not answer any more")
                }
                SystemClock.pause(.milliseconds(5))
                continue
            }
            try take(response, outgoing, reader)
            // A large cart comes in pages, as of a moment; what came behind it is the next answer.
            let has = Self.items.reduce(Int64(0)) { $0 + reader.view.quantity(Self.cart, $1) }
            guard try reader.nextRequest(at: Self.reading(), pullsAnyway: false) == nil,
                has == seenBefore
            else {
                seenBefore = has
                continue
            }
            let told = result
            guard (told.answered...told.edits).contains(has), end != nil || has == told.edits
            else {
                throw RunFailure(
                    .expectation,
                    "\(space): \(told.answered) of \(told.edits) changes were answered, the "
                        + "server has \(has)")
            }
            // A server that was asked to end answers everything that it has judged.
            // It may have judged a push before it was killed: that was seen then.
            if end == .stopped, has > max(told.answered, told.seen) {
                throw RunFailure(
                    .expectation, "\(space): a change was judged, and its answer was dropped")
            }
            state.withLock { $0.seen = has }
            return
        }
    }
}
