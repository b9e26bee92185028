import Foundation
import TestPrograms
import Testing
import ToteCore

/// Requests that Schemathesis makes up from the API's document, good and bad ones, against the real
/// `tote serve`: none may fail in the server, and no answer may be one that the document lacks.
@Suite(.timeLimit(.minutes(10))) struct SchemathesisTests {
    /// Made-up requests of each operation, beside those at the edges of every schema.
    private static let examplesPerOperation = 5
    private static let checks = [
        "not_a_server_error", "status_code_conformance", "content_type_conformance",
        "response_schema_conformance", "unsupported_method", "allow_header_conformance",
        "ignored_auth", "negative_data_rejection",
    ]

    /// Where continuous integration runs, a missing tool is a failure and no reason to skip.
    private static let mustRun = ProcessInfo.processInfo.environment["TOTE_CI"] == "1"

    private static let program: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/schemathesis" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Spaces and stores that there are, what a bad request may be answered, and methods that HTTP
    /// knows: another is 501 (RFC 9110).
    private static let configuration = """
        [parameters]
        "path.space" = "customer:demo"
        "path.store" = "paris-republique"
        [checks.negative_data_rejection]
        expected-statuses = [
            400, 401, 404, 405, 408, 409, 412, 413, 414, 415, 417, 422, 428, 429, 431
        ]
        [phases.coverage]
        unexpected-methods = ["PUT", "PATCH", "DELETE"]
        """

    @Test(.enabled(if: mustRun || program != nil, "schemathesis is missing"))
    func `no request that can be made up fails or is answered as nobody says`() async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let data = directory.path + "/data"
        let server = try RunningProgram(
            "tote",
            [
                "serve", "--demo", "--json", "--data", data, "--listen", "127.0.0.1:0",
                "--rate-token", "0", "--rate-address", "0",
            ])
        defer { server.end(SIGTERM) }
        let said = try Encoding.json.value(Array(try #require(server.readLine()).utf8))
        let minted = try await SimulatorProgram.run(
            "tote", ["token", "mint", "--role", "admin", "--data", data, "--json"])
        let admin = try Encoding.json.value(Array(minted.out.utf8))["token"]?.textValue
        let tokens = [
            ("customer", said["token"]?.textValue), ("store", said["counter_token"]?.textValue),
            ("admin", admin),
        ]
        let file = directory.appendingPathComponent("schemathesis.toml")
        try Data(Self.configuration.utf8).write(to: file)
        let url = try #require(said["url"]?.textValue)
        for (who, token) in tokens {
            let (status, output) = try await run(
                in: directory,
                [
                    "--config-file", file.path, "run", url + "/v1/openapi.json", "--header",
                    "Authorization: Bearer \(try #require(token))", "--checks",
                    Self.checks.joined(separator: ","), "--max-examples",
                    String(Self.examplesPerOperation), "--phases", "coverage,fuzzing",
                    "--continue-on-failure", "--generation-database", "none", "--seed", "1",
                    "--warnings", "off", "--no-color",
                ])
            #expect(status == 0, "as \(who):\n\(output.suffix(4_000))")
        }
    }

    private func run(
        in directory: URL, _ arguments: [String]
    ) async throws -> (status: Int32, output: String) {
        // Takes minutes, and must not hold one of the tests' few threads for so long.
        let done = try await TestProgram(
            try #require(Self.program), arguments, directory: directory.path
        ).outcome()
        return (done.exit ?? -1, done.said)
    }
}
