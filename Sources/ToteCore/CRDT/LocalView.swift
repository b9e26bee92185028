/// What a device shows: the confirmed state with the outbox on top.
///
/// Also knows what the device has *seen*, which is what its next write replaces. Invariant (V1):
/// `merged` is `confirmed` with the visible pending changes applied in order.
package struct LocalView: Sendable {
    /// A change of the outbox, under the dot that it will have.
    package struct Pending: Hashable, Sendable {
        package var dot: Dot
        package var change: Change
        /// False once the same change is in the confirmed state under another dot of the family.
        package var isVisible: Bool
        /// Cells that the change asks the server to take: an order's, of the cart it was made from.
        package var consumes: [(key: Key, dots: [Dot])]

        package init(
            dot: Dot, change: Change, isVisible: Bool = true,
            consumes: [(key: Key, dots: [Dot])] = []
        ) {
            self.dot = dot
            self.change = change
            self.isVisible = isVisible
            self.consumes = consumes
        }

        package static func == (left: Pending, right: Pending) -> Bool {
            left.dot == right.dot && left.change == right.change
                && left.isVisible == right.isVisible
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(dot)
            hasher.combine(change)
        }

        /// What it does to the documents that show.
        func apply(to documents: inout Documents) {
            documents.apply(change, dot: dot)
            for (key, dots) in consumes {
                let write = Write(key: key, payload: nil, replaces: dots)
                documents.apply(
                    Change(nonce: change.nonce, time: change.time, writes: [write]), dot: dot)
            }
        }
    }

    package private(set) var confirmed: Documents
    package private(set) var pending: [Pending]
    package private(set) var merged: Documents
    /// Dots of pending changes that put a cell at a key, in order: per item, then field.
    private var own: [ItemKey: [(field: Name, dots: [Dot])]] = [:]
    /// Cells that own unconfirmed orders stand for: they do not show, and no write may name them,
    /// since they come back when the order is refused.
    private var consumed: [Key: Set<Dot>] = [:]

    private struct ItemKey: Hashable, Sendable {
        let collection: Name
        let item: Name
    }

    package init(confirmed: Documents = Documents(), pending: [Pending] = []) {
        self.confirmed = confirmed
        self.pending = []
        merged = confirmed
        for entry in pending { append(entry) }
    }

    /// Puts a change that was just made behind the outbox.
    package mutating func append(_ entry: Pending) {
        pending.append(entry)
        guard entry.isVisible else { return }
        entry.apply(to: &merged)
        for (key, dots) in entry.consumes { consumed[key, default: []].formUnion(dots) }
        for write in entry.change.writes where write.payload != nil {
            let item = ItemKey(collection: write.key.collection, item: write.key.item)
            var fields = own[item] ?? []
            if let index = fields.firstIndex(where: { $0.field == write.key.field }) {
                fields[index].dots.append(entry.dot)
            } else {
                fields.append((write.key.field, [entry.dot]))
            }
            own[item] = fields
        }
    }

    /// All that a write at the key replaces: confirmed live cells, and own unconfirmed ones, also
    /// those that a later own write hides, since the one in between may be rejected.
    package func seen(_ key: Key) -> [Dot] {
        let dots = confirmed.cells(key).map(\.dot).sorted() + unconfirmed(key)
        guard let taken = consumed[key] else { return dots }
        return dots.filter { !taken.contains($0) }
    }

    /// Whether an own unconfirmed order stands for cells at the key.
    package func isConsumed(_ key: Key) -> Bool { consumed[key] != nil }

    /// Own dots at the key that no event has confirmed.
    package func unconfirmed(_ key: Key) -> [Dot] {
        own[ItemKey(collection: key.collection, item: key.item)]?
            .first { $0.field == key.field }?.dots ?? []
    }

    /// The keys under an item at which something is seen, in order.
    package func seenKeys(_ collection: Name, _ item: Name) -> [Key] {
        var fields = Set(confirmed.items(collection)[item]?.fields.map(\.name) ?? [])
        for entry in own[ItemKey(collection: collection, item: item)] ?? [] {
            fields.insert(entry.field)
        }
        return fields.sorted().map { Key(collection, item, $0) }
    }

    /// The items of a collection under which something is seen, in order.
    package func seenItems(_ collection: Name) -> [Name] {
        var items = Set(confirmed.items(collection).keys)
        for key in own.keys where key.collection == collection { items.insert(key.item) }
        return items.sorted()
    }

    package func checkInvariants() {
        var expected = confirmed
        for entry in pending where entry.isVisible {
            entry.apply(to: &expected)
        }
        precondition(expected == merged, "V1: the view is not the confirmed state ⊕ the outbox")
        merged.checkInvariants()
    }
}
