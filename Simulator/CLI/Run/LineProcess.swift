import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteProcesses

/// A device or a counter of a run, driven line by line.
///
/// One that was killed, or quit, starts again with the next line for it.
protocol LineActor: Sendable {
    var directory: String { get }

    /// Does a line and returns what the device says to it.
    ///
    /// - Throws: when the line fails, or the device ends instead of answering.
    func run(_ line: String) throws(RunFailure) -> [String]
    /// Ends the device in order, if it runs.
    func stop()
    /// Ends the device at once, if it runs.
    func end()
}

/// A device or a counter: this program in a process of its own.
final class LineProcess: LineActor {
    private static let answerLimit: Duration = .seconds(120)

    let name: String
    let directory: String
    private let verbs: [Verb]
    private let arguments: [String]
    private let errors: String
    private let child = Lock<ChildProcess?>(nil)

    private init(
        _ name: String, directory: String, errors: String, verbs: [Verb], arguments: [String]
    ) {
        self.name = name
        self.directory = directory
        self.errors = errors
        self.verbs = verbs
        self.arguments = arguments
    }

    /// A device.
    convenience init(
        _ spec: Scenario.Device, in run: String, server: HTTPConnection.Endpoint, customer: String,
        tokenFile: String
    ) {
        self.init(
            spec.name, directory: run + "/devices/" + spec.name, errors: run + "/\(spec.name).log",
            verbs: DeviceVerbs.all,
            arguments: [
                "device", spec.name, "--server", "http://\(server)", "--dir", run + "/devices",
                "--json",
                "--customer", customer, "--token-file", tokenFile, "--live",
                spec.isLive ? "on" : "off",
            ] + (spec.isGuest ? ["--guest"] : [])
                + (spec.store.map { ["--store", $0] } ?? [])
                + (spec.channel.map { ["--channel", $0] } ?? []))
    }

    /// A counter.
    convenience init(
        _ spec: Scenario.Counter, in run: String, server: HTTPConnection.Endpoint, tokenFile: String
    ) {
        let counters = run + "/counters"
        self.init(
            spec.name, directory: "\(counters)/\(spec.store)-\(spec.name)",
            errors: run + "/\(spec.name).log", verbs: CounterVerbs.all,
            arguments: [
                "counter", spec.store, "--name", spec.name, "--server", "http://\(server)", "--dir",
                counters, "--json", "--token-file", tokenFile,
            ] + (spec.isRedeemer ? ["--redeemer"] : []))
    }

    func run(_ line: String) throws(RunFailure) -> [String] {
        let child = try started()
        let verb = (try? VerbLine.parse(line, among: verbs))?.verb.name
        guard verb != nil else { return [] }
        guard child.write(line) else { throw ended(child) }
        if verb == "kill" {
            guard child.wait(atMost: .seconds(30)) == .killed(signal: SIGKILL) else {
                throw RunFailure(.expectation, "\(name) does not die")
            }
            self.child.withLock { $0 = nil }
            return []
        }
        let lines = try answer(of: child)
        if verb == "quit" { stop() }
        return lines
    }

    private func started() throws(RunFailure) -> ChildProcess {
        if let child = child.withLock({ $0 }) { return child }
        guard let program = Programs.own else {
            throw RunFailure(.unavailable, "this program cannot find its own file")
        }
        let fresh: ChildProcess
        do throws(ProgramStart.Failure) {
            fresh = try ChildProcess(program, arguments, errors: errors)
        } catch {
            throw RunFailure(.unavailable, "\(error)")
        }
        child.withLock { $0 = fresh }
        _ = try answer(of: fresh)
        return fresh
    }

    private func answer(of child: ChildProcess) throws(RunFailure) -> [String] {
        let line: String?
        do throws(LineReader.TookTooLong) {
            line = try child.readLine(within: Self.answerLimit)
        } catch {
            throw RunFailure(.expectation, "\(name) does not answer for \(Self.answerLimit)")
        }
        guard let line, let value = try? Encoding.json.value(Array(line.utf8)) else {
            throw ended(child)
        }
        guard value["ok"] == .bool(true) else {
            stop()
            throw RunFailure(
                .expectation, value["message"]?.textValue ?? "\(name) fails without a word")
        }
        guard case .array(let lines)? = value["lines"] else { return [] }
        return lines.compactMap(\.textValue)
    }

    private func ended(_ child: ChildProcess) -> RunFailure {
        let end = child.wait(atMost: .seconds(5))
        self.child.withLock { $0 = nil }
        return RunFailure(
            .expectation,
            "\(name) " + (end.map { "\($0)" } ?? "closed its output")
                + " instead of answering; see \(errors)")
    }

    func stop() {
        guard let child = child.withLock({ $0 }) else { return }
        child.endInput()
        if child.wait(atMost: .seconds(30)) == nil { child.end() }
        self.child.withLock { $0 = nil }
    }

    func end() {
        child.withLock { $0 }?.end()
        child.withLock { $0 = nil }
    }
}
