import ToteCommandLine
import ToteSQLite
import ToteSimulation

/// `tote-sim shrink`: the smallest day that still fails the same way.
enum ShrinkCommand {
    static let spec = CommandSpec(
        "shrink",
        "Makes a failing day smaller: fewer faults, devices, customers, seconds and events.",
        discussion: "Tries one thing less at a time, and keeps it when the same promise breaks. "
            + "What is left is written beside the file, as repro-small.json.",
        examples: [("tote-sim shrink runs/seed-17/repro.json", "then replay what it names")],
        arguments: [ArgumentSpec("DAY", "a repro.json, or a seed")],
        options: [DayOptionSpecs.runs, OptionSpec("json", "print one JSON object")])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let repro: Repro
        do throws(CommandFailure) {
            repro = try Repro(named: command.arguments[0])
        } catch {
            return terminal.report(error, asJSON: command.flag("json"))
        }
        SQLiteMemory.countNothing()
        let whole = DayOutcome(seed: repro.seed, limits: repro.limits)
        guard let failure = whole.failure else {
            return terminal.report(
                CommandFailure(
                    code: "nothing_fails", message: "this day does not fail: it is \(whole.word)",
                    exit: .failure), asJSON: command.flag("json"))
        }
        var progress = ProgressLine(terminal)
        let least = DayShrinker.least(whole) { tried in
            if terminal.errorIsTerminal { progress.update("\(tried) days tried") }
        }
        progress.finish()
        let runs = try command.string("runs")
        do throws(CommandFailure) {
            let folder = try RunFolder(least, below: runs + "/small")
            let rates = least.options.rates.keys.sorted().map(\.rawValue)
            if command.flag("json") {
                let members: [(name: String, value: JSONText)] = [
                    ("repro", .string(folder.repro)), ("code", .string(failure.code)),
                    ("records", .int(least.history.count)),
                    ("events", .int(least.events.count)),
                    ("devices", .int(least.devices)),
                    ("faults", .array(rates.map { .string($0) })),
                ]
                terminal.writeOut(JSONText.versioned(members).compact + "\n")
            } else {
                terminal.writeOut(
                    "\(failure.code): \(least.devices) devices for "
                        + "\(least.options.seconds) s, \(least.events.count) events of "
                        + "\(whole.events.count), faults: \(rates.joined(separator: ", "))\n"
                        + Self.told(least.events)
                        + "again: tote-sim replay \(folder.repro)\n")
            }
        } catch {
            return terminal.report(error, asJSON: command.flag("json"))
        }
        return .success
    }

    /// The events that are left, where they are few enough to be read.
    private static func told(_ events: [String]) -> String {
        events.count > 40 ? "" : "events: \(events.joined(separator: ", "))\n"
    }
}
