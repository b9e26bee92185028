// The character classes of RFC 9110 and RFC 3986, and comparisons of raw bytes.

/// The bytes that the codec names.
enum Byte {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let percent: UInt8 = 0x25
    static let comma: UInt8 = 0x2C
    static let dot: UInt8 = 0x2E
    static let slash: UInt8 = 0x2F
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let equals: UInt8 = 0x3D
    static let questionMark: UInt8 = 0x3F
    static let backslash: UInt8 = 0x5C
    static let delete: UInt8 = 0x7F
}

/// A set of ASCII characters as two words, so that a test is a shift and no memory is touched.
struct ASCIISet {
    private let low: UInt64
    private let high: UInt64

    init(_ characters: StaticString) {
        var low: UInt64 = 0
        var high: UInt64 = 0
        characters.withUTF8Buffer { bytes in
            for byte in bytes where byte < 64 { low |= 1 << UInt64(byte) }
            for byte in bytes where byte >= 64 { high |= 1 << UInt64(byte - 64) }
        }
        self.low = low
        self.high = high
    }

    func contains(_ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        return (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 == 1
    }

    /// RFC 9110 §5.6.2: methods, field names, chunk extension names.
    static let token = ASCIISet(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    /// RFC 3986 §3.3 and §3.4: what a path and a query may hold, `%` and `?` included.
    static let target = ASCIISet(
        "-._~!$&'()*+,;=:@/?%0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    /// What a host name may hold: narrower than RFC 3986, which allows signs that no host has.
    static let hostName = ASCIISet(
        "-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    /// What stands between the brackets of an IPv6 address.
    static let hostLiteral = ASCIISet(":.0123456789ABCDEFabcdef")
}

extension UInt8 {
    var isDigit: Bool { self &- 0x30 < 10 }

    var isAlphanumeric: Bool { (self | 0x20) &- 0x61 < 26 || isDigit }

    /// An uppercase ASCII letter as a lowercase one; anything else as it is.
    var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// A part of the buffer, counted from its own start.
    func part(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: self[range])
    }

    /// Whether these are the bytes of `text`, case and all.
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in indices where self[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Whether these are the bytes of `text`, which is lowercase, in any case.
    func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in indices where self[index].lowercased != text.utf8Start[index] { return false }
        return true
    }

    func equalsIgnoringCase(_ other: UnsafeBufferPointer<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index].lowercased != other[index].lowercased {
            return false
        }
        return true
    }

    /// Without spaces and tabs at both ends.
    var trimmed: UnsafeBufferPointer<UInt8> {
        var start = 0
        var end = count
        while start < end, self[start] == Byte.space || self[start] == Byte.tab { start += 1 }
        while start < end, self[end - 1] == Byte.space || self[end - 1] == Byte.tab { end -= 1 }
        return part(start..<end)
    }

    /// Calls `body` with every element of a comma-separated list, trimmed, empty ones too.
    func forEachListElement(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        var start = 0
        for index in 0...count where index == count || self[index] == Byte.comma {
            body(part(start..<index).trimmed)
            start = index + 1
        }
    }

    /// One or more characters of a token and nothing else.
    var isToken: Bool {
        guard !isEmpty else { return false }
        let token = ASCIISet.token
        for byte in self where !token.contains(byte) { return false }
        return true
    }
}
