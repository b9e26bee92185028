/// A place in a text, counted from 1, as editors count.
package struct TextPlace: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The line.
    package var line: Int
    /// In characters, not bytes.
    package var column: Int

    /// A place.
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// `line:column`, as behind a file's name.
    package var description: String { "\(line):\(column)" }

    /// In the order of the text.
    package static func < (left: TextPlace, right: TextPlace) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// What is wrong with a text that a person wrote, and where.
package struct TextError: Error, Hashable, CustomStringConvertible {
    /// Where.
    package let place: TextPlace
    /// What, and what belongs there.
    package let message: String

    /// A fault at a place.
    package init(_ place: TextPlace, _ message: String) {
        self.place = place
        self.message = message
    }

    /// The place and the message.
    package var description: String { "\(place): \(message)" }
}

/// A JSON value that knows where it stands in the text.
package struct TextNode: Sendable {
    /// What it is.
    package indirect enum Kind: Sendable {
        case null
        case bool(Bool)
        case number(Int)
        case string(String)
        case array([TextNode])
        case object([(name: String, place: TextPlace, value: TextNode)])
    }

    /// What it is.
    package let kind: Kind
    /// Where it begins.
    package let place: TextPlace

    /// What a person calls it.
    package var what: String {
        switch kind {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// Reads JSON (RFC 8259; whole numbers only) and keeps the place of everything.
package struct JSONTextReader {
    private let characters: [Character]
    private var index = 0
    private var place = TextPlace(line: 1, column: 1)
    private var depth = 0
    /// Members that are there again.
    private var repeated: [TextError] = []
    private static let depthMax = 32

    /// Reads a whole text.
    ///
    /// - Throws: the first thing that is no JSON, or a member's name that is there again.
    package static func read(_ text: String) throws(TextError) -> TextNode {
        var repeated: [TextError] = []
        let node = try read(text, repeated: &repeated)
        if let first = repeated.first { throw first }
        return node
    }

    /// Reads a whole text in which members' names may be there again: each time is noted.
    ///
    /// - Throws: the first thing that is no JSON, and where.
    static func read(_ text: String, repeated: inout [TextError]) throws(TextError) -> TextNode {
        var reader = JSONTextReader(characters: Array(text))
        defer { repeated = reader.repeated }
        let node = try reader.value()
        reader.skipSpace()
        guard reader.index == reader.characters.count else {
            throw TextError(reader.place, "something follows the closing brace")
        }
        return node
    }

    private init(characters: [Character]) { self.characters = characters }

    private var current: Character? { index < characters.count ? characters[index] : nil }

    private mutating func advance() {
        if characters[index].isNewline {
            place = TextPlace(line: place.line + 1, column: 1)
        } else {
            place.column += 1
        }
        index += 1
    }

    private mutating func skipSpace() {
        while let character = current, character.isWhitespace { advance() }
    }

    private mutating func take(_ character: Character, _ what: String) throws(TextError) {
        skipSpace()
        guard current == character else { throw unexpected(what) }
        advance()
    }

    private func unexpected(_ what: String) -> TextError {
        guard let current else {
            return TextError(place, "the text ends where \(what) belongs")
        }
        return TextError(place, "'\(current)' stands where \(what) belongs")
    }

    private mutating func value() throws(TextError) -> TextNode {
        skipSpace()
        let start = place
        guard depth < Self.depthMax else { throw TextError(start, "nested too deep") }
        depth += 1
        defer { depth -= 1 }
        let kind: TextNode.Kind
        switch current ?? " " {
        case "{": kind = .object(try members())
        case "[": kind = .array(try elements())
        case "\"": kind = .string(try string())
        case "-", "0"..."9": kind = .number(try number())
        case "t", "f", "n": kind = try word()
        default: throw unexpected("a value")
        }
        return TextNode(kind: kind, place: start)
    }

    private mutating func members() throws(TextError) -> [(
        name: String, place: TextPlace, value: TextNode
    )] {
        try take("{", "an object")
        var members: [(name: String, place: TextPlace, value: TextNode)] = []
        // By their bytes: names that only look alike are two names (RFC 8259, section 8.3).
        var names: Set<[UInt8]> = []
        skipSpace()
        guard current != "}" else {
            advance()
            return members
        }
        while true {
            skipSpace()
            let start = place
            guard current == "\"" else { throw unexpected("a member's name in quotes") }
            let name = try string()
            if name != "//", !names.insert(Array(name.utf8)).inserted {
                repeated.append(TextError(start, "\"\(name)\" is there twice"))
            }
            try take(":", "a colon")
            members.append((name, start, try value()))
            skipSpace()
            guard current == "," else { break }
            advance()
        }
        try take("}", "a comma or a closing brace")
        return members
    }

    private mutating func elements() throws(TextError) -> [TextNode] {
        try take("[", "a list")
        var elements: [TextNode] = []
        skipSpace()
        guard current != "]" else {
            advance()
            return elements
        }
        while true {
            elements.append(try value())
            skipSpace()
            guard current == "," else { break }
            advance()
        }
        try take("]", "a comma or a closing bracket")
        return elements
    }

    private mutating func word() throws(TextError) -> TextNode.Kind {
        let start = place
        var text = ""
        while let character = current, character.isLetter {
            text.append(character)
            advance()
        }
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default: throw TextError(start, "'\(text)' is no JSON: texts stand in quotes")
        }
    }

    private mutating func number() throws(TextError) -> Int {
        let start = place
        var text = ""
        while let character = current, character.isASCII,
            character.isNumber || "+-.eE".contains(character)
        {
            text.append(character)
            advance()
        }
        guard let number = Int(text), String(number) == text else {
            throw TextError(start, "'\(text)' is no whole number")
        }
        return number
    }

    private mutating func string() throws(TextError) -> String {
        let start = place
        advance()
        var text = ""
        while let character = current {
            switch character {
            case "\"":
                advance()
                return text
            case "\\": text.unicodeScalars.append(try escaped())
            case _ where character.isNewline:
                throw TextError(start, "this text is not closed on its line")
            default:
                text.append(character)
                advance()
            }
        }
        throw TextError(start, "this text is not closed")
    }

    private mutating func escaped() throws(TextError) -> Unicode.Scalar {
        let start = place
        advance()
        guard let letter = current else { throw unexpected("an escaped character") }
        advance()
        switch letter {
        case "\"", "\\", "/": return letter.unicodeScalars[letter.unicodeScalars.startIndex]
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "u":
            var code = try fourDigits()
            if (0xD800..<0xDC00).contains(code), current == "\\" {
                advance()
                guard current == "u" else { throw unexpected("the other half of the pair") }
                advance()
                let low = try fourDigits()
                guard (0xDC00..<0xE000).contains(low) else {
                    throw TextError(start, "write this character itself, not half a pair")
                }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw TextError(start, "write this character itself, not half a pair")
            }
            return scalar
        default: throw TextError(start, "'\\\(letter)' is no escape")
        }
    }

    private mutating func fourDigits() throws(TextError) -> UInt32 {
        var digits = ""
        for _ in 0..<4 {
            guard let digit = current, digit.isHexDigit, digit.isASCII else {
                throw unexpected("one of four hex digits")
            }
            digits.append(digit)
            advance()
        }
        return UInt32(digits, radix: 16) ?? 0
    }
}
