/// What must not stay behind in a finished tree.
enum LeftoverRules {
    /// How many types of the product may vouch for their own thread safety.
    static let uncheckedSendableMax = 2

    private static let note = Pattern(#"\b(?:TO"# + #"DO|FIX"# + #"ME)\b"#)
    private static let unchecked = Pattern(#"@unchecked\s+Sendable\b"#)

    static func notes(in file: SourceFile) -> [Finding] {
        note.matches(in: file.text).map { Finding(file, $0.line, "a note to finish something") }
    }

    static func uncheckedSendables(in file: SourceFile) -> [PatternMatch] {
        unchecked.matches(in: file.code)
    }

    /// Places without a comment on the line above that says what guards the value.
    static func unexplainedSendables(in file: SourceFile) -> [Finding] {
        let lines = file.lines
        return uncheckedSendables(in: file).compactMap { match in
            let isExplained = match.line > 1 && lines[match.line - 2].contains("//")
            return isExplained ? nil : Finding(file, match.line, "nothing says what guards this")
        }
    }

    /// More of them in the product than the budget allows.
    static func uncheckedBudget(
        _ files: [SourceFile], atMost limit: Int = uncheckedSendableMax
    ) -> [Finding] {
        let all = files.filter { !$0.path.hasPrefix("Tests/") }.flatMap { file in
            uncheckedSendables(in: file).map { Finding(file, $0.line, "vouches for itself") }
        }
        return all.count > limit ? all : []
    }
}
