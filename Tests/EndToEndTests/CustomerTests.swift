import Foundation
import Testing

/// `tote customer export`: what a customer may ask for, and nobody else's.
@Suite(.timeLimit(.minutes(5))) struct CustomerTests {
    private func object(_ text: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func `all that is kept of a customer is in it, and nothing of another`() async throws {
        let world = try await CafeWorld()
        let used = try await world.phone(
            "menu refresh", "cart add latte 2 size=L", "cart note latte \"with oat\" size=L",
            "wish add mug", "sync", "order place paris-republique", "sync", "sync",
            "cart add croissant 3", "sync")
        #expect(used.exit == 0, "\(used)")
        for (customer, reference) in [("demo", "gift-of-ada"), ("eve", "gift-of-eve")] {
            let entered = try await world.operate(
                "ledger", "enter", customer, "500", "--reference", reference, "--reason", "a gift")
            #expect(entered.exit == 0, "\(entered)")
        }
        _ = try await world.phone("sync", "reserve 100", "sync")
        let told = try await world.operate("customer", "export", "demo")
        #expect(told.exit == 0, "\(told)")
        let export = try object(told.out)
        func list(_ name: String) throws -> [[String: Any]] {
            try #require(export[name] as? [[String: Any]], "\(name)")
        }
        #expect(export["customer"] as? String == "demo" && export["format"] as? Int == 1)
        let croissant = try #require(
            try list("documents").first { $0["item"] as? String == "croissant" })
        #expect((croissant["fields"] as? [String: Any])?["quantity"] as? Int == 3)
        let order = try #require(try list("orders").first?["order"] as? [String: Any])
        #expect(order["store"] as? String == "paris-republique")
        let references = try list("entries").compactMap { $0["reference"] as? String }
        #expect(references.contains { $0.contains("gift-of-ada") }, "\(references)")
        #expect(try list("leases").first?["left"] as? Int == 100)
        #expect(try list("devices").count == 1 && list("tokens").count >= 1)
        // What is not there any more was said nevertheless: the log has it.
        let changes = try JSONSerialization.data(withJSONObject: try list("changes"))
        #expect(String(decoding: changes, as: UTF8.self).contains("with oat"))
        #expect(!told.out.contains("gift-of-eve") && !told.out.contains("eve"))
        let key = told.out.range(of: #""secret":"[0-9a-f]"#, options: .regularExpression)
        #expect(
            key == nil && told.out.contains(#""secret":"(hidden)""#), "what codes are made with")
        #expect(!told.out.contains("tote_"), "no token opens anything by it")
        let asJSON = try object(
            try await world.operate("customer", "export", "demo", "--json").out)
        #expect((asJSON["document"] as? [String: Any])?["customer"] as? String == "demo")
        let typo = try await world.operate("customer", "export", "dmo")
        #expect(typo.exit == 66 && typo.error.contains("did you mean demo?"), "\(typo)")
    }
}
