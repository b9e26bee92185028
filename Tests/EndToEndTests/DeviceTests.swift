import Foundation
import Testing

/// `tote-sim device`: a script, its files, and a real server.
@Suite(.serialized) struct DeviceTests {
    /// A server with a demo customer, and a directory for the devices of one test.
    private final class World {
        let directory: URL
        let url: String
        private let token: String
        private let server: RunningProgram

        init() throws {
            directory = try SimulatorProgram.makeDirectory()
            let data = directory.appendingPathComponent("data").path
            server = try RunningProgram(
                "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--demo", "--json"])
            let line = try #require(server.readLine())
            let said = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            url = try #require(said?["url"] as? String)
            token = try #require(said?["token"] as? String)
        }

        deinit {
            server.end(SIGTERM)
            try? FileManager.default.removeItem(at: directory)
        }

        /// Runs a script on a device of this world.
        func device(
            _ name: String, _ lines: String..., options: [String] = []
        ) async throws -> SimulatorProgram.Outcome {
            try await SimulatorProgram.run(
                "tote-sim",
                ["device", name, "--server", url, "--dir", directory.path, "--live", "off"]
                    + options,
                input: lines.joined(separator: "\n") + "\n", environment: ["TOTE_TOKEN": token])
        }
    }

    @Test func `two devices agree over a real server`() async throws {
        let world = try World()
        let phone = try await world.device(
            "phone", "# a comment", "", "cart add latte 2 size=L", "wish add mug", "sync",
            "receipts", "expect outbox 0")
        #expect(phone.exit == 0, "\(phone.error)")
        #expect(phone.out.contains("accepted  add 2 latte|size=L"), "\(phone.out)")
        let tablet = try await world.device(
            "tablet", "sync", "cart show", "expect cart latte 2 size=L", "expect wish mug")
        #expect(tablet.exit == 0, "\(tablet.error)")
        #expect(tablet.out.contains("  2 × latte size=L\n"), "\(tablet.out)")
    }

    @Test func `a device goes on where it was left`() async throws {
        let world = try World()
        _ = try await world.device("phone", "cart add latte", "net offline", "clock +1d")
        let again = try await world.device("phone", "expect cart latte 1", "status")
        #expect(again.exit == 0, "\(again.error)")
        #expect(again.out.contains("network offline"))
        #expect(again.out.contains("the clock is 1d ahead"))
    }

    @Test func `a kill keeps what was saved and sends it later`() async throws {
        let world = try World()
        let killed = try await world.device("phone", "sync", "cart add latte 2", "kill", "sync")
        #expect(killed.signal == SIGKILL)
        let again = try await world.device(
            "phone", "expect cart latte 2", "expect outbox 1", "sync", "expect outbox 0")
        #expect(again.exit == 0, "\(again.error)")
    }

    @Test func `without a network everything is saved and nothing fails`() async throws {
        let world = try World()
        let phone = try await world.device(
            "phone", "cart add latte", "sync for 100ms", "expect status offline",
            "expect outbox 1", options: ["--server", "http://127.0.0.1:1"])
        #expect(phone.exit == 0, "\(phone.error)")
        #expect(phone.out.contains("not up to date: offline"), "\(phone.out)")
    }

    @Test(arguments: [
        ("carrt add x", "'carrt' is no verb: did you mean `cart add`?"),
        ("cart ad x", "'cart ad' is no verb: did you mean `cart add`?"),
        ("cart add", "for example: cart add latte 2 size=L milk=oat"),
        ("cart set latte many", "'many' is no whole number"),
        ("net wif", "did you mean `net wifi`?"),
        ("net cut reply", "write: net cut request BYTES"),
        ("clock tomorrow", "write clock +1d"), ("live maybe", "live on, or live off"),
        ("expect crat latte 1", "did you mean `cart`?"),
        ("expect status up-to-dat", "did you mean up-to-date?"),
        ("wait a bit", "wait takes no more"), ("cart note . \"open", "a quote is not closed"),
        ("expect cart latte 1", "wanted 1, found 0"), ("withdraw last", "nothing waits"),
        ("dismiss 00", "no receipt has the id 00"), ("set cart:main a b c", "not the product's"),
    ])
    func `a script stops at the first line that fails and says what to do`(
        line: String, message: String
    ) async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let outcome = try await SimulatorProgram.simulate(
            "device", "phone", "--server", "http://127.0.0.1:1", "--dir", directory.path,
            "--live", "off", input: "status\n\(line)\ncart add never\n")
        #expect(outcome.exit == 1)
        #expect(outcome.error.hasPrefix("line 2: error: "), "\(outcome.error)")
        #expect(outcome.error.contains(message), "\(outcome.error)")
        #expect(!outcome.out.contains("saved"))
    }

    @Test func `a program reads one JSON object for each line`() async throws {
        let world = try World()
        let outcome = try await world.device(
            "phone", "cart add latte", "cart remove", options: ["--json"])
        #expect(outcome.exit == 1)
        let answers = try outcome.out.split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
        #expect(answers.map { $0["line"] as? Int } == [0, 1, 2])
        #expect(answers.map { $0["ok"] as? Bool } == [true, true, false])
        #expect(answers.last?["kind"] as? String == "usage")
    }

    @Test func `one device is one process`() async throws {
        let world = try World()
        let first = try RunningProgram(
            "tote-sim",
            ["device", "phone", "--server", world.url, "--dir", world.directory.path, "--json"])
        _ = first.readLine()
        let second = try await world.device("phone", "status")
        #expect(second.exit == 75)
        #expect(second.error.contains("open already"), "\(second.error)")
        first.end(SIGKILL)
    }

    @Test(arguments: [
        ["device"], ["device", "a/b"], ["device", "phone", "--server", "ftp://x"],
        ["device", "phone", "--live", "maybe"],
    ])
    func `a wrong command line is no script's fault`(arguments: [String]) async throws {
        let outcome = try await SimulatorProgram.run("tote-sim", arguments)
        #expect(outcome.exit == 64, "\(outcome.error)")
        #expect(outcome.error.contains("See 'tote-sim device --help'"), "\(outcome.error)")
    }

    @Test func `help names every verb with an example`() async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let outcome = try await SimulatorProgram.simulate(
            "device", "phone", "--server", "http://127.0.0.1:1", "--dir", directory.path,
            input: "help\nhelp cart\nhelp net\nhelp expect\n")
        #expect(outcome.exit == 0, "\(outcome.error)")
        for word in ["cart add SKU", "wish move", "cut reply BYTES", "kill"] {
            #expect(outcome.out.contains(word), "\(word)")
        }
        #expect(outcome.out.contains("  cart add latte -1 cart:work"))
    }
}
