internal import ToteCore

/// A collection of the app's own: items with fields, each a register, a counter or a flag.
///
/// Edits are durable when they return, and return the receipt's id, or `nil` when there was nothing
/// to write. All throw what `Tote.edit` throws; `invalidArgument` for a name that is the product's:
/// `cart:…`, `wishlist:…`, `recent`, `journey`.
public struct CollectionReference: Sendable {
    let tote: Tote
    public let name: String

    /// The names of the items of which a field is there, in order.
    public var items: [String] {
        get async {
            await tote.read { $0.items(Name(name)).keys.sorted().map(\.text) }
        }
    }

    /// A register's value; `nil` when there is none.
    public func value(_ field: String, of item: String = "") async -> Value? {
        await tote.read { Fold.register($0.cells(key(field, item)))?.value }
    }

    /// A counter's value, 0 or more.
    public func count(_ field: String, of item: String = "") async -> Int {
        await tote.read { Int(max(0, Fold.counter($0.cells(key(field, item))))) }
    }

    public func isFlagged(_ field: String, of item: String = "") async -> Bool {
        await tote.read { Fold.flag($0.cells(key(field, item))) }
    }

    /// A register's value now, and again whenever it changes.
    public func valueUpdates(_ field: String, of item: String = "") -> Updates<Value?> {
        let key = key(field, item)
        return Updates(tote) { Fold.register($0.documents.cells(key))?.value }
    }

    /// Sets a register, or erases it.
    @discardableResult
    public func set(
        _ field: String, of item: String = "", to value: Value?
    ) async throws(ToteError) -> Receipt.ID? {
        let register = Register.custom(collection: name, item: item, field: field)
        return try await tote.edit(.setting(register, to: value, "set \(name) \(field)"))
    }

    /// Adds to a counter; below 0 takes away, at most what is there.
    @discardableResult
    public func add(
        _ amount: Int = 1, to field: String, of item: String = ""
    ) async throws(ToteError) -> Receipt.ID? {
        try await write("add to \(field)", field, item) { view, key in
            // The other fields of the item are the app's own: they do not start anew with this one.
            view.adding(
                Int64(amount), collection: key.collection, item: key.item, field: key.field
            ).filter { $0.key.field == key.field }
        }
    }

    /// Sets a counter; 0 or less erases it.
    @discardableResult
    public func setCount(
        _ amount: Int, of field: String, item: String = ""
    ) async throws(ToteError) -> Receipt.ID? {
        try await write("set \(field)", field, item) { view, key in
            guard amount > 0 else { return view.erasing(key) }
            return view.setting(
                Int64(amount), collection: key.collection, item: key.item, field: key.field
            ).filter { $0.key.field == key.field }
        }
    }

    @discardableResult
    public func setFlag(
        _ field: String, of item: String = "", to isFlagged: Bool = true
    ) async throws(ToteError) -> Receipt.ID? {
        try await write("flag \(field)", field, item) { view, key in
            guard isFlagged else { return view.erasing(key) }
            return view.flagging(collection: key.collection, item: key.item, field: key.field)
                .filter { $0.key.field == key.field }
        }
    }

    /// Erases an item with all its fields.
    @discardableResult
    public func erase(_ item: String) async throws(ToteError) -> Receipt.ID? {
        let collection = Name(name)
        return try await tote.edit(
            Edit("erase \(name) item", refusal: Self.refusal(name)) { view, _ in
                view.erasing(collection: collection, item: Name(item))
            })
    }

    private func key(_ field: String, _ item: String) -> Key {
        Key(Name(name), Name(item), Name(field))
    }

    private func write(
        _ label: String, _ field: String, _ item: String,
        _ writes: @escaping @Sendable (LocalView, Key) -> [Write]
    ) async throws(ToteError) -> Receipt.ID? {
        let key = key(field, item)
        return try await tote.edit(
            Edit("\(name): \(label)", refusal: Self.refusal(name)) { view, _ in
                writes(view, key)
            })
    }

    /// Why an app may not use a collection's name.
    static func refusal(_ name: String) -> ToteError? {
        guard
            ["recent", "journey"].contains(name) || name.hasPrefix("cart:")
                || name.hasPrefix("wishlist:") || name.isEmpty
        else { return nil }
        return ToteError(
            .invalidArgument,
            "a collection of the app's own needs a name that is not the product's: \(name)")
    }
}

extension Tote {
    public nonisolated func collection(_ name: String) -> CollectionReference {
        CollectionReference(tote: self, name: name)
    }
}
