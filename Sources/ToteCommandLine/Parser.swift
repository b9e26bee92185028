/// What a command line asks for.
package enum Invocation: Sendable {
    /// Run a command.
    case run(ParsedCommand)
    /// Print this help; ends with a line break.
    case help(String)
    /// Print the name and the version.
    case version
    /// Print this completion script; ends with a line break.
    case completion(String)
    /// Print this manual page; ends with a line break.
    case manual(String)
    /// Print the table.
    case table(JSONText)
}

/// Reads a file that a command line names.
package typealias FileReading = (_ path: String, _ bytesMax: Int) throws(CommandFailure) -> String

extension CommandTable {
    /// Reads a command line. Nothing is done but to read the files that it names.
    ///
    /// `arguments` come without the executable's own name. Of `environment` only the variables in
    /// `environmentNames` matter. `--help` wins over any mistake beside it.
    package func parse(
        _ arguments: [String], environment: [String: String] = [:],
        reading file: FileReading = TextFile.read
    ) throws(UsageError) -> Invocation {
        let beforeTerminator = arguments.prefix { $0 != "--" }
        if beforeTerminator.contains(where: { $0 == "--help" || $0 == "-h" }) {
            return .help(help(for: lenientScope(beforeTerminator)))
        }
        if beforeTerminator.contains("--version") { return .version }
        if arguments.isEmpty && !root.subcommands.isEmpty {
            return .help(help(for: CommandScope(root: root)))
        }
        if let builtIn = try parseBuiltIn(arguments) { return builtIn }
        var parser = Parser(table: self, arguments: arguments)
        return .run(try parser.parse(environment: environment, settings: settings, file))
    }

    private func parseBuiltIn(_ arguments: [String]) throws(UsageError) -> Invocation? {
        // An executable without subcommands may well take a file called "help".
        let isOnlyCommand = root.subcommands.isEmpty
        let words = arguments.dropFirst().filter { $0 != "--json" }
        switch arguments.first {
        case "help" where !isOnlyCommand:
            let scope = try named(words)
            return arguments.contains("--json") ? .table(json(scope)) : .help(help(for: scope))
        case "man" where !isOnlyCommand: return .manual(manual(try named(words)))
        case "completion" where !isOnlyCommand || words.count == 1:
            let shell = words.first
            if let shell, words.count == 1, let script = completion(for: shell) {
                return .completion(script)
            }
            if isOnlyCommand { return nil }
            throw UsageError(
                shell.map { "there is no completion for '\($0)'" } ?? "which shell?",
                hint: "write '\(root.name) completion bash', zsh or fish", command: root.name)
        default:
            return nil
        }
    }

    private func named(_ names: some Sequence<String>) throws(UsageError) -> CommandScope {
        var scope = CommandScope(root: root)
        for name in names {
            guard let deeper = scope.subcommand(named: name) else {
                throw scope.unknownCommand(name)
            }
            scope = deeper
        }
        return scope
    }

    /// The command that `--help` is about: mistakes are skipped, values of options are no commands.
    private func lenientScope(_ arguments: ArraySlice<String>) -> CommandScope {
        var scope = CommandScope(root: root)
        var skipsNext = false
        for word in arguments {
            if skipsNext {
                skipsNext = false
            } else if word.hasPrefix("--") {
                skipsNext = scope.option(long: String(word.dropFirst(2)))?.isFlag == false
            } else if word.hasPrefix("-"), word.count == 2, let letter = word.last {
                skipsNext = scope.option(short: letter)?.isFlag == false
            } else if let deeper = scope.subcommand(named: word) {
                scope = deeper
            }
        }
        return scope
    }
}

extension CommandScope {
    func unknownCommand(_ name: String) -> UsageError {
        let known = subcommandsWithBuiltIns.map(\.name)
        let hint =
            Suggestion.hint(for: name, among: known, prefix: line + " ")
            ?? "the commands are: \(known.joined(separator: ", "))"
        return UsageError("unknown command '\(name)'", hint: hint, command: line)
    }
}

/// Reads words from left to right.
private struct Parser {
    private var words: ArraySlice<String>
    private var scope: CommandScope
    private var arguments: [String] = []
    private var given: [String: GivenValue] = [:]

    init(table: CommandTable, arguments: [String]) {
        words = arguments[...]
        scope = CommandScope(root: table.root)
    }

    mutating func parse(
        environment: [String: String], settings: [OptionSpec], _ file: FileReading
    ) throws(UsageError) -> ParsedCommand {
        var optionsEnded = false
        while let word = words.popFirst() {
            if optionsEnded {
                try takePositional(word)
            } else if word == "--" {
                optionsEnded = true
            } else if word.hasPrefix("--") {
                try takeLong(word.dropFirst(2))
            } else if word.hasPrefix("-"), word.count > 1, !isNegativeNumber(word) {
                try takeShort(word.dropFirst())
            } else {
                try takePositional(word)
            }
        }
        try checkArguments()
        try readEnvironment(environment, file)
        try readConfiguration(settings, file)
        return ParsedCommand(scope: scope, arguments: arguments, given: given)
    }

    private func isNegativeNumber(_ word: String) -> Bool {
        guard let digit = word.dropFirst().first else { return false }
        return digit.isASCII && digit.isNumber && scope.option(short: digit) == nil
    }

    private mutating func takePositional(_ word: String) throws(UsageError) {
        guard scope.command.subcommands.isEmpty else {
            guard let deeper = scope.subcommand(named: word) else {
                throw scope.unknownCommand(word)
            }
            scope = deeper
            return
        }
        let takesMore =
            scope.command.arguments.last?.repeating == true
            || arguments.count < scope.command.arguments.count
        guard takesMore else {
            throw UsageError("unexpected argument '\(word)'", command: scope.line)
        }
        arguments.append(word)
    }

