import ToteCommandLine

/// A table with one of everything, shared by these tests.
let testTable = CommandTable(
    root: CommandSpec(
        "tote", "An offline-first sync server",
        examples: [("tote serve ./data", "Serve the spaces in ./data on this machine.")],
        options: [
            .color, .configuration(environment: "TOTE_CONFIG"),
            OptionSpec("verbose", short: "v", "Say more", environment: "TOTE_VERBOSE"),
        ],
        subcommands: [
            CommandSpec(
                "serve", "Run the server",
                discussion: "It's one process.\n\nStop it with\ncontrol-C.",
                arguments: [
                    ArgumentSpec("directory", "Where the data is"),
                    ArgumentSpec("space", "Only these spaces", optional: true, repeating: true),
                ],
                options: [
                    OptionSpec(
                        "port", short: "p", valueName: "number", "Where to listen",
                        default: "8080", environment: "TOTE_PORT"),
                    OptionSpec(
                        "token", valueName: "text", "Who may", environment: "TOTE_TOKEN",
                        isSecret: true),
                    OptionSpec("quiet", "Say less").setting(prefix: "TOTE"),
                    OptionSpec(
                        "at-most", valueName: "n", "How many", default: "9", form: .whole(1...100)
                    ).setting(prefix: "TOTE"),
                    OptionSpec(
                        "log-level", valueName: "level", "How much", default: "info",
                        choices: ["debug", "info"]
                    ).setting(prefix: "TOTE"),
                    OptionSpec("key", valueName: "text", "What opens it", isSecret: true)
                        .setting(prefix: "TOTE"),
                    OptionSpec("allow", valueName: "origin", "Who else may", repeating: true),
                    OptionSpec("timeout", valueName: "time", "When to give up", default: "30s"),
                    OptionSpec("json", short: "j", "Print JSON"),
                ]),
            CommandSpec(
                "token", "Manage tokens",
                subcommands: [
                    CommandSpec("create", "Create a token"),
                    CommandSpec("revoke", "Revoke one", arguments: [ArgumentSpec("id", "Which")]),
                ]),
        ]),
    version: "0.1", date: "2026-11-26",
    exitCodes: [(.success, "all is well"), (.usage, "the command line is wrong")])

extension CommandTable {
    /// The command that `line`, split at spaces, runs; nil if it asks for help or the like.
    func command(
        _ line: String, environment: [String: String] = [:]
    ) throws(UsageError) -> ParsedCommand? {
        let words = line.split(separator: " ").map(String.init)
        guard case .run(let command) = try parse(words, environment: environment) else {
            return nil
        }
        return command
    }

    /// The message and the hint that refuse `line`; nil if it is accepted.
    func refusal(_ line: String, environment: [String: String] = [:]) -> UsageError? {
        do {
            _ = try command(line, environment: environment)
            return nil
        } catch {
            return error
        }
    }
}
