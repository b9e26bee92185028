import ToteCommandLine
import ToteConcurrency
import ToteCore

/// What became of the orders of a run.
struct OrderSummary: Sendable {
    /// Intents to place, of all devices; a copied device's count once.
    var placed = 0
    var accepted = 0
    var rejected = 0
    var withdrawn = 0
    var collected = 0
    var openOrders = 0
    /// From the tap until the device knew the server's decision, milliseconds.
    var decided: [Int] = []
    /// From when an order was ready until a counter's poll told so, milliseconds.
    var seen: [Int] = []
    var faults = 0
    var kills = 0
    /// How often a counter was told that another one had been faster.
    var races = 0

    static func percentile(_ times: [Int], _ percent: Int) -> Int? {
        guard !times.isEmpty else { return nil }
        let sorted = times.sorted()
        return sorted[min(sorted.count - 1, sorted.count * percent / 100)]
    }

    private static func line(_ what: String, _ times: [Int]) -> String? {
        guard let middle = percentile(times, 50), let high = percentile(times, 99) else {
            return nil
        }
        return "\(what): p50 \(middle) ms, p99 \(high) ms"
    }

    var lines: [String] {
        let fates = [
            ("accepted", accepted), ("rejected", rejected), ("withdrawn", withdrawn),
        ].filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        let orders = [("collected", collected), ("open", openOrders)]
            .filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        return [
            "orders asked for: \(placed); \(fates.joined(separator: ", "))",
            "orders at the store: \(accepted)"
                + (orders.isEmpty ? "" : "; \(orders.joined(separator: ", "))")
                + "; none lost, none twice, none collected twice",
            Self.line("from the tap to the server's decision", decided),
            Self.line("from ready to seen by a counter", seen),
            faults + kills + races > 0
                ? "met: \(faults) lost or cut exchanges, \(kills) kills and restarts, "
                    + "\(races) times another counter was faster" : nil,
        ].compactMap { $0 }
    }

    var json: JSONText {
        func number(_ times: [Int], _ percent: Int) -> JSONText {
            Self.percentile(times, percent).map { .int($0) } ?? .null
        }
        return [
            "placed": .int(placed), "accepted": .int(accepted), "rejected": .int(rejected),
            "withdrawn": .int(withdrawn), "collected": .int(collected), "open": .int(openOrders),
            "decided_p50_ms": number(decided, 50), "decided_p99_ms": number(decided, 99),
            "seen_p50_ms": number(seen, 50), "seen_p99_ms": number(seen, 99),
            "faults": .int(faults), "kills": .int(kills), "races": .int(races),
        ]
    }
}

// After the last step of a run with orders: every intent has one fate, and the store knows the
// orders that were accepted, no more and no fewer, each handed over once at most.
extension ScenarioRun {
    private static let settleLimit = "60s"

    fileprivate struct Facts: Sendable {
        /// Place receipts by id: their states.
        var places: [String: String] = [:]
        /// A device's orders: id to state.
        var orders: [String: [String: String]] = [:]
        var summary = OrderSummary()
        var failure: RunFailure?
    }

    func judgeOrders() throws(RunFailure) {
        if let server, !server.isRunning { try server.start() }
        let facts = Lock(Facts())
        atOnce(scenario.counters.map(\.name)) { [self] name in
            note(facts, name, ["net wifi", "auto off", "expect queue 0 within 30s", "facts"])
        }
        atOnce(scenario.devices.map(\.name)) { [self] name in
            note(
                facts, name,
                [
                    "net wifi", "live on", "expect receipts settled within \(Self.settleLimit)",
                    "sync", "fates",
                ])
        }
        var found = facts.withLock { $0 }
        if let failure = found.failure { throw failure }
        try compare(&found)
        found.summary.kills = count.withLock { $0.kills }
        let summary = found.summary
        count.withLock { $0.orders = summary }
        note("orders", "every intent has one fate", summary.lines)
    }

