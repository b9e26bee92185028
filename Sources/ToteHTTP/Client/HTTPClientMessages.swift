/// A request to send. The connection adds `Host` and, for a body or a method that has one,
/// `Content-Length`.
package struct HTTPClientRequest: Sendable {
    /// The method, in capitals.
    package var method: String
    /// The request target: path and query, percent-encoded.
    package var target: String
    /// Further fields, in the order to send them.
    package var headers: [(name: String, value: String)]
    /// The body; empty for none.
    package var body: [UInt8]

    /// A request of these parts.
    package init(
        method: String = "GET", target: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

extension HTTPClientRequest {
    /// The bytes of the request.
    ///
    /// - Parameter host: what goes into the field `Host`.
    package func encoded(host: String) -> [UInt8] {
        let buffer = ByteBuffer(capacity: 512 + body.count)
        encode(host: host, into: buffer)
        return Array(buffer.readable)
    }

    func encode(host: String, into buffer: ByteBuffer) {
        buffer.appendField(method)
        buffer.append(" ")
        buffer.appendField(target)
        buffer.append(" HTTP/1.1\r\nHost: ")
        buffer.appendField(host)
        buffer.append("\r\n")
        for (name, value) in headers {
            buffer.appendField(name)
            buffer.append(": ")
            buffer.appendField(value)
            buffer.append("\r\n")
        }
        if !body.isEmpty || ["POST", "PUT", "PATCH"].contains(method) {
            buffer.append("Content-Length: ")
            buffer.append(body.count)
            buffer.append("\r\n")
        }
        buffer.append("\r\n")
        buffer.append(body)
    }
}

/// An answer, with its whole body.
package struct HTTPClientResponse: Sendable {
    /// The status code.
    package let status: Int
    /// The body, transfer coding removed.
    package let body: [UInt8]
    /// Whether the server closes the connection behind this answer.
    package let closesConnection: Bool

    let head: [UInt8]
    let fieldsStart: Int

    /// The value of a header field, repeated ones joined by `, `.
    ///
    /// - Parameter lowercasedName: the field's name in lowercase.
    package func header(_ lowercasedName: String) -> String? {
        HeaderFields.value(lowercasedName, in: head, from: fieldsStart)
    }

    /// All fields in the order they came.
    package var headers: [(name: String, value: String)] {
        HeaderFields.all(in: head, from: fieldsStart)
    }
}

/// Why a request on a connection failed. The connection is closed.
package struct HTTPClientError: Error, Hashable, CustomStringConvertible {
    /// What a program may branch on.
    package enum Reason: String, Sendable {
        /// Nobody answers at the address.
        case cannotConnect = "cannot_connect"
        /// The time given has passed.
        case timedOut = "timed_out"
        /// The server closed or reset the connection.
        case connectionLost = "connection_lost"
        /// `cancel` was called.
        case cancelled
        /// The connection was closed before, by an error or by the server's wish.
        case notConnected = "not_connected"
        /// The answer breaks the protocol.
        case malformedResponse = "malformed_response"
        /// The answer is larger than the connection's limit.
        case responseTooLarge = "response_too_large"
    }

    /// What went wrong.
    package let reason: Reason
    /// For a developer: where, and the system's words.
    package let detail: String
    /// Whether a byte of the request may have reached the server. If not, it certainly did not
    /// happen.
    package internal(set) var sentAnything: Bool

    init(_ reason: Reason, _ detail: String, sentAnything: Bool = false) {
        self.reason = reason
        self.detail = detail
        self.sentAnything = sentAnything
    }

    /// The reason and the detail, for a log.
    package var description: String { "\(reason.rawValue): \(detail)" }
}
