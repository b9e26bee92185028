import Glibc
import Synchronization

/// What both executables do around their commands: read the line, answer help, report a wrong line.
package enum Program {
    /// Runs one command line and ends the process with the exit code of what it asked for.
    ///
    /// - Parameter command: runs a command of the table.
    package static func main(
        _ table: CommandTable,
        running command: (ParsedCommand, Terminal) throws(UsageError) -> ExitCode
    ) -> Never {
        // A reader that went away is an error of a write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        let environment = ProcessEnvironment.read(table.environmentNames)
        let terminal = Terminal(color: .auto)
        // Whoever asks for JSON gets it, also when the line cannot be read.
        let wantsJSON = arguments.prefix { $0 != "--" }.contains("--json")
        do throws(UsageError) {
            switch try table.parse(arguments, environment: environment) {
            case .run(var parsed):
                parsed.mistypedVariables = table.mistyped(ProcessEnvironment.names())
                let color = ColorChoice(rawValue: parsed.option("color") ?? "auto") ?? .auto
                let terminal = Terminal(color: color)
                let code = try command(parsed, terminal)
                finish(code, terminal, asJSON: wantsJSON)
            case .help(let text), .completion(let text), .manual(let text):
                let json = JSONText.versioned([("text", .string(text))])
                terminal.writeOut(wantsJSON ? json.compact + "\n" : text)
            case .table(let json): terminal.writeOut(json.pretty + "\n")
            case .version:
                let (name, version) = (table.root.name, table.version)
                let json = JSONText.versioned([
                    ("program", .string(name)), ("program_version", .string(version)),
                ])
                terminal.writeOut(wantsJSON ? json.compact + "\n" : "\(name) \(version)\n")
            }
        } catch {
            terminal.report(error, asJSON: wantsJSON).exit()
        }
        finish(.success, terminal, asJSON: wantsJSON)
    }

    /// Ends the process. A result that could not be written is no success, whatever was done.
    private static func finish(_ code: ExitCode, _ terminal: Terminal, asJSON: Bool) -> Never {
        let error = Terminal.outputError.load(ordering: .relaxed)
        guard code == .success, error != 0 else { code.exit() }
        terminal.report(
            CommandFailure(
                code: "output_failed",
                message: "standard output cannot be written: \(String(cString: strerror(error))); "
                    + "the command itself was done", exit: .ioError), asJSON: asJSON
        ).exit()
    }
}
