import Foundation
import Testing

/// A server with the demo café, a customer, and a token for one of its counters.
final class CafeWorld {
    let directory: URL
    let url: String
    private let token: String
    private let server: RunningProgram
    let data: String
    /// What the server has said on its standard error.
    var log: String { server.errors }
    /// The id of the counter's token.
    let till: String
    static let store = "paris-republique"

    init() async throws {
        directory = try SimulatorProgram.makeDirectory()
        data = directory.appendingPathComponent("data").path
        server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--demo", "--json"])
        let line = try #require(server.readLine())
        let said = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        url = try #require(said?["url"] as? String)
        token = try #require(said?["token"] as? String)
        let minted = try await SimulatorProgram.run(
            "tote",
            [
                "token", "mint", "--data", data, "--role", "staff", "--space",
                "store:\(Self.store)", "--label", "till", "--json",
            ])
        let answer = try JSONSerialization.jsonObject(with: Data(minted.out.utf8))
        let secret = try #require((answer as? [String: Any])?["token"] as? String)
        till = try #require((answer as? [String: Any])?["id"] as? String)
        try Data(secret.utf8).write(to: directory.appendingPathComponent("till.token"))
    }

    deinit {
        server.end(SIGTERM)
        try? FileManager.default.removeItem(at: directory)
    }

    /// The directory of the counter's redeemer: what a restored disk would bring back.
    func redeemerDisk() -> URL? {
        let found = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        while let file = found?.nextObject() as? URL {
            if file.lastPathComponent == "installation.sqlite", file.path.contains("redeemer") {
                return file.deletingLastPathComponent()
            }
        }
        return nil
    }

    /// One of the operator's commands.
    func operate(_ arguments: String...) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run("tote", arguments + ["--data", data])
    }

    func phone(_ lines: String...) async throws -> SimulatorProgram.Outcome {
        try await phone(lines: lines)
    }

    func phone(lines: [String]) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run(
            "tote-sim",
            [
                "device", "phone", "--server", url, "--dir", directory.path, "--live", "off",
            ],
            input: lines.joined(separator: "\n") + "\n", environment: ["TOTE_TOKEN": token])
    }

    func counter(
        _ lines: String..., options: [String] = []
    ) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run(
            "tote-sim",
            [
                "counter", Self.store, "--server", url, "--dir", directory.path, "--script",
                "-", "--token-file", directory.appendingPathComponent("till.token").path,
            ] + options, input: lines.joined(separator: "\n") + "\n")
    }
}
