import Foundation
import TestPrograms
import Testing

/// The pickup board in a headless browser, with a store's API in memory and with a real server.
@Suite(.timeLimit(.minutes(10))) struct BoardTests {
    private static let isInstalled: Bool = {
        Tools.has(["chromium", "chromedriver", "python3"])
            && (try? python(["-c", "import selenium"]).waitForOutcome())?.exit == 0
    }()

    private static let why: Comment = "Chromium, its driver or selenium is missing"

    @Test(.enabled(if: Tools.mustRun || isInstalled, why))
    func `the board does in Chromium what a counter and a wall need`() async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let data = directory.appendingPathComponent("data").path
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        defer { server.end(SIGTERM) }
        let line = try #require(server.readLine())
        let said = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        let url = try #require(said?["url"] as? String)
        try await Self.expectAllPass(["TOTE_BOARD_PAGES": url])
    }

    @Test(.enabled(if: Tools.mustRun || isInstalled, why))
    func `the board works with a real store, its stops and starts too`() async throws {
        let program = SimulatorProgram.directory.appendingPathComponent("tote").path
        // What depends on the server; how the page looks is judged without one.
        try await Self.expectAllPass(
            ["TOTE_BOARD_TOTE": program],
            ["Live.test_orders_come_and_move_by_themselves", "HandOver", "CutOff"])
    }

    private static func expectAllPass(
        _ environment: [String: String], _ names: [String] = []
    ) async throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Board/board_test.py").standardized
        let outcome = try await python([script.path] + names, environment).outcome()
        #expect(outcome.exit == 0, "\(outcome.said)")
        #expect(outcome.said.contains("\nOK"), "\(outcome.said)")
    }

    /// Starts Python in the caller's own environment, where its packages are.
    private static func python(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> TestProgram {
        try TestProgram(
            "python3", ["-B"] + arguments,
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 })
    }
}
