import Foundation
import Glibc
import Testing

/// What a service manager and a container engine see of the server.
struct DeploymentTests {
    /// A service manager's socket, and what it was told.
    private final class Manager {
        let path: String
        private let descriptor: Int32
        private let directory: URL

        init() throws {
            directory = try SimulatorProgram.makeDirectory()
            path = directory.appendingPathComponent("notify").path
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(bound == 0)
            var limit = timeval(tv_sec: 20, tv_usec: 0)
            setsockopt(
                descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit,
                socklen_t(MemoryLayout<timeval>.size))
        }

        deinit {
            close(descriptor)
            try? FileManager.default.removeItem(at: directory)
        }

        /// The next message; `nil` when none comes.
        func next() -> String? {
            var bytes = [UInt8](repeating: 0, count: 256)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
        }
    }

    @Test func `a service manager hears of the start, of life and of the end`() throws {
        let manager = try Manager()
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let server = try RunningProgram(
            "tote",
            [
                "serve", "--data", directory.appendingPathComponent("d").path, "--listen",
                "127.0.0.1:0", "--json",
            ],
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"])
        #expect(manager.next() == "READY=1")
        for _ in 0..<3 { #expect(manager.next() == "WATCHDOG=1") }
        #expect(server.end(SIGTERM) == 0)
        var last: String?
        while let said = manager.next() {
            last = said
            if said == "STOPPING=1" { break }
        }
        #expect(last == "STOPPING=1")
    }

    @Test func `health is 0 while a server runs, and 69 otherwise`() async throws {
        let world = try await CafeWorld()
        let well = try await world.operate("health")
        #expect(well.exit == 0 && well.out == "ready\n", "\(well)")
        let none = try await SimulatorProgram.run(
            "tote", ["health", "--data", world.directory.path, "--json"])
        #expect(none.exit == 69)
        #expect(none.out.contains("not_running") || none.error.contains("not_running"), "\(none)")
    }

    private static let analyze = "/usr/bin/systemd-analyze"

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: analyze)
                || ProcessInfo.processInfo.environment["TOTE_CI"] == "1",
            "systemd-analyze is missing"))
    func `systemd finds the unit in order, and hardened`() async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        // A program that is there: the check looks for it.
        let printed = try await SimulatorProgram.run("tote", ["unit", "--program", "/bin/true"])
        #expect(printed.exit == 0)
        let file = directory.appendingPathComponent("tote.service")
        try Data(printed.out.utf8).write(to: file)
        for arguments in [
            ["verify", "--man=no", file.path],
            ["security", "--offline=true", "--threshold=20", file.path],
        ] {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: Self.analyze)
            process.arguments = arguments
            let said = Pipe()
            process.standardOutput = said
            process.standardError = said
            try process.run()
            let text = said.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(
                process.terminationStatus == 0, "\(String(decoding: text, as: UTF8.self))")
        }
    }

    @Test(arguments: ["tote", "/usr/bin/a b", "/usr/%h/tote"])
    func `a unit takes a whole path alone`(program: String) async throws {
        let outcome = try await SimulatorProgram.run("tote", ["unit", "--program", program])
        #expect(outcome.exit == 64)
        #expect(outcome.error.contains("--program"))
    }
}
