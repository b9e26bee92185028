import ToteCommandLine

/// The table that help, completion and parsing read.
enum CommandTree {
    static let table = CommandTable(
        root: CommandSpec(
            "tote-sim", "Stands in for apps that embed Tote's client core.",
            options: [OptionSpec.color], subcommands: [WorldCommand.spec, BenchCommand.spec]),
        version: Command.version,
        exitCodes: [
            (.success, "everything held"), (.failure, "an expectation did not hold"),
            (.nothingRan, "nothing ran"), (.usage, "the command line is wrong"),
            (.dataError, "a scenario is wrong"), (.unavailable, "the server does not answer"),
            (.software, "a fault of this program"),
        ])
}
