import ToteCommandLine

/// A verb that a device or a counter understands: what parsing and `help` know of it.
struct Verb: Sendable {
    /// One or two words.
    let name: String
    /// What follows, as help shows it.
    let arguments: String
    let summary: String
    let examples: [String]
    /// How many words may follow.
    let count: ClosedRange<Int>

    init(
        _ name: String, _ arguments: String, _ summary: String, _ count: ClosedRange<Int>,
        _ examples: String...
    ) {
        self.name = name
        self.arguments = arguments
        self.summary = summary
        self.examples = examples
        self.count = count
    }
}

/// Why a line was not done.
struct VerbFailure: Error, Hashable {
    enum Kind: String, Sendable {
        /// The line is wrong; nothing was done.
        case usage
        /// The line was right, and the client core refused; nothing was done.
        case refused
        /// An expectation does not hold.
        case expectation
    }

    let kind: Kind
    let message: String
    /// The stable code of a refusal, where it has one.
    let code: String?

    init(_ kind: Kind, _ message: String, code: String? = nil) {
        self.kind = kind
        self.message = message
        self.code = code
    }
}

/// A line taken apart: the verb, and the words behind it.
struct VerbLine: Sendable {
    let verb: Verb
    var words: [String]

    /// Reads a line; `nil` for an empty one or a comment.
    static func parse(
        _ line: String, among verbs: [Verb]
    ) throws(VerbFailure) -> VerbLine? {
        let words = try split(line)
        return words.isEmpty ? nil : try parse(words[...], among: verbs)
    }

    /// Reads the words of a line, at least one.
    static func parse(
        _ words: ArraySlice<String>, among verbs: [Verb]
    ) throws(VerbFailure) -> VerbLine {
        let words = Array(words)
        guard let first = words.first else {
            throw VerbFailure(.usage, "a verb is missing: `help` lists them")
        }
        let two = words.count > 1 ? "\(first) \(words[1])" : first
        let verb: Verb
        let rest: [String]
        if words.count > 1, let found = verbs.first(where: { $0.name == two }) {
            verb = found
            rest = Array(words.dropFirst(2))
        } else if let found = verbs.first(where: { $0.name == first }) {
            verb = found
            rest = Array(words.dropFirst())
        } else {
            throw unknown(first, two, verbs)
        }
        guard verb.count.contains(rest.count) else {
            let what = rest.count < verb.count.lowerBound ? "needs more" : "takes no more"
            throw VerbFailure(
                .usage,
                "\(verb.name) \(what): \(verb.name) \(verb.arguments)\n"
                    + "for example: \(verb.examples[0])")
        }
        return VerbLine(verb: verb, words: rest)
    }

    private static func unknown(
        _ first: String, _ two: String, _ verbs: [Verb]
    ) -> VerbFailure {
        let family = verbs.map(\.name).filter { $0.hasPrefix(first + " ") }
        let names = verbs.map(\.name)
        if !family.isEmpty {
            let near = Suggestion.nearest(to: two, among: family)
            let hint = near.map { "did you mean `\($0)`?" }
            return VerbFailure(
                .usage,
                "'\(two)' is no verb: "
                    + (hint ?? "there are \(family.joined(separator: ", "))"))
        }
        let heads = names.flatMap { [$0, String($0.prefix { $0 != " " })] }
        let near =
            Suggestion.nearest(to: two, among: names) ?? Suggestion.nearest(to: first, among: heads)
        return VerbFailure(
            .usage,
            "'\(first)' is no verb: "
                + (near.map { "did you mean `\($0)`?" } ?? "`help` lists them"))
    }

    /// Splits at spaces; quotes hold words together, `#` at the start of a word begins a comment.
    static func split(_ line: String) throws(VerbFailure) -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        for character in line {
            if isQuoted {
                if character == "\"" { isQuoted = false } else { word?.append(character) }
            } else if character == "\"" {
                isQuoted = true
                word = word ?? ""
            } else if character == " " || character == "\t" {
                if let done = word { words.append(done) }
                word = nil
            } else if character == "#", word == nil {
                break
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard !isQuoted else { throw VerbFailure(.usage, "a quote is not closed") }
        if let word { words.append(word) }
        return words
    }
}
