/// How a cart that was filled before sign-in joins the account's (Protocol §29).
public enum CartPolicy: String, Hashable, Sendable, CaseIterable {
    /// What both hold, together.
    case union
    /// Of each line the larger quantity.
    case max
    /// What the guest had; of several guests, the one who touched their cart last.
    case replace
}

/// A guest's cart as it joins the account's, judged by the server.
package struct JoinIntent: Hashable, Sendable {
    package struct Line: Hashable, Sendable {
        package var item: Name
        package var quantity: Int64
        package var note: String?

        package init(item: Name, quantity: Int64, note: String? = nil) {
            self.item = item
            self.quantity = quantity
            self.note = note
        }
    }

    package var join: JoinID
    package var cart: String
    package var policy: CartPolicy
    /// When the guest touched it last, milliseconds since 1970.
    package var at: UInt64
    package var lines: [Line]

    package static let linesMax = 100
    package static let quantityMax: Int64 = 1_000_000
    private static let noteBytesMax = 512

    package init(
        join: JoinID, cart: String, policy: CartPolicy, at: UInt64, lines: [Line]
    ) {
        self.join = join
        self.cart = cart
        self.policy = policy
        self.at = at
        self.lines = lines
    }

    init(_ value: Value) throws(IntentError) {
        let reader = try IntentReader(
            value, members: ["kind", "join", "cart", "policy", "at", "lines"])
        guard let join = JoinID(try reader.text("join", 32...32)) else {
            throw .malformed("a join's id is 32 lower-case hex digits")
        }
        self.join = join
        cart = try reader.text("cart", 1...(Limits.collectionBytesMax - 5))
        guard let policy = CartPolicy(rawValue: try reader.text("policy", 1...16)) else {
            throw .malformed("policy is union, max or replace")
        }
        self.policy = policy
        at = UInt64(try reader.int("at", 0...Int64(Timestamp.millisecondsMax)))
        lines = []
        for value in try reader.list("lines", 1...Self.linesMax) {
            let line = try IntentReader(value, members: ["item", "quantity", "note"])
            lines.append(
                Line(
                    item: Name(try line.text("item", 1...Limits.itemBytesMax)),
                    quantity: try line.int("quantity", 1...Self.quantityMax),
                    note: try line.optionalText("note", Self.noteBytesMax)))
        }
        guard Set(lines.map(\.item)).count == lines.count else {
            throw .malformed("an item stands in two lines")
        }
    }

    package var value: Value {
        .map([
            "kind": .text("join"), "join": .text(join.text), "cart": .text(cart),
            "policy": .text(policy.rawValue), "at": .int(Int64(at)),
            "lines": .array(
                lines.map { line in
                    var members: [String: Value] = [
                        "item": .text(line.item.text), "quantity": .int(line.quantity),
                    ]
                    if let note = line.note { members["note"] = .text(note) }
                    return .map(members)
                }),
        ])
    }

    private var collection: Name { Cart.collection(cart) }

    /// What its change writes: under `union` the guest's own changes have done so before it.
    package var writes: [Write] {
        guard policy != .union else { return [] }
        return lines.flatMap { line -> [Write] in
            let quantity = Write(
                key: Key(collection, line.item, Fields.quantity), payload: .delta(line.quantity),
                replaces: [])
            let note = line.note.map { note in
                Write(
                    key: Key(collection, line.item, Fields.note), payload: .register(.text(note)),
                    replaces: [])
            }
            return [quantity] + [note].compactMap { $0 }
        }
    }
}

/// How a guest's cart joined the account's, line by line.
public struct CartJoin: Hashable, Sendable {
    /// One line of the account's cart.
    public struct Line: Hashable, Sendable {
        /// SKU and options.
        public var name: LineName
        /// How many the account had.
        public var had: Int64
        /// How many the guest brought.
        public var brought: Int64
        /// How many it is now.
        public var kept: Int64
        /// The most that the catalogue lets a line have, where that made it fewer.
        public var limit: Int64?
    }

    public var cart: String
    public var policy: CartPolicy
    /// When the guest touched it last, milliseconds since 1970.
    public var at: UInt64
    /// Whether another guest's cart, touched later, had replaced the account's before.
    public var isOutdated: Bool
    public var lines: [Line]

    package static var collection: Name { Reserved.joins }
    package static let field: Name = "value"
    /// How many the documents keep.
    package static let joinsMax = 20

    /// What the server writes of it.
    package var value: Value {
        var members: [String: Value] = [
            "cart": .text(cart), "policy": .text(policy.rawValue), "at": .int(Int64(at)),
            "lines": .array(
                lines.map { line in
                    .array(
                        [
                            .text(line.name.item.text), .int(line.had), .int(line.brought),
                            .int(line.kept),
                        ] + (line.limit.map { [.int($0)] } ?? []))
                }),
        ]
        if isOutdated { members["outdated"] = .bool(true) }
        return .map(members)
    }

