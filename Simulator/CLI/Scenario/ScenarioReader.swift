import ToteCommandLine
import ToteCore

/// Why a scenario cannot be run; nothing has been started.
typealias ScenarioError = TextError

/// Reads scenarios: `Simulator/Scenarios/scenario.schema.json` says the same to editors.
struct ScenarioReader {
    private static let members = [
        "$schema", "name", "about", "tags", "devices", "counters", "catalog", "steps",
    ]
    private static let deviceMembers = [
        "customer", "token-of", "read", "write", "guest", "live", "count", "store",
        "channel",
    ]
    /// What a step may hold: the member that names it, then the others.
    private static let stepMembers: [(name: String, others: [String])] = [
        ("on", ["do", "at-once"]), ("server", ["as", "from", "clock"]), ("parallel", []),
        ("repeat", ["steps"]),
        ("copy", ["to"]), ("snapshot", ["as"]), ("rollback", ["to"]), ("settle", ["within"]),
        ("revoke", []), ("grant", []), ("erase", []), ("wait", []), ("give", ["to", "account"]),
        ("change", ["prices", "sold-out", "closed"] + changeNumbers.map(\.name)),
    ]
    static let settleWithin: Duration = .seconds(60)
    static let devicesMax = 64

    var devices: [Scenario.Device] = []
    var counters: [Scenario.Counter] = []
    var stores: [String] = []
    private var backups: Set<String> = []
    private var snapshots: Set<String> = []

    typealias Members = [String: TextNode]

    /// Reads a scenario.
    ///
    /// - Throws: the first thing that is wrong, and where.
    static func read(_ text: String) throws(ScenarioError) -> Scenario {
        var reader = ScenarioReader()
        let root = try JSONTextReader.read(text)
        let found = try reader.members(root, Self.members, "a scenario")
        var scenario = Scenario(
            name: try reader.text(try reader.needed("name", found, root)),
            about: try reader.text(try reader.needed("about", found, root)))
        if let tags = found["tags"] { scenario.tags = try reader.texts(tags) }
        if let catalog = found["catalog"] { scenario.catalog = try reader.catalog(catalog) }
        scenario.devices = try reader.devices(try reader.needed("devices", found, root))
        reader.devices = scenario.devices
        if let counters = found["counters"] {
            scenario.counters = try reader.counters(counters)
        }
        scenario.steps = try reader.steps(try reader.needed("steps", found, root))
        guard !scenario.steps.isEmpty else {
            throw ScenarioError(root.place, "there is no step: nothing would be checked")
        }
        return scenario
    }

    // MARK: Parts

    func members(
        _ node: TextNode, _ allowed: [String], _ what: String
    ) throws(ScenarioError) -> Members {
        guard case .object(let members) = node.kind else {
            throw ScenarioError(node.place, "\(what) is an object, not \(node.what)")
        }
        var found: Members = [:]
        for member in members where member.name != "//" {
            guard allowed.contains(member.name) else {
                let near = Suggestion.nearest(to: member.name, among: allowed)
                    .map { "did you mean \"\($0)\"?" }
                let list = allowed.map { "\"\($0)\"" }.joined(separator: ", ")
                throw ScenarioError(
                    member.place,
                    "\(what) has no \"\(member.name)\": "
                        + (near ?? "it may have \(list)"))
            }
            found[member.name] = member.value
        }
        return found
    }

    func needed(
        _ name: String, _ members: Members, _ node: TextNode
    ) throws(ScenarioError) -> TextNode {
        guard let value = members[name] else {
            throw ScenarioError(node.place, "\"\(name)\" is missing")
        }
        return value
    }

    func text(_ node: TextNode) throws(ScenarioError) -> String {
        guard case .string(let text) = node.kind, !text.isEmpty else {
            throw ScenarioError(node.place, "a text belongs here, not \(node.what)")
        }
        return text
    }

    /// One text, or a list of texts.
    func texts(_ node: TextNode) throws(ScenarioError) -> [String] {
        try nodes(node).map { node throws(ScenarioError) in try text(node) }
    }

    func nodes(_ node: TextNode) -> [TextNode] {
        if case .array(let nodes) = node.kind { nodes } else { [node] }
    }

    private func time(_ node: TextNode) throws(ScenarioError) -> Duration {
        guard let time = DurationText.parse(try text(node)) else {
            throw ScenarioError(node.place, "a time belongs here, like \"30s\"")
        }
        return time
    }

    func flag(_ node: TextNode) throws(ScenarioError) -> Bool {
        guard case .bool(let flag) = node.kind else {
            throw ScenarioError(node.place, "true or false belongs here, not \(node.what)")
        }
        return flag
    }

    private func devices(_ node: TextNode) throws(ScenarioError) -> [Scenario.Device] {
        guard case .object(let entries) = node.kind else {
            throw ScenarioError(
                node.place, "devices are an object: { \"phone\": {}, \"tablet\": {} }")
        }
        guard !entries.isEmpty, entries.count <= Self.devicesMax else {
            throw ScenarioError(node.place, "a scenario has 1 to \(Self.devicesMax) devices")
        }
        var devices: [Scenario.Device] = []
        for entry in entries where entry.name != "//" { devices += try self.devices(of: entry) }
        guard devices.count <= Self.devicesMax else {
            throw ScenarioError(node.place, "a scenario has 1 to \(Self.devicesMax) devices")
        }
        return devices
    }

