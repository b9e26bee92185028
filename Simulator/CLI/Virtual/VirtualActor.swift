import ToteCommandLine
import ToteConcurrency

/// A device or a counter of a run in this process, driven line by line.
final class VirtualActor: LineActor {
    let directory: String
    private let verbs: [Verb]
    private let open: @Sendable () throws(RunFailure) -> any LineSession
    private let session = Lock<(any LineSession)?>(nil)

    init(
        directory: String, verbs: [Verb],
        open: @escaping @Sendable () throws(RunFailure) -> any LineSession
    ) {
        self.directory = directory
        self.verbs = verbs
        self.open = open
    }

    func run(_ line: String) throws(RunFailure) -> [String] {
        let session = try started()
        let verb = (try? VerbLine.parse(line, among: verbs))?.verb.name
        if verb == "kill" {
            end()
            return []
        }
        do throws(VerbFailure) {
            let answer = try session.perform(line)
            if answer.isLast { stop() }
            return answer.lines
        } catch {
            stop()
            throw RunFailure(.expectation, error.message)
        }
    }

    private func started() throws(RunFailure) -> any LineSession {
        if let session = session.withLock({ $0 }) { return session }
        let fresh = try open()
        session.withLock { $0 = fresh }
        return fresh
    }

    private func take() -> (any LineSession)? {
        session.withLock { session in
            defer { session = nil }
            return session
        }
    }

    func stop() { take()?.close() }

    func end() { take()?.vanish() }
}

extension VirtualActor {
    /// A device.
    convenience init(
        _ spec: Scenario.Device, in run: String, server: ServerPlace, customer: String,
        tokenFile: String
    ) {
        var options = DeviceSession.Options(
            name: spec.name, server: server, directory: run + "/devices/" + spec.name)
        options.customer = customer
        options.tokenFile = tokenFile
        options.isLive = spec.isLive
        options.isGuest = spec.isGuest
        self.init(directory: options.directory, verbs: DeviceVerbs.all) {
            [options] () throws(RunFailure) in
            switch Blocking.wait({ await DeviceSession.open(options) }) {
            case .success(let session): return DeviceLines(session: session)
            case .failure(let failure): throw RunFailure(.expectation, failure.message)
            }
        }
    }

    /// A counter.
    convenience init(
        _ spec: Scenario.Counter, in run: String, server: ServerPlace, tokenFile: String
    ) {
        var options = Counter.Options(
            name: spec.name, store: spec.store, server: server,
            directory: "\(run)/counters/\(spec.store)-\(spec.name)", tokenFile: tokenFile)
        options.isRedeemer = spec.isRedeemer
        self.init(directory: options.directory, verbs: CounterVerbs.all) {
            [options] () throws(RunFailure) in
            do {
                let counter = try Counter(options)
                if options.isRedeemer { try counter.openRedeemer() }
                return CounterSession(counter: counter)
            } catch {
                throw RunFailure(.expectation, "\(error)")
            }
        }
    }
}
