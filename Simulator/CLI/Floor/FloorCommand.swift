import ToteCommandLine
import ToteConcurrency
import ToteSQLite
import ToteSimulation

/// `tote-sim floor`: hours on a shop floor from many seeds, until one breaks a promise.
enum FloorCommand {
    private static let kept = "history.txt"

    static let spec = CommandSpec(
        "floor",
        "Runs hours on a shop floor in virtual time, one for each seed, until one fails.",
        discussion: "Customers with phones, a store's tablets that join their carts, associates, "
            + "guests, shared lists and totes: whole client cores over a whole server, while "
            + "networks, clocks, devices, tokens and the server fail as the seed says. What a "
            + "device has no right to any more is searched for in its files.",
        examples: [
            ("tote-sim floor --seeds 1..20", "twenty hours"),
            ("tote-sim floor --seeds 7..7 --steps", "all that happens in one"),
            ("tote-sim floor --seeds 1..20 --without restored", "without one of the faults"),
        ],
        options: [
            OptionSpec("seeds", valueName: "A..B", "the seeds, both ends", default: "1..10"),
            OptionSpec(
                "without", valueName: "FAULT", "a fault that does not strike",
                choices: Floor.faults.map(\.rawValue), repeating: true),
            OptionSpec("length", valueName: "TIME", "how long faults strike", default: "25m"),
            DayOptionSpecs.runs,
            OptionSpec("steps", "print what happens"),
            OptionSpec("faults", "print how often each act and each fault came about"),
            OptionSpec("strict", "fail when a fault that may strike never did"),
            OptionSpec("json", "print one JSON object"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let seeds = try SeedRange.read(command)
        var limits = Floor.Limits()
        limits.without = try DayOptionSpecs.faults(command)
        if let length = try command.optionalDuration("length") {
            guard (.seconds(10)...Duration.seconds(7_200)).contains(length) else {
                throw UsageError(
                    "--length is from 10 s to 2 h", hint: "like 25m", command: command.line)
            }
            limits.seconds = Int(length / .seconds(1))
        }
        guard FailingDirectory.prepare() else {
            return terminal.report(
                CommandFailure(
                    code: "no_layer", message: "this SQLite takes no layer under its files",
                    exit: .unavailable), asJSON: command.flag("json"))
        }
        var progress = ProgressLine(terminal)
        var (acts, refusals, struck): ([String: Int], [String: Int], [String: Int]) = (
            [:], [:], [:]
        )
        for (index, seed) in seeds.enumerated() {
            if terminal.errorIsTerminal {
                progress.update("\(index) of \(seeds.count) floors")
            }
            let outcome = Floor.run(seed: seed, limits: limits)
            if command.flag("steps") {
                terminal.writeOut(outcome.notes.map { "\($0)\n" }.joined())
            }
            if let failure = outcome.failure {
                progress.finish()
                return try tell(failure, outcome, command, terminal)
            }
            Files.remove(outcome.directory)
            acts.merge(outcome.acts, uniquingKeysWith: +)
            refusals.merge(outcome.refusals, uniquingKeysWith: +)
            struck.merge(outcome.struck, uniquingKeysWith: +)
        }
        progress.finish()
        tell(seeds.count, acts, refusals, struck, command, terminal)
        let idle = Floor.faults.filter {
            struck[$0.rawValue] == nil && !limits.without.contains($0)
        }
        if command.flag("strict"), !idle.isEmpty {
            return terminal.report(
                CommandFailure(
                    code: "idle_faults",
                    message: "never struck: \(idle.map(\.rawValue).joined(separator: ", "))",
                    exit: .nothingRan), asJSON: command.flag("json"))
        }
        return .success
    }

    private static func tell(
        _ failure: FloorFailure, _ outcome: Floor.Outcome, _ command: ParsedCommand,
        _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let folder = try command.string("runs") + "/floor-\(outcome.seed)"
        let exit = terminal.report(
            CommandFailure(
                code: failure.code, message: "seed \(outcome.seed): \(failure.message)",
                exit: failure.code == "not_settled" ? .notSettled : .brokenPromise),
            asJSON: command.flag("json"))
        do throws(Files.Failure) {
            try Files.copyDirectory(outcome.directory, to: folder)
            let text = outcome.notes.map { "\($0)\n" }.joined()
            try Files.write(Array(text.utf8), to: "\(folder)/\(kept)")
        } catch {
            return terminal.report(
                CommandFailure(code: "no_folder", message: "\(error)", exit: .cannotCreate),
                asJSON: command.flag("json"))
        }
        Files.remove(outcome.directory)
        if !command.flag("json") {
            terminal.writeError("all that happened: \(folder)/\(kept)\n")
            terminal.writeError("again: tote-sim floor --seeds \(outcome.seed)..\(outcome.seed)\n")
        }
        return exit
    }

    private static func tell(
        _ count: Int, _ acts: [String: Int], _ refusals: [String: Int], _ struck: [String: Int],
        _ command: ParsedCommand, _ terminal: Terminal
    ) {
        func rows(_ counts: [String: Int]) -> [(name: String, value: JSONText)] {
            counts.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) }
        }
        guard !command.flag("json") else {
            let members: [(name: String, value: JSONText)] = [
                ("floors", .int(count)), ("acts", .object(rows(acts))),
                ("refusals", .object(rows(refusals))), ("faults", .object(rows(struck))),
            ]
            terminal.writeOut(JSONText.versioned(members).compact + "\n")
            return
        }
        terminal.writeOut(
            "\(count) floors, \(acts.values.reduce(0, +)) acts, "
                + "\(refusals.values.reduce(0, +)) refused, "
                + "\(struck.values.reduce(0, +)) faults of \(struck.count) kinds: "
                + "every promise held\n")
        guard command.flag("faults") else { return }
        for counts in [acts, refusals, struck] {
            for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
                terminal.writeOut("  \(name)  \(count)\n")
            }
        }
    }
}
