import Glibc
import ToteCommandLine

/// Reads comma-separated values (RFC 4180) from a file, record by record, in bounded memory.
final class CSVStream {
    struct Field {
        var text: String
        let place: TextPlace
    }

    struct Record {
        var fields: [Field]
        /// Where in the file it begins, in bytes, and at which line.
        let offset: UInt64
        let line: Int
    }

    static let recordBytesMax = 64 * 1_024
    /// What is read at once of a whole file, and of one purchase in it.
    static let fileChunkBytes = 256 * 1_024
    static let purchaseChunkBytes = 4 * 1_024

    private let descriptor: Int32
    private let chunkBytes: Int
    private var chunk: [UInt8] = []
    private var index = 0
    private var position: UInt64
    private var line: Int
    private var column = 1
    private var isAtEnd = false

    /// Reads from a place on; the descriptor stays the caller's.
    init(
        _ descriptor: Int32, from offset: UInt64 = 0, line: Int = 1,
        chunkBytes: Int = fileChunkBytes
    ) {
        self.descriptor = descriptor
        self.chunkBytes = chunkBytes
        position = offset
        self.line = line
        if offset == 0 {
            // A byte order mark is no part of the first name.
            fill()
            if chunk.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
        }
    }

    /// How far it has read.
    var offset: UInt64 { position - UInt64(chunk.count - index) }

    private func fill() {
        guard !isAtEnd else { return }
        var room = [UInt8](repeating: 0, count: chunkBytes)
        var count = 0
        repeat {
            count = pread(descriptor, &room, room.count, off_t(position))
        } while count < 0 && errno == EINTR
        isAtEnd = count <= 0
        chunk = count > 0 ? Array(room[..<count]) : []
        index = 0
        position += UInt64(max(count, 0))
    }

    private var current: UInt8? {
        if index >= chunk.count { fill() }
        return index < chunk.count ? chunk[index] : nil
    }

    private func advance(_ byte: UInt8) {
        index += 1
        if byte == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else if byte & 0xC0 != 0x80 {
            column += 1
        }
    }

    private var place: TextPlace { TextPlace(line: line, column: column) }

    /// The next record; `nil` at the end. Empty lines are none.
    func next() throws(TextError) -> Record? {
        while let byte = current, byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
            advance(byte)
        }
        guard current != nil else { return nil }
        var record = Record(fields: [], offset: offset, line: line)
        var size = 0
        while true {
            let field = try field(&size)
            record.fields.append(field)
            guard let byte = current else { return record }
            advance(byte)
            if byte == UInt8(ascii: ",") { continue }
            if byte == UInt8(ascii: "\r"), current == UInt8(ascii: "\n") {
                advance(UInt8(ascii: "\n"))
            }
            return record
        }
    }

    /// A field up to its comma or the end of the record.
    private func field(_ size: inout Int) throws(TextError) -> Field {
        let start = place
        var bytes: [UInt8] = []
        func keep(_ byte: UInt8) throws(TextError) {
            bytes.append(byte)
            size += 1
            guard size <= Self.recordBytesMax else {
                throw TextError(start, "a record has at most \(Self.recordBytesMax) bytes")
            }
        }
        if current == UInt8(ascii: "\"") {
            advance(UInt8(ascii: "\""))
            while true {
                guard let byte = current else {
                    throw TextError(start, "this quote is not closed")
                }
                advance(byte)
                if byte == UInt8(ascii: "\"") {
                    guard current == UInt8(ascii: "\"") else { break }
                    advance(UInt8(ascii: "\""))
                }
                try keep(byte)
            }
            if let byte = current, !Self.ends.contains(byte) {
                throw TextError(place, "a comma belongs behind a closing quote")
            }
        } else {
            while let byte = current, !Self.ends.contains(byte) {
                guard byte != UInt8(ascii: "\"") else {
                    throw TextError(place, "a text with a quote in it stands in quotes, as \"\"")
                }
                advance(byte)
                try keep(byte)
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TextError(start, "this is no UTF-8")
        }
        return Field(text: text, place: start)
    }

    private static let ends: Set<UInt8> = [
        UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r"),
    ]
}
