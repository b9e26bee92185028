import ToteCommandLine
import ToteConcurrency

/// Says what happens during a run: lines, or on a terminal one line that is redrawn.
final class RunReporter: Sendable {
    enum Style: Sendable {
        /// Every step, as a line on standard output.
        case steps
        /// A line per scenario; on a terminal the step under way beside it.
        case scenarios
        /// Nothing but the result at the end.
        case silent
    }

    private let terminal: Terminal
    private let style: Style
    private let progress: Lock<ProgressLine>

    init(_ terminal: Terminal, style: Style) {
        self.terminal = terminal
        self.style = style
        progress = Lock(ProgressLine(terminal))
    }

    func begin(_ scenario: Scenario) {
        guard style == .steps else { return }
        out(terminal.style(.bold, scenario.name) + ": \(scenario.about)")
    }

    /// Notes what somebody does, and what is said to it.
    func step(_ who: String, _ what: String, _ answer: [String] = []) {
        switch style {
        case .steps:
            var text = "  \(terminal.style(.cyan, VerbHelp.pad(who, 8))) \(what)"
            for line in answer { text += "\n" + String(repeating: " ", count: 13) + line }
            out(text)
        case .scenarios where terminal.errorIsTerminal:
            progress.withLock { $0.update("\(who): \(what)") }
        case .scenarios, .silent: break
        }
    }

    /// Says how far something long is, on a line that is redrawn.
    func advance(_ text: String) {
        guard style != .silent, style == .steps || terminal.errorIsTerminal else { return }
        progress.withLock { $0.update("  " + text) }
    }

    func end(_ scenario: Scenario, _ result: RunResult) {
        progress.withLock { $0.finish() }
        guard style != .silent else { return }
        let time = RunResult.seconds(result.milliseconds)
        switch result.verdict {
        case .passed:
            let word = terminal.style(.green, "PASS")
            out("\(word) \(scenario.name): \(result.steps) steps, \(time)")
        case .skipped(let why): out("\(terminal.style(.yellow, "SKIP")) \(scenario.name): \(why)")
        case .failed(let failure):
            let word = terminal.style(.red, "FAIL")
            out("\(word) \(scenario.name) after \(time)\n  \(failure.place): \(failure.message)")
            if let directory = result.directory {
                out("  files and logs of the run: \(directory)")
            }
        }
        if case .passed = result.verdict, let directory = result.directory {
            out("  files and logs of the run: \(directory)")
        }
    }

    private func out(_ text: String) {
        progress.withLock { progress in
            progress.finish()
            terminal.writeOut(text + "\n")
        }
    }
}

/// What became of one scenario.
struct RunResult: Sendable {
    struct Failure: Sendable {
        let place: TextPlace
        let message: String
        let kind: RunFailure.Kind
    }

    enum Verdict: Sendable {
        case passed
        case failed(Failure)
        case skipped(String)
    }

    let name: String
    let verdict: Verdict
    let steps: Int
    let milliseconds: UInt64
    /// Where the files of the run are, when they were kept.
    let directory: String?
    /// What became of the orders, where there were any.
    var orders: OrderSummary?

    static func seconds(_ milliseconds: UInt64) -> String {
        let tenths = (milliseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }

    var json: JSONText {
        var members: [(name: String, value: JSONText)] = [("name", .string(name))]
        switch verdict {
        case .passed: members.append(("verdict", "passed"))
        case .skipped(let why):
            members += [("verdict", "skipped"), ("message", .string(why))]
        case .failed(let failure):
            members += [
                ("verdict", failure.kind == .unavailable ? "unavailable" : "failed"),
                ("line", .int(failure.place.line)), ("column", .int(failure.place.column)),
                ("message", .string(failure.message)),
            ]
        }
        members += [("steps", .int(steps)), ("milliseconds", .unsigned(milliseconds))]
        if let orders { members.append(("orders", orders.json)) }
        if let directory { members.append(("directory", .string(directory))) }
        return .object(members)
    }
}
