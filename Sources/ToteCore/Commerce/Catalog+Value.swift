// A catalogue as the JSON of Protocol/orders.md section 13.1, and back.

extension Catalog {
    /// Reads the served form.
    ///
    /// - Throws: the first fault.
    package init(_ value: Value) throws(CatalogError) {
        var reader = CatalogReader(.served)
        guard let catalog = reader.catalog(value) else {
            throw reader.faults.first
                ?? CatalogError([], "wrong_type", "this is no catalogue")
        }
        self = catalog
    }

    /// Reads the form that is imported: without a version, which becomes 0.
    ///
    /// - Throws: all faults.
    package init(imported value: Value) throws(CatalogFaults) {
        var reader = CatalogReader(.imported)
        guard let catalog = reader.catalog(value) else {
            let none = CatalogError([], "wrong_type", "this is no catalogue")
            throw CatalogFaults(faults: reader.faults.isEmpty ? [none] : reader.faults)
        }
        self = catalog
    }

    /// The catalogue as it is served.
    package var value: Value {
        var members = importedMembers
        members["version"] = .int(version)
        return .map(members)
    }

    /// The catalogue in the form that is imported.
    package var importedValue: Value { .map(importedMembers) }

    private var importedMembers: [String: Value] {
        var members: [String: Value] = [
            "categories": .array(
                categories.map { .map(["id": .text($0.id), "names": .texts($0.names)]) }),
            "groups": .array(groups.map(\.value)),
            "products": .array(products.map(\.value)),
            "stores": .array(stores.map(\.value)),
        ]
        if let programme { members["programme"] = programme.value }
        if !codes.isEmpty { members["codes"] = .array(codes.map(\.value)) }
        return members
    }
}

extension Value {
    static func texts(_ texts: [String: String]) -> Value {
        .map(texts.mapValues { .text($0) })
    }

    static func amounts(_ amounts: [String: Int64]) -> Value {
        .map(amounts.mapValues { .int($0) })
    }
}

extension Catalog.OptionGroup {
    fileprivate var value: Value {
        var members: [String: Value] = [
            "id": .text(id), "names": .texts(names), "min": .int(Int64(min)),
            "max": .int(Int64(max)),
            "choices": .array(
                choices.map { choice in
                    var members: [String: Value] = [
                        "id": .text(choice.id), "names": .texts(choice.names),
                    ]
                    if !choice.price.isEmpty { members["price"] = .amounts(choice.price) }
                    return .map(members)
                }),
        ]
        if let initial = self.default { members["default"] = .text(initial) }
        return .map(members)
    }
}

extension Catalog.Code {
    fileprivate var value: Value {
        var members: [String: Value] = ["code": .text(code), "sku": .text(line.sku)]
        if !line.options.isEmpty { members["options"] = .texts(line.options) }
        if let store { members["store"] = .text(store) }
        if let channel { members["channel"] = .text(channel.rawValue) }
        return .map(members)
    }
}

extension Catalog.Product {
    fileprivate var value: Value {
        var members: [String: Value] = [
            "sku": .text(sku), "names": .texts(names), "tax": .text(tax), "price": .amounts(price),
        ]
        if let category { members["category"] = .text(category) }
        if !barcodes.isEmpty { members["barcodes"] = .array(barcodes.map { .text($0) }) }
        if !groups.isEmpty { members["groups"] = .array(groups.map { .text($0) }) }
        if !prices.isEmpty { members["prices"] = .amounts(prices) }
        if let limit { members["limit"] = .int(limit) }
        if !places.isEmpty {
            members["places"] = .map(
                places.mapValues { place in
                    .map(
                        ["aisle": .text(place.aisle)]
                            .merging(place.bin.map { ["bin": .text($0)] } ?? [:]) { $1 })
                })
        }
        return .map(members)
    }
}

extension Catalog.Store {
    fileprivate var value: Value {
        let intervals = open.map { interval in
            Value.array([.int(Int64(interval.from)), .int(Int64(interval.to))])
        }
        let late = [lateMinutes.late, lateMinutes.veryLate].map { Value.int(Int64($0)) }
        var members: [String: Value] = [
            "id": .text(id), "names": .texts(names), "currency": .text(currency),
            "tax_included": .bool(taxIncluded), "taxes": .amounts(taxes),
            "open": .array(intervals),
            "preparation_minutes": .int(Int64(preparationMinutes)),
            "slot_minutes": .int(Int64(slotMinutes)), "slot_capacity": .int(Int64(slotCapacity)),
            "expire_minutes": .int(Int64(expireMinutes)),
            "sold_out": .array(soldOut.sorted { Name($0) < Name($1) }.map { .text($0) }),
            "late_minutes": .array(late), "name_policy": .text(namePolicy.rawValue),
        ]
        if let location {
            members["location"] = .array([.int(location.latitude), .int(location.longitude)])
        }
        return .map(members)
    }
}
