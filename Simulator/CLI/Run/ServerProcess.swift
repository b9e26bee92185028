import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteService

/// Why a run could not go on.
struct RunFailure: Error, CustomStringConvertible {
    enum Kind: Sendable {
        /// What must hold does not.
        case expectation
        /// The server does not answer, or could not be started.
        case unavailable
    }

    let kind: Kind
    let message: String
    /// Where the scenario asked for it; the step's own place when there is no better one.
    let place: TextPlace?

    init(_ kind: Kind, _ message: String, at place: TextPlace? = nil) {
        self.kind = kind
        self.message = message
        self.place = place
    }

    var description: String { message }

    /// As a command reports it.
    var asFailure: CommandFailure {
        switch kind {
        case .expectation:
            CommandFailure(code: "expectation_failed", message: message, exit: .failure)
        case .unavailable:
            CommandFailure(code: "unavailable", message: message, exit: .unavailable)
        }
    }
}

/// A server of the run's own: `tote serve` in a process that may be killed at any time.
final class ServerProcess: Sendable {
    private struct State {
        var child: ChildProcess?
        var port: UInt16 = 0
        var restores = 0
        /// Kept from start to start: a clock that runs back would prove nothing.
        var clockAhead: String?
    }

    private static let startLimit: Duration = .seconds(30)

    private let program: String
    private let directory: String
    private let state = Lock(State())

    private var data: String { directory + "/server" }
    private var log: String { directory + "/server.log" }
    private func backup(_ name: String) -> String { directory + "/backup-\(name).db" }

    /// Starts a server whose data and log are under a directory.
    init(in directory: String) throws(RunFailure) {
        guard let program = Programs.server else {
            throw RunFailure(
                .unavailable,
                "the program `tote` is not beside tote-sim: build it, or name a "
                    + "server with --server URL")
        }
        self.program = program
        self.directory = directory
        try start()
    }

    var address: ServerAddress {
        let port = state.withLock { $0.port }
        return ServerAddress(host: "127.0.0.1", port: port)
    }

    var operatorSocket: HTTPConnection.Endpoint {
        .unix(path: DataDirectory(path: data).socketPath)
    }

    var isRunning: Bool { child != nil }
    private var child: ChildProcess? { state.withLock { $0.child } }

    /// Starts it, unless it runs, with its clock so much ahead.
    func start(clockAhead: String? = nil) throws(RunFailure) {
        guard child == nil else { throw RunFailure(.expectation, "the server runs already") }
        let port = state.withLock { $0.port }
        var arguments = [
            "serve", "--data", data, "--listen", "127.0.0.1:\(port)", "--json", "--per-address",
            // A fleet on one machine is one address, and plays hours in seconds.
            "1000", "--rate-token", "0", "--rate-address", "0",
        ]
        if let clockAhead { state.withLock { $0.clockAhead = clockAhead } }
        if let ahead = state.withLock({ $0.clockAhead }) { arguments += ["--clock-ahead", ahead] }
        let child: ChildProcess
        let line: String?
        do {
            child = try ChildProcess(program, arguments, errors: log)
            line = try child.readLine(within: Self.startLimit)
        } catch {
            throw RunFailure(.unavailable, "the server does not start: \(error); see \(log)")
        }
        let url = line.flatMap { try? Encoding.json.value(Array($0.utf8)) }?["url"]?.textValue
        guard let url, let address = try? ServerAddress(url) else {
            child.end()
            throw RunFailure(.unavailable, "the server ended before it listened; see \(log)")
        }
        state.withLock { state in
            state.child = child
            state.port = address.port
        }
    }

    /// `kill -9`.
    func kill() throws(RunFailure) {
        guard let child else { throw RunFailure(.expectation, "the server does not run") }
        child.end()
        state.withLock { $0.child = nil }
    }

    /// SIGTERM: what is under way is answered, and the process ends with 0.
    func stop() throws(RunFailure) {
        guard let child else { throw RunFailure(.expectation, "the server does not run") }
        child.signal(SIGTERM)
        let end = child.wait(atMost: .seconds(30))
        if end == nil { child.end() }
        state.withLock { $0.child = nil }
        guard end == .exited(0) else {
            let what = end.map { "\($0)" } ?? "went on for 30 s"
            throw RunFailure(.expectation, "after SIGTERM the server \(what); see \(log)")
        }
    }

    func makeBackup(_ name: String) throws(RunFailure) {
        try tote("backup", backup(name))
    }

    /// Puts a backup in the place of what is there, at the same address.
    func restore(_ name: String) throws(RunFailure) {
        if child != nil { try stop() }
        let number = state.withLock { state in
            state.restores += 1
            return state.restores
        }
        guard rename(data, "\(data)-before-restore-\(number)") == 0 else {
            throw RunFailure(.expectation, "\(data) cannot be moved: error \(errno)")
        }
        try tote("restore", backup(name))
        try start()
    }

    /// Ends the server, and has `tote verify` check every promise against the file.
    func verify() throws(RunFailure) {
        if child != nil { try stop() }
        try tote("verify")
    }

    /// Ends the server, however.
    func end() {
        child?.end()
        state.withLock { $0.child = nil }
    }

    private func tote(_ arguments: String...) throws(RunFailure) {
        let words = arguments + ["--data", data]
        let (child, said): (ChildProcess, String)
        do {
            child = try ChildProcess(program, words, errors: log)
            child.endInput()
            said = child.readAll()
        } catch {
            throw RunFailure(.unavailable, "\(error)")
        }
        let end = child.wait(atMost: .seconds(60))
        guard end == .exited(0) else {
            throw RunFailure(
                .expectation,
                "`tote \(arguments.joined(separator: " "))` "
                    + (end.map { "\($0)" } ?? "does not end") + ": \(said) see \(log)")
        }
    }
}
