import Foundation
import Testing

/// `tote config`, and a server that runs from a configuration file.
@Suite struct ConfigTests {
    private let directory: URL

    init() throws { directory = try SimulatorProgram.makeDirectory() }

    private func file(_ text: String) throws -> String {
        let url = directory.appendingPathComponent("tote.json")
        try Data(text.utf8).write(to: url)
        return url.path
    }

    private func tote(
        _ arguments: String..., environment: [String: String] = [:]
    ) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run("tote", arguments, environment: environment)
    }

    @Test func `a server runs from its file, and the operator's commands find it by the same file`()
        async throws
    {
        defer { try? FileManager.default.removeItem(at: directory) }
        let data = directory.appendingPathComponent("data").path
        let file = try file(#"{"data": "\#(data)", "listen": "127.0.0.1:0", "per_address": 9}"#)
        let server = try RunningProgram("tote", ["serve", "--config", file, "--json"])
        defer { server.end(SIGTERM) }
        let line = try #require(server.readLine())
        #expect(line.contains(#""version":1"#) && line.contains(data), "\(line)")
        #expect(!line.contains(":8090"), "\(line)")
        let status = try await tote("status", environment: ["TOTE_CONFIG": file])
        #expect(status.exit == 0, "\(status)")
    }

    @Test func `what may be meant otherwise is warned of`() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let environment = ["TOTE_LISTN": "127.0.0.1:1", "TOTE_SERVICE_HOST": "10.0.0.1"]
        let typo = "TOTE_LISTN is not read: did you mean TOTE_LISTEN?"
        let open = "0.0.0.0 can be reached from elsewhere: /metrics needs no token there"
        let path = try file(#"{"metrics": "0.0.0.0:9464"}"#)
        for line in [["check", path], ["show", "--config", path]] {
            let told = try await SimulatorProgram.run(
                "tote", ["config"] + line, environment: environment)
            #expect(told.exit == 0, "\(told)")
            #expect(told.out.hasSuffix("\nwarning: \(typo)\nwarning: \(open)\n"), "\(told.out)")
        }
        let data = directory.appendingPathComponent("data").path
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"],
            environment: environment)
        _ = try #require(server.readLine())
        server.end(SIGTERM)
        #expect(server.errors.contains(typo), "\(server.errors)")
        #expect(!server.errors.contains("SERVICE_HOST"))
    }

    @Test func `a file that is no UTF-8 says where`() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let url = directory.appendingPathComponent("tote.json")
        try Data(Array("{\n \"data\": \"é".utf8) + [0xE9] + Array("\"}".utf8)).write(to: url)
        let told = try await tote("config", "check", url.path)
        #expect(told.exit == 78, "\(told)")
        #expect(told.error.contains("tote.json:2:12: these bytes are no UTF-8"), "\(told)")
    }

    @Test func `show tells each value and where it comes from`() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = try file("{\n  \"per_address\": 9,\n  \"log_level\": \"debug\"\n}\n")
        let shown = try await tote(
            "config", "show", "--origin", "--config", path, "--proxy", "10.0.0.7",
            environment: ["TOTE_LOG_LEVEL": "error", "TOTE_ALLOW_PRIVATE_WEBHOOKS": "1"])
        #expect(shown.exit == 0, "\(shown)")
        let rows = shown.out.split(separator: "\n").map {
            $0.split(separator: " ").joined(separator: " ")
        }
        #expect(
            rows == [
                "data tote-data default", "listen 127.0.0.1:8090 default",
                "metrics not set default", "proxy 10.0.0.7 flag",
                "log_level error TOTE_LOG_LEVEL", "per_address 9 \(path):2:3",
                "rate_token 100 default", "rate_address 1000 default",
                "allow_private_webhooks on TOTE_ALLOW_PRIVATE_WEBHOOKS",
                "allow_insecure_webhooks off default",
            ])
    }

    @Test(arguments: [
        (#"{"lisen": "127.0.0.1:1"}"#, "1:2: there is no setting 'lisen'; did you mean 'listen'?"),
        (#"{"data": ""}"#, "1:10: data needs a value"),
        (#"{"listen": "x"}"#, "1:12: listen takes HOST:PORT, not 'x'; like 127.0.0.1:8090"),
        (#"{"listen": "0.0.0.0:1"}"#, "1:2: 0.0.0.0 can be reached from elsewhere"),
        (#"{"proxy": "cat"}"#, "1:11: proxy takes an IP address, not 'cat'"),
        (#"{"data": 1}"#, "1:10: data needs a text, not a number"),
        ("{\n  \"data\": \"x\",\n}", "3:1: '}' stands where a member's name in quotes belongs"),
    ])
    func `check and serve refuse a file that is wrong, with line and column`(
        text: String, expected: String
    ) async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = try file(text)
        let checked = try await tote("config", "check", path)
        #expect(checked.exit == 78 && checked.out.isEmpty, "\(checked)")
        #expect(checked.error.hasPrefix("\(path):\(expected)"), "\(checked.error)")
        let asJSON = try await tote("config", "check", "--config", path, "--json")
        let said = try JSONSerialization.jsonObject(with: Data(asJSON.error.utf8))
        let object = try #require(said as? [String: Any])
        #expect(object["version"] as? Int == 1 && object["code"] as? String == "config_invalid")
        #expect((object["errors"] as? [[String: Any]])?.first?["line"] is Int)
        let served = try await tote("serve", "--config", path)
        #expect(served.exit == 78, "\(served)")
    }

    @Test func `check says that a file is in order, and which one is missing`() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = try file(#"{"$schema": "x", "//": "ours", "listen": "[::1]:0"}"#)
        let checked = try await tote("config", "check", environment: ["TOTE_CONFIG": path])
        #expect(checked.exit == 0 && checked.out == "\(path): in order\n", "\(checked)")
        #expect(try await tote("config", "check", path + "-not").exit == 66)
        #expect(try await tote("config", "check").exit == 64)
        #expect(try await tote("serve", "--config", path + "-not").exit == 66)
    }
}
