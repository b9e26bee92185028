/// A place in a scenario's text, counted from 1, as editors count.
struct TextPlace: Hashable, Sendable, CustomStringConvertible {
    var line: Int
    /// In characters, not bytes.
    var column: Int

    var description: String { "\(line):\(column)" }
}

/// Why a scenario cannot be run; nothing has been started.
struct ScenarioError: Error, Hashable, CustomStringConvertible {
    let place: TextPlace
    let message: String

    init(_ place: TextPlace, _ message: String) {
        self.place = place
        self.message = message
    }

    var description: String { "\(place): \(message)" }
}

/// A JSON value that knows where it stands in the text.
struct TextNode: Sendable {
    indirect enum Kind: Sendable {
        case null
        case bool(Bool)
        case number(Int)
        case string(String)
        case array([TextNode])
        case object([(name: String, place: TextPlace, value: TextNode)])
    }

    let kind: Kind
    let place: TextPlace

    /// What a person calls it.
    var what: String {
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
struct ScenarioTextReader {
    private let characters: [Character]
    private var index = 0
    private var place = TextPlace(line: 1, column: 1)
    private var depth = 0
    private static let depthMax = 32

    /// Reads a whole text.
    static func read(_ text: String) throws(ScenarioError) -> TextNode {
        var reader = ScenarioTextReader(characters: Array(text))
        let node = try reader.value()
        reader.skipSpace()
        guard reader.index == reader.characters.count else {
            throw ScenarioError(reader.place, "something follows the scenario's closing brace")
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

    private mutating func take(_ character: Character, _ what: String) throws(ScenarioError) {
        skipSpace()
        guard current == character else { throw unexpected(what) }
        advance()
    }

    private func unexpected(_ what: String) -> ScenarioError {
        guard let current else {
            return ScenarioError(place, "the text ends where \(what) belongs")
        }
        return ScenarioError(place, "'\(current)' stands where \(what) belongs")
    }

    private mutating func value() throws(ScenarioError) -> TextNode {
        skipSpace()
        let start = place
        guard depth < Self.depthMax else { throw ScenarioError(start, "nested too deep") }
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

    private mutating func members() throws(ScenarioError) -> [(
        name: String, place: TextPlace, value: TextNode
    )] {
        try take("{", "an object")
        var members: [(name: String, place: TextPlace, value: TextNode)] = []
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
            if name != "//", members.contains(where: { $0.name == name }) {
                throw ScenarioError(start, "\"\(name)\" is there twice")
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

    private mutating func elements() throws(ScenarioError) -> [TextNode] {
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

    private mutating func word() throws(ScenarioError) -> TextNode.Kind {
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
        default: throw ScenarioError(start, "'\(text)' is no JSON: texts stand in quotes")
        }
    }

    private mutating func number() throws(ScenarioError) -> Int {
        let start = place
        var text = ""
        while let character = current, character.isASCII,
            character.isNumber || "+-.eE".contains(character)
        {
            text.append(character)
            advance()
        }
        guard let number = Int(text), String(number) == text else {
            throw ScenarioError(start, "'\(text)' is no whole number")
        }
        return number
    }

    private mutating func string() throws(ScenarioError) -> String {
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
                throw ScenarioError(start, "this text is not closed on its line")
            default:
                text.append(character)
                advance()
            }
        }
        throw ScenarioError(start, "this text is not closed")
    }

    private mutating func escaped() throws(ScenarioError) -> Unicode.Scalar {
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
            var digits = ""
            for _ in 0..<4 {
                guard let digit = current, digit.isHexDigit else {
                    throw unexpected("one of four hex digits")
                }
                digits.append(digit)
                advance()
            }
            guard let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) else {
                throw ScenarioError(start, "write this character itself, not half a pair")
            }
            return scalar
        default: throw ScenarioError(start, "'\\\(letter)' is no escape")
        }
    }
}
