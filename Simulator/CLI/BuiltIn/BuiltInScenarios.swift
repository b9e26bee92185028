/// The scenarios that every installed `tote-sim` has: their text, as `tote-sim show` prints it.
///
/// They are literals, so that the executable needs no file beside it.
enum BuiltInScenarios {
    struct Entry: Sendable {
        /// The scenario's own name.
        let name: String
        let text: String
    }

    /// In the order in which `tote-sim list` shows them.
    static let all: [Entry] =
        [Entry(name: "first-sync", text: firstSync)] + counters + networks + crashes + accounts
        + documents + lists + orders + stores + points + pointsEdges + handOffs + channels + nearest
        + afterSales + offers + orderedLists + shares

    static let firstSync = #"""
        {
          "name": "first-sync",
          "about": "a phone and a tablet go offline, edit, come back and agree",
          "tags": ["smoke"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2 size=L", "wish add mug", "sync"] },
            { "on": "tablet", "do": ["sync", "expect cart latte 2 size=L"] },
            { "on": "all", "do": "net offline" },
            { "on": "phone", "do": ["cart add latte 1 size=L", "journey store s-17", "sync"] },
            { "on": "tablet", "do": ["cart add latte 1 size=L", "cart add croissant", "sync"] },
            { "on": "phone", "do": ["expect cart latte 3 size=L", "expect outbox 2"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart latte 4 size=L", "expect cart croissant 1", "expect wish mug",
              "expect journey store s-17", "expect receipts rejected 0"
            ] }
          ]
        }
        """#
}
