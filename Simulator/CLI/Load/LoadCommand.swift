import ToteCommandLine
import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteService

/// `tote-sim load`: thousands of devices from one process, over real sockets.
enum LoadCommand {
    static let spec = CommandSpec(
        "load",
        "Thousands of devices sync with a server at a rate, and say how long it took.",
        discussion: """
            Each device is the client core with a connection of its own. Changes come at the rate, \
            however slow the answers are, and a latency counts from when its change was to be \
            made. At the end every device shows what its customer put in, once. Without --server \
            it starts a server of its own; another needs `--per-address` and `--rate-address` \
            that let so many devices in from one machine.
            """,
        examples: [
            ("tote-sim load", "1,000 devices, 200 changes a second"),
            ("tote-sim load --devices 10000 --rate 1000 --time 1m", "more of both"),
            (
                "tote-sim load --server http://10.0.0.5:8090 --admin-token-file admin",
                "against a server that runs already"
            ),
        ],
        options: [
            OptionSpec(
                "devices", valueName: "N", "how many devices", default: "1000",
                form: .whole(1...100_000)),
            OptionSpec(
                "rate", valueName: "N", "changes a second, of all together", default: "200",
                form: .whole(1...100_000)),
            OptionSpec("time", valueName: "TIME", "for how long", default: "30s", form: .time),
            OptionSpec(
                "files", valueName: "N", "how many keep their state in files", default: "100",
                form: .whole(0...100_000)),
            OptionSpec("server", valueName: "URL", "a server that runs already"),
            OptionSpec(
                "admin-token-file", valueName: "FILE",
                "holds an admin's token for --server: `tote token mint --role admin`"),
            OptionSpec("json", "print one JSON object instead of text"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        var options = LoadRun.Options()
        options.devices = try command.int("devices")
        options.rate = try command.int("rate")
        options.files = try command.int("files")
        options.seconds = max(1, Int(try command.duration("time").components.seconds))
        guard let place = try RunCommand.place(command, terminal) else { return .noInput }
        Keeper.shared.start()
        var progress = ProgressLine(terminal)
        do {
            let directory = try Files.makeTemporaryDirectory()
            defer { Files.remove(directory) }
            let (server, address, administrator) = try self.server(place, directory)
            defer { server?.end() }
            let run = try LoadRun(options, at: address, files: directory) { space in
                try mint(space, administrator)
            } progress: { line in
                if terminal.errorIsTerminal { progress.update(line) }
            }
            let report = try run.run()
            progress.finish()
            return tell(report, options, command, terminal)
        } catch {
            progress.finish()
            let isBroken = (error as? RunFailure)?.kind == .expectation
            return terminal.report(
                CommandFailure(
                    code: isBroken ? "promise_broken" : "unavailable", message: "\(error)",
                    exit: isBroken ? .failure : .unavailable),
                asJSON: command.flag("json"))
        }
    }

    private static func server(
        _ place: ScenarioRun.Place, _ directory: String
    ) throws -> (BenchServer?, ServerAddress, Administrator) {
        switch place {
        case .own:
            let server = try BenchServer(directory: directory + "/server")
            let socket = DataDirectory(path: directory + "/server").socketPath
            return (
                server, ServerAddress(host: "127.0.0.1", port: server.port),
                Administrator(place: .socket(.unix(path: socket)), token: nil)
            )
        case .remote(let address, let administrator): return (nil, address, administrator)
        }
    }

    private static func mint(_ space: String, _ administrator: Administrator) throws -> String {
        let answer = try administrator.call(
            "POST", "/v1/admin/tokens",
            .map([
                "label": .text("tote-sim load"), "expires_in_s": .int(24 * 3_600),
                "spaces": .array([.map(["space": .text(space)])]),
            ]))
        guard let secret = answer["token"]?.textValue else {
            throw RunFailure(.unavailable, "the server made no token")
        }
        return secret
    }

    private static let percentiles: [(name: String, percent: Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p99_9", 99.9), ("max", 100),
    ]

    private static func tell(
        _ report: LoadRun.Report, _ options: LoadRun.Options, _ command: ParsedCommand,
        _ terminal: Terminal
    ) -> ExitCode {
        let latencies = percentiles.map { ($0.name, report.latencies.percentile($0.percent) ?? 0) }
        let rate = Int(Double(report.answered) / report.seconds)
        let refused = report.refused.sorted { $0.key < $1.key }
        if command.flag("json") {
            let counts: [(String, Int)] = [
                ("devices", options.devices), ("changes", report.changes),
                ("exchanges", report.exchanges), ("changes_per_second", rate),
                ("reconnects", report.reconnects), ("wrong_devices", report.wrong),
                ("memory_bytes", report.memory),
            ]
            terminal.writeOut(
                JSONText.versioned(
                    counts.map { ($0.0, .int($0.1)) } + [
                        (
                            "latency_us",
                            .object(latencies.map { (name: $0.0, value: .unsigned($0.1)) })
                        ),
                        (
                            "refused",
                            .object(refused.map { (name: "\($0.key)", value: .int($0.value)) })
                        ),
                    ]
                ).compact + "\n")
        } else {
            let times = latencies.map { name, micros in
                "\(name.replacing("_", with: ".")) \(Self.milliseconds(micros))"
            }
            terminal.writeOut(
                "\(options.devices) devices: \(report.changes) changes in \(report.exchanges) "
                    + "exchanges, \(rate) changes a second\n"
                    + "from change to answer: \(times.joined(separator: ", ")) ms\n"
                    + "\(report.memory / 1_048_576) MiB, \(report.reconnects) reconnected"
                    + refused.map { ", \($0.value) answered \($0.key)" }.joined() + "\n"
                    + (report.wrong == 0
                        ? "every device shows what its customer put in, once\n"
                        : "\(report.wrong) devices do not show what their customer put in\n"))
        }
        return report.wrong == 0 ? .success : .failure
    }

    private static func milliseconds(_ micros: UInt64) -> String {
        micros < 10_000
            ? "\(micros / 1_000).\(micros % 1_000 / 100)" : "\(micros / 1_000)"
    }
}
