import Glibc
import ToteCommandLine
import ToteCore
import ToteServer
import ToteService

/// `tote catalog import|check|show`.
enum CatalogCommands {
    /// Bytes of a file that is read, comments and spaces included.
    static let fileBytesMax = 16 * 1_024 * 1_024
    /// How many stores a summary lists.
    static let storesShownMax = 20

    static func importFile(
        _ command: ParsedCommand, _ output: Output
    ) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let input = try Input(command)
        return report(input.name, output) { () throws(Refusal) in
            let (catalog, base) = try input.read(line)
            let value = try refusing { () throws(Operator.Failure) in
                try line.call(
                    "POST", ["v1", "admin", "catalog"], catalog.importedValue,
                    ifMatch: base.map { "\"\($0)\"" })
            }
            output.result(
                [("catalog", JSONText(value))],
                ["catalogue \(FileCommands.number(value, "version")) is in force"]
                    + summary(catalog))
        }
    }

    static func check(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let input = try Input(command)
        return report(input.name, output) { () throws(Refusal) in
            let (catalog, _) = try input.read(line)
            output.result(
                [("catalog", JSONText(catalog.importedValue))],
                ["\(input.name): in order"] + summary(catalog))
        }
    }

    static func show(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        return report("", output) { () throws(Refusal) in
            let catalog = try current(line)
            output.result(
                [("catalog", JSONText(catalog.value))],
                ["catalogue \(catalog.version)"] + summary(catalog))
        }
    }

    /// Why a command did nothing.
    enum Refusal: Error {
        case faults([CatalogFault])
        case failed(Operator.Failure)
    }

    static func refusing<Result>(
        _ body: () throws(Operator.Failure) -> Result
    ) throws(Refusal) -> Result {
        do throws(Operator.Failure) {
            return try body()
        } catch {
            throw .failed(error)
        }
    }

    /// The catalogue in force.
    static func current(_ line: Operator) throws(Refusal) -> Catalog {
        let value = try refusing { () throws(Operator.Failure) in
            try line.call("GET", ["v1", "catalog"])
        }
        do {
            return try Catalog(value)
        } catch {
            throw .failed(
                Operator.Failure(
                    code: "newer_server",
                    message: "the server's catalogue is of another version: \(error.path): "
                        + error.message, exit: .config))
        }
    }

    private static func report(
        _ file: String, _ output: Output, _ body: () throws(Refusal) -> Void
    ) -> ExitCode {
        do throws(Refusal) {
            try body()
            return .success
        } catch {
            switch error {
            case .failed(let failure):
                return output.failure(failure)
            case .faults(let faults):
                output.faults(faults, in: file)
                return .dataError
            }
        }
    }

    /// What a catalogue holds, for people.
    private static func summary(_ catalog: Catalog) -> [String] {
        let counts = [
            (catalog.products.count, "product", "products"),
            (catalog.categories.count, "category", "categories"),
            (catalog.groups.count, "option group", "option groups"),
            (catalog.stores.count, "store", "stores"),
        ]
        let shown = catalog.stores.prefix(storesShownMax)
        let width = shown.map(\.id.utf8.count).max() ?? 0
        let now = SystemClock.nowMilliseconds()
        var lines = [counts.map { "\($0) \($0 == 1 ? $1 : $2)" }.joined(separator: ", ")]
        for store in shown {
            let id = store.id + String(repeating: " ", count: width - store.id.utf8.count)
            let taxes = store.taxIncluded ? "tax included" : "tax added"
            var state = store.isOpen(at: now) ? "open now" : "closed now"
            if let last = store.open.last {
                state += ", hours until \(SystemClock.text(last.to).prefix(10))"
            }
            lines.append("  \(id)  \(store.currency), \(taxes), \(state)")
        }
        let more = catalog.stores.count - shown.count
        if more > 0 { lines.append("  and \(more) more") }
        if let programme = catalog.programme { lines.append(summary(programme)) }
        return lines
    }

    private static func summary(_ programme: Programme) -> String {
        let currencies = programme.earnings.map(\.currency).joined(separator: ", ")
        var parts = [currencies.isEmpty ? "nothing is earned" : "points for \(currencies)"]
        if !programme.tiers.isEmpty {
            let end = programme.tierPeriods.last.map { SystemClock.text($0.end - 1).prefix(10) }
            parts.append(
                "\(programme.tiers.count == 1 ? "1 tier" : "\(programme.tiers.count) tiers") until "
                    + (end ?? ""))
        }
        let rewards = programme.rewards.count
        parts.append(rewards == 1 ? "1 reward" : "\(rewards) rewards")
        parts.append(programme.expiryMonths.map { "points last \($0) months" } ?? "no expiry")
        return "programme: " + parts.joined(separator: ", ")
    }
}

