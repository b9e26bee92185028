import Glibc
import ToteCommandLine
import ToteService

/// `tote unit`, `tote containerfile` and `tote health`: what runs the server and watches it.
enum DeploymentCommands {
    static let unitSpec = CommandSpec(
        "unit", "Prints a hardened unit for systemd.",
        discussion: "The unit is told when the server is ready, and restarts one that hangs.",
        examples: [
            ("tote unit > /etc/systemd/system/tote.service", "then systemctl enable --now tote")
        ],
        options: [
            OptionSpec(
                "program", valueName: "PATH", "where tote is on that machine",
                default: "/usr/bin/tote"), CommandTree.json,
        ])

    static let containerfileSpec = CommandSpec(
        "containerfile", "Prints how to build and run a container of the server.",
        examples: [("tote containerfile > Containerfile", "then podman build -t tote .")],
        options: [CommandTree.json])

    static let healthSpec = CommandSpec(
        "health", "Tells whether the server takes requests and its disk takes writes.",
        discussion: "Asks the server that runs on the data directory. For container engines and "
            + "scripts: 0 is healthy.",
        examples: [("tote health --data /var/lib/tote", "0 when it is ready")],
        options: [CommandTree.data, CommandTree.json])

    static func unit(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let program = try command.string("program")
        guard program.hasPrefix("/"), !program.contains(where: { $0.isWhitespace || $0 == "%" })
        else {
            throw UsageError(
                "--program takes a whole path without blanks, not \(program)",
                hint: "like /usr/bin/tote", command: command.line)
        }
        return tell(DeploymentTexts.unit(program: program), output)
    }

    static func containerfile(_ output: Output) -> ExitCode {
        tell(DeploymentTexts.containerfile, output)
    }

    private static func tell(_ text: String, _ output: Output) -> ExitCode {
        output.result(
            [(name: "text", value: .string(text))],
            text.split(
                separator: "\n", omittingEmptySubsequences: false
            ).dropLast().map(String.init))
        return .success
    }

    static func health(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        guard line.isServed else {
            return output.failure(
                CommandFailure(
                    code: "not_running", message: "no server runs on \(line.directory.path)",
                    exit: .unavailable))
        }
        do {
            _ = try line.call("GET", ["readyz"], timeout: .seconds(3))
        } catch {
            return output.failure(
                CommandFailure(code: error.code, message: error.message, exit: .unavailable))
        }
        output.result([(name: "status", value: .string("ready"))], ["ready"])
        return .success
    }
}
