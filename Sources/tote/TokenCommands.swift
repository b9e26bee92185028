import ToteCommandLine
import ToteCore

/// `tote token mint|list|revoke`.
enum TokenCommands {
    static func mint(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let spaces = command.values(of: "space")
        let role = try command.string("role")
        guard ["admin", "metrics"].contains(role) || !spaces.isEmpty else {
            throw UsageError(
                "a token opens at least one space", hint: "add --space customer:ID",
                command: command.line)
        }
        let patterns = [
            ("read", command.values(of: "read")), ("write", command.values(of: "write")),
        ]
        let grants = spaces.map { space -> Value in
            var entries = [Value.Entry("space", .text(space))]
            for (name, texts) in patterns where !texts.isEmpty {
                entries.append(Value.Entry(name, .array(texts.map { .text($0) })))
            }
            return .map(entries)
        }
        var body = [
            Value.Entry("label", .text(try command.string("label"))),
            Value.Entry("role", .text(role)), Value.Entry("spaces", .array(grants)),
        ]
        if let expires = try command.optionalDuration("expires") {
            body.append(Value.Entry("expires_in_s", .int(expires.components.seconds)))
        }
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try line.call("POST", ["v1", "admin", "tokens"], .map(body))
            output.result(
                value,
                [
                    "id     \(value["id"]?.textValue ?? "")",
                    "token  \(value["token"]?.textValue ?? "")",
                    "The token is shown this once.",
                ])
            return .success
        }
    }

    static func list(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            var tokens: [Value] = []
            var hasMore = true
            while hasMore {
                let after = tokens.last?["id"]?.textValue.map { [(name: "after", value: $0)] }
                let page = try line.call("GET", ["v1", "admin", "tokens"], query: after ?? [])
                guard case .array(let some)? = page["tokens"] else { return .software }
                tokens += some
                hasMore = page["more"] == .bool(true) && !some.isEmpty
            }
            output.result(
                .map(["tokens": .array(tokens)]),
                tokens.isEmpty ? ["no tokens"] : tokens.map(row))
            return .success
        }
    }

    private static func row(_ token: Value) -> String {
        var spaces: [String] = []
        if case .array(let grants)? = token["spaces"] {
            spaces = grants.compactMap { $0["space"]?.textValue }
        }
        let state = token["revoked_ms"]?.intValue == nil ? "valid" : "revoked"
        let parts = [
            token["id"]?.textValue ?? "", token["role"]?.textValue ?? "", state,
            spaces.joined(separator: ","), token["label"]?.textValue ?? "",
        ]
        return parts.joined(separator: "  ")
    }

    static func revoke(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let id = command.arguments[0]
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try line.call(
                "DELETE", ["v1", "admin", "tokens", id],
                missing: "no token has the id \(id): `tote token list` shows them")
            output.result(value, ["\(id) is revoked"])
            return .success
        }
    }
}
