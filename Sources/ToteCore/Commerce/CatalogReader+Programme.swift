// The programme of a catalogue, and what must hold between it and the rest.

extension CatalogReader {
    mutating func programme(_ value: Value) -> Programme? {
        guard let members = members(value, .programme) else { return nil }
        let before = faults.count
        let names = names(members)
        let earnings = list(members["earn"], "earn", most: Programme.earningsMax) {
            $0.earning($1)
        }
        let multipliers = list(
            members["multipliers"], "multipliers", most: Catalog.productsMax
        ) { $0.multiplier($1) }
        let tiers = tiers(members)
        let periods = periods(members)
        if !tiers.isEmpty, members["tier_periods"] == nil {
            fault("missing_member", "`tier_periods` of a programme with tiers is missing")
        }
        let rewards = list(members["rewards"], "rewards", most: Programme.rewardsMax) {
            $0.reward($1)
        }
        let offers = list(members["offers"], "offers", most: Programme.offersMax) { $0.offer($1) }
        let challenges = list(
            members["challenges"], "challenges", most: Programme.challengesMax
        ) { $0.challenge($1) }
        let terms = terms(members)
        guard faults.count == before, let names, let terms else { return nil }
        return Programme(
            names: names, earnings: earnings, multipliers: multipliers, tiers: (tiers, periods),
            rewards: rewards, offers: offers, challenges: challenges, terms: terms)
    }

    private mutating func terms(_ members: [Name: Value]) -> Programme.Terms? {
        let before = faults.count
        let months = integer(members, "expiry_months", 1...Programme.expiryMonthsMax)
        let pending = integer(members, "pending_hours", 0...Programme.pendingHoursMax)
        let welcome = integer(members, "welcome", 0...Programme.welcomeMax)
        let policy: Programme.RefundPolicy? = word(members, "refund_policy")
        let leases = members["leases"].map { value in
            at(.member("leases")) { $0.leases(value) }
        }
        guard faults.count == before else { return nil }
        return Programme.Terms(
            expiryMonths: months.map { Int($0) }, pendingHours: Int(pending ?? 0),
            welcome: welcome ?? 0, refundPolicy: policy ?? .withinBalance,
            leases: (leases ?? nil) ?? .standard)
    }

    /// A word out of a list. One that is not in it is a fault of an import; that of a later server
    /// says nothing here.
    private mutating func word<Word: RawRepresentable & CaseIterable>(
        _ members: [Name: Value], _ name: String
    ) -> Word? where Word.RawValue == String {
        guard let text = text(members, name) else { return nil }
        if let word = Word(rawValue: text) { return word }
        guard form == .imported else { return nil }
        let known = Word.allCases.map(\.rawValue)
        at(.member(name)) {
            $0.fault(
                "unknown_reference", "\"\(text)\" is none of \(known.joined(separator: ", "))",
                known: known)
        }
        return nil
    }

    private mutating func code(_ members: [Name: Value], _ name: String) -> String? {
        text(members, name).flatMap { text in at(.member(name)) { $0.currency(text) } }
    }

    mutating func sku(_ members: [Name: Value], _ name: String) -> String? {
        guard let value = members[Name(name)] else { return nil }
        return at(.member(name)) { $0.label(value, most: Catalog.skuBytesMax) }
    }

    /// `nil`, too, for a rounding of a later server: what it earns is not known here.
    private mutating func earning(_ value: Value) -> Programme.Earning? {
        guard let members = members(value, .earning) else { return nil }
        let currency = code(members, "currency")
        let points = integer(members, "points", 1...Programme.pointsMax)
        let per = integer(members, "per", 1...Catalog.amountMax)
        let rounding: Programme.Earning.Rounding? = word(members, "rounding")
        guard let currency, let points, let per, let rounding else { return nil }
        return Programme.Earning(
            currency: currency, points: points, per: per, rounding: rounding)
    }

    private mutating func multiplier(_ value: Value) -> Programme.Multiplier? {
        guard let members = members(value, .multiplier) else { return nil }
        let sku = sku(members, "sku")
        let times = integer(members, "times", 0...Programme.timesMax)
        guard let sku, let times else { return nil }
        return Programme.Multiplier(sku: sku, times: times)
    }

    private mutating func tiers(_ members: [Name: Value]) -> [Programme.Tier] {
        var last: Int64 = -1
        return list(members["tiers"], "tiers", most: Programme.tiersMax) { reader, value in
            guard let members = reader.members(value, .tier) else { return nil }
            let id = reader.id(members, "id", most: Catalog.optionBytesMax)
            let names = reader.names(members)
            let from = reader.integer(members, "from", 0...Programme.pointsMax)
            let times = reader.integer(members, "times", 0...Programme.timesMax)
            guard let id, let names, let from, let times else { return nil }
            guard from > last else {
                reader.at(.member("from")) {
                    $0.fault(
                        "out_of_order",
                        "\(from) must be more than the \(last) of the tier before it")
                }
                return nil
            }
            last = from
            return Programme.Tier(id: id, names: names, from: from, times: times)
        }
    }

