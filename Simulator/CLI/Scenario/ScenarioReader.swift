import ToteCommandLine

/// Why a scenario cannot be run; nothing has been started.
typealias ScenarioError = TextError

/// Reads scenarios: `Simulator/Scenarios/scenario.schema.json` says the same to editors.
struct ScenarioReader {
    private static let members = ["$schema", "name", "about", "tags", "devices", "steps"]
    private static let deviceMembers = [
        "customer", "token-of", "read", "write", "guest", "live",
    ]
    /// What a step may hold: the member that names it, then the others.
    private static let stepMembers: [(name: String, others: [String])] = [
        ("on", ["do"]), ("server", ["as", "from"]), ("parallel", []), ("repeat", ["steps"]),
        ("copy", ["to"]), ("snapshot", ["as"]), ("rollback", ["to"]), ("settle", ["within"]),
        ("revoke", []), ("grant", []), ("wait", []),
    ]
    static let settleWithin: Duration = .seconds(60)
    static let devicesMax = 64

    private var devices: [Scenario.Device] = []
    private var backups: Set<String> = []
    private var snapshots: Set<String> = []

    private typealias Members = [String: TextNode]

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
        scenario.devices = try reader.devices(try reader.needed("devices", found, root))
        reader.devices = scenario.devices
        scenario.steps = try reader.steps(try reader.needed("steps", found, root))
        guard !scenario.steps.isEmpty else {
            throw ScenarioError(root.place, "there is no step: nothing would be checked")
        }
        return scenario
    }

    // MARK: Parts

    private func members(
        _ node: TextNode, _ allowed: [String], _ what: String
    ) throws(ScenarioError) -> Members {
        guard case .object(let members) = node.kind else {
            throw ScenarioError(node.place, "\(what) is an object, not \(node.what)")
        }
        var found: Members = [:]
        for member in members where member.name != "//" {
            guard allowed.contains(member.name) else {
                let near = Nearest.word(to: member.name, among: allowed)
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

    private func needed(
        _ name: String, _ members: Members, _ node: TextNode
    ) throws(ScenarioError) -> TextNode {
        guard let value = members[name] else {
            throw ScenarioError(node.place, "\"\(name)\" is missing")
        }
        return value
    }

    private func text(_ node: TextNode) throws(ScenarioError) -> String {
        guard case .string(let text) = node.kind, !text.isEmpty else {
            throw ScenarioError(node.place, "a text belongs here, not \(node.what)")
        }
        return text
    }

    /// One text, or a list of texts.
    private func texts(_ node: TextNode) throws(ScenarioError) -> [String] {
        try nodes(node).map { node throws(ScenarioError) in try text(node) }
    }

    private func nodes(_ node: TextNode) -> [TextNode] {
        if case .array(let nodes) = node.kind { nodes } else { [node] }
    }

    private func time(_ node: TextNode) throws(ScenarioError) -> Duration {
        guard let time = DurationText.parse(try text(node)) else {
            throw ScenarioError(node.place, "a time belongs here, like \"30s\"")
        }
        return time
    }

    private func flag(_ node: TextNode) throws(ScenarioError) -> Bool {
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
        return try entries.filter { $0.name != "//" }.map { entry throws(ScenarioError) in
            let isName = entry.name.allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")
            }
            guard isName, !entry.name.isEmpty, entry.name != "all" else {
                throw ScenarioError(
                    entry.place, "a device's name is letters, digits and -, and not \"all\"")
            }
            let found = try members(entry.value, Self.deviceMembers, "a device")
            var device = Scenario.Device(name: entry.name, place: entry.place)
            if let value = found["customer"] { device.customer = try text(value) }
            if let value = found["token-of"] { device.tokenCustomer = try text(value) }
            if let value = found["read"] { device.read = try texts(value) }
            if let value = found["write"] { device.write = try texts(value) }
            if let value = found["guest"] { device.isGuest = try flag(value) }
            if let value = found["live"] { device.isLive = try flag(value) }
            return device
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
            if let near = Nearest.word(to: entry.name, among: names) {
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
            let lines = try nodes(needed("do", found, node))
                .map { node throws(ScenarioError) in try line(node) }
            return .lines(lines, on: try names(value))
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
            let near = Nearest.word(to: word, among: known).map { "did you mean \"\($0)\"?" }
            throw ScenarioError(
                value.place,
                "a server cannot \"\(word)\": "
                    + (near ?? "it can \(known.joined(separator: ", "))"))
        }
        let label = action == .restore ? "from" : "as"
        for other in ["as", "from"] where other != label || ![.backup, .restore].contains(action) {
            if let node = found[other] {
                throw ScenarioError(node.place, "\"\(word)\" takes no \"\(other)\"")
            }
        }
        guard [.backup, .restore].contains(action) else { return .server(action, backup: "") }
        let target = try needed(label, found, node)
        let name = try text(target)
        if action == .backup {
            backups.insert(name)
        } else if !backups.contains(name) {
            throw ScenarioError(target.place, "no step before makes a backup \"\(name)\"")
        }
        return .server(action, backup: name)
    }

    /// A line for a device; what it says must parse.
    private func line(_ node: TextNode) throws(ScenarioError) -> Scenario.Line {
        let line = try text(node)
        do throws(VerbFailure) {
            _ = try VerbLine.parse(line)
        } catch {
            let message = error.message.split(separator: "\n").joined(separator: "; ")
            throw ScenarioError(node.place, message)
        }
        return Scenario.Line(place: node.place, text: line)
    }

    private func name(_ node: TextNode) throws(ScenarioError) -> String {
        let name = try text(node)
        guard devices.contains(where: { $0.name == name }) else {
            let known = devices.map(\.name)
            let near = Nearest.word(to: name, among: known).map { "did you mean \"\($0)\"?" }
            throw ScenarioError(
                node.place,
                "there is no device \"\(name)\": "
                    + (near ?? "there are \(known.joined(separator: ", "))"))
        }
        return name
    }

    /// One name, a list of them, or "all".
    private func names(_ node: TextNode) throws(ScenarioError) -> [String] {
        if case .string("all") = node.kind { return devices.map(\.name) }
        return try nodes(node).map { node throws(ScenarioError) in try name(node) }
    }
}
