/// Renders help: examples first, because they are what a reader in a hurry copies.
extension CommandTable {
    /// The widest line help may have, in characters.
    package static let helpWidthMax = 100

    /// The help of the command at `path` (names below the root).
    /// - Precondition: the table has such a command.
    package func help(at path: [String] = [], width: Int = helpWidthMax) -> String {
        var scope = CommandScope(root: root)
        for name in path {
            guard let deeper = scope.subcommand(named: name) else {
                preconditionFailure("'\(scope.line)' has no command '\(name)'")
            }
            scope = deeper
        }
        return help(for: scope, width: width)
    }

    func help(for scope: CommandScope, width: Int = helpWidthMax) -> String {
        let command = scope.command
        var page = HelpPage(width: min(max(width, 40), Self.helpWidthMax))
        page.paragraph("\(scope.line): \(command.summary)", indent: 0)
        if !command.examples.isEmpty {
            page.heading("Examples")
            for example in command.examples {
                page.verbatim("  \(example.line)")
                page.paragraph(example.what, indent: 6)
            }
        }
        page.heading("Usage")
        page.verbatim("  \(usage(of: scope))")
        if let discussion = command.discussion {
            for paragraph in discussion.paragraphs {
                page.blank()
                page.paragraph(paragraph, indent: 0)
            }
        }
        page.table("Commands", scope.subcommandsWithBuiltIns.map { ($0.name, $0.summary) })
        page.table("Arguments", command.arguments.map { ($0.usage, $0.help) })
        page.table("Options", command.options.map { ($0.usage, $0.helpWithSources) })
        page.table(
            "Options of every command",
            (scope.inheritedOptions + BuiltIn.options).map { ($0.usage, $0.helpWithSources) })
        page.table("Exit codes", exitCodes.map { (String($0.code.rawValue), $0.meaning) })
        return page.text
    }

    func usage(of scope: CommandScope) -> String {
        var words = [scope.line]
        if !scope.command.subcommands.isEmpty { words.append("<command>") }
        if !scope.options.isEmpty { words.append("[options]") }
        words += scope.command.arguments.map(\.usage)
        return words.joined(separator: " ")
    }
}

extension OptionSpec {
    /// `-p, --port <number>`; options without a letter line up with those that have one.
    var usage: String {
        let letter = short.map { "-\($0), " } ?? "    "
        return letter + "--\(long)" + (valueName.map { " <\($0)>" } ?? "")
    }

    var helpWithSources: String {
        var notes: [String] = []
        if !choices.isEmpty { notes.append("one of " + choices.joined(separator: ", ")) }
        if repeating { notes.append("may be repeated") }
        if let value = `default` { notes.append("default: \(value)") }
        if let environment {
            let file = fileEnvironment.map { " or \($0)" } ?? ""
            notes.append("environment: \(environment)\(file)")
        }
        if isSetting { notes.append("in a file: \(key)") }
        return notes.isEmpty ? help : "\(help) (\(notes.joined(separator: "; ")))"
    }
}

extension String {
    /// The parts between empty lines, each as one line.
    var paragraphs: [String] {
        split(separator: "\n", omittingEmptySubsequences: false)
            .split { $0.allSatisfy(\.isWhitespace) }
            .map { $0.joined(separator: " ") }
    }

    /// The words in lines of at most so many characters; a longer word has a line of its own.
    func wrapped(to limit: Int) -> [String] {
        var result: [String] = []
        var line = ""
        for word in split(whereSeparator: \.isWhitespace) {
            if line.isEmpty {
                line = String(word)
            } else if line.count + 1 + word.count <= limit {
                line += " " + word
            } else {
                result.append(line)
                line = String(word)
            }
        }
        return line.isEmpty ? result : result + [line]
    }
}

/// Lines of at most `width` characters.
private struct HelpPage {
    let width: Int
    private var lines: [String] = []

    init(width: Int) { self.width = width }

    var text: String { lines.joined(separator: "\n") + "\n" }

    mutating func blank() { lines.append("") }

    mutating func heading(_ title: String) {
        blank()
        lines.append(title)
    }

    /// A line to copy: never wrapped, since a broken example is worse than a long one.
    mutating func verbatim(_ line: String) { lines.append(line) }

    mutating func paragraph(_ text: String, indent: Int) {
        let margin = String(repeating: " ", count: indent)
        lines += text.wrapped(to: width - indent).map { margin + $0 }
    }

    mutating func table(_ title: String, _ rows: [(String, String)]) {
        guard !rows.isEmpty else { return }
        heading(title)
        // A column wider than a third of the page would leave no room for the text beside it.
        let left = min(rows.map(\.0.count).max() ?? 0, width / 3)
        for (name, text) in rows {
            let right = text.wrapped(to: width - left - 4)
            let margin = String(repeating: " ", count: left + 4)
            if name.count > left {
                lines.append("  " + name)
                lines += right.map { margin + $0 }
                continue
            }
            let padding = String(repeating: " ", count: left - name.count)
            lines.append("  " + name + padding + "  " + (right.first ?? ""))
            lines += right.dropFirst().map { margin + $0 }
        }
    }
}
