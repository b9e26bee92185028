import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteCore

/// One run of a scenario: its server, its devices, its directory.
final class ScenarioRun: Sendable {
    /// Where the server is.
    enum Place: Sendable {
        /// Started for the run, ended with it: a process, or in this one, which is in virtual time.
        case own(isVirtual: Bool)
        case remote(ServerAddress, Administrator)
    }

    struct Count {
        var steps = 0
        var tokens: [String: String] = [:]
        var kills = 0
        /// What is in force, in the form that is imported.
        var catalog: Value?
        var orders: OrderSummary?
    }

    let scenario: Scenario
    let directory: String
    let reporter: RunReporter
    let server: (any ScenarioServer)?
    let administrator: Administrator
    private let devices: [String: any LineActor]
    private let counters: [String: any LineActor]
    let count = Lock(Count())
    /// On a server of somebody else's, customers of this run alone.
    private let customerPrefix: String

    /// Runs a scenario from its start to its end, and cleans up behind it.
    static func run(
        _ scenario: Scenario, at place: Place, keeps: Bool, reporter: RunReporter
    ) -> RunResult {
        let begun = SystemClock.monotonicMilliseconds()
        if scenario.needsOwnServer, case .remote = place {
            let result = RunResult(
                name: scenario.name,
                verdict: .skipped(
                    "it kills the server, or has a menu of its own: run it without --server"),
                steps: 0, milliseconds: 0, directory: nil)
            reporter.end(scenario, result)
            return result
        }
        reporter.begin(scenario)
        var verdict = RunResult.Verdict.passed
        var steps = 0
        var orders: OrderSummary?
        let start = TextPlace(line: 1, column: 1)
        var directory: String?
        do {
            let made = try Files.makeTemporaryDirectory()
            directory = made
            Keeper.shared.removeAtEnd(made)
            let run = try ScenarioRun(scenario, at: place, in: made, reporter: reporter)
            if let failure = run.play() { verdict = .failed(failure) }
            (steps, orders) = run.count.withLock { ($0.steps, $0.orders) }
        } catch let failure as RunFailure {
            verdict = .failed(.init(place: start, message: failure.message, kind: failure.kind))
        } catch {
            verdict = .failed(.init(place: start, message: "\(error)", kind: .unavailable))
        }
        var isKept = keeps
        if case .failed = verdict { isKept = true }
        // Where nothing was started there is nothing to look at.
        if let made = directory, !isKept || Files.names(in: made).isEmpty {
            Files.remove(made)
            directory = nil
        }
        if let made = directory { Keeper.shared.keep(made) }
        let result = RunResult(
            name: scenario.name, verdict: verdict, steps: steps,
            milliseconds: SystemClock.monotonicMilliseconds() - begun, directory: directory,
            orders: orders)
        reporter.end(scenario, result)
        return result
    }

    private init(
        _ scenario: Scenario, at place: Place, in directory: String, reporter: RunReporter
    ) throws {
        self.scenario = scenario
        self.directory = directory
        self.reporter = reporter
        let address: ServerPlace
        switch place {
        case .own(let isVirtual):
            let server: any ScenarioServer
            if isVirtual {
                server = try VirtualServer(in: directory)
                reporter.step("server", "runs in virtual time")
            } else {
                let process = try ServerProcess(in: directory)
                reporter.step("server", "listens at \(process.address), a process of its own")
                server = process
            }
            self.server = server
            address = server.place
            administrator = Administrator(place: server.operatorPlace, token: nil)
            customerPrefix = ""
        case .remote(let remote, let administrator):
            server = nil
            address = .socket(remote.endpoint)
            self.administrator = administrator
            customerPrefix = "sim-\(SystemClock.stamp())-\(SystemClock.random() % 1_000_000)-"
            try administrator.greet()
            reporter.step("server", "answers at \(remote)")
        }
        var devices: [String: any LineActor] = [:]
        for spec in scenario.devices {
            devices[spec.name] = Self.device(
                spec, in: directory, server: address, customer: customerPrefix + spec.customer)
        }
        self.devices = devices
        var counters: [String: any LineActor] = [:]
        for spec in scenario.counters {
            counters[spec.name] = Self.counter(spec, in: directory, server: address)
        }
        self.counters = counters
        do {
            for spec in scenario.devices { try grant(spec) }
            try openStores()
        } catch {
            server?.end()
            throw error
        }
    }

    private static func device(
        _ spec: Scenario.Device, in run: String, server: ServerPlace, customer: String
    ) -> any LineActor {
        let tokenFile = run + "/\(spec.name).token"
        switch server {
        case .socket(let endpoint):
            return LineProcess(
                spec, in: run, server: endpoint, customer: customer, tokenFile: tokenFile)
        case .virtual:
            return VirtualActor(
                spec, in: run, server: server, customer: customer, tokenFile: tokenFile)
        }
    }

    private static func counter(
        _ spec: Scenario.Counter, in run: String, server: ServerPlace
    ) -> any LineActor {
        let tokenFile = run + "/\(spec.name).token"
        switch server {
        case .socket(let endpoint):
            return LineProcess(spec, in: run, server: endpoint, tokenFile: tokenFile)
        case .virtual:
            return VirtualActor(spec, in: run, server: server, tokenFile: tokenFile)
        }
    }

