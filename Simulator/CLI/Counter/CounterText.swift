import ToteCore

/// Orders as a counter shows them.
enum CounterText {
    private static func text(_ value: Value?) -> String { value?.textValue ?? "" }

    private static func line(_ line: Value) -> String {
        var names: [Value.Entry] = []
        if case .map(let entries)? = line["names"] { names = entries }
        let name = names.first { $0.name == "en" } ?? names.first
        var options: [Value.Entry] = []
        if case .map(let entries)? = line["options"] { options = entries }
        return "\(line["quantity"]?.intValue ?? 0) × \(name?.value.textValue ?? text(line["sku"]))"
            + options.map { " \($0.name)=\(text($0.value))" }.joined()
            + (line["note"]?.textValue.map { " (\($0))" } ?? "")
    }

    /// One line of the board.
    static func row(_ order: Value) -> String {
        let lines = CounterState.list(order["lines"]).map(line).joined(separator: ", ")
        var row = "\(text(order["code"]))  \(text(order["state"]))  \(lines)  \(total(order))"
        if let name = order["name"]?.textValue { row += "  for \(name)" }
        if order["arrived_at"] != nil {
            row += "  is here" + (order["spot"]?.textValue.map { ": \($0)" } ?? "")
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
        if let note = order["note"]?.textValue { lines.append("  note: \(note)") }
        if let reason = order["reason"]?.textValue { lines.append("  reason: \(reason)") }
        for step in CounterState.list(order["steps"]) {
            let at = Moment.text(UInt64(clamping: step["at"]?.intValue ?? 0))
            lines.append("  \(at)  \(text(step["state"])) by \(text(step["by"]))")
        }
        return lines
    }
}
