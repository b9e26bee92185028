import Foundation
import TestPrograms
import Testing

/// Runs the executables that stand beside this test bundle, as a person would.
enum SimulatorProgram {
    /// What a program did.
    struct Outcome: Sendable {
        /// `nil` when a signal ended it.
        var exit: Int32?
        var signal: Int32?
        var out: String
        var error: String
    }

    /// The directory that the executables were built into.
    static let directory: URL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    /// Where other programs are found: python3 may be the caller's own.
    static let searchPath = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"

    /// What every program gets of the environment; nothing of Tote's own.
    static let environment = [
        "PATH": searchPath, "TMPDIR": "/tmp",
    ].merging(
        ProcessInfo.processInfo.environment.filter {
            ["ASAN_OPTIONS", "SWIFT_BACKTRACE", "TSAN_OPTIONS"].contains($0.key)
        }
    ) { $1 }

    /// One of the executables beside this bundle, or any by its path.
    static func executable(_ name: String) -> URL {
        name.hasPrefix("/")
            ? URL(fileURLWithPath: name) : directory.appendingPathComponent(name)
    }

    /// A directory for one test, removed with `remove`.
    static func makeDirectory() throws -> URL {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("tote-test-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    /// Runs a program to its end.
    static func run(
        _ name: String, _ arguments: [String], input: String = "",
        environment: [String: String] = [:]
    ) async throws -> Outcome {
        let done = try await TestProgram(
            executable(name).path, arguments, input: .text(input),
            environment: Self.environment.merging(environment) { $1 }
        ).outcome()
        let error = String(decoding: done.error, as: UTF8.self)
        Secrets.expectNone(in: error, of: ([name] + arguments).joined(separator: " "))
        return Outcome(
            exit: done.exit, signal: done.signal, out: String(decoding: done.out, as: UTF8.self),
            error: error)
    }

    /// Runs `tote-sim`.
    static func simulate(_ arguments: String..., input: String = "") async throws -> Outcome {
        try await run("tote-sim", arguments, input: input)
    }
}

/// A program that goes on while a test talks to it.
final class RunningProgram {
    private let program: TestProgram
    private let name: String

    init(
        _ name: String, _ arguments: [String], temporary: String = "/tmp",
        environment: [String: String] = [:]
    ) throws {
        self.name = name
        program = try TestProgram(
            SimulatorProgram.executable(name).path, arguments, input: .conversation,
            environment: SimulatorProgram.environment
                .merging(["TMPDIR": temporary]) { $1 }.merging(environment) { $1 })
    }

    deinit { Secrets.expectNone(in: errors, of: name) }

    /// What it has said on standard error: of a server, its log.
    var errors: String { program.errors }

    /// The next line that it says; `nil` when it has ended.
    func readLine() -> String? { program.readLine() }

    /// Of `tote serve --json`: the port of its first line; `nil` when it ended instead.
    func readPort() -> UInt16? {
        guard let line = readLine(),
            let said = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
            let url = said["url"] as? String
        else { return nil }
        return url.split(separator: ":").last.flatMap { UInt16($0) }
    }

    /// Whether it has ended by itself, or does before half a minute is over.
    func endsByItself() -> Bool { program.hasEnded(within: .seconds(30)) }

    /// Says a line to it.
    func write(_ line: String) throws { try program.write(line) }

    /// Sends a signal, and waits for the end.
    ///
    /// - Returns: the status of the process, or the number of the signal that ended it.
    @discardableResult
    func end(_ signal: Int32) -> Int32 { program.end(signal) }
}

/// What no log and no error may tell, of whatever test.
enum Secrets {
    /// Notes an issue for each bearer token that a text tells.
    static func expectNone(in text: String, of program: String) {
        let found = text.range(of: "tote_[0-9a-f]{64}", options: .regularExpression)
        #expect(found == nil, "\(program) tells a token on standard error: \(text)")
    }
}
