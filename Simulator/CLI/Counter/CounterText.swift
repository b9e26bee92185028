import ToteCore

/// Orders as a counter shows them.
enum CounterText {
    private static func text(_ value: Value?) -> String { (value?.textValue ?? "").printable }

    private static func line(_ line: Value) -> String {
        var names: [Value.Entry] = []
        if case .map(let entries)? = line["names"] { names = entries }
        let name = names.first { $0.name == "en" } ?? names.first
        var options: [Value.Entry] = []
        if case .map(let entries)? = line["options"] { options = entries }
        return "\(line["quantity"]?.intValue ?? 0) × \(name?.value.textValue ?? text(line["sku"]))"
            + options.map { " \($0.name)=\(text($0.value))" }.joined()
            + (line["note"]?.textValue.map { " (\($0.printable))" } ?? "")
    }

    /// One line of the board.
    static func row(_ order: Value) -> String {
        let lines = CounterState.list(order["lines"]).map(line).joined(separator: ", ")
        var row = "\(text(order["code"]))  \(text(order["state"]))  \(lines)  \(total(order))"
        if let name = order["name"]?.textValue { row += "  for \(name.printable)" }
        if order["arrived_at"] != nil {
            row += "  is here" + (order["spot"]?.textValue.map { ": \($0.printable)" } ?? "")
        }
        if order["disputed"] == .bool(true) { row += "  DISPUTED" }
        return row
    }

    private static func total(_ order: Value) -> String {
        Currency.text(order["total"]?.intValue ?? 0, text(order["currency"]))
    }

    /// All of an order.
    static func order(_ order: Value) -> [String] {
        var lines = [row(order), "  id \(text(order["id"]))"]
        if let pickup = order["pickup_at"]?.intValue {
            lines.append("  for \(Moment.text(UInt64(clamping: pickup)))")
        }
        for tender in CounterState.list(order["tenders"]) {
            let amount = Currency.text(tender["amount"]?.intValue ?? 0, text(order["currency"]))
            let isPaid = text(tender["kind"]) != Tender.Kind.atCounter.rawValue
            lines.append("  \(isPaid ? "paid" : "to be paid here"): \(amount)")
        }
        if let note = order["note"]?.textValue { lines.append("  note: \(note.printable)") }
        if let reason = order["reason"]?.textValue { lines.append("  reason: \(reason.printable)") }
        for step in CounterState.list(order["steps"]) {
            let at = Moment.text(UInt64(clamping: step["at"]?.intValue ?? 0))
            lines.append("  \(at)  \(text(step["state"])) by \(text(step["by"]))")
        }
        if let feedback = order["feedback"] {
            lines.append(
                "  rated \(feedback["rating"]?.intValue ?? 0)"
                    + (feedback["comment"]?.textValue.map { ": \($0.printable)" } ?? ""))
        }
        for post in CounterState.list(order["thread"]) {
            lines.append("  \(text(post["by"])): \(text(post["text"]))")
        }
        return lines
    }

    /// A receipt as the server gives it.
    static func sale(_ sale: Value) -> [String] {
        func money(_ name: String, of value: Value) -> String {
            Currency.text(value[name]?.intValue ?? 0, text(sale["currency"]))
        }
        let at = Moment.text(UInt64(clamping: sale["placed_at"]?.intValue ?? 0))
        let head =
            "\(text(sale["number"]))  \(text(sale["state"]))  at \(text(sale["store"]))  \(at)"
        return [head]
            + CounterState.list(sale["lines"]).map { line in
                "  \(self.line(line))  \(money("amount", of: line))"
                    + (line["returned"]?.intValue.map { "  \($0) returned" } ?? "")
            }
            + ["  total \(money("total", of: sale))"]
            + CounterState.list(sale["tenders"]).map {
                "  \(text($0["kind"])) \(money("amount", of: $0))"
            }
    }

    /// What the role allows of the customer who is served.
    static func visitor(_ view: Value) -> [String] {
        var lines = CounterState.list(view["orders"]).map { order in
            "\(text(order["number"]))  \(text(order["state"]))  at \(text(order["store"]))"
                + (order["channel"]?.textValue.map { " by \($0)" } ?? "") + "  \(total(order))"
        }
        for list in CounterState.list(view["wishlists"]) {
            let entries = CounterState.list(list["entries"]).map { text($0["item"]) }
            lines.append(
                "wishes \((list["title"]?.textValue ?? text(list["id"])).printable): "
                    + (entries.isEmpty ? "nothing" : entries.joined(separator: ", ")))
        }
        for balance in CounterState.list(view["balances"]) {
            lines.append(
                "\(text(balance["account"])): \(balance["available"]?.intValue ?? 0) available")
        }
        if case .map(let entries)? = view["preferences"] {
            for entry in entries {
                lines.append(
                    "prefers \(entry.name.printable): "
                        + String(decoding: Encoding.json.encode(entry.value), as: UTF8.self))
            }
        }
        return lines.isEmpty ? ["nothing is known of the customer"] : lines
    }

    /// One thing to be looked at.
    static func alert(_ alert: Value) -> [String] {
        let since = Moment.text(UInt64(clamping: alert["since"]?.intValue ?? 0))
        let about = ["pickup_code", "label", "code"].compactMap { alert[$0]?.textValue }
        let line =
            "\(alert["urgency"]?.intValue ?? 0)  \(text(alert["kind"]))  since \(since)"
            + about.map { "  \($0)" }.joined()
            + (alert["order"]?.textValue.map { "  order \($0.prefix(8))" } ?? "")
        return [line] + CounterState.list(alert["asked"]).map { "     \(text($0))" }
    }
}
