import Glibc
import ToteClient
import ToteCommandLine
import ToteConcurrency
import ToteCore

/// A counter behind its lines.
struct CounterSession: LineSession {
    let counter: Counter

    var name: String { counter.options.name }
    var help: VerbHelp { CounterVerbs.help }

    func arguments(of verb: Verb, after words: [String]) -> [String] {
        if verb.name == "net" { return words.isEmpty ? NetworkWords.first : [] }
        if verb.name == "help" { return help.verbs.map(\.name) }
        let isOrder = verb.arguments.hasPrefix("CODE|ID")
        return isOrder && words.isEmpty ? codes + ["last"] : []
    }

    func begin() -> [String] { status() }

    func close() { counter.close() }

    func vanish() {
        counter.link.use(NetworkProfile.presets[0])
        counter.close()
    }

    private var codes: [String] {
        counter.snapshot.saved.board.compactMap { $0["code"]?.textValue }
    }

    func perform(_ line: String) throws(VerbFailure) -> LineAnswer {
        guard let parsed = try VerbLine.parse(line, among: CounterVerbs.all) else {
            return LineAnswer()
        }
        return try perform(parsed)
    }

    func perform(_ line: VerbLine) throws(VerbFailure) -> LineAnswer {
        let words = line.words
        if let lines = try orderStep(line) { return LineAnswer(lines: lines) }
        if let lines = try runPoints(line) { return LineAnswer(lines: lines) }
        if let lines = try runAfterSales(line) { return LineAnswer(lines: lines) }
        switch line.verb.name {
        case "board":
            let board = counter.snapshot.saved.board
            return LineAnswer(
                lines: board.isEmpty ? ["no open orders"] : board.map { CounterText.row($0) })
        case "show":
            let found = try find(words[0])
            guard let order = found.order else {
                return LineAnswer(lines: ["order \(found.id.prefix(8))  \(found.state)"])
            }
            return LineAnswer(lines: CounterText.order(order))
        case "auto": return LineAnswer(lines: [try auto(words)])
        case "queue":
            let deeds = counter.snapshot.saved.deeds
            return LineAnswer(lines: deeds.isEmpty ? ["nothing waits"] : deeds.map(\.what))
        case "status": return LineAnswer(lines: status())
        case "facts": return LineAnswer(lines: facts())
        case "net":
            guard !words.isEmpty else {
                return LineAnswer(lines: ["network \(counter.snapshot.saved.network)"])
            }
            let wanted = try NetworkWords(words)
            switch wanted {
            case .profile(let profile, let name): counter.use(profile, named: name)
            case .fault(let fault, let times, _): counter.link.add(fault, times: times)
            }
            return LineAnswer(lines: [wanted.said])
        case "kill":
            // SIGKILL to itself: nothing gets a chance to tidy up.
            Glibc.kill(getpid(), SIGKILL)
            return LineAnswer(isLast: true)
        case "wait":
            guard let time = DurationText.parse(words[0]) else {
                throw VerbFailure(.usage, "'\(words[0])' is no time: write wait 500ms")
            }
            SystemClock.pause(time)
            return LineAnswer()
        case "expect": return try expect(words)
        case "help": return LineAnswer(lines: try CounterVerbs.help.lines(words))
        case "quit": return LineAnswer(isLast: true)
        default: preconditionFailure("the verb \(line.verb.name) is in the table and nowhere else")
        }
    }

    private func status() -> [String] {
        let state = counter.snapshot
        let trouble = state.trouble.map { ", \($0)" } ?? ", follows the orders"
        return [
            "\(name) at \(counter.options.store): network \(state.saved.network)\(trouble)",
            "\(state.saved.orders.count) open orders, \(state.saved.deeds.count) to be answered"
                + (state.saved.autoPause == nil ? "" : ", works by itself"),
        ]
    }

    private func auto(_ words: [String]) throws(VerbFailure) -> String {
        switch (words[0], words.count) {
        case ("off", 1):
            counter.change { $0.saved.autoPause = nil }
            return "works on request"
        case ("on", _):
            let word = words.count > 1 ? words[1] : "50ms"
            guard let pause = DurationText.parse(word), pause < .seconds(3_600) else {
                throw VerbFailure(.usage, "'\(word)' is no time: write auto on 200ms")
            }
            let milliseconds = Int64(pause / .milliseconds(1))
            counter.change { $0.saved.autoPause = milliseconds }
            return "works by itself"
        default: throw VerbFailure(.usage, "write: auto on, auto on 200ms, or auto off")
        }
    }

