import Foundation
import TestPrograms
import Testing
import ToteCore

/// A server on a disk that fails: it never says that something is done which is not, and starts
/// again on what is there.
@Suite(.serialized) struct FaultTests {
    /// `TOTE_FAULTS=all` fails every write and sync of the script, one after the other.
    private static let isDeep = ProcessInfo.processInfo.environment["TOTE_FAULTS"] == "all"
    /// How many of them otherwise, spread over the script.
    private static let slice = 24

    @Test(
        .enabled(if: Tools.areThere("clang"), "clang is missing"),
        arguments: [FaultyDisk.Kind.inputOutput, .noSpace])
    func `a disk that fails loses nothing that was answered`(fault: FaultyDisk.Kind) async throws {
        let disk = try await FaultyDisk()
        defer { disk.remove() }
        let script = FaultScript(disk: disk)
        let calls = try await script.play(failing: fault, at: 0).calls
        #expect(calls > 20, "the script writes too little: \(calls)")
        let step = Self.isDeep ? 1 : max(1, calls / Self.slice)
        let first = Self.isDeep ? 1 : Int.random(in: 1...step)
        var failures = 0
        for place in stride(from: first, through: calls, by: step) {
            failures += try await script.play(failing: fault, at: place).failures > 0 ? 1 : 0
        }
        print("\(fault): \(calls) writes and syncs, \(failures) runs in which one failed")
        #expect(failures > calls / step / 2, "hardly anything failed")
    }

    @Test func `a disk that runs full takes no more, and takes more when there is room`()
        async throws
    {
        guard let disk = try await SmallDisk() else {
            // Not a program that could be installed: a right that this user lacks.
            print("a small disk cannot be mounted here: skipped")
            return
        }
        defer { disk.remove() }
        let server = try RunningProgram(
            "tote",
            [
                "serve", "--data", disk.data, "--listen", "127.0.0.1:0", "--json", "--rate-token",
                "0",
            ])
        let port = try #require(server.readPort())
        let secret = try #require(OperatorSocket(data: disk.data).mint())
        let device = try BareDevice()
        var (pushed, edits): (Int64, Int64) = (0, 0)
        func push() throws -> Bool {
            // One line takes 1,024 additions, and a slow disk has room for more.
            for part in 0..<20 { try device.add("tea|lot=\(edits / 500)|part=\(part)") }
            edits += 1
            guard try device.push(to: port, secret: secret, tries: 3) else { return false }
            pushed = edits
            return true
        }
        while try push() { try #require(edits < 5_000, "the disk does not run full") }
        #expect(pushed > 10)
        try FileManager.default.removeItem(atPath: disk.ballast)
        #expect(try push(), "there is room again, and nothing is taken")
        #expect(try push())
        server.end(SIGTERM)
        let verified = try await SimulatorProgram.run("tote", ["verify", "--data", disk.data])
        #expect(verified.exit == 0, "\(verified.out) \(verified.error)")
        let again = try RunningProgram(
            "tote", ["serve", "--data", disk.data, "--listen", "127.0.0.1:0", "--json"])
        defer { again.end(SIGTERM) }
        let reader = try BareDevice()
        #expect(try reader.pull(from: try #require(again.readPort()), secret: secret) == 200)
        #expect(pushed == edits)
        for part in 0..<20 {
            let lots = (0...edits / 500).map { reader.quantity("tea|lot=\($0)|part=\(part)") }
            #expect(lots.reduce(0, +) == edits)
        }
    }
}

/// A file system of a few megabytes in memory.
private struct SmallDisk {
    private let folder: String
    var data: String { folder + "/data" }
    /// Takes room until it is removed.
    var ballast: String { folder + "/ballast" }

