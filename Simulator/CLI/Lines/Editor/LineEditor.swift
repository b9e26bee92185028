import Glibc
import ToteCommandLine

/// Reads lines from a person at a terminal: they may be edited, called back and completed.
///
/// The terminal is in raw mode only while a line is read; whatever a verb does meets it as it was.
final class LineEditor {
    private let terminal: Terminal
    private let complete: (_ before: String) -> Completion
    private var keys = KeystrokeReader()
    /// What was read beyond the last line: pasted lines.
    private var unread: ArraySlice<UInt8> = []
    private var history: [String] = []
    private static let historyMax = 500

    /// - Returns: `nil` where there is no terminal that can be drawn on.
    init?(_ terminal: Terminal, complete: @escaping (_ before: String) -> Completion) {
        let isDumb = ProcessEnvironment.read(["TERM"])["TERM"] ?? "dumb" == "dumb"
        guard terminal.inputIsTerminal, terminal.errorIsTerminal, !isDumb else { return nil }
        self.terminal = terminal
        self.complete = complete
    }

    /// The next line; `nil` at the end of the input.
    func readLine(prompt: String) -> String? {
        var saved = termios()
        guard tcgetattr(STDIN_FILENO, &saved) == 0 else { return nil }
        var raw = saved
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        raw.c_iflag &= ~tcflag_t(IXON | ICRNL)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        defer { tcsetattr(STDIN_FILENO, TCSADRAIN, &saved) }
        var edit = LineEdit(history: history, complete: complete)
        draw(edit, prompt)
        while let key = nextKey() {
            switch edit.handle(key) {
            case .changed: draw(edit, prompt)
            case .nothing: break
            case .clearScreen:
                terminal.writeError("\u{1B}[H\u{1B}[2J")
                draw(edit, prompt)
            case .list(let words):
                terminal.writeError("\n" + words.joined(separator: "  ") + "\n")
                draw(edit, prompt)
            case .done(let line):
                terminal.writeError("\n")
                remember(line)
                return line
            case .end:
                terminal.writeError("\n")
                return nil
            case .interrupt:
                // As without an editor: Ctrl-C ends the program.
                terminal.writeError("^C\n")
                tcsetattr(STDIN_FILENO, TCSADRAIN, &saved)
                raise(SIGINT)
                return nil
            }
        }
        return nil
    }

    private func remember(_ line: String) {
        guard line.contains(where: { $0 != " " }), line != history.last else { return }
        history.append(line)
        if history.count > Self.historyMax { history.removeFirst() }
    }

    private func nextKey() -> Keystroke? {
        while true {
            while let byte = unread.popFirst() {
                if let key = keys.key(byte) { return key }
            }
            var room = [UInt8](repeating: 0, count: 1_024)
            let count = read(STDIN_FILENO, &room, room.count)
            if count > 0 {
                unread = room[..<count]
            } else if count == 0 || errno != EINTR {
                return nil
            }
        }
    }

    /// One row: where the line is wider than the terminal, the part around the cursor shows.
    private func draw(_ edit: LineEdit, _ prompt: String) {
        let room = max(8, terminal.columns - prompt.count - 1)
        let widths = edit.characters.map(Self.columns)
        var first = 0
        while widths[first..<edit.cursor].reduce(0, +) > room { first += 1 }
        var last = first
        var used = 0
        while last < widths.count, used + widths[last] <= room {
            used += widths[last]
            last += 1
        }
        let back = widths[edit.cursor..<max(last, edit.cursor)].reduce(0, +)
        terminal.writeError(
            "\r\(prompt)\(String(edit.characters[first..<last]))\u{1B}[K"
                + (back > 0 ? "\u{1B}[\(back)D" : ""))
    }

    /// How many columns a terminal gives a character (after Unicode's East Asian Width).
    private static func columns(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
