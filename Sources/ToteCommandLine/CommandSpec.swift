/// One command: what help, completion and the parser know about it.
///
/// Options of a command are also understood by its subcommands, before or after their name.
package struct CommandSpec: Sendable {
    /// The word typed for it.
    package var name: String
    /// One line, without a full stop.
    package var summary: String
    /// Paragraphs separated by empty lines; help wraps them.
    package var discussion: String?
    /// Lines to copy, and what each one does; help shows them first.
    package var examples: [(line: String, what: String)]
    /// What follows the command by position.
    package var arguments: [ArgumentSpec]
    /// What follows it by name.
    package var options: [OptionSpec]
    /// The commands below it; a command that has any does nothing on its own.
    package var subcommands: [CommandSpec]

    /// Describes a command.
    package init(
        _ name: String, _ summary: String, discussion: String? = nil,
        examples: [(line: String, what: String)] = [], arguments: [ArgumentSpec] = [],
        options: [OptionSpec] = [], subcommands: [CommandSpec] = []
    ) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.examples = examples
        self.arguments = arguments
        self.options = options
        self.subcommands = subcommands
    }
}

/// A positional argument.
package struct ArgumentSpec: Hashable, Sendable {
    /// Its name in help: `directory` reads `<directory>`.
    package var name: String
    /// What it means.
    package var help: String
    /// Whether it may be left out; only arguments at the end may.
    package var optional: Bool
    /// Whether it may be given several times; only the last argument may.
    package var repeating: Bool
    /// Words that completion offers; others are allowed.
    package var suggestions: [String]

    /// Describes an argument.
    package init(
        _ name: String, _ help: String, optional: Bool = false, repeating: Bool = false,
        suggestions: [String] = []
    ) {
        self.suggestions = suggestions
        self.name = name
        self.help = help
        self.optional = optional
        self.repeating = repeating
    }

    /// How usage lines write it: `<file>`, `[<file>]`, `<file>...`.
    var usage: String {
        let word = "<\(name)>" + (repeating ? "..." : "")
        return optional ? "[\(word)]" : word
    }
}

/// An option (`--port <number>`), or a flag (`--json`) when it has no `valueName`.
package struct OptionSpec: Hashable, Sendable {
    /// Its name without the dashes.
    package var long: String
    /// Its one-letter form, without the dash.
    package var short: Character?
    /// What its value is called in help; nil makes it a flag.
    package var valueName: String?
    /// What it does.
    package var help: String
    /// The value when neither the command line nor the environment gives one.
    package var `default`: String?
    /// The environment variable that gives the value when the command line does not.
    package var environment: String?
    /// The only values allowed; empty when any is.
    package var choices: [String]
    /// Whether several values make sense; if not, the last one given wins.
    package var repeating: Bool
    /// What its value must look like.
    package var form: ValueForm
    /// Whether its value is never printed. The variable that gives it has a second form, with
    /// `_FILE` behind its name, that names a file which holds it.
    package var isSecret: Bool
    /// Whether a configuration file may give it, as member `key`.
    package private(set) var isSetting = false

    /// Describes an option or a flag.
    package init(
        _ long: String, short: Character? = nil, valueName: String? = nil, _ help: String,
        default: String? = nil, environment: String? = nil, choices: [String] = [],
        repeating: Bool = false, form: ValueForm = .text, isSecret: Bool = false
    ) {
        self.long = long
        self.short = short
        self.valueName = valueName
        self.help = help
        self.default = `default`
        self.environment = environment
        self.choices = choices
        self.repeating = repeating
        self.form = form
        self.isSecret = isSecret
    }

    /// The same as a setting: flags, then `<PREFIX>_<NAME>` of the environment, then the
    /// configuration file, then the default give its value.
    package func setting(prefix: String) -> OptionSpec {
        var setting = self
        setting.environment = prefix + "_" + key.uppercased()
        setting.isSetting = true
        return setting
    }

    /// `--config`, for the root command of an executable that has settings.
    package static func configuration(environment: String) -> OptionSpec {
        OptionSpec(
            configurationName, valueName: "FILE", "A JSON file with settings",
            environment: environment)
    }

    static let configurationName = "config"

    /// `--color`, for the root command of every executable; read it with `ColorChoice(_:)`.
    package static let color = OptionSpec(
        "color", valueName: "when", "Colour the output", default: "auto",
        choices: ["auto", "always", "never"])

    var isFlag: Bool { valueName == nil }

    /// Its name in a configuration file: `--log-level` reads `log_level`.
    var key: String { String(long.map { $0 == "-" ? "_" : $0 }) }

    /// The variable that names a file which holds the value.
    var fileEnvironment: String? { isSecret ? environment.map { $0 + "_FILE" } : nil }

    /// What is wrong with a value, to be read behind the option's name; nil if nothing.
    func fault(in value: String) -> (message: String, hint: String?)? {
        if isSetting, !isFlag, value.isEmpty { return ("needs a value", nil) }
        guard !choices.isEmpty, !choices.contains(value) else { return form.fault(in: value) }
        return (
            "must be \(choices.joined(separator: " or ")), not '\(value)'",
            Suggestion.hint(for: value, among: choices)
        )
    }
}
