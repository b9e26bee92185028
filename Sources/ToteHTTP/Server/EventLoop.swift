import CLinux
import Glibc

/// What a loop is made of, opened before its thread starts so that `start` can fail.
struct LoopParts: Sendable {
    let epoll: Int32
    let tcpListener: Int32?
    let unixListener: Int32?
    let mailbox: LoopMailbox
    let counters: LoopCounters
}

/// What all loops of a server share.
struct LoopContext: Sendable {
    let options: HTTPServerOptions
    let deadlines: Deadlines
    let census: ConnectionCensus
    let handler: @Sendable (HTTPRequest, HTTPResponder) -> Void
}

/// One thread's share of a server: its sockets, its connections, its clock.
///
/// Everything here and in `ServerConnection` is confined to the thread that made it.
final class EventLoop {
    private struct Slot {
        var generation: UInt32
        var connection: ServerConnection?
    }

    let options: HTTPServerOptions
    let deadlines: Deadlines
    let census: ConnectionCensus
    let handler: @Sendable (HTTPRequest, HTTPResponder) -> Void
    let epoll: Int32
    let mailbox: LoopMailbox
    let counters: LoopCounters

    var acceptor: Acceptor
    let buffers = BufferPool()
    private(set) var nowMillis = SystemClock.monotonicMillis()
    private(set) var dateField = DateField()
    private(set) var isDraining = false
    private(set) var connectionCount = 0

    private var slots: [Slot] = []
    private var freeSlots: [UInt32] = []
    private var marked: [ServerConnection] = []
    private var nextSweepMillis = 0
    private var mustStop = false

    private static let eventsAtMost = 256
    static let mailboxTag = UInt64.max
    static let tcpTag = UInt64.max - 1
    static let unixTag = UInt64.max - 2

    init(_ parts: LoopParts, _ context: LoopContext) {
        options = context.options
        deadlines = context.deadlines
        census = context.census
        handler = context.handler
        epoll = parts.epoll
        mailbox = parts.mailbox
        counters = parts.counters
        acceptor = Acceptor(tcp: parts.tcpListener, unix: parts.unixListener)
    }

