import Glibc
import ToteCommandLine
import ToteConcurrency

/// A program that this one started: its standard input and output are pipes, its errors go to a
/// file or where this program's go.
///
/// Invariant: the process is waited for exactly once, so that its id is never used for another's.
/// One thread at a time may write and read; `kill` and `wait` may be called by any.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum End: Hashable, Sendable, CustomStringConvertible {
        case exited(Int32)
        case killed(signal: Int32)

        var description: String {
            switch self {
            case .exited(let code): "exited with \(code)"
            case .killed(let signal): "was ended by signal \(signal)"
            }
        }
    }

    struct CannotStart: Error, CustomStringConvertible {
        let description: String
    }

    /// Two threads that open pipes and spawn at once would hand each other's ends to the children.
    ///
    /// The count is for nobody: a lock that guards nothing looks like a race to the sanitiser.
    private static let spawning = Lock(0)

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
    init(_ program: String, _ arguments: [String], errors: String?) throws(CannotStart) {
        let started = Self.spawning.withLock { count in
            count += 1
            return Self.spawn(program, arguments, errors: errors)
        }
        guard case .running(let id, let toChild, let fromChild) = started else {
            guard case .failed(let code) = started else { preconditionFailure("no such case") }
            throw CannotStart(
                description: "\(program) cannot be started: \(String(cString: strerror(code)))")
        }
        self.id = id
        input = Lock(toChild)
        output = LineReader(fromChild)
        let end = Monitor<End?>(nil)
        self.end = end
        Keeper.shared.note(id)
        // The thread ends with the process, which `Keeper` sees to even when nobody waits.
        _ = startThread(named: "wait-\(id)") {
            var status: Int32 = 0
            while waitpid(id, &status, 0) < 0, errno == EINTR {}
            Keeper.shared.forget(id)
            let signal = status & 0x7F
            end.change { $0 = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal) }
        }
    }

    deinit {
        input.withLock { if $0 >= 0 { close($0) } }
    }

    private enum Started {
        case running(pid_t, toChild: Int32, fromChild: Int32)
        case failed(Int32)
    }

    private static func spawn(
        _ program: String, _ arguments: [String], errors: String?
    ) -> Started {
        var toChild: [Int32] = [-1, -1]
        var fromChild: [Int32] = [-1, -1]
        guard pipe(&toChild) == 0 else { return .failed(errno) }
        guard pipe(&fromChild) == 0 else {
            let code = errno
            toChild.forEach { close($0) }
            return .failed(code)
        }
        for descriptor in toChild + fromChild { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        if let errors {
            posix_spawn_file_actions_addopen(
                &actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Ctrl-C is ours to handle: the child gets a group of its own, and no blocked signals.
        var none = sigset_t()
        sigemptyset(&none)
        var piped = sigset_t()
        sigemptyset(&piped)
        sigaddset(&piped, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &piped)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var words = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        defer { words.forEach { free($0) } }
        var id = pid_t()
        var environment = inherited.map { strdup($0) }
        environment.append(nil)
        defer { environment.forEach { free($0) } }
        let code = posix_spawn(&id, program, &actions, &attributes, &words, environment)
        close(toChild[0])
        close(fromChild[1])
        guard code == 0 else {
            close(toChild[1])
            close(fromChild[0])
            return .failed(code)
        }
        return .running(id, toChild: toChild[1], fromChild: fromChild[0])
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
