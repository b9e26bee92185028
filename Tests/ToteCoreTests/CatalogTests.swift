import Foundation
import Testing
import ToteCore

@Suite struct CatalogTests {
    /// A small catalogue in the form that is imported; `change` edits its text.
    private static let text = """
        {"categories":[{"id":"hot","names":{"en":"Hot"}}],
        "groups":[{"id":"size","names":{"en":"Size"},"min":1,"max":1,"default":"M","choices":[
        {"id":"M","names":{"en":"M"}},{"id":"L","names":{"en":"L"},"price":{"EUR":50}}]}],
        "products":[{"sku":"latte","names":{"en":"Latte"},"category":"hot","barcodes":["401"],
        "tax":"food","groups":["size"],"price":{"EUR":400},"prices":{"paris":410}},
        {"sku":"mug","names":{"en":"Mug","fr":"Tasse"},"tax":"goods","price":{"USD":1200}}],
        "stores":[{"id":"paris","names":{"en":"Paris"},"currency":"EUR","tax_included":true,
        "taxes":{"food":55000},"open":[[1000,2000],[2000,3000]],"preparation_minutes":5,
        "slot_minutes":10,"slot_capacity":3,"expire_minutes":60,"sold_out":["mug"],
        "late_minutes":[5,10],"name_policy":"first",
        "location":[48860000,-2350000]}],
        "codes":[{"code":"W 1","sku":"latte","options":{"size":"L"},"store":"paris"},
        {"code":"M","sku":"mug","channel":"mail"}]}
        """

    private static func imported(_ text: String = Self.text) throws -> Catalog {
        try Catalog(imported: Encoding.json.value(Array(text.utf8)))
    }

    @Test func `a catalogue is what was written, in both forms`() throws {
        var catalog = try Self.imported()
        #expect(catalog.product("latte")?.names == ["en": "Latte"])
        #expect(catalog.product("latte ") == nil)
        #expect(catalog.product(barcode: "401")?.sku == "latte")
        #expect(catalog.product(barcode: "402") == nil)
        #expect(catalog.store("paris")?.open.map(\.to) == [2000, 3000])
        #expect(catalog.group("size")?.choice("L")?.price == ["EUR": 50])
        #expect(catalog.group("size")?.default == "M")
        #expect(catalog.scanned("W 1")?.line == LineName("latte", options: ["size": "L"]))
        #expect(catalog.codes.map(\.channel) == [nil, .mail])
        #expect(try Catalog(imported: catalog.importedValue) == catalog)
        catalog.version = 9
        let bytes = Encoding.json.encode(catalog.value)
        #expect(try Catalog(Encoding.json.value(bytes)) == catalog)
    }

    @Test func `members of a later server are passed over, but not in an import`() throws {
        let catalog = try Self.imported()
        guard case .map(let entries) = catalog.value else { return }
        let later = Value.map(
            entries.filter { $0.name != "version" }
                + [Value.Entry("allergens", .array([])), Value.Entry("version", .int(3))])
        #expect(try Catalog(later).version == 3)
        #expect(throws: CatalogFaults.self) { try Catalog(imported: later) }
        #expect(throws: CatalogError.self) { try Catalog(catalog.importedValue) }
    }

