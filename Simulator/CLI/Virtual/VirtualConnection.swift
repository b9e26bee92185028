import ToteClient
import ToteConcurrency
import ToteHTTP

/// A connection to a server in this process: the bytes of a request go through the server's parser.
final class VirtualConnection: ServerConnection {
    private struct State {
        var parser: RequestParser
        var unread: [UInt8] = []
        var exchange: HTTPExchange?
        var isCancelled = false
    }

    private let server: VirtualServer
    private let isOperator: Bool
    private let state: Lock<State>

    init(to server: VirtualServer, isOperator: Bool) {
        self.server = server
        self.isOperator = isOperator
        state = Lock(State(parser: RequestParser(limits: VirtualServer.limits)))
    }

    func encoded(_ request: HTTPClientRequest) -> [UInt8] { request.encoded(host: "localhost") }

    /// Gives the server a request as soon as its bytes are there; what it would refuse to read is
    /// answered as it would.
    func write(_ bytes: [UInt8]) throws {
        let read = state.withLock { state -> Result<HTTPRequest?, HTTPFailure> in
            state.unread += bytes
            var consumed = 0
            let request = Result { () throws(HTTPFailure) in
                try Self.parse(state.unread, &state.parser, &consumed)
            }
            state.unread.removeFirst(consumed)
            return request
        }
        let exchange: HTTPExchange
        switch read {
        case .success(nil): return
        case .success(let request?):
            exchange = try server.accept(request, isOperator: isOperator)
        case .failure(let failure):
            exchange = HTTPExchange()
            exchange.responder.respond(.plain(failure))
        }
        let isCancelled = state.withLock { state in
            state.exchange = exchange
            return state.isCancelled
        }
        if isCancelled { exchange.cancel() }
    }

    private static func parse(
        _ bytes: [UInt8], _ parser: inout RequestParser, _ consumed: inout Int
    ) throws(HTTPFailure) -> HTTPRequest? {
        var result: Result<HTTPRequest?, HTTPFailure> = .success(nil)
        bytes.withUnsafeBufferPointer { bytes in
            result = Result { () throws(HTTPFailure) in
                try parser.parse(bytes, consumed: &consumed)
            }
        }
        return try result.get()
    }

    func drain(_ limit: Int, within timeout: Duration) throws { _ = try answer(within: timeout) }

    func send(_ request: HTTPClientRequest, within timeout: Duration) throws -> TransportResponse {
        try write(encoded(request))
        let response = try answer(within: timeout)
        return TransportResponse(
            status: response.status, fields: response.headers, body: response.body)
    }

    private func answer(within timeout: Duration) throws -> HTTPResponse {
        guard let exchange = state.withLock({ $0.exchange }) else {
            throw NetworkLink.Failure(description: "closed inside a request")
        }
        defer { close() }
        guard let response = exchange.response(waitingAtMost: timeout) else {
            throw NetworkLink.Failure(
                description: exchange.isCancelled
                    ? "closed without an answer" : "the time given has passed")
        }
        return response
    }

    func cancel() {
        let exchange = state.withLock { state in
            state.isCancelled = true
            return state.exchange
        }
        exchange?.cancel()
    }

    func close() {
        guard let exchange = state.withLock({ $0.exchange }) else { return }
        exchange.cancel()
        server.forget(exchange)
    }
}
