import Foundation
import Testing

/// Servers that end under load, as processes.
struct CrashTests {
    /// A deep run is `tote-sim crash --kills 1000 --stops 100`.
    private static let kills = 20
    private static let stops = 5

    @Test func `what was answered outlives kills, and a stop drops no answer`() async throws {
        let outcome = try await SimulatorProgram.run(
            "tote-sim",
            ["crash", "--kills", "\(Self.kills)", "--stops", "\(Self.stops)", "--json"])
        #expect(outcome.exit == 0, "\(outcome.out) \(outcome.error)")
        let said = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any]
        #expect(said?["kills"] as? Int == Self.kills)
        #expect(said?["stops"] as? Int == Self.stops)
        #expect(said?["cut_off"] as? Int ?? 0 > 0, "no request was under way when it ended")
    }

    @Test func `a run that cannot be is refused`() async throws {
        let outcome = try await SimulatorProgram.run("tote-sim", ["crash", "--kills", "many"])
        #expect(outcome.exit == 64)
        #expect(outcome.error.contains("--kills"))
    }
}
