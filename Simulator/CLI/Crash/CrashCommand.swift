import ToteCommandLine

/// `tote-sim crash`: what a server answered must be there, however it ends.
enum CrashCommand {
    static let spec = CommandSpec(
        "crash",
        "Kills and stops a server under load: what it answered is there, once.",
        discussion: """
            Starts a server of its own. Devices push to it without a pause; it is killed and \
            started again, and stopped and started again. After each end every device holds what \
            the server has against what it was told. At the end `tote verify` checks the file.
            """,
        examples: [
            ("tote-sim crash", "20 kills and 5 stops"),
            ("tote-sim crash --kills 1000 --stops 100 --strict", "a deep run"),
        ],
        options: [
            OptionSpec("kills", valueName: "N", "how often kill -9", default: "20", form: ends),
            OptionSpec("stops", valueName: "N", "how often SIGTERM", default: "5", form: ends),
            OptionSpec(
                "devices", valueName: "N", "how many push at once", default: "8",
                form: .whole(1...64)),
            OptionSpec(
                "strict",
                "fail below 200 requests a second, or if starts take longer than a second"),
            OptionSpec("json", "print one JSON object instead of text"),
        ])

    private static let ends = ValueForm.whole(0...1_000_000)

    /// Under less load than this a run proves little.
    static let requestsPerSecondMin = 200.0
    /// In how many milliseconds a server that was ended answers again.
    static let readyMillisecondsMax: UInt64 = 1_000

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let kills = try command.int("kills")
        let stops = try command.int("stops")
        let devices = try command.int("devices")
        // Nothing that is started outlives the run.
        Keeper.shared.start()
        var progress = ProgressLine(terminal)
        do {
            let directory = try Files.makeTemporaryDirectory()
            let run = try CrashRun(in: directory, clients: devices)
            let report = try run.run(kills: kills, stops: stops) { line in
                if terminal.errorIsTerminal { progress.update(line) }
            }
            progress.finish()
            Files.remove(directory)
            return tell(report, command, terminal)
        } catch {
            progress.finish()
            let isBroken = (error as? RunFailure)?.kind == .expectation
            return fail(
                isBroken ? "promise_broken" : "unavailable", "\(error)",
                isBroken ? .failure : .unavailable, command, terminal)
        }
    }

    private static func tell(
        _ report: CrashRun.Report, _ command: ParsedCommand, _ terminal: Terminal
    ) -> ExitCode {
        if command.flag("strict"), report.rate < requestsPerSecondMin {
            return fail(
                "too_little_load", "only \(Int(report.rate)) requests a second: use more --devices",
                .failure, command, terminal)
        }
        if command.flag("strict"), report.readyMedian > readyMillisecondsMax {
            return fail(
                "slow_start",
                "it answered again after \(report.readyMedian) ms in half of all cases",
                .failure, command, terminal)
        }
        if command.flag("json") {
            terminal.writeOut(report.json.compact + "\n")
        } else {
            terminal.writeOut(
                "\(report.kills) kills and \(report.stops) stops at "
                    + "\(Int(report.rate)) requests a second: \(report.changes) changes in "
                    + "\(report.requests) requests, \(report.cutOff) cut off; every one is there, "
                    + "once\nanswers again after \(report.readyMedian) ms (median), "
                    + "\(report.readyLongest) ms at most\n")
        }
        return .success
    }

    private static func fail(
        _ code: String, _ message: String, _ exit: ExitCode, _ command: ParsedCommand,
        _ terminal: Terminal
    ) -> ExitCode {
        terminal.report(
            CommandFailure(code: code, message: message, exit: exit), asJSON: command.flag("json"))
    }
}