    /// Runs lines on a device or a counter, and notes what the last one says.
    private func note(_ facts: Lock<Facts>, _ name: String, _ lines: [String]) {
        do throws(RunFailure) {
            var said: [String] = []
            for line in lines { said = try actor(name).run(line) }
            let words = said.map { $0.split(separator: " ").map(String.init) }
            facts.withLock { facts in
                for line in words where line.count > 1 { facts.note(name, line) }
            }
        } catch {
            let failure = RunFailure(error.kind, "\(name), in the end: \(error.message)")
            facts.withLock { $0.failure = $0.failure ?? failure }
        }
    }

    private func compare(_ facts: inout Facts) throws(RunFailure) {
        var known: [String: Value] = [:]
        for store in CounterState.list(count.withLock({ $0.catalog })?["stores"]) {
            for order in try orders(of: store["id"]?.textValue ?? "") {
                known[order["id"]?.textValue ?? ""] = order
            }
        }
        for (receipt, state) in facts.places {
            facts.summary.placed += 1
            switch state {
            case "accepted": facts.summary.accepted += 1
            case "rejected:": facts.summary.rejected += 1
            case "withdrawn": facts.summary.withdrawn += 1
            default: throw RunFailure(.expectation, "the order of receipt \(receipt) is \(state)")
            }
        }
        guard facts.summary.accepted == known.count else {
            throw RunFailure(
                .expectation,
                "\(facts.summary.accepted) orders were accepted, and the stores know \(known.count)"
            )
        }
        for (id, order) in known {
            let steps = CounterState.list(order["steps"]).compactMap { $0["state"]?.textValue }
            var handOvers = 0
            for (before, step) in zip([""] + steps, steps) {
                if step == "collected" { handOvers += 1 }
                // An undone hand-over is none.
                if step == "ready", before == "collected" { handOvers -= 1 }
            }
            let isCollected = order["state"]?.textValue == "collected"
            guard handOvers == (isCollected ? 1 : 0) else {
                throw RunFailure(
                    .expectation,
                    "order \(id) is \(order["state"]?.textValue ?? "") and was "
                        + "handed over \(handOvers) times: \(steps.joined(separator: ", "))")
            }
            if isCollected { facts.summary.collected += 1 }
            if OrderState(rawValue: order["state"]?.textValue ?? "")?.isOpen == true {
                facts.summary.openOrders += 1
            }
        }
        for (name, orders) in facts.orders {
            for (id, state) in orders where known[id]?["state"]?.textValue != state {
                throw RunFailure(
                    .expectation,
                    "\(name) shows order \(id) as \(state), the store as "
                        + (known[id]?["state"]?.textValue ?? "unknown"))
            }
        }
    }

    /// Every order of a store, in whatever state, as a counter polls them.
    private func orders(of store: String) throws(RunFailure) -> [Value] {
        let minted = try administrator.mint(counter: "judge", store: store, isManager: false)
        let states = OrderState.allCases.filter { $0 != .queued && $0 != .withdrawn }
            .map(\.rawValue).joined(separator: ",")
        var orders: [Value] = []
        var since = ""
        while true {
            let page = try administrator.call(
                "GET", "/v1/stores/\(store)/orders?state=\(states)&limit=500\(since)", nil,
                token: minted.secret)
            orders += CounterState.list(page["orders"])
            guard page["more"] == .bool(true), let cursor = page["cursor"]?.textValue else { break }
            since = "&since=\(cursor)"
        }
        return orders
    }
}

extension ScenarioRun.Facts {
    fileprivate mutating func note(_ name: String, _ line: [String]) {
        switch line[0] {
        case "receipt" where line.count > 3 && line[2] == "place": places[line[1]] = line[3]
        case "order" where line.count > 2: orders[name, default: [:]][line[1]] = line[2]
        case "decided": summary.decided.append(Int(line[1]) ?? 0)
        case "seen": summary.seen.append(Int(line[1]) ?? 0)
        case "faults": summary.faults += Int(line[1]) ?? 0
        case "refused"
        where line.count > 2 && ["version_moved", "already_collected"].contains(line[1]):
            summary.races += Int(line[2]) ?? 0
        case "doubled" where line[1] != "0":
            failure = RunFailure(
                .expectation, "\(name) was told \(line[1]) orders twice at one version")
        default: break
        }
    }
}
