import Glibc
import ToteClient
import ToteCommandLine
import ToteConcurrency

/// `tote-sim device`: one simulated device, driven by lines.
enum DeviceCommand {
    static let spec = CommandSpec(
        "device", "Is one device: a person types, or a script drives it.",
        discussion: "The device keeps everything in its directory and goes on from there when it "
            + "is started again, also its network and its clock. A script stops at the first line "
            + "that fails. `help` lists the verbs.",
        examples: [
            ("tote-sim device phone --server http://127.0.0.1:8090", "a prompt"),
            ("tote-sim device phone --server http://127.0.0.1:8090 --script a.txt", "a script"),
            (
                "echo 'cart add latte 2' | tote-sim device phone --server URL",
                "a script from a pipe"
            ),
        ],
        arguments: [ArgumentSpec("name", "what the device is called, like phone")],
        options: [
            OptionSpec(
                "server", valueName: "URL", "the server", default: "http://127.0.0.1:8090",
                environment: "TOTE_SERVER"),
            OptionSpec(
                "token-file", valueName: "FILE", "holds the token; read anew for each sign-in"),
            OptionSpec(
                "token", valueName: "TOKEN", "the token itself; better set TOTE_TOKEN",
                environment: "TOTE_TOKEN", isSecret: true),
            OptionSpec("customer", valueName: "ID", "whose device it is", default: "demo"),
            OptionSpec(
                "dir", valueName: "DIR", "where devices keep their files",
                default: "tote-devices"),
            OptionSpec("script", valueName: "FILE", "the lines, instead of standard input"),
            OptionSpec(
                "live", valueName: "on|off", "whether it keeps in sync by itself", default: "on",
                choices: ["on", "off"]),
            OptionSpec("guest", "a new device begins without an account"),
            OptionSpec(
                "store", valueName: "STORE",
                "a device of a store, with a token of its staff: `join` takes customers' codes"),
            OptionSpec(
                "channel", valueName: "CHANNEL", "where the app runs, as its orders say",
                default: "app"),
            OptionSpec("json", "answer each line with one JSON object"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let options = try self.options(command)
        let isJSON = command.flag("json")
        let script: [String]?
        do throws(Files.Failure) {
            script = try command.option("script").map { path throws(Files.Failure) in
                String(decoding: try Files.read(path), as: UTF8.self)
                    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            }
        } catch {
            return terminal.report(
                CommandFailure(code: "no_file", message: "\(error)", exit: .noInput),
                asJSON: isJSON)
        }
        let console = LineConsole(terminal: terminal, isJSON: isJSON, script: script)
        switch Blocking.wait({ await DeviceSession.open(options) }) {
        case .success(let session):
            return console.run(DeviceLines(session: session))
        case .failure(let failure):
            console.failed(line: 0, VerbFailure(.refused, failure.message))
            return failure.exit
        }
    }

    private static func options(
        _ command: ParsedCommand
    ) throws(UsageError) -> DeviceSession.Options {
        let name = command.arguments[0]
        guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/") else {
            throw UsageError(
                "'\(name)' is no name for a device", hint: "like phone or tablet-2",
                command: command.line)
        }
        let address = try command.string("server")
        let server: ServerAddress
        do throws(ServerAddress.Refusal) {
            server = try ServerAddress(address)
        } catch let refusal {
            throw UsageError(
                "--server: \(refusal.message)", hint: refusal.hint, command: command.line)
        }
        var options = DeviceSession.Options(
            name: name, server: .socket(server.endpoint),
            directory: Files.absolute(try command.string("dir")) + "/" + name)
        options.customer = try command.string("customer")
        options.tokenFile = command.option("token-file").map(Files.absolute)
        options.token = command.option("token")
        options.isLive = try command.string("live") == "on"
        options.isGuest = command.flag("guest")
        options.store = command.option("store")
        let channel = try command.string("channel")
        guard Channel(.text(channel)) != nil else {
            throw UsageError(
                "'\(channel)' is no channel", hint: "1 to 16 of a-z 0-9 -, like web",
                command: command.line)
        }
        options.channel = Channel(rawValue: channel)
        return options
    }
}

/// A device behind its lines.
struct DeviceLines: LineSession {
    let session: DeviceSession

    var name: String { session.options.name }
    var help: VerbHelp { DeviceHelp.help }

    func arguments(of verb: Verb, after words: [String]) -> [String] {
        Blocking.wait { [session] in await session.arguments(of: verb, after: words) }
    }

    func begin() -> [String] { Blocking.wait { [session] in await session.show() } }

    func perform(_ line: String) throws(VerbFailure) -> LineAnswer {
        let result = Blocking.wait { [session] () async -> Result<LineAnswer, VerbFailure> in
            do throws(VerbFailure) {
                return .success(try await session.run(line))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func close() { Blocking.wait { [session] in await session.close() } }

    func vanish() {
        // At once, before what is planned already is done.
        session.link.use(NetworkProfile.presets[0])
        Blocking.wait { [session] in await session.close() }
    }
}

extension DeviceSession {
    /// Opens a device, or says why it cannot be.
    static func open(_ options: Options) async -> Result<DeviceSession, CommandFailure> {
        do {
            return .success(try await DeviceSession(options))
        } catch {
            let text = (error as? ToteError)?.message ?? (error as? VerbFailure)?.message
            let isBusy = (error as? ToteError)?.message.contains("open already") == true
            return .failure(
                CommandFailure(
                    code: "storage", message: text ?? "\(error)",
                    exit: isBusy
                        ? .temporaryFailure : (error as? Files.Failure)?.exit ?? .ioError))
        }
    }
}
