import Foundation
import Testing

/// `tote-sim run --virtual`: the same scenarios in one process, where nobody waits.
@Suite(.serialized) struct VirtualRunTests {
    private func run(_ words: String...) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run(
            "tote-sim", ["run"] + words + ["--virtual", "--color", "never"])
    }

    @Test func `every scenario passes in virtual time`() async throws {
        let outcome = try await run("--all")
        #expect(outcome.exit == 0, "\(outcome.out)\(outcome.error)")
        for name in ScenarioTests.names + ScenarioTests.orderNames {
            #expect(outcome.out.contains("PASS \(name): "))
        }
    }

    @Test(arguments: ["very-bad-network", "order-two-counters", "killed-server", "points-offline"])
    func `a seed does the same again, in another process`(name: String) async throws {
        let first = try await run(name, "--seed", "7")
        #expect(first.exit == 0, "\(first.out)\(first.error)")
        #expect(try await run(name, "--seed", "7").out == first.out)
    }

    @Test func `another seed has other luck`() async throws {
        let times = try await withThrowingTaskGroup(of: String.self) { group in
            for seed in 1...4 {
                group.addTask { try await run("very-bad-network", "--seed", "\(seed)").out }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(times.count > 1)
    }

    private func run(scenario steps: String) async throws -> SimulatorProgram.Outcome {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appendingPathComponent("mine.json").path
        let text = """
            { "name": "mine", "about": "a test's own", "devices": { "phone": {}, "tablet": {} },
              "steps": [
            \(steps)
            ] }
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return try await run(file)
    }

    @Test func `ten hours pass at once`() async throws {
        let begun = ContinuousClock.now
        let outcome = try await run(
            scenario: #"{ "on": "phone", "do": ["cart add latte", "wait 10h", "sync"] }"#)
        #expect(outcome.exit == 0, "\(outcome.out)\(outcome.error)")
        #expect(outcome.out.contains("PASS mine: "))
        #expect(begun.duration(to: .now) < .seconds(300))
    }

    @Test func `what fails in virtual time fails with its place`() async throws {
        let outcome = try await run(
            scenario: #"{ "on": "phone", "do": ["cart add latte", "expect cart latte 2"] }"#)
        #expect(outcome.exit == 1)
        #expect(outcome.out.contains("wanted 2, found 1"))
    }

    @Test func `a network that is cut, and a kill, lose nothing`() async throws {
        let outcome = try await run(
            scenario: """
                { "on": "phone", "do": ["net offline", "cart add latte", "kill", "net lost-reply",
                    "net wifi", "cart add mocha", "net cut request 40", "sync"] },
                { "server": "kill" }, { "on": "tablet", "do": "cart add tea" },
                { "server": "start" },
                { "settle": "all" },
                { "on": "tablet", "do": ["expect cart latte 1", "expect cart mocha 1"] }
                """)
        #expect(outcome.exit == 0, "\(outcome.out)\(outcome.error)")
    }

    @Test(arguments: [
        (["--server", "http://127.0.0.1:1"], "--virtual has a server of its own"),
        (["--seed", "many"], "'many' is no number"),
    ])
    func `wrong words are refused`(words: [String], said: String) async throws {
        let outcome = try await SimulatorProgram.run(
            "tote-sim", ["run", "first-sync", "--virtual"] + words)
        #expect(outcome.exit == 64)
        #expect(outcome.error.contains(said))
    }
}
