import Foundation
import Testing
import ToteHTTP

/// `tote-sim run` and its kin: the real executables, over loopback, on real files.
@Suite(.serialized) struct ScenarioTests {
    /// Every built-in scenario. A name that vanishes here vanishes from the promise, too.
    static let names = [
        "first-sync", "counter-add-add", "counter-remove-add", "counter-remove-then-add",
        "counter-take-take", "counter-take-below-zero", "counter-set-set", "counter-set-add",
        "counter-remove-note", "counter-many-deltas", "counter-remove-take-add", "lost-reply",
        "cut-anywhere", "arrives-twice", "captive-portal", "very-bad-network", "killed-device",
        "killed-server", "restarted-server", "restored-server", "copied-device",
        "rolled-back-device", "clock-ten-years", "rejected-in-the-middle", "another-customer",
        "revoked-token", "guest-signs-in", "guest-copied", "guest-carts", "guest-carts-dead-spot",
        "erased-online", "erased-dead-spot",
        "wishlist-moves", "journey-goes-on", "several-carts", "list-dead-spot",
    ]

    /// Those in which something is ordered.
    static let orderNames = [
        "order-offline", "order-lost-reply", "order-duplicate-tap", "order-killed-app",
        "order-price-changed", "order-sold-out", "order-store-closed", "order-slot-full",
        "order-too-late", "order-same-cart", "order-copied-phone", "order-two-counters",
        "order-wrong-code", "order-no-show", "order-cancelled-late", "order-disputed",
        "order-counter-killed", "order-server-restarts", "lunch-rush",
        "points-offline", "points-last-ones", "points-copied-phone", "points-lost-phone",
        "points-store-cut-off", "points-all-at-store", "points-cancelled", "points-late",
        "points-lot-expiring", "points-200-redemptions", "points-returned",
        "points-restored-server", "handoff-at-store", "handoff-dead-spot", "handoff-revoked",
        "handoff-restarted", "handoff-copied-guest", "wall-code", "wall-code-dead-spot",
        "nearest-store", "nearest-store-dead-spot", "after-sale", "after-sale-dead-spot",
        "visit", "visit-dead-spot", "offers", "offers-dead-spot", "list-ordered",
        "shared-list", "shared-list-dead-spot", "tote-passed-on", "tote-dead-spot",
    ]

    @Test(arguments: names)
    func `a built-in scenario passes`(name: String) async throws {
        let outcome = try await SimulatorProgram.simulate("run", name)
        #expect(outcome.exit == 0, "\(outcome.out)\(outcome.error)")
        #expect(outcome.out.contains("PASS \(name): "))
        #expect(outcome.out.contains("`tote verify` finds its file in order"))
    }

    @Test(arguments: orderNames)
    func `after a scenario with orders every intent has one fate`(name: String) async throws {
        let outcome = try await SimulatorProgram.simulate("run", name)
        #expect(outcome.exit == 0, "\(outcome.out)\(outcome.error)")
        #expect(outcome.out.contains("every intent has one fate"))
        #expect(outcome.out.contains("none lost, none twice, none collected twice"))
        #expect(outcome.out.contains("`tote verify` finds its file in order"))
    }

    @Test func `the list shows all of them`() async throws {
        let outcome = try await SimulatorProgram.simulate("list", "--color", "never")
        let listed = outcome.out.split(separator: "\n").map { $0.prefix { $0 != " " } }
        #expect(listed.map(String.init) == Self.names + Self.orderNames)
    }

    private func run(_ text: String, _ options: String...) async throws
        -> SimulatorProgram.Outcome
    {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appendingPathComponent("mine.json").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return try await SimulatorProgram.run("tote-sim", ["run", file] + options)
    }

    /// A scenario with one phone and these steps, which begin on line 3.
    private func scenario(_ steps: String) -> String {
        """
        { "name": "mine", "about": "a test's own",
          "devices": { "phone": {} }, "steps": [
        \(steps)
        ] }
        """
    }

