internal import CLinux
package import Foundation
internal import ToteConcurrency
internal import ToteProcesses

/// A program that a test started.
///
/// What it says goes into files: a pipe that nobody reads would stop it. Foundation's `Process` is
/// not used: on Linux the files that it is given stay open for ever, and with more than a thousand
/// descriptors it reads past a buffer as it starts the next one.
package final class TestProgram: Sendable {
    /// What a program did.
    package struct Outcome: Sendable {
        var end: ProgramStart.End
        package var out: Data
        package var error: Data

        /// `nil` when a signal ended it.
        package var exit: Int32? {
            if case .exited(let code) = end { code } else { nil }
        }

        package var signal: Int32? {
            if case .killed(let signal) = end { signal } else { nil }
        }

        /// All that it said.
        package var said: String { String(decoding: out + error, as: UTF8.self) }
    }

    /// What its standard input is.
    package enum Input: Sendable {
        case text(String)
        /// A pipe, and one for what it says: a test talks to it.
        case conversation
    }

    /// The ends of a conversation that are the test's, -1 where there is none.
    private let toProgram: Int32
    private let fromProgram: Int32
    private let folder: URL
    private let id: pid_t
    private let end: Monitor<ProgramStart.End?>
    private let unread = Lock(Data())

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - path: its file, or a name that is looked up as a shell does.
    ///   - environment: all that it gets; by default what the tests have.
    package init(
        _ path: String, _ arguments: [String], input: Input = .text(""),
        environment: [String: String] = ProcessInfo.processInfo.environment,
        directory: String? = nil
    ) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("tote-program-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var theirs: [Int32] = []
        var mine: [Int32] = []
        var isStarted = false
        defer {
            for descriptor in theirs + (isStarted ? [] : mine) { close(descriptor) }
            if !isStarted { try? FileManager.default.removeItem(at: folder) }
        }
        switch input {
        case .text(let text):
            let file = folder.appendingPathComponent("in")
            try Data(text.utf8).write(to: file)
            theirs.append(try Self.opened(file, O_RDONLY))
            theirs.append(try Self.opened(folder.appendingPathComponent("out"), O_WRONLY))
        case .conversation:
            let input = try Self.pipe()
            (theirs, mine) = ([input[0]], [input[1]])
            let output = try Self.pipe()
            theirs.append(output[1])
            mine.append(output[0])
        }
        theirs.append(try Self.opened(folder.appendingPathComponent("error"), O_WRONLY))
        let words = path.hasPrefix("/") ? arguments : [path] + arguments
        let start = ProgramStart(
            path.hasPrefix("/") ? path : "/usr/bin/env", words,
            environment: environment.map { "\($0.key)=\($0.value)" }, directory: directory,
            descriptors: (theirs[0], theirs[1], theirs[2]))
        id = try start.run()
        isStarted = true
        self.folder = folder
        (toProgram, fromProgram) = mine.isEmpty ? (-1, -1) : (mine[0], mine[1])
        end = Monitor(nil)
        _ = startThread(named: "wait-\(id)") { [id, end] in
            let how = ProgramStart.wait(for: id)
            end.change { $0 = how }
        }
    }

    deinit {
        for descriptor in [toProgram, fromProgram] where descriptor >= 0 { close(descriptor) }
        try? FileManager.default.removeItem(at: folder)
    }

    private static func opened(_ file: URL, _ how: Int32) throws -> Int32 {
        let descriptor = open(file.path, how | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        return descriptor
    }

    private static func pipe() throws -> [Int32] {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else {
            throw POSIXError(.init(rawValue: errno) ?? .EIO)
        }
        return ends
    }

    /// What it did, when it has ended; holds no thread of the tests' until then.
    package func outcome() async -> Outcome {
        await withCheckedContinuation { continuation in
            _ = startThread(named: "outcome-\(id)") { [self] in
                continuation.resume(returning: waitForOutcome())
            }
        }
    }

    /// The same, holding the thread: a test that let go of it would wait its turn among all others.
    package func waitForOutcome() -> Outcome {
        guard let how = end.wait(atMost: nil, until: { $0 }) else {
            preconditionFailure("waiting without a limit ended without an end")
        }
        return Outcome(end: how, out: read("out"), error: read("error"))
    }

    /// What it has said on standard error up to now.
    package var errors: String { String(decoding: read("error"), as: UTF8.self) }

    private func read(_ name: String) -> Data {
        (try? Data(contentsOf: folder.appendingPathComponent(name))) ?? Data()
    }

    /// Whether it has ended by itself, or does within a time.
    package func hasEnded(within limit: Duration) -> Bool {
        end.wait(atMost: limit) { $0 } != nil
    }

    /// Sends it a signal, and waits for its end.
    ///
    /// - Returns: its status, or the number of the signal that ended it.
    @discardableResult
    package func end(_ signal: Int32) -> Int32 {
        if !hasEnded(within: .zero) { kill(id, signal) }
        return waitForOutcome().end.number
    }

    /// The next line of a conversation; `nil` when there is none any more.
    package func readLine() -> String? {
        unread.withLock { unread in
            var room = [UInt8](repeating: 0, count: 65_536)
            while true {
                if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = String(decoding: unread[..<end], as: UTF8.self)
                    unread = Data(unread[(end + 1)...])
                    return line
                }
                let count = Foundation.read(fromProgram, &room, room.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return nil }
                unread += room[..<count]
            }
        }
    }

    /// Says a line to it.
    package func write(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        guard Foundation.write(toProgram, bytes, bytes.count) == bytes.count else {
            throw POSIXError(.init(rawValue: errno) ?? .EIO)
        }
    }
}
