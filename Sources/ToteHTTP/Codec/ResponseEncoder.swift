/// Writes the head of an answer.
enum ResponseEncoder {
    /// How an answer is framed on its connection.
    struct Framing {
        /// Whether the request was HEAD: the length is told, the body is not sent.
        var isForHEAD = false
        /// Whether the connection ends with this answer.
        var closes = false
    }

    /// Appends status line and header.
    ///
    /// - Parameter dateField: `Date: …` with its CR LF.
    /// - Returns: whether the body is to follow.
    static func encodeHead(
        of response: HTTPResponse, framing: Framing, dateField: [UInt8], into buffer: ByteBuffer
    ) -> Bool {
        let status = response.status
        precondition((200...599).contains(status), "status \(status) is no final answer")
        buffer.append("HTTP/1.1 ")
        buffer.append(status)
        buffer.append(reason(status))
        buffer.append(dateField)
        for (name, value) in response.headers where !isReserved(name) {
            buffer.appendField(name)
            buffer.append(": ")
            buffer.appendField(value)
            buffer.append("\r\n")
        }
        if framing.closes { buffer.append("Connection: close\r\n") }
        guard !response.forbidsBody else {
            buffer.append("\r\n")
            return false
        }
        buffer.append("Content-Length: ")
        buffer.append(response.body.count)
        buffer.append("\r\n\r\n")
        return !framing.isForHEAD && !response.body.isEmpty
    }

    /// The fields that belong to the HTTP layer.
    private static func isReserved(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4: name.lowercased() == "date"
        case 10: name.lowercased() == "connection"
        case 14: name.lowercased() == "content-length"
        case 17: name.lowercased() == "transfer-encoding"
        default: false
        }
    }

    /// The reason phrase with its space and line end; an unlisted status has an empty one.
    private static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: " OK\r\n"
        case 201: " Created\r\n"
        case 202: " Accepted\r\n"
        case 204: " No Content\r\n"
        case 304: " Not Modified\r\n"
        case 400: " Bad Request\r\n"
        case 401: " Unauthorized\r\n"
        case 403: " Forbidden\r\n"
        case 404: " Not Found\r\n"
        case 405: " Method Not Allowed\r\n"
        case 406: " Not Acceptable\r\n"
        case 408: " Request Timeout\r\n"
        case 409: " Conflict\r\n"
        case 410: " Gone\r\n"
        case 412: " Precondition Failed\r\n"
        case 413: " Content Too Large\r\n"
        case 414: " URI Too Long\r\n"
        case 415: " Unsupported Media Type\r\n"
        case 417: " Expectation Failed\r\n"
        case 422: " Unprocessable Content\r\n"
        case 428: " Precondition Required\r\n"
        case 429: " Too Many Requests\r\n"
        case 431: " Request Header Fields Too Large\r\n"
        case 500: " Internal Server Error\r\n"
        case 501: " Not Implemented\r\n"
        case 503: " Service Unavailable\r\n"
        case 504: " Gateway Timeout\r\n"
        case 505: " HTTP Version Not Supported\r\n"
        default: " \r\n"
        }
    }
}