    /// Makes a token for a device and puts it where the device finds it.
    private func grant(_ spec: Scenario.Device) throws(RunFailure) {
        let customer = customerPrefix + (spec.tokenCustomer ?? spec.customer)
        let minted: Administrator.Minted
        if let store = spec.store {
            minted = try administrator.mint(counter: spec.name, store: store, isManager: false)
        } else {
            minted = try administrator.mint(spec, space: "customer:\(customer)")
        }
        try write(minted, for: spec.name)
        count.withLock { $0.tokens[spec.name] = minted.id }
    }

    /// Whose documents a device shows.
    func customer(of name: String) -> String { customerPrefix + spec(name).customer }

    func write(_ minted: Administrator.Minted, for name: String) throws(RunFailure) {
        do throws(Files.Failure) {
            try Files.write(
                Array((minted.secret + "\n").utf8), to: directory + "/\(name).token")
        } catch {
            throw RunFailure(.unavailable, "\(error)")
        }
    }

    /// A device or a counter.
    func actor(_ name: String) -> any LineActor {
        guard let found = devices[name] ?? counters[name] else {
            preconditionFailure("the reader let through a device \(name) that there is not")
        }
        return found
    }

    private func device(_ name: String) -> any LineActor { actor(name) }

    private func spec(_ name: String) -> Scenario.Device {
        guard let spec = scenario.devices.first(where: { $0.name == name }) else {
            preconditionFailure("the reader let through a device \(name) that there is not")
        }
        return spec
    }

    /// Plays every step, then has the server checked; whatever happens, all processes end.
    private func play() -> RunResult.Failure? {
        var failure = play(scenario.steps)
        if failure == nil, scenario.catalog != nil {
            do throws(RunFailure) {
                try judgeOrders()
            } catch {
                let last = scenario.steps.last?.place ?? TextPlace(line: 1, column: 1)
                failure = .init(place: last, message: error.message, kind: error.kind)
            }
        }
        let isBroken = failure != nil
        atOnce(scenario.devices.map(\.name) + scenario.counters.map(\.name)) { [self] name in
            if isBroken { actor(name).end() } else { actor(name).stop() }
        }
        if failure == nil, let server {
            do throws(RunFailure) {
                try server.verify()
                reporter.step("server", "ends; `tote verify` finds its file in order")
            } catch {
                let last = scenario.steps.last?.place ?? TextPlace(line: 1, column: 1)
                failure = .init(place: last, message: error.message, kind: error.kind)
            }
        }
        server?.end()
        return failure
    }

    private func play(_ steps: [Scenario.Step]) -> RunResult.Failure? {
        for step in steps {
            if let failure = play(step) { return failure }
        }
        return nil
    }

    private func play(_ step: Scenario.Step) -> RunResult.Failure? {
        switch step.action {
        case .parallel(let steps): return playAtOnce(steps)
        case .repeated(let times, let steps):
            for _ in 0..<times {
                if let failure = play(steps) { return failure }
            }
            return nil
        default: break
        }
        do throws(RunFailure) {
            try perform(step.action)
            return nil
        } catch {
            return .init(
                place: error.place ?? step.place, message: error.message, kind: error.kind)
        }
    }

    private func playAtOnce(_ steps: [Scenario.Step]) -> RunResult.Failure? {
        let failures = Lock<[RunResult.Failure]>([])
        atOnce(Array(steps.indices)) { [self] index in
            if let failure = play(steps[index]) { failures.withLock { $0.append(failure) } }
        }
        return failures.withLock { $0.first }
    }

    /// Does something for each, each on a thread of its own.
    func atOnce<Each: Sendable>(_ all: [Each], _ body: @escaping @Sendable (Each) -> Void) {
        let threads = all.map { each in startThread(named: "parallel") { body(each) } }
        for thread in threads { thread.join() }
    }

    func note(_ who: String, _ what: String, _ answer: [String] = []) {
        count.withLock { $0.steps += 1 }
        reporter.step(who, what, answer)
    }

    private func perform(_ action: Scenario.Action) throws(RunFailure) {
        switch action {
        case .lines(let lines, let names, let atOnce):
            if atOnce { return try performAtOnce(lines, on: names) }
            for name in names {
                for line in lines { try perform(line, on: name) }
            }
        case .server(let action, let backup, let clock): try perform(action, backup, clock)
        case .change(let change): try perform(change)
        case .copy(let from, let to):
            device(from).stop()
            device(to).end()
            try copy(device(from).directory, to: device(to).directory)
            note(from, "is copied to \(to)")
        case .snapshot(let name, let label):
            device(name).stop()
            try copy(device(name).directory, to: "\(directory)/snapshot-\(name)-\(label)")
            note(name, "is kept as \(label)")
        case .rollback(let name, let label):
            device(name).end()
            try copy("\(directory)/snapshot-\(name)-\(label)", to: device(name).directory)
            note(name, "is rolled back to \(label)")
        case .settle(let names, let limit): try settle(names, within: limit)
        case .revoke(let name):
            guard let id = count.withLock({ $0.tokens[name] }) else { return }
            try administrator.revoke(id)
            note("server", "revokes the token of \(name)")
        case .erase(let name):
            try administrator.erase(customerPrefix + spec(name).customer)
            note("server", "erases the customer of \(name)")
        case .grant(let name):
            try grant(spec(name))
            note("server", "gives \(name) a new token")
        case .give(let units, let account, let name): try give(units, account, to: name)
        case .wait(let time): SystemClock.pause(time)
        case .parallel, .repeated: preconditionFailure("a block is played, not performed")
        }
    }

