/// Writes one message in one encoding. Members must come in the order of their numbers, then of
/// their names' encoded bytes, so that CBOR is deterministic without sorting.
protocol WireWriter {
    mutating func beginMap(_ count: Int)
    mutating func endMap()
    mutating func beginArray(_ count: Int)
    mutating func endArray()
    mutating func member(_ member: Member)
    mutating func name(_ name: String)
    mutating func unsigned(_ value: UInt64)
    mutating func signed(_ value: Int64)
    /// 64 bits: 8 bytes in CBOR, 16 hex digits in JSON.
    mutating func id(_ value: UInt64)
    mutating func text(_ value: String)
    mutating func bool(_ value: Bool)
    mutating func null()
}

/// Deterministic CBOR (RFC 8949 §4.2.1): shortest heads, definite lengths, sorted keys.
package struct CBORWriter: WireWriter {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 1_024) { bytes.reserveCapacity(capacity) }

    mutating func head(_ major: UInt8, _ value: UInt64) {
        let type = major << 5
        switch value {
        case 0..<24:
            bytes.append(type | UInt8(truncatingIfNeeded: value))
        case 24...0xFF:
            bytes.append(type | 24)
            bytes.append(UInt8(truncatingIfNeeded: value))
        case 0x100...0xFFFF:
            bytes.append(type | 25)
            big(value, bytes: 2)
        case 0x1_0000...0xFFFF_FFFF:
            bytes.append(type | 26)
            big(value, bytes: 4)
        default:
            bytes.append(type | 27)
            big(value, bytes: 8)
        }
    }

    private mutating func big(_ value: UInt64, bytes count: Int) {
        var shift = UInt64(count) &* 8
        while shift > 0 {
            shift &-= 8
            bytes.append(UInt8(truncatingIfNeeded: value &>> shift))
        }
    }

    mutating func beginMap(_ count: Int) { head(5, UInt64(count)) }
    mutating func endMap() {}
    mutating func beginArray(_ count: Int) { head(4, UInt64(count)) }
    mutating func endArray() {}
    mutating func member(_ member: Member) { head(0, UInt64(member.rawValue)) }
    mutating func name(_ name: String) { text(name) }
    mutating func unsigned(_ value: UInt64) { head(0, value) }

    mutating func signed(_ value: Int64) {
        if value >= 0 { head(0, UInt64(value)) } else { head(1, UInt64(-1 - value)) }
    }

    mutating func id(_ value: UInt64) {
        bytes.append(0x48)
        big(value, bytes: 8)
    }

    mutating func text(_ value: String) {
        head(3, UInt64(value.utf8.count))
        let copied: Void? = value.utf8.withContiguousStorageIfAvailable {
            bytes.append(contentsOf: $0)
        }
        if copied == nil { bytes.append(contentsOf: value.utf8) }
    }

    mutating func bool(_ value: Bool) { bytes.append(value ? 0xF5 : 0xF4) }
    mutating func null() { bytes.append(0xF6) }

    /// Appends an item that is encoded already.
    mutating func raw(_ item: some Collection<UInt8>) { bytes.append(contentsOf: item) }
}

/// JSON (RFC 8259, RFC 7493), compact.
package struct JSONWriter: WireWriter {
    package private(set) var bytes: [UInt8] = []
    /// Whether the next item needs a comma before it.
    private var needsComma = false

    package init() {}

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: Unicode.Scalar) {
        comma()
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    private mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    mutating func beginMap(_ count: Int) { open("{") }
    mutating func endMap() { close("}") }
    mutating func beginArray(_ count: Int) { open("[") }
    mutating func endArray() { close("]") }
    mutating func member(_ member: Member) { name(member.name) }

    mutating func name(_ name: String) {
        text(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func unsigned(_ value: UInt64) {
        comma()
        bytes.append(contentsOf: String(value).utf8)
    }

    mutating func signed(_ value: Int64) {
        comma()
        bytes.append(contentsOf: String(value).utf8)
    }

    mutating func id(_ value: UInt64) { text(Hex.string(value)) }

    mutating func text(_ value: String) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Hex.digit(byte >> 4))
                bytes.append(Hex.digit(byte & 15))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func bool(_ value: Bool) {
        comma()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    mutating func null() {
        comma()
        bytes.append(contentsOf: "null".utf8)
    }
}
