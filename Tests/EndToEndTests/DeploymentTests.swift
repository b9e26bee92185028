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

    private static let analyze = "systemd-analyze"

    @Test(.enabled(if: Tools.areThere(analyze), "systemd-analyze is missing"))
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
            let outcome = try await Tools.run(Self.analyze, arguments)
            #expect(outcome.exit == 0, "\(outcome)")
        }
    }

    /// nginx with the site that `tote nginx` prints, before a server of its own.
    private final class Proxied {
        let directory: URL
        let url: String
        let token: String
        private let server: RunningProgram
        private let nginx: RunningProgram

        init() async throws {
            directory = try SimulatorProgram.makeDirectory()
            let path = { [directory] (name: String) in directory.appendingPathComponent(name).path }
            server = try RunningProgram(
                "tote",
                [
                    "serve", "--data", path("data"), "--listen", "127.0.0.1:0", "--demo",
                    "--proxy", "127.0.0.1", "--json",
                ])
            let line = try #require(server.readLine())
            let said = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            token = try #require(said?["token"] as? String)
            let upstream = try #require((said?["url"] as? String)?.dropFirst("http://".count))
            let made = try await Tools.run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-keyout", path("key.pem"), "-out", path("chain.pem"),
                ])
            try #require(made.exit == 0, "\(made)")
            let port = Int.random(in: 20_000..<30_000)
            url = "https://localhost:\(port)"
            let site = try await SimulatorProgram.run(
                "tote",
                [
                    "nginx", "--port", "\(port)", "--upstream", String(upstream), "--certificate",
                    path("chain.pem"), "--key", path("key.pem"),
                ])
            try #require(site.exit == 0, "\(site)")
            try Data(site.out.utf8).write(to: directory.appendingPathComponent("site"))
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map { "\($0)_temp_path \(path($0));" }.joined()
            let whole = """
                daemon off; pid \(path("pid")); error_log \(path("errors")); user root;
                events {}
                http { access_log off; \(temporary) include \(path("site")); }
                """
            try Data(whole.utf8).write(to: directory.appendingPathComponent("nginx.conf"))
            nginx = try RunningProgram(
                "/usr/bin/env", ["nginx", "-c", path("nginx.conf"), "-p", directory.path])
        }

        deinit {
            nginx.end(SIGTERM)
            server.end(SIGTERM)
            try? FileManager.default.removeItem(at: directory)
        }

        var client: Client {
            Client(
                certificate: directory.appendingPathComponent("chain.pem").path, url: url,
                token: token)
        }
    }

    /// Who talks to it.
    private struct Client: Sendable {
        let certificate: String
        let url: String
        let token: String

        func ask(_ path: String, _ body: String? = nil) async throws -> [String: Any] {
            var arguments = [
                "-sS", "--cacert", certificate, "--retry",
                "20", "--retry-connrefused", "--retry-delay", "1", "-H",
                "Authorization: Bearer \(token)",
            ]
            if let body {
                arguments += ["-H", "Content-Type: application/json", "--data", body]
            }
            let outcome = try await Tools.run("curl", arguments + [url + path])
            #expect(outcome.exit == 0, "\(outcome)")
            let json = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8))
            return json as? [String: Any] ?? [:]
        }
    }

    @Test(
        .enabled(
            if: Tools.areThere("nginx", "openssl", "curl"), "nginx, openssl or curl is missing"))
    func `behind nginx with TLS requests are answered, those that wait too`() async throws {
        let proxied = try await Proxied()
        defer { withExtendedLifetime(proxied) {} }
        let client = proxied.client
        #expect(try await client.ask("/readyz")["status"] as? String == "ready")
        let path = "/v1/spaces/customer:demo/sync"
        let first = try await client.ask(path, #"{"replica":"00000000000000aa"}"#)
        let cursor = try #require(first["cursor"] as? [Any])
        let json = String(
            decoding: try JSONSerialization.data(withJSONObject: cursor), as: UTF8.self)
        // It waits longer than anything else here takes, and is answered by what another pushes.
        async let parked = client.ask(
            path, #"{"replica":"00000000000000aa","cursor":\#(json),"wait":25}"#)
        try await Task.sleep(for: .milliseconds(500))
        let now = UInt64(Date().timeIntervalSince1970 * 1_000)
        let pushed = try await client.ask(
            path,
            #"{"replica":"00000000000000bb","counter":1,"keys":[["cart:main","tea","quantity"]],"#
                + #""changes":[{"nonce":"0000000000000001","time":[\#(now),0],"#
                + #""writes":[{"key":0,"payload":[2,1]}]}]}"#)
        #expect(pushed["ticket"] != nil, "\(pushed)")
        let woken = try await parked
        #expect("\(woken)".contains("tea"), "\(woken)")
    }

    @Test(arguments: ["tote", "/usr/bin/a b", "/usr/%h/tote"])
    func `a unit takes a whole path alone`(program: String) async throws {
        let outcome = try await SimulatorProgram.run("tote", ["unit", "--program", program])
        #expect(outcome.exit == 64)
        #expect(outcome.error.contains("--program"))
    }
}
