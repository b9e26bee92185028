import Glibc

/// A request that keeps every rule of the protocol, with its whole body.
///
/// The head stays as the bytes that came; what is asked for is made into Strings when asked.
package struct HTTPRequest: Sendable {
    /// The method.
    package let method: HTTPMethod
    /// Whether the request came over the Unix socket, whose file mode is its credential.
    package let arrivedOnUnixSocket: Bool
    /// Whether the client speaks HTTP/1.0.
    package let isHTTP10: Bool
    /// The client's numeric address without a port, `unix` for the Unix socket. A proxy's own, if
    /// there is one in front.
    package let remoteAddress: String
    /// The body, transfer coding removed; empty if there is none.
    package internal(set) var body: [UInt8]

    private let head: [UInt8]
    private let targetStart: UInt16
    private let targetEnd: UInt16
    private let pathStart: UInt16
    private let pathEnd: UInt16
    private let fieldsStart: UInt16

    /// - Parameter head: from the first byte of the request line to the empty line, checked.
    init(
        head: UnsafeBufferPointer<UInt8>, line: RequestLine, fieldsStart: Int, peer: Peer
    ) {
        self.head = Array(head)
        method = line.method
        isHTTP10 = line.isHTTP10
        arrivedOnUnixSocket = peer.isUnixSocket
        remoteAddress = peer.address
        body = []
        targetStart = UInt16(line.target.lowerBound)
        targetEnd = UInt16(line.target.upperBound)
        pathStart = UInt16(line.pathStart)
        pathEnd = UInt16(line.pathEnd)
        self.fieldsStart = UInt16(fieldsStart)
    }

    /// A request made of parts, for a handler that is called without a socket.
    ///
    /// - Throws: what the server would answer, if it would refuse these parts.
    package init(
        method: HTTPMethod, target: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = [], remoteAddress: String = "127.0.0.1", arrivedOnUnixSocket: Bool = false
    ) throws(HTTPFailure) {
        let buffer = ByteBuffer(capacity: 256)
        let text = [method.rawValue, " ", target, " HTTP/1.1\r\nHost: localhost\r\n"]
        buffer.append(Array(text.joined().utf8))
        for (name, value) in headers {
            buffer.append(Array("\(name): \(value)\r\n".utf8))
        }
        buffer.append("\r\n")
        let peer = Peer(address: remoteAddress, isUnixSocket: arrivedOnUnixSocket)
        var limits = HTTPMessageLimits()
        limits.bodyBytesAtMost = .max
        var parser = RequestParser(limits: limits, peer: peer)
        var consumed = 0
        guard var request = try parser.parse(buffer.readable, consumed: &consumed) else {
            throw .badRequest("headers that announce a body")
        }
        request.body = body
        self = request
    }

    /// Who sent a request.
    struct Peer: Sendable {
        let address: String
        let isUnixSocket: Bool
    }

    /// The request target as it came.
    package var target: String { text(targetStart, targetEnd) }

    /// The path as it came: still percent-encoded, without the query. Dot segments, control
    /// characters and broken UTF-8 were refused.
    package var path: String { text(pathStart, pathEnd) }

    /// What stands behind the first `?`, still percent-encoded; nil if there is no `?`.
    package var query: String? {
        pathEnd < targetEnd ? text(pathEnd + 1, targetEnd) : nil
    }

    /// The path's segments, each percent-decoded once: `/a%2Fb/` is `a/b` and an empty segment.
    /// `/` and `*` have none.
    package var pathSegments: [String] {
        head.withUnsafeBufferPointer { head in
            let path = head.part(Int(pathStart)..<Int(pathEnd))
            guard path.count > 1 else { return [] }
            var segments: [String] = []
            var start = 1
            for index in 1...path.count where index == path.count || path[index] == Byte.slash {
                segments.append(Self.decoded(path.part(start..<index)))
                start = index + 1
            }
            return segments
        }
    }

    /// The query's `name=value` pairs in order, percent-decoded once; `+` stays a plus sign
    /// (RFC 3986), a name without `=` has an empty value.
    package var queryItems: [(name: String, value: String)] {
        guard pathEnd < targetEnd else { return [] }
        return head.withUnsafeBufferPointer { head in
            let query = head.part(Int(pathEnd) + 1..<Int(targetEnd))
            return query.split(separator: UInt8(ascii: "&")).map { pair in
                let pair = UnsafeBufferPointer(rebasing: pair)
                let nameEnd = pair.firstIndex(of: Byte.equals) ?? pair.count
                let valueStart = min(nameEnd + 1, pair.count)
                return (
                    Self.decoded(pair.part(0..<nameEnd)),
                    Self.decoded(pair.part(valueStart..<pair.count))
                )
            }
        }
    }

    /// The decoded value of the query's first pair of that name.
    package func queryValue(_ name: String) -> String? {
        queryItems.first { $0.name == name }?.value
    }

    /// The value of a header field. Repeated fields are one value, joined by `, ` (RFC 9110 §5.3),
    /// so that a repeated credential is never taken for a good one.
    ///
    /// - Parameter lowercasedName: the field's name in lowercase.
    package func header(_ lowercasedName: String) -> String? {
        HeaderFields.value(lowercasedName, in: head, from: Int(fieldsStart))
    }

    /// All fields in the order they came, names as they came.
    package var headers: [(name: String, value: String)] {
        HeaderFields.all(in: head, from: Int(fieldsStart))
    }

    private func text(_ start: UInt16, _ end: UInt16) -> String {
        String(decoding: head[Int(start)..<Int(end)], as: UTF8.self)
    }

    /// The codec has checked that it decodes.
    private static func decoded(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        guard bytes.contains(Byte.percent) else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: PercentCoding.decoded(bytes) ?? [], as: UTF8.self)
    }
}

/// Looks fields up in the bytes of a checked head, whose lines all end with CR LF.
enum HeaderFields {
    static func value(_ lowercasedName: String, in head: [UInt8], from start: Int) -> String? {
        var name = lowercasedName
        return name.withUTF8 { name in
            head.withUnsafeBufferPointer { head in
                var result: String?
                forEachLine(of: head, from: start) { line in
                    guard line.count > name.count, line[name.count] == Byte.colon,
                        line.part(0..<name.count).equalsIgnoringCase(name)
                    else { return }
                    let bytes = line.part(name.count + 1..<line.count).trimmed
                    let value = String(decoding: bytes, as: UTF8.self)
                    result = result.map { $0 + ", " + value } ?? value
                }
                return result
            }
        }
    }

    static func all(in head: [UInt8], from start: Int) -> [(name: String, value: String)] {
        head.withUnsafeBufferPointer { head in
            var fields: [(name: String, value: String)] = []
            forEachLine(of: head, from: start) { line in
                let colon = line.firstIndex(of: Byte.colon) ?? line.count
                let value = line.part(min(colon + 1, line.count)..<line.count).trimmed
                fields.append(
                    (
                        String(decoding: line.part(0..<colon), as: UTF8.self),
                        String(decoding: value, as: UTF8.self)
                    ))
            }
            return fields
        }
    }

    private static func forEachLine(
        of head: UnsafeBufferPointer<UInt8>, from start: Int,
        _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) {
        guard let base = head.baseAddress else { return }
        var start = start
        while start < head.count,
            let found = memchr(base + start, Int32(Byte.lineFeed), head.count - start)
        {
            let end = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            guard end - 1 > start else { return }
            body(head.part(start..<end - 1))
            start = end + 1
        }
    }
}
