import ToteCommandLine
import ToteConcurrency
import ToteCore
import ToteSQLite
import ToteSimulation

/// `tote-sim world`: seeded schedules of a server and devices in one thread each.
enum WorldCommand {
    static let spec = CommandSpec(
        "world",
        "Runs seeded schedules of faults in virtual time; stops at the first broken promise.",
        examples: [
            ("tote-sim world --family restores --seeds 0..20000", "one family of faults"),
            ("tote-sim world --family clones --seeds 17..17", "one schedule again"),
        ],
        options: [
            OptionSpec(
                "family", valueName: "NAME", "which faults; all families by default",
                choices: WorldOptions.Family.allCases.map(\.rawValue)),
            OptionSpec("seeds", valueName: "A..B", "the seeds, both ends", default: "0..999"),
            OptionSpec(
                "threads", valueName: "N", "how many run at once", default: "2",
                form: .whole(1...64)),
            OptionSpec("json", "print one JSON object at the end"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let text = try command.string("seeds")
        let ends = text.split(separator: ".").compactMap { UInt64($0) }
        guard ends.count == 2, ends[0] <= ends[1] else {
            throw UsageError(
                "--seeds takes A..B, not \(text)", hint: "like 0..999", command: command.line)
        }
        let families =
            command.option("family").flatMap { WorldOptions.Family(rawValue: $0) }.map { [$0] }
            ?? WorldOptions.Family.allCases
        let threads = try command.int("threads")
        let isJSON = command.flag("json")
        var told: [JSONText] = []
        SQLiteMemory.countNothing()
        for family in families {
            let search = SeedSearch(family: family, seeds: ends[0]...ends[1])
            let workers = (0..<threads).map { index in
                startThread(named: "world-\(index)") { search.work() }
            }
            for worker in workers { worker.join() }
            let result = search.result
            if let failure = result.failure {
                return report(failure, terminal, asJSON: isJSON)
            }
            if isJSON {
                told.append(result.json(family))
                continue
            }
            terminal.writeOut(
                "\(family.rawValue): \(result.schedules) schedules, \(result.exchanges) exchanges, "
                    + "\(result.copies) copies, \(result.forks) forks declared"
                    + (result.orders.accepted == 0
                        ? ""
                        : ", \(result.orders.accepted) orders accepted, "
                            + "\(result.orders.refused) refused, "
                            + "\(result.orders.handedOver) handed over")
                    + (result.units.isEmpty
                        ? "" : ", \(result.redemptions) redemptions cut off, units \(result.sums)")
                    + ": all settled, nothing lost, nothing doubled\n")
        }
        if isJSON {
            terminal.writeOut(JSONText.versioned([("families", .array(told))]).compact + "\n")
        }
        return .success
    }

    private static func report(
        _ failure: WorldFailure, _ terminal: Terminal, asJSON: Bool
    ) -> ExitCode {
        let lines = failure.lines.suffix(40).map { "  \($0)\n" }
        let exit = terminal.report(
            CommandFailure(
                code: failure.kind == .wrong ? "promise_broken" : "not_settled",
                message: asJSON ? "\(failure)\n\(lines.joined())" : "\(failure)", exit: .failure),
            asJSON: asJSON)
        if !asJSON { terminal.writeError(lines.joined()) }
        return exit
    }
}

/// Hands seeds to threads until one fails or none is left.
final class SeedSearch: Sendable {
    struct Result {
        var next: UInt64
        var schedules = 0
        var exchanges = 0
        var copies = 0
        var forks = 0
        var orders = (accepted: 0, refused: 0, handedOver: 0)
        /// What the ledgers did with points and stored value.
        var units: [LedgerEntry.Kind: Int64] = [:]
        var redemptions = 0

        var sums: String {
            LedgerEntry.Kind.allCases.compactMap { kind in
                units[kind].map { "\(kind.rawValue) \($0)" }
            }.joined(separator: ", ")
        }
        var failure: WorldFailure?

        func json(_ family: WorldOptions.Family) -> JSONText {
            [
                "family": .string(family.rawValue), "schedules": .int(schedules),
                "exchanges": .int(exchanges), "copies": .int(copies), "forks": .int(forks),
                "orders_accepted": .int(orders.accepted), "orders_refused": .int(orders.refused),
                "orders_handed_over": .int(orders.handedOver), "redemptions": .int(redemptions),
                "units": .object(
                    LedgerEntry.Kind.allCases.compactMap { kind in
                        units[kind].map { (kind.rawValue, .int(Int($0))) }
                    }),
            ]
        }
    }

    private let family: WorldOptions.Family
    private let last: UInt64
    private let state: Lock<Result>

    init(family: WorldOptions.Family, seeds: ClosedRange<UInt64>) {
        self.family = family
        last = seeds.upperBound
        state = Lock(Result(next: seeds.lowerBound))
    }

    var result: Result { state.withLock { $0 } }

    /// What failed in a seed, with the lines of what happened before.
    private func told(_ seed: UInt64) -> WorldFailure? {
        do {
            try World(seed: seed, family: family).run()
        } catch {
            return error as? WorldFailure
        }
        return nil
    }

    func work() {
        let pool = DatabasePool()
        while true {
            let seed: UInt64? = state.withLock { state in
                guard state.failure == nil, state.next <= last else { return nil }
                defer { state.next += 1 }
                return state.next
            }
            guard let seed else { return }
            do {
                let world = try World(
                    seed: seed, family: family, keepsLines: false, pool: pool)
                try world.run()
                state.withLock {
                    $0.schedules += 1
                    $0.exchanges += world.exchanges
                    $0.copies += world.copiesMade
                    $0.forks += world.forksDeclared
                    $0.orders.accepted += world.ordersAccepted
                    $0.orders.refused += world.ordersRefused
                    $0.orders.handedOver += world.ordersHandedOver
                    $0.units.merge(world.ledgerUnits) { $0 + $1 }
                    $0.redemptions += world.redeemedCutOff
                }
            } catch {
                let failure =
                    told(seed)
                    ?? WorldFailure(
                        kind: .wrong, seed: seed, family: family, message: "\(error)", lines: [])
                state.withLock { if ($0.failure?.seed ?? .max) > seed { $0.failure = failure } }
            }
        }
    }
}