extension Output {
    /// Prints all that is wrong with a file.
    fileprivate func faults(_ faults: [CatalogFault], in file: String) {
        if isJSON {
            let text = JSONText.versioned([
                ("code", "catalog_invalid"),
                ("detail", .string("\(file) has \(faults.count) faults; nothing has changed")),
                ("errors", .array(faults.map(\.json))),
            ])
            terminal.writeError(text.compact + "\n")
        } else {
            for fault in faults { terminal.writeError(fault.line(file) + "\n") }
            let count = faults.count == 1 ? "1 fault" : "\(faults.count) faults"
            let label = terminal.style(.red, "error:", on: .error)
            terminal.writeError("\(label) \(count); nothing has changed\n")
        }
    }
}

/// The file that a command names, and how it is to be read.
private struct Input {
    let name: String
    private let firstDay: CivilDate?
    private let days: Int
    private let language: String

    init(_ command: ParsedCommand) throws(UsageError) {
        name = command.arguments[0]
        days = try command.int("days", in: 1...800)
        language = try command.string("language")
        guard let from = command.option("from") else {
            firstDay = nil
            return
        }
        guard let date = CivilDate(from) else {
            throw UsageError(
                "--from takes a date, not \(from)", hint: "like 2026-12-25", command: command.line)
        }
        firstDay = date
    }

    /// The file's catalogue; for a price list with the version that it was merged into.
    func read(_ line: Operator) throws(CatalogCommands.Refusal) -> (Catalog, base: Int64?) {
        let (catalog, base) = try readFile(line)
        // As the server will count it, with its version.
        let bytes = Encoding.json.encode(catalog.value).count
        guard bytes <= Catalog.bytesMax else {
            throw .failed(
                Operator.Failure(
                    code: "catalog_too_large",
                    message: "the catalogue takes \(bytes) bytes, at most \(Catalog.bytesMax) are "
                        + "allowed: work opening hours out for fewer days with --days",
                    exit: .dataError))
        }
        return (catalog, base)
    }

    private func readFile(
        _ line: Operator
    ) throws(CatalogCommands.Refusal) -> (Catalog, base: Int64?) {
        let text = try CatalogCommands.refusing { () throws(Operator.Failure) in
            try TextFile.read(name, most: CatalogCommands.fileBytesMax)
        }
        let isList = name.lowercased().hasSuffix(".csv")
        let current = isList ? try base(line) : nil
        do throws(CatalogFile.Failure) {
            if let current {
                let merged = try PriceList.merge(text, into: current, language: language)
                return (merged, current.version)
            }
            let now = Int(SystemClock.nowMilliseconds() / 1_000)
            var file = CatalogFile(firstDay: firstDay, days: days, now: now)
            return (try file.read(text), nil)
        } catch {
            throw .faults(error.faults)
        }
    }

    private func base(_ line: Operator) throws(CatalogCommands.Refusal) -> Catalog {
        do throws(CatalogCommands.Refusal) {
            return try CatalogCommands.current(line)
        } catch {
            guard case .failed(let failure) = error,
                ["no_catalog", "no_data"].contains(failure.code)
            else { throw error }
            throw .failed(
                Operator.Failure(
                    code: "no_catalog",
                    message: "a price list needs stores: import a catalogue as JSON first, which "
                        + "Protocol/catalog.schema.json describes", exit: .failure))
        }
    }
}
