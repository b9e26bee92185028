import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteCore

/// `tote-sim sales`: plays a retailer's own sales as carts and orders.
enum SalesCommand {
    static let spec = CommandSpec(
        "sales", "Plays a sales export as carts and orders, and compares the sums to the cent.",
        discussion: "The file is CSV (RFC 4180); its first line names the columns customer, time, "
            + "store, sku, quantity, price and, if it has one, currency. Times are RFC 3339 or "
            + "YYYY-MM-DD HH:MM[:SS], in UTC; prices have at most the currency's decimals. Lines "
            + "that follow each other with the same customer, store and time are one order. The "
            + "file makes the catalogue: a price is the price at the store, and where it changes "
            + "the catalogue is imported again, under the next version: at full speed one version "
            + "serves up to 8,000 orders that agree on their prices, the others wait for the next. "
            + "Each customer has a phone with the client core, on files (which this command does "
            + "not wait to reach the disk, as a phone does) and over HTTP; the "
            + "stores' counters hand every order over.",
        examples: [
            ("tote-sim sales --example > sales.csv", "a small file to try"),
            ("tote-sim sales sales.csv", "as fast as it goes"),
            ("tote-sim sales sales.csv --speed 3600", "an hour in a second"),
        ],
        arguments: [ArgumentSpec("file", "the export", optional: true)],
        options: [
            OptionSpec("example", "print a small export, to try"),
            OptionSpec(
                "speed", valueName: "N|max", "so many times faster than the file", default: "max"),
            OptionSpec(
                "currency", valueName: "CODE", "of files without a column for it", default: "EUR"),
            OptionSpec(
                "server", valueName: "URL",
                "a server that runs already; its catalogue is replaced"),
            OptionSpec(
                "admin-token-file", valueName: "FILE", "holds an admin's token for --server"),
            OptionSpec("all", "print every customer's total, not only the largest 20"),
            OptionSpec("json", "print one JSON object at the end, with every total"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        if command.flag("example") {
            terminal.writeOut(SalesExample.text)
            return .success
        }
        guard let file = command.arguments.first else {
            throw UsageError(
                "which file?", hint: "`tote-sim sales --example > sales.csv` makes one to try",
                command: command.line)
        }
        let currency = try command.string("currency")
        guard Currency.exponent(currency) != nil else {
            throw UsageError(
                "--currency: '\(currency)' is no currency of ISO 4217", hint: "like EUR",
                command: command.line)
        }
        var options = SalesPlay.Options()
        options.speed = try speed(command)
        let isJSON = command.flag("json")
        let place = try RunCommand.place(command, terminal)
        guard let place else { return .noInput }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let why = String(cString: strerror(errno))
            return terminal.report(
                CommandFailure(
                    code: "no_file", message: "\(file) cannot be read: \(why)", exit: .noInput),
                asJSON: isJSON)
        }
        defer { close(descriptor) }
        let index: SalesIndex
        do throws(TextError) {
            index = try SalesIndex(descriptor, currency: currency)
        } catch {
            return terminal.report(
                CommandFailure(
                    code: "sales_invalid", message: "\(file) has a fault; nothing was played",
                    exit: .dataError, faults: FileFaults(path: file, faults: [error])),
                asJSON: isJSON)
        }
        do throws(RunFailure) {
            let report = try play(index, descriptor, place, options, terminal)
            terminal.writeOut(
                isJSON
                    ? report.json.pretty + "\n"
                    : report.lines(all: command.flag("all")).joined(separator: "\n") + "\n")
            return report.isEqual ? .success : .failure
        } catch {
            return terminal.report(error.asFailure, asJSON: isJSON)
        }
    }

    private static func speed(_ command: ParsedCommand) throws(UsageError) -> Double? {
        let word = try command.string("speed")
        if word == "max" { return nil }
        guard let speed = Double(word), speed > 0, speed <= 1_000_000_000 else {
            throw UsageError(
                "--speed: '\(word)' is no speed", hint: "a number above 0, or max",
                command: command.line)
        }
        return speed
    }

    private static func play(
        _ index: SalesIndex, _ descriptor: Int32, _ place: ScenarioRun.Place,
        _ options: SalesPlay.Options, _ terminal: Terminal
    ) throws(RunFailure) -> SalesReport {
        Keeper.shared.start()
        let directory: String
        do throws(Files.Failure) {
            directory = try Files.makeTemporaryDirectory()
        } catch {
            throw RunFailure(.unavailable, "\(error)")
        }
        Keeper.shared.removeAtEnd(directory)
        defer { Files.remove(directory) }
        let administrator: Administrator
        let address: ServerAddress
        var own: ServerProcess?
        var prefix = ""
        switch place {
        case .own:
            let server = try ServerProcess(in: directory)
            own = server
            address = server.address
            administrator = Administrator(place: server.operatorPlace, token: nil)
        case .remote(let remote, let remoteAdministrator):
            address = remote
            administrator = remoteAdministrator
            try administrator.greet()
            prefix = "sales-\(SystemClock.stamp())-"
        }
        defer { own?.end() }
        let begun = SystemClock.monotonicMilliseconds()
        let play = try SalesPlay(
            index, descriptor, server: address, administrator: administrator,
            directory: directory, prefix: prefix, options)
        var progress = ProgressLine(terminal)
        var saidAt: UInt64 = begun
        try play.run { totals in
            let now = SystemClock.monotonicMilliseconds()
            guard now - saidAt >= (terminal.errorIsTerminal ? 200 : 5_000) else { return }
            saidAt = now
            let rate = UInt64(totals.orders) * 1_000 / max(1, now - begun)
            progress.update(
                "\(totals.lines) of \(index.rows) lines, \(totals.orders) orders, \(rate) a second")
        }
        progress.finish()
        let milliseconds = SystemClock.monotonicMilliseconds() - begun
        var points: Int64?
        if let own {
            // Orders earn when the minute is over in which a hand-over can be taken back.
            try own.kill()
            try own.start(clockAhead: "2m")
            points = try SalesPoints.check(play.expectedPoints, administrator)
            try own.verify()
        }
        return SalesReport(
            index: index, totals: play.totals, points: points, milliseconds: milliseconds)
    }
}