    @Test(arguments: [
        (#""sku":"mug""#, #""sku":"latte""#, "products[1].sku", "duplicate"),
        (#""sku":"mug""#, #""sku":"""#, "products[1].sku", "bad_text"),
        (#""sku":"mug","#, "", "products[1]", "missing_member"),
        (#""names":{"en":"Mug","fr":"Tasse"}"#, #""names":{}"#, "products[1].names", "bad_text"),
        (#""fr":"Tasse""#, #""français":"x""#, "products[1].names.français", "bad_id"),
        (#""USD":1200"#, #""USD":-1"#, "products[1].price.USD", "out_of_range"),
        (#""USD":1200"#, #""USD":1000000000001"#, "products[1].price.USD", "out_of_range"),
        (#""USD":1200"#, #""usd":1200"#, "products[1].price.usd", "bad_currency"),
        (#""USD":1200"#, "", "products[1].price", "price_missing"),
        (#""USD":1200"#, #""USD":"12.00""#, "products[1].price.USD", "wrong_type"),
        (#""USD":1200"#, #""EUR":1200"#, "stores[0].taxes", "tax_missing"),
        (#""category":"hot""#, #""category":"cold""#, "products[0].category", "unknown_reference"),
        (
            #""groups":["size"]"#, #""groups":["milk"]"#, "products[0].groups[0]",
            "unknown_reference"
        ),
        (#""groups":["size"]"#, #""groups":["size","size"]"#, "products[0].groups[1]", "duplicate"),
        (#"{"paris":410}"#, #"{"lyon":410}"#, "products[0].prices.lyon", "unknown_reference"),
        (#""default":"M""#, #""default":"S""#, "groups[0].default", "unknown_reference"),
        (#""max":1"#, #""max":3"#, "groups[0].max", "out_of_range"),
        (#""min":1"#, #""min":2"#, "groups[0].min", "out_of_range"),
        (#"{"id":"M","#, #"{"id":"L","#, "groups[0].choices[1].id", "duplicate"),
        (#"{"id":"M","#, #"{"id":"a,b","#, "groups[0].choices[0].id", "bad_id"),
        (#""id":"paris""#, #""id":"Paris Nord""#, "stores[0].id", "bad_id"),
        (#""currency":"EUR""#, #""currency":"EURO""#, "stores[0].currency", "bad_currency"),
        (#"{"food":55000}"#, #"{"food":1000001}"#, "stores[0].taxes.food", "out_of_range"),
        ("[2000,3000]", "[1999,3000]", "stores[0].open[1]", "intervals_overlap"),
        ("[2000,3000]", "[3000,3000]", "stores[0].open[1]", "intervals_overlap"),
        (#""sold_out":["mug"]"#, #""sold_out":["cup"]"#, "stores[0].sold_out", "unknown_reference"),
        (#""slot_minutes":10"#, #""slot_minutes":0"#, "stores[0].slot_minutes", "out_of_range"),
        (
            #""late_minutes":[5,10]"#, #""late_minutes":[9,8]"#, "stores[0].late_minutes",
            "out_of_range"
        ),
        (
            #""name_policy":"first""#, #""name_policy":"all""#, "stores[0].name_policy",
            "unknown_reference"
        ),
        (#""tax_included":true"#, #""tax_included":1"#, "stores[0].tax_included", "wrong_type"),
        (
            #""location":[48860000,"#, #""location":[90000001,"#, "stores[0].location[0]",
            "out_of_range"
        ),
        (#",-2350000]"#, #",-180000001]"#, "stores[0].location[1]", "out_of_range"),
        (#",-2350000]"#, #"]"#, "stores[0].location", "wrong_type"),
        (#",-2350000]"#, #","2.35"]"#, "stores[0].location[1]", "wrong_type"),
        (#""code":"M""#, #""code":"W 1""#, "codes[1].code", "duplicate"),
        (#""code":"M""#, #""code":"401""#, "codes[1].code", "duplicate"),
        (#""code":"M""#, #""code":"é""#, "codes[1].code", "bad_text"),
        (#""code":"M""#, #""code":"""#, "codes[1].code", "bad_text"),
        (
            #""code":"M","sku":"mug""#, #""code":"M","sku":"cup""#, "codes[1].sku",
            "unknown_reference"
        ),
        (#"{"size":"L"}"#, #"{"size":"S"}"#, "codes[0].options.size", "unknown_reference"),
        (#"{"size":"L"}"#, #"{"milk":"L"}"#, "codes[0].options.milk", "unknown_reference"),
        (#"{"size":"L"}"#, #"{}"#, "codes[0]", "missing_member"),
        (#"{"size":"L"}"#, #"{"size":""}"#, "codes[0].options.size", "unknown_reference"),
        (#"{"size":"L"}"#, #"{"size":"L,M"}"#, "codes[0].options.size", "out_of_range"),
        (#"{"size":"L"}"#, #"{"size":"L,L"}"#, "codes[0].options.size", "out_of_range"),
        (#""store":"paris""#, #""store":"lyon""#, "codes[0].store", "unknown_reference"),
        (#""channel":"mail""#, #""channel":"Mail""#, "codes[1].channel", "bad_id"),
        (
            #""tax_included":true"#, #""taxincluded":true"#, "stores[0].taxincluded",
            "unknown_member"
        ),
    ])
    func `a fault is told with its path and its code`(
        old: String, new: String, path: String, code: String
    ) throws {
        #expect(Self.text.contains(old))
        let text = Self.text.replacing(old, with: new)
        let value = try Encoding.json.value(Array(text.utf8))
        let faults = #expect(throws: CatalogFaults.self) { try Catalog(imported: value) }?.faults
        #expect(faults?.contains { $0.path == path && $0.code == code } == true, "\(faults ?? [])")
    }

    @Test func `all faults are told, but no more than a hundred`() throws {
        let product = Value.map(["sku": .int(1)])
        let value = Value.map([
            "products": .array(Array(repeating: product, count: 500)), "stores": .array([]),
        ])
        let faults = #expect(throws: CatalogFaults.self) { try Catalog(imported: value) }?.faults
        #expect(faults?.count == 100)
        let many = Value.map([
            "products": .array(Array(repeating: .null, count: 5_001)), "stores": .array([]),
        ])
        let one = #expect(throws: CatalogFaults.self) { try Catalog(imported: many) }?.faults
        #expect(one?.map(\.code) == ["too_many"])
    }

    @Test func `a barcode leads to one product`() throws {
        let text = Self.text.replacing(
            #""tax":"goods""#, with: #""tax":"goods","barcodes":["401"]"#)
        let value = try Encoding.json.value(Array(text.utf8))
        let faults = #expect(throws: CatalogFaults.self) { try Catalog(imported: value) }?.faults
        #expect(faults?.map(\.path) == ["products[1].barcodes[0]"])
    }

    @Test func `a product is sold out at one store, and had again`() throws {
        let catalog = try Self.imported()
        let line = [(item: LineName("latte", options: ["size": "L"]), quantity: Int64(1))]
        #expect(try catalog.quote(line, at: "paris").total == 460)
        let without = try #require(
            catalog.settingAvailability(sku: "latte", at: "paris", isAvailable: false))
        #expect(throws: QuoteRefusal.lines(code: "sold_out", items: ["latte|size=L"])) {
            try without.quote(line, at: "paris")
        }
        #expect(
            without.settingAvailability(sku: "latte", at: "paris", isAvailable: true) == catalog)
        #expect(catalog.settingAvailability(sku: "tea", at: "paris", isAvailable: true) == nil)
        #expect(catalog.settingAvailability(sku: "latte", at: "rome", isAvailable: true) == nil)
    }

    @Test(arguments: [
        (450, "EUR", "4.50 EUR"), (5, "EUR", "0.05 EUR"), (-450, "EUR", "-4.50 EUR"),
        (600, "JPY", "600 JPY"), (1_250, "KWD", "1.250 KWD"), (0, "BHD", "0.000 BHD"),
        (1, "TND", "0.001 TND"), (12_345, "CLF", "1.2345 CLF"), (7, "XYZ", "7 XYZ"),
    ])
    func `an amount is shown with its currency's decimals`(
        amount: Int64, code: String, text: String
    ) {
        #expect(Currency.text(amount, code) == text)
    }

    @Test(
        arguments: [
            ("4.50", "EUR", 450), ("4.5", "EUR", 450), ("4", "EUR", 400), ("600", "JPY", 600),
            ("1.25", "KWD", 1_250), ("-0.20", "EUR", -20), ("0", "EUR", 0),
            ("10000000000.00", "EUR", 1_000_000_000_000), ("10000000000.01", "EUR", nil),
            ("4.505", "EUR", nil), ("600.0", "JPY", nil), ("4,50", "EUR", nil), ("4.", "EUR", nil),
            (".5", "EUR", nil), ("", "EUR", nil), ("+4", "EUR", nil), ("4e2", "EUR", nil),
            ("99999999999999999999", "JPY", nil), ("1", "XYZ", nil), (" 4", "EUR", nil),
        ] as [(String, String, Int64?)])
    func `a price is read exactly or not at all`(text: String, code: String, amount: Int64?) {
        #expect(Currency.amount(text, code) == amount)
    }

    @Test func `the published schema lists the members that the reader knows`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: root.appending(path: "Protocol/catalog.schema.json"))
        let schema = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        let parts = try #require(schema["$defs"] as? [String: [String: Any]])
        let shapes: [(name: String, schema: [String: Any]?, shape: CatalogShape)] = [
            ("category", parts["category"], .category), ("group", parts["group"], .group),
            ("choice", parts["choice"], .choice), ("product", parts["product"], .product),
            ("store", parts["store"], .localStore), ("catalog", schema, .catalog),
            ("programme", parts["programme"], .localProgramme),
            ("earning", parts["earning"], .earning),
            ("multiplier", parts["multiplier"], .multiplier), ("tier", parts["tier"], .tier),
            ("code", parts["code"], .code), ("reward", parts["reward"], .reward),
            ("leases", parts["leases"], .leases),
        ]
        for (name, schema, shape) in shapes {
            let listed = try #require(schema?["properties"] as? [String: Any], "\(name)")
            let ignored: Set = name == "catalog" ? ["$schema", "version"] : []
            #expect(Set(listed.keys).subtracting(ignored) == Set(shape.members.map(\.name)))
            let required = schema?["required"] as? [String] ?? []
            #expect(
                Set(required) == Set(shape.members.filter(\.isRequired).map(\.name)), "\(name)")
            #expect(schema?["additionalProperties"] as? Bool == false, "\(name)")
        }
        let hours = try #require(parts["hours"]?["properties"] as? [String: Any])
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "closed", "special"]
        #expect(Set(hours.keys) == Set(days))
    }
}
