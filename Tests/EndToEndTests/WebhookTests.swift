import Foundation
import Testing
import ToteCore
import ToteHTTP

/// `tote webhook` against the real `tote serve`, with a receiver in the test.
@Suite(.serialized) struct WebhookTests {
    /// What a receiver was sent.
    private struct Message: Sendable {
        let id: String
        let timestamp: String
        let signature: String
        let body: [UInt8]

        /// Protocol §17.2, step by step.
        func isSigned(with secret: String) -> Bool {
            guard let key = Base64.bytes(String(secret.dropFirst(6))),
                let seconds = UInt64(timestamp), seconds > 1_600_000_000
            else { return false }
            let code = HMACSHA256.code(key: key, message: Array("\(id).\(timestamp).".utf8) + body)
            return signature == "v1," + Base64.string(code)
        }
    }

    /// A receiver that answers with the given statuses in turn, the last for ever.
    private final class Receiver {
        private let server: HTTPServer
        private let directory: URL
        let port: UInt16

        init(port: UInt16 = 0, statuses: [Int]) throws {
            directory = try SimulatorProgram.makeDirectory()
            var options = HTTPServerOptions()
            options.port = port
            // One loop, so that messages are counted in the order in which they come.
            options.loops = 1
            let folder = directory
            server = HTTPServer(options: options) { request, responder in
                let count = Self.count(in: folder)
                let lines = ["webhook-id", "webhook-timestamp", "webhook-signature"].map {
                    request.header($0) ?? ""
                }
                let content = Data((lines.joined(separator: "\n") + "\n").utf8 + request.body)
                try? content.write(to: Self.file(count, in: folder), options: .atomic)
                responder.respond(
                    HTTPResponse(status: statuses[min(count, statuses.count - 1)]))
            }
            self.port = try server.start()
        }

        deinit {
            stop()
            try? FileManager.default.removeItem(at: directory)
        }

        func stop() { server.stop(within: .zero) }

        private static func file(_ number: Int, in directory: URL) -> URL {
            directory.appendingPathComponent("\(number)")
        }

        private static func count(in directory: URL) -> Int {
            var count = 0
            while FileManager.default.fileExists(atPath: file(count, in: directory).path) {
                count += 1
            }
            return count
        }

        /// Waits until so many messages have come; returns what has.
        func wait(for count: Int) async throws -> [Message] {
            for _ in 0..<1_500 where Self.count(in: directory) < count {
                try await Task.sleep(for: .milliseconds(10))
            }
            return try (0..<Self.count(in: directory)).map { number in
                let data = try Data(contentsOf: Self.file(number, in: directory))
                let parts = data.split(
                    separator: 0x0A, maxSplits: 3, omittingEmptySubsequences: false)
                let lines = parts.prefix(3).map { String(decoding: $0, as: UTF8.self) }
                return Message(
                    id: lines[0], timestamp: lines[1], signature: lines[2], body: Array(parts[3]))
            }
        }
    }

    /// A server on a directory of its own.
    private final class World {
        let data: String
        private let directory: URL
        private var server: RunningProgram?

        init(_ options: String...) throws {
            directory = try SimulatorProgram.makeDirectory()
            data = directory.appendingPathComponent("data").path
            try start(options)
        }

        deinit {
            server?.end(SIGTERM)
            try? FileManager.default.removeItem(at: directory)
        }

        func start(_ options: [String]) throws {
            let server = try RunningProgram(
                "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"] + options)
            _ = try #require(server.readLine())
            self.server = server
        }

        func kill() {
            server?.end(SIGKILL)
            server = nil
        }

        func tote(_ arguments: String...) async throws -> SimulatorProgram.Outcome {
            try await SimulatorProgram.run("tote", arguments + ["--data", data, "--json"])
        }

        /// Adds a receiver's URL; returns the id and the secret.
        func add(_ receiver: Receiver) async throws -> (id: String, secret: String) {
            let outcome = try await tote("webhook", "add", "http://127.0.0.1:\(receiver.port)/")
            #expect(outcome.exit == 0, "\(outcome.error)")
            let value = try Encoding.json.value(Array(outcome.out.utf8.dropLast()))
            return (value["id"]?.textValue ?? "", value["secret"]?.textValue ?? "")
        }

