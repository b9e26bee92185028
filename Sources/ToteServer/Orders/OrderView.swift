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
        if let feedback {
            members["feedback"] = .map(
                [
                    "rating": .int(feedback.rating), "at": .int(Int64(feedback.at)),
                ].merging(feedback.comment.map { ["comment": .text($0)] } ?? [:]) { $1 })
        }
        if !thread.isEmpty {
            members["thread"] = .array(
                thread.map {
                    .map([
                        "at": .int(Int64($0.at)), "by": .text($0.by), "text": .text($0.text),
                    ])
                })
        }
        if let askedAt { members["asked_at"] = .int(Int64(askedAt)) }
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
