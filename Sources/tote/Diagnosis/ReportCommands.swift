import ToteCommandLine
import ToteCore
import ToteServer
import ToteService

/// `tote report`.
enum ReportCommands {
    static let spec = CommandSpec(
        "report", "What the data say about how the shop is used.",
        subcommands: [
            CommandSpec(
                "channels", "Counts what came by app, web, tablet, counter, wall, mail…",
                discussion: "Orders count where they were made, items where they were put into "
                    + "the cart: a code on a wall, a link in a mail. `none` is what does not say. "
                    + "What expired counts, and what came back is not taken off. Intents are those "
                    + "of the log, which goes back 90 days. Reads the data file "
                    + "beside the server and changes nothing.",
                examples: [
                    ("tote report channels", "the last 30 days"),
                    ("tote report channels --since 7d --store paris-republique", "of one store"),
                ],
                options: [
                    OptionSpec(
                        "since", valueName: "TIME", "how far back", default: "30d", form: .time),
                    OptionSpec("store", valueName: "STORE", "orders of this store alone"),
                    CommandTree.data, CommandTree.json,
                ])
        ])

    static func channels(
        _ command: ParsedCommand, _ output: Output
    ) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let back = try command.optionalDuration("since") ?? .seconds(30 * 86_400)
        let shop = command.option("store")
        return FileCommands.attempt(output) { () throws(CommandFailure) in
            guard line.directory.holdsData else { throw Operator.noData(line.directory) }
            do {
                let now = SystemClock.nowMilliseconds()
                let since = now - min(now, UInt64(back / .milliseconds(1)))
                let report = try ChannelReport(
                    path: line.directory.filePath, since: since, store: shop)
                output.result(
                    .map(["since": .int(Int64(since)), "channels": report.value]),
                    lines(report, shop))
                return .success
            } catch {
                throw Operator.failure(error)
            }
        }
    }

    private static func lines(_ report: ChannelReport, _ shop: String?) -> [String] {
        guard !report.rows.isEmpty else {
            return [
                "nothing was ordered in that time"
                    + (shop.map { " at \($0), if that is the id of a store" } ?? "")
            ]
        }
        func column(_ text: String) -> String {
            String(repeating: " ", count: max(1, 10 - text.count)) + text
        }
        let names = report.rows.keys.sorted()
        let head =
            "channel         " + ["orders", "cancelled", "items"].map(column).joined()
            + "  total"
        return [head]
            + names.compactMap { name in
                guard let row = report.rows[name] else { return nil }
                let totals = row.totals.sorted { $0.key < $1.key }
                    .map { Currency.text($0.value, $0.key) }.joined(separator: ", ")
                let intents = row.intents.sorted { $0.key < $1.key }
                    .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
                return name + String(repeating: " ", count: max(1, 16 - name.count))
                    + [String(row.orders), String(row.cancelled), String(row.items)]
                    .map(column).joined() + "  " + (totals.isEmpty ? "-" : totals)
                    + (intents.isEmpty ? "" : "  (\(intents))")
            }
    }
}
