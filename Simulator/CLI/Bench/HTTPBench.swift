import CLinux
import Glibc
import ToteConcurrency
import ToteHTTP

/// HTTP alone: the server's answers of 200 bytes against a loop that parses nothing.
enum HTTPBench {
    static let connections = 64
    static let bodyBytes = 200

    static func run(seconds: Double, rounds: Int) throws -> [BenchRow] {
        let body = [UInt8](repeating: 0x78, count: bodyBytes)
        var options = HTTPServerOptions()
        options.loops = 1
        options.requestsPerConnectionAtMost = .max
        let server = HTTPServer(options: options) { _, responder in
            responder.respond(
                HTTPResponse(
                    status: 200, headers: [("Content-Type", "text/plain")], body: body))
        }
        let port = try server.start()
        defer { server.stop(within: .zero) }
        let floor = try BareLoop(bodyBytes: bodyBytes)
        defer { floor.stop() }
        let request = Array("GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        var pairs: [(LoadGenerator.Report, LoadGenerator.Report)] = []
        for _ in 0..<rounds {
            func load(of port: UInt16) -> LoadGenerator {
                LoadGenerator(
                    port: port, connections: connections, request: { _ in request },
                    answered: { _, _, _ in })
            }
            pairs.append(
                try LoadGenerator.alternate(load(of: port), load(of: floor.port), seconds: seconds))
        }
        return [
            BenchRow(
                name: "http_alone", unit: "requests/s",
                value: median(pairs.map(\.0.rate)), floor: median(pairs.map(\.1.rate)),
                ratio: median(pairs.map { $0.0.rate / $0.1.rate }), goal: ">= 0.8",
                isMet: median(pairs.map { $0.0.rate / $0.1.rate }) >= 0.8,
                details: [
                    ("p99_us", median(pairs.map { $0.0.percentile(0.99) })),
                    ("floor_p99_us", median(pairs.map { $0.1.percentile(0.99) })),
                    ("server_cpu_us", median(pairs.map(\.0.serverCPUMicros))),
                    ("floor_cpu_us", median(pairs.map(\.1.serverCPUMicros))),
                ])
        ]
    }
}

/// A minimal epoll loop: whatever arrives is one request, the answer is always the same bytes.
final class BareLoop: Sendable {
    let port: UInt16
    private let listener: Int32
    private let wake: Int32
    private let thread: JoinableThread

    init(bodyBytes: Int) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 512) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound else { throw BenchError("no port for the bare loop") }
        port = UInt16(bigEndian: address.sin_port)
        let wake = clinux_eventfd()
        self.listener = listener
        self.wake = wake
        let answer =
            Array(
                ("HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\n"
                    + "Content-Type: text/plain\r\n"
                    + "Content-Length: \(bodyBytes)\r\n\r\n").utf8)
            + [UInt8](repeating: 0x78, count: bodyBytes)
        thread = startThread(named: "bare-loop") { Self.loop(listener, wake, answer) }
    }

    func stop() {
        clinux_eventfd_signal(wake)
        thread.join()
        close(listener)
        close(wake)
    }

    private static func loop(_ listener: Int32, _ wake: Int32, _ answer: [UInt8]) {
        let epoll = clinux_epoll_create()
        _ = clinux_epoll_add(epoll, listener, UInt32(EPOLLIN.rawValue), UInt64(listener))
        _ = clinux_epoll_add(epoll, wake, UInt32(EPOLLIN.rawValue), UInt64(wake))
        var events = [epoll_event](repeating: epoll_event(), count: 128)
        var buffer = [UInt8](repeating: 0, count: 16_384)
        var open: Set<Int32> = []
        while true {
            let count = clinux_epoll_wait(epoll, &events, 128, -1)
            for slot in 0..<max(0, Int(count)) {
                let descriptor = Int32(events[slot].data.u64)
                if descriptor == wake {
                    for client in open { close(client) }
                    close(epoll)
                    return
                }
                if descriptor == listener {
                    var storage = sockaddr_storage()
                    let client = clinux_accept(listener, &storage)
                    guard client >= 0 else { continue }
                    open.insert(client)
                    _ = clinux_epoll_add(epoll, client, UInt32(EPOLLIN.rawValue), UInt64(client))
                    continue
                }
                let received = buffer.withUnsafeMutableBytes {
                    clinux_receive(descriptor, $0.baseAddress, $0.count)
                }
                if received <= 0 {
                    open.remove(descriptor)
                    close(descriptor)
                } else {
                    _ = answer.withUnsafeBytes {
                        clinux_send(descriptor, $0.baseAddress, $0.count)
                    }
                }
            }
        }
    }
}
