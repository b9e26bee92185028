import CLinux
import Glibc
import ToteConcurrency

/// An HTTP/1.1 server: one event loop per core, strict about what it reads.
///
/// The handler runs on the loops' threads and must not block; it answers through the responder, at
/// once or later from any thread. A server that was started must be stopped.
package final class HTTPServer: Sendable {
    private enum State {
        case new
        case running([Loop])
        case stopped([Loop])
    }

    private struct Loop: Sendable {
        let parts: LoopParts
        let thread: JoinableThread
    }

    private let options: HTTPServerOptions
    private let context: LoopContext
    private let state = Lock(State.new)
    private let ended = Mailbox<Int>()

    /// The share of the process's descriptors that connections may take, in percent.
    private static let descriptorPercent = 90

    /// Sets a server up; it opens nothing yet.
    ///
    /// - Parameter handler: called for each request, on a loop's thread.
    package init(
        options: HTTPServerOptions,
        handler: @escaping @Sendable (HTTPRequest, HTTPResponder) -> Void
    ) {
        options.message.check()
        self.options = options
        let exempt = options.exemptAddresses.compactMap {
            SocketAddress(numericHost: $0, port: 0)?.bits
        }
        let census = ConnectionCensus(
            totalAtMost: min(options.connectionsAtMost, Self.connectionsByDescriptors),
            perAddressAtMost: options.connectionsPerAddressAtMost,
            exempt: Set(exempt))
        context = LoopContext(
            options: options, deadlines: Deadlines(options), census: census, handler: handler)
    }

    private static var connectionsByDescriptors: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 900
        }
        return Int(clamping: limit.rlim_cur) / 100 * descriptorPercent
    }

    /// Opens the sockets and starts the loops.
    ///
    /// - Returns: the TCP port listened on; 0 if there is none.
    /// - Throws: `HTTPServerError` if an address cannot be had; nothing is left open.
    package func start() throws(HTTPServerError) -> UInt16 {
        let isFirst = state.withLock { state in
            guard case .new = state else { return false }
            state = .stopped([])
            return true
        }
        precondition(isFirst, "a server is started once")
        for address in options.exemptAddresses
        where SocketAddress(numericHost: address, port: 0) == nil {
            throw HTTPServerError(message: "\(address) is no numeric address", errno: 0)
        }
        let count = max(1, options.loops ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let (parts, port) = try openParts(count)
        let loops = parts.enumerated().map { index, parts in
            let (context, ended) = (context, ended)
            let thread = startThread(named: "http-\(index)") {
                EventLoop(parts, context).run()
                ended.post(index)
            }
            return Loop(parts: parts, thread: thread)
        }
        state.withLock { $0 = .running(loops) }
        return port
    }

    private func openParts(
        _ count: Int
    ) throws(HTTPServerError) -> (parts: [LoopParts], port: UInt16) {
        var opened: [Int32] = []
        do throws(HTTPServerError) {
            var tcp: [Int32] = []
            var port: UInt16 = 0
            if let host = options.host {
                (tcp, port) = try ListeningSocket.tcp(
                    host: host, port: options.port, count: count, queue: options.acceptQueue)
                opened += tcp
            }
            var unix: Int32?
            if let path = options.unixSocketPath {
                let socket = try ListeningSocket.unix(path: path, queue: options.acceptQueue)
                opened.append(socket)
                unix = socket
            }
            var parts: [LoopParts] = []
            for index in 0..<count {
                let epoll = clinux_epoll_create()
                guard epoll >= 0 else { throw HTTPServerError(message: "epoll", errno: -epoll) }
                opened.append(epoll)
                parts.append(
                    LoopParts(
                        epoll: epoll, tcpListener: tcp.isEmpty ? nil : tcp[index],
                        unixListener: index == 0 ? unix : nil,
                        mailbox: try LoopMailbox(index: index),
                        counters: LoopCounters()))
            }
            return (parts, port)
        } catch {
            for descriptor in opened { close(descriptor) }
            throw error
        }
    }

    private var loops: [Loop] {
        state.withLock { state in
            if case .running(let loops) = state { loops } else { [] }
        }
    }

    /// Stops accepting, closes idle connections, and ends the others with the answers that are due.
    /// Returns at once; the loops end when their last connection has.
    package func beginDrain() {
        for loop in loops { loop.parts.mailbox.post(.drain) }
    }

    /// Drains, cuts what is left when the time has passed, and waits for the loops' threads.
    ///
    /// Must not be called from a handler. Requests that are parked should be answered before, or
    /// they wait for the end of the time.
    package func stop(within limit: Duration) {
        let loops = loops
        guard !loops.isEmpty else { return }
        beginDrain()
        let deadline = MonotonicClock.nowNanos() &+ limit.clampedNanos
        var endedCount = 0
        while endedCount < loops.count {
            let now = MonotonicClock.nowNanos()
            guard now < deadline else { break }
            endedCount += ended.drain(waitingAtMost: .nanoseconds(deadline - now)).count
        }
        for loop in loops { loop.parts.mailbox.post(.stop) }
        for loop in loops { loop.thread.join() }
        state.withLock { $0 = .stopped(loops) }
        if let path = options.unixSocketPath { unlink(path) }
    }

    /// What the server has done so far.
    package var statistics: HTTPServerStatistics {
        var sum = HTTPServerStatistics()
        sum.connectionsOpen = context.census.total
        let all = state.withLock { state in
            switch state {
            case .new: [Loop]()
            case .running(let loops), .stopped(let loops): loops
            }
        }
        for loop in all { loop.parts.counters.add(to: &sum) }
        return sum
    }
}
