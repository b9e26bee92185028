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
