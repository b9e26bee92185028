import ToteCommandLine
import ToteCore

/// `tote alerts`.
enum AlertsCommand {
    static let spec = CommandSpec(
        "alerts", "Shows what somebody should look at, the most urgent first.",
        discussion: "Orders that are late, disputed or not collected, customers who wait for an "
            + "answer, devices that are refused again and again. Urgency 1 is for now, 2 for "
            + "today, 3 for when there is time. Of devices it is known since the server's start.",
        examples: [("tote alerts", "of all stores"), ("tote alerts --store paris-republique", "")],
        options: [
            OptionSpec("store", valueName: "STORE", "of this store alone"), CommandTree.data,
            CommandTree.json,
        ])

    static func run(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let store = command.option("store")
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try line.call(
                "GET", ["v1", "admin", "alerts"], query: store.map { [("store", $0)] } ?? [],
                missing: store.map { "no store has the id \($0): `tote catalog show` lists them" })
            var alerts: [Value] = []
            if case .array(let all)? = value["alerts"] { alerts = all }
            output.result(
                .map([
                    "alerts": .array(alerts), "server_time": value["server_time"] ?? .null,
                ]),
                alerts.isEmpty
                    ? ["all is well"]
                    : alerts.map { text($0, at: value["server_time"]?.intValue ?? 0) })
            return .success
        }
    }

    private static func text(_ alert: Value, at now: Int64) -> String {
        func word(_ name: String) -> String? { alert[name]?.textValue }
        let minutes = max(0, now - (alert["since"]?.intValue ?? now)) / 60_000
        let since = minutes < 120 ? "for \(minutes) min" : "for \(minutes / 60) h"
        var parts = ["\(alert["urgency"]?.intValue ?? 0)", word("kind") ?? "", since]
        if let store = word("store") { parts.append("at \(store)") }
        if let order = word("order") {
            parts.append("order \(order.prefix(8)) \(word("pickup_code") ?? "")")
        }
        if let space = word("space") { parts.append("in \(space)") }
        if let token = word("token") { parts.append("\(word("label") ?? "") (\(token))") }
        if let code = word("code") {
            parts.append("\(alert["count"]?.intValue ?? 0) times \(code)")
        }
        return parts.joined(separator: "  ")
    }
}
