import ToteCommandLine
import ToteConcurrency
import ToteSQLite
import ToteSimulation

/// `tote-sim explore`: whole days from many seeds, until one breaks a promise.
enum ExploreCommand {
    static let spec = CommandSpec(
        "explore",
        "Runs days of devices in virtual time, one for each seed; stops at the first that fails.",
        discussion: "A day is a server, customers with phones and tablets, and counters, all of "
            + "them the production code, under faults that the seed draws. Its history is judged "
            + "by rules that know nothing of the code. A failing day is kept in a folder, with "
            + "the command that repeats it.",
        examples: [
            ("tote-sim explore --seeds 1..5000 -j 2", "on two cores"),
            ("tote-sim explore --seeds 1..200 --without restored", "without one of the faults"),
            (
                "tote-sim explore --seeds 1..2 --customers 50 --devices-each 2 --length 24h "
                    + "--act-every 30m --open-for 2m", "whole days of a hundred phones"
            ),
        ],
        options: [
            OptionSpec("seeds", valueName: "A..B", "the seeds, both ends", default: "1..200"),
            OptionSpec(
                "jobs", short: "j", valueName: "N", "how many run at once", default: "2",
                form: .whole(1...64)),
            DayOptionSpecs.without,
            OptionSpec(
                "only", valueName: "FAULT", "a fault that strikes, and no others but those named",
                choices: Fault.allCases.map(\.rawValue), repeating: true),
            DayOptionSpecs.runs,
            OptionSpec(
                "customers", valueName: "N", "how many there are, whatever the seed says",
                form: .whole(1...100)),
            OptionSpec(
                "devices-each", valueName: "N", "how many each has at first",
                form: .whole(1...100)),
            OptionSpec("length", valueName: "TIME", "how long faults strike: up to 24h"),
            OptionSpec(
                "act-every", valueName: "TIME", "how often a device's user does something: up to 1h"
            ),
            OptionSpec(
                "open-for", valueName: "TIME",
                "how long an app stays open after that, and syncs: up to 24h"),
            OptionSpec("faults", "print how often each fault struck"),
            OptionSpec("strict", "fail when a fault that may strike never did"),
            OptionSpec("json", "print one JSON object"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let seeds = try SeedRange.read(command)
        let limits = try self.limits(command)
        SQLiteMemory.countNothing()
        let search = DaySearch(seeds: seeds, limits: limits)
        let began = SystemClock.monotonicMilliseconds()
        let workers = (0..<(try command.int("jobs"))).map { index in
            startThread(named: "day-\(index)") { search.work() }
        }
        var progress = ProgressLine(terminal)
        while !search.isOver {
            SystemClock.pause(.milliseconds(100))
            if terminal.errorIsTerminal {
                progress.update("\(search.result.days) of \(seeds.count) days")
            }
        }
        progress.finish()
        for worker in workers { worker.join() }
        let result = search.result
        if let failure = result.failure {
            return try DayReport.tell(failure, command, terminal)
        }
        let seconds = Double(max(1, SystemClock.monotonicMilliseconds() - began)) / 1_000
        tell(result, seconds, command, terminal)
        let idle = Fault.allCases.filter {
            result.struck[$0] == nil && !limits.without.contains($0)
                && limits.only?.contains($0) ?? true
        }
        if command.flag("strict"), !idle.isEmpty {
            return terminal.report(
                CommandFailure(
                    code: "idle_faults",
                    message: "never struck: \(idle.map(\.rawValue).joined(separator: ", "))",
                    exit: .nothingRan), asJSON: command.flag("json"))
        }
        return result.void == result.days ? .nothingRan : .success
    }

    private static func limits(
        _ command: ParsedCommand
    ) throws(UsageError) -> DayOptions.Limits {
        var limits = DayOptions.Limits()
        limits.without = try DayOptionSpecs.faults(command)
        let only = Set(command.values(of: "only").compactMap { Fault(rawValue: $0) })
        limits.only = only.isEmpty ? nil : only
        limits.customers = try command.optionalInt("customers", in: 1...100)
        limits.devicesEach = try command.optionalInt("devices-each", in: 1...100)
        limits.seconds = try time("length", command, atMost: .seconds(86_400))
            .map { UInt64($0 / .seconds(1)) }
        limits.actMilliseconds = try time("act-every", command, atMost: .seconds(3_600))
            .map { UInt64($0 / .milliseconds(1)) }
        limits.openMilliseconds = try time("open-for", command, atMost: .seconds(86_400))
            .map { UInt64($0 / .milliseconds(1)) }
        return limits
    }

    private static func time(
        _ name: String, _ command: ParsedCommand, atMost limit: Duration
    ) throws(UsageError) -> Duration? {
        guard let time = try command.optionalDuration(name) else { return nil }
        guard (.seconds(1)...limit).contains(time) else {
            throw UsageError(
                "--\(name) is from 1 s to \(limit)", hint: "like 20m", command: command.line)
        }
        return time
    }

    private static func tell(
        _ result: DaySearch.Result, _ seconds: Double, _ command: ParsedCommand,
        _ terminal: Terminal
    ) {
        let faults = Fault.allCases.map { ($0.rawValue, result.struck[$0] ?? 0) }
        guard !command.flag("json") else {
            let members: [(name: String, value: JSONText)] = [
                ("days", .int(result.days)), ("void", .int(result.void)),
                ("acts", .int(result.acts)), ("exchanges", .int(result.exchanges)),
                ("faults", .object(faults.map { ($0.0, .int($0.1)) })),
            ]
            terminal.writeOut(JSONText.versioned(members).compact + "\n")
            return
        }
        terminal.writeOut(
            "\(result.days) days, \(result.acts) acts, \(result.exchanges) exchanges, "
                + "\(faults.map(\.1).reduce(0, +)) faults of "
                + "\(faults.count { $0.1 > 0 }) kinds: all valid"
                + (result.void == 0 ? "" : ", \(result.void) void")
                + ", \(Int(Double(result.acts + result.exchanges) / seconds)) operations a second\n"
        )
        guard command.flag("faults") else { return }
        for (name, count) in faults { terminal.writeOut("  \(name)  \(count)\n") }
    }
}

/// What the commands about days have in common.
enum DayOptionSpecs {
    static let without = OptionSpec(
        "without", valueName: "FAULT", "a fault that does not strike",
        choices: Fault.allCases.map(\.rawValue), repeating: true)
    static let runs = OptionSpec(
        "runs", valueName: "DIR", "where a failing day is kept", default: "runs")

    static func faults(_ command: ParsedCommand) throws(UsageError) -> Set<Fault> {
        Set(command.values(of: "without").compactMap { Fault(rawValue: $0) })
    }
}

/// `--seeds A..B`.
enum SeedRange {
    static func read(_ command: ParsedCommand) throws(UsageError) -> ClosedRange<UInt64> {
        let text = try command.string("seeds")
        let ends = text.split(separator: ".").compactMap { UInt64($0) }
        guard ends.count == 2, ends[0] <= ends[1], text.contains("..") else {
            throw UsageError(
                "--seeds takes A..B, not \(text)", hint: "like 1..999", command: command.line)
        }
        return ends[0]...ends[1]
    }
}

/// Hands seeds to threads until a day fails or none is left.
final class DaySearch: Sendable {
    struct Result {
        var next: UInt64?
        var running = 0
        var days = 0
        var void = 0
        var acts = 0
        var exchanges = 0
        var struck: [Fault: Int] = [:]
        /// Of the smallest seed that failed.
        var failure: DayOutcome?
    }

    private let last: UInt64
    private let limits: DayOptions.Limits
    private let state: Lock<Result>

    init(seeds: ClosedRange<UInt64>, limits: DayOptions.Limits) {
        last = seeds.upperBound
        self.limits = limits
        state = Lock(Result(next: seeds.lowerBound))
    }

    var result: Result { state.withLock { $0 } }
    var isOver: Bool {
        state.withLock { ($0.next == nil || $0.failure != nil) && $0.running == 0 }
    }

    func work() {
        let pool = DatabasePool()
        while let seed = take() {
            let outcome = DayOutcome(seed: seed, limits: limits, pool: pool)
            state.withLock { state in
                state.running -= 1
                state.days += 1
                state.acts += outcome.acts
                state.exchanges += outcome.exchanges
                state.struck.merge(outcome.struck, uniquingKeysWith: +)
                if case .void = outcome.verdict { state.void += 1 }
                if outcome.failure != nil, seed < state.failure?.seed ?? .max {
                    state.failure = outcome
                }
            }
        }
    }

    private func take() -> UInt64? {
        state.withLock { state in
            guard state.failure == nil, let seed = state.next else { return nil }
            state.next = seed < last ? seed + 1 : nil
            state.running += 1
            return seed
        }
    }
}
