/// A text that is equal to another only when its bytes are.
///
/// `String` compares by Unicode equivalence, so that two spellings of "é" would be one key here and
/// two in a client written in another language. Every key of a document is a `Name`.
package struct Name: Hashable, Comparable, Sendable, ExpressibleByStringLiteral {
    package let text: String

    package init(_ text: String) { self.text = text }
    package init(stringLiteral text: String) { self.text = text }

    package var byteCount: Int { text.utf8.count }

    /// The rest of a text that begins with these bytes, whatever mark combines with the last of
    /// them.
    package func text(after prefix: String) -> String? {
        text.utf8.starts(with: prefix.utf8)
            ? String(Substring(text.utf8.dropFirst(prefix.utf8.count))) : nil
    }

    package static func == (left: Name, right: Name) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8, fast: ())
    }

    /// Bytewise lexicographic, which is also the order of Unicode scalars.
    package static func < (left: Name, right: Name) -> Bool {
        left.text.utf8.precedes(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        let done: Void? = text.utf8.withContiguousStorageIfAvailable { bytes in
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
            hasher.combine(UInt8(0xFF))
        }
        if done == nil {
            for byte in text.utf8 { hasher.combine(byte) }
            hasher.combine(UInt8(0xFF))
        }
    }
}

extension String.UTF8View {
    /// Whether both hold the same bytes, compared as memory where both are contiguous.
    fileprivate func elementsEqual(_ other: String.UTF8View, fast: Void) -> Bool {
        let compared: Bool?? = withContiguousStorageIfAvailable { mine in
            other.withContiguousStorageIfAvailable { theirs in
                guard mine.count == theirs.count else { return false }
                return UnsafeRawBufferPointer(mine).equals(UnsafeRawBufferPointer(theirs))
            }
        }
        if let outer = compared, let equal = outer { return equal }
        return elementsEqual(other)
    }

    /// Whether these bytes come before the others, compared as memory where both are contiguous.
    fileprivate func precedes(_ other: String.UTF8View) -> Bool {
        let compared: Bool?? = withContiguousStorageIfAvailable { mine in
            other.withContiguousStorageIfAvailable { theirs in
                UnsafeRawBufferPointer(mine).precedes(UnsafeRawBufferPointer(theirs))
            }
        }
        if let outer = compared, let precedes = outer { return precedes }
        return lexicographicallyPrecedes(other)
    }
}

/// Where a cell lives: a collection, an item in it, a field of the item.
///
/// Wire form: `[collection, item, field]` (Protocol §3.5). Ordered bytewise, part by part.
package struct Key: Hashable, Comparable, Sendable {
    package let collection: Name
    package let item: Name
    package let field: Name

    package init(_ collection: Name, _ item: Name, _ field: Name) {
        self.collection = collection
        self.item = item
        self.field = field
    }

    package static func == (left: Key, right: Key) -> Bool {
        // The item tells keys apart most often.
        left.item == right.item && left.field == right.field
            && left.collection == right.collection
    }

    package static func < (left: Key, right: Key) -> Bool {
        if left.collection != right.collection { return left.collection < right.collection }
        if left.item != right.item { return left.item < right.item }
        return left.field < right.field
    }
}

extension UnsafeRawBufferPointer {
    /// Whether both hold the same bytes, eight at a time; both have the same count.
    fileprivate func equals(_ other: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset &+ 8 <= count {
            let mine = loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard mine == other.loadUnaligned(fromByteOffset: offset, as: UInt64.self) else {
                return false
            }
            offset &+= 8
        }
        while offset < count {
            guard self[offset] == other[offset] else { return false }
            offset &+= 1
        }
        return true
    }

    /// Bytewise lexicographic, eight bytes at a time: the first of them is the highest of a word.
    fileprivate func precedes(_ other: UnsafeRawBufferPointer) -> Bool {
        let common = Swift.min(count, other.count)
        var offset = 0
        while offset &+ 8 <= common {
            let mine = loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let theirs = other.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if mine != theirs { return mine.bigEndian < theirs.bigEndian }
            offset &+= 8
        }
        while offset < common {
            if self[offset] != other[offset] { return self[offset] < other[offset] }
            offset &+= 1
        }
        return count < other.count
    }
}
