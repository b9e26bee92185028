/// Takes a chunked body apart as it arrives (RFC 9112 §7.1), one state per byte that matters.
struct ChunkedDecoder {
    private enum State {
        case sizeStart
        case size(Int, digits: Int)
        case extensionName(isEmpty: Bool)
        case extensionValueStart
        case extensionToken
        case extensionQuoted
        case extensionEscaped
        case extensionQuotedEnd
        case sizeLineFeed
        case data(left: Int)
        case dataReturn
        case dataLineFeed
        case trailer
        case done
    }

    /// Sixteen digits would be a 64-bit number; more than fifteen leave the range of `Int`.
    private static let digitsAtMost = 15

    private let limits: HTTPMessageLimits
    private var state = State.sizeStart
    private var size = 0
    private var extensionBytes = 0
    private var allExtensionBytes = 0
    private var trailerLines = LineScanner()
    private var trailerFields = 0

    init(limits: HTTPMessageLimits) {
        self.limits = limits
    }

    /// Moves what `bytes` holds of the body into `body`.
    ///
    /// - Parameter consumed: how many bytes were used; the others must be shown again, with more.
    /// - Returns: whether the body and its trailer are complete.
    /// - Throws: 400 for bytes that are no chunk, 413 or 431 for too many.
    mutating func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, consumed: inout Int, into body: inout [UInt8]
    ) throws(HTTPFailure) -> Bool {
        var index = 0
        defer { consumed = index }
        while index < bytes.count {
            switch state {
            case .data(let left):
                let count = min(left, bytes.count - index)
                body.append(contentsOf: bytes.part(index..<index + count))
                index += count
                state = count == left ? .dataReturn : .data(left: left - count)
            case .trailer:
                let rest = bytes.part(index..<bytes.count)
                guard let used = try readTrailer(rest) else { return false }
                index += used
                state = .done
                return true
            case .done:
                return true
            default:
                try step(bytes[index], bodyCount: body.count)
                index += 1
            }
        }
        return false
    }

    /// One byte outside data and trailer.
    private mutating func step(_ byte: UInt8, bodyCount: Int) throws(HTTPFailure) {
        switch state {
        case .sizeStart:
            guard let digit = byte.hexValue else { throw .badRequest("a chunk without a size") }
            state = .size(Int(digit), digits: 1)
        case .size(let value, let digits):
            try stepSize(byte, value: value, digits: digits, bodyCount: bodyCount)
        case .extensionName, .extensionValueStart, .extensionToken, .extensionQuoted,
            .extensionEscaped, .extensionQuotedEnd:
            try stepExtension(byte)
        case .sizeLineFeed:
            guard byte == Byte.lineFeed else { throw .badRequest("a chunk size with a bare CR") }
            state = size == 0 ? .trailer : .data(left: size)
        case .dataReturn:
            guard byte == Byte.carriageReturn else { throw Self.dataOverrun }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == Byte.lineFeed else { throw Self.dataOverrun }
            state = .sizeStart
        case .data, .trailer, .done:
            preconditionFailure("\(state) is not stepped byte by byte")
        }
    }

    private static let dataOverrun = HTTPFailure.badRequest("chunk data that CR LF does not end")

    private mutating func stepSize(
        _ byte: UInt8, value: Int, digits: Int, bodyCount: Int
    ) throws(HTTPFailure) {
        if let digit = byte.hexValue {
            guard digits < Self.digitsAtMost else { throw .badRequest("a chunk size too long") }
            state = .size(value * 16 + Int(digit), digits: digits + 1)
            return
        }
        guard byte == Byte.carriageReturn || byte == Byte.semicolon else {
            throw .badRequest("a chunk size that is not a hexadecimal number")
        }
        guard value <= limits.bodyBytesAtMost - bodyCount else {
            throw .bodyTooLarge(limit: limits.bodyBytesAtMost)
        }
        size = value
        extensionBytes = 0
        if byte == Byte.carriageReturn {
            state = .sizeLineFeed
        } else {
            state = .extensionName(isEmpty: true)
            try countExtensionByte()
        }
    }

    private mutating func countExtensionByte() throws(HTTPFailure) {
        extensionBytes += 1
        allExtensionBytes += 1
        guard extensionBytes <= limits.chunkExtensionBytesAtMost,
            allExtensionBytes <= limits.allChunkExtensionsBytesAtMost
        else { throw .badRequest("chunk extensions too long") }
    }

    private mutating func stepExtension(_ byte: UInt8) throws(HTTPFailure) {
        try countExtensionByte()
        let isToken = ASCIISet.token.contains(byte)
        switch (state, byte) {
        case (.extensionName, _) where isToken:
            state = .extensionName(isEmpty: false)
        case (.extensionName(isEmpty: false), Byte.equals):
            state = .extensionValueStart
        case (.extensionValueStart, Byte.quote):
            state = .extensionQuoted
        case (.extensionValueStart, _) where isToken, (.extensionToken, _) where isToken:
            state = .extensionToken
        case (.extensionQuoted, Byte.quote):
            state = .extensionQuotedEnd
        case (.extensionQuoted, Byte.backslash):
            state = .extensionEscaped
        case (.extensionQuoted, _) where Self.mayBeQuoted(byte):
            break
        case (.extensionEscaped, _) where Self.mayBeQuoted(byte):
            state = .extensionQuoted
        case (.extensionName(isEmpty: false), Byte.semicolon),
            (.extensionToken, Byte.semicolon), (.extensionQuotedEnd, Byte.semicolon):
            state = .extensionName(isEmpty: true)
        case (.extensionName(isEmpty: false), Byte.carriageReturn),
            (.extensionToken, Byte.carriageReturn), (.extensionQuotedEnd, Byte.carriageReturn):
            state = .sizeLineFeed
        default:
            throw .badRequest("a malformed chunk extension")
        }
    }

    private static func mayBeQuoted(_ byte: UInt8) -> Bool {
        byte == Byte.tab || byte >= Byte.space && byte != Byte.delete
    }

    /// Checks the trailer's lines and drops them: a trailer never becomes a header.
    ///
    /// - Returns: how many bytes it has, once it is complete.
    private mutating func readTrailer(
        _ bytes: UnsafeBufferPointer<UInt8>
    ) throws(HTTPFailure) -> Int? {
        let limits = limits
        while let line = try trailerLines.nextLine(
            in: bytes, before: limits.headerBytesAtMost, orThrow: { .headerTooLarge(limits) })
        {
            guard !line.isEmpty else { return trailerLines.lineStart }
            trailerFields += 1
            guard trailerFields <= limits.fieldsAtMost else { throw .headerTooLarge(limits) }
            _ = try FieldLine(bytes.part(line))
        }
        return nil
    }
}
