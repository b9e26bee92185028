import Glibc
import ToteClient
import ToteCommandLine

/// `tote-sim counter`: a store's counter on a terminal, driven by lines.
enum CounterCommand {
    static let spec = CommandSpec(
        "counter", "Is a store's counter: it follows the orders, and hands them over.",
        discussion: "It polls the store's orders with a cursor, as a counter's system does, and "
            + "asks for steps with idempotency keys. Cursor, board and what was not answered yet "
            + "are kept in its directory: started again it misses nothing and doubles nothing. A "
            + "script stops at the first line that fails. `help` lists the verbs.",
        examples: [
            (
                "tote token mint --role staff --space store:s-17 --label till-1",
                "makes the token that it needs"
            ),
            ("tote-sim counter s-17 --token-file till-1.token", "a prompt"),
            ("echo 'auto on' | tote-sim counter s-17 --script -", "lines from a pipe"),
        ],
        arguments: [ArgumentSpec("store", "the store's id, as the catalogue has it")],
        options: [
            OptionSpec(
                "server", valueName: "URL", "the server", default: "http://127.0.0.1:8090",
                environment: "TOTE_SERVER"),
            OptionSpec(
                "token-file", valueName: "FILE", "holds the token; read anew for each request"),
            OptionSpec(
                "token", valueName: "TOKEN", "the token itself; better set TOTE_TOKEN",
                environment: "TOTE_TOKEN", isSecret: true),
            OptionSpec("name", valueName: "NAME", "what the counter is called", default: "counter"),
            OptionSpec(
                "dir", valueName: "DIR", "where counters keep their files",
                default: "tote-counters"),
            OptionSpec(
                "script", valueName: "FILE", "the lines, instead of standard input; - is that"),
            OptionSpec(
                "redeemer",
                "takes reservations while it is cut off; its token must be named by `tote store "
                    + "redeemer`"),
            OptionSpec("json", "answer each line with one JSON object"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let options = try self.options(command)
        let isJSON = command.flag("json")
        var script: [String]?
        let counter: Counter
        do throws(Files.Failure) {
            if let path = command.option("script"), path != "-" {
                script = String(decoding: try Files.read(path), as: UTF8.self)
                    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            }
        } catch {
            return terminal.report(
                CommandFailure(code: "no_file", message: "\(error)", exit: .noInput),
                asJSON: isJSON)
        }
        let lock: DirectoryClaim
        do throws(Files.Failure) {
            lock = try DirectoryClaim(options.directory)
        } catch {
            return terminal.report(
                CommandFailure(code: "storage", message: "\(error)", exit: error.exit),
                asJSON: isJSON)
        }
        guard lock.isOurs else {
            return terminal.report(
                CommandFailure(
                    code: "directory_in_use",
                    message: "\(options.directory) is in use by another process",
                    exit: .temporaryFailure), asJSON: isJSON)
        }
        do throws(Files.Failure) {
            counter = try Counter(options)
        } catch {
            return terminal.report(
                CommandFailure(code: "storage", message: "\(error)", exit: error.exit),
                asJSON: isJSON)
        }
        if options.isRedeemer {
            do throws(ToteError) {
                try counter.openRedeemer()
            } catch {
                counter.close()
                return terminal.report(
                    CommandFailure(
                        code: error.code.rawValue, message: error.message, exit: .ioError),
                    asJSON: isJSON)
            }
        }
        let console = LineConsole(
            terminal: terminal, isJSON: isJSON, script: script)
        defer { lock.end() }
        return console.run(CounterSession(counter: counter))
    }

    private static func options(_ command: ParsedCommand) throws(UsageError) -> Counter.Options {
        func isName(_ text: String) -> Bool {
            !text.isEmpty && !text.hasPrefix(".")
                && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
        }
        let (store, name) = (command.arguments[0], try command.string("name"))
        for word in [store, name] where !isName(word) {
            throw UsageError(
                "'\(word)' is no name", hint: "like s-17, or till-1", command: command.line)
        }
        let address = try command.string("server")
        let server: ServerAddress
        do throws(ServerAddress.Refusal) {
            server = try ServerAddress(address)
        } catch let refusal {
            throw UsageError(
                "--server: \(refusal.message)", hint: refusal.hint, command: command.line)
        }
        guard command.option("token-file") != nil || command.option("token") != nil else {
            throw UsageError(
                "a counter needs a token: --token-file FILE, or TOTE_TOKEN",
                hint: "`tote token mint --role staff --space store:\(store)` makes one",
                command: command.line)
        }
        var options = Counter.Options(
            name: name, store: store, server: .socket(server.endpoint),
            directory: Files.absolute(try command.string("dir")) + "/\(store)-\(name)",
            tokenFile: command.option("token-file").map(Files.absolute),
            token: command.option("token"))
        options.isRedeemer = command.flag("redeemer")
        return options
    }
}

/// Holds a directory against a second process, until this one ends, however.
struct DirectoryClaim {
    private let descriptor: Int32
    let isOurs: Bool

    init(_ directory: String) throws(Files.Failure) {
        try Files.makeDirectory(directory)
        descriptor = open(directory + "/lock", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        isOurs = descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0
        if !isOurs, descriptor >= 0 { close(descriptor) }
    }

    func end() { close(descriptor) }
}