    init?(_ value: Value) {
        guard let cart = value["cart"]?.textValue, let at = value["at"]?.intValue, at >= 0,
            let policy = value["policy"]?.textValue.flatMap(CartPolicy.init(rawValue:)),
            case .array(let lines)? = value["lines"]
        else { return nil }
        self.cart = cart
        self.policy = policy
        self.at = UInt64(at)
        isOutdated = value["outdated"] == .bool(true)
        self.lines = lines.compactMap { line in
            guard case .array(let parts) = line, let item = parts.first?.textValue else {
                return nil
            }
            let numbers = parts.dropFirst().compactMap(\.intValue)
            guard numbers.count >= 3 else { return nil }
            return Line(
                name: LineName(item: Name(item)), had: numbers[0], brought: numbers[1],
                kept: numbers[2], limit: numbers.count > 3 ? numbers[3] : nil)
        }
    }

    init(_ intent: JoinIntent, isOutdated: Bool) {
        cart = intent.cart
        policy = intent.policy
        at = intent.at
        self.isOutdated = isOutdated
        lines = []
    }

    /// Those in documents, by when they were written, the last one first.
    package static func all(in documents: Documents) -> [(item: Name, join: CartJoin)] {
        documents.items(collection).compactMap { item, fields -> (Name, CartJoin, Cell)? in
            let cells = fields.cells(field)
            guard let value = Fold.register(cells)?.value, let join = CartJoin(value),
                let cell = cells.max(by: { $0.isOlder(than: $1) })
            else { return nil }
            return (item, join, cell)
        }
        .sorted { $1.2.isOlder(than: $0.2) }
        .map { ($0.0, $0.1) }
    }
}

extension JoinIntent {
    /// What becomes of the account's cart.
    package struct Outcome {
        package var join: CartJoin
        /// What the change writes in place of what it came with, under its own dot.
        package var writes: [Write]
        /// What the server writes right behind it.
        package var behind: [Write] = []
    }

    /// Judges it (Protocol §29.2).
    ///
    /// - Parameters:
    ///   - documents: the account's, before the change.
    ///   - limit: the most that a line may have, by its item.
    package func outcome(in documents: Documents, limit: (Name) -> Int64?) -> Outcome {
        let latest = CartJoin.all(in: documents)
            .filter { $0.join.cart == cart && $0.join.policy == .replace && !$0.join.isOutdated }
            .map(\.join.at).max()
        let isOutdated = policy == .replace && latest.map { at < $0 } ?? false
        var outcome = Outcome(join: CartJoin(self, isOutdated: isOutdated), writes: writes)
        if policy == .replace, !isOutdated { empty(documents, &outcome) }
        for line in lines { join(line, documents, limit(line.item), &outcome) }
        return outcome
    }

    /// Takes out what the account had.
    private func empty(_ documents: Documents, _ outcome: inout Outcome) {
        let brought = Set(lines.map(\.item))
        for (item, fields) in documents.items(collection).sorted(by: { $0.key < $1.key })
        where item != Fields.itself {
            for field in fields.sortedFields {
                outcome.behind.append(
                    Write(
                        key: Key(collection, item, field.name), payload: nil,
                        replaces: field.cells.map(\.dot)))
            }
            let had = Fold.counter(fields.cells(Fields.quantity))
            guard had > 0, !brought.contains(item) else { continue }
            outcome.join.lines.append(
                CartJoin.Line(name: LineName(item: item), had: had, brought: 0, kept: 0))
        }
    }

    private func join(
        _ line: Line, _ documents: Documents, _ limit: Int64?, _ outcome: inout Outcome
    ) {
        let key = Key(collection, line.item, Fields.quantity)
        let sum = Fold.counter(documents.cells(key))
        var told = CartJoin.Line(
            name: LineName(item: line.item), had: max(0, sum), brought: line.quantity, kept: 0)
        /// What all of it is, before the limit.
        let wanted: Int64
        switch policy {
        case .union:
            // The guest's changes are in it.
            wanted = max(0, sum)
            told.brought = min(line.quantity, wanted)
            told.had = wanted - told.brought
        case .max: wanted = max(told.had, line.quantity)
        case .replace: wanted = outcome.join.isOutdated ? told.had : line.quantity
        }
        told.kept = outcome.join.isOutdated ? wanted : min(wanted, limit ?? wanted)
        if told.kept < wanted { told.limit = limit }
        outcome.join.lines.append(told)
        switch policy {
        case .union:
            guard told.kept < wanted else { return }
            outcome.behind.append(
                Write(key: key, payload: .delta(told.kept - wanted), replaces: []))
        case .max: write(told.kept - sum, at: key, &outcome)
        case .replace: write(outcome.join.isOutdated ? 0 : told.kept, at: key, &outcome)
        }
        if outcome.join.isOutdated { outcome.writes.removeAll { $0.key.item == line.item } }
    }

    /// What the change itself adds at a key.
    private func write(_ delta: Int64, at key: Key, _ outcome: inout Outcome) {
        guard let index = outcome.writes.firstIndex(where: { $0.key == key }) else { return }
        if delta == 0 {
            outcome.writes.remove(at: index)
        } else {
            outcome.writes[index].payload = .delta(delta)
        }
    }
}
