import Foundation
import Testing

/// A file that a disk has changed, under a server that goes on.
struct DamageTests {
    private static func serve(_ data: String) throws -> (RunningProgram, UInt16) {
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        return (server, try #require(server.readPort()))
    }

    /// Flips a bit in the midst of a page that holds nothing but a customer's many lines.
    private static func damage(_ path: String, _ item: String) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        let needle = Data(item.utf8)
        let page = try #require(
            stride(from: 0, to: bytes.count, by: 4_096).first { start in
                let page = bytes[start..<start + 4_096]
                return page.range(of: needle, in: start + 40..<start + 200) != nil
                    && page.range(of: needle, in: start + 3_800..<start + 4_080) != nil
            }, "no page is full of \(item)")
        let place = try #require(bytes.range(of: needle, in: page + 2_000..<page + 4_000))
        bytes[place.lowerBound] ^= 1
        try bytes.write(to: URL(filePath: path))
    }

    @Test func `a flipped bit fails whom it belongs to and nobody else, and is found`() async throws
    {
        let folder = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = folder.appendingPathComponent("data").path
        let (first, port) = try Self.serve(data)
        let secrets = try [7, 8].map { try #require(OperatorSocket(data: data).mint(customer: $0)) }
        let devices = try [7, 8].map { try BareDevice(customer: $0) }
        for number in 0..<900 { try devices[0].add("broken-\(number)") }
        try devices[1].add("tea")
        for (device, secret) in zip(devices, secrets) {
            #expect(try device.push(to: port, secret: secret, tries: 20))
        }
        first.end(SIGTERM)
        let sound = try await SimulatorProgram.run("tote", ["verify", "--data", data])
        #expect(sound.exit == 0, "\(sound.out)")
        try Self.damage(data + "/tote.db", "broken-")

        let (second, again) = try Self.serve(data)
        for _ in 0..<3 {
            #expect(try BareDevice(customer: 7).pull(from: again, secret: secrets[0]) == 503)
            let other = try BareDevice(customer: 8)
            #expect(try other.pull(from: again, secret: secrets[1]) != 503)
            #expect(other.quantity("tea") == 1)
        }
        try devices[1].add("tea")
        #expect(try devices[1].push(to: again, secret: secrets[1], tries: 3))
        #expect(try await SimulatorProgram.run("tote", ["status", "--data", data]).exit == 0)
        let target = folder.appendingPathComponent("copy.tote").path
        let backup = try await SimulatorProgram.run("tote", ["backup", target, "--data", data])
        #expect(backup.exit != 0, "\(backup.out)")
        #expect(!FileManager.default.fileExists(atPath: target))
        second.end(SIGTERM)
        #expect(second.errors.contains("a page of the file is not what was written"))
        let found = try await SimulatorProgram.run("tote", ["verify", "--data", data])
        #expect(found.exit == 1, "\(found.out)")
        #expect(found.out.contains("fault"), "\(found.out) \(found.error)")
    }
}
