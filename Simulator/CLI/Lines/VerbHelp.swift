import ToteCommandLine
import ToteConcurrency

/// What `help` says: made from the table of verbs and the list of expectations.
struct VerbHelp: Sendable {
    let verbs: [Verb]
    let expectations: [(what: String, meaning: String)]
    /// What is said below the list of verbs.
    let notes: [String]

    func lines(_ words: [String]) throws(VerbFailure) -> [String] {
        guard !words.isEmpty else {
            let width = verbs.map { $0.name.count + $0.arguments.count + 1 }.max() ?? 0
            return verbs.map { verb in
                Self.pad("\(verb.name) \(verb.arguments)", width) + "  " + verb.summary
            } + [""] + notes + ["`help VERB` has examples."]
        }
        let name = words.joined(separator: " ")
        if name == "net" { return Self.net }
        if name == "expect" { return expectLines }
        let found = verbs.filter { $0.name == name || $0.name.hasPrefix(name + " ") }
        guard !found.isEmpty else {
            let near = Suggestion.nearest(to: name, among: verbs.map(\.name))
            throw VerbFailure(
                .usage,
                "'\(name)' is no verb: "
                    + (near.map { "did you mean `\($0)`?" } ?? "`help` lists them"))
        }
        return found.flatMap { verb in
            ["\(verb.name) \(verb.arguments): \(verb.summary)"] + verb.examples.map { "  \($0)" }
        }
    }

    /// The verb as which an expectation is read.
    func expectation(_ word: String) -> Verb {
        let what = expectations.first { $0.what.hasPrefix(word + " ") }?.what
        return Verb("expect " + (what ?? word), "", "", 0...32, "expect " + (what ?? word))
    }

    func unknownExpectation(_ what: String) -> VerbFailure {
        let known = expectations.map { String($0.what.prefix { $0 != " " }) }
        let near = Suggestion.nearest(to: what, among: known).map { "did you mean `\($0)`?" }
        return VerbFailure(
            .usage, "nothing is called '\(what)': \(near ?? "`help expect` has the list")")
    }

    private static var net: [String] {
        ["net PROFILE:"]
            + NetworkProfile.presets.map { "  " + pad($0.name, 10) + $0.summary }
            + [
                "  " + pad("custom", 10) + "LATENCY [LOSS%], like: net custom 300ms 10%",
                "net FAULT, for the next exchanges:",
                "  lost-request [N]   the request never arrives",
                "  lost-reply [N]     the server does it; its answer gets lost",
                "  twice [N]          the request arrives twice",
                "  cut request BYTES  cut after so many bytes of the request",
                "  cut reply BYTES    cut after so many bytes of the reply",
                "  captive-portal [N] a login page answers in place of the server",
                "  pass [N]           nothing; a fault that is named later strikes after it",
            ]
    }

    private var expectLines: [String] {
        let width = expectations.map(\.what.count).max() ?? 0
        return ["expect WHAT [within TIME]:"]
            + expectations.map { "  " + Self.pad($0.what, width) + "  " + $0.meaning }
            + [
                "  expect refused CODE VERB…: the line behind it is refused with this code",
                verbs.first { $0.name == "expect" }.map { "for example: \($0.examples[0])" } ?? "",
            ]
    }

    static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

/// What `expect` waits for, without what it says.
struct ExpectLine: Sendable {
    /// What must hold.
    let words: [String]
    /// How long it may take to come true.
    let limit: Duration
    private let begun = MonotonicClock.nowNanos()

    /// Whether there is no more time, and else how long to wait before one looks again: a tenth of
    /// what was waited already, so that many that wait long do not hold up what they wait for.
    var pause: Duration? {
        let waited = Duration.nanoseconds(MonotonicClock.nowNanos() - begun)
        guard waited < limit else { return nil }
        return min(max(waited / 10, .milliseconds(20)), .milliseconds(500))
    }

    /// Takes `within TIME` off the end.
    init(_ words: [String]) throws(VerbFailure) {
        guard words.count > 2, words[words.count - 2] == "within" else {
            self.words = words
            limit = .zero
            return
        }
        guard let time = DurationText.parse(words[words.count - 1]) else {
            throw VerbFailure(
                .usage, "'\(words[words.count - 1])' is no time: write within 5s")
        }
        self.words = Array(words.dropLast(2))
        limit = time
    }

    /// The code and the line of `refused CODE VERB…`; `nil` for another expectation.
    func refused(
        among verbs: [Verb]
    ) throws(VerbFailure) -> (code: String, line: VerbLine)? {
        guard words[0] == "refused" else { return nil }
        guard words.count > 2 else {
            throw VerbFailure(
                .usage, "write: expect refused CODE VERB, like expect refused sold_out order place")
        }
        return (words[1], try VerbLine.parse(words[2...], among: verbs))
    }

    /// Judges what a line that must be refused did.
    static func judge(
        _ code: String, _ line: VerbLine, _ failure: VerbFailure?
    ) throws(VerbFailure) -> LineAnswer {
        guard let failure else {
            throw VerbFailure(
                .expectation, "expected \(line.verb.name) to be refused with \(code): it was done")
        }
        if failure.kind == .usage { throw failure }
        guard failure.code == code else {
            throw VerbFailure(
                .expectation,
                "expected \(code), found \(failure.code ?? "no code"): \(failure.message)")
        }
        return LineAnswer(lines: ["as expected"])
    }

    func failure(wanted: String, found: String) -> VerbFailure {
        VerbFailure(
            .expectation,
            "expected \(words.joined(separator: " ")): wanted \(wanted), found \(found)")
    }
}
