import Foundation
import Testing

/// Many devices from one process, over real sockets.
struct LoadTests {
    private func load(_ arguments: String...) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run("tote-sim", ["load"] + arguments)
    }

    @Test func `every device shows what its customer put in, once`() async throws {
        let outcome = try await load(
            "--devices", "101", "--files", "10", "--rate", "60", "--time", "3s", "--json")
        #expect(outcome.exit == 0, "\(outcome.out) \(outcome.error)")
        let said = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any]
        let changes = try #require(said?["changes"] as? Int)
        // A Poisson process of 180: far from it is a rate that was not kept.
        #expect((90...300).contains(changes))
        #expect(said?["wrong_devices"] as? Int == 0)
        #expect(said?["refused"] as? [String: Int] == [:])
        let latencies = try #require(said?["latency_us"] as? [String: Int])
        let sorted = ["p50", "p90", "p99", "p99_9", "max"].compactMap { latencies[$0] }
        #expect(sorted.count == 5 && sorted == sorted.sorted() && sorted[0] > 0)
    }

    @Test func `a server that is not there, and a token that is none, are told`() async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let token = directory.appendingPathComponent("admin").path
        try Data("tt1_none\n".utf8).write(to: URL(fileURLWithPath: token))
        let gone = try await load(
            "--server", "http://127.0.0.1:1", "--admin-token-file", token)
        #expect(gone.exit == 69, "\(gone.error)")
        let missing = try await load(
            "--server", "http://127.0.0.1:1", "--admin-token-file", token + "-none")
        #expect(missing.exit == 66, "\(missing.error)")
        #expect(try await load("--devices", "0").exit == 64)
    }
}
