internal import ToteCore

/// What an associate sees of a customer who is there, no more than the role allows (Protocol
/// §28.2).
struct CustomerView {
    let space: Space
    let orders: [Order]
    let role: Token.Role
    let catalog: Catalog?

    /// How many orders show.
    static let ordersMax = 50
    /// Where an app keeps what the customer likes.
    static let preferences: Name = "preferences"

    private var isManager: Bool { role == .manager }

    var value: Value {
        var members: [String: Value] = [
            "orders": .array(orders.map(value)), "wishlists": .array(wishlists),
            "preferences": preferences, "balances": .array(balances),
        ]
        if let store = Journey(space.documents).store { members["store"] = .text(store) }
        return .map(members)
    }

    /// An order of whatever channel and store: as its receipt says it, and how it stands.
    private func value(_ order: Order) -> Value {
        guard case .map(let receipt) = SalesReceipt(order, catalog: catalog).value else {
            return .null
        }
        var more: [String: Value] = [:]
        if let channel = order.channel { more["channel"] = .text(channel.rawValue) }
        if let pickupAt = order.pickupAt { more["pickup_at"] = .int(Int64(pickupAt)) }
        if let rating = order.feedback?.rating { more["rating"] = .int(rating) }
        if let askedAt = order.askedAt { more["asked_at"] = .int(Int64(askedAt)) }
        return .map(
            (receipt + more.map { Value.Entry($0.key, $0.value) })
                .sorted { Name($0.name) < Name($1.name) })
    }

    private var wishlists: [Value] {
        Wishlist.ids(space.documents).map { id in
            let list = Wishlist(space.documents, id: id)
            var members: [String: Value] = [
                "id": .text(id),
                "entries": .array(
                    list.entries.map { entry in
                        var members: [String: Value] = [
                            "item": .text(entry.name.item.text), "sku": .text(entry.name.sku),
                            "names": .map(
                                (catalog?.words(for: entry.name) ?? [:]).mapValues { .text($0) }),
                        ]
                        if let note = entry.note { members["note"] = .text(note) }
                        return .map(members)
                    }),
            ]
            if let title = list.title { members["title"] = .text(title) }
            return .map(members)
        }
    }

    private var preferences: Value {
        let items = space.documents.items(Self.preferences).sorted { $0.key < $1.key }
        // In entries: a dictionary takes another spelling of a customer's word for the same.
        return .map(
            items.map { item, fields in
                let values = fields.sortedFields.compactMap { field in
                    Fold.register(field.cells).map { Value.Entry(field.name.text, $0.value) }
                }
                return Value.Entry(item.text, .map(values))
            })
    }

    /// Points are everybody's to see; stored value is money, which a manager sees.
    private var balances: [Value] {
        let accounts = space.ledger?.accounts ?? [:]
        return accounts.sorted { $0.key < $1.key }.compactMap { name, stored in
            guard name == .points || isManager else { return nil }
            return .map([
                "account": .text(name.description),
                "available": .int(stored.account.available.total),
                "pending": .int(stored.account.pendingUnits),
            ])
        }
    }
}
