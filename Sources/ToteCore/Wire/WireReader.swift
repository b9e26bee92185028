/// The name of a map's member as it was read.
enum MemberName: Hashable {
    case known(Member)
    case other(String)
}

/// The type of the item that comes next.
enum ItemKind {
    case null, bool, integer, text, bytes, array, map
}

/// Reads one message in one encoding, strictly: what it accepts has exactly one meaning.
protocol WireReader {
    /// Bytes from the start to where it reads.
    var offset: Int { get }
    /// Whether all that was read is written as this version writes it: without defaults that may
    /// be left out, and without members that it does not know.
    var isAsWritten: Bool { get set }
    mutating func peek() throws(WireError) -> ItemKind
    mutating func beginMap() throws(WireError)
    /// The next member's name, or `nil` when the map has ended.
    mutating func nextMember() throws(WireError) -> MemberName?
    /// The next name in a map whose names are data, or `nil` when the map has ended.
    mutating func nextName() throws(WireError) -> String?
    mutating func beginArray() throws(WireError)
    /// How many elements the array that was just begun says it has, each of a byte or more; 0 where
    /// the encoding does not say.
    var announced: Int { get }
    /// Whether an element follows; when not, the array has ended.
    mutating func nextElement() throws(WireError) -> Bool
    mutating func unsigned() throws(WireError) -> UInt64
    mutating func signed() throws(WireError) -> Int64
    mutating func id() throws(WireError) -> UInt64
    mutating func text() throws(WireError) -> String
    mutating func bool() throws(WireError) -> Bool
    mutating func null() throws(WireError)
    /// Whether members come in the order of their numbers, so that what they need came before.
    static var isOrdered: Bool { get }
    /// Passes over a key of a map that is not known; false when the map has ended.
    mutating func skipKey() throws(WireError) -> Bool
    /// Passes over a byte string of any length.
    mutating func skipBytes() throws(WireError)
    /// Ends the message: nothing may follow.
    mutating func end() throws(WireError)
}

extension WireReader {
    /// Throws an error that names what was expected here.
    func fail(_ reason: WireError.Reason, _ message: String) -> WireError {
        WireError(reason, at: offset, message)
    }

    /// An element that the message's shape demands.
    mutating func requireElement(_ what: String) throws(WireError) {
        guard try nextElement() else { throw fail(.missingMember, "\(what) is missing") }
    }

    /// Ends an array of fixed length.
    mutating func endArray(_ what: String) throws(WireError) {
        if try nextElement() { throw fail(.tooLong, "\(what) has too many elements") }
    }

    mutating func unsigned(upTo most: UInt64, _ what: String) throws(WireError) -> UInt64 {
        let start = offset
        let value = try unsigned()
        guard value <= most else {
            throw WireError(.outOfRange, at: start, "\(what) is \(value), the most is \(most)")
        }
        return value
    }

    /// Passes over an item that this version does not know.
    mutating func skip() throws(WireError) {
        isAsWritten = false
        switch try peek() {
        case .null: try null()
        case .bool: _ = try bool()
        case .integer: _ = try signed()
        case .text: _ = try text()
        case .bytes: try skipBytes()
        case .array:
            try beginArray()
            while try nextElement() { try skip() }
        case .map:
            try beginMap()
            while try skipKey() { try skip() }
        }
    }

    /// A value of a register, no deeper than `depth` levels of arrays and maps.
    mutating func value(depth: Int = Limits.valueDepthMax) throws(WireError) -> Value {
        switch try peek() {
        case .null:
            try null()
            return .null
        case .bool: return .bool(try bool())
        case .integer: return .int(try signed())
        case .text: return .text(try text())
        case .bytes: throw fail(.wrongType, "a value holds no byte strings")
        case .array:
            guard depth > 0 else { throw fail(.tooDeep, "a value nests too deep") }
            var values: [Value] = []
            try beginArray()
            while try nextElement() { values.append(try value(depth: depth - 1)) }
            return .array(values)
        case .map:
            guard depth > 0 else { throw fail(.tooDeep, "a value nests too deep") }
            var entries: [Value.Entry] = []
            try beginMap()
            while let name = try nextName() {
                entries.append(Value.Entry(name, try value(depth: depth - 1)))
            }
            return .map(entries.sorted { Name($0.name) < Name($1.name) })
        }
    }
}
