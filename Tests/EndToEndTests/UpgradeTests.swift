import Foundation
import Testing
import ToteCore

/// Data directories that older versions left behind, some by `kill -9`: `Tests/Fixtures` has one of
/// every schema, with two devices of the time. The tablet has synced, the phone has more to send.
@Suite(.serialized) struct UpgradeTests {
    /// `TOTE_FAULTS=all` ends the server at every write of its first start, one after the other.
    private static let isDeep = ProcessInfo.processInfo.environment["TOTE_FAULTS"] == "all"
    /// How many of them otherwise, spread over the start.
    private static let slice = 8

    private static let schemas = [1, 2, 3, 4, 5, 6, 7]
    /// What the tablet's order of the time came to; the first two knew none.
    private static let ordered = [
        3: "3.00 EUR", 4: "1.50 EUR", 5: "1.50 EUR", 6: "1.50 EUR", 7: "1.50 EUR",
    ]

    /// A copy of a fixture that a test may change.
    private struct Copy {
        let folder: URL
        let token: String
        var data: String { folder.appendingPathComponent("data").path }
        var count: String { folder.appendingPathComponent("count").path }

        init(schema: Int) throws {
            let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../Fixtures/schema-\(schema)").standardized
            folder = try SimulatorProgram.makeDirectory()
            for name in ["data", "devices"] {
                try FileManager.default.copyItem(
                    at: fixture.appendingPathComponent(name),
                    to: folder.appendingPathComponent(name))
            }
            token = try String(
                contentsOf: fixture.appendingPathComponent("token"), encoding: .utf8)
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }

        func serve(_ environment: [String: String] = [:]) throws -> RunningProgram {
            try RunningProgram(
                "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"],
                environment: environment)
        }

        /// One of the devices goes on where it was.
        func device(_ name: String, _ port: UInt16, _ lines: String...) async throws
            -> SimulatorProgram.Outcome
        {
            try await SimulatorProgram.run(
                "tote-sim",
                [
                    "device", name, "--server", "http://127.0.0.1:\(port)", "--token", token,
                    "--dir", folder.appendingPathComponent("devices").path, "--live", "off",
                ], input: lines.map { $0 + "\n" }.joined())
        }
    }

    @Test func `every released schema has its fixture`() async throws {
        let copy = try Copy(schema: Self.schemas.last ?? 0)
        defer { copy.remove() }
        let server = try copy.serve()
        #expect(server.readPort() != nil)
        let status = OperatorSocket(data: copy.data).send("/v1/admin/status")
        server.end(SIGTERM)
        // The next release adds its own, with the version before this one's.
        #expect(status?["schema_version"]?.intValue == Int64(Self.schemas.count + 1))
    }

    @Test(arguments: schemas)
    func `an older version's server and devices go on`(schema: Int) async throws {
        let copy = try Copy(schema: schema)
        defer { copy.remove() }
        let server = try copy.serve()
        let port = try #require(server.readPort())
        let phone = try await copy.device("phone", port, "net wifi", "sync", "sync", "cart show")
        #expect(phone.exit == 0, "\(phone.error)")
        let tablet = try await copy.device("tablet", port, "sync", "cart show", "wish show")
        #expect(tablet.exit == 0, "\(tablet.error)")
        for line in ["3 × croissant", "4 × scone", "5 × tea"] {
            #expect(phone.out.contains(line), "\(phone.out)")
            #expect(tablet.out.contains(line), "\(tablet.out)")
        }
        #expect(!phone.out.contains("latte"))
        #expect(tablet.out.contains("mug"))
        if let price = Self.ordered[schema] {
            let orders = try await copy.device("tablet", port, "orders")
            #expect(orders.out.contains("at paris-republique  \(price)"), "\(orders.out)")
        }
        server.end(SIGTERM)
        let verified = try await SimulatorProgram.run("tote", ["verify", "--data", copy.data])
        #expect(verified.exit == 0, "\(verified.out) \(verified.error)")
        #expect(!verified.out.contains("checksum"), "\(verified.out)")
    }

    @Test(.enabled(if: Tools.areThere("clang"), "clang is missing"), arguments: schemas)
    func `a migration that is killed anywhere is gone on with`(schema: Int) async throws {
        let disk = try await FaultyDisk()
        defer { disk.remove() }
        let writes = try await start(schema, disk, killedAt: .max)
        #expect(writes > 10, "a start on schema \(schema) writes too little: \(writes)")
        let step = Self.isDeep ? 1 : max(1, writes / Self.slice)
        for place in stride(from: 1, through: writes, by: step) {
            _ = try await start(schema, disk, killedAt: place)
        }
    }

    /// Starts a server that ends at one of its writes, and then another one.
    ///
    /// - Returns: how many writes there were.
    private func start(_ schema: Int, _ disk: FaultyDisk, killedAt place: Int) async throws -> Int {
        let copy = try Copy(schema: schema)
        defer { copy.remove() }
        let first = try copy.serve(
            disk.environment(.kill, at: place, below: copy.data, count: copy.count))
        let isUp = first.readPort() != nil
        let calls = FaultyDisk.counts(copy.count).calls
        #expect(isUp == (place == .max), "killed at \(place) of \(calls)")
        first.end(SIGTERM)
        let second = try copy.serve()
        let port = try #require(second.readPort(), "schema \(schema), killed at \(place)")
        let phone = try await copy.device("phone", port, "net wifi", "sync", "sync", "cart show")
        #expect(phone.out.contains("4 × scone"), "killed at \(place): \(phone.out)")
        #expect(phone.out.contains("5 × tea"), "killed at \(place): \(phone.out)")
        second.end(SIGTERM)
        let verified = try await SimulatorProgram.run("tote", ["verify", "--data", copy.data])
        #expect(verified.exit == 0, "killed at \(place): \(verified.out) \(verified.error)")
        return calls
    }
}