    private mutating func periods(_ members: [Name: Value]) -> [Programme.Period] {
        guard let value = members["tier_periods"] else { return [] }
        if value == .array([]) {
            at(.member("tier_periods")) {
                $0.fault("out_of_range", "at least one period is needed")
            }
        }
        var last: Int64?
        return list(value, "tier_periods", most: Programme.tierPeriodsMax) { reader, value in
            guard let (start, end) = reader.pair(value, 0...Limits.integerMax) else { return nil }
            guard start < end, start == last ?? start else {
                let place = last.map { "begin at \($0), where the one before it ends, and " }
                reader.fault(
                    "out_of_order",
                    "[\(start), \(end)] must \(place ?? "")end after it begins")
                return nil
            }
            last = end
            return Programme.Period(start: UInt64(start), end: UInt64(end))
        }
    }

    private mutating func reward(_ value: Value) -> Programme.Reward? {
        guard let members = members(value, .reward) else { return nil }
        let id = id(members, "id", most: Catalog.idBytesMax)
        let names = names(members)
        let points = integer(members, "points", 1...Programme.pointsMax)
        let benefit = benefit(members, of: "a reward")
        guard let id, let names, let points, let benefit else { return nil }
        return Programme.Reward(id: id, names: names, points: points, benefit: benefit)
    }

    /// `nil`, too, for what only a later server can offer.
    mutating func benefit(_ members: [Name: Value], of what: String) -> Programme.Benefit? {
        switch (members["discount"], members["product"]) {
        case (let discount?, nil):
            let before = faults.count
            let amounts = prices(discount, "discount", least: 1)
            if amounts.isEmpty, faults.count == before {
                at(.member("discount")) {
                    $0.fault("price_missing", "this discount is worth nothing in any currency")
                }
            }
            return .discount(amounts)
        case (nil, _?): return sku(members, "product").map { .product($0) }
        case (nil, nil):
            if form == .imported {
                fault(
                    "missing_member",
                    "`discount` or `product` of \(what) is missing: it has one of them")
            }
            return nil
        case (_?, _?):
            at(.member("product")) {
                $0.fault("duplicate", "\(what) has `discount` or `product`, not both")
            }
            return nil
        }
    }

    /// Whether what a benefit names is in the catalogue.
    mutating func check(
        _ benefit: Programme.Benefit, at way: [CatalogError.Step], _ catalog: Catalog
    ) {
        switch benefit {
        case .product(let sku):
            guard catalog.product(sku) == nil else { return }
            reference(way + [.member("product")], sku, "product", catalog.products.map(\.sku))
        case .discount(let amounts):
            let currencies = Set(catalog.stores.map(\.currency))
            for code in amounts.keys.sorted() where !currencies.contains(code) {
                reference(
                    way + [.member("discount"), .member(code)], code, "store with the currency",
                    currencies.sorted())
            }
        }
    }

    private mutating func leases(_ value: Value) -> Programme.LeasePolicy? {
        guard let members = members(value, .leases) else { return nil }
        let standard = Programme.LeasePolicy.standard
        let points = integer(members, "points_max", 0...Programme.pointsMax)
        let share = integer(members, "share", 0...Programme.shareMax)
        let cards = prices(members["card_max"], "card_max", least: 0)
        let stop = integer(members, "stop_hours", 1...Programme.stopHoursMax)
        let grace = integer(members, "grace_hours", 1...Programme.graceHoursMax)
        return Programme.LeasePolicy(
            pointsMax: points ?? standard.pointsMax, share: share ?? standard.share,
            cardMax: cards, stopHours: stop.map { Int($0) } ?? standard.stopHours,
            graceHours: grace.map { Int($0) } ?? standard.graceHours)
    }

    /// Everything that a programme names is in the catalogue, and each thing once in its list.
    mutating func checkProgramme(_ catalog: Catalog) {
        guard let programme = catalog.programme else { return }
        steps = [.member("programme")]
        let currencies = Set(catalog.stores.map(\.currency))
        func known() -> [String] { currencies.sorted() }
        func skus() -> [String] { catalog.products.map(\.sku) }
        unique(programme.earnings.map(\.currency), in: ["earn"], "currency")
        for (place, earning) in programme.earnings.enumerated()
        where !currencies.contains(earning.currency) {
            reference(
                [.member("earn"), .index(place), .member("currency")], earning.currency,
                "store with the currency", known())
        }
        unique(programme.multipliers.map(\.sku), in: ["multipliers"], "sku")
        for (place, multiplier) in programme.multipliers.enumerated()
        where catalog.product(multiplier.sku) == nil {
            reference(
                [.member("multipliers"), .index(place), .member("sku")], multiplier.sku, "product",
                skus())
        }
        unique(programme.tiers.map(\.id), in: ["tiers"], "id")
        unique(programme.rewards.map(\.id), in: ["rewards"], "id")
        for (place, reward) in programme.rewards.enumerated() {
            check(reward.benefit, at: [.member("rewards"), .index(place)], catalog)
        }
        checkOffers(of: programme, catalog)
        for code in programme.leases.cardMax.keys.sorted() where !currencies.contains(code) {
            reference(
                [.member("leases"), .member("card_max"), .member(code)], code,
                "store with the currency", known())
        }
    }
}
