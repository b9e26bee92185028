import Foundation
import Testing

/// `tote catalog`: files, their faults, and opening hours in UTC.
@Suite struct CatalogCommandTests {
    private let directory: URL

    init() throws { directory = try SimulatorProgram.makeDirectory() }

    /// A catalogue with one store; `hours` and `zone` stand on lines 8 and 9.
    private static func menu(hours: String = "{}", zone: String = "Europe/Paris") -> String {
        """
        {
          "products": [
            {"sku": "latte", "names": {"en": "Latte"}, "tax": "food", "price": {"EUR": 450}}
          ],
          "stores": [{
            "id": "paris", "names": {"en": "Paris"}, "currency": "EUR", "tax_included": true,
            "taxes": {"food": 55000}, "preparation_minutes": 5, "slot_minutes": 10,
            "hours": \(hours),
            "time_zone": "\(zone)",
            "slot_capacity": 5, "expire_minutes": 60, "late_minutes": [5, 10],
            "name_policy": "first"
          }]
        }
        """
    }

    private func file(_ name: String, _ text: String) throws -> String {
        let url = directory.appendingPathComponent(name)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    private func tote(_ arguments: String...) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run(
            "tote", ["catalog"] + arguments,
            environment: ["TOTE_DATA": directory.appendingPathComponent("data").path])
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// The intervals of the only store, as UTC text.
    private func intervals(
        _ hours: String, _ zone: String, from: String, days: Int
    ) async throws -> [String] {
        let menu = try file("menu.json", Self.menu(hours: hours, zone: zone))
        let checked = try await tote(
            "check", menu, "--from", from, "--days", "\(days)", "--json")
        #expect(checked.exit == 0, "\(checked.error)")
        let catalog = try object(checked.out)["catalog"] as? [String: Any]
        let stores = try #require(catalog?["stores"] as? [[String: Any]])
        let open = try #require(stores.first?["open"] as? [[Int]])
        let style = Date.ISO8601FormatStyle()
        return open.map { interval in
            interval.map {
                Date(timeIntervalSince1970: Double($0) / 1_000).formatted(style).dropLast(4)
            }.joined(separator: " ")
        }
    }

    // Europe/Paris: forward on 2026-03-29 at 02:00, back on 2026-10-25 at 03:00.
    // America/New_York: forward on 2026-03-08 at 02:00, back on 2026-11-01 at 02:00.
    @Test(arguments: [
        (
            #"{"sat": [["07:00", "19:00"]], "sun": [["07:00", "19:00"]]}"#, "Europe/Paris",
            "2026-03-28",
            ["2026-03-28T06:00 2026-03-28T18:00", "2026-03-29T05:00 2026-03-29T17:00"]
        ),
        (
            #"{"sat": [["18:00", "04:00"]]}"#, "Europe/Paris", "2026-03-28",
            ["2026-03-28T17:00 2026-03-29T02:00"]
        ),
        (
            #"{"sat": [["18:00", "04:00"]]}"#, "Europe/Paris", "2026-10-24",
            ["2026-10-24T16:00 2026-10-25T03:00"]
        ),
        // The hour that comes twice: open from its first beginning to its last end.
        (
            #"{"sun": [["02:00", "02:30"]]}"#, "Europe/Paris", "2026-10-25",
            ["2026-10-25T00:00 2026-10-25T01:30"]
        ),
        // The hour that does not come.
        (
            #"{"sun": [["02:30", "08:00"]]}"#, "Europe/Paris", "2026-03-29",
            ["2026-03-29T01:30 2026-03-29T06:00"]
        ),
        (
            #"{"sat": [["06:30", "20:00"]], "sun": [["06:30", "20:00"]]}"#, "America/New_York",
            "2026-03-07",
            ["2026-03-07T11:30 2026-03-08T01:00", "2026-03-08T10:30 2026-03-09T00:00"]
        ),
        (
            #"{"sat": [["20:00", "02:00"]]}"#, "America/New_York", "2026-10-31",
            ["2026-11-01T00:00 2026-11-01T07:00"]
        ),
        (
            #"{"sun": [["00:00", "24:00"]]}"#, "America/New_York", "2026-11-01",
            ["2026-11-01T04:00 2026-11-02T05:00"]
        ),
        (
            #"{"mon": [["08:00", "12:00"], ["13:00", "18:00"]]}"#, "Asia/Tokyo", "2026-11-30",
            ["2026-11-29T23:00 2026-11-30T03:00", "2026-11-30T04:00 2026-11-30T09:00"]
        ),
    ])
    func `opening hours become UTC, over both changes of the clocks`(
        hours: String, zone: String, from: String, want: [String]
    ) async throws {
        #expect(try await intervals(hours, zone, from: from, days: 2) == want)
    }

    @Test func `closed days and days with hours of their own win over the week`() async throws {
        let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .map { "\"\($0)\": [[\"07:00\", \"19:00\"]]" }.joined(separator: ", ")
        let hours = """
            {\(week), "closed": ["2026-12-25"], "special": {"2026-12-24": [["07:00", "14:00"]]}}
            """
        let found = try await intervals(hours, "Europe/Paris", from: "2026-12-23", days: 4)
        #expect(
            found == [
                "2026-12-23T06:00 2026-12-23T18:00", "2026-12-24T06:00 2026-12-24T13:00",
                "2026-12-26T06:00 2026-12-26T18:00",
            ])
    }

