import Glibc
import ToteCommandLine
import ToteConcurrency

/// Knows every process that this one started, so that none outlives it.
///
/// Ctrl-C and SIGTERM end them from within. For the case that this process is killed itself, a
/// second process holds the same list, waits for the end of its standard input, and ends what is
/// left.
final class Keeper: Sendable {
    static let shared = Keeper()
    /// The word that makes this program the second process. It is no command for people.
    static let word = "keep-children"

    private struct State {
        var children: [pid_t] = []
        var guardInput: Int32 = -1
        var directories: [String] = []
    }

    private let state = Lock(State())

    private init() {}

    func note(_ id: pid_t) {
        state.withLock { state in
            state.children.append(id)
            Self.tell(state.guardInput, "+\(id)")
        }
    }

    func forget(_ id: pid_t) {
        state.withLock { state in
            state.children.removeAll { $0 == id }
            Self.tell(state.guardInput, "-\(id)")
        }
    }

    /// Has a directory removed when the run is broken off.
    func removeAtEnd(_ directory: String) {
        state.withLock { $0.directories.append(directory) }
    }

    /// Has a directory stay.
    func keep(_ directory: String) {
        state.withLock { $0.directories.removeAll { $0 == directory } }
    }

    private static func tell(_ descriptor: Int32, _ line: String) {
        // Legal to fail: without a guard only a `kill -9` of this process leaves children behind.
        if descriptor >= 0 { _ = Terminal.write(line + "\n", to: descriptor) }
    }

    /// Starts the second process, and the thread that takes Ctrl-C and SIGTERM.
    ///
    /// Called once, before any other thread is started: they inherit the mask.
    func start() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGHUP)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        _ = startThread(named: "signals") { [self] in
            var signals = sigset_t()
            sigemptyset(&signals)
            for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
            var got: Int32 = 0
            while sigwait(&signals, &got) != 0 {}
            breakOff()
        }
        guard let program = Programs.own,
            let child = try? ChildProcess(program, [Self.word], errors: "/dev/null")
        else { return }
        state.withLock { state in
            state.children.removeAll { $0 == child.id }
            state.guardInput = child.takeInput()
        }
    }

    private func breakOff() -> Never {
        let directories = state.withLock { state in
            for child in state.children { kill(child, SIGKILL) }
            return state.directories
        }
        for directory in directories { Files.remove(directory) }
        _ = Terminal.write("\ninterrupted: every process of the run is ended\n", to: 2)
        // Legal: other threads may hold locks that `exit` would wait for.
        _exit(130)
    }

    /// What the second process does until its standard input ends.
    static func keep() -> Never {
        var children: [pid_t] = []
        // A group of its own already keeps Ctrl-C away; this keeps `killall -TERM` away too.
        signal(SIGTERM, SIG_IGN)
        while let line = readLine() {
            guard let id = pid_t(line.dropFirst()), id > 1 else { continue }
            if line.hasPrefix("+") {
                children.append(id)
            } else {
                children.removeAll { $0 == id }
            }
        }
        for child in children { kill(child, SIGKILL) }
        exit(0)
    }
}
