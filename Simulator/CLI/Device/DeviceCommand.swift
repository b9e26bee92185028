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
            ("echo 'cart add latte 2' | tote-sim device phone --server …", "a script from a pipe"),
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
                environment: "TOTE_TOKEN"),
            OptionSpec("customer", valueName: "ID", "whose device it is", default: "demo"),
            OptionSpec(
                "dir", valueName: "DIR", "where devices keep their files",
                default: "tote-devices"),
            OptionSpec("script", valueName: "FILE", "the lines, instead of standard input"),
            OptionSpec(
                "live", valueName: "on|off", "whether it keeps in sync by itself", default: "on",
                choices: ["on", "off"]),
            OptionSpec("guest", "a new device begins without an account"),
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
            terminal.writeError("\(error)\n")
            return .noInput
        }
        let console = DeviceConsole(terminal: terminal, isJSON: isJSON, script: script)
        switch Blocking.wait({ await Result { try await DeviceSession(options) } }) {
        case .success(let session): return console.run(session)
        case .failure(let error):
            let isBusy = (error as? ToteError)?.message.contains("open already") == true
            let text = (error as? ToteError)?.message ?? (error as? VerbFailure)?.message
            console.failed(line: 0, VerbFailure(.refused, text ?? "\(error)"))
            return isBusy ? .temporaryFailure : .ioError
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
            name: name, server: server,
            directory: Files.absolute(try command.string("dir")) + "/" + name)
        options.customer = try command.string("customer")
        options.tokenFile = command.option("token-file").map(Files.absolute)
        options.token = command.option("token")
        options.isLive = try command.string("live") == "on"
        options.isGuest = command.flag("guest")
        return options
    }
}

/// Where a device's lines come from and its answers go to.
struct DeviceConsole {
    let terminal: Terminal
    let isJSON: Bool
    let script: [String]?

    private var isInteractive: Bool { script == nil && terminal.inputIsTerminal && !isJSON }

    /// Does line after line, until `quit`, the end, or in a script the first one that fails.
    func run(_ session: DeviceSession) -> ExitCode {
        var rest = script?[...]
        var number = 0
        begin(session)
        defer { Blocking.wait { await session.close() } }
        while true {
            let line: String
            if rest != nil {
                guard let next = rest?.popFirst() else { return .success }
                line = next
            } else {
                guard let next = terminal.readInputLine(prompt: "\(session.options.name)> ") else {
                    return .success
                }
                line = next
            }
            number += 1
            let result = Blocking.wait { () async -> Result<DeviceSession.Answer, VerbFailure> in
                do throws(VerbFailure) {
                    return .success(try await session.run(line))
                } catch {
                    return .failure(error)
                }
            }
            switch result {
            case .success(let answer):
                answered(line: number, answer)
                if answer.isLast { return .success }
            case .failure(let failure):
                failed(line: number, failure)
                if !isInteractive { return .failure }
            }
        }
    }

    private func begin(_ session: DeviceSession) {
        let lines = Blocking.wait { await session.show() }
        if isJSON {
            emit(["line": 0, "ok": true, "lines": .array(lines.map { .string($0) })])
        } else if isInteractive {
            for line in lines + ["`help` lists the verbs, Ctrl-D ends."] {
                terminal.writeError(terminal.style(.dim, line, on: .error) + "\n")
            }
        }
    }

    private func answered(line: Int, _ answer: DeviceSession.Answer) {
        if isJSON {
            emit([
                "line": .int(line), "ok": true, "lines": .array(answer.lines.map { .string($0) }),
            ])
        } else {
            for text in answer.lines { terminal.writeOut(text + "\n") }
        }
    }

    /// Says why a line was not done; line 0 is the start.
    func failed(line: Int, _ failure: VerbFailure) {
        if isJSON {
            emit([
                "line": .int(line), "ok": false, "kind": .string(failure.kind.rawValue),
                "message": .string(failure.message),
            ])
        } else {
            let place = isInteractive || line == 0 ? "" : "line \(line): "
            let label = terminal.style(.red, "error:", on: .error)
            terminal.writeError("\(place)\(label) \(failure.message)\n")
        }
    }

    private func emit(_ value: JSONText) { terminal.writeOut(value.compact + "\n") }
}

/// The bridge from the main thread, which may block, to the client core, which may not.
enum Blocking {
    /// Runs a body as a task and waits for it. Never called from a task.
    static func wait<Outcome: Sendable>(
        _ body: @escaping @Sendable () async -> Outcome
    ) -> Outcome {
        let outcome = Monitor<Outcome?>(nil)
        Task {
            let value = await body()
            outcome.change { $0 = value }
        }
        while true {
            if let value: Outcome = outcome.wait(atMost: nil, until: { $0 }) { return value }
        }
    }
}

extension Result where Failure == any Error, Success: Sendable {
    /// Runs a body and keeps what it returns or throws.
    fileprivate init(_ body: @Sendable () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
