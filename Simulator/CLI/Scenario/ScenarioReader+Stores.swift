import ToteCommandLine
import ToteCore
import ToteServer

/// A part of a line that the run fills in: `{phone.code}`, the code of that device's last order,
/// `{phone.number}`, that of its receipt, `{phone.member}` and `{phone.lease}`, what it shows to a
/// scanner, `{phone.handoff}`, a new code that hands its cart on.
struct LineReference: Hashable, Sendable {
    let device: String
    let what: String

    /// What devices can be asked for.
    static let known = [
        "code": "order code", "order": "order id", "number": "order number",
        "member": "qr member text",
        "lease": "qr last text", "handoff": "handoff text",
        "invite-editor": "share invite editor", "invite-viewer": "share invite viewer",
        "invite-owner": "share invite owner", "invite-link": "share invite editor for 2h",
    ]

    /// Those that stand in a line.
    static func all(in line: String) -> [LineReference] {
        line.split(separator: "{").dropFirst().compactMap { part in
            let inside = part.prefix { $0 != "}" }.split(separator: ".").map(String.init)
            guard part.contains("}"), inside.count == 2, known[inside[1]] != nil else { return nil }
            return LineReference(device: inside[0], what: inside[1])
        }
    }

    /// The line with an answer in its place.
    func filling(_ line: String, with answer: String) -> String {
        let mark = "{\(device).\(what)}"
        guard let range = line.range(of: mark) else { return line }
        return line.replacingCharacters(in: range, with: answer)
    }
}

extension String {
    /// Where a text stands first.
    fileprivate func range(of text: String) -> Range<Index>? {
        indices.first { self[$0...].hasPrefix(text) }
            .map { $0..<(index($0, offsetBy: text.count)) }
    }

    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}

/// Names with `*` for any characters.
enum Pattern {
    static func matches(_ name: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return name == pattern }
        return name.count >= parts[0].count + parts[1].count && name.hasPrefix(parts[0])
            && name.hasSuffix(parts[1])
    }
}

// What is sold, where it is handed over, and how that changes.
extension ScenarioReader {
    static let countersMax = 16
    static let changeNumbers: [(name: String, member: String)] = [
        ("slot-capacity", "slot_capacity"), ("slot-minutes", "slot_minutes"),
        ("preparation-minutes", "preparation_minutes"), ("expire-minutes", "expire_minutes"),
    ]

    /// A catalogue in the form that is imported, or "demo".
    mutating func catalog(_ node: TextNode) throws(ScenarioError) -> Value {
        if case .string(let name) = node.kind {
            guard name == "demo" else {
                throw ScenarioError(node.place, "a catalogue is an object, or \"demo\"")
            }
            let catalog = DemoCatalog.catalog()
            stores = catalog.stores.map(\.id)
            return catalog.importedValue
        }
        let value = Self.value(node)
        do throws(CatalogFaults) {
            stores = try Catalog(imported: value).stores.map(\.id)
        } catch {
            guard let fault = error.faults.first else { return value }
            let path = fault.path.isEmpty ? "" : "\(fault.path): "
            throw ScenarioError(
                Self.place(of: fault.steps[...], in: node),
                "the catalogue cannot be: \(path)\(fault.message)")
        }
        return value
    }

    private static func value(_ node: TextNode) -> Value {
        switch node.kind {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .number(let number): .int(Int64(number))
        case .string(let text): .text(text)
        case .array(let nodes): .array(nodes.map(value))
        case .object(let members):
            .map(
                Dictionary(
                    members.filter { $0.name != "//" }.map { ($0.name, value($0.value)) },
                    uniquingKeysWith: { first, _ in first }))
        }
    }

    private static func place(
        of steps: ArraySlice<CatalogError.Step>, in node: TextNode
    ) -> TextPlace {
        guard let step = steps.first else { return node.place }
        switch (step, node.kind) {
        case (.member(let name), .object(let members)):
            guard let member = members.first(where: { $0.name == name }) else { return node.place }
            return place(of: steps.dropFirst(), in: member.value)
        case (.index(let index), .array(let nodes)) where nodes.indices.contains(index):
            return place(of: steps.dropFirst(), in: nodes[index])
        default: return node.place
        }
    }

