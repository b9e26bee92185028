import ToteSimulation

/// A day as one page of HTML that opens from a disk: no script, nothing fetched.
struct DayPage {
    private let outcome: DayOutcome
    private let chart: DayChart
    private let rows: Int

    /// Messages of the diagram at most, the last ones before the day ended.
    private static let messagesMax = 40
    private static let width = 1_080
    private static let rowHeight = 22

    init(_ outcome: DayOutcome) {
        self.outcome = outcome
        chart = DayChart(outcome.history)
        rows = max(1, outcome.devices)
    }

    var html: String {
        """
        <!doctype html><html lang="en"><meta charset="utf-8">
        <title>seed \(outcome.seed): \(Self.escaped(outcome.word))</title>
        <style>
        body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
        svg{width:100%;height:auto;background:#f6f7f9;border-radius:6px}
        table{border-collapse:collapse}td,th{padding:.1rem .8rem .1rem 0;text-align:left}
        td.n{text-align:right;font-variant-numeric:tabular-nums}
        pre{overflow:auto;background:#f6f7f9;padding:.6rem;border-radius:6px}
        text{font:11px system-ui,sans-serif}
        @media(prefers-color-scheme:dark){body{background:#16181d;color:#e6e8ec}
        svg,pre{background:#20242c}text{fill:#e6e8ec}}
        </style>
        <h1>Seed \(outcome.seed): \(Self.escaped(outcome.word))</h1>
        \(story)
        <h2>The day</h2>\(timeline)
        <h2>The last messages</h2>\(messages)
        <h2>How long it took</h2>\(latencies)
        <h2>Faults</h2>\(faults)
        </html>

        """
    }

    private var story: String {
        let facts =
            "<p>\(outcome.devices) devices of \(outcome.options.customers) customers, "
            + "\(outcome.acts) acts, \(outcome.exchanges) exchanges, "
            + "\(outcome.history.count) records.</p>"
        guard let failure = outcome.failure else { return facts }
        let proof = failure.proof.map { Self.escaped($0.line) }.joined(separator: "\n")
        return "<p><strong>\(Self.escaped(failure.message))</strong></p>"
            + (proof.isEmpty ? "" : "<pre>\(proof)</pre>") + facts
    }

    /// A row for each device: dots are acts, strokes are faults.
    private var timeline: String {
        let height = (rows + 2) * Self.rowHeight
        let left = 90
        let scale = Double(Self.width - left - 10) / Double(max(1, chart.end))
        func x(_ at: UInt64) -> Int { left + Int(Double(at) * scale) }
        func y(_ device: Int?) -> Int {
            (device.map { $0 + 1 } ?? 0) * Self.rowHeight + Self.rowHeight / 2
        }
        var parts = (-1..<rows).map { row in
            let name = row < 0 ? "everybody" : "device \(row)"
            return "<text x=\"4\" y=\"\(y(row < 0 ? nil : row) + 4)\">\(name)</text>"
        }
        if let healed = chart.healed {
            parts.append(
                "<line x1=\"\(x(healed))\" x2=\"\(x(healed))\" y1=\"0\" y2=\"\(height)\" "
                    + "stroke=\"#2a7\"><title>faults end</title></line>")
        }
        for mark in chart.marks {
            let (at, row) = (x(mark.at), y(mark.device))
            let title = "<title>\(Self.escaped(mark.word)) at \(mark.at) ms</title>"
            parts.append(
                mark.isFault
                    ? "<path d=\"M\(at) \(row - 7)v14\" stroke=\"#d43\">\(title)</path>"
                    : "<circle cx=\"\(at)\" cy=\"\(row)\" r=\"2\" fill=\"#36c\">\(title)</circle>")
        }
        return svg(height, parts)
    }

    /// Time goes down, devices stand left and the server right.
    private var messages: String {
        let shown = chart.messages.suffix(Self.messagesMax)
        let step = 18
        let server = Self.width - 60
        func x(_ device: Int) -> Int { 60 + device * (server - 160) / rows }
        var parts = (0..<rows).map { device in
            "<text x=\"\(x(device) - 20)\" y=\"14\">device \(device)</text>"
        }
        parts.append("<text x=\"\(server - 18)\" y=\"14\">server</text>")
        for (index, message) in shown.enumerated() {
            let y = 34 + index * step
            let color = message.status == 200 ? "#36c" : message.status == nil ? "#d43" : "#c80"
            let end = message.answered.map {
                "answered \(message.status.map(String.init) ?? "late") at \($0) ms"
            }
            let words =
                "\(message.sent) ms: \(message.kind)"
                + (message.changes == 0 ? "" : " of \(message.changes)") + ", "
                + (message.isDropped ? "dropped" : end ?? "no answer")
            parts.append(
                "<path d=\"M\(x(message.device)) \(y)H\(server)\" stroke=\"\(color)\""
                    + (message.answered == nil ? " stroke-dasharray=\"4 3\"" : "") + "/>"
                    + "<text x=\"\(x(message.device) + 6)\" y=\"\(y - 3)\">"
                    + "\(Self.escaped(words))</text>")
        }
        return svg(50 + shown.count * step, parts)
    }

    /// What each kind of act waited for its effect, in octaves of milliseconds.
    private var latencies: String {
        let rows = chart.latencies.map { latency in
            let cells = [50, 90, 99, 100].map { percent in
                "<td class=\"n\">\(latency.percentile(percent).map(String.init) ?? "–")</td>"
            }
            return "<tr><td>\(latency.name)</td><td class=\"n\">\(latency.milliseconds.count)</td>"
                + cells.joined() + "<td class=\"n\">\(latency.unfinished)</td></tr>"
        }
        return
            "<p>Milliseconds from an act to the moment at which its device was told that it took "
            + "effect, time without a network included; nobody waited for one act with the next, "
            + "so none hides behind another (coordinated omission).</p><table><tr><th></th>"
            + "<th>times</th><th>half</th><th>90 %</th><th>99 %</th><th>all</th>"
            + "<th>unfinished</th></tr>\(rows.joined())</table>"
            + chart.latencies.map(histogram).joined()
    }

    private func histogram(_ latency: DayChart.Latency) -> String {
        let octaves = latency.octaves
        guard let most = octaves.max() else { return "" }
        let (height, step) = (90, 44)
        var parts = ["<text x=\"4\" y=\"14\">\(latency.name)</text>"]
        for (octave, count) in octaves.enumerated() {
            let x = 90 + octave * step
            let bar = count == 0 ? 0 : max(1, 60 * count / most)
            parts.append(
                "<rect x=\"\(x)\" y=\"\(height - 18 - bar)\" width=\"\(step - 6)\" "
                    + "height=\"\(bar)\" fill=\"#36c\"><title>\(count) below "
                    + "\(UInt64(2) << octave) ms</title></rect>"
                    + "<text x=\"\(x)\" y=\"\(height - 4)\">\(UInt64(2) << octave)</text>")
        }
        return svg(height, parts)
    }

    private var faults: String {
        let lines = outcome.options.rates.sorted { $0.key < $1.key }.map { fault, rate in
            "<tr><td>\(fault.rawValue)</td><td class=\"n\">\(rate) ‰</td>"
                + "<td class=\"n\">\(outcome.struck[fault] ?? 0)</td></tr>"
        }
        return "<table><tr><th>fault</th><th>rate</th><th>struck</th></tr>\(lines.joined())</table>"
    }

    private func svg(_ height: Int, _ parts: [String]) -> String {
        "<svg viewBox=\"0 0 \(Self.width) \(height)\" role=\"img\">\(parts.joined())</svg>"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
