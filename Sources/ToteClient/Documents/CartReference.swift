internal import ToteCore

/// One of the customer's carts: `tote.cart()` is the one that every app has.
///
/// Edits are durable when they return, and return the receipt's id, or `nil` when there was nothing
/// to write. All throw what `Tote.edit` throws.
public struct CartReference: Sendable {
    let tote: Tote
    public let name: String

    /// The cart as it shows now.
    public var value: Cart {
        get async { await tote.read { Cart($0, name: name) } }
    }

    /// The cart now, and again whenever it changes.
    public var updates: Updates<Cart> {
        Updates(tote) { [name] in Cart($0.documents, name: name) }
    }

    /// Adds to a line's quantity; below 0 takes away. A line that does not show starts anew.
    @discardableResult
    public func add(
        _ sku: String, quantity: Int = 1, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.add(sku, quantity: quantity, options: options, cart: name))
    }

    /// Adds what a scanner has read (`Catalog.scanned`); an order of it says by which code it came.
    @discardableResult
    public func add(
        _ code: ScannedCode, quantity: Int = 1
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.add(code, quantity: quantity, cart: name))
    }

    /// Sets a line's quantity; 0 or less removes it.
    @discardableResult
    public func setQuantity(
        _ quantity: Int, of sku: String, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.setQuantity(quantity, of: sku, options: options, cart: name))
    }

    @discardableResult
    public func remove(
        _ sku: String, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.remove(sku, options: options, cart: name))
    }

    /// Sets or erases a line's note; writes nothing for a line that does not show.
    @discardableResult
    public func setNote(
        _ note: String?, of sku: String, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.setNote(note, of: sku, options: options, cart: name))
    }

    /// Ticks a line off, or takes the tick back; writes nothing for a line that does not show. A
    /// line that is ticked on one device and not on another meanwhile is ticked.
    @discardableResult
    public func setTicked(
        _ isTicked: Bool, of sku: String, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.setTicked(isTicked, of: sku, options: options, cart: name))
    }

    /// Says what whoever gathers a tote found of a line; `nil` takes it back. Of two who say so
    /// meanwhile the later one counts. Writes nothing for a line that does not show.
    @discardableResult
    public func setPick(
        _ pick: CartLine.Pick?, of sku: String, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.setPick(pick, of: sku, options: options, cart: name))
    }

    /// Adds all lines of a list, for example of one that somebody sent: quantities are added, notes
    /// and ticks are those of the list. Its title becomes that of a cart without one.
    ///
    /// - Returns: a receipt for each of the changes that it takes: one per 60 lines.
    @discardableResult
    public func add(_ list: ListText) async throws(ToteError) -> [Receipt.ID] {
        try await tote.add(list, to: name)
    }

    /// Adds all lines of another cart, for example of a list that is to be ordered; that one stays
    /// as it is. Lines that are ticked off or missing there are left out, and of those that were
    /// substituted what lies in their place is added.
    ///
    /// - Returns: a receipt for each of the changes that it takes.
    @discardableResult
    public func addAll(of other: String) async throws(ToteError) -> [Receipt.ID] {
        try await tote.add(ListText(toOrder: await tote.cart(other).value), to: name)
    }

    /// Sets or erases the note of the cart itself.
    @discardableResult
    public func setNote(_ note: String?) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.setCartNote(note, cart: name))
    }

    @discardableResult
    public func setTitle(_ title: String?) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.setCartTitle(title, cart: name))
    }

    /// Removes all lines, the note and the title that show here; what others add meanwhile stays.
    ///
    /// - Returns: a receipt for each of the changes that it takes: one per 256 fields.
    @discardableResult
    public func clear() async throws(ToteError) -> [Receipt.ID] {
        try await tote.clear(Cart.collection(name), label: "clear cart \(name)")
    }
}

extension Tote {
    /// A cart by its name; it needs no making.
    public nonisolated func cart(_ name: String = "main") -> CartReference {
        CartReference(tote: self, name: name)
    }

    /// The carts that hold a line, a note or a title, ordered by name.
    public var carts: [Cart] { Self.carts(documents) }

    /// The carts now, and again whenever one changes.
    public nonisolated var cartsUpdates: Updates<[Cart]> {
        Updates(self) { Tote.carts($0.documents) }
    }

    private static func carts(_ documents: Documents) -> [Cart] {
        Cart.names(documents).map { Cart(documents, name: $0) }
    }

    /// How many lines one change adds: each writes at most five fields.
    private static let linesPerChange = 50

