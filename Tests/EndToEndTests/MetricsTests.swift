import Foundation
import Testing
import ToteCore
import ToteHTTP

/// `tote metrics` and `tote serve --metrics` on real programs.
@Suite struct MetricsCommandTests {
    @Test func `list names every metric that a server gives, and the dashboard is JSON`()
        async throws
    {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let server = try RunningProgram(
            "tote",
            [
                "serve", "--data", directory.path + "/data", "--listen", "127.0.0.1:0",
                "--metrics", "127.0.0.1:0", "--json",
            ])
        defer { server.end(SIGTERM) }
        let line = try Encoding.json.value(Array(try #require(server.readLine()).utf8))
        let url = try #require(line["metrics_url"]?.textValue.flatMap(URL.init(string:)))
        let connection = try HTTPConnection(
            to: .tcp(host: "127.0.0.1", port: UInt16(try #require(url.port))))
        let answer = try connection.send(
            HTTPClientRequest(method: "GET", target: url.path, headers: [], body: []))
        let page = String(decoding: answer.body, as: UTF8.self)
        let given = page.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map {
            String($0.split(separator: " ")[2])
        }
        let list = try await SimulatorProgram.run("tote", ["metrics", "list", "--json"])
        guard case .array(let metrics)? = try Encoding.json.value(Array(list.out.utf8))["metrics"]
        else { throw CancellationError() }
        #expect(metrics.map { $0["name"]?.textValue } == given)
        #expect(page.contains("\ntote_build_info{version=\"0."))
        let dashboard = try await SimulatorProgram.run("tote", ["metrics", "dashboard"])
        #expect(try Encoding.json.value(Array(dashboard.out.utf8))["title"] == .text("Tote"))
    }
}
