import ToteClient
import ToteCommandLine
import ToteConcurrency
import ToteCore

/// Verbs of what comes after the sale.
extension CounterSession {
    func runAfterSales(_ line: VerbLine) throws(VerbFailure) -> [String]? {
        switch line.verb.name {
        case "answer":
            let order = try wholeID(line.words[0])
            return try ask(counter.deed(order, "posts", ["text": .text(line.words[1])]))
        case "sale": return CounterText.sale(try look(up: "sales/\(line.words[0])"))
        case "alerts":
            let alerts = try alerts()
            return alerts.isEmpty ? ["all is well"] : alerts.flatMap { CounterText.alert($0) }
        case "visit":
            let begun = try send(to: "visits", .map(["code": .text(line.words[0])]))
            let id = begun["visit"]?.textValue ?? ""
            counter.visit.withLock { $0 = id }
            return try look(at: id)
        case "look": return try look(at: try visitID())
        case "bye":
            let id = try visitID()
            _ = try send(to: "visits/\(id)/end", .map([]))
            counter.visit.withLock { $0 = nil }
            return ["nothing more is shown of the customer"]
        default: return nil
        }
    }

    /// The visit that goes on. It is nowhere but in memory: the next program knows nobody.
    private func visitID() throws(VerbFailure) -> String {
        guard let id = counter.visit.withLock({ $0 }) else {
            throw VerbFailure(
                .refused, "nobody is being served: `visit CODE` begins", code: "no_visit")
        }
        return id
    }

    private func look(at id: String) throws(VerbFailure) -> [String] {
        CounterText.visitor(try look(up: "visits/\(id)"))
    }

    /// What shows of the customer who is served, counted.
    func visitor(_ what: String) throws(VerbFailure) -> Int64 {
        let view = try look(up: "visits/\(try visitID())")
        func balance(_ prefix: String) -> Int64 {
            CounterState.list(view["balances"])
                .filter { $0["account"]?.textValue?.hasPrefix(prefix) == true }
                .reduce(0) { $0 + ($1["available"]?.intValue ?? 0) }
        }
        switch what {
        case "orders": return Int64(CounterState.list(view["orders"]).count)
        case "wishes":
            return CounterState.list(view["wishlists"])
                .reduce(0) { $0 + Int64(CounterState.list($1["entries"]).count) }
        case "points": return balance("points")
        case "cards": return balance("card:")
        case "preferences":
            guard case .map(let entries)? = view["preferences"] else { return 0 }
            return Int64(entries.count)
        default:
            throw VerbFailure(
                .usage, "of a visitor show: orders, wishes, points, cards, preferences")
        }
    }

    func alerts() throws(VerbFailure) -> [Value] {
        CounterState.list(try look(up: "alerts")["alerts"])
    }

    /// Asks the server for something of the store's.
    private func look(up path: String) throws(VerbFailure) -> Value {
        try exchange("GET", path, "")
    }

    /// Tells the server something that nobody waits to tell again.
    private func send(to path: String, _ body: Value) throws(VerbFailure) -> Value {
        try exchange("POST", path, String(decoding: Encoding.json.encode(body), as: UTF8.self))
    }

    private func exchange(
        _ method: String, _ path: String, _ body: String
    ) throws(VerbFailure) -> Value {
        let response: TransportResponse
        do {
            response = try counter.carry(
                method, "\(counter.path)/\(path)", body: body, lane: .lookup)
        } catch {
            throw VerbFailure(.refused, "no answer: \(error)", code: "offline")
        }
        guard (200...201).contains(response.status),
            let value = try? Encoding.json.value(response.body)
        else {
            let (code, message, _) = Counter.problem(response)
            throw VerbFailure(.refused, "\(message) (\(code))", code: code)
        }
        return value
    }
}
