import Testing
import ToteCore

/// The programme's part of a catalogue: read, written, and refused.
@Suite struct ProgrammeFormTests {
    private static let programme = """
        {"names":{"en":"Beans"},"earn":[{"currency":"EUR","points":1,"per":10,"rounding":"down"},
        {"currency":"JPY","points":2,"per":15,"rounding":"nearest"}],
        "multipliers":[{"sku":"mug","times":2000}],
        "tiers":[{"id":"silver","names":{"en":"S"},"from":100,"times":1250},
        {"id":"gold","names":{"en":"G"},"from":500,"times":1500}],
        "tier_periods":[[1000,2000],[2000,3000]],
        "rewards":[{"id":"two","names":{"en":"2 off"},"points":300,"discount":{"EUR":200}},
        {"id":"mug","names":{"en":"A mug"},"points":900,"product":"mug"}],
        "expiry_months":12,"pending_hours":24,"welcome":50,"refund_policy":"debt",
        "leases":{"points_max":1000,"share":250,"card_max":{"EUR":5000},"stop_hours":24,
        "grace_hours":48}}
        """

    private static func text(_ programme: String = Self.programme) -> String {
        let store = """
            "names":{"en":"x"},"tax_included":true,"taxes":{"t":0},"open":[],
            "preparation_minutes":5,"slot_minutes":10,"slot_capacity":3,"expire_minutes":60,
            "late_minutes":[5,10],"name_policy":"none"
            """
        return """
            {"products":[{"sku":"latte","names":{"en":"x"},"tax":"t","price":{"EUR":400}},
            {"sku":"mug","names":{"en":"x"},"tax":"t","price":{"EUR":1200}}],
            "stores":[{"id":"paris","currency":"EUR",\(store)},
            {"id":"tokyo","currency":"JPY",\(store)}],"programme":\(programme)}
            """
    }

    private static func imported(_ programme: String = Self.programme) throws -> Catalog {
        try Catalog(imported: Encoding.json.value(Array(text(programme).utf8)))
    }

    @Test func `a programme is what was written, in both forms`() throws {
        var catalog = try Self.imported()
        let programme = try #require(catalog.programme)
        #expect(programme.names == ["en": "Beans"])
        #expect(programme.earning(in: "JPY")?.per == 15 && programme.earning(in: "USD") == nil)
        #expect(programme.multipliers.map(\.times) == [2_000])
        #expect(programme.tiers.map(\.id) == ["silver", "gold"])
        #expect(programme.tierPeriods.map(\.end) == [2_000, 3_000])
        #expect(programme.reward("two")?.benefit == .discount(["EUR": 200]))
        #expect(programme.reward("mug")?.benefit == .product("mug"))
        #expect(programme.expiryMonths == 12 && programme.pendingHours == 24)
        #expect(programme.welcome == 50 && programme.refundPolicy == .debt)
        #expect(programme.leases.pointsMax == 1_000 && programme.leases.share == 250)
        #expect(programme.leases.cardMax == ["EUR": 5_000])
        #expect(programme.leases.stopHours == 24 && programme.leases.graceHours == 48)
        #expect(try Catalog(imported: catalog.importedValue) == catalog)
        catalog.version = 9
        let bytes = Encoding.json.encode(catalog.value)
        #expect(try Catalog(Encoding.json.value(bytes)) == catalog)
        let soldOut = catalog.settingAvailability(sku: "mug", at: "paris", isAvailable: false)
        #expect(soldOut?.programme == programme)
    }

