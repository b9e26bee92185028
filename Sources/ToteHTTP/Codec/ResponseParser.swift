/// Reads answers, as strictly as `RequestParser` reads requests. Pure: no socket, no clock.
package struct ResponseParser {
    private enum BodyState {
        case head
        case sized(left: Int)
        case chunked(ChunkedDecoder)
    }

    private let limits: HTTPMessageLimits
    private var scanner = LineScanner()
    private var status: Int?
    private var isHTTP10 = false
    private var fieldsStart = 0
    private var fieldCount = 0
    private var framing = Framing()
    private var state = BodyState.head
    private var head: [UInt8] = []
    private var body: [UInt8] = []

    /// Whether a byte of an answer was seen that is not complete.
    package private(set) var isInside = false

    /// A parser for one connection.
    package init(limits: HTTPMessageLimits = HTTPMessageLimits()) {
        self.limits = limits
    }

    /// The next final answer, if `bytes` completes one; interim answers (1xx) are passed over.
    ///
    /// - Parameters:
    ///   - consumed: how many bytes were used up; the others must be shown again.
    ///   - isForHEAD: whether the request was HEAD, whose answer has no body.
    /// - Throws: 413 or 431 for an answer too large, any other status for a malformed one.
    package mutating func parse(
        _ bytes: UnsafeBufferPointer<UInt8>, consumed: inout Int, isForHEAD: Bool
    ) throws(HTTPFailure) -> HTTPClientResponse? {
        consumed = 0
        while case .head = state {
            let rest = bytes.part(consumed..<bytes.count)
            guard !rest.isEmpty else { return nil }
            isInside = true
            guard let end = try parseHead(rest) else { return nil }
            consumed += end
            guard let status, status >= 200 else {
                guard status != 101 else { throw .badRequest("a switch of protocols") }
                startOver()
                continue
            }
            head = Array(rest.part(0..<end))
            try beginBody(status: status, isForHEAD: isForHEAD)
        }
        return try parseBody(bytes.part(consumed..<bytes.count), consumed: &consumed)
    }

    private mutating func startOver() {
        scanner = LineScanner()
        status = nil
        fieldCount = 0
        framing = Framing()
        state = .head
        isInside = false
    }

    private mutating func parseHead(
        _ bytes: UnsafeBufferPointer<UInt8>
    ) throws(HTTPFailure) -> Int? {
        let limits = limits
        if status == nil {
            guard
                let range = try scanner.nextLine(
                    in: bytes, before: limits.headerBytesAtMost,
                    orThrow: { .headerTooLarge(limits) })
            else { return nil }
            status = try parseStatusLine(bytes.part(range))
            fieldsStart = scanner.lineStart
        }
        while let range = try scanner.nextLine(
            in: bytes, before: fieldsStart + limits.headerBytesAtMost,
            orThrow: { .headerTooLarge(limits) })
        {
            if range.isEmpty { return scanner.lineStart }
            fieldCount += 1
            guard fieldCount <= limits.fieldsAtMost else { throw .headerTooLarge(limits) }
            try framing.noteAny(try FieldLine(bytes.part(range)))
        }
        return nil
    }

    /// `HTTP/1.1 200 OK`; the reason phrase may be empty.
    private mutating func parseStatusLine(
        _ line: UnsafeBufferPointer<UInt8>
    ) throws(HTTPFailure) -> Int {
        guard line.count >= 12 else { throw .badRequest("a status line too short") }
        isHTTP10 = line.part(0..<8).equals("HTTP/1.0")
        guard isHTTP10 || line.part(0..<8).equals("HTTP/1.1"), line[8] == Byte.space,
            line.count == 12 || line[12] == Byte.space
        else { throw .badRequest("a malformed status line") }
        let digits = line.part(9..<12)
        guard digits.allSatisfy(\.isDigit) else { throw .badRequest("a malformed status") }
        let status = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard (100...599).contains(status) else { throw .badRequest("a status out of range") }
        return status
    }

    private mutating func beginBody(status: Int, isForHEAD: Bool) throws(HTTPFailure) {
        try framing.check(isHTTP10: isHTTP10)
        body = []
        if isForHEAD || status == 204 || status == 304 {
            state = .sized(left: 0)
        } else if framing.isChunked {
            state = .chunked(ChunkedDecoder(limits: limits))
        } else if let length = framing.contentLength {
            guard length <= limits.bodyBytesAtMost else {
                throw .bodyTooLarge(limit: limits.bodyBytesAtMost)
            }
            state = .sized(left: length)
        } else {
            // A body that ends with the connection cannot be told from one cut short.
            throw .badRequest("an answer without a length")
        }
    }

    private mutating func parseBody(
        _ bytes: UnsafeBufferPointer<UInt8>, consumed: inout Int
    ) throws(HTTPFailure) -> HTTPClientResponse? {
        switch state {
        case .head:
            return nil
        case .sized(let left):
            let count = min(left, bytes.count)
            if count > 0 {
                body.append(contentsOf: bytes.part(0..<count))
                consumed += count
            }
            guard count == left else {
                state = .sized(left: left - count)
                return nil
            }
        case .chunked(var decoder):
            var used = 0
            let isComplete = try decoder.decode(bytes, consumed: &used, into: &body)
            consumed += used
            guard isComplete else {
                state = .chunked(decoder)
                return nil
            }
        }
        guard let status else { preconditionFailure("a body ends behind its head") }
        let response = HTTPClientResponse(
            status: status, body: body, closesConnection: framing.saysClose || isHTTP10,
            head: head, fieldsStart: fieldsStart)
        head = []
        body = []
        startOver()
        return response
    }
}
