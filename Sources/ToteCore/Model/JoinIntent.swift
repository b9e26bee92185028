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
    package var lines: [Line]

    package static let linesMax = 100
    package static let quantityMax: Int64 = 1_000_000
    private static let noteBytesMax = 512

    package init(join: JoinID, cart: String, policy: CartPolicy, lines: [Line]) {
        self.join = join
        self.cart = cart
        self.policy = policy
        self.lines = lines
    }

    init(_ value: Value) throws(IntentError) {
        let reader = try IntentReader(
            value, members: ["kind", "join", "cart", "policy", "lines"])
        guard let join = JoinID(try reader.text("join", 32...32)) else {
            throw .malformed("a join's id is 32 lower-case hex digits")
        }
        self.join = join
        cart = try reader.text("cart", 1...(Limits.collectionBytesMax - 5))
        guard let policy = CartPolicy(rawValue: try reader.text("policy", 1...16)) else {
            throw .malformed("policy is union, max or replace")
        }
        self.policy = policy
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
            "policy": .text(policy.rawValue),
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
    /// How many the documents keep.
    package static let joinsMax = 20
    /// How many lines are told of that the guest had not.
    package static let othersMax = 100
    private static let head: Name = "join"

    private static func field(ofLine index: Int) -> Name {
        Name("line." + String(1_000 + index).dropFirst())
    }

    /// What the server writes of it.
    var fields: [(Name, Value)] {
        var head: [String: Value] = [
            "cart": .text(cart), "policy": .text(policy.rawValue), "at": .int(Int64(at)),
        ]
        if isOutdated { head["outdated"] = .bool(true) }
        return [(Self.head, .map(head))]
            + lines.enumerated().map { index, line in
                (
                    Self.field(ofLine: index),
                    .array(
                        [
                            .text(line.name.item.text), .int(line.had), .int(line.brought),
                            .int(line.kept),
                        ] + (line.limit.map { [.int($0)] } ?? []))
                )
            }
    }

    init?(_ fields: Documents.Item) {
        func register(_ name: Name) -> Value? { Fold.register(fields.cells(name))?.value }
        guard let head = register(Self.head), let cart = head["cart"]?.textValue,
            let at = head["at"]?.intValue, at >= 0,
            let policy = head["policy"]?.textValue.flatMap(CartPolicy.init(rawValue:))
        else { return nil }
        self.cart = cart
        self.policy = policy
        self.at = UInt64(at)
        isOutdated = head["outdated"] == .bool(true)
        lines = []
        while case .array(let parts)? = register(Self.field(ofLine: lines.count)),
            let item = parts.first?.textValue
        {
            let numbers = parts.dropFirst().compactMap(\.intValue)
            guard numbers.count >= 3 else { return }
            lines.append(
                Line(
                    name: LineName(item: Name(item)), had: numbers[0], brought: numbers[1],
                    kept: numbers[2], limit: numbers.count > 3 ? numbers[3] : nil))
        }
    }

    init(_ intent: JoinIntent, at time: UInt64, isOutdated: Bool) {
        cart = intent.cart
        policy = intent.policy
        at = time
        self.isOutdated = isOutdated
        lines = []
    }

    /// Those in documents, by when they were written, the last one first.
    package static func all(in documents: Documents) -> [(item: Name, join: CartJoin)] {
        documents.items(collection).compactMap { item, fields -> (Name, CartJoin, Cell)? in
            guard let join = CartJoin(fields),
                let cell = fields.cells(head).max(by: { $0.isOlder(than: $1) })
            else { return nil }
            return (item, join, cell)
        }
        .sorted { $1.2.isOlder(than: $0.2) }
        .map { ($0.0, $0.1) }
    }

    /// What the server writes when it has judged one: the report, in place of the oldest, and when
    /// the guest touched their cart whose took the account's place.
    func writes(for id: JoinID, in documents: Documents) -> [Write] {
        func registering(_ value: Value, _ key: Key) -> Write {
            Write(
                key: key, payload: .register(value), replaces: documents.cells(key).map(\.dot))
        }
        func erasing(_ item: Name, besides kept: Set<Name> = []) -> [Write] {
            (documents.items(Self.collection)[item]?.fields ?? [])
                .filter { !kept.contains($0.name) }
                .map { field in
                    Write(
                        key: Key(Self.collection, item, field.name), payload: nil,
                        replaces: field.cells.map(\.dot))
                }
        }
        let item = Name(id.text)
        let told = fields
        let old = Self.all(in: documents).filter { $0.item != item }.dropFirst(Self.joinsMax - 1)
        var writes = told.map { registering($0.1, Key(Self.collection, item, $0.0)) }
        writes += erasing(item, besides: Set(told.map(\.0)))
        writes += old.flatMap { erasing($0.item) }
        if policy == .replace, !isOutdated {
            writes.append(registering(.int(Int64(at)), Self.replacedKey(cart)))
        }
        return writes
    }

    /// Where it stands when the guest touched their cart last whose took the place of this one.
    static func replacedKey(_ cart: String) -> Key {
        Key(collection, Fields.itself, Cart.collection(cart))
    }
}

