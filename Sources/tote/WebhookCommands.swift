import Glibc
import ToteCommandLine
import ToteCore

/// `tote webhook …`.
enum WebhookCommands {
    private static let path = ["v1", "admin", "webhooks"]
    /// How long `test` waits for the first attempt's end: longer than an attempt may take.
    private static let testSeconds = 20
    private static let looksPerSecond = 5

    static func add(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let body: [Value.Entry] = [
            Value.Entry("url", .text(command.arguments[0])),
            Value.Entry("types", .array(command.values(of: "type").map { .text($0) })),
            Value.Entry("label", .text(try command.string("label"))),
        ]
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try line.call("POST", path, .map(body))
            output.result(
                value,
                [
                    "id      \(text(value, "id"))", "secret  \(text(value, "secret"))",
                    "The secret is shown this once; give it to the receiver.",
                    "next: tote webhook test \(text(value, "id"))",
                ])
            return .success
        }
    }

    static func list(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try line.call("GET", path)
            guard case .array(let webhooks)? = value["webhooks"] else { return .software }
            output.result(value, webhooks.isEmpty ? ["no webhooks"] : webhooks.map(row))
            return .success
        }
    }

    private static func row(_ webhook: Value) -> String {
        var types = "all"
        if case .array(let names)? = webhook["types"], !names.isEmpty {
            types = names.compactMap(\.textValue).joined(separator: ",")
        }
        let reason = text(webhook, "disabled_reason")
        let isFailing = webhook["failing_since_ms"]?.intValue != nil
        let state = reason.isEmpty ? isFailing ? "failing" : "enabled" : "disabled (\(reason))"
        return [text(webhook, "id"), state, text(webhook, "url"), types, text(webhook, "label")]
            .joined(separator: "  ")
    }

    static func remove(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        try act(command, output, "DELETE", []) { _, id in ["\(id) is removed"] }
    }

    static func enable(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        try act(command, output, "POST", ["enable"]) { _, id in
            ["\(id) is enabled", "what failed meanwhile: tote webhook redeliver \(id)"]
        }
    }

    static func rotate(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        try act(command, output, "POST", ["rotate"]) { value, _ in
            [
                "secret  \(text(value, "secret"))",
                "The secret is shown this once. The old one signs as well for 24 hours.",
            ]
        }
    }

    static func deliveries(
        _ command: ParsedCommand, _ output: Output
    ) throws(UsageError) -> ExitCode {
        try act(command, output, "GET", ["deliveries"]) { value, _ in
            guard case .array(let deliveries)? = value["deliveries"], !deliveries.isEmpty else {
                return ["no deliveries"]
            }
            return deliveries.map { delivery in
                [
                    text(delivery, "id"), text(delivery, "type"), text(delivery, "state"),
                    "attempts \(FileCommands.number(delivery, "attempts"))", answer(delivery),
                ].joined(separator: "  ")
            }
        }
    }

    static func redeliver(
        _ command: ParsedCommand, _ output: Output
    ) throws(UsageError) -> ExitCode {
        guard command.arguments.count > 1 else {
            return try act(command, output, "POST", ["redeliver"]) { value, _ in
                ["\(FileCommands.number(value, "count")) deliveries are sent again"]
            }
        }
        let delivery = command.arguments[1]
        return try act(command, output, "POST", ["deliveries", delivery, "redeliver"]) { _, _ in
            ["\(delivery) is sent again"]
        }
    }

    static func test(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let id = command.arguments[0]
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            var value = try call(line, "POST", id, ["test"])
            let message = text(value, "id")
            guard line.isServed, !command.flag("no-wait") else {
                output.result(value, ["\(message) is queued; it is sent while a server runs"])
                return .success
            }
            for _ in 0..<testSeconds * looksPerSecond {
                let list = try call(line, "GET", id, ["deliveries"])
                guard case .array(let deliveries)? = list["deliveries"] else { break }
                value = deliveries.first { $0["id"]?.textValue == message } ?? value
                if FileCommands.number(value, "attempts") > 0 { break }
                usleep(UInt32(1_000_000 / looksPerSecond))
            }
            let state = text(value, "state")
            let isDelivered = state == "delivered"
            let result = isDelivered ? "delivered" : "not delivered (\(state))"
            output.result(value, ["\(message) \(result)  \(answer(value))"])
            return isDelivered ? .success : .failure
        }
    }

    /// What the receiver answered last, or why it did not.
    private static func answer(_ delivery: Value) -> String {
        if let status = delivery["status"]?.intValue { return "answered \(status)" }
        return text(delivery, "reason")
    }

    private static func text(_ value: Value, _ name: String) -> String {
        value[name]?.textValue ?? ""
    }

    /// One request about the endpoint that is the first argument.
    private static func act(
        _ command: ParsedCommand, _ output: Output, _ method: String, _ rest: [String],
        _ lines: (Value, String) -> [String]
    ) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let id = command.arguments[0]
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try call(line, method, id, rest)
            output.result(value, lines(value, id))
            return .success
        }
    }

    private static func call(
        _ line: Operator, _ method: String, _ id: String, _ rest: [String]
    ) throws(Operator.Failure) -> Value {
        try line.call(
            method, path + [id] + rest,
            missing: "there is no webhook \(id), or no such delivery of it: "
                + "`tote webhook list` and `deliveries` show them")
    }
}
