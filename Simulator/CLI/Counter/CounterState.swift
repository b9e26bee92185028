import ToteCore

/// What of a counter outlives its process: one file that is replaced as a whole, so that the cursor
/// and what it stands for are always of one moment.
struct CounterState: Sendable {
    /// Something that the counter asked for: kept until the server has answered it, and sent again
    /// with the same key until then.
    struct Deed: Hashable, Sendable {
        /// The idempotency key.
        var key: String
        var path: String
        /// The version that it is conditional on.
        var ifMatch: Int64?
        var body: String
        /// The order's id, where it is known.
        var order: String
        /// In words, for the queue.
        var what: String
    }

    /// An order that is not in an open state any more.
    struct Gone: Hashable, Sendable {
        var id: String
        var state: String
        var version: Int64
        var code: String
    }

    /// What the feed last said of an order.
    struct Polled: Hashable, Sendable {
        var version: Int64
        var state: String
    }

    static let goneMax = 1_000
    static let timesMax = 10_000

    var cursor: String?
    /// The board: open and disputed orders by their ids, as the server tells them.
    var orders: [String: Value] = [:]
    /// The latest last.
    var gone: [Gone] = []
    var polled: [String: Polled] = [:]
    /// How often the feed told an order at a version that it had told before.
    var doubled: Int64 = 0
    var deeds: [Deed] = []
    var network = NetworkProfile.usual
    /// How long `auto` rests between two steps, milliseconds; `nil` when it is off.
    var autoPause: Int64?
    /// How many milliseconds after an order was ready the feed told so.
    var seen: [Int64] = []
    /// How often the server refused, by its codes.
    var refusals: [String: Int64] = [:]
    var collectedHere: Int64 = 0

    // MARK: The feed

    /// Takes in a page of the feed.
    ///
    /// - Parameter isWhole: whether it was asked for without a cursor.
    mutating func take(_ page: Value, isWhole: Bool, at now: UInt64) {
        if isWhole { orders = [:] }
        for order in Self.list(page["orders"]) {
            guard let id = order["id"]?.textValue, let version = order["version"]?.intValue,
                let state = order["state"]?.textValue
            else { continue }
            note(id, version, state, isWhole: isWhole)
            if state == "ready", polled[id]?.state != state,
                let ready = order["ready_at"]?.intValue,
                seen.count < Self.timesMax, !isWhole
            {
                seen.append(max(0, Int64(now) - ready))
            }
            polled[id] = Polled(version: version, state: state)
            keep(order)
        }
        for entry in Self.list(page["left"]) {
            guard let id = entry["id"]?.textValue, let version = entry["version"]?.intValue,
                let state = entry["state"]?.textValue
            else { continue }
            note(id, version, state, isWhole: isWhole)
            polled[id] = Polled(version: version, state: state)
            leave(id, state, version)
        }
        if let cursor = page["cursor"]?.textValue { self.cursor = cursor }
        let known = Set(gone.map(\.id))
        polled = polled.filter { orders[$0.key] != nil || known.contains($0.key) }
    }

    private mutating func note(_ id: String, _ version: Int64, _ state: String, isWhole: Bool) {
        guard !isWhole, let before = polled[id], before.version >= version else { return }
        doubled += 1
    }

    /// Takes an order as the server told it, unless a later version is here.
    mutating func keep(_ order: Value) {
        guard let id = order["id"]?.textValue, let version = order["version"]?.intValue,
            let state = order["state"]?.textValue
        else { return }
        if let known = orders[id]?["version"]?.intValue, known > version { return }
        if let left = gone.last(where: { $0.id == id }), left.version > version { return }
        let isOpen = OrderState(rawValue: state)?.isOpen ?? false
        guard isOpen || order["disputed"] == .bool(true) else {
            return leave(id, state, version, code: order["code"]?.textValue)
        }
        gone.removeAll { $0.id == id }
        orders[id] = order
    }

