internal import ToteCore

/// One thing that a customer does to a document; what it writes depends on what shows when it is
/// made.
///
/// `Tote.edit` makes several of them one change: all take effect, or none.
public struct Edit: Sendable {
    /// Words for the receipt, unless the app gives its own.
    let label: String
    let refusal: ToteError?
    let writes: @Sendable (_ view: LocalView, _ random: UInt64) -> [Write]

    init(
        _ label: String, refusal: ToteError? = nil,
        _ writes: @escaping @Sendable (_ view: LocalView, _ random: UInt64) -> [Write]
    ) {
        self.label = label
        self.refusal = refusal
        self.writes = writes
    }

    /// A register's new value; `nil` erases it.
    static func setting(_ register: Register, to value: Value?, _ label: String) -> Edit {
        Edit(label, refusal: register.refusal) { view, _ in
            value.map { view.registering($0, register.key) } ?? view.erasing(register.key)
        }
    }
}

extension Tote {
    /// Saves edits as one change, durable when this returns. Each sees the documents as they were
    /// before all of them.
    ///
    /// - Parameter label: words that the receipt shows, for example `"Moved to the cart"`.
    /// - Returns: the receipt's id; `nil` when there was nothing to write.
    /// - Throws: `invalidArgument`, also when two edits write the same field; `limit` with the rule
    ///   that is broken; `outboxFull`; `storage`. Nothing is saved then.
    @discardableResult
    public func edit(_ edits: Edit..., label: String? = nil) throws(ToteError) -> Receipt.ID? {
        try commit(edits, label: label)
    }

    func commit(_ edits: [Edit], label: String? = nil) throws(ToteError) -> Receipt.ID? {
        let replica = try replica()
        var writes: [Write] = []
        for edit in edits {
            if let refusal = edit.refusal { throw refusal }
            writes += edit.writes(replica.view, clock.draw())
        }
        if edits.count > 1, Set(writes.map(\.key)).count < writes.count {
            throw ToteError(
                .invalidArgument, "two edits of one change write the same field: make two changes")
        }
        let words = label ?? edits.map(\.label).joined(separator: "; ")
        return try save(writes, label: words, in: replica)
    }

    /// Erases all of a collection, in as many changes as it takes.
    func clear(_ collection: Name, label: String) throws(ToteError) -> [Receipt.ID] {
        let replica = try replica()
        var ids: [Receipt.ID] = []
        for writes in replica.view.erasing(collection: collection) {
            if let id = try save(writes, label: label, in: replica) { ids.append(id) }
        }
        return ids
    }

    func save(
        _ writes: [Write], label: String, in replica: Replica
    ) throws(ToteError) -> Receipt.ID? {
        try checkMayWrite()
        guard let nonce = try replica.commit(writes, label: label, at: clock.reading()) else {
            return nil
        }
        handle(.localChange)
        return Hex.string(nonce)
    }

    /// What a register holds beside the value that shows: other devices wrote it without having
    /// seen this one. Latest first; empty from the next write on.
    ///
    /// - Throws: `invalidArgument` for a register that there cannot be.
    public func conflicts(of register: Register) throws(ToteError) -> [Value] {
        if let refusal = register.refusal { throw refusal }
        return Fold.register(documents.cells(register.key))?.conflict ?? []
    }
}

/// A field of a document of which the latest write shows.
public enum Register: Hashable, Sendable {
    case cartTitle(cart: String)
    case cartNote(cart: String)
    case lineNote(LineName, cart: String)
    case wishlistTitle(id: String)
    case wishlistNote(id: String)
    case entryNote(LineName, wishlist: String)
    case store
    case pickupTime
    case screen
    case custom(collection: String, item: String, field: String)

    var key: Key {
        switch self {
        case .cartTitle(let cart): Key(Cart.collection(cart), Fields.itself, Fields.title)
        case .cartNote(let cart): Key(Cart.collection(cart), Fields.itself, Fields.note)
        case .lineNote(let line, let cart): Key(Cart.collection(cart), line.item, Fields.note)
        case .wishlistTitle(let id): Key(Wishlist.collection(id), Fields.itself, Fields.title)
        case .wishlistNote(let id): Key(Wishlist.collection(id), Fields.itself, Fields.note)
        case .entryNote(let line, let id): Key(Wishlist.collection(id), line.item, Fields.note)
        case .store: Journey.key(Journey.store)
        case .pickupTime: Journey.key(Journey.pickupTime)
        case .screen: Journey.key(Journey.screen)
        case .custom(let collection, let item, let field):
            Key(Name(collection), Name(item), Name(field))
        }
    }

    var refusal: ToteError? {
        guard case .custom(let collection, _, _) = self else { return nil }
        return CollectionReference.refusal(collection)
    }
}

extension LineName {
    /// Why no line can be called this.
    var refusal: ToteError? {
        sku.isEmpty ? ToteError(.invalidArgument, "a SKU must not be empty") : nil
    }
}
