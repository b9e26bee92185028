/// Reads JSON (RFC 8259) as I-JSON (RFC 7493) restricts it: no duplicate names, no lone surrogates,
/// no numbers but integers within ±(2⁵³−1).
struct JSONReader: WireReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0
    var isAsWritten = true
    private var open: [Frame] = []

    private struct Frame {
        var names: Set<Name> = []
        var isFirst = true
    }

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private mutating func next() throws(WireError) -> UInt8 {
        skipSpace()
        guard offset < bytes.count else { throw fail(.truncated, "the message ends in the middle") }
        return bytes[offset]
    }

    private mutating func expect(_ scalar: Unicode.Scalar, _ what: String) throws(WireError) {
        let byte = try next()
        guard byte == UInt8(ascii: scalar) else { throw mismatch(byte, what) }
        offset += 1
    }

    private func mismatch(_ byte: UInt8, _ what: String) -> WireError {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: "-"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "t"), UInt8(ascii: "f"),
            UInt8(ascii: "n"):
            fail(.wrongType, "another type, where \(what) belongs")
        default: fail(.syntax, "no JSON, where \(what) belongs")
        }
    }

    mutating func peek() throws(WireError) -> ItemKind {
        let byte = try next()
        switch byte {
        case UInt8(ascii: "{"): return .map
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .text
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .integer
        default: throw mismatch(byte, "a value")
        }
    }

    private mutating func push() throws(WireError) {
        guard open.count < Limits.messageDepthMax else {
            throw fail(.tooDeep, "nested deeper than \(Limits.messageDepthMax)")
        }
        open.append(Frame())
    }

    mutating func beginMap() throws(WireError) {
        try expect("{", "a map")
        try push()
    }

    mutating func beginArray() throws(WireError) {
        try expect("[", "an array")
        try push()
    }

    var announced: Int { 0 }

    /// Whether an item follows in the innermost array or map.
    private mutating func step(_ close: Unicode.Scalar) throws(WireError) -> Bool {
        let byte = try next()
        if byte == UInt8(ascii: close) {
            offset += 1
            open.removeLast()
            return false
        }
        if open[open.count - 1].isFirst {
            open[open.count - 1].isFirst = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw fail(.syntax, "a comma is missing") }
        offset += 1
        guard try next() != UInt8(ascii: close) else { throw fail(.syntax, "a comma too many") }
        return true
    }

    mutating func nextElement() throws(WireError) -> Bool { try step("]") }

    mutating func nextName() throws(WireError) -> String? {
        guard try step("}") else { return nil }
        skipSpace()
        let start = offset
        let name = try text()
        guard open[open.count - 1].names.insert(Name(name)).inserted else {
            throw WireError(.duplicateKey, at: start, "a name appears twice")
        }
        try expect(":", "a colon")
        return name
    }

    static var isOrdered: Bool { false }

    mutating func skipKey() throws(WireError) -> Bool { try nextName() != nil }

    mutating func nextMember() throws(WireError) -> MemberName? {
        guard let name = try nextName() else { return nil }
        return Member.byName[name].map { .known($0) } ?? .other(name)
    }

    mutating func signed() throws(WireError) -> Int64 {
        var byte = try next()
        let start = offset
        let isNegative = byte == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        let digits = offset
        var value: Int64 = 0
        while offset < bytes.count {
            byte = bytes[offset]
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { break }
            guard offset == digits || bytes[digits] != UInt8(ascii: "0") else {
                throw WireError(.syntax, at: start, "a number with a leading zero")
            }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            guard value <= Limits.integerMax else {
                throw WireError(.integerRange, at: start, "a number beyond 2^53-1")
            }
            offset += 1
        }
        if offset < bytes.count, [UInt8(ascii: "."), 0x65, 0x45].contains(bytes[offset]) {
            guard offset > digits else { throw WireError(.syntax, at: start, "no number") }
            throw WireError(.float, at: start, "a floating-point number")
        }
        guard offset > digits else {
            offset = start
            throw mismatch(try next(), "a whole number")
        }
        guard !isNegative || value != 0 else {
            throw WireError(.syntax, at: start, "minus zero")
        }
        return isNegative ? -value : value
    }

    mutating func unsigned() throws(WireError) -> UInt64 {
        skipSpace()
        let start = offset
        let value = try signed()
        guard value >= 0 else {
            throw WireError(.outOfRange, at: start, "a number below 0")
        }
        return UInt64(value)
    }

    mutating func id() throws(WireError) -> UInt64 {
        skipSpace()
        let start = offset
        guard let id = Hex.id(try text()) else {
            throw WireError(.wrongType, at: start, "an id has 16 lower-case hex digits")
        }
        return id
    }

    private mutating func literal(_ word: StaticString, _ what: String) throws(WireError) {
        let byte = try next()
        guard byte == word.utf8Start[0] else { throw mismatch(byte, what) }
        for index in 0..<word.utf8CodeUnitCount {
            guard offset < bytes.count, bytes[offset] == word.utf8Start[index] else {
                throw fail(offset < bytes.count ? .syntax : .truncated, "\(word) is misspelt")
            }
            offset += 1
        }
    }

    mutating func bool() throws(WireError) -> Bool {
        let isTrue = try next() == UInt8(ascii: "t")
        try literal(isTrue ? "true" : "false", "true or false")
        return isTrue
    }

    mutating func null() throws(WireError) { try literal("null", "null") }

    mutating func skipBytes() throws(WireError) {
        throw fail(.wrongType, "JSON has no byte strings")
    }

    mutating func end() throws(WireError) {
        skipSpace()
        guard offset == bytes.count else {
            throw fail(.trailingBytes, "\(bytes.count - offset) bytes after the message")
        }
    }

    mutating func text() throws(WireError) -> String {
        try expect("\"", "a text")
        let start = offset
        // The common case has no escapes: one validated copy.
        while offset < bytes.count, bytes[offset] >= 0x20, bytes[offset] != 0x5C,
            bytes[offset] != 0x22
        { offset += 1 }
        guard offset < bytes.count else { throw fail(.truncated, "a text does not end") }
        if bytes[offset] == 0x22 {
            defer { offset += 1 }
            return try validated(bytes[start..<offset], at: start)
        }
        var buffer = Array(bytes[start..<offset])
        while offset < bytes.count {
            let byte = bytes[offset]
            switch byte {
            case 0x22:
                offset += 1
                return try validated(buffer, at: start)
            case 0x5C: try escape(into: &buffer)
            case 0..<0x20: throw fail(.syntax, "a control character in a text")
            default:
                buffer.append(byte)
                offset += 1
            }
        }
        throw fail(.truncated, "a text does not end")
    }

    private func validated(
        _ utf8: some Sequence<UInt8>, at start: Int
    ) throws(WireError) -> String {
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw WireError(.invalidUTF8, at: start, "a text that is not UTF-8")
        }
        return text
    }

    private mutating func escape(into buffer: inout [UInt8]) throws(WireError) {
        let start = offset
        guard offset + 1 < bytes.count else { throw fail(.truncated, "a text does not end") }
        let kind = bytes[offset + 1]
        offset += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(kind)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try fourDigits(start))
            if (0xD800..<0xDC00).contains(code) {
                guard offset + 1 < bytes.count, bytes[offset] == 0x5C, bytes[offset + 1] == 0x75
                else { throw WireError(.invalidEscape, at: start, "half a surrogate pair") }
                offset += 2
                let low = UInt32(try fourDigits(start))
                guard (0xDC00..<0xE000).contains(low) else {
                    throw WireError(.invalidEscape, at: start, "half a surrogate pair")
                }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw WireError(.invalidEscape, at: start, "half a surrogate pair")
            }
            buffer.append(contentsOf: String(Character(scalar)).utf8)
        default: throw WireError(.invalidEscape, at: start, "an unknown escape")
        }
    }

    private mutating func fourDigits(_ start: Int) throws(WireError) -> UInt16 {
        guard offset + 4 <= bytes.count else { throw fail(.truncated, "an escape is cut") }
        var value: UInt16 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch bytes[offset] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[offset] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[offset] - 0x61 + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[offset] - 0x41 + 10
            default: throw WireError(.invalidEscape, at: start, "an escape without its digits")
            }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }
}
