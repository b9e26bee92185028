/// What the header says about the message itself: its length, its host, what follows it.
///
/// Everything that two readers could take in two ways is refused: lengths that repeat, even with
/// the same value; a length beside a transfer coding; any coding but one `chunked`.
struct Framing {
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var hasTransferEncoding = false
    private(set) var hasHost = false
    private(set) var saysClose = false
    private(set) var expectsContinue = false

    /// Takes note of a field of a request.
    mutating func noteRequest(_ field: FieldLine) throws(HTTPFailure) {
        switch field.name.count {
        case 4 where field.name.equalsIgnoringCase("host"):
            guard !hasHost else { throw .badRequest("more than one Host") }
            guard HostRule.isValid(field.value) else { throw .badRequest("an invalid Host") }
            hasHost = true
        case 6 where field.name.equalsIgnoringCase("expect"):
            guard field.value.equalsIgnoringCase("100-continue") else {
                throw .expectationFailed()
            }
            expectsContinue = true
        default:
            try noteAny(field)
        }
    }

    /// Takes note of a field that requests and responses share.
    mutating func noteAny(_ field: FieldLine) throws(HTTPFailure) {
        switch field.name.count {
        case 10 where field.name.equalsIgnoringCase("connection"):
            var close = false
            field.value.forEachListElement { close = close || $0.equalsIgnoringCase("close") }
            saysClose = saysClose || close
        case 14 where field.name.equalsIgnoringCase("content-length"):
            guard contentLength == nil else { throw .badRequest("more than one Content-Length") }
            contentLength = try Self.length(field.value)
        case 17 where field.name.equalsIgnoringCase("transfer-encoding"):
            guard !hasTransferEncoding else {
                throw .badRequest("more than one Transfer-Encoding")
            }
            hasTransferEncoding = true
            try noteCoding(field.value)
        default:
            break
        }
    }

    /// What holds for the whole header, checked at its end.
    func check(isHTTP10: Bool) throws(HTTPFailure) {
        if hasTransferEncoding && contentLength != nil {
            throw .badRequest("Content-Length beside Transfer-Encoding")
        }
        if hasTransferEncoding && isHTTP10 {
            throw .badRequest("Transfer-Encoding in an HTTP/1.0 message")
        }
    }

    /// Digits only, at most 19, without leading zeros (some readers take those for octal).
    private static func length(
        _ value: UnsafeBufferPointer<UInt8>
    ) throws(HTTPFailure) -> Int {
        guard !value.isEmpty, value.count <= 19 else {
            throw .badRequest("a Content-Length that is not 1 to 19 digits")
        }
        guard value.count == 1 || value[0] != 0x30 else {
            throw .badRequest("a Content-Length with a leading zero")
        }
        var length = 0
        for byte in value {
            guard byte.isDigit else { throw .badRequest("a Content-Length that is not a number") }
            let (tens, overflowed) = length.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tens.addingReportingOverflow(Int(byte - 0x30))
            guard !overflowed, !carried else { throw .badRequest("a Content-Length out of range") }
            length = sum
        }
        return length
    }

    private mutating func noteCoding(
        _ value: UnsafeBufferPointer<UInt8>
    ) throws(HTTPFailure) {
        if value.equalsIgnoringCase("chunked") {
            isChunked = true
            return
        }
        for known in ["gzip", "deflate", "compress", "x-gzip", "x-compress"] as [StaticString]
        where value.equalsIgnoringCase(known) {
            throw .transferCodingNotImplemented()
        }
        throw .badRequest("a Transfer-Encoding that is not exactly one chunked")
    }
}

/// `uri-host [":" port]` of RFC 9112 §3.2, without user, path, list or percent signs.
enum HostRule {
    static func isValid(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = value.first else { return false }
        let hostEnd: Int
        if first == 0x5B {  // "["
            guard let bracket = value.firstIndex(of: 0x5D), bracket > 2 else { return false }
            let literal = ASCIISet.hostLiteral
            for byte in value.part(1..<bracket) where !literal.contains(byte) { return false }
            hostEnd = bracket + 1
        } else {
            hostEnd = value.firstIndex(of: Byte.colon) ?? value.count
            guard hostEnd > 0 else { return false }
            let name = ASCIISet.hostName
            for byte in value.part(0..<hostEnd) where !name.contains(byte) { return false }
        }
        guard hostEnd < value.count else { return true }
        guard value[hostEnd] == Byte.colon else { return false }
        let port = value.part(hostEnd + 1..<value.count)
        guard (1...5).contains(port.count), port.allSatisfy(\.isDigit) else { return false }
        return port.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 65_535
    }
}
