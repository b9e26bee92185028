import Foundation
import Testing
import ProtocolChecks
import ToteCore
import ToteHTTP

/// Secrets and personal data, put wherever a request can carry them, to every operation of the API
/// and as everybody: none is in the log, in the metrics or in an error.
@Suite struct SecretsTests {
    /// A hundred words that are nowhere else.
    private final class Plants {
        let words = (0..<100).map { number in
            "plant\(number)x" + String(UInt64.random(in: 1 << 60 ... .max), radix: 36)
        }
        private var next = 0

        /// The next one; after a hundred the first again.
        func take() -> String {
            defer { next += 1 }
            return words[next % words.count]
        }

        var areAllUsed: Bool { next >= words.count }

        /// Those that a text tells.
        func told(by text: String) -> [String] { words.filter { text.contains($0) } }
    }

    private struct Operation {
        var method: String
        var path: String
        var query: [String]
        /// The members of its JSON body.
        var members: [String]
    }

    private let plants = Plants()

    @Test func `what is secret or personal is in no log, no metric and no error`() async throws {
        let folder = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = folder.appendingPathComponent("data").path
        let server = try RunningProgram(
            "tote",
            [
                "serve", "--data", data, "--listen", "127.0.0.1:0", "--json", "--demo",
                "--log-level",
                "debug", "--metrics", "127.0.0.1:0", "--rate-token", "0", "--rate-address", "0",
                "--allow-private-webhooks", "--allow-insecure-webhooks",
            ])
        let said = try Encoding.json.value(Array(try #require(server.readLine()).utf8))
        let port = try #require(
            said["url"]?.textValue?.split(separator: ":").last.flatMap { UInt16($0) })
        let socket = OperatorSocket(data: data)
        var tokens = [said["token"], said["counter_token"]].compactMap { $0?.textValue }
        #expect(tokens.count == 2)
        tokens.append(
            try #require(
                socket.send("/v1/admin/tokens", #"{"role":"admin"}"#)?["token"]?.textValue))
        try useWell(socket, port)
        var errors = 0
        for operation in try operations(port) {
            for bearer in tokens + [plants.take(), "tote_" + plants.take()] {
                errors += try misuse(operation, port, bearer: bearer)
            }
        }
        #expect(errors > 500)
        #expect(plants.areAllUsed)
        let metrics = try #require(said["metrics_url"]?.textValue)
        let page = try fetch(
            UInt16(metrics.split(separator: ":").last?.prefix { $0 != "/" } ?? "") ?? 0,
            HTTPClientRequest(method: "GET", target: "/metrics"))
        #expect(page.status == 200)
        #expect(plants.told(by: String(decoding: page.body, as: UTF8.self)) == [])
        server.end(SIGTERM)
        let log = server.errors
        #expect(log.split(separator: "\n").count > errors)
        #expect(plants.told(by: log) == [])
        for token in tokens { #expect(!log.contains(token)) }
    }

    /// What people do all day, with names, notes and references that are theirs alone.
    private func useWell(_ socket: OperatorSocket, _ port: UInt16) throws {
        let secret = try #require(socket.mint())
        let device = try BareDevice()
        for _ in 0..<10 { try device.add("\(plants.take())|note=\(plants.take())") }
        #expect(try device.push(to: port, secret: secret, tries: 20))
        let customer = plants.take()
        let payment =
            #"{"customer":"\#(customer)","account":"card:EUR","kind":"top_up","amount":1,"#
            + #""reference":"\#(plants.take())"}"#
        #expect(socket.send("/v1/admin/ledger", payment) != nil)
        let token = #"{"label":"\#(plants.take())","spaces":[{"space":"customer:\#(customer)"}]}"#
        #expect(socket.send("/v1/admin/tokens", token) != nil)
        // Nobody listens there: every delivery fails, which the log tells.
        let webhook =
            #"{"url":"http://127.0.0.1:1/\#(plants.take())","label":"\#(plants.take())","#
            + #""types":[]}"#
        let made = try #require(socket.send("/v1/admin/webhooks", webhook))
        let id = try #require(made["id"]?.textValue)
        #expect(socket.send("/v1/admin/webhooks/\(id)/test", "{}") != nil)
    }

    /// Every operation of the API's document.
    private func operations(_ port: UInt16) throws -> [Operation] {
        let page = try fetch(port, HTTPClientRequest(method: "GET", target: "/v1/openapi.json"))
        let document = try JSONSerialization.jsonObject(with: Data(page.body)) as? [String: Any]
        let paths = try #require(document?["paths"] as? [String: [String: [String: Any]]])
        return paths.flatMap { path, methods in
            methods.map { method, operation in
                let parameters = operation["parameters"] as? [[String: Any]] ?? []
                let body = operation["requestBody"] as? [String: Any]
                let content = body?["content"] as? [String: [String: Any]]
                let schema = content?["application/json"]?["schema"] as? [String: Any]
                return Operation(
                    method: method.uppercased(), path: path,
                    query: parameters.filter { $0["in"] as? String == "query" }
                        .compactMap { $0["name"] as? String },
                    members: (schema?["properties"] as? [String: Any] ?? [:]).keys.sorted())
            }
        }
    }

    /// Asks for one thing with words that do not belong there.
    ///
    /// - Returns: how many of the answers were errors.
    private func misuse(_ operation: Operation, _ port: UInt16, bearer: String) throws -> Int {
        var path = operation.path
        while let start = path.firstIndex(of: "{"), let end = path.firstIndex(of: "}") {
            let prefix = path[start...end] == "{space}" ? "customer:" : ""
            path.replaceSubrange(start...end, with: prefix + plants.take())
        }
        let query = operation.query.map { "\($0)=\(plants.take())" }.joined(separator: "&")
        let members = operation.members.map { #""\#($0)":"\#(plants.take())""# }
        var bodies = [
            "", "{\(members.joined(separator: ","))}", #""\#(plants.take())""#,
            #"{"a":"\#(plants.take())"#, #"[{"a":["\#(plants.take())"]}]"#,
        ]
        // In the place of a name. An operator's catalogue is told which of its names are wrong.
        if operation.path != "/v1/admin/catalog" { bodies.append(#"{"\#(plants.take())":1}"#) }
        var errors = 0
        for (number, body) in bodies.enumerated() {
            let answer = try fetch(
                port,
                HTTPClientRequest(
                    method: operation.method, target: path + (query.isEmpty ? "" : "?" + query),
                    headers: [
                        ("Authorization", "Bearer \(bearer)"),
                        (
                            "Content-Type",
                            number == 4 ? "text/\(plants.take())" : "application/json"
                        ),
                        ("Idempotency-Key", plants.take()), ("If-None-Match", plants.take()),
                        ("User-Agent", plants.take()), ("X-Forwarded-For", plants.take()),
                        ("Cookie", "session=\(plants.take())"), ("Accept", plants.take()),
                    ], body: Array(body.utf8)))
            guard answer.status >= 400 else { continue }
            errors += 1
            let head = answer.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
            let told = plants.told(by: head + String(decoding: answer.body, as: UTF8.self))
            #expect(told == [], "\(operation.method) \(operation.path): \(answer.text)")
        }
        return errors
    }

    private func fetch(_ port: UInt16, _ request: HTTPClientRequest) throws -> HTTPClientResponse {
        let line = try HTTPConnection(to: .tcp(host: "127.0.0.1", port: port))
        defer { line.close() }
        return try line.sendToAPI(request)
    }
}

extension HTTPClientResponse {
    fileprivate var text: String { String(decoding: body, as: UTF8.self) }
}
