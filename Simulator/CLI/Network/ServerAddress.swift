import ToteHTTP

/// `http://HOST:PORT`, as `--server` takes it.
struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    let host: String
    let port: UInt16

    /// Why a text is no address, in words for `--server`.
    struct Refusal: Error {
        let message: String
        let hint: String
    }

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    init(_ text: String) throws(Refusal) {
        guard !text.hasPrefix("https://") else {
            throw Refusal(
                message: "the simulator speaks no TLS", hint: "name the server itself: http://…")
        }
        let prefix = "http://"
        guard text.hasPrefix(prefix) else {
            throw Refusal(message: "'\(text)' is no address", hint: "like http://127.0.0.1:8090")
        }
        var rest = text.dropFirst(prefix.count)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains("/") else {
            throw Refusal(
                message: "'\(text)' has a path", hint: "only the server: http://127.0.0.1:8090")
        }
        var host = rest
        var port: UInt16? = 80
        if let colon = rest.lastIndex(of: ":"), !rest.hasSuffix("]") {
            host = rest[..<colon]
            port = UInt16(rest[rest.index(after: colon)...])
        }
        guard let port, port > 0, !host.isEmpty else {
            throw Refusal(message: "'\(text)' has no such port", hint: "1 to 65535")
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.host = host == "localhost" ? "127.0.0.1" : String(host)
        self.port = port
    }

    var endpoint: HTTPConnection.Endpoint { .tcp(host: host, port: port) }
    var description: String { "http://\(endpoint)" }
}
