// Offers and challenges of a programme, and what must hold between them and the rest.

extension CatalogReader {
    /// `nil`, too, for one whose benefit only a later server knows.
    mutating func offer(_ value: Value) -> Programme.Offer? {
        guard let members = members(value, .offer) else { return nil }
        let before = faults.count
        let id = id(members, "id", most: Catalog.idBytesMax)
        let names = names(members)
        let benefit = benefit(members, of: "an offer")
        let total = integer(members, "total", 1...Programme.pointsMax)
        let each = integer(members, "each", 1...Programme.eachMax)
        let from = integer(members, "from", 0...Limits.integerMax)
        let until = integer(members, "until", 0...Limits.integerMax)
        let listed = flag(members, "listed")
        let needs = members["needs"].flatMap { value in
            at(.member("needs")) { $0.needs(value) }
        }
        if let from, let until, from >= until {
            at(.member("until")) {
                $0.fault("out_of_order", "\(until) must be after \(from), where it begins")
            }
        }
        if listed == true, needs != nil {
            at(.member("needs")) {
                $0.fault("duplicate", "an offer is `listed` or has `needs`, not both")
            }
        }
        guard faults.count == before, let id, let names, let benefit, let total else { return nil }
        return Programme.Offer(
            id: id, names: names, benefit: benefit, total: total, each: each ?? 1,
            from: from.map { UInt64($0) }, until: until.map { UInt64($0) },
            audience: needs ?? (listed == true ? .listed : .everybody))
    }

    private mutating func needs(_ value: Value) -> Programme.Offer.Audience? {
        guard let members = members(value, .needs) else { return nil }
        let before = faults.count
        let orders = integer(members, "orders", 1...Programme.needsOrdersMax)
        let days = integer(members, "days", 1...Programme.needsDaysMax)
        let sku = sku(members, "sku")
        guard faults.count == before, let orders, let days else { return nil }
        return .buyers(orders: Int(orders), days: Int(days), sku: sku)
    }

    /// `nil`, too, for one whose prize only a later server knows.
    mutating func challenge(_ value: Value) -> Programme.Challenge? {
        guard let members = members(value, .challenge) else { return nil }
        let before = faults.count
        let id = id(members, "id", most: Catalog.idBytesMax)
        let names = names(members)
        let days = integer(members, "days", 1...Programme.challengeDaysMax)
        let from = integer(members, "from", 0...Limits.integerMax)
        let until = integer(members, "until", 0...Limits.integerMax)
        let most = Programme.offsetMinutesMax
        let offset = integer(members, "offset_minutes", -most...most)
        let sku = sku(members, "sku")
        let prize = prize(members)
        if let from, let until, from >= until {
            at(.member("until")) {
                $0.fault("out_of_order", "\(until) must be after \(from), where it begins")
            }
        }
        guard faults.count == before, let id, let names, let days, let from, let until, let prize
        else { return nil }
        return Programme.Challenge(
            id: id, names: names, days: Int(days), from: UInt64(from), until: UInt64(until),
            offsetMinutes: offset ?? 0, sku: sku, prize: prize)
    }

    private mutating func prize(_ members: [Name: Value]) -> Programme.Challenge.Prize? {
        switch (members["points"], members["offer"]) {
        case (_?, nil):
            return integer(members, "points", 1...Programme.pointsMax).map { .points($0) }
        case (nil, _?):
            return self.id(members, "offer", most: Catalog.idBytesMax).map { .offer($0) }
        case (nil, nil):
            if form == .imported {
                fault(
                    "missing_member",
                    "`points` or `offer` of a challenge is missing: its prize is one of them")
            }
            return nil
        case (_?, _?):
            at(.member("offer")) {
                $0.fault("duplicate", "a challenge has `points` or `offer`, not both")
            }
            return nil
        }
    }

    /// What offers and challenges name is there, and each stands once in its list.
    mutating func checkOffers(of programme: Programme, _ catalog: Catalog) {
        unique(programme.offers.map(\.id), in: ["offers"], "id")
        unique(programme.challenges.map(\.id), in: ["challenges"], "id")
        func skus() -> [String] { catalog.products.map(\.sku) }
        for (place, offer) in programme.offers.enumerated() {
            let way: [CatalogError.Step] = [.member("offers"), .index(place)]
            check(offer.benefit, at: way, catalog)
            guard case .buyers(_, _, let sku?) = offer.audience, catalog.product(sku) == nil
            else { continue }
            reference(way + [.member("needs"), .member("sku")], sku, "product", skus())
        }
        for (place, challenge) in programme.challenges.enumerated() {
            let way: [CatalogError.Step] = [.member("challenges"), .index(place)]
            if let sku = challenge.sku, catalog.product(sku) == nil {
                reference(way + [.member("sku")], sku, "product", skus())
            }
            if case .offer(let id) = challenge.prize, programme.offer(id) == nil {
                reference(
                    way + [.member("offer")], id, "offer", programme.offers.map(\.id))
            }
        }
    }
}
