import Glibc
import ToteConcurrency

/// A client's connection: blocking, one user at a time, kept open from request to request.
///
/// Any error closes it; make a new one. Nothing is sent twice by itself. Only `cancel` may be
/// called while another call is at work.
package final class HTTPConnection: Sendable {
    /// Where a server is.
    package enum Endpoint: Sendable, Hashable, CustomStringConvertible {
        /// An address in digits or a name for the system's resolver.
        case tcp(host: String, port: UInt16)
        /// The path of a Unix socket.
        case unix(path: String)

        /// As a user writes it.
        package var description: String {
            switch self {
            case .tcp(let host, let port):
                host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            case .unix(let path): path
            }
        }

        /// What goes into the `Host` field.
        var hostField: String {
            if case .tcp = self { description } else { "localhost" }
        }
    }

    private struct State {
        let input = ByteBuffer(capacity: 16 * 1024)
        let output = ByteBuffer(capacity: 4 * 1024)
        var parser: ResponseParser
    }

    /// The largest answer taken unless told otherwise, in bytes.
    package static let bodyBytesAtMost = 64 * 1024 * 1024

    private let socket: BlockingSocket
    private let state: Lock<State>
    private let hostField: String

    /// Connects.
    ///
    /// - Throws: `cannotConnect` or `timedOut`.
    package init(
        to endpoint: Endpoint, connectTimeout: Duration = .seconds(5),
        bodyBytesAtMost: Int = HTTPConnection.bodyBytesAtMost
    ) throws(HTTPClientError) {
        socket = try BlockingSocket(try Self.address(of: endpoint), timeout: connectTimeout)
        var limits = HTTPMessageLimits()
        limits.bodyBytesAtMost = bodyBytesAtMost
        state = Lock(State(parser: ResponseParser(limits: limits)))
        hostField = endpoint.hostField
    }

    private static func address(of endpoint: Endpoint) throws(HTTPClientError) -> SocketAddress {
        let address: SocketAddress?
        switch endpoint {
        case .unix(let path):
            address = SocketAddress(unixPath: path)
        case .tcp(let host, let port):
            address =
                SocketAddress(numericHost: host, port: port)
                ?? SocketAddress(resolving: host, port: port)
        }
        guard let address else {
            throw HTTPClientError(.cannotConnect, "\(endpoint) is no address")
        }
        return address
    }

    /// Whether the connection may carry another request.
    package var isOpen: Bool { socket.isOpen }

    /// Sends a request and waits for its answer.
    ///
    /// - Throws: an error that says whether a byte of the request may have left.
    package func send(
        _ request: HTTPClientRequest, timeout: Duration = .seconds(30)
    ) throws(HTTPClientError) -> HTTPClientResponse {
        let deadline = Self.deadline(timeout)
        return try state.withLock { state throws(HTTPClientError) in
            state.output.removeAll()
            request.encode(host: hostField, into: state.output)
            try write(state.output.readable, untilNanos: deadline)
            return try read(&state, isForHEAD: request.method == "HEAD", untilNanos: deadline)
        }
    }

    /// Sends bytes as they are, for pipelining and for tests of what no client should send.
    package func write(
        _ bytes: [UInt8], timeout: Duration = .seconds(30)
    ) throws(HTTPClientError) {
        let deadline = Self.deadline(timeout)
        var failure: HTTPClientError?
        bytes.withUnsafeBufferPointer { bytes in
            do throws(HTTPClientError) {
                try write(bytes, untilNanos: deadline)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Reads the next answer; those of pipelined requests come in the order of the requests.
    ///
    /// - Parameter isForHEAD: whether it answers a HEAD request, and so has no body.
    package func readResponse(
        isForHEAD: Bool = false, timeout: Duration = .seconds(30)
    ) throws(HTTPClientError) -> HTTPClientResponse {
        let deadline = Self.deadline(timeout)
        return try state.withLock { state throws(HTTPClientError) in
            try read(&state, isForHEAD: isForHEAD, untilNanos: deadline)
        }
    }

    /// Reads exactly so many bytes as they come, answers or not: for tests of the bytes themselves.
    package func readBytes(
        _ count: Int, timeout: Duration = .seconds(30)
    ) throws(HTTPClientError) -> [UInt8] {
        let deadline = Self.deadline(timeout)
        return try state.withLock { state throws(HTTPClientError) in
            while state.input.count < count {
                let room = state.input.reserve(4096)
                let received = try socket.receive(into: room, untilNanos: deadline)
                guard received > 0 else {
                    throw HTTPClientError(.connectionLost, "closed early", sentAnything: true)
                }
                state.input.commit(received)
            }
            let bytes = Array(state.input.readable.prefix(count))
            state.input.consume(count)
            return bytes
        }
    }

    /// Reads everything until the server closes the connection, and closes it.
    ///
    /// - Parameter limit: more bytes are not taken.
    package func readToEnd(
        limit: Int = 1024 * 1024, timeout: Duration = .seconds(30)
    ) throws(HTTPClientError) -> [UInt8] {
        let deadline = Self.deadline(timeout)
        return try state.withLock { state throws(HTTPClientError) in
            defer { socket.disconnect() }
            while state.input.count < limit {
                let room = state.input.reserve(4096)
                let count = try socket.receive(into: room, untilNanos: deadline)
                guard count > 0 else { break }
                state.input.commit(count)
            }
            let bytes = Array(state.input.readable)
            state.input.removeAll()
            return bytes
        }
    }

    /// Tells the server that no further request comes; answers may still be read.
    package func endOutput() {
        socket.endOutput()
    }

    /// Ends what another thread waits for, with `cancelled`, and closes the connection.
    package func cancel() {
        socket.cancel()
    }

    /// Closes the connection, once no call is at work on it.
    package func close() {
        state.withLock { _ in socket.disconnect() }
    }

    private static func deadline(_ timeout: Duration) -> UInt64 {
        MonotonicClock.nowNanos() &+ timeout.clampedNanos
    }

    private func write(
        _ bytes: UnsafeBufferPointer<UInt8>, untilNanos deadline: UInt64
    ) throws(HTTPClientError) {
        do throws(HTTPClientError) {
            // Legal: an early refusal closes the connection under a long body; its answer is read.
            _ = try socket.send(bytes, untilNanos: deadline)
        } catch {
            socket.disconnect()
            throw error
        }
    }

    private func read(
        _ state: inout State, isForHEAD: Bool, untilNanos deadline: UInt64
    ) throws(HTTPClientError) -> HTTPClientResponse {
        do throws(HTTPClientError) {
            while true {
                if let response = try parse(&state, isForHEAD: isForHEAD) {
                    if response.closesConnection { socket.disconnect() }
                    return response
                }
                let room = state.input.reserve(4096)
                let count = try socket.receive(into: room, untilNanos: deadline)
                guard count > 0 else {
                    throw HTTPClientError(
                        .connectionLost,
                        state.parser.isInside
                            ? "closed inside an answer" : "closed without an answer")
                }
                state.input.commit(count)
            }
        } catch {
            socket.disconnect()
            var error = error
            error.sentAnything = true
            throw error
        }
    }

    private func parse(
        _ state: inout State, isForHEAD: Bool
    ) throws(HTTPClientError) -> HTTPClientResponse? {
        var consumed = 0
        do throws(HTTPFailure) {
            let response = try state.parser.parse(
                state.input.readable, consumed: &consumed, isForHEAD: isForHEAD)
            state.input.consume(consumed)
            return response
        } catch {
            let isTooLarge = error.status == 413 || error.status == 431
            throw HTTPClientError(
                isTooLarge ? .responseTooLarge : .malformedResponse, error.detail)
        }
    }

    /// The bytes of a request, for `write`.
    package func encoded(_ request: HTTPClientRequest) -> [UInt8] {
        request.encoded(host: hostField)
    }
}
