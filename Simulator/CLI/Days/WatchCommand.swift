import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteSQLite
import ToteSimulation

/// `tote-sim watch`: a day while it happens, with keys to hold it and to cut everybody off.
enum WatchCommand {
    static let spec = CommandSpec(
        "watch", "Shows a day while it happens.",
        discussion: "At a terminal keys take effect at once: space holds the day and lets it go "
            + "on, s does the next thing, o takes everybody offline and back, + and - change the "
            + "pace, q ends. A day in which everybody was taken offline is another day than its "
            + "seed's; it is judged all the same.",
        examples: [
            ("tote-sim watch 17", "a minute in a second"),
            ("tote-sim watch runs/seed-17/repro.json --pace 10", "a failing day, slower"),
        ],
        arguments: [ArgumentSpec("DAY", "a repro.json, or a seed")],
        options: [
            OptionSpec(
                "pace", valueName: "N", "seconds of the day in one second; 0 for as fast as can be",
                default: "60", form: .whole(0...100_000)),
            DayOptionSpecs.without, OptionSpec("json", "print one JSON object at the end"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        var repro: Repro
        do throws(CommandFailure) {
            repro = try Repro(named: command.arguments[0])
        } catch {
            return terminal.report(error, asJSON: command.flag("json"))
        }
        repro.limits.without.formUnion(try DayOptionSpecs.faults(command))
        SQLiteMemory.countNothing()
        var watch = DayWatch(terminal, pace: try command.int("pace"), isTold: !command.flag("json"))
        let keys = terminal.inputIsTerminal ? TerminalKeys() : nil
        defer { keys?.end() }
        let verdict: DayWatch.Verdict
        do {
            verdict = try watch.run(Day(seed: repro.seed, limits: repro.limits), keys)
        } catch {
            verdict = .failed(DayFailure(error))
        }
        if case .failed(let failure) = verdict {
            return terminal.report(
                CommandFailure(
                    code: failure.code, message: "seed \(repro.seed): \(failure.message)",
                    exit: failure.kind == .stuck ? .notSettled : .brokenPromise),
                asJSON: command.flag("json"))
        }
        let word = verdict == .ended ? "ended before it was over" : verdict.word
        if command.flag("json") {
            let members: [(name: String, value: JSONText)] = [
                ("seed", .string(String(repro.seed))), ("verdict", .string(word)),
                ("changed_by_hand", .bool(watch.isChanged)),
            ]
            terminal.writeOut(JSONText.versioned(members).compact + "\n")
        } else {
            terminal.writeOut(
                "seed \(repro.seed)\(watch.isChanged ? ", changed by hand" : ""): \(word)\n")
        }
        return verdict == .valid ? .success : .nothingRan
    }
}

/// A day on its way over the screen.
struct DayWatch {
    enum Verdict: Equatable {
        case valid, void(String), ended
        case failed(DayFailure)

        var word: String {
            switch self {
            case .valid: "valid"
            case .void(let why): "void, \(why)"
            case .failed(let failure): failure.code
            case .ended: "ended"
            }
        }

        static func == (left: Self, right: Self) -> Bool { left.word == right.word }
    }

    private let terminal: Terminal
    private let isTold: Bool
    /// Milliseconds of the day in one of the watcher's; 0 for no waiting.
    private var pace: Int
    private var isHeld = false
    private var told = 0
    /// Whether the watcher did what the seed does not.
    private(set) var isChanged = false

    init(_ terminal: Terminal, pace: Int, isTold: Bool) {
        self.terminal = terminal
        self.pace = pace
        self.isTold = isTold
    }

    mutating func run(_ day: Day, _ keys: TerminalKeys?) throws -> Verdict {
        tell(day)
        var last: UInt64 = 0
        while let next = day.next {
            var takesOne = !isHeld
            if isHeld || pace > 0 || keys != nil {
                let pause = pace == 0 ? 0 : (next - last) / UInt64(pace)
                guard wait(day, keys, milliseconds: pause, &takesOne) else { return .ended }
            }
            guard takesOne else { continue }
            last = next
            // A step is as far as there is something to see.
            repeat { _ = try day.step() } while isHeld && !hasNews(day) && day.next != nil
            tell(day)
        }
        try day.end()
        switch Checker.verdict(on: day.history) {
        case .valid: return .valid
        case .void(let why): return .void(why)
        case .invalid(let failure): return .failed(failure)
        }
    }

    /// Lets time pass, and does what keys ask for meanwhile.
    ///
    /// - Parameter takesOne: whether the next thing happens then.
    /// - Returns: whether the watcher goes on watching.
    private mutating func wait(
        _ day: Day, _ keys: TerminalKeys?, milliseconds: UInt64, _ takesOne: inout Bool
    ) -> Bool {
        guard let keys else {
            SystemClock.pause(.milliseconds(Int64(milliseconds)))
            return true
        }
        let end = SystemClock.monotonicMilliseconds() + milliseconds
        repeat {
            let now = SystemClock.monotonicMilliseconds()
            // A day that is held waits for the next key, however long.
            switch keys.next(atMost: isHeld ? -1 : Int(max(end, now) - now)) {
            case " ":
                isHeld.toggle()
                say(isHeld ? "held: space goes on, s is one step" : "goes on")
                takesOne = !isHeld
                if isHeld { continue }
                return true
            case "s", "\n", "\r":
                isHeld = true
                takesOne = true
                return true
            case "o":
                day.isEverybodyOffline.toggle()
                isChanged = true
                say(day.isEverybodyOffline ? "everybody is offline" : "everybody is back")
                tell(day)
            case "+":
                pace *= 2
                say("\(pace) s a second")
            case "-":
                pace = pace == 0 ? 1_000 : max(1, pace / 2)
                say("\(pace) s a second")
            case "q", "\u{3}": return false
            default: break
            }
        } while isHeld || SystemClock.monotonicMilliseconds() < end
        return true
    }

    private func hasNews(_ day: Day) -> Bool {
        day.history[told...].contains { $0.words != nil }
    }

    private mutating func tell(_ day: Day) {
        guard isTold else { return }
        for stamped in day.history[told...] {
            if let words = stamped.words {
                terminal.writeOut("\(Self.time(stamped.at))  \(words)\n")
            }
        }
        told = day.history.count
    }

    private func say(_ words: String) {
        terminal.writeError("-- \(words)\n")
    }

    /// Minutes, seconds and milliseconds of a day.
    private static func time(_ at: UInt64) -> String {
        func padded(_ number: UInt64, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return "\(padded(at / 60_000, 2)):\(padded(at / 1_000 % 60, 2)).\(padded(at % 1_000, 3))"
    }
}

/// Keys of a terminal, one at a time and not shown; the terminal is as it was after `end`.
final class TerminalKeys {
    private var saved = termios()

    /// - Returns: `nil` where standard input is no terminal.
    init?() {
        guard tcgetattr(STDIN_FILENO, &saved) == 0 else { return nil }
        var raw = saved
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
    }

    func end() { tcsetattr(STDIN_FILENO, TCSADRAIN, &saved) }

    /// The next key; `nil` when none came in time. Without standard input it is `q`.
    ///
    /// - Parameter milliseconds: how long to wait; below 0 without end.
    func next(atMost milliseconds: Int) -> Character? {
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&input, 1, Int32(clamping: milliseconds)) > 0 else { return nil }
        var byte: UInt8 = 0
        guard read(STDIN_FILENO, &byte, 1) == 1 else { return "q" }
        return Character(Unicode.Scalar(byte))
    }
}
