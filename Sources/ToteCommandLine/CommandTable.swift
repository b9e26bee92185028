/// Everything an executable understands: one value that the parser, help and completion all read.
package struct CommandTable: Sendable {
    /// The executable itself; its options are understood everywhere.
    package var root: CommandSpec
    /// What `--version` prints after the name.
    package var version: String
    /// The day of that version, as manual pages say it: 2026-11-26.
    package var date: String
    /// The exit codes help explains, in this order.
    package var exitCodes: [(code: ExitCode, meaning: String)]

    /// Describes an executable.
    /// - Precondition: the table contradicts itself nowhere (see `firstContradiction()`).
    package init(
        root: CommandSpec, version: String, date: String,
        exitCodes: [(code: ExitCode, meaning: String)] = []
    ) {
        self.date = date
        self.root = root
        self.version = version
        self.exitCodes = exitCodes
        if let contradiction = firstContradiction() {
            preconditionFailure("the table of '\(root.name)': \(contradiction)")
        }
    }

    /// The environment variables any option reads, sorted: what `ProcessEnvironment` must fetch.
    package var environmentNames: [String] {
        var names: Set<String> = []
        for scope in scopes {
            names.formUnion(scope.options.compactMap(\.environment))
            names.formUnion(scope.options.compactMap(\.fileEnvironment))
        }
        return names.sorted()
    }

    /// Which of these variables nothing reads, though one that is read has nearly the same name.
    package func mistyped(_ names: [String]) -> [MistypedVariable] {
        let known = environmentNames
        let prefixes = Set(known.map { String($0.prefix { $0 != "_" }) + "_" })
        return names.filter { !known.contains($0) }.sorted().compactMap { name in
            guard let prefix = prefixes.first(where: name.hasPrefix) else { return nil }
            let rest = { (name: String) in String(name.dropFirst(prefix.count)) }
            let near = Suggestion.nearest(
                to: rest(name), among: known.filter { $0.hasPrefix(prefix) }.map(rest))
            return near.map { MistypedVariable(name: name, meant: prefix + $0) }
        }
    }

    /// Every setting that some command declares, once, in the order of the table.
    package var settings: [OptionSpec] {
        var found: [OptionSpec] = []
        for setting in scopes.flatMap(\.command.options)
        where setting.isSetting && !found.contains(where: { $0.long == setting.long }) {
            found.append(setting)
        }
        return found
    }

    /// The root and every command below it, parents first, in the order of the table.
    var scopes: [CommandScope] {
        var found: [CommandScope] = []
        var waiting = [CommandScope(root: root)]
        while !waiting.isEmpty {
            let scope = waiting.removeFirst()
            found.append(scope)
            waiting.insert(contentsOf: scope.command.subcommands.map(scope.descending), at: 0)
        }
        return found
    }

    /// What the table says twice or against itself, or nil.
    func firstContradiction() -> String? {
        for scope in scopes {
            if let contradiction = scope.firstContradiction() {
                return "\(contradiction) in '\(scope.line)'"
            }
        }
        return nil
    }
}

/// A variable of the environment that nothing reads, and the one that may have been meant.
package struct MistypedVariable: Hashable, Sendable, CustomStringConvertible {
    let name: String
    let meant: String

    /// For people.
    package var description: String { "\(name) is not read: did you mean \(meant)?" }
}

/// A command together with the commands above it.
struct CommandScope: Sendable {
    /// From the root to the command.
    private(set) var commands: [CommandSpec]

    init(root: CommandSpec) { commands = [root] }

    var command: CommandSpec { commands[commands.count - 1] }
    var isRoot: Bool { commands.count == 1 }
    /// The names below the root: what `ParsedCommand.path` says.
    var path: [String] { commands.dropFirst().map(\.name) }
    /// The names as they are typed.
    var line: String { commands.map(\.name).joined(separator: " ") }
    /// The command's own options, then those of the commands above it.
    var options: [OptionSpec] { commands.reversed().flatMap(\.options) }
    var inheritedOptions: [OptionSpec] { commands.dropLast().reversed().flatMap(\.options) }

    func descending(into subcommand: CommandSpec) -> CommandScope {
        var deeper = self
        deeper.commands.append(subcommand)
        return deeper
    }

    func subcommand(named name: String) -> CommandScope? {
        command.subcommands.first { $0.name == name }.map(descending)
    }

    func option(long: String) -> OptionSpec? { options.first { $0.long == long } }
    func option(short: Character) -> OptionSpec? { options.first { $0.short == short } }

    /// The subcommands plus, at the root, the two that every executable has.
    var subcommandsWithBuiltIns: [CommandSpec] {
        guard isRoot, !command.subcommands.isEmpty else { return command.subcommands }
        return command.subcommands + BuiltIn.commands(of: command.name)
    }

    func firstContradiction() -> String? {
        let longs = options.map(\.long) + BuiltIn.options.map(\.long)
        if let twice = firstRepeated(longs) { return "option --\(twice) appears twice" }
        let shorts = (options + BuiltIn.options).compactMap(\.short).map(String.init)
        if let twice = firstRepeated(shorts) { return "option -\(twice) appears twice" }
        let names = subcommandsWithBuiltIns.map(\.name)
        if let twice = firstRepeated(names) { return "command \(twice) appears twice" }
        if !command.subcommands.isEmpty && !command.arguments.isEmpty {
            return "a command with subcommands cannot take arguments"
        }
        for (before, after) in zip(command.arguments, command.arguments.dropFirst()) {
            if before.repeating { return "<\(before.name)> repeats but is not the last argument" }
            if before.optional && !after.optional {
                return "<\(after.name)> is needed after the optional <\(before.name)>"
            }
        }
        for option in command.options {
            if option.isFlag && (option.default != nil || !option.choices.isEmpty) {
                return "flag --\(option.long) has no value to default or to choose"
            }
            if let value = option.default, let fault = option.fault(in: value) {
                return "the default of --\(option.long): \(fault.message)"
            }
            if option.isSetting && option.repeating {
                return "setting --\(option.long) repeats, which a file cannot say"
            }
        }
        return nil
    }

    private func firstRepeated(_ names: [String]) -> String? {
        var seen: Set<String> = []
        return names.first { !seen.insert($0).inserted }
    }
}

/// What every executable understands without declaring it.
enum BuiltIn {
    static let shells = ["bash", "zsh", "fish"]

    static let options = [
        OptionSpec("help", short: "h", "Show the help of a command"),
        OptionSpec("version", "Show the version"),
    ]

    static func commands(of program: String) -> [CommandSpec] {
        let command = ArgumentSpec("command", "Its name", optional: true, repeating: true)
        let json = OptionSpec("json", "Print one JSON object")
        return [
            CommandSpec(
                "help", "Show the help of a command",
                examples: [("\(program) help --json", "everything this help says, for programs")],
                arguments: [command], options: [json]),
            CommandSpec(
                "completion", "Print a completion script for a shell",
                examples: [
                    ("source <(\(program) completion bash)", "for this shell"),
                    (
                        "\(program) completion fish > ~/.config/fish/completions/\(program).fish",
                        "for every fish"
                    ),
                ],
                arguments: [ArgumentSpec("shell", "bash, zsh or fish", suggestions: shells)],
                options: [json]),
            CommandSpec(
                "man", "Print a manual page",
                examples: [
                    ("\(program) man | man -l -", "read it"),
                    ("\(program) man > /usr/local/share/man/man1/\(program).1", "install it"),
                ],
                arguments: [command], options: [json]),
        ]
    }
}