    /// `{ "give": 500, "to": "phone" }`, with `"account": "card:EUR"` minor units of stored value.
    func gift(
        _ value: TextNode, _ found: Members, _ node: TextNode
    ) throws(ScenarioError) -> Scenario.Action {
        guard case .number(let units) = value.kind, let amount = Amount(Int64(units)) else {
            throw ScenarioError(
                value.place, "how many? a number from 1 to \(Amount.range.upperBound)")
        }
        var account = AccountName.points
        if let node = found["account"] {
            guard let named = AccountName(try text(node)) else {
                throw ScenarioError(node.place, "an account is points, or like card:EUR")
            }
            account = named
        }
        return .give(amount.units, account, to: try name(try needed("to", found, node)))
    }

    mutating func counters(_ node: TextNode) throws(ScenarioError) -> [Scenario.Counter] {
        guard case .object(let entries) = node.kind, entries.count <= Self.countersMax else {
            throw ScenarioError(
                node.place,
                "counters are an object, at most \(Self.countersMax): "
                    + "{ \"till\": { \"store\": \"s-17\" } }")
        }
        for entry in entries where entry.name != "//" {
            try checkName(entry.name, entry.place)
            guard !devices.contains(where: { $0.name == entry.name }) else {
                throw ScenarioError(entry.place, "a device is called \(entry.name) already")
            }
            let found = try members(entry.value, ["store", "manager", "redeemer"], "a counter")
            let place = try needed("store", found, entry.value)
            var counter = Scenario.Counter(
                name: entry.name, place: entry.place, store: try store(place))
            if let value = found["manager"] { counter.isManager = try flag(value) }
            if let value = found["redeemer"] { counter.isRedeemer = try flag(value) }
            counters.append(counter)
        }
        return counters
    }

    func store(_ node: TextNode) throws(ScenarioError) -> String {
        let name = try text(node)
        guard stores.contains(name) else {
            let near = Suggestion.nearest(to: name, among: stores).map { "did you mean \"\($0)\"?" }
            throw ScenarioError(
                node.place,
                "the catalogue has no store \"\(name)\": "
                    + (near ?? "it has \(stores.isEmpty ? "none" : stores.joined(separator: ", "))")
            )
        }
        return name
    }

    func change(
        _ node: TextNode, _ found: Members
    ) throws(ScenarioError) -> Scenario.CatalogChange {
        var change = Scenario.CatalogChange(store: try store(node))
        if let prices = found["prices"] {
            guard case .object(let entries) = prices.kind else {
                throw ScenarioError(prices.place, "prices are an object: { \"latte\": 450 }")
            }
            for entry in entries where entry.name != "//" {
                change.prices[entry.name] = try whole(entry.value)
            }
        }
        if let skus = found["sold-out"] { change.soldOut = try texts(skus) }
        if let flag = found["closed"] { change.isClosed = try self.flag(flag) }
        for (name, member) in Self.changeNumbers {
            if let node = found[name] { change.numbers[member] = try whole(node) }
        }
        return change
    }

    private func whole(_ node: TextNode) throws(ScenarioError) -> Int64 {
        guard case .number(let number) = node.kind, number >= 0 else {
            throw ScenarioError(node.place, "a whole number belongs here, not \(node.what)")
        }
        return Int64(number)
    }

    /// How far the server's clock is to be ahead.
    func clock(
        _ node: TextNode?, _ action: Scenario.ServerAction, _ word: String
    ) throws(ScenarioError) -> String? {
        guard let node else { return nil }
        guard action == .start || action == .restart else {
            throw ScenarioError(node.place, "\"\(word)\" takes no \"clock\"")
        }
        let text = try text(node)
        guard text.hasPrefix("+"), DurationText.parse(String(text.dropFirst())) != nil else {
            throw ScenarioError(node.place, "a clock is so much ahead, like \"+2h\"")
        }
        return String(text.dropFirst())
    }
}
