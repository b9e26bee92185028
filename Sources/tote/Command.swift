import ToteCommandLine
import ToteCore

/// The server's command line: one table of commands, one function each.
@main
enum Command {
    static let version = "0.1.0"
    static let date = "2026-11-26"

    static func main() {
        Program.main(CommandTree.table, running: run)
    }

    private static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let output = Output(terminal: terminal, isJSON: command.flag("json"))
        switch command.path {
        case ["serve"]: return try ServeCommand.run(command, output)
        case ["config", "check"]: return try ConfigCommands.check(command, output)
        case ["config", "show"]: return try ConfigCommands.show(command, output)
        case ["token", "mint"]: return try TokenCommands.mint(command, output)
        case ["token", "list"]: return try TokenCommands.list(command, output)
        case ["token", "revoke"]: return try TokenCommands.revoke(command, output)
        case ["catalog", "import"]: return try CatalogCommands.importFile(command, output)
        case ["catalog", "check"]: return try CatalogCommands.check(command, output)
        case ["catalog", "show"]: return try CatalogCommands.show(command, output)
        case ["webhook", "add"]: return try WebhookCommands.add(command, output)
        case ["webhook", "list"]: return try WebhookCommands.list(command, output)
        case ["webhook", "remove"]: return try WebhookCommands.remove(command, output)
        case ["webhook", "enable"]: return try WebhookCommands.enable(command, output)
        case ["webhook", "test"]: return try WebhookCommands.test(command, output)
        case ["webhook", "rotate"]: return try WebhookCommands.rotate(command, output)
        case ["webhook", "deliveries"]: return try WebhookCommands.deliveries(command, output)
        case ["webhook", "redeliver"]: return try WebhookCommands.redeliver(command, output)
        case ["lease", "list"]: return try LedgerCommands.leases(command, output)
        case ["lease", "write-off"]: return try LedgerCommands.writeOffLease(command, output)
        case ["store", "redeemer"]: return try LedgerCommands.redeemer(command, output)
        case ["store", "write-off"]: return try LedgerCommands.writeOffRedeemer(command, output)
        case ["ledger", "show"]: return try LedgerCommands.show(command, output)
        case ["ledger", "enter"]: return try LedgerCommands.enter(command, output)
        case ["explain", "line"]: return try ExplainCommands.line(command, output)
        case ["explain", "change"]: return try ExplainCommands.change(command, output)
        case ["explain", "device"]: return try ExplainCommands.device(command, output)
        case ["customer", "export"]: return try CustomerCommands.export(command, output)
        case ["report", "channels"]: return try ReportCommands.channels(command, output)
        case ["customer", "erase"]: return try CustomerCommands.erase(command, output)
        case ["tail"]: return try TailCommand.run(command, output)
        case ["openapi"]: return APICommands.openAPI(output)
        case ["metrics", "list"]: return MetricsCommands.list(output)
        case ["metrics", "dashboard"]: return MetricsCommands.dashboard(output)
        case ["offer", "list"]: return try OfferCommands.list(command, output)
        case ["offer", "admit"]: return try OfferCommands.admit(command, output)
        case ["alerts"]: return try AlertsCommand.run(command, output)
        case ["status"]: return try FileCommands.status(command, output)
        case ["health"]: return try DeploymentCommands.health(command, output)
        case ["unit"]: return try DeploymentCommands.unit(command, output)
        case ["containerfile"]: return DeploymentCommands.containerfile(output)
        case ["nginx"]: return try DeploymentCommands.nginx(command, output)
        case ["backup"]: return try FileCommands.backUp(command, output)
        case ["restore"]: return try FileCommands.restore(command, output)
        case ["verify"]: return try FileCommands.verify(command, output)
        default: preconditionFailure("the table has a command without a function")
        }
    }
}

/// Where a command's results go: text for people, one JSON object for machines.
struct Output {
    let terminal: Terminal
    let isJSON: Bool

    /// Prints a result: the JSON, or the lines.
    func result(
        _ members: [(name: String, value: JSONText)], _ lines: @autoclosure () -> [String]
    ) {
        if isJSON {
            terminal.writeOut(JSONText.versioned(members).compact + "\n")
        } else {
            for line in lines() { terminal.writeOut(line + "\n") }
        }
    }

    /// Prints what a server answered, an object: the JSON, or the lines.
    func result(_ value: Value, _ lines: @autoclosure () -> [String]) {
        guard case .map(let entries) = value else {
            preconditionFailure("a result is an object, not \(value)")
        }
        result(entries.map { ($0.name, JSONText($0.value)) }, lines())
    }

    /// Prints a JSON document of a form of its own: its text, or itself in an object that says its
    /// version.
    func document(_ value: Value, _ text: String) {
        let versioned = JSONText.versioned([("document", JSONText(value))])
        terminal.writeOut(isJSON ? versioned.compact + "\n" : text)
    }

    /// Prints why a command failed.
    func failure(_ failure: CommandFailure) -> ExitCode {
        terminal.report(failure, asJSON: isJSON)
    }
}

extension JSONText {
    /// A value of the wire, as JSON carries it.
    init(_ value: ToteCore.Value) {
        switch value {
        case .map(let entries):
            self = .object(entries.map { ($0.name, JSONText($0.value)) })
        case .array(let values): self = .array(values.map { JSONText($0) })
        case .text(let text): self = .string(text)
        case .int(let int): self = .int(Int(int))
        case .bool(let bool): self = .bool(bool)
        case .null: self = .null
        }
    }
}