    @Test func `a night that began yesterday is open still, and touching hours are one`()
        async throws
    {
        let night = #"{"fri": [["22:00", "03:00"]], "sat": [["03:00", "05:00"]]}"#
        // The first day is the Saturday.
        let found = try await intervals(night, "Europe/Paris", from: "2026-11-28", days: 1)
        #expect(found == ["2026-11-27T21:00 2026-11-28T04:00"])
    }

    @Test func `hours of many stores for many days do not fit, and the message says what does`()
        async throws
    {
        let text = Self.menu(hours: #"{"mon": [["08:00", "09:00"]], "tue": [["08:00", "09:00"]]}"#)
        let start = try #require(text.range(of: "{\n    \"id\": \"paris\""))
        let end = try #require(text.range(of: "\n  }]", options: .backwards))
        let store = text[start.lowerBound..<end.lowerBound] + "\n  }"
        let stores = (0..<1_000).map { store.replacing("\"paris\"", with: "\"s\($0)\"") }
        let many = text.replacingCharacters(
            in: start.lowerBound..<end.upperBound, with: stores.joined(separator: ",") + "]")
        let path = try file("many.json", many)
        let outcome = try await tote("check", path, "--days", "800")
        #expect(outcome.exit == 65 && outcome.error.contains("--days"), "\(outcome.error)")
        let short = try await tote("check", path, "--days", "14")
        #expect(short.exit == 0 && short.out.contains("  and 980 more"), "\(short.error)")
    }

    @Test(arguments: [
        (#""sku""#, #""skus""#, "3:6: products[0].skus", "did you mean `sku`?"),
        (#""EUR": 450"#, #""EUR": 4.5"#, "3:80: ", "'4.5' is no whole number"),
        (#""EUR": 450"#, #""EUS": 450"#, "3:80: products[0].price.EUS", "ISO 4217"),
        (#""hours""#, #""hous""#, "8:5: stores[0].hous", "did you mean `hours`?"),
        ("{}", #"{"sn": []}"#, "8:15: stores[0].hours.sn", "did you mean `sun`?"),
        ("{}", #"{"sun": [["7:00", "19:00"]]}"#, "8:24: stores[0].hours.sun[0]", "\"24:00\""),
        ("{}", #"{"sun": [["09:00", "09:00"]]}"#, "8:23: stores[0].hours.sun[0]", "no length"),
        ("{}", #"{"closed": ["2026-02-30"]}"#, "8:26: stores[0].hours.closed[0]", "no date"),
        ("Europe/Paris", "Europe/Pari", "9:18: stores[0].time_zone", "no time zone"),
        ("Europe/Paris", "../../etc/passwd", "9:18: stores[0].time_zone", "no time zone"),
    ])
    func `a fault is told with its line and column, and what was meant`(
        old: String, new: String, place: String, message: String
    ) async throws {
        let path = try file("menu.json", Self.menu().replacing(old, with: new))
        let outcome = try await tote("check", path)
        #expect(outcome.exit == 65)
        let lines = outcome.error.split(separator: "\n")
        #expect(
            lines.contains { $0.hasPrefix("\(path):\(place)") && $0.contains(message) },
            "\(outcome.error)")
        #expect(lines.last?.hasSuffix("nothing has changed") == true)
        let json = try await tote("check", path, "--json")
        #expect(try object(json.error)["code"] as? String == "catalog_invalid")
    }

    @Test func `a server takes a catalogue, then a price list, and both are shown`() async throws {
        let data = directory.appendingPathComponent("data").path
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        defer { server.end(SIGTERM) }
        _ = server.readLine()
        let list = try file(
            "prices.csv",
            "sku,name,price,currency,store\r\nlatte,,4.80,EUR,\r\nlatte,,5.00,EUR,paris\r\n"
                + "mug,\"Mug, \"\"blue\"\"\",12.5,EUR,\r\n")
        let early = try await tote("import", list)
        #expect(early.exit == 1 && early.error.contains("a price list needs stores"))
        let menu = try file("menu.json", Self.menu())
        let first = try await tote("import", menu)
        #expect(first.exit == 0 && first.out.hasPrefix("catalogue 1 is in force"), "\(first)")
        let second = try await tote("import", list, "--json")
        let catalog = try object(second.out)["catalog"] as? [String: Any]
        #expect(catalog?["version"] as? Int == 2, "\(second)")
        let shown = try object(try await tote("show", "--json").out)["catalog"] as? [String: Any]
        let products = try #require(shown?["products"] as? [[String: Any]])
        #expect(products.map { $0["sku"] as? String } == ["latte", "mug"])
        #expect(products[0]["price"] as? [String: Int] == ["EUR": 480])
        #expect(products[0]["prices"] as? [String: Int] == ["paris": 500])
        #expect(products[1]["names"] as? [String: String] == ["en": "Mug, \"blue\""])
        #expect(products[1]["price"] as? [String: Int] == ["EUR": 1_250])
        // What is shown can be imported again.
        let again = try file("again.json", try await tote("show", "--json").out)
        #expect(try await tote("import", again).exit == 0)
        let text = try await tote("show").out
        #expect(text.contains("catalogue 3") && text.contains("2 products"), "\(text)")
    }

    @Test func `without a server the file is opened, under its lock`() async throws {
        let data = directory.appendingPathComponent("data").path
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json", "--demo"])
        _ = server.readLine()
        server.end(SIGTERM)
        let shown = try await tote("show")
        #expect(shown.out.contains("3 stores") && shown.out.contains("JPY"), "\(shown)")
        let list = try file(
            "prices.csv", "sku,name,price,currency,tax\nlatte,,4.80,EUR,\nhat,Hat,20,USD,goods\n")
        #expect(try await tote("import", list).exit == 0)
        #expect(try await tote("show").out.contains("catalogue 2"))
        // A demo server leaves a catalogue that is there alone.
        let second = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json", "--demo"])
        _ = second.readLine()
        #expect(try await tote("show").out.contains("catalogue 2"))
        second.end(SIGTERM)
    }

    @Test(arguments: [
        ("sku,name,prise,currency", "1:10: there is no column `prise`; did you mean `price`?"),
        ("sku,name,price", "1:1: the column `currency` is missing"),
        ("sku,name,price,currency\nlatte,,4.505,EUR", "2:8: price: \"4.505\" is no price in EUR"),
        ("sku,name,price,currency\nlatte,,450.0,JPY", "2:8: price: \"450.0\" is no price in JPY"),
        ("sku,name,price,currency\nlatte,,4.5,EUX", "2:12: currency: \"EUX\" is no currency"),
        ("sku,name,price,currency\nlatte,,4.5", "2:1: 3 values in this line"),
        ("sku,name,price,currency\nlatte,\"a\nb", "2:7: this quote is not closed"),
        ("sku,name,price,currency\nlatte,a\"b,4,EUR", "2:8: a text with a quote in it"),
        ("sku,name,price,currency\nhat,,4,EUR", "2:5: name: hat is new: it needs a name"),
        ("sku,name,price,currency\nhat,Hat,4,EUR", "2:1: tax: hat is new: its tax is one of"),
        (
            "sku,name,price,currency,store\nlatte,,4,EUR,pariss-republique",
            "2:14: store: there is no store `pariss-republique`; did you mean `paris-republique`?"
        ),
        (
            "sku,name,price,currency,store\nlatte,,4,USD,paris-republique",
            "2:10: currency: paris-republique takes EUR, not USD"
        ),
        (
            "sku,name,price,currency\nlatte,,4,EUR\nlatte,,5,EUR",
            "3:1: sku: this price of latte stands further up"
        ),
        (
            "sku,name,price,currency,category\nlatte,,4,EUR,cofee",
            "2:1: products[7].category: there is no category `cofee`; did you mean `coffee`?"
        ),
        ("", "1:1: the file is empty"),
    ])
    func `a price list's faults are told with line and column`(
        text: String, message: String
    ) async throws {
        let data = directory.appendingPathComponent("data").path
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json", "--demo"])
        defer { server.end(SIGTERM) }
        _ = server.readLine()
        let path = try file("prices.csv", text)
        let outcome = try await tote("import", path)
        #expect(outcome.exit == 65)
        #expect(outcome.error.contains("\(path):\(message)"), "\(outcome.error)")
        #expect(try await tote("show").out.contains("catalogue 1"))
    }
}
