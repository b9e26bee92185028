import Foundation
import Testing

/// `tote-sim sales`: a sales export, played and compared to the cent.
@Suite(.serialized) struct SalesTests {
    private func play(
        _ text: String, _ options: String...
    ) async throws -> SimulatorProgram.Outcome {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appendingPathComponent("sales.csv").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return try await SimulatorProgram.run("tote-sim", ["sales", file] + options)
    }

    private static let header = "customer,time,store,sku,quantity,price"

    @Test func `the example's sums come out as the file has them`() async throws {
        let example = try await SimulatorProgram.simulate("sales", "--example")
        #expect(example.exit == 0)
        let outcome = try await play(example.out, "--json")
        #expect(outcome.exit == 0, "\(outcome.error)\(outcome.out)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any])
        #expect(report["equal"] as? Bool == true)
        #expect(report["orders"] as? Int == 60)
        let stores = try #require(report["stores"] as? [[String: Any]])
        #expect(stores.count == 2)
        // Added up here once more, from the text alone.
        var sums: [String: Int] = [:]
        for line in example.out.split(separator: "\n").dropFirst() {
            // The one SKU with a comma stands in quotes.
            let cells = line.replacingOccurrences(of: "\"tea, green\"", with: "tea")
                .split(separator: ",").map(String.init)
            let price = try #require(Int(cells[5].replacingOccurrences(of: ".", with: "")))
            sums[cells[2], default: 0] += price * (try #require(Int(cells[4])))
        }
        for store in stores {
            let name = try #require(store["name"] as? String)
            #expect(store["total"] as? Int == sums[name], "\(name)")
        }
    }

    @Test func `prices change over time, and within one purchase`() async throws {
        let outcome = try await play(
            """
            customer,time,store,SKU,quantity,price,currency
            ada,2026-11-23T12:00:00Z,s 1,latte,2,4.50,EUR
            ada,2026-11-23T12:00:00Z,s 1,latte,1,4.00,EUR
            ben,2026-11-23T11:00:00+01:00,s 1,latte,1,4.20,EUR
            ben,2026-11-23 13:00,kuwait,tea,3,0.125,KWD
            ben,2026-11-23 13:00:30,tokyo,tea,3,400,JPY
            ben,2026-11-23 13:00:30,tokyo,gift,1,0,JPY
            """)
        #expect(outcome.exit == 0, "\(outcome.error)\(outcome.out)")
        #expect(outcome.out.contains("17.20 EUR"), "\(outcome.out)")
        #expect(outcome.out.contains("0.375 KWD"), "\(outcome.out)")
        #expect(outcome.out.contains("1200 JPY"), "\(outcome.out)")
        #expect(outcome.out.contains("every sum equals the file's"), "\(outcome.out)")
    }

    @Test(arguments: [
        ("ada,noon,s,latte,1,4.50", "2:5: 'noon' is no time"),
        ("ada,2026-02-30 12:00,s,latte,1,4.50", "2:5: '2026-02-30 12:00' is no time"),
        ("ada,2026-11-23 12:00,s,latte,-1,4.50", "2:30: '-1' is no quantity"),
        ("ada,2026-11-23 12:00,s,latte,1,4.505", "2:32: '4.505' is no price in EUR"),
        ("ada,2026-11-23 12:00,s,latte,1", "2:1: 5 values stand here, the header names 6"),
        ("\"ada\"x,2026-11-23 12:00,s,latte,1,1", "2:6: a comma belongs behind a closing quote"),
        ("\"ada,2026-11-23 12:00,s,latte,1,1", "2:1: this quote is not closed"),
        ("ada,2026-11-23 12:00,s,,1,1", "2:24: the sku is a text"),
        ("", "2:1: there is no sale below the header"),
    ])
    func `a wrong file is refused at its line and column`(
        line: String, message: String
    ) async throws {
        let outcome = try await play("\(Self.header)\n\(line)\n")
        #expect(outcome.exit == 65)
        #expect(outcome.error.contains("sales.csv:\(message)"), "\(outcome.error)")
        #expect(outcome.out.isEmpty)
    }

    @Test func `a wrong header says what belongs there`() async throws {
        let near = try await play("customer,time,stor,sku,quantity,price\n")
        #expect(near.error.contains("1:15: no column is called 'stor': did you mean store?"))
        let missing = try await play("customer,time,store,sku,quantity\n")
        #expect(missing.error.contains("1:1: the column price is missing"), "\(missing.error)")
    }
}
