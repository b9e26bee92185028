import Foundation
import Testing
import ToteSQLite

/// What each command ends with, after sysexits.h: a script tells a wrong call from a server that is
/// away, and that from a full disk.
@Suite struct ExitCodeTests {
    private let directory: URL

    init() throws { directory = try SimulatorProgram.makeDirectory() }

    private var data: String { directory.appendingPathComponent("data").path }

    private func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    private func file(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: directory.appendingPathComponent(name))
        return path(name)
    }

    private func exit(_ program: String, _ line: String) async throws -> Int32? {
        let words = line.split(separator: " ").map(String.init)
        let outcome = try await SimulatorProgram.run(
            program, words, environment: ["TOTE_DATA": data, "TOTE_TOKEN": "x"])
        #expect(outcome.exit == 0 || !(outcome.error + outcome.out).isEmpty, "\(line) says nothing")
        return outcome.exit
    }

    private func serve() throws -> RunningProgram {
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        _ = server.readLine()
        return server
    }

    @Test func `64 and 66: a wrong line, and what is not there`() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        for line in ["token mint", "ledger enter c 0 --reference r", "serve --per-address 0", "x"] {
            #expect(try await exit("tote", line) == 64, "\(line)")
        }
        for line in ["run", "device .x", "counter s-1 --server ftp://x", "world --threads 0"] {
            #expect(try await exit("tote-sim", line) == 64, "\(line)")
        }
        let none = path("none")
        let missing = [
            "status", "backup \(path("b"))", "restore \(none)", "verify", "verify \(none)",
            "catalog show", "catalog import \(none)", "catalog check \(none)", "token list",
            "webhook list", "lease list", "ledger show c", "config check \(none)",
        ]
        for line in missing { #expect(try await exit("tote", line) == 66, "\(line)") }
        for line in [
            "run \(none).json", "check \(none)", "sales \(none)", "device p --script \(none)",
            "run first-sync --server http://127.0.0.1:9 --admin-token-file \(none)",
        ] {
            #expect(try await exit("tote-sim", line) == 66, "\(line)")
        }
    }

    @Test func `65, 66 and 1: a running server's refusals`() async throws {
        let server = try serve()
        defer {
            server.end(SIGTERM)
            try? FileManager.default.removeItem(at: directory)
        }
        for line in [
            "token mint --space nonsense", "webhook add ftp://x",
            "ledger enter c 5 --reference r", "catalog check \(try file("bad.json", "{"))",
        ] {
            #expect(try await exit("tote", line) == 65, "\(line)")
        }
        for line in [
            "token revoke none", "webhook test none", "lease write-off none --reason r",
            "store redeemer none", "ledger show none", "catalog show",
        ] {
            #expect(try await exit("tote", line) == 66, "\(line)")
        }
        #expect(try await exit("tote", "backup \(path("copy"))") == 0)
        #expect(try await exit("tote", "backup \(path("copy"))") == 73, "it exists")
        #expect(try await exit("tote", "backup \(path("none/copy"))") == 73, "no such directory")
        #expect(try await exit("tote", "verify \(path("copy"))") == 0)
        #expect(try await exit("tote", "serve --listen 127.0.0.1:0") == 75, "it is in use")
        #expect(try await exit("tote", "restore \(path("copy"))") == 75, "it is in use")
    }

    @Test func `65, 73, 74 and 78: files and directories`() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let text = try file("text", "no database, but long enough to be looked at")
        #expect(try await exit("tote", "verify \(text)") == 65)
        #expect(try await exit("tote", "restore \(text)") == 65)
        #expect(try await exit("tote", "verify \(directory.path)") == 74)
        #expect(try await exit("tote", "serve --data \(text)") == 73)
        #expect(try await exit("tote", "serve --data \(path("none/data"))") == 73)
        #expect(try await exit("tote-sim", "device p --dir /proc/none") == 73)
        #expect(try await exit("tote-sim", "counter s-1 --dir /proc/none") == 73)
        #expect(try await exit("tote-sim", "bench codec --dir /proc/none") == 73)
        #expect(try await exit("tote-sim", "check \(text)") == 65)
        #expect(try await exit("tote-sim", "sales \(text)") == 65)
        #expect(try await exit("tote-sim", "list --tag none") == 2)
        let wrong = try file("wrong.json", #"{"listen": 1}"#)
        #expect(try await exit("tote", "serve --config \(wrong)") == 78)
        #expect(try await exit("tote", "config check \(wrong)") == 78)
        #expect(try await exit("tote", "status --config \(wrong)") == 78)
        let server = try serve()
        server.end(SIGTERM)
        #expect(try await exit("tote", "status") == 0)
        try Database(path: data + "/tote.db").execute("PRAGMA user_version=32512")
        for line in ["serve", "status", "verify", "backup \(path("b"))"] {
            #expect(try await exit("tote", line) == 78, "\(line)")
        }
    }

    @Test(arguments: ["unit", "openapi", "--help", "config show --json"])
    func `74: a result that could not be written is no success`(line: String) async throws {
        let program = SimulatorProgram.executable("tote").path
        let full = try await Tools.run("sh", ["-c", "'\(program)' \(line) >/dev/full"])
        #expect(full.exit == 74, "\(full)")
        #expect(full.error.contains("No space left on device"), "\(full.error)")
        // A reader that has enough is none.
        let head = try await Tools.run("sh", ["-c", "'\(program)' \(line) | head -c 1 >/dev/null"])
        #expect(head.exit == 0 && head.error.isEmpty, "\(head)")
    }

    @Test func `69: an address that is taken, a server that is away`() async throws {
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        defer {
            server.end(SIGTERM)
            try? FileManager.default.removeItem(at: directory)
        }
        let line = try #require(server.readLine())
        let said = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        let url = try #require(said?["url"] as? String)
        let taken = "serve --data \(path("other")) --listen \(url.dropFirst("http://".count))"
        #expect(try await exit("tote", taken) == 69)
        let token = try file("token", "x")
        let away = "--server http://127.0.0.1:9 --admin-token-file \(token)"
        #expect(try await exit("tote-sim", "run first-sync \(away)") == 69)
        let sales = try await SimulatorProgram.simulate("sales", "--example").out
        #expect(try await exit("tote-sim", "sales \(try file("s.csv", sales)) \(away)") == 69)
    }

    /// A server in Python's own words, since ours does not fail on command.
    @Test(
        arguments: [
            (403, 77), (409, 1), (429, 75), (500, 70), (503, 75), (0, 69),
        ] as [(Int, Int32)])
    func `what a server answers with decides`(status: Int, expected: Int32) async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(
            atPath: data, withIntermediateDirectories: true)
        let script = """
            import socket, sys
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(sys.argv[1] + "/operator.sock")
            listener.listen()
            print("ready", flush=True)
            connection, _ = listener.accept()
            connection.recv(65536)
            if \(status):
                body = b'{"code": "some_code", "detail": "some words"}'
                connection.sendall(b"HTTP/1.1 \(status) X\\r\\nContent-Type: application/json\\r\\n"
                    b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
            connection.close()
            """
        let python = try RunningProgram("/usr/bin/env", ["python3", "-c", script, data])
        defer { python.end(SIGKILL) }
        _ = python.readLine()
        #expect(try await exit("tote", "token list") == expected)
    }
}
