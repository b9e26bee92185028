import Testing
import ToteConcurrency
import ToteHTTP

/// A server on a free port for one test, with deadlines that a test can wait for.
struct TestServer {
    let server: HTTPServer
    let port: UInt16

    /// Options for one loop whose deadlines are all far longer than a test.
    static var options: HTTPServerOptions {
        var options = HTTPServerOptions()
        options.loops = 1
        return options
    }

    init(
        _ options: HTTPServerOptions = TestServer.options,
        handler: @escaping @Sendable (HTTPRequest, HTTPResponder) -> Void = TestServer.echo
    ) throws {
        server = HTTPServer(options: options, handler: handler)
        port = try server.start()
    }

    func connect() throws -> HTTPConnection {
        try HTTPConnection(to: .tcp(host: "127.0.0.1", port: port))
    }

    /// Ends the server without waiting for anybody.
    func stop() {
        server.stop(within: .zero)
    }

    /// Answers with the method, the path and the body.
    static func echo(_ request: HTTPRequest, _ responder: HTTPResponder) {
        let text = "\(request.method.rawValue) \(request.path)\n"
        responder.respond(HTTPResponse(status: 200, body: Array(text.utf8) + request.body))
    }
}

extension HTTPClientResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
}

extension HTTPConnection {
    /// Sends text as it is and reads what comes until the server closes.
    func exchange(_ text: String) throws -> String {
        try write(Array(text.utf8))
        return String(decoding: try readToEnd(), as: UTF8.self)
    }
}

/// How a message is cut on its way.
enum Pieces {
    /// Whole, byte by byte, and once at each line end: behind its CR and behind its LF.
    static func ways(of bytes: [UInt8]) -> [[Int]] {
        // Long messages are long in a run of one letter, or in lines that are alike.
        let start = 1..<min(bytes.count, 600)
        let lineEnds = start.filter { [0x0D, 0x0A].contains(bytes[$0 - 1]) }.prefix(40)
        return [[], Array(start)] + lineEnds.map { [$0] }
    }
}

extension HTTPConnection {
    /// Sends bytes in pieces, as far as the server takes them.
    func write(_ bytes: [UInt8], cutAt cuts: [Int]) {
        var start = 0
        for end in cuts + [bytes.count] {
            // A server that has refused the beginning need not hear the rest.
            guard (try? write(Array(bytes[start..<end]))) != nil else { return }
            start = end
        }
    }
}