    /// Numbers for who checks a run.
    private func facts() -> [String] {
        let saved = counter.snapshot.saved
        return [
            "collected \(saved.collectedHere)", "doubled \(saved.doubled)",
            "queue \(saved.deeds.count)", "faults \(counter.link.metFaults)",
        ] + saved.refusals.sorted { $0.key < $1.key }.map { "refused \($0.key) \($0.value)" }
            + saved.seen.map { "seen \($0)" }
    }

    // MARK: Orders

    /// An order that a word means.
    private struct Found {
        let id: String
        let state: String
        let version: Int64
        /// `nil` for one that left the board.
        let order: Value?
    }

    /// Whether a word can be a pickup code: four characters, not all of them digits of an id.
    private static func isCode(_ word: String) -> Bool { word.utf8.count == 4 }

    private func find(_ word: String) throws(VerbFailure) -> Found {
        let saved = counter.snapshot.saved
        func found(_ order: Value) -> Found {
            Found(
                id: order["id"]?.textValue ?? "", state: order["state"]?.textValue ?? "",
                version: order["version"]?.intValue ?? 0, order: order)
        }
        func found(_ gone: CounterState.Gone) -> Found {
            Found(id: gone.id, state: gone.state, version: gone.version, order: nil)
        }
        if word == "last" {
            if let order = saved.board.last { return found(order) }
            if let gone = saved.gone.last { return found(gone) }
            throw VerbFailure(.refused, "there is no order", code: "order_unknown")
        }
        let code = word.uppercased()
        if let order = saved.board.last(where: { $0["code"]?.textValue == code }) {
            return found(order)
        }
        if let gone = saved.gone.last(where: { $0.code == code }) { return found(gone) }
        let prefix = word.lowercased()
        let onBoard = saved.board.filter { $0["id"]?.textValue?.hasPrefix(prefix) == true }
        let left = saved.gone.filter { $0.id.hasPrefix(prefix) }
        guard onBoard.count + left.count <= 1 else {
            throw VerbFailure(.refused, "several ids begin with \(word): write more of it")
        }
        if let order = onBoard.first { return found(order) }
        if let gone = left.first { return found(gone) }
        throw VerbFailure(
            .refused, "no order here has the code or the id \(word)", code: "order_unknown")
    }

    private static let stepsByVerb = [
        "confirm": "confirmed", "prepare": "preparing", "ready": "ready", "decline": "declined",
        "cancel": "cancelled",
    ]

    private func orderStep(_ line: VerbLine) throws(VerbFailure) -> [String]? {
        let words = line.words
        if let next = Self.stepsByVerb[line.verb.name] {
            let order = try find(words[0])
            let reason = words.count > 1 ? words[1] : nil
            return try ask(counter.step(order.id, order.version, to: next, reason: reason))
        }
        switch line.verb.name {
        case "collect": return try collect(words[0])
        case "undo": return try ask(counter.deed(try find(words[0]).id, "undo"))
        case "dismiss": return try ask(counter.deed(try find(words[0]).id, "dismiss"))
        case "override":
            return try ask(
                counter.deed(
                    try find(words[0]).id, "override",
                    ["to": .text(words[1]), "reason": .text(words[2])]))
        case "sold-out": return try ask(counter.availability(words[0], false))
        case "available": return try ask(counter.availability(words[0], true))
        default: return nil
        }
    }

    private func collect(_ word: String) throws(VerbFailure) -> [String] {
        guard counter.link.profile.isOffline else {
            let isCode = Self.isCode(word) && word != "last"
            let order = isCode ? nil : try find(word).id
            return try ask(
                counter.handOver(order: order, code: isCode ? word : nil, at: nil))
        }
        let order = try find(word)
        guard order.order != nil else {
            throw VerbFailure(
                .refused, "the order is \(order.state) as far as is known here",
                code: order.state == "collected" ? "already_collected" : "order_closed")
        }
        let deeds = counter.snapshot.saved.deeds
        guard !deeds.contains(where: { $0.order == order.id && $0.path.hasSuffix("/handover") })
        else {
            throw VerbFailure(
                .refused, "it was handed over here, which the server is still to be told",
                code: "already_collected")
        }
        counter.ask(
            counter.handOver(order: order.id, code: nil, at: SystemClock.nowMilliseconds()))
        return ["handed over; the server is told when the network is back"]
    }

