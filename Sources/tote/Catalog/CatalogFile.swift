import ToteCommandLine
import ToteCore

/// A catalogue in a file: the form of Protocol/catalog.schema.json.
struct CatalogFile {
    /// The first day that opening hours, and the periods of tiers, are worked out for, in each
    /// store's and the programme's own time; `nil` for today.
    var firstDay: CivilDate?
    /// How many days they are worked out for.
    var days: Int
    /// Seconds since 1970.
    var now: Int

    var faults = CatalogFaultList()

    /// The members of a file that are no part of the catalogue.
    static let ignoredMembers = ["$schema", "version"]
    /// What people write in place of what the server has.
    private static let written = ["open": "hours", "tier_periods": "tier_period"]
    /// How many days opening hours are worked out for, unless it is said.
    static let daysDefault = 400

    init(firstDay: CivilDate?, days: Int, now: Int) {
        self.firstDay = firstDay
        self.days = days
        self.now = now
    }

    /// Why a file is no catalogue: all that is wrong, in the order of the text.
    struct Failure: Error {
        let faults: [CatalogFault]
    }

    /// Reads a whole file; what `catalog show --json` prints is one, too.
    mutating func read(_ text: String) throws(Failure) -> Catalog {
        var root: TextNode
        do {
            root = try JSONTextReader.read(text)
        } catch {
            throw Failure(faults: [
                CatalogFault(
                    place: error.place, path: "", code: "malformed", message: error.message)
            ])
        }
        if case .object(let members) = root.kind,
            let shown = members.first(where: { $0.name == "catalog" })
        {
            root = shown.value
        }
        let value = catalog(root)
        var catalog: Catalog?
        do throws(CatalogFaults) {
            catalog = try Catalog(imported: value)
        } catch {
            for fault in error.faults { note(fault, root) }
        }
        guard let catalog, faults.faults.isEmpty else {
            throw Failure(faults: faults.faults.sorted { $0.place < $1.place })
        }
        return catalog
    }

    /// The catalogue as it is imported: hours are intervals, and what tiers are counted by periods.
    private mutating func catalog(_ root: TextNode) -> Value {
        guard case .object(let members) = root.kind else { return Self.value(root) }
        var entries: [Value.Entry] = []
        for member in members where !Self.ignoredMembers.contains(member.name) {
            if member.name == "programme" {
                entries.append(Value.Entry(member.name, programme(member.value)))
                continue
            }
            guard member.name == "stores", case .array(let stores) = member.value.kind else {
                entries.append(Value.Entry(member.name, Self.value(member.value)))
                continue
            }
            var values: [Value] = []
            for (index, store) in stores.enumerated().prefix(Catalog.storesMax + 1) {
                values.append(self.store(store, index))
            }
            entries.append(Value.Entry(member.name, .array(values)))
        }
        return Self.map(entries)
    }

    private mutating func store(_ node: TextNode, _ index: Int) -> Value {
        guard case .object(let members) = node.kind else { return Self.value(node) }
        var entries: [Value.Entry] = []
        var zone: TextNode?
        var hours: TextNode?
        var hasOpen = false
        for member in members {
            switch member.name {
            case "time_zone": zone = member.value
            case "hours": hours = member.value
            default:
                hasOpen = hasOpen || member.name == "open"
                entries.append(Value.Entry(member.name, Self.value(member.value)))
            }
        }
        let days = days
        let firstDay = firstDay
        let now = now
        let open = faults.inside(.member("stores")) { faults in
            faults.inside(.index(index)) { faults -> Value? in
                switch (zone, hours, hasOpen) {
                case (nil, nil, true): return nil
                case (let zone?, let hours?, false):
                    return Self.open(zone, hours, firstDay, days, now, &faults)
                case (_, _, true):
                    faults.note(
                        (zone ?? hours ?? node).place, "duplicate",
                        "a store has `time_zone` and `hours`, or `open`, not both")
                    return nil
                case (_, _, false):
                    let missing = zone == nil ? "time_zone" : "hours"
                    faults.note(
                        node.place, "missing_member",
                        "`\(missing)` of a store is missing: it has `time_zone` and `hours`")
                    return .array([])
                }
            }
        }
        if let open { entries.append(Value.Entry("open", open)) }
        return Self.map(entries)
    }

    private static func open(
        _ zone: TextNode, _ hours: TextNode, _ firstDay: CivilDate?, _ days: Int, _ now: Int,
        _ faults: inout CatalogFaultList
    ) -> Value {
        let before = faults.faults.count
        let read = faults.inside(.member("hours")) { StoreHours(hours, &$0) }
        let clock = faults.inside(.member("time_zone")) { localClock(zone, &$0) }
        guard let clock, faults.faults.count == before else { return .array([]) }
        let first = firstDay ?? clock.date(at: now)
        let intervals = read.intervals(clock, from: first, days: days)
        return .array(
            intervals.map {
                .array([.int(Int64($0.lowerBound)), .int(Int64($0.upperBound))])
            })
    }

    static func localClock(
        _ node: TextNode, _ faults: inout CatalogFaultList
    ) -> LocalClock? {
        guard case .string(let zone) = node.kind else {
            faults.wrongType(node, "a time zone like \"Europe/Paris\"")
            return nil
        }
        do throws(LocalClock.Failure) {
            return try LocalClock(zone: zone)
        } catch {
            switch error {
            case .unknown:
                faults.note(
                    node.place, "unknown_time_zone",
                    "\"\(zone)\" is no time zone of this system, like Europe/Paris")
            case .noData(let directory):
                faults.note(
                    node.place, "unknown_time_zone",
                    "this system has no time zones in \(directory): install `tzdata`")
            }
            return nil
        }
    }

    static func value(_ node: TextNode) -> Value {
        switch node.kind {
        case .null: .null
        case .bool(let bool): .bool(bool)
        case .number(let number): .int(Int64(number))
        case .string(let text): .text(text)
        case .array(let nodes): .array(nodes.map(value))
        case .object(let members): map(members.map { Value.Entry($0.name, value($0.value)) })
        }
    }

    static func map(_ entries: [Value.Entry]) -> Value {
        .map(entries.sorted { Name($0.name) < Name($1.name) })
    }

    /// Finds the place of a fault in the text.
    private mutating func note(_ error: CatalogError, _ root: TextNode) {
        var node = root
        var place = root.place
        var word = ""
        for step in error.steps {
            switch (step, node.kind) {
            case (.index(let index), .array(let nodes)) where nodes.indices.contains(index):
                node = nodes[index]
                place = node.place
            case (.member(let name), .object(let members)):
                let written = Self.written[name]
                let found =
                    members.first { $0.name == name }
                    ?? members.first { $0.name == written }
                guard let found else { break }
                node = found.value
                word = found.name
                place = error.code == "unknown_member" ? found.place : node.place
            default: break
            }
        }
        if error.code != "unknown_member", case .string(let text) = node.kind { word = text }
        var known = error.known
        if error.code == "unknown_member" {
            switch (error.steps.first, error.steps.count) {
            case (.member("stores"), 3): known = CatalogShape.localStore.members.map(\.name)
            case (.member("programme"), 2):
                known = CatalogShape.localProgramme.members.map(\.name)
            default: break
            }
        }
        faults.note(
            place, error.code, error.message, path: error.path, word: word, known: known)
    }
}
