import CLinux
import Glibc

/// A loop's listening sockets, and what to do when the process has no descriptor left.
struct Acceptor {
    private var tcp: Int32?
    private var unix: Int32?
    /// An open descriptor to give up when there is no other: with it one connection can be accepted
    /// and closed, so that its client is not left waiting.
    private var spare = Self.openSpare()
    private var resumeMillis = 0
    private(set) var isPaused = false
    /// Connections that only get their 503.
    var refusalsUnderWay = 0

    /// Refused connections that are answered at once; more are closed without a word.
    static let refusalsAtMost = 32
    /// Connections accepted in a row, before others get their turn.
    static let acceptsAtMost = 128

    init(tcp: Int32?, unix: Int32?) {
        self.tcp = tcp
        self.unix = unix
    }

    var hasTCP: Bool { tcp != nil }
    var hasUnix: Bool { unix != nil }

    func listener(isUnixSocket: Bool) -> Int32? { isUnixSocket ? unix : tcp }

    func watch(_ epoll: Int32) {
        if let tcp { _ = clinux_epoll_add(epoll, tcp, clinux_epoll_in, EventLoop.tcpTag) }
        if let unix { _ = clinux_epoll_add(epoll, unix, clinux_epoll_in, EventLoop.unixTag) }
    }

    private func unwatch(_ epoll: Int32) {
        if let tcp { _ = clinux_epoll_remove(epoll, tcp) }
        if let unix { _ = clinux_epoll_remove(epoll, unix) }
    }

    /// Stops accepting for a while: a level-triggered listener would wake the loop without end.
    mutating func pause(_ epoll: Int32, untilMillis: Int) {
        shedOne()
        guard !isPaused else { return }
        isPaused = true
        resumeMillis = untilMillis
        unwatch(epoll)
    }

    mutating func resume(_ epoll: Int32, nowMillis: Int) {
        guard isPaused, nowMillis >= resumeMillis else { return }
        isPaused = false
        if spare < 0 { spare = Self.openSpare() }
        watch(epoll)
    }

    /// Accepts one connection on the spare descriptor and closes it.
    private mutating func shedOne() {
        guard spare >= 0, let listener = tcp ?? unix else { return }
        Glibc.close(spare)
        var storage = sockaddr_storage()
        let descriptor = clinux_accept(listener, &storage)
        if descriptor >= 0 { Glibc.close(descriptor) }
        spare = Self.openSpare()
    }

    mutating func close(_ epoll: Int32) {
        if !isPaused { unwatch(epoll) }
        isPaused = false
        for descriptor in [tcp, unix, spare >= 0 ? spare : nil] {
            if let descriptor { Glibc.close(descriptor) }
        }
        tcp = nil
        unix = nil
        spare = -1
    }

    private static func openSpare() -> Int32 {
        open("/dev/null", O_RDONLY | O_CLOEXEC)
    }
}

extension EventLoop {
    /// Accepts what waits, up to a bound.
    func accept(fromUnixSocket isUnixSocket: Bool) {
        for _ in 0..<Acceptor.acceptsAtMost {
            guard let listener = acceptor.listener(isUnixSocket: isUnixSocket) else { return }
            var storage = sockaddr_storage()
            let descriptor = clinux_accept(listener, &storage)
            guard descriptor >= 0 else {
                if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(-descriptor) {
                    counters.acceptPauses.countOne()
                    counters.refusedForDescriptors.countOne()
                    acceptor.pause(epoll, untilMillis: nowMillis + deadlines.acceptPause)
                    return
                }
                // Legal: the client gave up before it was accepted; look at the next.
                if descriptor == -ECONNABORTED || descriptor == -EINTR { continue }
                return
            }
            let address = SocketAddress(storage: storage)
            welcome(descriptor, isUnixSocket ? nil : address)
        }
    }

    private func welcome(_ descriptor: Int32, _ address: SocketAddress?) {
        let bits = address?.bits
        let refusal = census.enter(bits)
        let peer = HTTPRequest.Peer(
            address: address?.numericText ?? "unix", isUnixSocket: address == nil)
        guard let refusal else {
            counters.accepted.countOne()
            _ = adopt(descriptor, peer: peer, address: bits, isWelcome: true)
            return
        }
        switch refusal {
        case .total: counters.refusedForTotal.countOne()
        case .address: counters.refusedForAddress.countOne()
        }
        guard acceptor.refusalsUnderWay < Acceptor.refusalsAtMost else {
            close(descriptor)
            return
        }
        acceptor.refusalsUnderWay += 1
        guard let connection = adopt(descriptor, peer: peer, address: bits, isWelcome: false)
        else { return }
        connection.fail(refusal.failure)
        mark(connection)
    }
}