    /// Asks the server, and waits for what it says.
    func ask(_ deed: CounterState.Deed) throws(VerbFailure) -> [String] {
        switch try outcome(deed) {
        case .done(let value, let isReplay):
            guard value["id"] != nil else { return ["done"] }
            return [CounterText.row(value) + (isReplay ? "  (told again)" : "")]
        case .refused(let code, let message, _):
            throw VerbFailure(.refused, "\(message) (\(code))", code: code)
        case nil: return ["no answer yet: it is sent until there is one"]
        }
    }

    /// Asks the server for what must be known at once.
    func answer(_ deed: CounterState.Deed) throws(VerbFailure) -> Value {
        switch try outcome(deed) {
        case .done(let value, _): return value
        case .refused(let code, let message, _):
            throw VerbFailure(.refused, "\(message) (\(code))", code: code)
        case nil:
            throw VerbFailure(
                .refused, "no answer yet: it is sent until there is one", code: "no_answer")
        }
    }

    private func outcome(_ deed: CounterState.Deed) throws(VerbFailure) -> Counter.Outcome? {
        guard !counter.link.profile.isOffline else {
            throw VerbFailure(
                .refused,
                "the counter is cut off: only hand-overs are noted, and reservations "
                    + "taken", code: "offline")
        }
        counter.ask(deed)
        return counter.outcome(of: deed.key)
    }

    /// An order's id from its first digits or its code; one that is not here is taken as it is.
    func wholeID(_ word: String) throws(VerbFailure) -> String {
        word.utf8.count == 32 ? word : try find(word).id
    }

    // MARK: Expectations

    private func expect(_ words: [String]) throws(VerbFailure) -> LineAnswer {
        let line = try ExpectLine(words)
        if let (code, refused) = try line.refused(among: CounterVerbs.all) {
            do throws(VerbFailure) {
                _ = try perform(refused)
            } catch {
                return try ExpectLine.judge(code, refused, error)
            }
            return try ExpectLine.judge(code, refused, nil)
        }
        while true {
            let (wanted, found) = try look(line.words)
            if wanted == found { return LineAnswer(lines: ["as expected"]) }
            guard let pause = line.pause else {
                throw line.failure(wanted: wanted, found: found)
            }
            SystemClock.pause(pause)
        }
    }

    private func look(_ words: [String]) throws(VerbFailure) -> (wanted: String, found: String) {
        let verb = CounterVerbs.help.expectation(words[0])
        let read = try VerbWords(VerbLine(verb: verb, words: Array(words.dropFirst())))
        let state = counter.snapshot
        let saved = state.saved
        switch words[0] {
        case "board":
            let wanted = String(try read.number(0))
            guard read.plain.count > 1 else { return (wanted, String(saved.orders.count)) }
            let name = try read.word(1)
            let found = saved.orders.values.count { $0["state"]?.textValue == name }
            return (wanted, String(found))
        case "order":
            do throws(VerbFailure) {
                return (try read.word(1), try find(try read.word(0)).state)
            } catch {
                guard error.code == "order_unknown" else { throw error }
                return (try read.word(1), "unknown")
            }
        case "gone":
            let name = try read.word(1)
            return (String(try read.number(0)), String(saved.gone.count { $0.state == name }))
        case "queue": return (String(try read.number(0)), String(saved.deeds.count))
        case "disputed":
            let found = saved.orders.values.count { $0["disputed"] == .bool(true) }
            return (String(try read.number(0)), String(found))
        case "visitor":
            return (String(try read.number(1)), String(try visitor(try read.word(0))))
        case "alerts":
            let kinds = try alerts().compactMap { $0["kind"]?.textValue }
            let found = read.plain.count > 1 ? kinds.filter { $0 == read.plain[1] } : kinds
            return (String(try read.number(0)), String(found.count))
        case "doubled": return (String(try read.number(0)), String(saved.doubled))
        case "faults": return (String(try read.number(0)), String(counter.link.faults.count))
        case "redeemer":
            let isEnrolled = counter.redeemer.map { redeemer in
                Blocking.wait { await redeemer.isEnrolled }
            }
            return (try read.word(0), isEnrolled.map { $0 ? "ready" : "without-key" } ?? "none")
        case "unsent":
            let count = counter.redeemer.map { redeemer in
                Blocking.wait { await redeemer.unsentCount }
            }
            return (String(try read.number(0)), String(count ?? 0))
        case "status":
            let isCut = counter.link.profile.isOffline
            let found = isCut ? "offline" : state.trouble == nil ? "online" : "refused"
            return (try read.word(0), found)
        default: throw CounterVerbs.help.unknownExpectation(words[0])
        }
    }
}
