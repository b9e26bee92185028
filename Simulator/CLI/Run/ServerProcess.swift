import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteProcesses
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
final class ServerProcess: ScenarioServer {
    private struct State {
        var child: ChildProcess?
        var port: UInt16 = 0
        /// Kept from start to start: a clock that runs back would prove nothing.
        var clockAhead: String?
    }

    private static let startLimit: Duration = .seconds(30)

    let files: ServerFiles
    private let state = Lock(State())

    /// Starts a server whose data and log are under a directory.
    init(in directory: String) throws(RunFailure) {
        files = try ServerFiles(in: directory)
        try start()
    }

    var address: ServerAddress {
        let port = state.withLock { $0.port }
        return ServerAddress(host: "127.0.0.1", port: port)
    }

    var place: ServerPlace { .socket(address.endpoint) }
    var operatorPlace: ServerPlace {
        .socket(.unix(path: DataDirectory(path: files.data).socketPath))
    }

    var isRunning: Bool { child != nil }
    private var child: ChildProcess? { state.withLock { $0.child } }

    func start(clockAhead: String?) throws(RunFailure) {
        guard child == nil else { throw RunFailure(.expectation, "the server runs already") }
        let port = state.withLock { $0.port }
        var arguments = [
            "serve", "--data", files.data, "--listen", "127.0.0.1:\(port)", "--json",
            // A fleet on one machine is one address, and plays hours in seconds.
            "--per-address", "1000", "--rate-token", "0", "--rate-address", "0",
        ]
        if let clockAhead { state.withLock { $0.clockAhead = clockAhead } }
        if let ahead = state.withLock({ $0.clockAhead }) { arguments += ["--clock-ahead", ahead] }
        let child: ChildProcess
        let line: String?
        do {
            child = try ChildProcess(files.program, arguments, errors: files.log)
            line = try child.readLine(within: Self.startLimit)
        } catch {
            throw RunFailure(
                .unavailable, "the server does not start: \(error); see \(files.log)")
        }
        let url = line.flatMap { try? Encoding.json.value(Array($0.utf8)) }?["url"]?.textValue
        guard let url, let address = try? ServerAddress(url) else {
            child.end()
            throw RunFailure(
                .unavailable, "the server ended before it listened; see \(files.log)")
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
            throw RunFailure(.expectation, "after SIGTERM the server \(what); see \(files.log)")
        }
    }

    func makeBackup(_ name: String) throws(RunFailure) {
        try files.tote("backup", files.backup(name))
    }

    func end() {
        child?.end()
        state.withLock { $0.child = nil }
    }
}
