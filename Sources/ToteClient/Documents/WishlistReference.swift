internal import ToteCore

/// One of the customer's wishlists. An app that has a single one names it, for example
/// `"favorites"`; it needs no making.
///
/// Edits are durable when they return, and return the receipt's id, or `nil` when there was nothing
/// to write. All throw what `Tote.edit` throws.
public struct WishlistReference: Sendable {
    let tote: Tote
    public let id: String

    /// The list as it shows now.
    public var value: Wishlist {
        get async { await tote.read { Wishlist($0, id: id) } }
    }

    /// The list now, and again whenever it changes.
    public var updates: Updates<Wishlist> {
        Updates(tote) { [id] in Wishlist($0.documents, id: id) }
    }

    /// Adds an entry at the end; one that is there stays where it is.
    @discardableResult
    public func add(
        _ sku: String, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.wish(sku, options: options, wishlist: id))
    }

    @discardableResult
    public func remove(
        _ sku: String, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.unwish(sku, options: options, wishlist: id))
    }

    /// Moves an entry so that `index` others stand before it.
    @discardableResult
    public func move(
        _ sku: String, options: [String: String] = [:], to index: Int
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.moveWish(sku, options: options, to: index, wishlist: id))
    }

    /// Sets or erases an entry's note; writes nothing for an entry that does not show.
    @discardableResult
    public func setNote(
        _ note: String?, of sku: String, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.setWishNote(note, of: sku, options: options, wishlist: id))
    }

    /// Sets or erases the note of the list itself.
    @discardableResult
    public func setNote(_ note: String?) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(
            .setting(.wishlistNote(id: id), to: note.map { .text($0) }, "note on wishlist"))
    }

    @discardableResult
    public func rename(_ title: String?) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(
            .setting(.wishlistTitle(id: id), to: title.map { .text($0) }, "title of wishlist"))
    }

    /// Moves the list so that `index` other lists stand before it.
    @discardableResult
    public func move(to index: Int) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.moveWishlist(id, to: index))
    }

    /// Deletes the list with all that shows of it here.
    ///
    /// - Returns: a receipt for each of the changes that it takes: one per 256 fields.
    @discardableResult
    public func delete() async throws(ToteError) -> [Receipt.ID] {
        try await tote.clear(Wishlist.collection(id), label: "delete wishlist")
    }
}

extension Tote {
    public nonisolated func wishlist(_ id: String) -> WishlistReference {
        WishlistReference(tote: self, id: id)
    }

    /// Makes a list, last in order; durable when this returns.
    ///
    /// - Throws: what `edit` throws.
    public func createWishlist(title: String) throws(ToteError) -> WishlistReference {
        let id = Hex.string(clock.draw())
        _ = try commit([.createWishlist(id, title: title)])
        return wishlist(id)
    }

    /// The wishlists in the customer's order.
    public var wishlists: [Wishlist] { Self.wishlists(documents) }

    /// The wishlists now, and again whenever one changes.
    public nonisolated var wishlistsUpdates: Updates<[Wishlist]> {
        Updates(self) { Tote.wishlists($0.documents) }
    }

    private static func wishlists(_ documents: Documents) -> [Wishlist] {
        Wishlist.ids(documents).map { Wishlist(documents, id: $0) }
    }
}

extension Edit {
    /// See `WishlistReference.add`.
    public static func wish(
        _ sku: String, options: [String: String] = [:], wishlist id: String
    ) -> Edit {
        let line = LineName(sku, options: options)
        return Edit("wish for \(line.item.text)", refusal: line.refusal) { view, random in
            view.wishing(id, line.item, tail: random)
        }
    }

    /// See `WishlistReference.remove`.
    public static func unwish(
        _ sku: String, options: [String: String] = [:], wishlist id: String
    ) -> Edit {
        let line = LineName(sku, options: options)
        return Edit("no wish for \(line.item.text)", refusal: line.refusal) { view, _ in
            view.erasing(collection: Wishlist.collection(id), item: line.item)
        }
    }

    /// See `WishlistReference.move`.
    public static func moveWish(
        _ sku: String, options: [String: String] = [:], to index: Int, wishlist id: String
    ) -> Edit {
        let line = LineName(sku, options: options)
        return Edit("move \(line.item.text)", refusal: line.refusal) { view, random in
            view.moving(id, line.item, to: index, tail: random)
        }
    }

    /// See `WishlistReference.setNote`.
    public static func setWishNote(
        _ note: String?, of sku: String, options: [String: String] = [:], wishlist id: String
    ) -> Edit {
        let line = LineName(sku, options: options)
        let edit = setting(
            .entryNote(line, wishlist: id), to: note.map { .text($0) },
            "note on \(line.item.text)")
        let member = Key(Wishlist.collection(id), line.item, Fields.member)
        return Edit(edit.label, refusal: line.refusal) { view, random in
            Fold.flag(view.merged.cells(member)) ? edit.writes(view, random) : []
        }
    }

    static func createWishlist(_ id: String, title: String) -> Edit {
        Edit("make wishlist") { view, random in
            let last = WishlistPlaces(view.merged).places.compactMap { $0 }.max()
            let place = FractionalIndex.between(last, nil, tail: random)
            let collection = Wishlist.collection(id)
            return view.flagging(collection: collection, item: Fields.itself)
                + view.registering(.text(title), Register.wishlistTitle(id: id).key)
                + view.registering(.text(place.text), WishlistPlaces.key(id))
        }
    }

    static func moveWishlist(_ id: String, to index: Int) -> Edit {
        Edit("move wishlist") { view, random in
            WishlistPlaces(view.merged).moving(id, to: index, tail: random).flatMap { id, place in
                view.registering(.text(place.text), WishlistPlaces.key(id))
            }
        }
    }
}

/// Where the wishlists stand among each other.
struct WishlistPlaces {
    let ids: [String]
    /// `nil` for a list that has none, or a text that is none.
    let places: [Name?]

    static func key(_ id: String) -> Key {
        Key(Wishlist.collection(id), Fields.itself, Fields.position)
    }

    init(_ documents: Documents) {
        ids = Wishlist.ids(documents)
        places = ids.map { id in
            let text = documents.items(Wishlist.collection(id))[Fields.itself]?
                .text(Fields.position)
            return text.map { Name($0) }.flatMap { FractionalIndex.isPlace($0) ? $0 : nil }
        }
    }

    /// The places to write so that `index` others stand before a list.
    func moving(_ id: String, to index: Int, tail: UInt64) -> [(id: String, place: Name)] {
        var order = Array(zip(ids, places)).map { (id: $0.0, place: $0.1) }
        guard let from = order.firstIndex(where: { Name($0.id) == Name(id) }) else { return [] }
        order.remove(at: from)
        let index = min(max(index, 0), order.count)
        let low = index > 0 ? order[index - 1].place : nil
        let high = index < order.count ? order[index].place : nil
        let isOpen = (index == 0 || low != nil) && (index == order.count || high != nil)
        let rises = low.flatMap { low in high.map { low < $0 } } ?? true
        if isOpen, rises {
            return [(id, FractionalIndex.between(low, high, tail: tail))]
        }
        // Neighbours that share a place, or have none: all get places anew, a few dozen at most.
        order.insert((id: id, place: nil), at: index)
        var last: Name?
        return order.prefix(Limits.writesPerChangeMax).map { entry in
            let place = FractionalIndex.between(last, nil, tail: tail)
            last = place
            return (entry.id, place)
        }
    }
}
