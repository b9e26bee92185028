internal import ToteCore

extension Order {
    /// The order as counters get it (Protocol §15), with the words of the catalogue.
    func counterValue(_ catalog: Catalog?) -> Value {
        let shop = catalog?.store(store)
        var members: [String: Value] = [
            "id": .text(id.text), "store": .text(store), "state": .text(state.rawValue),
            "version": .int(version), "currency": .text(currency), "total": .int(total),
            "tax_included": .bool(isTaxIncluded),
            "tax": .array(
                taxes.map { .array([.text($0.category), .int($0.rate), .int($0.amount)]) }),
            "tenders": .array(tenders.map(\.value)),
            "lines": .array(lines.map { Self.counterValue($0, catalog) }),
            "placed_at": .int(Int64(placedAt)),
            "steps": .array(
                steps.map {
                    .map([
                        "state": .text($0.state.rawValue), "at": .int(Int64($0.at)),
                        "by": .text($0.by),
                    ])
                }),
        ]
        if let code { members["code"] = .text(code) }
        if let name = Self.shown(name, shop?.namePolicy ?? .none) { members["name"] = .text(name) }
        if let note { members["note"] = .text(note) }
        if let pickupAt { members["pickup_at"] = .int(Int64(pickupAt)) }
        if let readyAt { members["ready_at"] = .int(Int64(readyAt)) }
        if let arrivedAt { members["arrived_at"] = .int(Int64(arrivedAt)) }
        if let spot { members["spot"] = .text(spot) }
        if let reason { members["reason"] = .text(reason) }
        if isDisputed { members["disputed"] = .bool(true) }
        return .map(members)
    }

    private static func shown(_ name: String?, _ policy: Catalog.NamePolicy) -> String? {
        switch policy {
        case .none: nil
        case .first: name?.split(separator: " ").first.map(String.init)
        case .full: name
        }
    }

    private static func counterValue(_ line: Line, _ catalog: Catalog?) -> Value {
        var members: [String: Value] = [
            "item": .text(line.name.item.text), "sku": .text(line.name.sku),
            "quantity": .int(line.quantity), "price": .int(line.price),
        ]
        if !line.name.options.isEmpty {
            members["options"] = .map(line.name.options.mapValues { .text($0) })
        }
        if let note = line.note { members["note"] = .text(note) }
        if let catalog, let product = catalog.product(line.name.sku) {
            members["names"] = .map(product.names.mapValues { .text($0) })
            let chosen = catalog.choices(of: line.name)
            let languages = Set(chosen.flatMap { $0.names.keys })
            if !languages.isEmpty {
                members["options_names"] = .map(
                    Dictionary(
                        uniqueKeysWithValues: languages.map { language in
                            let words = chosen.map { $0.names[language] ?? $0.id }
                            return (language, Value.text(words.joined(separator: ", ")))
                        }))
            }
        }
        return .map(members)
    }
}

extension Catalog {
    /// The choices that a line names, in the order of the product's groups.
    func choices(of name: LineName) -> [Catalog.Choice] {
        guard let product = product(name.sku) else { return [] }
        return product.groups.flatMap { id -> [Catalog.Choice] in
            guard let value = name.options[id], let group = groups.first(where: { $0.id == id })
            else { return [] }
            let chosen = Set(value.split(separator: ",").map(String.init))
            return group.choices.filter { chosen.contains($0.id) }
        }
    }
}
