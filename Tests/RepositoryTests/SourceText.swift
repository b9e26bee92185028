/// Swift text with what is not code turned into spaces; lines and columns stay where they were.
///
/// Braces in strings, rules quoted in comments and sentences used as names must not be mistaken
/// for code. Interpolated expressions are code. Bare regex literals are not understood.
enum SourceText {
    /// What to keep besides code.
    enum Kept { case nothing, strings }

    static func code(in text: String, keeping kept: Kept = .nothing) -> String {
        var blanker = Blanker(bytes: Array(text.utf8), kept: kept)
        blanker.skimCode(untilParenthesis: false)
        return String(decoding: blanker.bytes, as: UTF8.self)
    }
}

private struct Blanker {
    private(set) var bytes: [UInt8]
    private let kept: SourceText.Kept
    private var position = 0

    init(bytes: [UInt8], kept: SourceText.Kept) {
        self.bytes = bytes
        self.kept = kept
    }

    /// Skims code up to the end, or past the parenthesis that ends an interpolation.
    mutating func skimCode(untilParenthesis: Bool) {
        var depth = 0
        while position < bytes.count {
            if starts(with: "//") {
                blank { $0.bytes[$0.position] != UInt8(ascii: "\n") }
            } else if starts(with: "/*") {
                blankComment()
            } else if let hashes = hashesBeforeQuote() {
                blankString(hashes: hashes)
            } else if bytes[position] == UInt8(ascii: "`") {
                position += 1
                blank { $0.bytes[$0.position] != UInt8(ascii: "`") }
                position += 1
            } else {
                if bytes[position] == UInt8(ascii: "(") { depth += 1 }
                if bytes[position] == UInt8(ascii: ")") { depth -= 1 }
                position += 1
                if untilParenthesis && depth < 0 { return }
            }
        }
    }

    private func starts(with text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard position + length <= bytes.count else { return false }
        return (0..<length).allSatisfy { bytes[position + $0] == text.utf8Start[$0] }
    }

    /// How many `#` open a string here; nil where none opens.
    private func hashesBeforeQuote() -> Int? {
        var end = position
        while end < bytes.count, bytes[end] == UInt8(ascii: "#") { end += 1 }
        return end < bytes.count && bytes[end] == UInt8(ascii: "\"") ? end - position : nil
    }

    private func hashes(at start: Int) -> Int {
        bytes[min(start, bytes.count)...].prefix { $0 == UInt8(ascii: "#") }.count
    }

    private mutating func blank(while holds: (Blanker) -> Bool) {
        while position < bytes.count, holds(self) { blankByte() }
    }

    private mutating func blankByte() {
        if bytes[position] != UInt8(ascii: "\n") { bytes[position] = UInt8(ascii: " ") }
        position += 1
    }

    private mutating func blankStringByte() {
        if kept == .strings { position += 1 } else { blankByte() }
    }

    private mutating func blankComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                blankByte()
            } else if starts(with: "*/") {
                depth -= 1
                blankByte()
            }
            blankByte()
        } while depth > 0 && position < bytes.count
    }

    private mutating func blankString(hashes count: Int) {
        position += count
        let quotes = starts(with: "\"\"\"") ? 3 : 1
        position += quotes
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "\n"), quotes == 1 { return }
            if bytes[position] == UInt8(ascii: "\\"), hashes(at: position + 1) >= count {
                let escaped = position + 1 + count
                if escaped < bytes.count, bytes[escaped] == UInt8(ascii: "(") {
                    position = escaped + 1
                    skimCode(untilParenthesis: true)
                } else {
                    while position <= min(escaped, bytes.count - 1) { blankStringByte() }
                }
                continue
            }
            let closes = quotes == 3 ? starts(with: "\"\"\"") : starts(with: "\"")
            if closes, hashes(at: position + quotes) >= count {
                position += quotes + count
                return
            }
            blankStringByte()
        }
    }
}