    /// Serves until told to stop, or until a drain has nothing left to wait for.
    func run() {
        mailbox.attach(self)
        _ = clinux_epoll_add(epoll, mailbox.eventfd, clinux_epoll_in, Self.mailboxTag)
        acceptor.watch(epoll)
        let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: Self.eventsAtMost)
        events.initialize(repeating: epoll_event())
        while !mustStop, !(isDraining && connectionCount == 0) {
            wait(events)
        }
        events.deallocate()
        acceptor.close(epoll)
        for connection in slots.compactMap(\.connection) { connection.destroy() }
        mailbox.detach()
        close(epoll)
    }

    private func wait(_ events: UnsafeMutableBufferPointer<epoll_event>) {
        let count = clinux_epoll_wait(
            epoll, events.baseAddress, Int32(events.count), timeoutMillis)
        counters.wakeUps.countOne()
        nowMillis = SystemClock.monotonicMillis()
        dateField.update(unixSeconds: SystemClock.unixSeconds())
        for index in 0..<max(0, Int(count)) {
            dispatch(tag: events[index].data.u64, events: events[index].events)
        }
        runMarked()
        if nowMillis >= nextSweepMillis { sweep() }
    }

    /// Until the next sweep; without connections nothing runs out, and the loop may sleep.
    private var timeoutMillis: Int32 {
        guard connectionCount > 0 || acceptor.isPaused else { return -1 }
        return Int32(max(0, nextSweepMillis - nowMillis))
    }

    private func dispatch(tag: UInt64, events: UInt32) {
        switch tag {
        case Self.mailboxTag:
            for message in mailbox.takeAll() { handle(message) }
        case Self.tcpTag, Self.unixTag:
            accept(fromUnixSocket: tag == Self.unixTag)
        default:
            connection(slot: UInt32(tag & 0xFFFF_FFFF), generation: UInt32(tag >> 32))?
                .handle(events)
        }
    }

    private func handle(_ message: LoopMessage) {
        switch message {
        case .respond(let id, let response): respond(id, .made(response))
        case .respondMaking(let id, let make): respond(id, .making(make))
        case .onDisconnect(let id, let notice): onDisconnect(id, notice)
        case .drain: drain()
        case .stop: mustStop = true
        }
    }

    /// Runs the connections that got an answer from outside their own `run`.
    private func runMarked() {
        while !marked.isEmpty {
            let connections = marked
            marked.removeAll(keepingCapacity: true)
            for connection in connections {
                connection.isMarked = false
                connection.run()
            }
        }
    }

    private func sweep() {
        nextSweepMillis = nowMillis + deadlines.tick
        for slot in slots { slot.connection?.enforceDeadlines() }
        runMarked()
        acceptor.resume(epoll, nowMillis: nowMillis)
    }

    // MARK: Connections

    private func connection(slot: UInt32, generation: UInt32) -> ServerConnection? {
        guard slot < slots.count, slots[Int(slot)].generation == generation else { return nil }
        return slots[Int(slot)].connection
    }

    /// Takes an accepted socket in and watches it.
    func adopt(
        _ descriptor: Int32, peer: HTTPRequest.Peer, address: AddressBits?, isWelcome: Bool
    ) -> ServerConnection? {
        if freeSlots.isEmpty {
            freeSlots.append(UInt32(slots.count))
            slots.append(Slot(generation: 0, connection: nil))
        }
        let slot = freeSlots.removeLast()
        let connection = ServerConnection(
            loop: self, descriptor: descriptor, slot: slot,
            generation: slots[Int(slot)].generation, peer: peer, address: address,
            isWelcome: isWelcome)
        slots[Int(slot)].connection = connection
        // A loop that slept without connections has an old idea of its next sweep.
        if connectionCount == 0 { nextSweepMillis = nowMillis + deadlines.tick }
        connectionCount += 1
        guard clinux_epoll_add(epoll, descriptor, connection.watched, connection.tag) == 0 else {
            connection.destroy()
            return nil
        }
        return connection
    }

    /// Called by a connection that has closed its socket.
    func forget(_ connection: ServerConnection) {
        let index = Int(connection.slot)
        slots[index].connection = nil
        // Safe: wraps after 4 billion connections in one slot, when no old id is around any more.
        slots[index].generation &+= 1
        // The highest generations would look like the loop's own tags.
        if slots[index].generation == .max { slots[index].generation = 0 }
        freeSlots.append(connection.slot)
        connectionCount -= 1
        if connection.isWelcome {
            census.leave(connection.countedAddress)
        } else {
            acceptor.refusalsUnderWay -= 1
        }
    }

    /// Has `run` called on a connection before the loop waits again.
    func mark(_ connection: ServerConnection) {
        guard !connection.isMarked else { return }
        connection.isMarked = true
        marked.append(connection)
    }

    // MARK: What responders ask for

    func respond(_ id: RequestID, _ answer: ServerConnection.Answer, isHeld: Bool = false) {
        connection(slot: id.slot, generation: id.generation)?
            .answer(id.sequence, answer, isHeld: isHeld)
    }

    func onDisconnect(_ id: RequestID, _ notice: @escaping @Sendable () -> Void) {
        guard let connection = connection(slot: id.slot, generation: id.generation) else {
            return notice()
        }
        connection.setNotice(id.sequence, notice)
    }

    /// The answer to a failure, with the fields that its status demands.
    func response(to failure: HTTPFailure) -> HTTPResponse {
        var response = options.errorBody(failure)
        if failure.status == 405 { response.headers.append(("Allow", HTTPMethod.allowed)) }
        if failure.status == 503 {
            response.headers.append(("Retry-After", String(options.retryAfterSeconds)))
        }
        return response
    }

    // MARK: Draining

    /// Takes what already waits to be accepted, then no more; idle connections are closed, the
    /// others end with the answers that are due.
    private func drain() {
        guard !isDraining else { return }
        if acceptor.hasTCP { accept(fromUnixSocket: false) }
        if acceptor.hasUnix { accept(fromUnixSocket: true) }
        acceptor.close(epoll)
        isDraining = true
        for connection in slots.compactMap(\.connection) { connection.drain() }
    }
}