extension JoinIntent {
    /// What becomes of the account's cart.
    package struct Outcome {
        package var join: CartJoin
        /// What the change writes in place of what it came with, under its own dot.
        package var writes: [Write]
        /// What the server writes behind it, as of the change's own time: lines of a union that
        /// have become more than they may be.
        package var limited: [Write] = []
        /// What else it writes behind it: the report among that.
        package var behind: [Write] = []
    }

    /// Judges it (Protocol §29.2).
    ///
    /// - Parameters:
    ///   - documents: the account's, before the change.
    ///   - time: when the guest touched their cart last, milliseconds since 1970.
    ///   - limit: the most that a line may have, by its item.
    package func outcome(
        in documents: Documents, at time: UInt64, limit: (Name) -> Int64?
    ) -> Outcome {
        let latest = Fold.register(documents.cells(CartJoin.replacedKey(cart)))?.value.intValue
        let isOutdated = policy == .replace && latest.map { Int64(time) < $0 } ?? false
        var outcome = Outcome(
            join: CartJoin(self, at: time, isOutdated: isOutdated),
            writes: isOutdated ? [] : writes)
        for line in lines { join(line, documents, limit(line.item), &outcome) }
        if policy == .replace, !isOutdated { empty(documents, &outcome) }
        outcome.behind += outcome.join.writes(for: join, in: documents)
        return outcome
    }

    /// Takes out what the account had.
    private func empty(_ documents: Documents, _ outcome: inout Outcome) {
        let brought = Set(lines.map(\.item))
        var others = 0
        for (item, fields) in documents.items(collection).sorted(by: { $0.key < $1.key })
        where item != Fields.itself {
            for field in fields.sortedFields {
                outcome.behind.append(
                    Write(
                        key: Key(collection, item, field.name), payload: nil,
                        replaces: field.cells.map(\.dot)))
            }
            let had = Fold.counter(fields.cells(Fields.quantity))
            guard had > 0, !brought.contains(item), others < CartJoin.othersMax else { continue }
            others += 1
            outcome.join.lines.append(
                CartJoin.Line(name: LineName(item: item), had: had, brought: 0, kept: 0))
        }
    }

    private func join(
        _ line: Line, _ documents: Documents, _ limit: Int64?, _ outcome: inout Outcome
    ) {
        let key = Key(collection, line.item, Fields.quantity)
        let cells = documents.cells(key)
        let sum = Fold.counter(cells)
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
        switch policy {
        case .union:
            guard told.kept < wanted else { break }
            outcome.limited.append(
                Write(key: key, payload: .base(told.kept), replaces: cells.map(\.dot)))
        case .max:
            // No delta is larger: who has made such a sum gets as near as one goes.
            let bound = Int64(Limits.counterMax)
            let delta = min(max(told.kept - sum, -bound), bound)
            told.kept = max(0, sum + delta)
            write(delta, at: key, &outcome)
        case .replace where outcome.join.isOutdated: break
        case .replace: write(told.kept, at: key, &outcome)
        }
        outcome.join.lines.append(told)
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
