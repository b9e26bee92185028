/// An entry of a wishlist as it shows.
public struct WishlistEntry: Hashable, Sendable {
    public var name: LineName
    public var note: String?

    public init(name: LineName, note: String? = nil) {
        self.name = name
        self.note = note
    }
}

/// A wishlist as it shows: `wishlist:<id>`, its entries in the customer's own order (Protocol
/// §2.7).
public struct Wishlist: Hashable, Sendable {
    public var id: String
    public var title: String?
    public var note: String?
    public var entries: [WishlistEntry]

    /// The collection of the wishlist with this id.
    package static func collection(_ id: String) -> Name { Name("wishlist:\(id)") }

    /// Reads a wishlist out of documents.
    package init(_ documents: Documents, id: String) {
        self.id = id
        let items = documents.items(Self.collection(id))
        title = items[Fields.itself]?.text(Fields.title)
        note = items[Fields.itself]?.text(Fields.note)
        entries = Self.order(documents, id: id).map { place in
            WishlistEntry(
                name: LineName(item: place.item), note: items[place.item]?.text(Fields.note))
        }
    }

    /// Whether the list was made and not deleted, or holds an entry.
    package static func shows(_ documents: Documents, id: String) -> Bool {
        let items = documents.items(collection(id))
        return items.values.contains { Fold.flag($0.cells(Fields.member)) }
    }

    /// The ids of the wishlists that show, in the customer's order, then bytewise.
    package static func ids(_ documents: Documents) -> [String] {
        documents.collections.keys.compactMap { collection -> (Name, Name)? in
            guard let id = collection.text(after: "wishlist:") else { return nil }
            guard shows(documents, id: id) else { return nil }
            let place = documents.items(collection)[Fields.itself]?.text(Fields.position) ?? "~"
            return (Name(place), Name(id))
        }
        .sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }
        .map(\.1.text)
    }

    /// The members in order: by place, then bytewise; those without a place come last.
    package static func order(
        _ documents: Documents, id: String
    ) -> [(item: Name, place: Name?)] {
        documents.items(collection(id)).compactMap { item, fields -> (item: Name, place: Name?)? in
            guard item != Fields.itself, Fold.flag(fields.cells(Fields.member)) else { return nil }
            let place = fields.text(Fields.position).map { Name($0) }
            return (item, place.flatMap { FractionalIndex.isPlace($0) ? $0 : nil })
        }
        .sorted { left, right in
            guard left.place != right.place else { return left.item < right.item }
            guard let leftPlace = left.place else { return false }
            return right.place.map { leftPlace < $0 } ?? true
        }
    }
}

extension LocalView {
    /// Adds an entry to a wishlist, at its end; one that is there stays where it is.
    package func wishing(_ id: String, _ item: Name, tail: UInt64) -> [Write] {
        let collection = Wishlist.collection(id)
        let key = Key(collection, item, Fields.member)
        let writes = flagging(collection: collection, item: item)
        guard !Fold.flag(merged.cells(key)) else { return writes }
        let last = Wishlist.order(merged, id: id).compactMap(\.place).last
        let place = FractionalIndex.between(last, nil, tail: tail)
        let position = Key(collection, item, Fields.position)
        return writes.filter { $0.key != position } + registering(.text(place.text), position)
    }

    /// Moves an entry so that `index` others stand before it. Writes nothing for one that does not
    /// show.
    ///
    /// Entries that share a place with their neighbour, or have none, are given one as far as
    /// needed.
    package func moving(_ id: String, _ item: Name, to index: Int, tail: UInt64) -> [Write] {
        let collection = Wishlist.collection(id)
        var order = Wishlist.order(merged, id: id)
        guard let from = order.firstIndex(where: { $0.item == item }) else { return [] }
        order.remove(at: from)
        let index = min(max(index, 0), order.count)
        var writes: [Write] = []
        var low: Name?
        // Everything before the gap needs a place that rises, or the new one would not follow it.
        for position in 0..<index {
            if let place = order[position].place, low.map({ $0 < place }) ?? true {
                low = place
                continue
            }
            let high = order[position...].lazy.compactMap(\.place).first { place in
                low.map { $0 < place } ?? true
            }
            let place = FractionalIndex.between(low, high, tail: tail &+ UInt64(position))
            let key = Key(collection, order[position].item, Fields.position)
            writes += registering(.text(place.text), key)
            low = place
        }
        let high = order[index...].lazy.compactMap(\.place).first { place in
            low.map { $0 < place } ?? true
        }
        let place = FractionalIndex.between(low, high, tail: tail)
        // First, so that the limit on writes never cuts off what was asked for.
        writes.insert(
            contentsOf: registering(.text(place.text), Key(collection, item, Fields.position)),
            at: 0)
        // Those behind the gap that do not rise above the new place would now stand before it.
        var last = place
        for entry in order[index...] {
            if let there = entry.place, last < there { break }
            let above = order[index...].lazy.compactMap(\.place).first { last < $0 }
            last = FractionalIndex.between(last, above, tail: tail)
            writes += registering(
                .text(last.text), Key(collection, entry.item, Fields.position))
        }
        return Array(writes.prefix(Limits.writesPerChangeMax))
    }
}
