import Glibc
import ToteCommandLine
import ToteCore
import ToteServer

/// `tote tail`.
enum TailCommand {
    static let spec = CommandSpec(
        "tail", "Follows the changes of a space as the server judges them.",
        discussion: "Reads the data file beside the server and changes nothing. What it shows is "
            + "customers' content: it is for the operator who asked.",
        examples: [
            ("tote tail customer:c-1", "until Ctrl-C"),
            ("tote tail customer:c-1 --last 50 --no-follow --json", "what happened, for a program"),
        ],
        arguments: [ExplainCommands.space],
        options: [
            CommandTree.data,
            OptionSpec(
                "last", valueName: "N", "begin with so many that are there", default: "10",
                form: .whole(0...100_000)),
            OptionSpec("no-follow", "end with the last one that is there"),
            OptionSpec("json", "print one JSON object a line"),
        ])

    /// How often the file is looked at: a person does not see the difference.
    private static let intervalMicroseconds: UInt32 = 250_000
    /// How many entries are read at once.
    private static let readMost = 256

    static func run(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let last = UInt64(try command.int("last"))
        let follows = !command.flag("no-follow")
        return ExplainCommands.attempt(output, line, command.arguments[0]) { history in
            let end = try history.last()
            var position = end - min(end, last)
            while true {
                let entries = try history.entries(after: position, most: readMost)
                for entry in entries {
                    guard print(entry, output) else { return .success }
                    position = entry.position
                }
                if !entries.isEmpty { continue }
                if !follows { return .success }
                usleep(intervalMicroseconds)
            }
        }
    }

    /// - Returns: false when nobody reads any more.
    private static func print(_ entry: SpaceHistory.Entry, _ output: Output) -> Bool {
        let text =
            output.isJSON
            ? JSONText.versioned(LogText.json(entry)).compact
            : LogText.lines(entry).joined(separator: "\n")
        return output.terminal.writeOut(text + "\n")
    }
}
