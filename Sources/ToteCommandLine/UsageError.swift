/// Why a command line is refused; nothing has been done yet. Ends the process with `exitCode`.
package struct UsageError: Error, Hashable, CustomStringConvertible {
    /// What is wrong, naming the word that is.
    package var message: String
    /// What was probably meant, or what is allowed.
    package var hint: String?
    /// The command it was said to, as typed: `tote serve`.
    package var command: String
    /// For programs: stable, in snake_case.
    package var code = "usage"
    /// The status to end with.
    package var exitCode = ExitCode.usage
    /// What is wrong in the configuration file, where that is the reason.
    package var faults: FileFaults?

    /// Refuses a command line; `command` is what `--help` is suggested for.
    package init(_ message: String, hint: String? = nil, command: String) {
        self.message = message
        self.hint = hint
        self.command = command
    }

    /// The faults of a file that a command line names.
    init(_ failure: CommandFailure, command: String) {
        self.init(failure.message, command: command)
        code = failure.code
        exitCode = failure.exit
        faults = failure.faults
    }

    /// What stderr is told, without the last line break.
    package var description: String {
        var lines = (faults?.lines ?? []) + ["\(command): \(message)"]
        if let hint { lines.append("  \(hint)") }
        lines.append("See '\(command) --help'.")
        return lines.joined(separator: "\n")
    }
}

/// "Did you mean": the nearest of the known words.
package enum Suggestion {
    /// The hint for a mistyped `word`, or nil when nothing known is near.
    static func hint(for word: String, among known: [String], prefix: String = "") -> String? {
        nearest(to: word, among: known).map { "did you mean '\(prefix)\($0)'?" }
    }

    /// The known word with the fewest edits, at most a third of its length (but one always); a
    /// word that only lacks its end counts as near. The table's order breaks ties.
    package static func nearest(to word: String, among known: [String]) -> String? {
        var best: (word: String, edits: Int)?
        for candidate in known {
            let edits = distance(word, candidate)
            if edits <= max(1, candidate.count / 3) && edits < best?.edits ?? .max {
                best = (candidate, edits)
            }
        }
        if let best { return best.word }
        return word.count < 2 ? nil : known.first { $0.hasPrefix(word) }
    }

    /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
    static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left), Array(right))
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                let substituted = rows[i][j] + (a[i] == b[j] ? 0 : 1)
                var edits = min(substituted, rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    edits = min(edits, rows[i - 1][j - 1] + 1)
                }
                row.append(edits)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
