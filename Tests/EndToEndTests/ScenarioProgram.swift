import Foundation
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
    ///
    /// Output goes into files: a pipe that nobody reads would stop the program.
    static func run(
        _ name: String, _ arguments: [String], input: String = "",
        environment: [String: String] = [:]
    ) async throws -> Outcome {
        let scratch = try makeDirectory()
        defer { try? FileManager.default.removeItem(at: scratch) }
        let files = ["in", "out", "error"].map { scratch.appendingPathComponent($0) }
        try Data(input.utf8).write(to: files[0])
        try Data().write(to: files[1])
        try Data().write(to: files[2])
        let process = Process()
        process.executableURL = executable(name)
        process.arguments = arguments
        process.environment = Self.environment.merging(environment) { $1 }
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        let isExit = process.terminationReason == .exit
        let error = String(decoding: try Data(contentsOf: files[2]), as: UTF8.self)
        Secrets.expectNone(in: error, of: ([name] + arguments).joined(separator: " "))
        return Outcome(
            exit: isExit ? process.terminationStatus : nil,
            signal: isExit ? nil : process.terminationStatus,
            out: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
            error: error)
    }

    /// Runs `tote-sim`.
    static func simulate(_ arguments: String..., input: String = "") async throws -> Outcome {
        try await run("tote-sim", arguments, input: input)
    }
}

/// A program that goes on while a test talks to it.
final class RunningProgram {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errorFile: URL
    private var unread = Data()

    init(
        _ name: String, _ arguments: [String], temporary: String = "/tmp",
        environment: [String: String] = [:]
    ) throws {
        process.executableURL = SimulatorProgram.executable(name)
        process.arguments = arguments
        process.environment = SimulatorProgram.environment
            .merging(["TMPDIR": temporary]) { $1 }.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        errorFile = FileManager.default.temporaryDirectory
            .appendingPathComponent("tote-errors-\(UInt64.random(in: 0 ... .max))")
        try Data().write(to: errorFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        try process.run()
    }

    deinit {
        Secrets.expectNone(in: errors, of: process.executableURL?.lastPathComponent ?? "")
        try? FileManager.default.removeItem(at: errorFile)
    }

    /// What it has said on standard error: of a server, its log.
    var errors: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

    /// The next line that it says; `nil` when it has ended.
    func readLine() -> String? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread = Data(unread[(end + 1)...])
                return line
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            unread += more
        }
    }

    /// Of `tote serve --json`: the port of its first line; `nil` when it ended instead.
    func readPort() -> UInt16? {
        guard let line = readLine(),
            let said = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
            let url = said["url"] as? String
        else { return nil }
        return url.split(separator: ":").last.flatMap { UInt16($0) }
    }

    /// Whether it has ended by itself, or does before half a minute is over.
    func endsByItself() -> Bool {
        for _ in 0..<300 where process.isRunning { usleep(100_000) }
        return !process.isRunning
    }

    /// Says a line to it.
    func write(_ line: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    }

    /// Sends a signal, and waits for the end.
    ///
    /// - Returns: the status of the process, or the number of the signal that ended it.
    @discardableResult
    func end(_ signal: Int32) -> Int32 {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// What no log and no error may tell, of whatever test.
enum Secrets {
    /// Notes an issue for each bearer token that a text tells.
    static func expectNone(in text: String, of program: String) {
        let found = text.range(of: "tote_[0-9a-f]{64}", options: .regularExpression)
        #expect(found == nil, "\(program) tells a token on standard error: \(text)")
    }
}
