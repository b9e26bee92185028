/// One header field, as places in the bytes it was read from.
struct FieldLine {
    let name: UnsafeBufferPointer<UInt8>
    let value: UnsafeBufferPointer<UInt8>

    /// Reads a line without its CR LF, whose bytes `LineScanner` has passed.
    ///
    /// - Throws: 400 for an empty or odd name, a space before the colon, a folded line.
    init(_ line: UnsafeBufferPointer<UInt8>) throws(HTTPFailure) {
        let token = ASCIISet.token
        var colon = 0
        while colon < line.count, line[colon] != Byte.colon {
            guard token.contains(line[colon]) else { throw Self.refusal(of: line, at: colon) }
            colon += 1
        }
        guard colon < line.count else { throw .badRequest("a header field without a colon") }
        guard colon > 0 else { throw .badRequest("a header field without a name") }
        name = line.part(0..<colon)
        value = line.part(colon + 1..<line.count).trimmed
    }

    private static func refusal(of line: UnsafeBufferPointer<UInt8>, at index: Int) -> HTTPFailure {
        let isBlank = line[index] == Byte.space || line[index] == Byte.tab
        if isBlank && index == 0 { return .badRequest("a header line that begins with a blank") }
        if isBlank { return .badRequest("a blank in or behind a header name") }
        return .badRequest("a character in a header name that is not of a token")
    }
}
