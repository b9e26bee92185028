import Glibc
import ToteCommandLine

/// `tote-sim bench`: what is promised of speed and size, each against a floor in the same run.
enum BenchCommand {
    static let spec = CommandSpec(
        "bench", "Measures speed and size against floors in the same run.",
        discussion: "Build with -c release. Every rate is a median of rounds that alternate with "
            + "their floor: quote the ratios, not the rates.",
        examples: [
            ("tote-sim bench", "everything"), ("tote-sim bench sync --seconds 5", "one of them"),
        ],
        arguments: [
            ArgumentSpec(
                "WHAT",
                known.joined(separator: ", ") + "; all by default",
                optional: true, suggestions: known)
        ],
        options: [
            OptionSpec("seconds", valueName: "N", "how long each round takes", default: "2"),
            OptionSpec("rounds", valueName: "N", "how many rounds", default: "5"),
            OptionSpec("dir", valueName: "DIR", "where the data files go", default: "/tmp"),
            OptionSpec("json", "print JSON instead of tables: an object a line"),
            OptionSpec(
                "check", "one short round of each, to see that all run; only sizes must hold"),
        ])

    private static let known = [
        "core", "codec", "allocations", "http", "sync", "orders", "points", "fairness",
        "connections", "checkpoints", "customers",
    ]

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let what = command.arguments.first
        if let what, !known.contains(what) {
            throw UsageError(
                "there is no benchmark \(what)",
                hint: Suggestion.nearest(to: what, among: known).map { "did you mean '\($0)'?" }
                    ?? known.joined(separator: ", "),
                command: command.line)
        }
        let isCheck = command.flag("check")
        let isJSON = command.flag("json")
        let seconds = isCheck ? 0.3 : Double(try command.int("seconds", in: 1...600))
        let rounds = isCheck ? 1 : try command.int("rounds", in: 1...100)
        var template = Array((try command.string("dir") + "/tote-bench-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            return terminal.report(
                CommandFailure(
                    code: "bad_directory",
                    message: "no directory can be made in \(try command.string("dir")): name "
                        + "another with --dir", exit: .cannotCreate), asJSON: isJSON)
        }
        let directory = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { removeTree(directory) }
        var rows: [BenchRow] = []
        do {
            for name in known where what == nil || what == name {
                terminal.writeError("measuring \(name)…\n")
                switch name {
                case "core": rows += CoreBench.run(rounds: rounds)
                case "codec": rows += try CodecBench.run(rounds: rounds)
                case "allocations": rows += try allocations(command)
                case "http": rows += try HTTPBench.run(seconds: seconds, rounds: rounds)
                case "orders":
                    rows += try OrderBench.run(
                        directory: directory, seconds: seconds, rounds: rounds)
                case "connections":
                    rows += try ConnectionBench.run(directory: directory, isCheck: isCheck)
                case "checkpoints":
                    rows += try CheckpointBench.run(
                        directory: directory, seconds: seconds, rounds: rounds, isCheck: isCheck)
                case "customers":
                    rows += try CustomerBench.run(
                        directory: directory, seconds: seconds, rounds: rounds, isCheck: isCheck)
                case "fairness":
                    rows += try FairnessBench.run(
                        directory: directory, seconds: seconds, rounds: rounds)
                case "points":
                    rows += try PointsBench.run(
                        directory: directory, seconds: seconds, rounds: rounds, isCheck: isCheck)
                default:
                    rows += try SyncBench.run(
                        directory: directory, seconds: seconds, rounds: rounds)
                }
            }
        } catch {
            return terminal.report(
                CommandFailure(code: "bench_failed", message: "\(error)", exit: .software),
                asJSON: isJSON)
        }
        guard !rows.isEmpty else { return .success }
        if isJSON {
            let text = JSONText.versioned([("rows", .array(rows.map(\.json)))])
            terminal.writeOut(text.compact + "\n")
        } else {
            for line in BenchRow.table(rows) { terminal.writeOut(line + "\n") }
        }
        // Rates of a debug build or of a busy machine say nothing; sizes hold everywhere.
        let judged = isCheck ? rows.filter { $0.unit == "bytes" } : rows
        return judged.allSatisfy(\.isMet) ? .success : .failure
    }

    /// Counted in a second process, which prints them itself.
    private static func allocations(_ command: ParsedCommand) throws -> [BenchRow] {
        let flags = command.flag("json") ? ["--json"] : []
        if AllocationCounter.runTraced(["bench", "allocations"] + flags) != nil { return [] }
        return try CodecBench.allocations()
    }

    private static func removeTree(_ path: String) {
        let folders = [
            "served", "ordered", "spent", "shared", "connected", "checked", "few", "many",
        ]
        for folder in folders {
            for name in ["tote.db", "tote.db-wal", "tote.db-shm", "lock", "operator.sock"] {
                unlink("\(path)/\(folder)/\(name)")
            }
            rmdir("\(path)/\(folder)")
            unlink("\(path)/\(folder).log")
        }
        for file in ["bare.db", "ledger.db"] {
            for suffix in ["", "-wal", "-shm"] { unlink("\(path)/\(file)\(suffix)") }
        }
        rmdir(path)
    }
}

/// One measured figure with its floor and its goal.
struct BenchRow {
    var name: String
    var unit: String
    var value: Double
    var floor: Double?
    var ratio: Double
    var goal: String
    var isMet: Bool
    var details: [(String, Double)]

    var json: JSONText {
        .object(
            [
                (name: "name", value: .string(name)), (name: "unit", value: .string(unit)),
                (name: "value", value: .double(value)),
                (name: "floor", value: floor.map { .double($0) } ?? .null),
                (name: "ratio", value: .double(ratio)), (name: "goal", value: .string(goal)),
                (name: "met", value: .bool(isMet)),
            ] + details.map { (name: $0.0, value: JSONText.double($0.1)) })
    }

    static func table(_ rows: [BenchRow]) -> [String] {
        let header = ["what", "value", "floor", "ratio", "goal", "met"]
        let cells = rows.map { row in
            [
                row.name, "\(short(row.value)) \(row.unit)", row.floor.map(short) ?? "-",
                short(row.ratio), row.goal, row.isMet ? "yes" : "NO",
            ]
        }
        let widths = header.indices.map { column in
            ([header] + cells).map { $0[column].count }.max() ?? 0
        }
        var lines: [String] = []
        for (index, row) in ([header] + cells).enumerated() {
            lines.append(
                zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                    .joined(separator: "  "))
            if index > 0, !rows[index - 1].details.isEmpty {
                let details = rows[index - 1].details.map { "\($0.0) \(short($0.1))" }
                lines.append("    " + details.joined(separator: ", "))
            }
        }
        return lines
    }

    private static func short(_ value: Double) -> String {
        if value >= 1_000 { return String(Int(value.rounded())) }
        let hundredths = Int((value * 100).rounded())
        let fraction = String(100 + hundredths % 100).dropFirst()
        return "\(hundredths / 100).\(fraction)"
    }
}

/// The middle value.
func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}
