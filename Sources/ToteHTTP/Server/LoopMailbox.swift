import CLinux
import Glibc
import ToteConcurrency

/// Names one request of one connection of a loop. Stale ids find nothing: a slot's generation
/// changes with every connection, a connection's sequence with every request.
struct RequestID: Sendable, Hashable {
    let slot: UInt32
    let generation: UInt32
    let sequence: UInt32
}

/// What another thread asks of a loop.
enum LoopMessage: Sendable {
    case respond(RequestID, HTTPResponse)
    case respondMaking(RequestID, @Sendable () -> HTTPResponse)
    case onDisconnect(RequestID, @Sendable () -> Void)
    case drain
    case stop
}

/// The one way into a loop from other threads: a locked queue and an eventfd that is signalled once
/// per burst.
final class LoopMailbox: Sendable {
    private struct State {
        var waiting: [LoopMessage] = []
        var isClosed = false
    }

    /// Which of its server's loops this is.
    let index: Int
    /// Readable while something waits.
    let eventfd: Int32
    private let state = Lock(State())

    // Safe: written by the loop's thread before the first request, hence before the first responder
    // that makes another thread read it.
    nonisolated(unsafe) private var thread: ThreadIdentity?
    // Safe: read and written on the loop's thread alone; `onLoop` checks that.
    nonisolated(unsafe) private var loop: EventLoop?

    init(index: Int) throws(HTTPServerError) {
        self.index = index
        eventfd = clinux_eventfd()
        guard eventfd >= 0 else { throw HTTPServerError(message: "eventfd", errno: -eventfd) }
    }

    deinit {
        close(eventfd)
    }

    /// Called on the loop's thread when it begins.
    func attach(_ loop: EventLoop) {
        thread = .current
        self.loop = loop
    }

    /// Called on the loop's thread when it ends: what still waits is told that the client is gone.
    func detach() {
        loop = nil
        let left = state.withLock { state in
            state.isClosed = true
            let left = state.waiting
            state.waiting = []
            return left
        }
        for case .onDisconnect(_, let notice) in left { notice() }
    }

    /// The loop, if this is its thread.
    var loopOfThisThread: EventLoop? {
        thread == .current ? loop : nil
    }

    /// Leaves a message; dropped if the loop has ended.
    func post(_ message: LoopMessage) {
        let (isFirst, isClosed) = state.withLock { state in
            guard !state.isClosed else { return (false, true) }
            state.waiting.append(message)
            return (state.waiting.count == 1, false)
        }
        if isFirst { clinux_eventfd_signal(eventfd) }
        if isClosed, case .onDisconnect(_, let notice) = message { notice() }
    }

    /// Leaves messages together: the loop wakes once for all of them. Dropped if it has ended.
    func post(_ messages: [LoopMessage]) {
        let isFirst = state.withLock { state in
            guard !state.isClosed, !messages.isEmpty else { return false }
            let wasEmpty = state.waiting.isEmpty
            state.waiting += messages
            return wasEmpty
        }
        if isFirst { clinux_eventfd_signal(eventfd) }
    }

    /// Takes all messages; for the loop, when the eventfd is readable.
    func takeAll() -> [LoopMessage] {
        clinux_eventfd_clear(eventfd)
        return state.withLock { state in
            let taken = state.waiting
            state.waiting = []
            return taken
        }
    }
}
