import CLinux
import Glibc

/// One client's connection. Confined to its loop's thread.
///
/// Invariants, where an answer is *due* from the moment its request is handed on:
/// - (H1) answers leave in the order of their requests, one for each;
/// - (H2) behind a refused or closing request nothing is read as a request;
/// - (H3) at most `pipelinedAtMost` answers are due, plus the one of a refusal, and no request is
///   read while bodies of more than one largest body wait for theirs;
/// - (H4) an idle connection holds no buffer.
///
/// `@exclusivity(unchecked)`: the class is confined to its thread and changes these properties in
/// calls that never come back to it; the runtime's proof of that would cost a fifth of a request.
final class ServerConnection {
    /// An answer that has come, perhaps still to be made: in its turn, so that of many that come
    /// together the first is sent before the last is made.
    enum Answer {
        case made(HTTPResponse)
        case making(@Sendable () -> HTTPResponse)

        func response() -> HTTPResponse {
            switch self {
            case .made(let response): response
            case .making(let make): make()
            }
        }
    }

    /// A request whose answer is due.
    struct Due {
        let sequence: UInt32
        let isHEAD: Bool
        /// Whether the connection ends with this answer.
        var isLast: Bool
        let sinceMillis: Int
        var bodyBytes = 0
        var answer: Answer?
        /// Whether the answer waits for the loop's next look at its deadlines.
        var isHeld = false
        var onDisconnect: (@Sendable () -> Void)?
    }

    // Safe: a loop ends after its connections.
    unowned(unsafe) let loop: EventLoop
    let descriptor: Int32
    let slot: UInt32
    let generation: UInt32
    /// What the census counts the connection by; nil for the Unix socket.
    let countedAddress: AddressBits?
    /// Whether the census has counted the connection in: one that is refused for being too many
    /// only gets its answer.
    let isWelcome: Bool

    var isOpen = true
    @exclusivity(unchecked) var parser: RequestParser
    @exclusivity(unchecked) var input: ByteBuffer?
    /// Bytes of answers that wait to be sent; `largeBody` follows them.
    @exclusivity(unchecked) var output: ByteBuffer?
    @exclusivity(unchecked) var largeBody: [UInt8] = []
    var largeBodySent = 0
    @exclusivity(unchecked) var due: [Due] = []
    /// Bytes of bodies handed on whose answers are due.
    var dueBodyBytes = 0
    var nextSequence: UInt32 = 0

    /// No further request is read: the last one was taken, refused, or the client has ended.
    var hasTakenLast = false
    /// The last answer is written or on its way: nothing may follow it.
    var isEnding = false
    /// Everything was sent and our side is closed; what still comes is thrown away.
    var isLingering = false
    /// The client sends no more.
    var inputEnded = false
    /// Requests from this sequence on were given up, because the client has gone.
    var abandonedFrom = UInt32.max
    /// Whether `run` is at work, so that an answer given inside it need not be flushed by itself.
    var isRunning = false
    /// Whether the loop will call `run` before it waits again.
    var isMarked = false

    var watched: UInt32
    var isWriteBlocked = false
    var writeWindowStart = 0
    var writeWindowBytes = 0

    var phase = RequestParser.Phase.idle
    var phaseStart: Int
    var bodyBytesReceived = 0
    /// When the connection last had nothing to do, or began to linger.
    var quietSince: Int

    init(
        loop: EventLoop, descriptor: Int32, slot: UInt32, generation: UInt32,
        peer: HTTPRequest.Peer, address: AddressBits?, isWelcome: Bool
    ) {
        self.loop = loop
        self.descriptor = descriptor
        self.slot = slot
        self.generation = generation
        countedAddress = address
        self.isWelcome = isWelcome
        parser = RequestParser(limits: loop.options.message, peer: peer)
        watched = clinux_epoll_in | clinux_epoll_rdhup
        phaseStart = loop.nowMillis
        quietSince = loop.nowMillis
    }

    var tag: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

