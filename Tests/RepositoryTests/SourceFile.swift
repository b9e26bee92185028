import Foundation

/// A file of the repository, or a text standing in for one.
struct SourceFile: Sendable {
    /// Relative to the root: `Sources/ToteCore/CRDT/Dot.swift`.
    let path: String
    let text: String
    /// The text without comments and strings.
    let code: String

    init(_ path: String, _ text: String) {
        self.path = path
        self.text = text
        code = SourceText.code(in: text)
    }

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var isSwift: Bool { path.hasSuffix(".swift") }
    var name: Substring { path.split(separator: "/").last ?? "" }

    func isIn(_ folders: [String]) -> Bool { folders.contains { path.hasPrefix($0) } }
}

/// A place that breaks a rule of the house.
struct Finding: Hashable, CustomStringConvertible {
    let path: String
    let line: Int
    let what: String

    init(_ file: SourceFile, _ line: Int, _ what: String) {
        self.init(file.path, line, what)
    }

    init(_ path: String, _ line: Int, _ what: String) {
        self.path = path
        self.line = line
        self.what = what
    }

    var description: String { "\(path):\(line): \(what)" }
}

/// A place where a pattern matches.
struct PatternMatch {
    let line: Int
    /// Where the whole match ends, in UTF-16 units.
    let end: Int
    /// The whole match, then its groups; empty for a group that took no part.
    let groups: [String]
}

/// A compiled pattern; `^` matches at every line.
struct Pattern {
    private let expression: NSRegularExpression

    /// - Precondition: `pattern` is well formed.
    init(_ pattern: String) {
        do {
            expression = try NSRegularExpression(pattern: pattern, options: .anchorsMatchLines)
        } catch {
            preconditionFailure("the pattern \(pattern) is malformed: \(error)")
        }
    }

    func matches(in text: String) -> [PatternMatch] {
        let whole = text as NSString
        var (line, counted) = (1, 0)
        return expression.matches(in: text, range: NSRange(location: 0, length: whole.length)).map {
            match in
            let before = NSRange(location: counted, length: match.range.location - counted)
            line += whole.substring(with: before).utf8.count { $0 == UInt8(ascii: "\n") }
            counted = match.range.location
            let groups = (0..<match.numberOfRanges).map { index in
                let range = match.range(at: index)
                return range.location == NSNotFound ? "" : whole.substring(with: range)
            }
            return PatternMatch(
                line: line, end: match.range.location + match.range.length, groups: groups)
        }
    }
}
