import ToteConcurrency
import ToteCore

// What is sold, and many devices at once.
extension ScenarioRun {
    /// Puts the catalogue in force, and gives each counter its token.
    func openStores() throws(RunFailure) {
        guard let catalog = scenario.catalog else { return }
        let version = try administrator.importCatalog(catalog)
        count.withLock { $0.catalog = catalog }
        reporter.step("server", "has a menu: version \(version)")
        for spec in scenario.counters {
            let minted = try administrator.mint(
                counter: spec.name, store: spec.store, isManager: spec.isManager)
            try write(minted, for: spec.name)
            if spec.isRedeemer { try administrator.name(redeemer: minted.id, of: spec.store) }
        }
    }

    /// Gives a device's customer points or stored value.
    func give(_ units: Int64, _ account: AccountName, to name: String) throws(RunFailure) {
        try administrator.give(units, account, to: customer(of: name))
        note("server", "gives \(units) of \(account) to \(name)")
    }

    /// Puts a changed catalogue in force.
    func perform(_ change: Scenario.CatalogChange) throws(RunFailure) {
        guard let before = count.withLock({ $0.catalog }) else {
            throw RunFailure(.expectation, "the scenario has no catalogue that could change")
        }
        let after = change.applied(to: before, opened: scenario.catalog)
        let version = try administrator.importCatalog(after)
        count.withLock { $0.catalog = after }
        note(change.store, "\(change.words): version \(version) of the menu")
    }

    /// Does lines on many devices at once, and says each line once.
    func performAtOnce(_ lines: [Scenario.Line], on names: [String]) throws(RunFailure) {
        let state = Lock((done: [Int](repeating: 0, count: lines.count), failure: RunFailure?.none))
        let group = Self.common(names)
        atOnce(names) { [self] name in
            for (index, line) in lines.enumerated() {
                if state.withLock({ $0.failure != nil }) { return }
                do throws(RunFailure) {
                    _ = try answer(line, on: name)
                } catch {
                    state.withLock { $0.failure = $0.failure ?? error }
                    return
                }
                let done = state.withLock { state in
                    state.done[index] += 1
                    return state.done[index]
                }
                if done == names.count {
                    note(group, "\(line.text)  (all \(names.count))")
                } else if done.isMultiple(of: 10) {
                    reporter.advance("\(group) \(line.text): \(done) of \(names.count)")
                }
            }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    /// What the names have in common, for the report: `phone-*`.
    private static func common(_ names: [String]) -> String {
        guard var prefix = names.first, names.count > 1 else { return names.first ?? "" }
        for name in names {
            while !name.hasPrefix(prefix) { prefix.removeLast() }
        }
        return prefix.isEmpty ? "all" : prefix + "*"
    }
}

extension Scenario.CatalogChange {
    /// What it does, for the report.
    var words: String {
        var words = prices.sorted { $0.key < $1.key }.map { "\($0.key) costs \($0.value)" }
        if let soldOut {
            words.append(
                soldOut.isEmpty
                    ? "nothing is sold out" : "\(soldOut.joined(separator: ", ")) sold out")
        }
        if let isClosed { words.append(isClosed ? "closed" : "open") }
        words += numbers.sorted { $0.key < $1.key }.map { "\($0.key) is \($0.value)" }
        return words.joined(separator: ", ")
    }

    /// The catalogue with the change, both in the form that is imported.
    ///
    /// - Parameter first: where opening hours come from when the store opens again.
    func applied(to catalog: Value, opened first: Value?) -> Value {
        var products = CounterState.list(catalog["products"])
        for (sku, price) in prices {
            guard let index = products.firstIndex(where: { $0["sku"]?.textValue == sku }) else {
                continue
            }
            let special = (products[index]["prices"] ?? .map([])).setting(store, to: .int(price))
            products[index] = products[index].setting("prices", to: special)
        }
        var stores = CounterState.list(catalog["stores"])
        if let index = stores.firstIndex(where: { $0["id"]?.textValue == store }) {
            if let soldOut {
                stores[index] = stores[index].setting(
                    "sold_out", to: .array(soldOut.map { .text($0) }))
            }
            if let isClosed {
                let original = CounterState.list(first?["stores"])[index]["open"] ?? .array([])
                stores[index] = stores[index].setting(
                    "open", to: isClosed ? .array([]) : original)
            }
            for (member, number) in numbers {
                stores[index] = stores[index].setting(member, to: .int(number))
            }
        }
        return catalog.setting("products", to: .array(products))
            .setting("stores", to: .array(stores))
    }
}

extension Value {
    /// A map with another value for a member.
    fileprivate func setting(_ name: String, to value: Value) -> Value {
        guard case .map(let entries) = self else { return self }
        var members: [String: Value] = [:]
        for entry in entries { members[entry.name] = entry.value }
        members[name] = value
        return .map(members)
    }
}
