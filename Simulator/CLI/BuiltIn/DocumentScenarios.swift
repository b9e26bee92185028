// Wishlists, journeys and carts beside the main one.

extension BuiltInScenarios {
    static let documents: [Entry] = [
        Entry(name: "wishlist-moves", text: wishlistMoves),
        Entry(name: "journey-goes-on", text: journeyGoesOn),
        Entry(name: "several-carts", text: severalCarts),
    ]

    private static let wishlistMoves = #"""
        {
          "name": "wishlist-moves",
          "about": "two devices order and change a wishlist offline: one order in the end",
          "tags": ["documents"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": [
              "wish add a", "wish add b", "wish add c", "wish add d", "sync"
            ] },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": ["wish move d 1", "wish note b \"the big one\""] },
            { "on": "tablet", "do": ["wish move a 4", "wish add e"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect wish d b c a e", "expect wish-note b \"the big one\"", "net offline"
            ] },
            { "on": "phone", "do": "wish remove c" },
            { "on": "tablet", "do": ["wish move c 1", "wish move b 5"] },
            { "settle": "all" },
            { "on": "phone", "do": "wish show" }
          ]
        }
        """#

    private static let journeyGoesOn = #"""
        {
          "name": "journey-goes-on",
          "about": "a customer goes on on another device; two choices at once are both readable",
          "tags": ["documents"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": [
              "journey store s-17", "journey pickup 2026-11-23T12:00:00Z",
              "journey screen checkout", "view latte", "view tea", "sync"
            ] },
            { "on": "tablet", "do": [
              "sync", "expect journey store s-17", "expect journey pickup 2026-11-23T12:00:00Z",
              "expect journey screen checkout", "expect recent tea latte"
            ] },
            { "on": "all", "do": "net offline" },
            { "on": "phone", "do": "journey store s-18" },
            { "on": "tablet", "do": ["wait 50ms", "journey store s-19"] },
            { "settle": "all" },
            { "on": "all", "do": ["expect journey store s-19", "expect conflicts 1 store"] },
            { "on": "phone", "do": ["conflicts store", "journey store s-18"] },
            { "settle": "all" },
            { "on": "all", "do": ["expect journey store s-18", "expect conflicts 0 store"] }
          ]
        }
        """#

    private static let severalCarts = #"""
        {
          "name": "several-carts",
          "about": "carts beside the main one, notes and a custom collection",
          "tags": ["documents"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": [
              "cart add latte 2 size=L milk=oat", "cart add latte size=S",
              "cart add juice 3 cart:work", "cart note . \"for the office\" cart:work",
              "cart note latte \"extra hot\" size=L milk=oat", "set offers spring seen true",
              "sync"
            ] },
            { "on": "tablet", "do": [
              "sync", "expect cart latte 2 milk=oat size=L", "expect cart latte 1 size=S",
              "expect lines 2", "expect cart juice 3 cart:work",
              "expect note . \"for the office\" cart:work",
              "expect value offers spring seen true"
            ] },
            { "settle": "all" },
            { "on": "phone", "do": "cart list" }
          ]
        }
        """#
}
