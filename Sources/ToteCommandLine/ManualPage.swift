/// Manual pages in the macros of man(7), written from the table: `<executable> man` prints one.
extension CommandTable {
    /// The page of a command, with all commands below it.
    func manual(_ scope: CommandScope) -> String {
        let title = scope.commands.map(\.name).joined(separator: "-")
        var page = ManualPage()
        page.title(title.uppercased(), date: date, program: "\(root.name) \(version)")
        page.section("NAME")
        page.text("\(title) - \(scope.command.summary.withoutFullStop)")
        page.section("SYNOPSIS")
        page.synopsis(usage(of: scope))
        if let discussion = scope.command.discussion {
            page.section("DESCRIPTION")
            page.paragraphs(discussion)
        }
        if !scope.command.examples.isEmpty {
            page.section("EXAMPLES")
            page.examples(scope.command)
        }
        let below = leaves(below: scope)
        if !below.isEmpty {
            page.section("COMMANDS")
            for leaf in below { page.command(leaf, usage: usage(of: leaf)) }
        }
        page.section("OPTIONS")
        page.arguments(scope.command)
        page.options(scope.options + BuiltIn.options)
        let variables = variables(of: [scope] + below)
        page.section("ENVIRONMENT")
        for (name, meaning) in variables { page.item(name, meaning) }
        page.item("NO_COLOR", "When it is set and not empty, nothing is coloured.")
        if !exitCodes.isEmpty {
            page.section("EXIT STATUS")
            for (code, meaning) in exitCodes { page.item(String(code.rawValue), meaning) }
        }
        if !scope.isRoot {
            page.section("SEE ALSO")
            page.macro("BR", ["\(root.name)", "(1)"])
        }
        return page.source
    }

    /// The commands below one that do something, in the order of the table.
    private func leaves(below scope: CommandScope) -> [CommandScope] {
        scope.subcommandsWithBuiltIns.map(scope.descending).flatMap { deeper in
            deeper.command.subcommands.isEmpty ? [deeper] : leaves(below: deeper)
        }
    }

    private func variables(of scopes: [CommandScope]) -> [(name: String, meaning: String)] {
        var found: [String: String] = [:]
        for option in scopes.flatMap(\.options) {
            if let name = option.environment { found[name] = "The value of --\(option.long)." }
            if let name = option.fileEnvironment {
                found[name] = "A file that holds the value of --\(option.long)."
            }
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

extension CommandTable {
    /// The table from a command on, as `help --json` prints it.
    func json(_ scope: CommandScope) -> JSONText {
        let scopes =
            scope.command.subcommands.isEmpty ? [scope] : leaves(below: scope)
        return .versioned([
            ("program", .string(root.name)), ("program_version", .string(version)),
            ("commands", .array(scopes.map(\.json))),
            (
                "exit_codes",
                .array(
                    exitCodes.map {
                        ["code": .int(Int($0.code.rawValue)), "meaning": .string($0.meaning)]
                    })
            ),
        ])
    }
}

extension CommandScope {
    fileprivate var json: JSONText {
        .object([
            ("command", .string(line)), ("summary", .string(command.summary)),
            (
                "examples",
                .array(
                    command.examples.map { ["line": .string($0.line), "what": .string($0.what)] })
            ),
            (
                "arguments",
                .array(
                    command.arguments.map {
                        [
                            "name": .string($0.name), "help": .string($0.help),
                            "optional": .bool($0.optional), "repeating": .bool($0.repeating),
                        ]
                    })
            ),
            ("options", .array((options + BuiltIn.options).map(\.json))),
        ])
    }
}

extension OptionSpec {
    fileprivate var json: JSONText {
        let text = { (text: String?) -> JSONText in text.map { .string($0) } ?? .null }
        return [
            "name": .string("--\(long)"), "value": text(valueName), "help": .string(help),
            "default": text(`default`), "environment": text(environment),
            "setting": isSetting ? .string(key) : .null,
            "choices": .array(choices.map { .string($0) }), "repeating": .bool(repeating),
        ]
    }
}

/// Lines of man(7).
private struct ManualPage {
    private var lines: [String] = []
    /// Of a line of the source: what mandoc's style asks for.
    private static let widthMax = 78

    var source: String { lines.joined(separator: "\n") + "\n" }

    mutating func macro(_ name: String, _ arguments: [String]) {
        let quoted = arguments.map { "\"\(Self.escaped($0))\"" }
        lines.append(([".\(name)"] + quoted).joined(separator: " "))
    }

    mutating func title(_ title: String, date: String, program: String) {
        // The date as it is: an escaped dash would hide that it is one.
        lines.append(".TH \"\(Self.escaped(title))\" \"1\" \"\(date)\" \"\(program)\"")
    }

    mutating func section(_ title: String) { macro("SH", [title]) }

    mutating func text(_ text: String) {
        for line in Self.escaped(text).wrapped(to: Self.widthMax) {
            // A line that begins so would be read as a macro.
            lines.append(line.hasPrefix(".") ? "\\&" + line : line)
        }
    }

    mutating func paragraphs(_ discussion: String) {
        for (index, paragraph) in discussion.paragraphs.enumerated() {
            if index > 0 { lines.append(".PP") }
            text(paragraph)
        }
    }

    mutating func synopsis(_ usage: String) { macro("B", [usage]) }

    /// A word and what it means.
    mutating func item(_ word: String, _ meaning: String) {
        lines.append(".TP")
        macro("B", [word])
        text(meaning)
    }

    mutating func examples(_ command: CommandSpec) {
        for example in command.examples { item(example.line, example.what) }
    }

    mutating func arguments(_ command: CommandSpec) {
        for argument in command.arguments { item(argument.usage, argument.help) }
    }

    mutating func options(_ options: [OptionSpec]) {
        for option in options {
            item(String(option.usage.drop { $0 == " " }), option.helpWithSources)
        }
    }

    mutating func command(_ scope: CommandScope, usage: String) {
        macro("SS", [scope.line])
        text(scope.command.summary)
        lines.append(".PP")
        synopsis(usage)
        for paragraph in scope.command.discussion?.paragraphs ?? [] {
            lines.append(".PP")
            text(paragraph)
        }
        examples(scope.command)
        arguments(scope.command)
        options(scope.command.options)
    }

    /// Text that nothing in it can be read as a request: backslashes, quotes, dashes that are to be
    /// copied as such, and what is not ASCII.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { escaped, scalar in
            switch scalar {
            case "\\": escaped += "\\e"
            case "\"": escaped += "\\(dq"
            case "-": escaped += "\\-"
            case "'": escaped += "\\(aq"
            case "`": escaped += "\\(ga"
            case "\n": escaped += " "
            // Not in every terminal's character set.
            case "…": escaped += "..."
            case _ where scalar.isASCII: escaped.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                let padding = String(repeating: "0", count: max(0, 4 - digits.count))
                escaped += "\\[u\(padding)\(digits)]"
            }
        }
    }
}

extension String {
    fileprivate var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
