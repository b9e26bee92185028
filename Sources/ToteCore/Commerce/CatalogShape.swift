/// The members that an object of a catalogue has. The published schema lists the same ones.
package struct CatalogShape: Sendable {
    /// One member.
    package struct Member: Sendable {
        package let name: String
        package let isRequired: Bool
    }

    /// What the object is, in a sentence.
    package let what: String
    package let members: [Member]

    /// Names that end in `?` may be left out.
    package init(_ what: String, _ names: [String]) {
        self.what = what
        members = names.map { name in
            let isOptional = name.utf8.last == UInt8(ascii: "?")
            return Member(
                name: isOptional ? String(name.dropLast()) : name, isRequired: !isOptional)
        }
    }

    package static let catalog = CatalogShape(
        "a catalogue", ["categories?", "groups?", "products", "stores", "programme?", "codes?"])
    package static let servedCatalog = CatalogShape(
        "a catalogue",
        ["version", "categories?", "groups?", "products", "stores", "programme?", "codes?"])
    package static let code = CatalogShape(
        "a code", ["code", "sku", "options?", "store?", "channel?"])
    package static let category = CatalogShape("a category", ["id", "names"])
    package static let group = CatalogShape(
        "an option group", ["id", "names", "min", "max", "default?", "choices"])
    package static let choice = CatalogShape("a choice", ["id", "names", "price?"])
    package static let product = CatalogShape(
        "a product",
        [
            "sku", "names", "category?", "barcodes?", "tax", "groups?", "price", "prices?",
            "limit?",
            "places?",
        ])
    package static let place = CatalogShape("a place", ["aisle", "bin?"])
    /// What a store has besides its hours, in every form.
    private static let storeMembers = [
        "id", "names", "currency", "tax_included", "taxes", "preparation_minutes", "slot_minutes",
        "slot_capacity", "expire_minutes", "sold_out?", "late_minutes", "name_policy", "location?",
    ]
    package static let store = CatalogShape("a store", storeMembers + ["open"])
    /// A store as people write it: in its own time, which becomes `open`.
    package static let localStore = CatalogShape(
        "a store", storeMembers + ["time_zone?", "hours?", "open?"])
    /// What a programme has besides the periods of its tiers, in every form.
    private static let programmeMembers = [
        "names", "earn", "multipliers?", "tiers?", "rewards?", "expiry_months?", "pending_hours?",
        "welcome?", "refund_policy?", "leases?", "offers?", "challenges?",
    ]
    package static let programme = CatalogShape(
        "a programme", programmeMembers + ["tier_periods?"])
    /// A programme as people write it: with a time zone, by which tiers get their periods.
    package static let localProgramme = CatalogShape(
        "a programme", programmeMembers + ["time_zone?", "tier_period?", "tier_periods?"])
    package static let earning = CatalogShape(
        "a rule of earning", ["currency", "points", "per", "rounding"])
    package static let multiplier = CatalogShape("a multiplier", ["sku", "times"])
    package static let tier = CatalogShape("a tier", ["id", "names", "from", "times"])
    package static let reward = CatalogShape(
        "a reward", ["id", "names", "points", "discount?", "product?"])
    package static let offer = CatalogShape(
        "an offer",
        [
            "id", "names", "total", "each?", "from?", "until?", "listed?", "needs?", "discount?",
            "product?",
        ])
    package static let needs = CatalogShape("what an offer needs", ["orders", "days", "sku?"])
    package static let challenge = CatalogShape(
        "a challenge",
        ["id", "names", "days", "from", "until", "offset_minutes?", "sku?", "points?", "offer?"])
    package static let leases = CatalogShape(
        "the rules of leases",
        ["points_max?", "share?", "card_max?", "stop_hours?", "grace_hours?"])
}
