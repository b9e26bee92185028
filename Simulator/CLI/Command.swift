import Glibc
import ToteCommandLine

/// The simulator's command line: one table of commands, one function each.
@main
enum Command {
    static let version = "0.1.0"

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments == [Keeper.word] { Keeper.keep() }
        let environment = ProcessEnvironment.read(CommandTree.table.environmentNames)
        var terminal = Terminal(color: .auto)
        do throws(UsageError) {
            switch try CommandTree.table.parse(arguments, environment: environment) {
            case .run(let command):
                let color = ColorChoice(rawValue: command.option("color") ?? "auto") ?? .auto
                terminal = Terminal(color: color)
                try run(command, terminal).exit()
            case .help(let text), .completion(let text): terminal.writeOut(text)
            case .version: terminal.writeOut("tote-sim \(version)\n")
            }
        } catch {
            terminal.writeError("\(error)\n")
            error.exitCode.exit()
        }
    }

    private static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        switch command.path {
        case ["bench"]: return try BenchCommand.run(command, terminal)
        case ["device"]: return try DeviceCommand.run(command, terminal)
        case ["run"]: return try RunCommand.run(command, terminal)
        case ["list"]: return ScenarioCommands.list(command, terminal)
        case ["show"]: return try ScenarioCommands.show(command, terminal)
        case ["check"]: return try ScenarioCommands.check(command, terminal)
        case ["world"]: return try WorldCommand.run(command, terminal)
        default: preconditionFailure("the table has a command without a function")
        }
    }
}
