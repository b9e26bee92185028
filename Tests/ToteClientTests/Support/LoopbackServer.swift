import Foundation
import Synchronization
import ToteClient
import ToteTesting

#if canImport(Glibc)
    import Glibc
#endif

/// A server on a real socket, which answers each request with the bytes that a test gives it.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        var line = ""
        var headers: [String: String] = [:]
        var body: [UInt8] = []
    }

    /// `nil` leaves the request without an answer.
    typealias Handler = @Sendable (Request) async throws -> [UInt8]?

    private let listener: Int32
    let url: URL

    init(_ handler: @escaping Handler) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, size) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, pointer, &size) == 0
            }
        }
        guard isListening,
            let url = URL(string: "http://127.0.0.1:\(address.sin_port.bigEndian)/api")
        else { throw URLError(.cannotConnectToHost) }
        self.url = url
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { Self.serve(connection, handler) }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// One request per connection.
    private static func serve(_ connection: Int32, _ handler: @escaping Handler) {
        let request = read(connection)
        Task {
            if let answer = try await handler(request) {
                _ = answer.withUnsafeBytes {
                    Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                shutdown(connection, Int32(SHUT_WR))
                close(connection)
            }
        }
    }

    private static func read(_ connection: Int32) -> Request {
        var request = Request()
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var wanted = Int.max
        while bytes.count < wanted {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes += buffer[..<count]
            guard wanted == .max, let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
                continue
            }
            let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            let lines = head.components(separatedBy: "\r\n")
            request.line = lines[0]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                request.headers[parts[0].lowercased()] =
                    parts[1].trimmingCharacters(in: .whitespaces)
            }
            bytes.removeFirst(end.upperBound)
            wanted = Int(request.headers["content-length"] ?? "0") ?? 0
        }
        request.body = bytes
        return request
    }

    /// A whole answer.
    static func response(_ status: Int, headers: [String: String] = [:], body: [UInt8] = [])
        -> [UInt8]
    {
        var head = "HTTP/1.1 \(status) Status\r\nContent-Length: \(body.count)\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            head += "\(name): \(value)\r\n"
        }
        return Array((head + "Connection: close\r\n\r\n").utf8) + body
    }

    /// A server's core behind a real socket.
    static func serving(_ server: TestServer) throws -> LoopbackServer {
        try LoopbackServer { request in
            let path = request.line.split(separator: " ")[1].dropFirst(4)
            let answer = try await server.send(
                TransportRequest(
                    method: "POST", path: String(path),
                    headers: [
                        "Authorization": request.headers["authorization"] ?? "",
                        "Content-Type": request.headers["content-type"] ?? "",
                    ], body: request.body))
            return response(answer.status, headers: answer.headers, body: answer.body)
        }
    }
}
