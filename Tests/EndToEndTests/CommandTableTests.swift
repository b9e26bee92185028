import Foundation
import Testing

/// What must hold of every command of both programs, by their own table.
@Suite struct CommandTableTests {
    /// A command as `help --json` shows it.
    struct Command: Decodable, Sendable {
        struct Example: Decodable {
            let line: String
        }
        struct Option: Decodable {
            let name: String
        }

        let command: String
        let examples: [Example]
        let options: [Option]

        var words: [String] { command.split(separator: " ").map(String.init) }
        var program: String { words[0] }
        func has(_ option: String) -> Bool { options.contains { $0.name == option } }
    }

    private struct Table: Decodable {
        let version: Int
        let commands: [Command]
    }

    private static func commands(_ program: String) async throws -> [Command] {
        let outcome = try await SimulatorProgram.run(program, ["help", "--json"])
        let table = try JSONDecoder().decode(Table.self, from: Data(outcome.out.utf8))
        #expect(table.version == 1 && table.commands.count > 9)
        return table.commands
    }

    /// The objects that a text holds: one, or one a line; each must say its version.
    private static func objects(_ text: String, _ what: String) -> [[String: Any]] {
        let texts =
            (try? JSONSerialization.jsonObject(with: Data(text.utf8))) == nil
            ? text.split(separator: "\n").map(String.init) : [text]
        return texts.compactMap { text in
            let object = try? JSONSerialization.jsonObject(with: Data(text.utf8))
            guard let object = object as? [String: Any] else {
                Issue.record("\(what): no JSON object: \(text.prefix(300))")
                return nil
            }
            #expect(object["version"] as? Int == 1, "\(what): \(text.prefix(300))")
            return object
        }
    }

    @Test(arguments: ["tote", "tote-sim"])
    func `every command has examples that fit it, and --json`(
        program: String
    ) async throws {
        let commands = try await Self.commands(program)
        let others = try await Self.commands("tote") + Self.commands("tote-sim")
        for command in commands {
            #expect(!command.examples.isEmpty, "\(command.command)")
            #expect(command.has("--json"), "\(command.command)")
            for example in command.examples {
                // What follows `--` is for another program.
                let words = example.line.split(separator: " ").map(String.init)
                    .prefix { $0 != "--" }
                let shown = others.filter { other in
                    example.line.contains(other.command)
                }
                #expect(!shown.isEmpty, "\(example.line)")
                for option in words where option.hasPrefix("--") {
                    let name = String(option.prefix { $0 != "=" })
                    #expect(shown.contains { $0.has(name) }, "\(example.line): \(name)")
                }
            }
        }
    }

    @Test(arguments: ["tote", "tote-sim"])
    func `a command that is refused says so as JSON where it was asked for`(
        program: String
    ) async throws {
        for command in try await Self.commands(program) {
            let line = Array(command.words.dropFirst()) + ["--json", "--surely-not"]
            let outcome = try await SimulatorProgram.run(program, line)
            if Self.builtIns.contains(command.words[1]) { continue }
            #expect(outcome.exit == 64 && outcome.out.isEmpty, "\(line): \(outcome)")
            let said = Self.objects(outcome.error, command.command)
            #expect(said.count == 1 && said.first?["code"] as? String == "usage", "\(line)")
            let failed = try await SimulatorProgram.run(
                program, Array(command.words.dropFirst()) + ["--surely-not"])
            #expect(failed.error.contains("See '\(command.command) --help'"), "\(failed.error)")
        }
    }

    private static let builtIns = ["help", "completion", "man"]

    @Test(arguments: ["tote", "tote-sim"])
    func `what both programs have answers as JSON, too`(program: String) async throws {
        func text(_ line: String...) async throws -> String {
            let outcome = try await SimulatorProgram.run(program, line + ["--json"])
            #expect(outcome.exit == 0 && outcome.error.isEmpty, "\(line): \(outcome)")
            let object = try #require(Self.objects(outcome.out, "\(line)").first)
            return object["text"] as? String ?? object["program"] as? String ?? ""
        }
        #expect(try await text("--version") == program)
        #expect(try await text("man").contains(".TH"))
        #expect(try await text("completion", "bash").contains("complete"))
        #expect(try await text("--help").contains("Usage"))
        let wrong = try await SimulatorProgram.run(program, ["completion", "csh", "--json"])
        #expect(wrong.exit == 64 && wrong.error.contains("there is no completion for 'csh'"))
    }