        /// Waits until the newest delivery of an endpoint is in a state.
        func newest(of id: String, is state: String) async throws -> Value {
            var newest = Value.null
            for _ in 0..<100 {
                let outcome = try await tote("webhook", "deliveries", id)
                let value = try Encoding.json.value(Array(outcome.out.utf8.dropLast()))
                guard case .array(let deliveries)? = value["deliveries"] else { return .null }
                newest = deliveries.first ?? .null
                if newest["state"]?.textValue == state { break }
                try await Task.sleep(for: .milliseconds(100))
            }
            return newest
        }
    }

    private static let open = ["--allow-private-webhooks", "--allow-insecure-webhooks"]

    @Test func `a test is delivered with a valid signature, and again on demand`() async throws {
        let receiver = try Receiver(statuses: [204])
        let world = try World(Self.open[0], Self.open[1])
        let (id, secret) = try await world.add(receiver)
        let tested = try await world.tote("webhook", "test", id)
        #expect(tested.exit == 0, "\(tested.out)\(tested.error)")
        let first = try #require(try await receiver.wait(for: 1).first)
        #expect(first.isSigned(with: secret))
        #expect(!first.isSigned(with: "whsec_" + Base64.string([UInt8](repeating: 0, count: 24))))
        #expect(try Encoding.json.value(first.body)["type"]?.textValue == "test.ping")
        let again = try await world.tote("webhook", "redeliver", id, first.id)
        #expect(again.exit == 0, "\(again.error)")
        let both = try await receiver.wait(for: 2)
        #expect(both.map(\.id) == [first.id, first.id])
        #expect(both.allSatisfy { $0.isSigned(with: secret) })
        let removed = try await world.tote("webhook", "remove", id)
        #expect(removed.exit == 0, "\(removed.error)")
        let gone = try await world.tote("webhook", "test", id)
        #expect(gone.exit == 66, "\(gone.error)")
    }

    @Test func `a receiver that fails is tried again after five seconds`() async throws {
        let receiver = try Receiver(statuses: [500, 200])
        let world = try World(Self.open[0], Self.open[1])
        let (id, secret) = try await world.add(receiver)
        let tested = try await world.tote("webhook", "test", id)
        #expect(tested.exit == 1)
        let both = try await receiver.wait(for: 2)
        #expect(both.count == 2)
        #expect(Set(both.map(\.id)).count == 1)
        #expect(both.allSatisfy { $0.isSigned(with: secret) })
        let delivery = try await world.newest(of: id, is: "delivered")
        #expect(delivery["attempts"]?.intValue == 2)
    }

    @Test func `what was queued before a kill is delivered after it`() async throws {
        let absent = try Receiver(statuses: [200])
        let world = try World(Self.open[0], Self.open[1])
        let (id, secret) = try await world.add(absent)
        absent.stop()
        let tested = try await world.tote("webhook", "test", id)
        #expect(tested.exit == 1, "\(tested.out)")
        #expect(tested.out.contains("connection_failed"), "\(tested.out)")
        world.kill()
        let receiver = try Receiver(port: absent.port, statuses: [200])
        try world.start(Self.open)
        let message = try #require(try await receiver.wait(for: 1).first)
        #expect(message.isSigned(with: secret))
        #expect(tested.out.contains(message.id))
        let delivery = try await world.newest(of: id, is: "delivered")
        #expect(delivery["id"]?.textValue == message.id)
    }

    @Test(arguments: [
        ("https://127.0.0.1:8443/", "--allow-private-webhooks"),
        ("https://localhost/", "--allow-private-webhooks"),
        ("https://[::ffff:127.0.0.1]/", "--allow-private-webhooks"),
        ("http://hooks.example.com/", "--allow-insecure-webhooks"),
        ("https://169.254.169.254/", "link-local"), ("https://2130706433/", "four decimal"),
    ])
    func `a strict server refuses the address and says what would allow it`(
        url: String, reason: String
    ) async throws {
        let world = try World()
        let outcome = try await world.tote("webhook", "add", url)
        #expect(outcome.exit == 65)
        #expect(outcome.error.contains("webhook_url_refused"), "\(outcome.error)")
        #expect(outcome.error.contains(reason), "\(outcome.error)")
    }

    @Test func `what an open server took is refused by a strict one at each attempt`()
        async throws
    {
        let receiver = try Receiver(statuses: [200])
        let world = try World(Self.open[0], Self.open[1])
        let (id, _) = try await world.add(receiver)
        world.kill()
        try world.start([])
        let tested = try await world.tote("webhook", "test", id)
        #expect(tested.exit == 1)
        #expect(tested.out.contains("url_refused"), "\(tested.out)")
        #expect(try await receiver.wait(for: 0).isEmpty)
    }
}
