import ToteCommandLine
import ToteConcurrency

/// What a line said.
struct LineAnswer: Sendable {
    var lines: [String] = []
    var isLast = false
}

/// Something that is driven by lines: a device, a counter.
protocol LineSession: Sendable {
    /// What the prompt says.
    var name: String { get }
    /// What is said at the start.
    func begin() -> [String]
    /// Does what a line says; blocks.
    func perform(_ line: String) throws(VerbFailure) -> LineAnswer
    /// Ends it; everything is kept.
    func close()
    /// Ends it as a kill does: everything is kept, what is under way is cut off.
    func vanish()
    /// What it understands.
    var help: VerbHelp { get }
    /// Words that may follow a verb and the words behind it; for completion.
    func arguments(of verb: Verb, after words: [String]) -> [String]
}

/// Where lines come from and answers go to.
struct LineConsole {
    let terminal: Terminal
    let isJSON: Bool
    let script: [String]?

    private var isInteractive: Bool { script == nil && terminal.inputIsTerminal && !isJSON }

    /// Does line after line, until `quit`, the end, or in a script the first one that fails.
    func run(_ session: some LineSession) -> ExitCode {
        var rest = script?[...]
        var number = 0
        let editor = isInteractive ? LineEditor(terminal) { complete($0, session) } : nil
        begin(session)
        defer { session.close() }
        while true {
            let line: String
            if rest != nil {
                guard let next = rest?.popFirst() else { return .success }
                line = next
            } else {
                let prompt = "\(session.name)> "
                let next =
                    editor.map { $0.readLine(prompt: prompt) }
                    ?? terminal.readInputLine(prompt: prompt)
                guard let next else { return .success }
                line = next
            }
            number += 1
            do throws(VerbFailure) {
                let answer = try session.perform(line)
                answered(line: number, answer)
                if answer.isLast { return .success }
            } catch {
                failed(line: number, error)
                if !isInteractive { return .failure }
            }
        }
    }

    private func complete(_ before: String, _ session: some LineSession) -> Completion {
        VerbCompletion.complete(before, among: session.help.verbs) { verb, words in
            if verb.name != "expect" { return session.arguments(of: verb, after: words) }
            return words.isEmpty
                ? session.help.expectations.map { String($0.what.prefix { $0 != " " }) }
                : ["within"]
        }
    }

    private func begin(_ session: some LineSession) {
        let lines = session.begin()
        if isJSON {
            emit([("line", 0), ("ok", true), ("lines", .array(lines.map { .string($0) }))])
        } else if isInteractive {
            for line in lines + ["`help` lists the verbs, Tab completes them, Ctrl-D ends."] {
                terminal.writeError(terminal.style(.dim, line, on: .error) + "\n")
            }
        }
    }

    private func answered(line: Int, _ answer: LineAnswer) {
        if isJSON {
            emit([
                ("line", .int(line)), ("ok", true),
                ("lines", .array(answer.lines.map { .string($0) })),
            ])
        } else {
            for text in answer.lines { terminal.writeOut(text + "\n") }
        }
    }

    /// Says why a line was not done; line 0 is the start.
    func failed(line: Int, _ failure: VerbFailure) {
        if isJSON {
            emit([
                ("line", .int(line)), ("ok", false), ("kind", .string(failure.kind.rawValue)),
                ("code", failure.code.map { .string($0) } ?? .null),
                ("message", .string(failure.message)),
            ])
        } else {
            let place = isInteractive || line == 0 ? "" : "line \(line): "
            let label = terminal.style(.red, "error:", on: .error)
            terminal.writeError("\(place)\(label) \(failure.message)\n")
        }
    }

    private func emit(_ members: [(name: String, value: JSONText)]) {
        terminal.writeOut(JSONText.versioned(members).compact + "\n")
    }
}

/// The bridge from the main thread, which may block, to the client core, which may not.
enum Blocking {
    /// Runs a body as a task and waits for it. Never called from a task.
    static func wait<Outcome: Sendable>(
        _ body: @escaping @Sendable () async -> Outcome
    ) -> Outcome {
        let outcome = Monitor<Outcome?>(nil)
        Task {
            let value = await body()
            outcome.change { $0 = value }
        }
        while true {
            if let value: Outcome = outcome.wait(atMost: nil, until: { $0 }) { return value }
        }
    }
}