    private func perform(_ line: Scenario.Line, on name: String) throws(RunFailure) {
        let answer = try answer(line, on: name)
        // What was asked for and came about needs no words.
        let isDull = ["saved", "as expected"].contains(answer.first) || line.text.hasPrefix("net ")
        note(name, line.text, isDull ? [] : answer)
    }

    /// Does a line, with what it refers to filled in.
    func answer(_ line: Scenario.Line, on name: String) throws(RunFailure) -> [String] {
        do throws(RunFailure) {
            var text = line.text
            for reference in LineReference.all(in: text) {
                let question = LineReference.known[reference.what] ?? ""
                let said = try actor(reference.device).run(question)
                text = reference.filling(text, with: said.first ?? "")
            }
            if text == "kill" { count.withLock { $0.kills += 1 } }
            return try actor(name).run(text)
        } catch {
            throw RunFailure(
                error.kind, "\(name), `\(line.text)`: \(error.message)", at: line.place)
        }
    }

    private func perform(
        _ action: Scenario.ServerAction, _ backup: String, _ clock: String?
    ) throws(RunFailure) {
        guard let server else { preconditionFailure("a remote server is not touched") }
        switch action {
        case .kill: try server.kill()
        case .stop: try server.stop()
        case .start: try server.start(clockAhead: clock)
        case .restart:
            try server.stop()
            try server.start(clockAhead: clock)
        case .backup: try server.makeBackup(backup)
        case .restore: try server.restore(backup)
        }
        let ahead = clock.map { "with its clock \($0) ahead" } ?? ""
        if action == .kill || action == .restart { count.withLock { $0.kills += 1 } }
        let words = [action.rawValue, backup, ahead].filter { !$0.isEmpty }
        note("server", action == .kill ? "kill -9" : words.joined(separator: " "))
    }

    private func copy(_ from: String, to: String) throws(RunFailure) {
        do throws(Files.Failure) {
            try Files.copyDirectory(from, to: to)
        } catch {
            throw RunFailure(.expectation, "\(error)")
        }
    }
}

extension ScenarioRun {
    /// How often devices are asked whether they agree.
    private static let interval: Duration = .milliseconds(25)

    /// Faults are over: without further help outboxes empty, and devices of one customer agree.
    private func settle(_ names: [String], within limit: Duration) throws(RunFailure) {
        for name in names {
            _ = try device(name).run("net wifi")
            _ = try device(name).run("live on")
        }
        let begun = SystemClock.monotonicMilliseconds()
        let deadline = MonotonicClock.nowNanos() &+ limit.clampedNanos
        let query =
            "state "
            + scenario.customFields.flatMap { $0 }.map { "\"\($0)\"" }
            .joined(separator: " ")
        while true {
            var states: [(name: String, lines: [String])] = []
            for name in names { states.append((name, try device(name).run(query))) }
            guard let why = unsettled(states) else {
                let time = RunResult.seconds(SystemClock.monotonicMilliseconds() - begun)
                let shown = states[0].lines.dropFirst(2)
                note(
                    "settled", "\(names.joined(separator: ", ")) agree after \(time):",
                    shown.isEmpty ? ["nothing is there"] : Array(shown))
                break
            }
            guard MonotonicClock.nowNanos() < deadline else {
                throw RunFailure(.expectation, "not settled within \(limit): \(why)")
            }
            SystemClock.pause(Self.interval)
        }
        for name in names where !spec(name).isLive {
            _ = try device(name).run("live off")
        }
    }

    /// Why devices are not settled; `nil` when they are.
    private func unsettled(_ states: [(name: String, lines: [String])]) -> String? {
        for state in states {
            guard state.lines.prefix(2) == ["outbox 0", "status up-to-date"] else {
                return "\(state.name): \(state.lines.prefix(2).joined(separator: ", "))"
            }
        }
        for state in states {
            // Who may not read everything cannot show everything.
            let spec = self.spec(state.name)
            let first = states.first { other in
                let their = self.spec(other.name)
                return their.customer == spec.customer && their.read == spec.read
            }
            guard let first, first.lines != state.lines else { continue }
            return "\(first.name) and \(state.name) differ:\n"
                + first.lines.filter { !state.lines.contains($0) }
                .map { "    \(first.name): \($0)\n" }.joined()
                + state.lines.filter { !first.lines.contains($0) }
                .map { "    \(state.name): \($0)\n" }.joined()
        }
        return nil
    }
}
