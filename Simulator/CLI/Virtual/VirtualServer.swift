import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteSQLite
import ToteService

/// A run's own server in this process and in virtual time: the production service, but for its
/// sockets, on a data directory like any other.
final class VirtualServer: ScenarioServer {
    /// When the process ends at once: with the next request, that is not done, or done and not
    /// answered.
    enum Crash: Sendable {
        case beforeCommit, afterCommit
    }

    private struct State {
        var service: Service?
        var open: [HTTPExchange] = []
        var crash: Crash?
    }

    /// As the service has its listeners take them.
    static let limits = Service.messageLimits

    let files: ServerFiles
    /// What its data are on, where that fails.
    nonisolated(unsafe) let disk: FailingDirectory?
    private let state = Lock(State())

    /// Starts a server whose data and log are under a directory.
    init(in directory: String, failing: Bool = false) throws(RunFailure) {
        files = try ServerFiles(in: directory)
        disk = failing ? FailingDirectory(files.data) : nil
        ToteService.SystemClock.runAhead(milliseconds: 0)
        try start(clockAhead: nil)
    }

    var place: ServerPlace { .virtual(self, isOperator: false) }
    var operatorPlace: ServerPlace { .virtual(self, isOperator: true) }
    var isRunning: Bool { state.withLock { $0.service != nil } }

    func start(clockAhead: String?) throws(RunFailure) {
        guard !isRunning else { throw RunFailure(.expectation, "the server runs already") }
        if let ahead = clockAhead.flatMap(DurationText.parse) {
            ToteService.SystemClock.runAhead(milliseconds: ahead.clampedNanos / 1_000_000)
        }
        var options = ServiceOptions(directory: DataDirectory(path: files.data))
        options.listens = false
        options.opensOperatorSocket = false
        options.log = Log { [log = files.log] in Files.append($0, to: log) }
        let service: Service
        do throws(ServiceError) {
            service = try Service(options)
        } catch {
            throw RunFailure(.unavailable, "the server does not start: \(error)")
        }
        state.withLock { $0.service = service }
    }

    /// Gives the server a request.
    ///
    /// - Throws: when it does not run.
    func accept(_ request: HTTPRequest, isOperator: Bool) throws -> HTTPExchange {
        let crash = isOperator ? nil : takeCrash()
        if crash == .beforeCommit { try kill() }
        let exchange = HTTPExchange()
        let service = state.withLock { state in
            if state.service != nil { state.open.append(exchange) }
            return state.service
        }
        guard let service else { throw NetworkLink.Failure(description: "connection refused") }
        service.handle(request, exchange, isOperator: isOperator)
        if crash == .afterCommit {
            _ = exchange.response(waitingAtMost: .seconds(30))
            try kill()
        }
        return exchange
    }

    /// Has the process end at the next request of a device.
    func crashNext(_ crash: Crash) { state.withLock { $0.crash = crash } }

    /// - Returns: the end that was to come, which does not any more.
    @discardableResult
    func takeCrash() -> Crash? {
        state.withLock { state in
            defer { state.crash = nil }
            return state.crash
        }
    }

    /// Whether its file could not be used, so that it does nothing any more.
    var hasFailed: Bool {
        state.withLock { $0.service }?.failure(waitingAtMost: .zero) != nil
    }

    func forget(_ exchange: HTTPExchange) {
        state.withLock { $0.open.removeAll { $0 === exchange } }
    }

    /// Nobody gets an answer any more, and the next start finds the files as they are now: no
    /// thread gives its turn away in the middle of a transaction.
    ///
    /// - Parameter seed: says what is lost of what was not synced; `nil` where there is power.
    func kill(losing seed: UInt64?) throws(RunFailure) {
        guard isRunning else { throw RunFailure(.expectation, "the server does not run") }
        for exchange in state.withLock({ $0.open }) { exchange.cancel() }
        try Files.keeping(files.data, on: disk, losing: seed) { end() }
    }

    func kill() throws(RunFailure) { try kill(losing: nil) }

    func stop() throws(RunFailure) {
        guard let service = take() else {
            throw RunFailure(.expectation, "the server does not run")
        }
        service.stop(within: .seconds(30))
        if let why = service.failure(waitingAtMost: .zero) {
            throw RunFailure(.expectation, "the server failed: \(why); see \(files.log)")
        }
    }

    func makeBackup(_ name: String) throws(RunFailure) {
        _ = try Administrator(place: operatorPlace, token: nil).call(
            "POST", "/v1/operator/backup", .map(["path": .text(files.backup(name))]))
    }

    func end() { take()?.stop(within: .seconds(30)) }

    private func take() -> Service? {
        state.withLock { state in
            defer { state.service = nil }
            return state.service
        }
    }
}
