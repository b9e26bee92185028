import ToteCommandLine
import ToteCore

/// `tote lease …`, `tote store …` and `tote ledger …`.
enum LedgerCommands {
    private static func text(_ value: Value, _ name: String) -> String {
        value[name]?.textValue ?? ""
    }

    private static func list(_ value: Value, _ name: String) -> [Value] {
        if case .array(let values)? = value[name] { values } else { [] }
    }

    /// A moment as people read it: UTC, to the minute.
    private static func moment(_ value: Value, _ name: String) -> String {
        guard let milliseconds = value[name]?.intValue else { return "never" }
        let minutes = milliseconds / 60_000
        let (year, month, day) = CivilDate(days: Int(minutes / 1_440)).parts
        let digits = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        let minute = Int(minutes % 1_440)
        return "\(year)-\(digits(month))-\(digits(day)) "
            + "\(digits(minute / 60)):\(digits(minute % 60)) UTC"
    }

    private static func leaseLine(_ lease: Value) -> String {
        let holder =
            text(lease, "store").isEmpty
            ? "device \(text(lease, "replica"))" : "store \(text(lease, "store"))"
        return [
            text(lease, "id"), text(lease, "state"), text(lease, "account"),
            "\(FileCommands.number(lease, "left")) of \(FileCommands.number(lease, "granted"))",
            holder, "customer \(text(lease, "customer"))",
            "until \(moment(lease, "stop_at"))", text(lease, "reason"),
        ].joined(separator: "  ")
    }

    static func leases(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        var query: [(String, String)] = []
        if let customer = command.option("customer") {
            query.append(("customer", customer))
        }
        if let store = command.option("store") { query.append(("store", store)) }
        if command.flag("closed") { query.append(("closed", "1")) }
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try line.call("GET", ["v1", "admin", "leases"], query: query)
            let leases = list(value, "leases")
            output.result(value, leases.isEmpty ? ["no leases"] : leases.map(leaseLine))
            return .success
        }
    }

    private static func reason(_ command: ParsedCommand) throws(UsageError) -> Value {
        let reason = try command.string("reason")
        guard !reason.isEmpty else {
            throw UsageError(
                "a write-off needs a reason", hint: "add --reason TEXT", command: command.line)
        }
        return .map([Value.Entry("reason", .text(reason))])
    }

    static func writeOffLease(
        _ command: ParsedCommand, _ output: Output
    ) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let body = try reason(command)
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let path = ["v1", "admin", "leases", command.arguments[0], "write-off"]
            let value = try line.call(
                "POST", path, body,
                missing: "there is no open lease \(command.arguments[0]): `tote lease list` shows "
                    + "them")
            output.result(value, ["\(text(value, "id")) is closed; its rest is the customer's"])
            return .success
        }
    }

    static func redeemer(
        _ command: ParsedCommand, _ output: Output
    ) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let path = ["v1", "admin", "stores", command.arguments[0], "redeemer"]
        let noStore =
            "there is no store \(command.arguments[0]) in the catalogue, or it has no redeemer yet"
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value: Value
            if command.arguments.count > 1 {
                let body = Value.map([Value.Entry("token", .text(command.arguments[1]))])
                value = try line.call("POST", path, body, missing: noStore)
            } else {
                value = try line.call("GET", path, missing: noStore)
            }
            let hasKey = value["incarnation"]?.textValue != nil
            output.result(
                value,
                [
                    "store      \(text(value, "store"))",
                    "device     \(text(value, "token"))  \(text(value, "label"))",
                    "since      \(moment(value, "since"))",
                    "key        \(hasKey ? "fetched" : "not fetched yet")",
                    "watermark  \(moment(value, "watermark"))",
                ])
            return .success
        }
    }

    static func writeOffRedeemer(
        _ command: ParsedCommand, _ output: Output
    ) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let body = try reason(command)
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let path = ["v1", "admin", "stores", command.arguments[0], "redeemer", "write-off"]
            let value = try line.call(
                "POST", path, body, missing: "store \(command.arguments[0]) has no redeemer")
            output.result(
                value,
                [
                    "the redeemer of \(text(value, "store")) is written off",
                    "\(FileCommands.number(value, "leases")) leases went back to customers",
                    "next: tote store redeemer \(text(value, "store")) DEVICE",
                ])
            return .success
        }
    }

    static func show(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let query = [("customer", command.arguments[0])]
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try line.call(
                "GET", ["v1", "admin", "ledger"], query: query,
                missing: "nothing is known of a customer \(command.arguments[0])")
            var lines = list(value, "accounts").map { account in
                ["available", "held", "pending", "debt"].reduce(text(account, "account")) {
                    "\($0)  \($1) \(FileCommands.number(account, $1))"
                }
            }
            lines += list(value, "entries").map { entry in
                [
                    moment(entry, "at"), text(entry, "account"), text(entry, "kind"),
                    "\(FileCommands.number(entry, "units"))", text(entry, "reference"),
                ].joined(separator: "  ")
            }
            output.result(value, lines.isEmpty ? ["no accounts"] : lines)
            return .success
        }
    }

    static func enter(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        guard let amount = Int64(command.arguments[1]), Amount(amount) != nil else {
            throw UsageError(
                "\(command.arguments[1]) is no amount",
                hint: "give a whole number from 1 to \(Amount.range.upperBound)",
                command: command.line)
        }
        guard let reference = command.option("reference") else {
            throw UsageError(
                "an entry needs a reference: with it it counts once",
                hint: "add --reference TEXT", command: command.line)
        }
        let body: [Value.Entry] = [
            Value.Entry("customer", .text(command.arguments[0])),
            Value.Entry("account", .text(try command.string("account"))),
            Value.Entry("kind", .text(try command.string("kind"))),
            Value.Entry("amount", .int(amount)), Value.Entry("reference", .text(reference)),
            Value.Entry("reason", .text(try command.string("reason"))),
        ]
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try line.call("POST", ["v1", "admin", "ledger"], .map(body))
            let isNew = value["new"] == .bool(true)
            output.result(
                value,
                [
                    isNew ? "entered" : "the reference was entered before: nothing changed",
                    "available  \(FileCommands.number(value, "available"))",
                ])
            return .success
        }
    }
}