    private mutating func leave(
        _ id: String, _ state: String, _ version: Int64, code told: String? = nil
    ) {
        // Legal: an answer of before it came back may be later than the feed.
        if let known = orders[id]?["version"]?.intValue, known > version { return }
        let shown = orders.removeValue(forKey: id)?["code"]?.textValue
        let before = gone.last { $0.id == id }
        if let before, before.version >= version { return }
        gone.removeAll { $0.id == id }
        let code = told ?? shown ?? before?.code ?? ""
        gone.append(Gone(id: id, state: state, version: version, code: code))
        if gone.count > Self.goneMax { gone.removeFirst(gone.count - Self.goneMax) }
    }

    /// The board in the order in which things were asked for.
    var board: [Value] {
        orders.values.sorted { left, right in
            (left["placed_at"]?.intValue ?? 0, Name(left["id"]?.textValue ?? ""))
                < (right["placed_at"]?.intValue ?? 0, Name(right["id"]?.textValue ?? ""))
        }
    }

    static func list(_ value: Value?) -> [Value] {
        if case .array(let values)? = value { values } else { [] }
    }

    // MARK: The file

    private static func path(_ directory: String) -> String { directory + "/counter.json" }

    func save(to directory: String) throws(Files.Failure) {
        try Files.write(Encoding.json.encode(value), to: Self.path(directory))
    }

    /// Reads a counter's state; that of a new one when there is none, `nil` when it is damaged.
    static func load(from directory: String) throws(Files.Failure) -> CounterState? {
        guard Files.exists(path(directory)) else { return CounterState() }
        let bytes = try Files.read(path(directory))
        return (try? Encoding.json.value(bytes)).flatMap { CounterState($0) }
    }

    private var value: Value {
        var members: [String: Value] = [
            "orders": .array(board), "doubled": .int(doubled), "network": .text(network),
            "collected": .int(collectedHere), "seen": .array(seen.map { .int($0) }),
            "refusals": .map(refusals.mapValues { .int($0) }),
            "polled": .map(
                polled.mapValues { .array([.int($0.version), .text($0.state)]) }),
            "gone": .array(
                gone.map {
                    .array([.text($0.id), .text($0.state), .int($0.version), .text($0.code)])
                }),
            "deeds": .array(
                deeds.map { deed in
                    .array([
                        .text(deed.key), .text(deed.path), deed.ifMatch.map { .int($0) } ?? .null,
                        .text(deed.body), .text(deed.order), .text(deed.what),
                    ])
                }),
        ]
        if let cursor { members["cursor"] = .text(cursor) }
        if let autoPause { members["auto"] = .int(autoPause) }
        return .map(members)
    }

    init() {}

    private init?(_ value: Value) {
        guard let network = value["network"]?.textValue, let doubled = value["doubled"]?.intValue,
            let collected = value["collected"]?.intValue
        else { return nil }
        self.network = network
        self.doubled = doubled
        collectedHere = collected
        cursor = value["cursor"]?.textValue
        autoPause = value["auto"]?.intValue
        seen = Self.list(value["seen"]).compactMap(\.intValue)
        for order in Self.list(value["orders"]) {
            if let id = order["id"]?.textValue { orders[id] = order }
        }
        if case .map(let entries)? = value["refusals"] {
            for entry in entries { refusals[entry.name] = entry.value.intValue }
        }
        if case .map(let entries)? = value["polled"] {
            for entry in entries {
                let parts = Self.list(entry.value)
                guard parts.count == 2, let version = parts[0].intValue,
                    let state = parts[1].textValue
                else { return nil }
                polled[entry.name] = Polled(version: version, state: state)
            }
        }
        for entry in Self.list(value["gone"]) {
            let parts = Self.list(entry)
            guard parts.count == 4, let id = parts[0].textValue, let state = parts[1].textValue,
                let version = parts[2].intValue, let code = parts[3].textValue
            else { return nil }
            gone.append(Gone(id: id, state: state, version: version, code: code))
        }
        for entry in Self.list(value["deeds"]) {
            let parts = Self.list(entry)
            guard parts.count == 6, let key = parts[0].textValue, let path = parts[1].textValue,
                let body = parts[3].textValue, let order = parts[4].textValue,
                let what = parts[5].textValue
            else { return nil }
            deeds.append(
                Deed(
                    key: key, path: path, ifMatch: parts[2].intValue, body: body, order: order,
                    what: what))
        }
    }
}
