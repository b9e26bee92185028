import ToteCommandLine
import ToteSQLite
import ToteSimulation

/// `tote-sim compare`: where two days part.
enum CompareCommand {
    static let spec = CommandSpec(
        "compare", "Shows where the histories of two days part.",
        discussion: "Each is a folder that `explore` kept, a history, a repro.json or a seed; of "
            + "the last two the day is run. Two versions of the code that make another history of "
            + "one day differ from the first record on that is shown.",
        examples: [
            ("tote-sim compare runs/seed-17 17", "what was kept, and what the day is now"),
            ("tote-sim compare before.ndjson after.ndjson", "two histories of `replay --history`"),
        ],
        arguments: [
            ArgumentSpec("A", "a folder, a history, a repro.json or a seed"),
            ArgumentSpec("B", "another"),
        ],
        options: [OptionSpec("json", "print one JSON object")])

    /// Records before the first that differs, for people.
    private static let linesBefore = 3

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let histories: [[String]]
        do throws(CommandFailure) {
            histories = [
                try history(command.arguments[0]), try history(command.arguments[1]),
            ]
        } catch {
            return terminal.report(error, asJSON: command.flag("json"))
        }
        let (first, second) = (histories[0], histories[1])
        let common = zip(first, second).prefix { $0 == $1 }.count
        let isSame = common == first.count && common == second.count
        let kinds = isSame ? [] : differingKinds(first, second)
        guard !command.flag("json") else {
            let parted: [(name: String, value: JSONText)] = [
                ("record", .int(common + 1)), ("a", text(first, common)),
                ("b", text(second, common)),
            ]
            terminal.writeOut(
                JSONText.versioned([
                    ("same", .bool(isSame)),
                    ("records", .array([.int(first.count), .int(second.count)])),
                    ("parted", isSame ? .null : .object(parted)),
                    (
                        "kinds",
                        .object(
                            kinds.map { ($0.kind, .array([.int($0.first), .int($0.second)])) })
                    ),
                ]).compact + "\n")
            return isSame ? .success : .failure
        }
        guard !isSame else {
            terminal.writeOut("the same \(first.count) records\n")
            return .success
        }
        terminal.writeOut("they part at record \(common + 1):\n")
        for line in first[max(0, common - linesBefore)..<common] {
            terminal.writeOut("  \(line)\n")
        }
        terminal.writeOut("a \(shown(first, common))\nb \(shown(second, common))\n")
        for entry in kinds {
            terminal.writeOut("  \(entry.first) and \(entry.second) of \(entry.kind)\n")
        }
        return .failure
    }

    private static func shown(_ lines: [String], _ index: Int) -> String {
        index < lines.count ? lines[index] : "(ends)"
    }

    private static func text(_ lines: [String], _ index: Int) -> JSONText {
        index < lines.count ? .string(lines[index]) : .null
    }

    /// Kinds of records of which the two have another number.
    private static func differingKinds(
        _ first: [String], _ second: [String]
    ) -> [(kind: String, first: Int, second: Int)] {
        let counts = [first, second].map { lines in
            lines.reduce(into: [String: Int]()) { $0[kind($1), default: 0] += 1 }
        }
        return Set(counts[0].keys).union(counts[1].keys).sorted()
            .map { ($0, counts[0][$0] ?? 0, counts[1][$0] ?? 0) }
            .filter { $0.1 != $0.2 }
    }

    /// The word of `what` in a record.
    private static func kind(_ line: String) -> String {
        let marker = "\"what\":\""
        guard let start = line.firstRange(of: marker)?.upperBound else { return "?" }
        return String(line[start...].prefix { $0 != "\"" })
    }

    private static func history(_ name: String) throws(CommandFailure) -> [String] {
        let bytes: [UInt8]
        if Files.isDirectory(name) || name.hasSuffix(".ndjson") {
            let path = Files.isDirectory(name) ? name + "/history.ndjson" : name
            do throws(Files.Failure) {
                bytes = try Files.read(path)
            } catch {
                throw CommandFailure(code: "no_file", message: "\(error)", exit: .noInput)
            }
        } else {
            let repro = try Repro(named: name)
            SQLiteMemory.countNothing()
            bytes = DayOutcome(seed: repro.seed, limits: repro.limits).lines
        }
        return bytes.split(separator: UInt8(ascii: "\n")).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
