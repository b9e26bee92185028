/// Reads deterministic CBOR (RFC 8949 §4.2.1) and refuses every other spelling of the same data.
struct CBORReader: WireReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0
    var isAsWritten = true
    /// What is left to read of the innermost open array or map, which nearly every call asks for.
    private var frame = Frame(left: 0)
    /// The same of those around it, innermost last; the first is the message itself.
    private var outer: [Frame] = []

    private struct Frame {
        var left: Int
        /// The number of the last member, for the order of keys; numbers come before names.
        var lastMember = -1
        /// Where the last name's bytes lie.
        var keyStart = -1
        var keyEnd = -1
    }

    /// The reader does not outlive the bytes: messages are decoded inside `withUnsafeBytes`.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        outer.reserveCapacity(8)
    }

    private func byte(_ index: Int) throws(WireError) -> UInt8 {
        guard index < bytes.count else {
            throw WireError(.truncated, at: bytes.count, "the message ends in the middle")
        }
        return bytes[index]
    }

    /// The head's argument; the offset moves behind the head.
    private mutating func head(_ major: UInt8, _ what: String) throws(WireError) -> UInt64 {
        let first = try byte(offset)
        guard first >> 5 == major else { throw mismatch(first, what) }
        return try argument(first)
    }

    private func mismatch(_ first: UInt8, _ what: String) -> WireError {
        switch first {
        case 0xF9, 0xFA, 0xFB: fail(.float, "a floating-point number, where \(what) belongs")
        case 0x5F, 0x7F, 0x9F, 0xBF: fail(.notCanonical, "an indefinite length")
        case 0xC0...0xDF: fail(.unsupportedItem, "a tag, where \(what) belongs")
        default: fail(.wrongType, "another type, where \(what) belongs")
        }
    }

    @inline(__always)
    private mutating func argument(_ first: UInt8) throws(WireError) -> UInt64 {
        let info = first & 31
        if info < 24 {
            offset += 1
            return UInt64(info)
        }
        guard info <= 27 else {
            throw fail(.notCanonical, "an indefinite or reserved length")
        }
        let size = 1 << Int(info - 24)
        guard offset + 1 + size <= bytes.count else {
            throw WireError(.truncated, at: bytes.count, "the message ends in the middle")
        }
        var value: UInt64 = 0
        for index in 0..<size { value = value << 8 | UInt64(bytes[offset + 1 + index]) }
        let least: UInt64 = size == 1 ? 24 : 1 << UInt64(size * 4)
        guard value >= least else { throw fail(.notCanonical, "\(value) in \(size) bytes") }
        offset += 1 + size
        return value
    }

    private mutating func count(_ major: UInt8, _ what: String) throws(WireError) -> Int {
        let start = offset
        let count = try head(major, what)
        // Each element takes a byte or more: a count beyond what is left is a lie.
        guard count <= UInt64(bytes.count - offset) else {
            throw WireError(.truncated, at: start, "\(count) elements announced, too few follow")
        }
        guard outer.count < Limits.messageDepthMax else {
            throw WireError(.tooDeep, at: start, "nested deeper than \(Limits.messageDepthMax)")
        }
        return Int(count)
    }

    func peek() throws(WireError) -> ItemKind {
        let first = try byte(offset)
        switch first {
        case 0x00...0x3B: return .integer
        case 0x40...0x5B: return .bytes
        case 0x60...0x7B: return .text
        case 0x80...0x9B: return .array
        case 0xA0...0xBB: return .map
        case 0xF4, 0xF5: return .bool
        case 0xF6: return .null
        default: throw mismatch(first, "a value")
        }
    }

    mutating func beginMap() throws(WireError) {
        open(try count(5, "a map"))
    }

    mutating func beginArray() throws(WireError) {
        open(try count(4, "an array"))
    }

    private mutating func open(_ count: Int) {
        outer.append(frame)
        frame = Frame(left: count)
    }

    var announced: Int { frame.left }

    mutating func nextElement() throws(WireError) -> Bool {
        if frame.left == 0 {
            frame = outer.removeLast()
            return false
        }
        frame.left -= 1
        return true
    }

    mutating func nextMember() throws(WireError) -> MemberName? {
        guard try nextElement() else { return nil }
        let start = offset
        guard try peek() == .integer else {
            let text = try text()
            // A known member by its name would be a second spelling of the same message.
            guard Member.byName[text] == nil else {
                throw WireError(.notCanonical, at: start, "\(text) is written by its number")
            }
            try checkKey(from: start)
            return .other(text)
        }
        let number = try head(0, "a member's number")
        guard number <= 255, let member = Member(rawValue: UInt8(number)) else {
            throw WireError(.unknownMember, at: start, "no member has the number \(number)")
        }
        guard frame.lastMember < Int(number), frame.keyStart < 0 else {
            let isTwice = frame.lastMember == Int(number)
            throw WireError(
                isTwice ? .duplicateKey : .keyOrder, at: start,
                isTwice ? "a key appears twice" : "keys are not in bytewise order")
        }
        frame.lastMember = Int(number)
        return .known(member)
    }

    mutating func nextName() throws(WireError) -> String? {
        guard try nextElement() else { return nil }
        let start = offset
        let name = try text()
        try checkKey(from: start)
        return name
    }

    static var isOrdered: Bool { true }

    mutating func skipKey() throws(WireError) -> Bool {
        guard try nextElement() else { return false }
        let start = offset
        if try peek() == .integer { _ = try signed() } else { _ = try text() }
        try checkKey(from: start)
        return true
    }

    /// Keys must rise bytewise; equal ones are duplicates.
    private mutating func checkKey(from start: Int) throws(WireError) {
        if frame.keyStart >= 0 {
            let last = bytes[frame.keyStart..<frame.keyEnd]
            let this = bytes[start..<offset]
            if !last.lexicographicallyPrecedes(this) {
                if last.elementsEqual(this) {
                    throw WireError(.duplicateKey, at: start, "a key appears twice")
                }
                throw WireError(.keyOrder, at: start, "keys are not in bytewise order")
            }
        }
        frame.keyStart = start
        frame.keyEnd = offset
    }

    mutating func unsigned() throws(WireError) -> UInt64 {
        let start = offset
        let value = try head(0, "a whole number")
        guard value <= UInt64(Limits.integerMax) else {
            throw WireError(.integerRange, at: start, "\(value) is beyond 2^53-1")
        }
        return value
    }

    mutating func signed() throws(WireError) -> Int64 {
        let start = offset
        guard try byte(offset) >> 5 == 1 else { return Int64(try unsigned()) }
        let value = try head(1, "a whole number")
        guard value < UInt64(Limits.integerMax) else {
            throw WireError(.integerRange, at: start, "below -(2^53-1)")
        }
        return -1 - Int64(value)
    }

    mutating func id() throws(WireError) -> UInt64 {
        let start = offset
        guard try head(2, "an id of 8 bytes") == 8 else {
            throw WireError(.wrongType, at: start, "an id has 8 bytes")
        }
        guard offset + 8 <= bytes.count else {
            throw WireError(.truncated, at: bytes.count, "the message ends in an id")
        }
        defer { offset += 8 }
        return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    mutating func text() throws(WireError) -> String {
        let start = offset
        let count = try head(3, "a text")
        guard count <= UInt64(bytes.count - offset) else {
            throw WireError(.truncated, at: start, "a text of \(count) bytes, too few follow")
        }
        let range = offset..<offset + Int(count)
        let utf8 = UnsafeRawBufferPointer(rebasing: bytes[range])
        offset = range.upperBound
        // Names are ASCII nearly always, and validating is generic code: two thirds of reading one.
        if utf8.allSatisfy({ $0 < 0x80 }) { return String(decoding: utf8, as: UTF8.self) }
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw WireError(.invalidUTF8, at: start, "a text that is not UTF-8")
        }
        return text
    }

    mutating func bool() throws(WireError) -> Bool {
        let first = try byte(offset)
        guard first == 0xF4 || first == 0xF5 else { throw mismatch(first, "true or false") }
        offset += 1
        return first == 0xF5
    }

    mutating func null() throws(WireError) {
        let first = try byte(offset)
        guard first == 0xF6 else { throw mismatch(first, "null") }
        offset += 1
    }

    mutating func skipBytes() throws(WireError) {
        let start = offset
        let count = try head(2, "bytes")
        guard count <= UInt64(bytes.count - offset) else {
            throw WireError(.truncated, at: start, "\(count) bytes announced, too few follow")
        }
        offset += Int(count)
    }

    func end() throws(WireError) {
        guard offset == bytes.count else {
            throw fail(.trailingBytes, "\(bytes.count - offset) bytes after the message")
        }
    }
}
