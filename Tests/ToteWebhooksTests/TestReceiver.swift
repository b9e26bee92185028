import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteServer

/// A receiver of webhooks on loopback, which answers as a test says and keeps what it was sent.
final class TestReceiver: Sendable {
    struct Message: Sendable {
        var id: String
        var timestamp: String
        var signature: String
        var body: [UInt8]

        /// Whether it was signed with a secret, by what the protocol's text says alone.
        func isSigned(with secret: String) -> Bool {
            guard let key = Base64.bytes(String(secret.dropFirst("whsec_".count))) else {
                return false
            }
            let signed = Array("\(id).\(timestamp).".utf8) + body
            let code = Base64.string(HMACSHA256.code(key: key, message: signed))
            return signature.split(separator: " ").contains { $0 == "v1,\(code)" }
        }
    }

    private let server: HTTPServer
    private let messages = Monitor<[Message]>([])
    let port: UInt16

    /// - Parameter answer: the response to the n-th message, from 0; `nil` leaves it without one.
    init(
        port: UInt16 = 0,
        answer: @escaping @Sendable (Int, Message) -> HTTPResponse? = { _, _ in
            HTTPResponse(status: 204)
        }
    ) throws {
        var options = HTTPServerOptions()
        options.port = port
        options.loops = 1
        let messages = messages
        server = HTTPServer(options: options) { request, responder in
            let message = Message(
                id: request.header("webhook-id") ?? "",
                timestamp: request.header("webhook-timestamp") ?? "",
                signature: request.header("webhook-signature") ?? "", body: request.body)
            let number = messages.change { all in
                all.append(message)
                return all.count - 1
            }
            if let response = answer(number, message) { responder.respond(response) }
        }
        self.port = try server.start()
    }

    deinit { server.stop(within: .zero) }

    var url: String { "http://127.0.0.1:\(port)/hook" }
    var received: [Message] { messages.change { $0 } }

    /// Waits until so many messages have come; returns what has.
    func wait(for count: Int, atMost limit: Duration = .seconds(20)) -> [Message] {
        messages.wait(atMost: limit) { $0.count >= count ? $0 : nil } ?? received
    }
}
