import Foundation
import Testing

/// `tote-sim conformance`: clients in other languages, and what is told of those that fail.
struct ConformanceTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardized.path

    private func drive(
        _ options: [String], _ client: [String]
    ) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run(
            "tote-sim",
            ["conformance", "--protocol", Self.root + "/Protocol"] + options + ["--"] + client)
    }

    @Test(.enabled(if: Tools.areThere("python3"), "python3 is missing"))
    func `a small client in Python, written from the protocol alone, conforms`() async throws {
        let outcome = try await drive(
            ["--json"], ["python3", Self.root + "/Tests/Conformance/client.py"])
        #expect(outcome.exit == 0, "\(outcome.out) \(outcome.error)")
        let said = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any]
        #expect(said?["passed"] as? Bool == true)
        let checks = try #require(said?["checks"] as? [[String: Any]])
        // Seven of vectors and eleven scenarios, and none of them passed over.
        #expect(checks.count == 18)
        #expect(checks.allSatisfy { $0["skipped"] as? Bool == false })
        #expect(checks.compactMap { $0["vectors"] as? Int }.reduce(0, +) > 300)
    }

    /// A client that says yes to everything: what it lacks must be found.
    @Test(.enabled(if: Tools.areThere("python3"), "python3 is missing"))
    func `a client that only pretends fails`() async throws {
        let pretender = """
            import sys, json
            for line in sys.stdin:
                print(json.dumps({"name": "pretender", "verbs": ["fold", "name"], "lines": {},
                    "outbox": 0, "state": "synced", "folds": {}, "item": "latte"}), flush=True)
            """
        let outcome = try await drive([], ["python3", "-c", pretender])
        #expect(outcome.exit == 1, "\(outcome.out) \(outcome.error)")
        #expect(outcome.out.contains("skipped  encoding (decode)\n"))
        #expect(outcome.out.contains("failed  25 vectors of folding\n"))
        // Of the scenarios there is none that a client passes that does nothing.
        #expect(outcome.out.split(separator: "\n").count { $0.hasPrefix("failed  ") } == 13)
        #expect(outcome.out.hasSuffix("pretender fails 13 checks\n"))
    }

    @Test func `a command that is none, or that ends, is told`() async throws {
        let none = try await drive([], ["no-such-client"])
        #expect(none.exit == 69 && none.error.contains("there is no command no-such-client"))
        let ends = try await drive([], ["true"])
        #expect(ends.exit == 1 && ends.error.contains("instead of answering hello"), "\(ends)")
        #expect(try await drive(["--only", "rain"], ["cat"]).exit == 64)
    }
}