    private mutating func takeLong(_ text: Substring) throws(UsageError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts.first ?? "")
        guard let option = scope.option(long: name) else { throw unknownOption(name) }
        try take(option, attached: parts.count == 2 ? String(parts[1]) : nil)
    }

    /// Reads `-v`, `-p 80`, `-p80` and flags run together: `-qv`.
    private mutating func takeShort(_ letters: Substring) throws(UsageError) {
        var rest = letters
        while let letter = rest.popFirst() {
            guard let option = scope.option(short: letter) else {
                throw UsageError("unknown option '-\(letter)'", command: scope.line)
            }
            if option.isFlag {
                try take(option, attached: nil)
            } else {
                let value = rest.first == "=" ? rest.dropFirst() : rest
                return try take(option, attached: rest.isEmpty ? nil : String(value))
            }
        }
    }

    private mutating func take(_ option: OptionSpec, attached: String?) throws(UsageError) {
        if option.isFlag {
            guard attached == nil else {
                throw UsageError("--\(option.long) takes no value", command: scope.line)
            }
            given[option.long] = GivenValue(values: [""], origin: .flag)
            return
        }
        guard let value = attached ?? nextValue() else {
            throw UsageError(
                "--\(option.long) needs a value: <\(option.valueName ?? "value")>",
                command: scope.line)
        }
        try check(value, of: option, source: "--\(option.long)")
        given[option.long, default: GivenValue(values: [], origin: .flag)].values.append(value)
    }

    /// The next word, unless it is an option itself: `--data --port 80` forgot a value. A value
    /// that does look like one is written `--data=--odd`.
    private mutating func nextValue() -> String? {
        guard let next = words.first, !next.hasPrefix("--") else { return nil }
        if next.hasPrefix("-"), let letter = next.dropFirst().first,
            scope.option(short: letter) != nil
        {
            return nil
        }
        return words.popFirst()
    }

    private func check(
        _ value: String, of option: OptionSpec, source: String
    ) throws(UsageError) {
        guard let fault = option.fault(in: value) else { return }
        throw UsageError("\(source) \(fault.message)", hint: fault.hint, command: scope.line)
    }

    private func checkArguments() throws(UsageError) {
        let command = scope.command
        guard command.subcommands.isEmpty else {
            let names = command.subcommands.map(\.name).joined(separator: ", ")
            throw UsageError("needs a command", hint: "one of: \(names)", command: scope.line)
        }
        let needed = command.arguments.filter { !$0.optional }
        guard arguments.count >= needed.count else {
            throw UsageError("missing <\(needed[arguments.count].name)>", command: scope.line)
        }
    }

    private mutating func readEnvironment(
        _ environment: [String: String], _ file: FileReading
    ) throws(UsageError) {
        for option in scope.options where given[option.long] == nil {
            guard let name = option.environment else { continue }
            if let secret = try secret(option, environment, file) {
                given[option.long] = secret
                continue
            }
            guard let value = environment[name], !value.isEmpty else { continue }
            let origin = ValueOrigin.environment(name)
            guard option.isFlag else {
                try check(value, of: option, source: name)
                given[option.long] = GivenValue(values: [value], origin: origin)
                continue
            }
            switch value.lowercased() {
            case "1", "true", "yes", "on":
                given[option.long] = GivenValue(values: [""], origin: origin)
            case "0", "false", "no", "off":
                given[option.long] = GivenValue(values: [], origin: origin)
            default:
                throw UsageError("\(name) must be 1 or 0, not '\(value)'", command: scope.line)
            }
        }
    }

    /// A secret out of the file that `<NAME>_FILE` names, without the white space around it.
    private func secret(
        _ option: OptionSpec, _ environment: [String: String], _ file: FileReading
    ) throws(UsageError) -> GivenValue? {
        guard let name = option.fileEnvironment, let path = environment[name], !path.isEmpty
        else { return nil }
        if let direct = option.environment, environment[direct]?.isEmpty == false {
            throw UsageError(
                "\(direct) and \(name) are both set", hint: "set one of them", command: scope.line)
        }
        let text: String
        do throws(CommandFailure) {
            text = try file(path, ConfigurationFile.bytesMax)
        } catch {
            throw UsageError(error, command: scope.line)
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1 else {
            throw UsageError(
                "\(name): \(path) must hold one word, it has \(words.count)", command: scope.line)
        }
        return GivenValue(values: [String(words[0])], origin: .environment(name))
    }

    /// Takes from the configuration file what nothing else gives; the whole file must be in order.
    private mutating func readConfiguration(
        _ settings: [OptionSpec], _ file: FileReading
    ) throws(UsageError) {
        guard let path = given[OptionSpec.configurationName]?.values.last,
            scope.options.contains(where: \.isSetting)
        else { return }
        do throws(CommandFailure) {
            let configuration = try ConfigurationFile(
                contentsOf: path, settings: settings, reading: file)
            given.merge(configuration.given) { mine, _ in mine }
        } catch {
            throw UsageError(error, command: scope.line)
        }
    }

    private func unknownOption(_ name: String) -> UsageError {
        let known = (scope.options + BuiltIn.options).map(\.long)
        return UsageError(
            "unknown option '--\(name)'",
            hint: Suggestion.hint(for: name, among: known, prefix: "--"), command: scope.line)
    }
}
