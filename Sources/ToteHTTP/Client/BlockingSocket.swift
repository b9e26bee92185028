import Glibc
import ToteConcurrency

/// A connected stream socket whose calls block, until a deadline or until `cancel`.
final class BlockingSocket: Sendable {
    private struct State {
        var descriptor: Int32
        var isCancelled = false
        /// What the system was last told to wait at most, in nanoseconds; 0 is for ever.
        var receiveNanos: UInt64 = 0
        var sendNanos: UInt64 = 0
    }

    private let state: Lock<State>

    /// Connects within a time.
    init(_ address: SocketAddress, timeout: Duration) throws(HTTPClientError) {
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(address.family, Int32(type), 0)
        guard descriptor >= 0 else {
            throw HTTPClientError(.cannotConnect, "no socket: \(errorText(errno))")
        }
        // On Linux the limit for sending is the one for connecting too, of any family.
        let waitNanos = max(timeout.clampedNanos, 1_000_000)
        Self.limit(SO_SNDTIMEO, of: descriptor, nanos: waitNanos)
        guard address.withPointer({ connect(descriptor, $0, $1) }) == 0 else {
            let code = errno
            close(descriptor)
            let isLate = code == EINPROGRESS || code == EAGAIN || code == ETIMEDOUT
            throw HTTPClientError(isLate ? .timedOut : .cannotConnect, errorText(code))
        }
        if address.family != AF_UNIX {
            var on: Int32 = 1
            setsockopt(
                descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on,
                socklen_t(MemoryLayout<Int32>.size))
        }
        state = Lock(State(descriptor: descriptor, sendNanos: waitNanos))
    }

    deinit {
        disconnect()
    }

    /// Tells the system how long a call on the socket may block.
    private static func limit(_ option: Int32, of descriptor: Int32, nanos: UInt64) {
        var time = timeval(
            tv_sec: Int(nanos / 1_000_000_000), tv_usec: Int(nanos % 1_000_000_000 / 1000))
        setsockopt(
            descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The descriptor, ready to wait no longer than until the deadline.
    private func prepare(
        untilNanos deadline: UInt64, option: Int32
    ) throws(HTTPClientError) -> Int32 {
        let now = MonotonicClock.nowNanos()
        guard now < deadline else { throw HTTPClientError(.timedOut, "the time given has passed") }
        let left = max(deadline - now, 1_000_000)
        return try state.withLock { state throws(HTTPClientError) in
            guard state.descriptor >= 0 else {
                throw HTTPClientError(
                    state.isCancelled ? .cancelled : .notConnected, "the connection is closed")
            }
            let told = option == SO_RCVTIMEO ? state.receiveNanos : state.sendNanos
            // A system call for each wait would cost a tenth of a request: a limit that is at most
            // an eighth off is left alone, and asked again when it strikes.
            let difference = told > left ? told - left : left - told
            guard difference > left / 8 else { return state.descriptor }
            Self.limit(option, of: state.descriptor, nanos: left)
            if option == SO_RCVTIMEO { state.receiveNanos = left } else { state.sendNanos = left }
            return state.descriptor
        }
    }

    /// Reads at least one byte.
    ///
    /// - Returns: how many; 0 when the peer has closed its side.
    func receive(
        into room: UnsafeMutableBufferPointer<UInt8>, untilNanos deadline: UInt64
    ) throws(HTTPClientError) -> Int {
        while true {
            let descriptor = try prepare(untilNanos: deadline, option: SO_RCVTIMEO)
            let count = recv(descriptor, room.baseAddress, room.count, 0)
            if count > 0 { return count }
            let code = count == 0 ? 0 : errno
            if isCancelled { throw HTTPClientError(.cancelled, "while waiting for an answer") }
            if code == 0 { return 0 }
            if code != EAGAIN && code != EINTR {
                throw HTTPClientError(.connectionLost, errorText(code))
            }
        }
    }

    /// Writes all the bytes.
    ///
    /// - Returns: whether they were all taken before the peer closed the connection: a server that
    ///   refuses early has an answer to read all the same.
    func send(
        _ bytes: UnsafeBufferPointer<UInt8>, untilNanos deadline: UInt64
    ) throws(HTTPClientError) -> Bool {
        var sent = 0
        while sent < bytes.count {
            do throws(HTTPClientError) {
                let descriptor = try prepare(untilNanos: deadline, option: SO_SNDTIMEO)
                let count = Glibc.send(
                    descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
                let code = count < 0 ? errno : 0
                if count > 0 { sent += count }
                if isCancelled { throw HTTPClientError(.cancelled, "while sending") }
                if code == EPIPE || code == ECONNRESET { return false }
                guard code == 0 || code == EAGAIN || code == EINTR else {
                    throw HTTPClientError(.connectionLost, errorText(code))
                }
            } catch {
                var error = error
                error.sentAnything = sent > 0
                throw error
            }
        }
        return true
    }

    private var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Whether the socket is open on our side.
    var isOpen: Bool { state.withLock { $0.descriptor >= 0 && !$0.isCancelled } }

    /// Closes our sending side.
    func endOutput() {
        state.withLock { state in
            if state.descriptor >= 0 { shutdown(state.descriptor, Int32(SHUT_WR)) }
        }
    }

    /// Makes a call that blocks in another thread end with `cancelled`, and all later ones.
    func cancel() {
        state.withLock { state in
            guard state.descriptor >= 0 else { return }
            state.isCancelled = true
            shutdown(state.descriptor, Int32(SHUT_RDWR))
        }
    }

    /// Closes the socket. Must not be called while another thread is in `send` or `receive`.
    func disconnect() {
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
            state.descriptor = -1
        }
    }
}
