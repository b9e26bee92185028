/// An answer. The HTTP layer adds `Date`, `Content-Length` and, where needed, `Connection`.
package struct HTTPResponse: Sendable {
    /// The status code, 200…599.
    package var status: Int
    /// Fields in the order to send them. `Date`, `Content-Length`, `Connection` and
    /// `Transfer-Encoding` are the HTTP layer's: given here, they are left out.
    package var headers: [(name: String, value: String)]
    /// The body; not sent for HEAD, 204 and 304.
    package var body: [UInt8]

    /// An answer of these parts.
    package init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The status codes that never carry a body, whatever `body` holds (RFC 9110 §6.4.1).
    var forbidsBody: Bool { status == 204 || status == 304 }

    /// The answer to a failure when the embedder has no better one: the detail as plain text.
    package static func plain(_ failure: HTTPFailure) -> HTTPResponse {
        HTTPResponse(
            status: failure.status, headers: [("Content-Type", "text/plain; charset=utf-8")],
            body: Array("\(failure.code): \(failure.detail)\n".utf8))
    }
}
