/// The first line of a request, checked, as places in the bytes it was read from.
struct RequestLine {
    let method: HTTPMethod
    let target: Range<Int>
    /// Where the path begins: behind scheme and host, if the target names them.
    let pathStart: Int
    /// Where the path ends: at the `?` or at the end of the target.
    let pathEnd: Int
    let isHTTP10: Bool

    /// Reads the line at the start of `bytes`, without its CR LF.
    ///
    /// - Throws: 400 for a malformed line, 414, 505, then 405 for `TRACE` and `CONNECT` and 501 for
    ///   an unknown method.
    init(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: HTTPMessageLimits
    ) throws(HTTPFailure) {
        guard let methodEnd = bytes.firstIndex(of: Byte.space) else {
            throw .badRequest("a request line without a target")
        }
        let methodBytes = bytes.part(0..<methodEnd)
        guard methodBytes.isToken else { throw .badRequest("a method that is not a token") }
        let start = methodEnd + 1
        guard let length = bytes.part(start..<bytes.count).firstIndex(of: Byte.space) else {
            throw .badRequest("a request line without a version")
        }
        guard length <= limits.targetBytesAtMost else {
            throw .targetTooLong(limit: limits.targetBytesAtMost)
        }
        target = start..<start + length
        let version = bytes.part(target.upperBound + 1..<bytes.count)
        guard !methodBytes.equals("PRI") else { throw .badRequest("an HTTP/2 preface") }
        isHTTP10 = try Self.isHTTP10(version)
        let parts = try TargetRule.check(
            bytes.part(target), isOptions: methodBytes.equals("OPTIONS"),
            isConnect: methodBytes.equals("CONNECT"))
        pathStart = start + parts.lowerBound
        pathEnd = start + parts.upperBound
        guard let known = HTTPMethod(bytes: methodBytes) else {
            let isRefused = methodBytes.equals("TRACE") || methodBytes.equals("CONNECT")
            throw isRefused ? .methodNotAllowed() : .methodNotImplemented()
        }
        method = known
    }

    private static func isHTTP10(
        _ version: UnsafeBufferPointer<UInt8>
    ) throws(HTTPFailure) -> Bool {
        if version.equals("HTTP/1.1") { return false }
        if version.equals("HTTP/1.0") { return true }
        guard version.count == 8, version.part(0..<5).equals("HTTP/"), version[5].isDigit,
            version[6] == Byte.dot, version[7].isDigit, version[5] != 0x30
        else { throw .badRequest("a malformed HTTP version") }
        throw .versionNotSupported()
    }
}

/// What a request target may look like.
enum TargetRule {
    /// Checks a target and finds its path.
    ///
    /// - Returns: where the path lies in the target; the query follows behind a `?`.
    static func check(
        _ target: UnsafeBufferPointer<UInt8>, isOptions: Bool, isConnect: Bool
    ) throws(HTTPFailure) -> Range<Int> {
        guard let first = target.first else { throw .badRequest("an empty request target") }
        if first == Byte.slash { return try checkPath(target, from: 0) }
        if isOptions, target.equals("*") { return 0..<1 }
        if isConnect {
            guard HostRule.isValid(target) else { throw .badRequest("an invalid authority") }
            return 0..<target.count
        }
        // RFC 9112 §3.2.2: a server must accept the absolute form. `Host` must name its host.
        guard let authority = authority(of: target) else {
            throw .badRequest("a request target that does not begin with a slash")
        }
        guard HostRule.isValid(target.part(authority)) else {
            throw .badRequest("an invalid host in the request target")
        }
        guard authority.upperBound < target.count else {
            throw .badRequest("a request target without a path")
        }
        return try checkPath(target, from: authority.upperBound)
    }

    /// Where an absolute target has its host and port; nil for other targets.
    static func authority(of target: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        for scheme in ["http://", "https://"] as [StaticString] {
            let length = scheme.utf8CodeUnitCount
            guard target.count > length,
                target.part(0..<length).equalsIgnoringCase(scheme)
            else { continue }
            let rest = target.part(length..<target.count)
            let end = rest.firstIndex { $0 == Byte.slash || $0 == Byte.questionMark }
            return length..<length + (end ?? rest.count)
        }
        return nil
    }

    private static func checkPath(
        _ target: UnsafeBufferPointer<UInt8>, from start: Int
    ) throws(HTTPFailure) -> Range<Int> {
        guard target[start] == Byte.slash else { throw .badRequest("a target without a path") }
        let allowed = ASCIISet.target
        var pathEnd: Int?
        var needsDecoding = false
        for index in start..<target.count {
            let byte = target[index]
            if byte.isAlphanumeric { continue }
            guard allowed.contains(byte) else {
                throw .badRequest("a character in the request target that must be encoded")
            }
            if byte == Byte.percent { needsDecoding = true }
            if byte == Byte.dot && target[index - 1] == Byte.slash { needsDecoding = true }
            if byte == Byte.questionMark && pathEnd == nil { pathEnd = index }
        }
        let path = start..<(pathEnd ?? target.count)
        guard needsDecoding else { return path }
        guard PercentCoding.isPlainPath(target.part(path)) else {
            throw .badRequest("a path with dot segments or forbidden percent-encoding")
        }
        if let pathEnd, !PercentCoding.isPlain(target.part(pathEnd + 1..<target.count)) {
            throw .badRequest("a query with forbidden percent-encoding")
        }
        return path
    }
}
