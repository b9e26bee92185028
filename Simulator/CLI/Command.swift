import ToteCommandLine

/// The simulator's command line: one table of commands, one function each.
@main
enum Command {
    static let version = "0.1.0"
    static let date = "2026-11-26"

    static func main() {
        // The word of the process that ends what a killed run leaves behind.
        if Array(CommandLine.arguments.dropFirst()) == [Keeper.word] { Keeper.keep() }
        Program.main(CommandTree.table, running: run)
    }

    private static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        switch command.path {
        case ["bench"]: return try BenchCommand.run(command, terminal)
        case ["compare"]: return try CompareCommand.run(command, terminal)
        case ["conformance"]: return try ConformanceCommand.run(command, terminal)
        case ["counter"]: return try CounterCommand.run(command, terminal)
        case ["crash"]: return try CrashCommand.run(command, terminal)
        case ["device"]: return try DeviceCommand.run(command, terminal)
        case ["floor"]: return try FloorCommand.run(command, terminal)
        case ["load"]: return try LoadCommand.run(command, terminal)
        case ["replay"]: return try ReplayCommand.run(command, terminal)
        case ["watch"]: return try WatchCommand.run(command, terminal)
        case ["shrink"]: return try ShrinkCommand.run(command, terminal)
        case ["run"]: return try RunCommand.run(command, terminal)
        case ["sales"]: return try SalesCommand.run(command, terminal)
        case ["explore"]: return try ExploreCommand.run(command, terminal)
        case ["inspect"]: return InspectCommand.run(command, terminal)
        case ["list"]: return ScenarioCommands.list(command, terminal)
        case ["show"]: return try ScenarioCommands.show(command, terminal)
        case ["check"]: return try ScenarioCommands.check(command, terminal)
        case ["world"]: return try WorldCommand.run(command, terminal)
        default: preconditionFailure("the table has a command without a function")
        }
    }
}