    @Test func `every command of tote answers as JSON, on failure too`() async throws {
        let world = try await CafeWorld()
        let data = world.directory.appendingPathComponent("data").path
        let path = { (name: String) in world.directory.appendingPathComponent(name).path }
        var told: [String: [String: Any]] = [:]
        func tote(_ command: String, _ rest: String..., code: Int32 = 0) async throws {
            let words = command.split(separator: " ").map(String.init) + rest + ["--json"]
            let outcome = try await SimulatorProgram.run(
                "tote", words, environment: ["TOTE_DATA": data])
            #expect(outcome.exit == code, "\(words): \(outcome)")
            #expect(code == 0 ? outcome.error.isEmpty : outcome.out.isEmpty, "\(words)")
            told[command] = Self.objects(outcome.out + outcome.error, command).first
        }
        func id(_ command: String) -> String { told[command]?["id"] as? String ?? "" }

        try Data("{}".utf8).write(to: URL(fileURLWithPath: path("tote.json")))
        try await tote("config check", path("tote.json"))
        try await tote("config show")
        try await tote("token mint", "--space", "customer:c-1")
        try await tote("token list")
        try await tote("token revoke", id("token mint"))
        try await tote("catalog show")
        let catalog = try JSONSerialization.data(withJSONObject: told["catalog show"] ?? [:])
        try catalog.write(to: URL(fileURLWithPath: path("menu.json")))
        try await tote("catalog check", path("menu.json"))
        try await tote("catalog import", path("menu.json"))
        try await tote("ledger enter", "demo", "500", "--reference", "r-1", "--reason", "a gift")
        try await tote("ledger show", "demo")
        _ = try await world.phone("menu refresh", "sync", "reserve 100", "sync")
        try await tote("lease list")
        let leases = told["lease list"]?["leases"] as? [[String: Any]]
        let lease = try #require(leases?.first?["id"] as? String, "\(told["lease list"] ?? [:])")
        try await tote("lease write-off", lease, "--reason", "lost")
        try await tote("store redeemer", CafeWorld.store, world.till)
        try await tote("store write-off", CafeWorld.store, "--reason", "lost")
        try await tote("webhook add", "https://hooks.example.com/")
        try await tote("webhook list")
        let webhook = id("webhook add")
        for command in ["enable", "rotate", "deliveries", "redeliver"] {
            try await tote("webhook \(command)", webhook)
        }
        try await tote("webhook test", webhook, "--no-wait")
        try await tote("webhook remove", webhook)
        _ = try await world.phone("cart add latte", "sync")
        for command in [
            "health", "unit", "containerfile", "nginx", "metrics list", "metrics dashboard",
            "openapi", "status", "alerts", "offer list",
        ] { try await tote(command) }
        try await tote("customer export", "demo")
        try await tote("report channels")
        #expect((told["openapi"]?["document"] as? [String: Any])?["openapi"] as? String == "3.1.0")
        try await tote("tail", "customer:demo", "--no-follow", "--last", "1")
        let replica = told["tail"]?["replica"] as? String ?? ""
        let counter = told["tail"]?["counter"] as? Int ?? 0
        try await tote("explain line", "customer:demo", "cart:main", "latte")
        try await tote("explain change", "customer:demo", "\(replica):\(counter)")
        try await tote("explain device", "customer:demo")
        try await tote("tail", "customer:none", code: 66)
        try await tote("offer admit", "regulars", "demo")
        try await tote("backup", path("copy.db"))
        try await tote("restore", path("copy.db"), "--data", path("restored"))
        try await tote("verify", path("copy.db"))
        try await tote("verify", path("none.db"), code: 66)
        try await tote("token revoke", "none", code: 66)
        try await tote("customer erase", "none", "--yes", code: 66)
        try await tote("serve", code: 75)
        let known = try await Self.commands("tote")
        for command in known where !Self.builtIns.contains(command.words[1]) {
            let name = command.words.dropFirst().joined(separator: " ")
            #expect(told[name] != nil, "nothing here runs `\(command.command)`")
        }
    }

