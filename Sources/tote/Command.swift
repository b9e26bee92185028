import ToteCommandLine
import ToteCore

/// The server's command line: one table of commands, one function each.
@main
enum Command {
    static let version = "0.1.0"

    static func main() {
        Program.main(CommandTree.table, running: run)
    }

    private static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let output = Output(terminal: terminal, isJSON: command.flag("json"))
        switch command.path {
        case ["serve"]: return try ServeCommand.run(command, output)
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
        case ["openapi"]: return APICommands.openAPI(output)
        case ["metrics", "list"]: return MetricsCommands.list(output)
        case ["metrics", "dashboard"]: return MetricsCommands.dashboard(output)
        case ["status"]: return try FileCommands.status(command, output)
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

    /// Prints a result: the JSON in full, or the lines.
    func result(_ value: Value, _ lines: @autoclosure () -> [String]) {
        if isJSON {
            terminal.writeOut(String(decoding: Encoding.json.encode(value), as: UTF8.self) + "\n")
        } else {
            for line in lines() { terminal.writeOut(line + "\n") }
        }
    }

    /// Prints why a command failed.
    func failure(_ code: String, _ message: String, _ exit: ExitCode) -> ExitCode {
        if isJSON {
            let value = Value.map([
                Value.Entry("code", .text(code)), Value.Entry("detail", .text(message)),
            ])
            terminal.writeError(String(decoding: Encoding.json.encode(value), as: UTF8.self) + "\n")
        } else {
            let label = terminal.style(.red, "error:", on: .error)
            terminal.writeError("\(label) \(message)\n")
        }
        return exit
    }
}