    /// Refuses what cannot name a device or a counter.
    func checkName(_ name: String, _ place: TextPlace) throws(ScenarioError) {
        let isName = name.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")
        }
        guard isName, !name.isEmpty, name != "all" else {
            throw ScenarioError(
                place, "a device's name is letters, digits and -, and not \"all\"")
        }
    }

    /// The devices of an entry: one, or as many as it counts.
    private func devices(
        of entry: (name: String, place: TextPlace, value: TextNode)
    ) throws(ScenarioError) -> [Scenario.Device] {
        try checkName(entry.name, entry.place)
        let found = try members(entry.value, Self.deviceMembers, "a device")
        var device = Scenario.Device(name: entry.name, place: entry.place)
        if let value = found["customer"] { device.customer = try text(value) }
        if let value = found["token-of"] { device.tokenCustomer = try text(value) }
        if let value = found["read"] { device.read = try texts(value) }
        if let value = found["write"] { device.write = try texts(value) }
        if let value = found["guest"] { device.isGuest = try flag(value) }
        if let value = found["store"] { device.store = try store(value) }
        if let value = found["channel"] {
            let text = try self.text(value)
            guard Channel(.text(text)) != nil else {
                throw ScenarioError(value.place, "a channel is 1 to 16 of a-z 0-9 -")
            }
            device.channel = text
        }
        if let value = found["live"] { device.isLive = try flag(value) }
        guard let value = found["count"] else { return [device] }
        guard case .number(let count) = value.kind, (1...Self.devicesMax).contains(count) else {
            throw ScenarioError(value.place, "how many? a number from 1 to \(Self.devicesMax)")
        }
        return (1...count).map { number in
            var one = device
            one.name = "\(device.name)-\(number)"
            one.customer = device.customer.split(
                separator: "*", omittingEmptySubsequences: false
            ).joined(separator: "\(number)")
            return one
        }
    }

    // MARK: Steps

    private mutating func steps(_ node: TextNode) throws(ScenarioError) -> [Scenario.Step] {
        guard case .array(let nodes) = node.kind else {
            throw ScenarioError(node.place, "steps are a list, not \(node.what)")
        }
        var steps: [Scenario.Step] = []
        for node in nodes where !isComment(node) { steps.append(try step(node)) }
        return steps
    }

    /// `{ "//": "…" }` between steps.
    private func isComment(_ node: TextNode) -> Bool {
        guard case .object(let entries) = node.kind else { return false }
        return !entries.isEmpty && entries.allSatisfy { $0.name == "//" }
    }

    private mutating func step(_ node: TextNode) throws(ScenarioError) -> Scenario.Step {
        guard case .object(let entries) = node.kind else {
            throw ScenarioError(node.place, "a step is an object, not \(node.what)")
        }
        let kinds = Self.stepMembers.filter { kind in entries.contains { $0.name == kind.name } }
        guard let kind = kinds.first else { throw noKind(entries, node) }
        guard kinds.count == 1 else {
            throw ScenarioError(
                node.place,
                "a step does one thing, not "
                    + kinds.map { "\"\($0.name)\"" }.joined(separator: " and "))
        }
        let found = try members(node, [kind.name] + kind.others, "a step with \"\(kind.name)\"")
        let value = try needed(kind.name, found, node)
        return Scenario.Step(
            place: node.place, action: try action(kind.name, value, found, node))
    }

    private func noKind(
        _ entries: [(name: String, place: TextPlace, value: TextNode)], _ node: TextNode
    ) -> ScenarioError {
        let names = Self.stepMembers.map(\.name)
        for entry in entries where entry.name != "//" {
            if let near = Suggestion.nearest(to: entry.name, among: names) {
                return ScenarioError(
                    entry.place, "no step is called \"\(entry.name)\": did you mean \"\(near)\"?")
            }
        }
        return ScenarioError(
            node.place, "a step has one of \(names.map { "\"\($0)\"" }.joined(separator: ", "))")
    }

    private mutating func action(
        _ kind: String, _ value: TextNode, _ found: Members, _ node: TextNode
    ) throws(ScenarioError) -> Scenario.Action {
        switch kind {
        case "on":
            let names = try actors(value)
            let lines = try nodes(needed("do", found, node))
                .map { node throws(ScenarioError) in try line(node, for: names) }
            let atOnce = try found["at-once"].map { node throws(ScenarioError) in try flag(node) }
            return .lines(lines, on: names, atOnce: atOnce ?? false)
        case "server": return try server(value, found, node)
        case "parallel": return .parallel(try steps(value))
        case "repeat":
            guard case .number(let times) = value.kind, (1...10_000).contains(times) else {
                throw ScenarioError(value.place, "how often? a number from 1 to 10000")
            }
            return .repeated(times, try steps(try needed("steps", found, node)))
        case "copy":
            return .copy(from: try name(value), to: try name(try needed("to", found, node)))
        case "snapshot":
            let label = try text(try needed("as", found, node))
            let device = try name(value)
            snapshots.insert("\(device) \(label)")
            return .snapshot(device: device, name: label)
        case "rollback":
            let target = try needed("to", found, node)
            let (device, label) = (try name(value), try text(target))
            guard snapshots.contains("\(device) \(label)") else {
                throw ScenarioError(
                    target.place, "no step before makes a snapshot \"\(label)\" of \(device)")
            }
            return .rollback(device: device, name: label)
        case "settle":
            var limit = Self.settleWithin
            if let node = found["within"] { limit = try time(node) }
            return .settle(try names(value), within: limit)
        case "revoke": return .revoke(device: try name(value))
        case "grant": return .grant(device: try name(value))
        case "erase": return .erase(device: try name(value))
        case "give": return try gift(value, found, node)
        case "change": return .change(try change(value, found))
        case "wait": return .wait(try time(value))
        default: preconditionFailure("a step called \(kind) is in the table and nowhere else")
        }
    }

    private mutating func server(
        _ value: TextNode, _ found: Members, _ node: TextNode
    ) throws(ScenarioError) -> Scenario.Action {
        let word = try text(value)
        guard let action = Scenario.ServerAction(rawValue: word) else {
            let known = Scenario.ServerAction.allCases.map(\.rawValue)
            let near = Suggestion.nearest(to: word, among: known).map { "did you mean \"\($0)\"?" }
            throw ScenarioError(
                value.place,
                "a server cannot \"\(word)\": "
                    + (near ?? "it can \(known.joined(separator: ", "))"))
        }
        let clock = try clock(found["clock"], action, word)
        let label = action == .restore ? "from" : "as"
        for other in ["as", "from"] where other != label || ![.backup, .restore].contains(action) {
            if let node = found[other] {
                throw ScenarioError(node.place, "\"\(word)\" takes no \"\(other)\"")
            }
        }
        guard [.backup, .restore].contains(action) else {
            return .server(action, backup: "", clock: clock)
        }
        let target = try needed(label, found, node)
        let name = try text(target)
        if action == .backup {
            backups.insert(name)
        } else if !backups.contains(name) {
            throw ScenarioError(target.place, "no step before makes a backup \"\(name)\"")
        }
        return .server(action, backup: name, clock: nil)
    }

    /// A line for devices or counters; what it says must parse.
    private func line(
        _ node: TextNode, for names: [String]
    ) throws(ScenarioError) -> Scenario.Line {
        let line = try text(node)
        let counting = names.filter { name in counters.contains { $0.name == name } }
        do throws(VerbFailure) {
            if counting.count < names.count {
                _ = try VerbLine.parse(line, among: DeviceVerbs.all)
            }
            if !counting.isEmpty { _ = try VerbLine.parse(line, among: CounterVerbs.all) }
        } catch {
            let message = error.message.split(separator: "\n").joined(separator: "; ")
            throw ScenarioError(node.place, message)
        }
        for reference in LineReference.all(in: line)
        where !devices.contains(where: { $0.name == reference.device }) {
            throw ScenarioError(
                node.place, "{\(reference.device).\(reference.what)}: there is no such device")
        }
        return Scenario.Line(place: node.place, text: line)
    }

    func name(_ node: TextNode) throws(ScenarioError) -> String {
        let name = try text(node)
        let known = devices.map(\.name)
        guard known.contains(name) else { throw unknown(name, known, "device", node.place) }
        return name
    }

    private func unknown(
        _ name: String, _ known: [String], _ what: String, _ place: TextPlace
    ) -> ScenarioError {
        let near = Suggestion.nearest(to: name, among: known).map { "did you mean \"\($0)\"?" }
        return ScenarioError(
            place,
            "there is no \(what) \"\(name)\": "
                + (near ?? "there are \(known.joined(separator: ", "))"))
    }

    /// The names that a name, a pattern like `phone-*`, or a list of these stands for.
    private func matching(
        _ node: TextNode, _ known: [String], _ what: String
    ) throws(ScenarioError) -> [String] {
        var names: [String] = []
        for node in nodes(node) {
            let word = try text(node)
            let found = known.filter { Pattern.matches($0, word) }
            guard !found.isEmpty else { throw unknown(word, known, what, node.place) }
            names += found.filter { !names.contains($0) }
        }
        return names
    }

    /// Devices and counters; "all" are the devices.
    private func actors(_ node: TextNode) throws(ScenarioError) -> [String] {
        if case .string("all") = node.kind { return devices.map(\.name) }
        return try matching(node, devices.map(\.name) + counters.map(\.name), "device")
    }

    /// One name, a list of them, or "all".
    private func names(_ node: TextNode) throws(ScenarioError) -> [String] {
        if case .string("all") = node.kind { return devices.map(\.name) }
        return try matching(node, devices.map(\.name), "device")
    }
}
