// A store of a catalogue.

extension CatalogReader {
    mutating func store(_ value: Value) -> Catalog.Store? {
        guard let members = members(value, .store) else { return nil }
        let before = faults.count
        let id = id(members, "id", most: Catalog.idBytesMax)
        let names = names(members)
        let currency = text(members, "currency").flatMap { text in
            at(.member("currency")) { $0.currency(text) }
        }
        let taxes = dictionary(members["taxes"], "taxes", most: Catalog.taxesMax) {
            reader, tax, value in
            let rate = reader.integer(value, 0...Catalog.rateMax)
            return reader.id(tax, most: Catalog.idBytesMax) == nil ? nil : rate
        }
        let open = intervals(members)
        let preparation = integer(members, "preparation_minutes", 0...10_080)
        let slot = integer(members, "slot_minutes", 1...1_440)
        let capacity = integer(members, "slot_capacity", 1...10_000)
        let expire = integer(members, "expire_minutes", 1...10_080)
        let soldOut = list(members["sold_out"], "sold_out", most: Catalog.productsMax) {
            $0.label($1, most: Catalog.skuBytesMax)
        }
        let late = lateMinutes(members)
        let policy = namePolicy(members)
        let isIncluded = flag(members, "tax_included")
        let location = members["location"].flatMap { value in
            at(.member("location")) { $0.location(value) }
        }
        guard faults.count == before, let id, let names, let currency, let preparation, let slot,
            let capacity, let expire, let late, let policy, let isIncluded
        else { return nil }
        return Catalog.Store(
            id: id, names: names, currency: currency, taxIncluded: isIncluded, taxes: taxes,
            open: open, preparationMinutes: Int(preparation), slotMinutes: Int(slot),
            slotCapacity: Int(capacity), expireMinutes: Int(expire), soldOut: Set(soldOut),
            lateMinutes: late, namePolicy: policy, location: location)
    }

    private mutating func location(_ value: Value) -> GeoPoint? {
        guard let (latitude, longitude) = pair(value, GeoPoint.longitudes) else { return nil }
        guard let point = GeoPoint(latitude: latitude, longitude: longitude) else {
            at(.index(0)) { $0.fault("out_of_range", "a latitude is within 90 degrees") }
            return nil
        }
        return point
    }

    mutating func text(_ members: [Name: Value], _ name: String) -> String? {
        guard let value = members[Name(name)] else { return nil }
        return at(.member(name)) { $0.text(value) }
    }

    mutating func flag(_ members: [Name: Value], _ name: String) -> Bool? {
        guard let value = members[Name(name)] else { return nil }
        if case .bool(let flag) = value { return flag }
        at(.member(name)) {
            $0.fault("wrong_type", "this is \(Self.kind(value)), true or false belongs here")
        }
        return nil
    }

    private mutating func intervals(_ members: [Name: Value]) -> [Catalog.OpenInterval] {
        var last: UInt64 = 0
        return list(members["open"], "open", most: Catalog.intervalsMax) { reader, value in
            guard let (from, to) = reader.pair(value, 0...Limits.integerMax) else { return nil }
            guard from < to, UInt64(from) >= last else {
                reader.fault(
                    "intervals_overlap",
                    "[\(from), \(to)] must end after it begins, and begin when the one before it "
                        + "has ended, at \(last)")
                return nil
            }
            last = UInt64(to)
            return Catalog.OpenInterval(from: UInt64(from), to: UInt64(to))
        }
    }

    /// A list of two numbers.
    mutating func pair(
        _ value: Value, _ range: ClosedRange<Int64>
    ) -> (Int64, Int64)? {
        guard case .array(let values) = value, values.count == 2 else {
            fault("wrong_type", "a list of two whole numbers belongs here")
            return nil
        }
        let first = at(.index(0)) { $0.integer(values[0], range) }
        let second = at(.index(1)) { $0.integer(values[1], range) }
        guard let first, let second else { return nil }
        return (first, second)
    }

    private mutating func lateMinutes(_ members: [Name: Value]) -> Catalog.LateMinutes? {
        guard let value = members["late_minutes"] else { return nil }
        return at(.member("late_minutes")) { reader in
            guard let (late, veryLate) = reader.pair(value, 1...10_080) else { return nil }
            guard late <= veryLate else {
                reader.fault("out_of_range", "very late (\(veryLate)) comes before late (\(late))")
                return nil
            }
            return Catalog.LateMinutes(late: Int(late), veryLate: Int(veryLate))
        }
    }

    private mutating func namePolicy(_ members: [Name: Value]) -> Catalog.NamePolicy? {
        guard let text = text(members, "name_policy") else { return nil }
        if let policy = Catalog.NamePolicy(rawValue: text) { return policy }
        // A policy of a later server shows nothing here.
        guard form == .imported else { return Catalog.NamePolicy.none }
        at(.member("name_policy")) {
            $0.fault(
                "unknown_reference", "\"\(text)\" is none of none, first, full",
                known: Catalog.NamePolicy.allCases.map(\.rawValue))
        }
        return nil
    }
}
