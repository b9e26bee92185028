/// Reads requests from the bytes of one connection. Pure: no socket, no clock.
///
/// Show it what has arrived and not been consumed; it answers with a request, with nil (more bytes
/// are needed) or with a failure, after which the connection is over. The verdict does not depend
/// on how the bytes were cut.
package struct RequestParser {
    /// How far the message is that the parser is at, for deadlines.
    package enum Phase: Hashable, Sendable {
        /// No byte of the next request was seen.
        case idle
        /// A part of a head was seen.
        case head
        /// The head is complete, the body is not.
        case body
    }

    private enum BodyState {
        case sized(left: Int)
        case chunked(ChunkedDecoder)
    }

    private let limits: HTTPMessageLimits
    private let peer: HTTPRequest.Peer

    private var scanner = LineScanner()
    private var line: RequestLine?
    private var fieldsStart = 0
    private var fieldCount = 0
    private var framing = Framing()

    private var request: HTTPRequest?
    private var bodyState = BodyState.sized(left: 0)
    private var body: [UInt8] = []

    /// How far the current message is.
    package private(set) var phase = Phase.idle
    /// Whether the request last returned is the last one that the client wants answered.
    package private(set) var saysClose = false
    /// Whether the client waits for `100 Continue` before it sends the body now due. The reader
    /// clears it when that was sent; it clears itself when body bytes come unasked.
    package internal(set) var awaitsContinue = false

    /// Whether the message being read is known to be a HEAD request, whose refusal has no body.
    var isReadingHEAD: Bool { line?.method == .head }

    /// No body reserves more than this before its bytes are there.
    private static let reservedBytesAtMost = 64 * 1024

    /// A parser for a connection whose client is not known: for tests.
    package init(limits: HTTPMessageLimits = HTTPMessageLimits()) {
        self.init(limits: limits, peer: HTTPRequest.Peer(address: "", isUnixSocket: false))
    }

    init(limits: HTTPMessageLimits, peer: HTTPRequest.Peer) {
        self.limits = limits
        self.peer = peer
    }

    /// The next request, if `bytes` completes one.
    ///
    /// - Parameters:
    ///   - bytes: everything that arrived and was not consumed.
    ///   - consumed: how many of them were used up; the others must be shown again.
    package mutating func parse(
        _ bytes: UnsafeBufferPointer<UInt8>, consumed: inout Int
    ) throws(HTTPFailure) -> HTTPRequest? {
        consumed = 0
        if phase != .body {
            guard !bytes.isEmpty else { return nil }
            phase = .head
            guard let headEnd = try parseHead(bytes) else { return nil }
            consumed = headEnd
        }
        return try parseBody(bytes.part(consumed..<bytes.count), consumed: &consumed)
    }

    /// - Returns: where the head ends, once it is complete.
    private mutating func parseHead(
        _ bytes: UnsafeBufferPointer<UInt8>
    ) throws(HTTPFailure) -> Int? {
        let limits = limits
        if line == nil {
            let limit = limits.targetBytesAtMost
            guard
                let range = try scanner.nextLine(
                    in: bytes, before: limit + HTTPMessageLimits.startLineBytesBesidesTarget,
                    orThrow: { .targetTooLong(limit: limit) })
            else { return nil }
            line = try RequestLine(bytes.part(range), limits: limits)
            fieldsStart = scanner.lineStart
        }
        while let range = try scanner.nextLine(
            in: bytes, before: fieldsStart + limits.headerBytesAtMost,
            orThrow: { .headerTooLarge(limits) })
        {
            if range.isEmpty {
                let end = scanner.lineStart
                try finishHead(bytes.part(0..<end))
                return end
            }
            fieldCount += 1
            guard fieldCount <= limits.fieldsAtMost else { throw .headerTooLarge(limits) }
            try framing.noteRequest(try FieldLine(bytes.part(range)))
        }
        return nil
    }

    private mutating func finishHead(
        _ head: UnsafeBufferPointer<UInt8>
    ) throws(HTTPFailure) {
        guard let line else { preconditionFailure("a head ends behind its first line") }
        try framing.check(isHTTP10: line.isHTTP10)
        guard framing.hasHost || line.isHTTP10 else { throw .badRequest("a request without Host") }
        let request = HTTPRequest(head: head, line: line, fieldsStart: fieldsStart, peer: peer)
        if line.pathStart > line.target.lowerBound {
            try Self.checkAuthority(of: head.part(line.target), against: request.header("host"))
        }
        let length = framing.contentLength ?? 0
        var limits = limits
        if framing.isChunked || length > limits.bodyBytesAtMost,
            let larger = limits.largerBodiesAtMost[request.path]
        {
            limits.bodyBytesAtMost = larger
        }
        guard length <= limits.bodyBytesAtMost else {
            throw .bodyTooLarge(limit: limits.bodyBytesAtMost)
        }
        self.request = request
        // HTTP/1.0 keep-alive is an extension that readers differ about: one request, one answer.
        saysClose = framing.saysClose || line.isHTTP10
        bodyState =
            framing.isChunked ? .chunked(ChunkedDecoder(limits: limits)) : .sized(left: length)
        body = []
        awaitsContinue =
            framing.expectsContinue && !line.isHTTP10 && (framing.isChunked || length > 0)
        phase = .body
    }

    private static func checkAuthority(
        of target: UnsafeBufferPointer<UInt8>, against host: String?
    ) throws(HTTPFailure) {
        guard let host, let authority = TargetRule.authority(of: target) else { return }
        let named = String(decoding: target.part(authority), as: UTF8.self)
        guard named.lowercased() == host.lowercased() else {
            throw .badRequest("a request target for another host than Host says")
        }
    }

    private mutating func parseBody(
        _ bytes: UnsafeBufferPointer<UInt8>, consumed: inout Int
    ) throws(HTTPFailure) -> HTTPRequest? {
        if !bytes.isEmpty { awaitsContinue = false }
        switch bodyState {
        case .sized(let left):
            let count = min(left, bytes.count)
            if count > 0 {
                if body.isEmpty { body.reserveCapacity(min(left, Self.reservedBytesAtMost)) }
                body.append(contentsOf: bytes.part(0..<count))
                consumed += count
            }
            guard count == left else {
                bodyState = .sized(left: left - count)
                return nil
            }
        case .chunked(var decoder):
            var used = 0
            let isComplete = try decoder.decode(bytes, consumed: &used, into: &body)
            consumed += used
            guard isComplete else {
                bodyState = .chunked(decoder)
                return nil
            }
        }
        return takeRequest()
    }

    private mutating func takeRequest() -> HTTPRequest? {
        if !body.isEmpty {
            request?.body = body
            body = []
        }
        scanner = LineScanner()
        line = nil
        fieldCount = 0
        framing = Framing()
        phase = .idle
        awaitsContinue = false
        precondition(request != nil, "a body ends behind its head")
        return request.take()
    }
}
