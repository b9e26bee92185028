import Foundation
import Testing

/// `tote catalog` with a programme: periods in UTC, and faults with line and column.
@Suite struct ProgrammeCommandTests {
    private let directory: URL

    init() throws { directory = try SimulatorProgram.makeDirectory() }

    /// A catalogue with a store; the programme is on lines 9 to 15.
    private static func menu(period: String = "year", zone: String = "Europe/Paris") -> String {
        """
        {
          "products": [{"sku": "latte", "names": {"en": "L"}, "tax": "t", "price": {"EUR": 450}}],
          "stores": [{
            "id": "paris", "names": {"en": "Paris"}, "currency": "EUR", "tax_included": true,
            "taxes": {"t": 0}, "open": [], "preparation_minutes": 5, "slot_minutes": 10,
            "slot_capacity": 5, "expire_minutes": 60, "late_minutes": [5, 10],
            "name_policy": "first"
          }],
          "programme": {
            "names": {"en": "Beans"},
            "earn": [{"currency": "EUR", "points": 1, "per": 10, "rounding": "down"}],
            "tiers": [{"id": "gold", "names": {"en": "Gold"}, "from": 500, "times": 1500}],
            "rewards": [{"id": "latte", "names": {"en": "x"}, "points": 90, "product": "latte"}],
            "time_zone": "\(zone)", "tier_period": "\(period)"
          }
        }
        """
    }

    private func file(_ text: String) throws -> String {
        let url = directory.appendingPathComponent("menu.json")
        try Data(text.utf8).write(to: url)
        return url.path
    }

    private func tote(_ arguments: String...) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run(
            "tote", ["catalog"] + arguments,
            environment: ["TOTE_DATA": directory.appendingPathComponent("data").path])
    }

    private func programme(_ text: String) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let catalog = try #require((value as? [String: Any])?["catalog"] as? [String: Any])
        return try #require(catalog["programme"] as? [String: Any])
    }

    // Of each zone the first periods of those that begin two before the one of `from`.
    @Test(arguments: [
        (
            "year", "Europe/Paris", "2020-05-01",
            ["2017-12-31T23:00", "2018-12-31T23:00", "2019-12-31T23:00", "2020-12-31T23:00"]
        ),
        (
            "quarter", "Europe/Paris", "2020-05-01",
            ["2019-09-30T22:00", "2019-12-31T23:00", "2020-03-31T22:00", "2020-06-30T22:00"]
        ),
        (
            "month", "America/New_York", "2020-01-31",
            ["2019-11-01T04:00", "2019-12-01T05:00", "2020-01-01T05:00", "2020-02-01T05:00"]
        ),
        (
            "month", "Asia/Tokyo", "2020-03-01",
            ["2019-12-31T15:00", "2020-01-31T15:00", "2020-02-29T15:00", "2020-03-31T15:00"]
        ),
        // Midnight of 1 April 2021 came twice, of 1 October 2021 not at all.
        (
            "month", "America/Asuncion", "2021-11-30",
            ["2021-09-01T04:00", "2021-10-01T04:00", "2021-11-01T03:00", "2021-12-01T03:00"]
        ),
    ])
    func `periods of the calendar become UTC, over changes of the clocks`(
        period: String, zone: String, from: String, want: [String]
    ) async throws {
        let path = try file(Self.menu(period: period, zone: zone))
        let checked = try await tote("check", path, "--from", from, "--json")
        #expect(checked.exit == 0, "\(checked.error)")
        let read = try programme(checked.out)
        #expect(read["time_zone"] == nil && read["tier_period"] == nil)
        let periods = try #require(read["tier_periods"] as? [[Int]])
        let style = Date.ISO8601FormatStyle()
        let starts = periods.prefix(4).map {
            String(
                Date(timeIntervalSince1970: Double($0[0]) / 1_000).formatted(style).dropLast(4))
        }
        #expect(starts == want)
        #expect(zip(periods, periods.dropFirst()).allSatisfy { $0[1] == $1[0] })
        // From whichever day on, today lies well inside, with the period before it.
        let now = Int(Date().timeIntervalSince1970) * 1_000
        #expect(periods.last?[1] ?? 0 > now + 5 * 365 * 86_400_000)
        #expect(periods.firstIndex { $0[0] <= now && now < $0[1] } ?? 0 >= 2)
    }

    @Test(arguments: [
        (#""times": 1500"#, #""times": 100001"#, "12:77: programme.tiers[0].times", "100000"),
        (
            #""product": "latte""#, #""product": "late""#, "13:80: programme.rewards[0].product",
            "did you mean `latte`?"
        ),
        (#""EUR", "points""#, #""USD", "points""#, "11:27: programme.earn[0].currency", "`USD`"),
        (#""points": 1,"#, #""points": 0.5,"#, "11:44: ", "'0.5' is no whole number"),
        (
            #""tier_period": "year""#, #""tier_period": "yaer""#, "14:49: programme.tier_period",
            "did you mean `year`?"
        ),
        (#""tier_period""#, #""tier_perod""#, "9:16: programme", "`tier_period`"),
        (
            #""tier_period""#, #""tier_perod""#, "14:34: programme.tier_perod",
            "did you mean `tier_period`?"
        ),
        (#", "tier_period": "year""#, "", "9:16: programme", "`tier_period` of a programme"),
        (#""time_zone": "Europe/Paris", "#, "", "9:16: programme", "`time_zone` of a programme"),
        ("Europe/Paris", "Europe/Pari", "14:18: programme.time_zone", "no time zone"),
        (
            #""tier_period": "year""#, #""tier_period": "year", "tier_periods": [[0, 1]]"#,
            "14:18: programme", "not both"
        ),
    ])
    func `a fault is told with its line and column, and what was meant`(
        old: String, new: String, place: String, message: String
    ) async throws {
        #expect(Self.menu().contains(old))
        let path = try file(Self.menu().replacing(old, with: new, maxReplacements: 1))
        let outcome = try await tote("check", path)
        #expect(outcome.exit == 65)
        let lines = outcome.error.split(separator: "\n")
        #expect(
            lines.contains { $0.hasPrefix("\(path):\(place)") && $0.contains(message) },
            "\(outcome.error)")
    }

    @Test func `a programme is imported, kept by a price list, shown and imported again`()
        async throws
    {
        let data = directory.appendingPathComponent("data").path
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        defer { server.end(SIGTERM) }
        _ = server.readLine()
        let first = try await tote("import", try file(Self.menu()))
        #expect(first.exit == 0, "\(first.error)")
        #expect(first.out.contains("programme: points for EUR, 1 tier until "), "\(first.out)")
        let list = directory.appendingPathComponent("prices.csv")
        try Data("sku,name,price,currency\nlatte,,4.80,EUR\n".utf8).write(to: list)
        #expect(try await tote("import", list.path).exit == 0)
        let shown = try await tote("show", "--json").out
        let kept = try programme(shown)
        #expect(kept["welcome"] as? Int == 0 && (kept["rewards"] as? [Any])?.count == 1)
        let again = try await tote("import", try file(shown))
        #expect(again.exit == 0 && again.out.hasPrefix("catalogue 3 is in force"), "\(again)")
        let end = try programme(try await tote("show", "--json").out)
        #expect(NSDictionary(dictionary: end) == NSDictionary(dictionary: kept))
    }
}