    func add(_ list: ListText, to cart: String) throws(ToteError) -> [Receipt.ID] {
        let replica = try replica()
        let collection = Cart.collection(cart)
        var receipts: [Receipt.ID] = []
        var rest = list.lines[...]
        let titled = Cart(replica.view.merged, name: cart).title != nil
        var title = titled ? nil : list.title
        while !rest.isEmpty || title != nil {
            var writes: [Write] = []
            if let text = title {
                writes += replica.view.registering(
                    .text(text), Key(collection, Fields.itself, Fields.title))
                title = nil
            }
            for line in rest.prefix(Self.linesPerChange) {
                writes += replica.view.adding(line, collection: collection)
            }
            rest = rest.dropFirst(Self.linesPerChange)
            if let receipt = try save(writes, label: "add a list", in: replica) {
                receipts.append(receipt)
            }
        }
        return receipts
    }

    /// Reads a document without another's edit in between.
    func read<Result: Sendable>(_ body: @Sendable (Documents) -> Result) -> Result {
        body(documents)
    }
}

extension Edit {
    /// See `CartReference.add`.
    public static func add(
        _ sku: String, quantity: Int = 1, options: [String: String] = [:], cart: String = "main"
    ) -> Edit {
        let line = LineName(sku, options: options)
        return Edit("add \(quantity) \(line.item.text)", refusal: line.refusal) { view, _ in
            view.adding(
                Int64(quantity), collection: Cart.collection(cart), item: line.item)
        }
    }

    /// See `CartReference.add`.
    public static func add(
        _ code: ScannedCode, quantity: Int = 1, cart: String = "main"
    ) -> Edit {
        Edit("add \(quantity) \(code.line.item.text)", refusal: code.line.refusal) { view, _ in
            view.adding(
                Int64(quantity), collection: Cart.collection(cart), item: code.line.item,
                by: code.channel)
        }
    }

    /// See `CartReference.setQuantity`.
    public static func setQuantity(
        _ quantity: Int, of sku: String, options: [String: String] = [:], cart: String = "main"
    ) -> Edit {
        let line = LineName(sku, options: options)
        return Edit("set \(line.item.text) to \(quantity)", refusal: line.refusal) { view, _ in
            view.setting(
                Int64(quantity), collection: Cart.collection(cart), item: line.item)
        }
    }

    /// See `CartReference.remove`.
    public static func remove(
        _ sku: String, options: [String: String] = [:], cart: String = "main"
    ) -> Edit {
        let line = LineName(sku, options: options)
        return Edit("remove \(line.item.text)", refusal: line.refusal) { view, _ in
            view.erasing(collection: Cart.collection(cart), item: line.item)
        }
    }

    /// See `CartReference.setNote`.
    public static func setNote(
        _ note: String?, of sku: String, options: [String: String] = [:], cart: String = "main"
    ) -> Edit {
        let line = LineName(sku, options: options)
        let edit = setting(
            .lineNote(line, cart: cart), to: note.map { .text($0) },
            "note on \(line.item.text)")
        return Edit(edit.label, refusal: line.refusal) { view, random in
            view.quantity(Cart.collection(cart), line.item) > 0 ? edit.writes(view, random) : []
        }
    }

    /// See `CartReference.setTicked`.
    public static func setTicked(
        _ isTicked: Bool, of sku: String, options: [String: String] = [:], cart: String = "main"
    ) -> Edit {
        let line = LineName(sku, options: options)
        let label = isTicked ? "tick \(line.item.text)" : "untick \(line.item.text)"
        return Edit(label, refusal: line.refusal) { view, _ in
            view.ticking(isTicked, collection: Cart.collection(cart), item: line.item)
        }
    }

    /// See `CartReference.setPick`.
    public static func setPick(
        _ pick: CartLine.Pick?, of sku: String, options: [String: String] = [:],
        cart: String = "main"
    ) -> Edit {
        let line = LineName(sku, options: options)
        return Edit("pick \(line.item.text)", refusal: line.refusal) { view, _ in
            let collection = Cart.collection(cart)
            guard view.quantity(collection, line.item) > 0 else { return [] }
            let key = Key(collection, line.item, Fields.pick)
            return pick.map { view.registering($0.value, key) } ?? view.erasing(key)
        }
    }

    /// See `CartReference.setNote`.
    public static func setCartNote(_ note: String?, cart: String = "main") -> Edit {
        setting(.cartNote(cart: cart), to: note.map { .text($0) }, "note on cart \(cart)")
    }

    /// See `CartReference.setTitle`.
    public static func setCartTitle(_ title: String?, cart: String = "main") -> Edit {
        setting(.cartTitle(cart: cart), to: title.map { .text($0) }, "title of cart \(cart)")
    }
}
