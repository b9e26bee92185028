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
        "a catalogue", ["categories?", "groups?", "products", "stores"])
    package static let servedCatalog = CatalogShape(
        "a catalogue", ["version", "categories?", "groups?", "products", "stores"])
    package static let category = CatalogShape("a category", ["id", "names"])
    package static let group = CatalogShape(
        "an option group", ["id", "names", "min", "max", "default?", "choices"])
    package static let choice = CatalogShape("a choice", ["id", "names", "price?"])
    package static let product = CatalogShape(
        "a product",
        ["sku", "names", "category?", "barcodes?", "tax", "groups?", "price", "prices?"])
    /// What a store has besides its hours, in every form.
    private static let storeMembers = [
        "id", "names", "currency", "tax_included", "taxes", "preparation_minutes", "slot_minutes",
        "slot_capacity", "expire_minutes", "sold_out?", "late_minutes", "name_policy",
    ]
    package static let store = CatalogShape("a store", storeMembers + ["open"])
    /// A store as people write it: in its own time, which becomes `open`.
    package static let localStore = CatalogShape(
        "a store", storeMembers + ["time_zone?", "hours?", "open?"])
}
