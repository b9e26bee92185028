import ToteCommandLine
import ToteCore
import ToteServer
import ToteService

/// `tote customer`.
enum CustomerCommands {
    static let spec = CommandSpec(
        "customer", "A customer's own data.",
        subcommands: [
            CommandSpec(
                "export", "All that is kept of a customer, as JSON: what they may ask for.",
                discussion: "Reads the data file beside the server and changes nothing. Protocol/"
                    + "export.md says what each member is. It is personal data: give it to the "
                    + "customer and to nobody else.",
                examples: [
                    ("tote customer export c-1 > c-1.json", "a customer of the app"),
                    ("tote customer export demo --data ./demo", "of another data directory"),
                ],
                arguments: [ArgumentSpec("CUSTOMER", "the app's id of the customer, like c-1")],
                options: [CommandTree.data, CommandTree.json]),
            CommandSpec(
                "erase", "Erases a customer: no copy that Tote keeps says who they were.",
                discussion: "Documents, devices and tokens are removed; orders and the ledger "
                    + "stay as nobody's, with what is left on it written off. Their devices are "
                    + "told, and remove what they have. Nobody gets this id again. Backups that "
                    + "were made before still hold the customer: a restore erases them again, by "
                    + "the file `erased` beside the data. Protocol/erasure.md says more.",
                examples: [
                    ("tote customer erase c-1 --yes", "export first, if they asked for it")
                ],
                arguments: [ArgumentSpec("CUSTOMER", "the app's id of the customer, like c-1")],
                options: [
                    OptionSpec("yes", "really: it cannot be undone"), CommandTree.data,
                    CommandTree.json,
                ]),
        ])

    static func erase(
        _ command: ParsedCommand, _ output: Output
    ) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let customer = command.arguments[0]
        guard command.flag("yes") else {
            throw UsageError(
                "an erased customer does not come back", hint: "add --yes", command: command.line)
        }
        return FileCommands.attempt(output) { () throws(CommandFailure) in
            let value = try line.call(
                "POST", ["v1", "admin", "customers", customer, "erase"],
                missing: "nothing is kept of a customer \(customer)")
            let isNew = value["new"] == .bool(true)
            output.result(
                value,
                isNew
                    ? [
                        "erased; \(FileCommands.number(value, "orders")) orders stay as nobody's, "
                            + "\(FileCommands.number(value, "tokens")) tokens are void",
                        "backups of before hold the customer still: \(line.directory.erasedPath) "
                            + "erases them again when one is restored",
                    ] : ["was erased before"])
            return .success
        }
    }

    static func export(
        _ command: ParsedCommand, _ output: Output
    ) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let customer = command.arguments[0]
        return FileCommands.attempt(output) { () throws(CommandFailure) in
            guard line.directory.holdsData else { throw Operator.noData(line.directory) }
            do {
                let path = line.directory.filePath
                let value = try CustomerExport.value(
                    path: path, customer: customer, at: SystemClock.nowMilliseconds())
                if let value {
                    let text = String(decoding: Encoding.json.encode(value), as: UTF8.self)
                    output.document(value, text + "\n")
                    return .success
                }
                let customers = try SpaceHistory.spaces(path: path).compactMap { name in
                    name.hasPrefix("customer:") ? String(name.dropFirst(9)) : nil
                }
                let near = Suggestion.nearest(to: customer, among: customers)
                throw CommandFailure(
                    code: "no_customer",
                    message: "nothing is kept of a customer \(customer)"
                        + (near.map { ": did you mean \($0)?" } ?? ""), exit: .noInput)
            } catch let failure as CommandFailure {
                throw failure
            } catch {
                throw Operator.failure(error)
            }
        }
    }
}