    @Test(arguments: [
        (#"{ "on": "phnoe", "do": "sync" }"#, #"3:9: there is no device "phnoe": did you mean"#),
        (#"{ "on": "phone", "do": "cart ad x" }"#, "3:24: 'cart ad' is no verb: did you mean"),
        (#"{ "on": "phone", "do": ["cart add"] }"#, "3:25: cart add needs more"),
        (#"{ "on": "phone", "doo": "sync" }"#, #"3:18: a step with "on" has no "doo""#),
        (#"{ "setle": "all" }"#, #"3:3: no step is called "setle": did you mean "settle"?"#),
        (#"{ "server": "explode" }"#, #"3:13: a server cannot "explode""#),
        (#"{ "server": "restore", "from": "x" }"#, "3:32: no step before makes a backup"),
        (#"{ "rollback": "phone", "to": "x" }"#, "3:30: no step before makes a snapshot"),
        (#"{ "repeat": 0, "steps": [] }"#, "3:13: how often?"),
        (#"{ "settle": "all", "within": "soon" }"#, "3:30: a time belongs here"),
        (#"{ "on": "phone", "do": "sync" "#, "4:1: ']' stands where a comma or a closing brace"),
        (#"{ "on": "phone", "on": "phone" }"#, #"3:18: "on" is there twice"#),
        (#"{ "change": "cafe" }"#, #"3:13: the catalogue has no store "cafe""#),
        (#"{ "server": "kill", "clock": "+2h" }"#, #"3:30: "kill" takes no "clock""#),
        (#"{ "server": "restart", "clock": "2h" }"#, "3:33: a clock is so much ahead"),
        (#"{ "on": "phone-*", "do": "sync" }"#, #"3:9: there is no device "phone-*""#),
        (#"{ "on": "phone", "do": "wait {till.code}" }"#, "3:24: {till.code}: there is no"),
        (#"{ "wait": 1.5 }"#, "3:11: '1.5' is no whole number"),
        ("", "1:1: there is no step"),
    ])
    func `a wrong scenario is refused at its line and column`(
        steps: String, message: String
    ) async throws {
        let outcome = try await run(scenario(steps))
        #expect(outcome.exit == 65)
        #expect(outcome.error.contains("mine.json:\(message)"), "\(outcome.error)")
        #expect(outcome.out.isEmpty, "nothing may have been started")
    }

    @Test func `an expectation that does not hold fails the run and keeps its files`() async throws
    {
        let outcome = try await run(
            scenario(#"{ "on": "phone", "do": ["cart add latte", "expect cart latte 2"] }"#),
            "--json")
        #expect(outcome.exit == 1)
        let result = try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any])
        let scenarios = try #require(result["scenarios"] as? [[String: Any]])
        #expect(scenarios.first?["line"] as? Int == 3)
        #expect(scenarios.first?["column"] as? Int == 43)
        let message = try #require(scenarios.first?["message"] as? String)
        #expect(message.contains("wanted 2, found 1"))
        let directory = try #require(scenarios.first?["directory"] as? String)
        #expect(FileManager.default.fileExists(atPath: directory + "/server.log"))
        try FileManager.default.removeItem(atPath: directory)
    }

    @Test func `devices that cannot settle fail the run`() async throws {
        let outcome = try await run(
            scenario(
                #"{ "on": "phone", "do": "cart add latte" }, { "revoke": "phone" }, "#
                    + #"{ "settle": "all", "within": "300ms" }"#), "--json")
        #expect(outcome.exit == 1)
        #expect(outcome.out.contains("not settled within"), "\(outcome.out)")
        #expect(outcome.out.contains("phone: outbox 1, status signed-out"), "\(outcome.out)")
        try removeKept(outcome)
    }

    private func removeKept(_ outcome: SimulatorProgram.Outcome) throws {
        let result = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8))
        let scenarios = (result as? [String: Any])?["scenarios"] as? [[String: Any]] ?? []
        for case let directory as String in scenarios.map({ $0["directory"] ?? "" })
        where directory.contains("/tote-sim-") {
            try FileManager.default.removeItem(atPath: directory)
        }
    }

    @Test func `a server that does not answer is told apart`() async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let token = directory.appendingPathComponent("token").path
        try Data("tote_none".utf8).write(to: URL(fileURLWithPath: token))
        // Port 1 is nobody's on a machine that runs these tests.
        let outcome = try await SimulatorProgram.simulate(
            "run", "first-sync", "--server", "http://127.0.0.1:1", "--admin-token-file", token)
        #expect(outcome.exit == 69)
        #expect(outcome.out.contains("no server answers at 127.0.0.1:1"), "\(outcome.out)")
    }

    @Test func `when nothing ran it is no pass`() async throws {
        let outcome = try await SimulatorProgram.simulate("run", "--tag", "nobody-has-this")
        #expect(outcome.exit == 2)
    }

    @Test(arguments: [
        (["run"], "which scenario?"), (["run", "frist-sync"], "did you mean first-sync?"),
        (["run", "first-sync", "--server", "https://x"], "speaks no TLS"),
        (["run", "first-sync", "--server", "http://x"], "--admin-token-file"),
        (["rum"], "did you mean 'tote-sim run'?"),
    ])
    func `a wrong command line says what to do`(
        arguments: [String], message: String
    ) async throws {
        let outcome = try await SimulatorProgram.run("tote-sim", arguments)
        #expect(outcome.exit == 64)
        #expect(outcome.error.contains(message), "\(outcome.error)")
    }

    @Test func `a file that is not there has a code of its own`() async throws {
        let outcome = try await SimulatorProgram.simulate("run", "/nowhere/mine.json")
        #expect(outcome.exit == 66)
    }

    /// SIGKILL cannot be handled: the guard process has to do it.
    @Test(arguments: [(SIGINT, 130), (SIGTERM, 130), (SIGKILL, 9)] as [(Int32, Int32)])
    func `nothing outlives a run that is broken off`(
        signal: Int32, status: Int32
    ) async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appendingPathComponent("long.json")
        try Data(
            scenario(#"{ "on": "phone", "do": "cart add latte" }, { "wait": "1h" }"#).utf8
        ).write(to: file)
        // A killed run cannot remove its files: they are below what the test removes.
        let run = try RunningProgram(
            "tote-sim", ["run", file.path], temporary: directory.path)
        var port: UInt16?
        while let line = run.readLine(), !line.contains("cart add latte") {
            let digits = line.split(separator: ":").last?.prefix { $0.isNumber }
            if line.contains("listens at") { port = digits.flatMap { UInt16($0) } }
        }
        let endpoint = HTTPConnection.Endpoint.tcp(host: "127.0.0.1", port: try #require(port))
        let connection = try HTTPConnection(to: endpoint)
        #expect(run.end(signal) == status)
        // The server's end closes the connection; how is all the same.
        _ = try? connection.readToEnd(timeout: .seconds(9))
        // Its socket may take a moment longer than its connections.
        var isRefused = false
        for _ in 0..<50 where !isRefused {
            do {
                let again = try HTTPConnection(to: endpoint)
                _ = try? again.readToEnd(timeout: .milliseconds(200))
            } catch {
                isRefused = true
            }
        }
        #expect(isRefused)
    }

    @Test func `the schema knows the steps that the reader knows`() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appendingPathComponent("Simulator/Scenarios/scenario.schema.json")
        let schema = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
        let definitions = (schema as? [String: Any])?["$defs"] as? [String: Any]
        let step = definitions?["step"] as? [String: Any]
        let forms = try #require(step?["oneOf"] as? [[String: Any]])
        let named = Set(forms.compactMap { ($0["required"] as? [String])?.first }).subtracting([
            "//"
        ])
        let outcome = try await run(scenario("{}"))
        let words = outcome.error.split(separator: "\"").map(String.init)
        let known = Set(words.enumerated().filter { $0.offset % 2 == 1 }.map(\.element))
        #expect(known == named, "\(outcome.error)")
    }
}