    /// Bytes of answers that wait on the reader.
    var backlogBytes: Int { (output?.count ?? 0) + largeBody.count - largeBodySent }

    var canTakeRequest: Bool {
        isOpen && !hasTakenLast && due.count < loop.options.pipelinedAtMost
            && dueBodyBytes <= loop.options.message.bodyBytesAtMost
            && backlogBytes < loop.options.backlogBytesAtMost
    }

    /// Where in `due` a request stands.
    func dueIndex(_ sequence: UInt32) -> Int? {
        for index in due.indices where due[index].sequence == sequence { return index }
        return nil
    }

    var isQuiet: Bool { due.isEmpty && phase == .idle && backlogBytes == 0 }

    // MARK: Events

    /// The socket is ready for what `events` says.
    func handle(_ events: UInt32) {
        if events & (clinux_epoll_err | clinux_epoll_hup) != 0 {
            return destroy()
        }
        if events & clinux_epoll_in != 0 {
            if isLingering { discardInput() } else { receive() }
        } else if events & clinux_epoll_rdhup != 0 {
            endInput()
        }
        if isOpen, events & clinux_epoll_out != 0 { run() }
    }

    /// Does everything that can be done without waiting: takes requests, writes answers, sends.
    func run() {
        guard isOpen, !isRunning, !isLingering else { return }
        isRunning = true
        repeat {
            takeRequests()
            encodeReady()
            flush()
        } while isOpen && hasUnreadRequest && canTakeRequest
        isRunning = false
        guard isOpen else { return }
        returnBuffers()
        if isEnding, backlogBytes == 0 { return beginLinger() }
        if inputEnded, due.isEmpty, backlogBytes == 0 { return destroy() }
        if loop.isDraining, isQuiet { return beginLinger() }
        watchWhatMatters()
    }

    /// Whether bytes wait that were held back, rather than that they make no request yet.
    private var hasUnreadRequest: Bool { isHeldBack && input?.isEmpty == false }

    /// Whether `takeRequests` stopped because it may take no more for now.
    var isHeldBack = false

    private func returnBuffers() {
        if let input, input.isEmpty || hasTakenLast {
            loop.buffers.give(input)
            self.input = nil
        }
        if let output, output.isEmpty {
            loop.buffers.give(output)
            self.output = nil
        }
    }

    /// Tells epoll what to wake the loop for, if that has changed.
    func watchWhatMatters() {
        var wanted: UInt32 = 0
        if isLingering || canTakeRequest && !inputEnded { wanted |= clinux_epoll_in }
        // While reading rests, the client's end may stand behind requests still to be read.
        if !inputEnded, wanted != 0 || hasTakenLast { wanted |= clinux_epoll_rdhup }
        if isWriteBlocked { wanted |= clinux_epoll_out }
        guard wanted != watched else { return }
        watched = wanted
        _ = clinux_epoll_modify(loop.epoll, descriptor, wanted, tag)
    }

    // MARK: The end

    /// Closes our side and waits a moment for the client's: closing at once while bytes of the
    /// client are unread would reset the connection and could take the last answer with it.
    func beginLinger() {
        guard !inputEnded else { return destroy() }
        shutdown(descriptor, Int32(SHUT_WR))
        isLingering = true
        quietSince = loop.nowMillis
        returnBuffers()
        watchWhatMatters()
    }

    /// Closes at once. Whoever asked for notice of a request without an answer is told.
    func destroy() {
        guard isOpen else { return }
        isOpen = false
        close(descriptor)
        if let input { loop.buffers.give(input) }
        if let output { loop.buffers.give(output) }
        input = nil
        output = nil
        loop.forget(self)
        abandon(from: 0)
    }

    /// Gives up on the requests that are due from an index on.
    func abandon(from index: Int) {
        guard index < due.count else { return }
        let given = due[index...]
        abandonedFrom = min(abandonedFrom, due[index].sequence)
        due.removeSubrange(index...)
        for request in given { dueBodyBytes -= request.bodyBytes }
        for request in given { request.onDisconnect?() }
    }
}