    /// `nil` where none may be mounted.
    init?() async throws {
        folder = try SimulatorProgram.makeDirectory().path
        let mounted = try await Tools.run(
            "mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder])
        guard mounted.exit == 0 else { return nil }
        try Data(count: 1 << 20).write(to: URL(fileURLWithPath: ballast))
    }

    func remove() {
        _ = try? TestProgram("umount", ["-l", folder]).waitForOutcome()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Plays a script against a server whose writes fail, and judges what the next one has.
private struct FaultScript {
    let disk: FaultyDisk

    /// What was said to be done.
    private final class Told {
        var pushed: Int64 = 0
        var edits: Int64 = 0
        var toppedUp: Set<Int64> = []
        var asked: Int64 = 0
        var secret: String?
        /// The device goes on with what it could not send.
        let device: BareDevice

        init() throws { device = try BareDevice() }
    }

    /// - Parameter place: which write or sync fails; 0 for none.
    /// - Returns: how many there were, and how many failed.
    func play(failing fault: FaultyDisk.Kind, at place: Int) async throws
        -> (calls: Int, failures: Int)
    {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let data = directory.appendingPathComponent("data").path
        let count = directory.appendingPathComponent("count").path
        let told = try Told()
        do {
            let server = try RunningProgram(
                "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"],
                environment: disk.environment(
                    fault, at: place == 0 ? Int.max : place, below: data, count: count))
            // One that cannot start says so and ends.
            if let port = server.readPort() {
                try act(told, port: port, data)
                if fault == .noSpace {
                    // Room again: the same server goes on by itself.
                    try FaultyDisk.heal(data)
                    try act(told, port: port, data)
                    let isWhole = told.pushed == told.edits && told.toppedUp.count == told.asked
                    // What became of a sync that failed nobody knows: then it ends.
                    #expect(
                        isWhole || server.endsByItself(),
                        "\(fault) at \(place): it neither goes on with room again nor ends")
                }
            }
            server.end(SIGTERM)
        }
        try await judge(told, data, "\(fault) at \(place)")
        let counts = FaultyDisk.counts(count)
        return (counts.calls, counts.struck)
    }

    /// A token, changes and payments, some of which are not answered.
    private func act(_ told: Told, port: UInt16, _ data: String) throws {
        let socket = OperatorSocket(data: data)
        let tries = 3
        for _ in 0..<tries where told.secret == nil { told.secret = socket.mint() }
        guard let secret = told.secret else { return }
        for round in 1...4 {
            told.edits += 1
            try told.device.add("tea|round=\(told.edits)")
            if try told.device.push(to: port, secret: secret, tries: tries) {
                told.pushed = told.edits
            }
            guard round % 2 == 0 else { continue }
            told.asked += 1
            // Those that were not answered are paid in again, by the same reference.
            for payment in 1...told.asked where !told.toppedUp.contains(payment) {
                let body =
                    #"{"customer":"7","account":"card:EUR","kind":"top_up","amount":1,"#
                    + #""reference":"p-\#(payment)"}"#
                if socket.send("/v1/admin/ledger", body)?["new"] != nil {
                    told.toppedUp.insert(payment)
                }
            }
        }
    }

    /// What a server on a sound disk makes of what the other left.
    private func judge(_ told: Told, _ data: String, _ place: String) async throws {
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        let port = try #require(
            server.readPort(), "\(place): it does not start on what is there")
        if let secret = told.secret {
            let reader = try BareDevice()
            try reader.pull(from: port, secret: secret)
            let has = (1...max(1, told.edits)).filter {
                reader.quantity("tea|round=\($0)") == 1
            }.count
            #expect(
                has >= told.pushed && has <= told.edits,
                "\(place): \(told.pushed) of \(told.edits) were answered, it has \(has)")
            let accounts = OperatorSocket(data: data).send("/v1/admin/ledger?customer=7")?[
                "accounts"]
            var paid: Int64 = 0
            if case .array(let values)? = accounts {
                paid = values.first?["available"]?.intValue ?? 0
            }
            #expect(
                paid >= told.toppedUp.count && paid <= told.asked,
                "\(place): \(told.toppedUp.count) of \(told.asked) payments, it has \(paid)")
        }
        server.end(SIGTERM)
        let verified = try await SimulatorProgram.run("tote", ["verify", "--data", data])
        #expect(verified.exit == 0, "\(place): \(verified.out) \(verified.error)")
    }
}
