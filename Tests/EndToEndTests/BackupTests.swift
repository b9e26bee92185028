import Foundation
import Testing

/// A backup beside a server that is at work.
@Suite(.serialized) struct BackupTests {
    /// Changes that are pushed while the copy cannot go on.
    private static let pushesMeanwhile = 20

    private struct Running {
        let folder: URL
        let server: RunningProgram
        let device: BareDevice
        let secret: String
        let port: UInt16
        var data: String { folder.appendingPathComponent("data").path }
        var target: String { folder.appendingPathComponent("backup.tote").path }
        var count: String { folder.appendingPathComponent("count").path }

        /// A server whose backups wait at their write number `place`.
        init(_ disk: FaultyDisk, holdingAt place: Int) throws {
            folder = try SimulatorProgram.makeDirectory()
            let (data, target, count) = (
                folder.appendingPathComponent("data").path,
                folder.appendingPathComponent("backup.tote").path,
                folder.appendingPathComponent("count").path
            )
            server = try RunningProgram(
                "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"],
                environment: disk.environment(.hold, at: place, below: target, count: count))
            port = try #require(server.readPort())
            secret = try #require(OperatorSocket(data: data).mint())
            device = try BareDevice()
        }

        func push(_ items: [String]) throws {
            for item in items {
                try device.add(item)
                #expect(try device.push(to: port, secret: secret, tries: 3), "\(item)")
            }
        }

        func end() {
            server.end(SIGTERM)
            try? FileManager.default.removeItem(at: folder)
        }
    }

    private static func backUp(
        _ data: String, to target: String
    ) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run("tote", ["backup", target, "--data", data])
    }

    private static func items(_ name: String) -> [String] {
        (0..<pushesMeanwhile).map { "\(name)-\($0)" }
    }

    @Test(.enabled(if: Tools.areThere("clang"), "clang is missing"))
    func `a backup that cannot go on keeps no write waiting, and is not there before it is whole`()
        async throws
    {
        let disk = try await FaultyDisk()
        defer { disk.remove() }
        let free = try Running(disk, holdingAt: .max)
        try free.push(["tea"])
        #expect(try await Self.backUp(free.data, to: free.target).exit == 0)
        let writes = FaultyDisk.counts(free.count).calls
        free.end()
        #expect(writes > 10, "a backup writes too little: \(writes)")
        for place in [1, writes / 2, writes] {
            let running = try Running(disk, holdingAt: place)
            defer { running.end() }
            let before = Self.items("before")
            try running.push(before)
            let (data, target) = (running.data, running.target)
            async let backup = Self.backUp(data, to: target)
            for _ in 0..<3_000 where FaultyDisk.counts(running.count).struck == 0 {
                try await Task.sleep(for: .milliseconds(10))
            }
            try #require(FaultyDisk.counts(running.count).struck > 0, "\(place) of \(writes)")
            try running.push(Self.items("meanwhile"))
            // Long enough for the server to look after its file, as it does when nobody asks.
            try await Task.sleep(for: .milliseconds(600))
            try running.push(Self.items("later"))
            #expect(
                !FileManager.default.fileExists(atPath: running.target),
                "held at \(place) of \(writes): it is announced already")
            try FaultyDisk.heal(running.target)
            let outcome = try await backup
            #expect(outcome.exit == 0, "\(outcome.error)")
            try await expect(before, inRestored: running)
        }
    }

    /// A server on the backup has what was answered before it was begun.
    private func expect(_ items: [String], inRestored running: Running) async throws {
        let data = running.folder.appendingPathComponent("restored").path
        let restored = try await SimulatorProgram.run(
            "tote", ["restore", running.target, "--data", data])
        #expect(restored.exit == 0, "\(restored.error)")
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        defer { server.end(SIGTERM) }
        let port = try #require(server.readPort())
        let reader = try BareDevice()
        try reader.pull(from: port, secret: running.secret)
        for item in items { #expect(reader.quantity(item) == 1, "\(item)") }
    }
}