    @Test func `every command of tote-sim answers as JSON, on failure too`() async throws {
        let world = try await CafeWorld()
        let path = { (name: String) in world.directory.appendingPathComponent(name).path }
        var told: Set<String> = []
        func simulate(
            _ command: String, _ rest: String..., input: String = "", code: Int32 = 0
        ) async throws {
            let words = [command, "--json"] + rest
            let outcome = try await SimulatorProgram.run(
                "tote-sim", words, input: input, environment: ["TOTE_TOKEN": "none"])
            #expect(outcome.exit == code, "\(words): \(outcome)")
            let said = code == 0 || outcome.error.isEmpty ? outcome.out : outcome.error
            #expect(!Self.objects(said, command).isEmpty, "\(words) says nothing: \(outcome)")
            told.insert(command)
        }
        try await simulate("list")
        try await simulate("list", "--tag", "none", code: 2)
        try await simulate("show", "first-sync")
        try await simulate("run", "first-sync")
        try await simulate("run", path("none.json"), code: 66)
        let scenario = try await SimulatorProgram.simulate("show", "first-sync").out
        try Data(scenario.utf8).write(to: URL(fileURLWithPath: path("mine.json")))
        try await simulate("check", path("mine.json"))
        try await simulate("check", world.directory.path, code: 66)
        let place = ["--dir", world.directory.path, "--server", world.url]
        try await simulate("device", "p", place[0], place[1], input: "cart add latte\nshow\n")
        try await simulate("device", "p", place[0], place[1], input: "crt add\n", code: 1)
        try await simulate("counter", "s-1", place[0], place[1], input: "help\n")
        let sales = try await SimulatorProgram.simulate("sales", "--example").out
        try Data(sales.utf8).write(to: URL(fileURLWithPath: path("sales.csv")))
        try await simulate("sales", path("sales.csv"))
        try await simulate("sales", path("none.csv"), code: 66)
        try await simulate("inspect", path("p"))
        try await simulate("inspect", path("none"), code: 66)
        try await simulate("world", "--family", "orders", "--seeds", "1..1")
        try await simulate("crash", "--kills", "1", "--stops", "1")
        try await simulate("conformance", "--only", "vectors", "--", "cat", code: 1)
        try await simulate("load", "--devices", "4", "--rate", "4", "--time", "1s")
        try await simulate("explore", "--seeds", "2..3")
        try await simulate("floor", "--seeds", "2..2", "--length", "1m")
        try await simulate("replay", "3")
        try await simulate("watch", "3", "--pace", "0")
        try await simulate("replay", path("none.json"), code: 66)
        try await simulate("shrink", "3", code: 1)
        try await simulate("compare", "3", path("none.ndjson"), code: 66)
        try await simulate("bench", "codec", "--check")
        for command in try await Self.commands("tote-sim")
        where !Self.builtIns.contains(command.words[1]) {
            #expect(told.contains(command.words[1]), "nothing here runs `\(command.command)`")
        }
    }

    @Test(
        .enabled(if: Tools.areThere("bash", "zsh", "fish"), "bash, zsh or fish is missing"),
        arguments: ["tote", "tote-sim"])
    func `every shell accepts its script, and bash and fish complete with it`(
        program: String
    ) async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        for shell in ["bash", "zsh", "fish"] {
            let script = try await SimulatorProgram.run(program, ["completion", shell]).out
            let file = directory.appendingPathComponent(shell).path
            try Data(script.utf8).write(to: URL(fileURLWithPath: file))
            let checked = try await Tools.run(shell, ["-n", file])
            #expect(checked.exit == 0 && checked.error.isEmpty, "\(shell): \(checked)")
        }
        let asked =
            program == "tote"
            ? [
                ("tote ser", "serve"), ("tote serve --log-level w", "warning"),
                ("tote config sh", "show"), ("tote serve --per", "--per-address"),
            ]
            : [
                ("tote-sim run first-s", "first-sync"), ("tote-sim wor", "world"),
                ("tote-sim world --family rest", "restores"), ("tote-sim help de", "device"),
            ]
        for (line, expected) in asked {
            let words = line.split(separator: " ").map(String.init)
            let function = "_" + program.replacingOccurrences(of: "-", with: "_")
            let bash = """
                source '\(directory.path)/bash'; COMP_WORDS=(\(words.joined(separator: " ")))
                COMP_CWORD=\(words.count - 1); \(function); echo "${COMPREPLY[*]}"
                """
            let said = try await Tools.run("bash", ["-c", bash])
            #expect(said.out == expected + "\n", "\(line): \(said)")
            let fish = "source '\(directory.path)/fish'; complete -C '\(line)'"
            let fished = try await Tools.run(
                "fish", ["--private", "-c", fish], environment: ["HOME": directory.path])
            let first = fished.out.split(separator: "\n").first?.split(separator: "\t").first
            #expect(first.map(String.init) == expected, "\(line): \(fished)")
        }
    }

    @Test(
        .enabled(if: Tools.areThere("mandoc", "man"), "mandoc or man is missing"),
        arguments: ["tote", "tote-sim"])
    func `the manual pages are free of warnings and name every command and option`(
        program: String
    ) async throws {
        let commands = try await Self.commands(program)
        let whole = try await SimulatorProgram.run(program, ["man"]).out
        for command in commands {
            for option in [command.command] + command.options.map(\.name) {
                let escaped = option.replacingOccurrences(of: "-", with: "\\-")
                #expect(whole.contains(escaped), "\(command.command): \(option)")
            }
        }
        var pages = [whole]
        for command in commands where !["help", "completion", "man"].contains(command.words[1]) {
            let arguments = ["man"] + command.words.dropFirst()
            pages.append(try await SimulatorProgram.run(program, arguments).out)
        }
        for page in pages {
            let linted = try await Tools.run("mandoc", ["-T", "lint"], input: page)
            #expect(linted.exit == 0 && linted.out.isEmpty, "\(linted)")
            let shown = try await Tools.run(
                "man", ["--warnings", "-l", "-"], input: page, environment: ["MANWIDTH": "80"])
            #expect(shown.exit == 0 && shown.error.isEmpty, "\(shown.error)")
            #expect(shown.out.contains("SYNOPSIS"))
        }
    }
}
