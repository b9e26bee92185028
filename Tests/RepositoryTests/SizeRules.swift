/// How long lines, functions and files may be.
enum SizeRules {
    static let lineCharactersMax = 100
    static let functionLinesMax = 70
    static let fileLinesMax = 600

    static func findings(in file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        let lines = file.lines
        for (index, line) in lines.enumerated() where line.count > lineCharactersMax {
            findings.append(Finding(file, index + 1, "\(line.count) characters in a line"))
        }
        let lineCount = lines.last?.isEmpty == true ? lines.count - 1 : lines.count
        if lineCount > fileLinesMax {
            findings.append(Finding(file, lineCount, "\(lineCount) lines in a file"))
        }
        for (line, length) in functionBodies(in: file.code) where length > functionLinesMax {
            findings.append(Finding(file, line, "\(length) lines in a function"))
        }
        return findings
    }

    private static let declaration = Pattern(
        #"^[ \t]*(?:@[\w.]+(?:\([^)\n]*\))?\s+|[a-z]+(?:\(set\))?[ \t]+)*"#
            + #"(?:func\b|init\b[?!]?[ \t]*[(<])"#
    )

    /// Where each function or initialiser starts, and the lines between its braces.
    static func functionBodies(in code: String) -> [(line: Int, length: Int)] {
        let units = Array(code.utf16)
        return declaration.matches(in: code).compactMap { match in
            // The pattern of an initialiser ends behind its own parenthesis.
            let isInit = match.groups[0].hasSuffix("(")
            return bodyLength(in: units, from: isInit ? match.end - 1 : match.end)
                .map { (match.line, $0) }
        }
    }

    /// The lines between the braces that follow; nil for a requirement of a protocol.
    private static func bodyLength(in units: [UInt16], from start: Int) -> Int? {
        var (parentheses, braces, newlines) = (0, 0, 0)
        for index in start..<units.count {
            switch Unicode.Scalar(units[index]) {
            case "(", "[": parentheses += 1
            case ")", "]": parentheses -= 1
            case "{" where braces > 0 || parentheses == 0: braces += 1
            case "}" where braces > 0:
                braces -= 1
                if braces == 0 { return max(newlines - 1, 0) }
            case "}" where parentheses == 0: return nil
            case "\n" where braces > 0: newlines += 1
            case "\n" where parentheses == 0 && declares(units[(index + 1)...]): return nil
            default: break
            }
        }
        return nil
    }

    private static let starters: Set<String> = [
        "func", "init", "var", "let", "static", "mutating", "associatedtype", "subscript", "case",
        "struct", "enum", "class", "extension", "protocol", "package", "public", "private",
        "internal", "fileprivate", "final", "nonisolated", "typealias", "import",
    ]

    /// Whether the next line begins another declaration, so that the one before had no body.
    private static func declares(_ rest: ArraySlice<UInt16>) -> Bool {
        let word = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A }.prefix(16)
            .prefix { (0x61...0x7A).contains($0) }
        return starters.contains(String(decoding: word, as: UTF16.self))
    }
}
