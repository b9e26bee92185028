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

    static let nginxSpec = CommandSpec(
        "nginx", "Prints a site for nginx: TLS in front of the server.",
        examples: [
            (
                "tote nginx --name api.example.com > /etc/nginx/sites-enabled/tote",
                "then nginx -s reload"
            )
        ],
        options: [
            OptionSpec("name", valueName: "HOST", "the site's name", default: "localhost"),
            OptionSpec(
                "port", valueName: "PORT", "where nginx listens", default: "443",
                form: .whole(1...65_535)),
            OptionSpec(
                "upstream", valueName: "HOST:PORT", "where the server listens",
                default: "127.0.0.1:8090", form: .hostAndPort),
            OptionSpec(
                "certificate", valueName: "FILE", "the certificate and those above it, PEM",
                default: "/etc/ssl/tote/fullchain.pem"),
            OptionSpec(
                "key", valueName: "FILE", "its key, PEM", default: "/etc/ssl/tote/privkey.pem"),
            CommandTree.json,
        ])

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

    static func nginx(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let site = DeploymentTexts.Site(
            name: try command.string("name"), port: try command.int("port"),
            upstream: try command.string("upstream"),
            certificate: try command.string("certificate"), key: try command.string("key"))
        for word in [site.name, site.certificate, site.key] {
            guard !word.contains(where: { $0.isWhitespace || ";{}$\"'#".contains($0) }) else {
                throw UsageError(
                    "\(word) cannot stand in a site of nginx as it is",
                    hint: "names without blanks, quotes and ; { } $ #", command: command.line)
            }
        }
        return tell(DeploymentTexts.nginx(site), output)
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
