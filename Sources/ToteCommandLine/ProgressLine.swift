/// One line on stderr that says how far the work is: redrawn in place on a terminal, a plain line
/// per change elsewhere. The caller decides how often; there is no clock here.
package struct ProgressLine: Sendable {
    private let terminal: Terminal
    private var shown: String?

    /// A progress line that shows nothing yet.
    package init(_ terminal: Terminal) { self.terminal = terminal }

    /// Shows `text` (one line, no escape sequences) instead of what was shown before.
    package mutating func update(_ text: String) {
        terminal.writeError(drawing(text, columns: terminal.columns))
    }

    /// Ends the line: replaces it by `text`, or takes it away.
    package mutating func finish(_ text: String? = nil) {
        terminal.writeError(ending(text))
    }

    /// What `update` writes.
    package mutating func drawing(_ text: String, columns: Int) -> String {
        guard text != shown else { return "" }
        shown = text
        guard terminal.errorIsTerminal else { return text + "\n" }
        // The last column stays empty: a full line would wrap, and the next redraw would miss it.
        let room = max(columns - 1, 1)
        let visible = text.count <= room ? text : String(text.prefix(room - 1)) + "…"
        return "\r\u{1B}[2K" + visible
    }

    /// What `finish` writes.
    package mutating func ending(_ text: String?) -> String {
        defer { shown = nil }
        let line = text.map { $0 + "\n" } ?? ""
        if terminal.errorIsTerminal { return (shown == nil ? "" : "\r\u{1B}[2K") + line }
        return text == shown ? "" : line
    }
}
