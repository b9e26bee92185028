import ToteCommandLine
import ToteConcurrency
import ToteCore

/// A device or a counter of a run in this process, driven line by line.
final class VirtualActor: LineActor {
    /// Longer than anything that is waited for; `wait` says how much longer itself.
    private static let answerLimit: Duration = .seconds(24 * 3_600)

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
        let parsed = try? VerbLine.parse(line, among: verbs)
        if parsed?.verb.name == "kill" {
            _ = try started()
            end()
            return []
        }
        let waits = parsed?.verb.name == "wait" ? parsed?.words.first : nil
        let limit = Self.answerLimit + (waits.flatMap(DurationText.parse) ?? .zero)
        let result = try answer(within: limit) { [self] () throws(RunFailure) in
            let session = try started()
            do throws(VerbFailure) {
                return try session.perform(line)
            } catch {
                throw RunFailure(.expectation, error.message)
            }
        }
        switch result {
        case .success(let answer):
            if answer.isLast { stop() }
            return answer.lines
        case .failure(let failure):
            stop()
            throw failure
        }
    }

    /// Does something on a thread of its own, so that somebody notices when it has no end.
    private func answer(
        within limit: Duration,
        _ body: @escaping @Sendable () throws(RunFailure) -> LineAnswer
    ) throws(RunFailure) -> Result<LineAnswer, RunFailure> {
        let outcome = Monitor<Result<LineAnswer, RunFailure>?>(nil)
        let thread = startThread(named: "line") {
            let result = Result { () throws(RunFailure) in try body() }
            outcome.change { $0 = result }
        }
        guard
            let result: Result<LineAnswer, RunFailure> = outcome.wait(atMost: limit, until: { $0 })
        else { throw RunFailure(.expectation, "does not answer for \(limit) of virtual time") }
        thread.join()
        return result
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

    /// What it keeps is found again as it is now.
    func end() {
        guard let session = take() else { return }
        var isGone = false
        // A directory that cannot be copied is left as the session leaves it.
        try? Files.keeping(directory) {
            session.vanish()
            isGone = true
        }
        if !isGone { session.vanish() }
    }
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
        options.store = spec.store
        if let channel = spec.channel { options.channel = Channel(rawValue: channel) }
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
                do {
                    if options.isRedeemer { try counter.openRedeemer() }
                } catch {
                    counter.close()
                    throw error
                }
                return CounterSession(counter: counter)
            } catch {
                throw RunFailure(.expectation, "\(error)")
            }
        }
    }
}