    @Test func `most of it may be left out, and is served with what holds then`() throws {
        let catalog = try Self.imported(#"{"names":{"en":"x"},"earn":[]}"#)
        let programme = try #require(catalog.programme)
        #expect(programme.expiryMonths == nil && programme.pendingHours == 0)
        #expect(programme.welcome == 0 && programme.refundPolicy == .withinBalance)
        #expect(programme.leases.pointsMax == 2_000 && programme.leases.share == 500)
        #expect(programme.leases.stopHours == 72 && programme.leases.graceHours == 336)
        #expect(programme.leases.cardMax.isEmpty && programme.tiers.isEmpty)
        let served = catalog.importedValue["programme"]
        #expect(served?["leases"]?["grace_hours"] == .int(336))
        #expect(served?["refund_policy"] == .text("within_balance"))
        #expect(try Catalog(imported: catalog.importedValue) == catalog)
        let none = try Encoding.json.value(Array(Self.text().utf8))
        guard case .map(let entries) = none else { return }
        let without = try Catalog(imported: .map(entries.filter { $0.name != "programme" }))
        #expect(without.programme == nil && without.importedValue["programme"] == nil)
    }

    @Test func `what only a later server knows is passed over, but not in an import`() throws {
        let later = Self.programme
            .replacing(#""discount":{"EUR":200}"#, with: #""upgrade":"L""#)
            .replacing(#""rounding":"nearest""#, with: #""rounding":"even""#)
            .replacing(#""refund_policy":"debt""#, with: #""refund_policy":"ask""#)
            .replacing(#""welcome":50"#, with: #""birthday":50"#)
        let value = try Encoding.json.value(Array(Self.text(later).utf8))
        #expect(throws: CatalogFaults.self) { try Catalog(imported: value) }
        guard case .map(let entries) = value else { return }
        let served = entries + [Value.Entry("version", .int(3))]
        let programme = try #require(try Catalog(.map(served)).programme)
        #expect(programme.rewards.map(\.id) == ["mug"])
        #expect(programme.earnings.map(\.currency) == ["EUR"])
        #expect(programme.refundPolicy == .withinBalance && programme.welcome == 0)
    }

    @Test(arguments: [
        (#""names":{"en":"Beans"},"#, "", "", "missing_member"),
        (#"{"en":"Beans"}"#, "{}", "names", "bad_text"),
        (#""points":1,"#, #""points":0,"#, "earn[0].points", "out_of_range"),
        (#""points":1,"#, #""points":1000000001,"#, "earn[0].points", "out_of_range"),
        (#""per":10"#, #""per":0"#, "earn[0].per", "out_of_range"),
        (#""per":10"#, #""per":1000000000001"#, "earn[0].per", "out_of_range"),
        (#""per":10"#, #""per":"10""#, "earn[0].per", "wrong_type"),
        (#""rounding":"down""#, #""rounding":"floor""#, "earn[0].rounding", "unknown_reference"),
        (#""currency":"EUR""#, #""currency":"USD""#, "earn[0].currency", "unknown_reference"),
        (#""currency":"EUR""#, #""currency":"JPY""#, "earn[1].currency", "duplicate"),
        (#""currency":"EUR""#, #""currency":"euro""#, "earn[0].currency", "bad_currency"),
        (#""sku":"mug""#, #""sku":"cup""#, "multipliers[0].sku", "unknown_reference"),
        (#""times":2000"#, #""times":100001"#, "multipliers[0].times", "out_of_range"),
        (#""times":2000"#, #""times":-1"#, "multipliers[0].times", "out_of_range"),
        (
            #"{"sku":"mug","times":2000}"#, #"{"sku":"mug","times":1},{"sku":"mug","times":2}"#,
            "multipliers[1].sku", "duplicate"
        ),
        (#""from":500"#, #""from":100"#, "tiers[1].from", "out_of_order"),
        (#""from":100"#, #""from":-1"#, "tiers[0].from", "out_of_range"),
        (#""id":"gold""#, #""id":"silver""#, "tiers[1].id", "duplicate"),
        (#""id":"gold""#, #""id":"very gold""#, "tiers[1].id", "bad_id"),
        (#""times":1500"#, #""time":1500"#, "tiers[1].time", "unknown_member"),
        (#""tier_periods":[[1000,2000],[2000,3000]],"#, "", "", "missing_member"),
        ("[[1000,2000],[2000,3000]]", "[]", "tier_periods", "out_of_range"),
        ("[2000,3000]", "[2001,3000]", "tier_periods[1]", "out_of_order"),
        ("[2000,3000]", "[1999,3000]", "tier_periods[1]", "out_of_order"),
        ("[1000,2000]", "[2000,2000]", "tier_periods[0]", "out_of_order"),
        ("[1000,2000]", "[1000]", "tier_periods[0]", "wrong_type"),
        (#""tier_periods""#, #""tier_period""#, "tier_period", "unknown_member"),
        (#""id":"two""#, #""id":"mug""#, "rewards[1].id", "duplicate"),
        (#""points":300"#, #""points":0"#, "rewards[0].points", "out_of_range"),
        (#"{"EUR":200}"#, #"{"EUR":0}"#, "rewards[0].discount.EUR", "out_of_range"),
        (#"{"EUR":200}"#, #"{"USD":200}"#, "rewards[0].discount.USD", "unknown_reference"),
        (#"{"EUR":200}"#, "{}", "rewards[0].discount", "price_missing"),
        (#","discount":{"EUR":200}"#, "", "rewards[0]", "missing_member"),
        (
            #""discount":{"EUR":200}"#, #""discount":{"EUR":200},"product":"mug""#,
            "rewards[0].product", "duplicate"
        ),
        (#""product":"mug""#, #""product":"cup""#, "rewards[1].product", "unknown_reference"),
        (#""expiry_months":12"#, #""expiry_months":0"#, "expiry_months", "out_of_range"),
        (#""expiry_months":12"#, #""expiry_months":121"#, "expiry_months", "out_of_range"),
        (#""pending_hours":24"#, #""pending_hours":2161"#, "pending_hours", "out_of_range"),
        (#""welcome":50"#, #""welcome":1000001"#, "welcome", "out_of_range"),
        (
            #""refund_policy":"debt""#, #""refund_policy":"dept""#, "refund_policy",
            "unknown_reference"
        ),
        (#""share":250"#, #""share":1001"#, "leases.share", "out_of_range"),
        (#""points_max":1000"#, #""points_max":-1"#, "leases.points_max", "out_of_range"),
        (#"{"EUR":5000}"#, #"{"USD":5000}"#, "leases.card_max.USD", "unknown_reference"),
        (#""stop_hours":24"#, #""stop_hours":0"#, "leases.stop_hours", "out_of_range"),
        (#""grace_hours":48"#, #""grace_hours":2161"#, "leases.grace_hours", "out_of_range"),
        (#""grace_hours":48"#, #""grace":48"#, "leases.grace", "unknown_member"),
    ])
    func `a fault is told with its path and its code`(
        old: String, new: String, path: String, code: String
    ) throws {
        #expect(Self.programme.contains(old))
        let text = Self.text(Self.programme.replacing(old, with: new, maxReplacements: 1))
        let value = try Encoding.json.value(Array(text.utf8))
        let faults = #expect(throws: CatalogFaults.self) { try Catalog(imported: value) }?.faults
        let place = path.isEmpty ? "programme" : "programme.\(path)"
        #expect(
            faults?.contains { $0.path == place && $0.code == code } == true,
            "\((faults ?? []).map { "\($0.path): \($0.code): \($0.message)" })")
    }

    @Test func `lists are bounded`() throws {
        let tiers = (0..<21).map {
            #"{"id":"t\#($0)","names":{"en":"x"},"from":\#($0),"times":1000}"#
        }
        let rewards = (0..<201).map {
            #"{"id":"r\#($0)","names":{"en":"x"},"points":1,"product":"mug"}"#
        }
        let periods = (0..<401).map { "[\($0),\($0 + 1)]" }
        let lists = [("tiers", tiers), ("rewards", rewards), ("tier_periods", periods)]
        for (name, list) in lists {
            let text = Self.text(
                #"{"names":{"en":"x"},"earn":[],"\#(name)":[\#(list.joined(separator: ","))]}"#)
            let value = try Encoding.json.value(Array(text.utf8))
            let faults = #expect(throws: CatalogFaults.self) {
                try Catalog(imported: value)
            }?.faults
            let isTold = faults?.contains {
                $0.path == "programme.\(name)" && $0.code == "too_many"
            }
            #expect(isTold == true, "\(name): \(faults ?? [])")
        }
    }
}
