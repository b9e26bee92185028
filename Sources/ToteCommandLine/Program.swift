import Glibc

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
        do throws(UsageError) {
            switch try table.parse(arguments, environment: environment) {
            case .run(let parsed):
                let color = ColorChoice(rawValue: parsed.option("color") ?? "auto") ?? .auto
                try command(parsed, Terminal(color: color)).exit()
            case .help(let text), .completion(let text), .manual(let text):
                terminal.writeOut(text)
            case .table(let json): terminal.writeOut(json.pretty + "\n")
            case .version: terminal.writeOut("\(table.root.name) \(table.version)\n")
            }
        } catch {
            // Whoever asks for JSON gets it, also when the line cannot be read.
            let wantsJSON = arguments.prefix { $0 != "--" }.contains("--json")
            terminal.report(error, asJSON: wantsJSON).exit()
        }
        ExitCode.success.exit()
    }
}
