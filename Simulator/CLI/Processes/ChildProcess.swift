import CLinux
import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteProcesses

/// A program that this one started: its standard input and output are pipes, its errors go to a
/// file or where this program's go.
///
/// Invariant: the process is waited for exactly once, so that its id is never used for another's.
/// One thread at a time may write and read; `kill` and `wait` may be called by any.
final class ChildProcess: Sendable {
    typealias End = ProgramStart.End

    /// What children get of the environment: nothing of Tote's own, which could lead them astray.
    private static let inherited = ProcessEnvironment.read([
        "ASAN_OPTIONS", "HOME", "LANG", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE", "PATH",
        "SWIFT_BACKTRACE", "TMPDIR", "TSAN_OPTIONS",
    ]).map { "\($0.key)=\($0.value)" }.sorted()

    let id: pid_t
    private let input: Lock<Int32>
    private let output: LineReader
    private let end: Monitor<End?>

    /// Starts a program.
    ///
    /// - Parameter errors: the file that what it says on standard error is appended to; `nil` for
    ///   where this program's goes.
    init(_ program: String, _ arguments: [String], errors: String?) throws(ProgramStart.Failure) {
        let (id, toChild, fromChild) = try Self.spawn(program, arguments, errors: errors)
        self.id = id
        input = Lock(toChild)
        output = LineReader(fromChild)
        let end = Monitor<End?>(nil)
        self.end = end
        Keeper.shared.note(id)
        // The thread ends with the process, which `Keeper` sees to even when nobody waits.
        _ = startThread(named: "wait-\(id)") {
            let how = ProgramStart.wait(for: id)
            Keeper.shared.forget(id)
            end.change { $0 = how }
        }
    }

    deinit {
        input.withLock { if $0 >= 0 { close($0) } }
    }

    private static func spawn(
        _ program: String, _ arguments: [String], errors: String?
    ) throws(ProgramStart.Failure) -> (id: pid_t, toChild: Int32, fromChild: Int32) {
        func failure(_ what: String) -> ProgramStart.Failure {
            ProgramStart.Failure(
                description: "\(what) cannot be opened: \(String(cString: strerror(errno)))")
        }
        var toChild: [Int32] = [-1, -1]
        var fromChild: [Int32] = [-1, -1]
        var log: Int32 = -1
        var isStarted = false
        defer {
            let mine = isStarted ? [toChild[0], fromChild[1], log] : toChild + fromChild + [log]
            for descriptor in mine where descriptor >= 0 { close(descriptor) }
        }
        guard pipe2(&toChild, O_CLOEXEC) == 0, pipe2(&fromChild, O_CLOEXEC) == 0 else {
            throw failure("a pipe to \(program)")
        }
        if let errors {
            log = open(errors, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard log >= 0 else { throw failure(errors) }
        }
        let start = ProgramStart(
            program, arguments, environment: inherited,
            descriptors: (toChild[0], fromChild[1], log >= 0 ? log : 2))
        let id = try start.run()
        isStarted = true
        return (id, toChild[1], fromChild[0])
    }

    /// How the process ended; `nil` while it runs.
    var ended: End? { end.wait(atMost: .zero) { $0 } }

    /// Waits for the process to end.
    ///
    /// - Returns: `nil` when the time has passed before.
    func wait(atMost timeout: Duration?) -> End? { end.wait(atMost: timeout) { $0 } }

    /// Sends a signal to the process, unless it has ended.
    func signal(_ signal: Int32) {
        // The end is noted after the wait, so an id that is gone may get the signal for an
        // instant: ids are not used again that fast.
        if ended == nil { kill(id, signal) }
    }

    /// Ends the process at once and waits until it is gone.
    func end(_ signal: Int32 = SIGKILL) {
        self.signal(signal)
        _ = wait(atMost: nil)
    }

    /// Writes a line to the process's standard input.
    ///
    /// - Returns: false when nobody reads it any more.
    func write(_ line: String) -> Bool {
        input.withLock { $0 >= 0 && Terminal.write(line + "\n", to: $0) }
    }

    /// Hands over the pipe to the process's standard input: whoever has it closes it.
    func takeInput() -> Int32 {
        input.withLock { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
    }

    /// Closes the process's standard input.
    func endInput() {
        input.withLock {
            if $0 >= 0 { close($0) }
            $0 = -1
        }
    }

    /// The next line of the process's standard output, without its break; `nil` at its end.
    func readLine(within limit: Duration) throws(LineReader.TookTooLong) -> String? {
        try output.next(within: limit)
    }

    /// Everything the process writes until it ends.
    func readAll() -> String { output.rest() }
}
