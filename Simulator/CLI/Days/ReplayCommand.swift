import ToteCommandLine
import ToteSQLite
import ToteSimulation

/// `tote-sim replay`: a day again, byte for byte; or what a device in the field did.
enum ReplayCommand {
    static let spec = CommandSpec(
        "replay", "Runs a day again, from what `explore` kept of it, a seed, or a device's trace.",
        discussion: "Prints the SHA-256 of the history: the same on every machine and in every "
            + "build. Fails when it is not the one that the file names. Of a trace that a device "
            + "exported, does every step again, and says at which one it comes out otherwise.",
        examples: [
            ("tote-sim replay runs/seed-17/repro.json", "a day that failed"),
            ("tote-sim replay 17", "the day of a seed"),
            ("tote-sim replay phone.trace", "what a device did, as its app exported it"),
            ("tote-sim replay 17 --without copied --history day.ndjson", "all that happened in it"),
        ],
        arguments: [ArgumentSpec("DAY", "a repro.json, a seed, or a device's trace")],
        options: [
            DayOptionSpecs.without,
            OptionSpec("history", valueName: "FILE", "write the history, one record a line"),
            OptionSpec("report", valueName: "FILE", "write a page about the day"),
            DayOptionSpecs.runs, OptionSpec("json", "print one JSON object"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        if FieldReplay.isTrace(command.arguments[0]) {
            return FieldReplay.run(
                command.arguments[0], asJSON: command.flag("json"), terminal)
        }
        var repro: Repro
        do throws(CommandFailure) {
            repro = try Repro(named: command.arguments[0])
        } catch {
            return terminal.report(error, asJSON: command.flag("json"))
        }
        repro.limits.without.formUnion(try DayOptionSpecs.faults(command))
        SQLiteMemory.countNothing()
        let outcome = DayOutcome(seed: repro.seed, limits: repro.limits)
        do throws(Files.Failure) {
            if let path = command.option("history") { try Files.write(outcome.lines, to: path) }
            if let path = command.option("report") {
                try Files.write(Array(DayPage(outcome).html.utf8), to: path)
            }
        } catch {
            return terminal.report(
                CommandFailure(code: "no_file", message: error.description, exit: error.exit),
                asJSON: command.flag("json"))
        }
        if outcome.failure != nil {
            let exit = try DayReport.tell(outcome, command, terminal)
            terminal.writeError("sha256: \(outcome.hash)\n")
            return exit
        }
        if let wanted = repro.hash, wanted != outcome.hash {
            return terminal.report(
                CommandFailure(
                    code: "another_history",
                    message: "the history is \(outcome.hash), the file names \(wanted): another "
                        + "version of the code made it", exit: .failure),
                asJSON: command.flag("json"))
        }
        tell(outcome, command, terminal)
        if case .void = outcome.verdict { return .nothingRan }
        return .success
    }

    private static func tell(
        _ outcome: DayOutcome, _ command: ParsedCommand, _ terminal: Terminal
    ) {
        guard !command.flag("json") else {
            terminal.writeOut(JSONText.versioned(outcome.members).compact + "\n")
            return
        }
        terminal.writeOut(
            "seed \(outcome.seed): \(outcome.word); \(outcome.devices) devices, "
                + "\(outcome.acts) acts, \(outcome.exchanges) exchanges\n")
        let rates = outcome.options.rates.sorted { $0.key < $1.key }
        terminal.writeOut(
            "faults: "
                + rates.map { "\($0.key.rawValue) \(outcome.struck[$0.key] ?? 0)" }
                .joined(separator: ", ") + "\n")
        terminal.writeOut("sha256: \(outcome.hash)\n")
    }
}

extension DayOutcome {
    /// What it came to, for programs.
    var members: [(name: String, value: JSONText)] {
        let faults = struck.sorted { $0.key < $1.key }
        return [
            ("seed", .string(String(seed))), ("verdict", .string(word)),
            ("message", failure.map { .string($0.message) } ?? .null),
            ("devices", .int(devices)), ("acts", .int(acts)), ("exchanges", .int(exchanges)),
            ("records", .int(history.count)), ("sha256", .string(hash)),
            ("faults", .object(faults.map { ($0.key.rawValue, .int($0.value)) })),
        ]
    }

    /// The verdict in a word.
    var word: String {
        switch verdict {
        case .valid: "valid"
        case .invalid(let failure): failure.code
        case .void(let reason): "void, \(reason)"
        }
    }
}

extension Repro {
    /// A file's, or a seed's.
    init(named name: String) throws(CommandFailure) {
        if let seed = UInt64(name) {
            self.init(seed: seed)
        } else {
            try self.init(contentsOf: name)
        }
    }
}
