import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteService

/// A run's own server in this process and in virtual time: the production service, but for its
/// sockets, on a data directory like any other.
final class VirtualServer: ScenarioServer {
    private struct State {
        var service: Service?
        var open: [HTTPExchange] = []
    }

    /// As the service has its listeners take them.
    static let limits = Service.messageLimits

    let files: ServerFiles
    private let state = Lock(State())

    /// Starts a server whose data and log are under a directory.
    init(in directory: String) throws(RunFailure) {
        files = try ServerFiles(in: directory)
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
        let exchange = HTTPExchange()
        let service = state.withLock { state in
            if state.service != nil { state.open.append(exchange) }
            return state.service
        }
        guard let service else { throw NetworkLink.Failure(description: "connection refused") }
        service.handle(request, exchange, isOperator: isOperator)
        return exchange
    }

    func forget(_ exchange: HTTPExchange) {
        state.withLock { $0.open.removeAll { $0 === exchange } }
    }

    /// Nobody gets an answer any more, and the next start finds the files as they are now: no
    /// thread gives its turn away in the middle of a transaction.
    func kill() throws(RunFailure) {
        guard isRunning else { throw RunFailure(.expectation, "the server does not run") }
        for exchange in state.withLock({ $0.open }) { exchange.cancel() }
        try Files.keeping(files.data) { end() }
    }

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
