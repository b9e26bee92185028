import CLinux
import Glibc
import ToteConcurrency

/// A TCP relay in front of a server, which fails as it is told.
final class Relay: Sendable {
    enum Mode: Sendable {
        case open
        /// What is sent arrives; as soon as an answer begins, the connection is cut.
        case repliesLost
        /// Nobody can connect, and what is connected is cut.
        case down
        /// Something on the way answers 200 with a page of its own.
        case portal
    }

    private struct State {
        var mode = Mode.open
        var lost = 0
    }

    let port: UInt16
    private let listener: Int32
    private let upstream: UInt16
    private let state = Lock(State())

    /// Begins to listen on a free port of loopback.
    init(to upstream: UInt16) throws(RunFailure) {
        guard let (listener, port) = Self.listen() else {
            throw RunFailure(.unavailable, "no port is free for a relay")
        }
        (self.listener, self.port, self.upstream) = (listener, port, upstream)
        _ = startThread(named: "relay") { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                guard let self else {
                    close(client)
                    return
                }
                _ = startThread(named: "relayed") { self.serve(client) }
            }
        }
    }

    /// Ends the listening; connections end with their clients.
    func stop() {
        use(.down)
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    func use(_ mode: Mode) { state.withLock { $0.mode = mode } }

    /// How many answers were lost so far.
    var lost: Int { state.withLock { $0.lost } }

    private var mode: Mode { state.withLock { $0.mode } }

    private func serve(_ client: Int32) {
        defer { close(client) }
        guard mode != .down, let server = Self.connect(upstream) else { return }
        defer { close(server) }
        var ends = [
            pollfd(fd: client, events: Int16(POLLIN), revents: 0),
            pollfd(fd: server, events: Int16(POLLIN), revents: 0),
        ]
        var room = [UInt8](repeating: 0, count: 65_536)
        while mode != .down {
            // Looks up now and then, so that a connection that is idle is cut, too.
            guard poll(&ends, 2, 50) > 0 else { continue }
            for (index, end) in ends.enumerated() where end.revents != 0 {
                let count = read(end.fd, &room, room.count)
                guard count > 0 else { return }
                let isAnswer = index == 1
                switch mode {
                case .down: return
                case .repliesLost where isAnswer:
                    state.withLock { $0.lost += 1 }
                    return
                case .portal:
                    if !isAnswer { Self.write(Self.page, to: client) }
                    return
                case .open, .repliesLost:
                    guard Self.write(room[..<count], to: isAnswer ? client : server) else { return }
                }
            }
        }
    }

    private static let page: ArraySlice<UInt8> = {
        let body = "<html>Sign in to use this network.</html>"
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: \(body.utf8.count)\r\n"
            + "Connection: close\r\n\r\n"
        return Array((head + body).utf8)[...]
    }()

    @discardableResult
    private static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func withSocket(
        _ address: inout sockaddr_in, _ body: (Int32, UnsafeMutablePointer<sockaddr>) -> Int32
    ) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body(descriptor, $0) }
        }
        guard result == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    private static let addressSize = socklen_t(MemoryLayout<sockaddr_in>.size)

    private static func listen() -> (Int32, UInt16)? {
        var address = loopback(0)
        var size = addressSize
        let listener = withSocket(&address) { descriptor, pointer in
            guard bind(descriptor, pointer, size) == 0, Glibc.listen(descriptor, 64) == 0 else {
                return -1
            }
            return getsockname(descriptor, pointer, &size)
        }
        return listener.map { ($0, UInt16(bigEndian: address.sin_port)) }
    }

    private static func connect(_ port: UInt16) -> Int32? {
        var address = loopback(port)
        return withSocket(&address) { Glibc.connect($0, $1, addressSize) }
    }
}
