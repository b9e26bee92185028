internal import ToteConcurrency
public import ToteClient

/// The network of one device of a `TestWorld`.
public final class TestNetwork: Transport {
    private struct State {
        var isUp = true
        var faults: [LocalServer.Fault] = []
        var underWay = 0
    }

    private let server: LocalServer
    private let state = Lock(State())

    init(_ server: LocalServer) { self.server = server }

    /// Whether there is a network at all.
    public var isUp: Bool {
        get { state.withLock { $0.isUp } }
        set { state.withLock { $0.isUp = newValue } }
    }

    /// What the next exchanges of this device meet, one each.
    public func fail(_ faults: LocalServer.Fault...) { state.withLock { $0.faults += faults } }

    /// Whether an exchange waits for its answer.
    var isBusy: Bool { state.withLock { $0.underWay > 0 } }

    /// Carries a request, or does to it what is due.
    public func send(_ request: TransportRequest) async throws -> TransportResponse {
        guard request.lane != .parked else {
            guard isUp else { throw LocalServer.Offline() }
            return try await server.send(request)
        }
        let (isUp, fault) = state.withLock { state in
            state.underWay += 1
            let isStruck = request.lane == .exchange && !state.faults.isEmpty
            return (state.isUp, isStruck ? state.faults.removeFirst() : nil)
        }
        defer { state.withLock { $0.underWay -= 1 } }
        guard isUp else { throw LocalServer.Offline() }
        switch fault {
        case .lost: throw LocalServer.Offline()
        case .replyLost:
            _ = try await server.send(request)
            throw LocalServer.Offline()
        case .answer(let response): return response
        case .held:
            await server.hold()
            return try await server.send(request)
        case nil: return try await server.send(request)
        }
    }
}
