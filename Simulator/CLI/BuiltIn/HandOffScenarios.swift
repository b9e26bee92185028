// Customers who go on at a store's tablet, with a network and without one.

extension BuiltInScenarios {
    static let handOffs: [Entry] = [
        Entry(name: "handoff-at-store", text: handOffAtStore),
        Entry(name: "handoff-dead-spot", text: handOffDeadSpot),
        Entry(name: "handoff-revoked", text: handOffRevoked),
        Entry(name: "handoff-restarted", text: handOffRestarted),
        Entry(name: "handoff-copied-guest", text: handOffCopiedGuest),
    ]

    private static let handOffAtStore = #"""
        {
          "name": "handoff-at-store",
          "about": "a store's tablet joins the cart, spends points when allowed, and leaves",
          "tags": ["smoke", "handoff"],
          \#(club),
          "devices": {
            "phone": {}, "kiosk": { "store": "cafe" }, "kiosk-2": { "store": "cafe" }
          },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "give": 500, "to": "phone" },
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add croissant 2", "wish add tea", "sync"
            ] },
            { "on": "kiosk", "do": [
              "expect refused wrong_code join ACDEFG", "expect joined no",
              "join {phone.handoff}", "expect joined cart", "expect cart croissant 2",
              "expect wish tea", "expect points 0"
            ] },
            { "on": "all", "do": "live on" },
            { "on": "kiosk", "do": ["menu refresh", "cart add tea"] },
            { "on": "phone", "do": [
              "expect cart tea 1 within 5s", "expect handoff joined", "cart add tea",
              "handoff allow last"
            ] },
            { "on": "kiosk", "do": [
              "expect cart tea 2 within 5s", "expect joined points within 5s",
              "expect points 500 within 5s", "order place cafe reward=bite",
              "expect receipts settled within 5s", "expect order last placed within 5s"
            ] },
            { "on": "phone", "do": [
              "expect orders 1 placed within 5s", "expect points 400 within 5s",
              "expect lines 0 within 5s", "cart add croissant"
            ] },
            { "on": "kiosk-2", "do": [
              "join {phone.handoff}", "expect cart croissant 1", "cart add croissant", "leave",
              "expect left left 0", "expect joined no", "expect lines 0", "expect wish none"
            ] },
            { "on": "phone", "do": "expect cart croissant 2 within 5s" }
          ]
        }
        """#

    private static let handOffDeadSpot = #"""
        {
          "name": "handoff-dead-spot",
          "about": "a phone without a network hands its cart on by a code: nothing doubles",
          "tags": ["smoke", "handoff", "offline"],
          \#(club),
          "devices": { "phone": {}, "kiosk": { "store": "cafe" } },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add croissant 2", "sync",
              "net lost-reply", "cart add tea", "sync for 500ms",
              "net offline", "cart add tea", "cart add croissant", "cart note tea hot"
            ] },
            { "on": "kiosk", "do": [
              "join \"{phone.handoff}\"", "expect cart tea 2", "expect cart croissant 3",
              "expect note tea hot", "cart add tea", "sync"
            ] },
            { "on": "phone", "do": [
              "cart add croissant", "net wifi", "sync", "expect receipts settled",
              "expect cart tea 3", "expect cart croissant 4", "expect receipts rejected 0",
              "expect handoff joined"
            ] },
            { "on": "kiosk", "do": [
              "sync", "expect cart croissant 4", "net offline", "cart add tea", "leave",
              "expect left left 1", "expect lines 0"
            ] },
            { "on": "phone", "do": ["sync", "expect cart tea 3"] }
          ]
        }
        """#

    private static let handOffRevoked = #"""
        {
          "name": "handoff-revoked",
          "about": "the customer ends a hand-off: the tablet holds nothing after its next contact",
          "tags": ["handoff"],
          \#(club),
          "devices": { "phone": {}, "kiosk": { "store": "cafe" } },
          "steps": [
            { "on": "phone", "do": ["sync", "cart add tea", "sync"] },
            { "on": "kiosk", "do": [
              "join {phone.handoff}", "expect cart tea 1", "kill", "expect joined cart",
              "expect cart tea 1", "net offline", "cart add tea", "kill", "expect cart tea 2"
            ] },
            { "on": "phone", "do": ["sync", "expect handoff joined", "handoff end last", "sync"] },
            { "on": "kiosk", "do": [
              "expect cart tea 2", "net wifi", "sync", "expect left revoked 1", "expect joined no",
              "expect lines 0", "kill", "expect joined no", "expect lines 0"
            ] },
            { "on": "phone", "do": ["sync", "expect cart tea 1", "expect handoff over"] }
          ]
        }
        """#

    private static let handOffRestarted = #"""
        {
          "name": "handoff-restarted",
          "about": "a tablet that is started anew without a network holds nothing of the customer",
          "tags": ["handoff", "offline"],
          \#(club),
          "devices": { "phone": {}, "kiosk": { "store": "cafe" } },
          "steps": [
            { "on": "phone", "do": ["sync", "cart add tea", "sync"] },
            { "on": "kiosk", "do": ["join {phone.handoff}", "net offline", "cart add tea"] },
            { "on": "kiosk", "do": [
              "clock -2d", "expect joined cart", "kill", "expect joined cart"
            ] },
            { "on": "kiosk", "do": ["reboot", "kill", "expect joined no", "expect lines 0"] },
            { "on": "phone", "do": ["sync", "expect cart tea 1"] }
          ]
        }
        """#

    private static let handOffCopiedGuest = #"""
        {
          "name": "handoff-copied-guest",
          "about": "a copied guest's cart goes into a store by a code, then joins: it counts once",
          "tags": ["access", "copies", "handoff", "offline"],
          \#(club),
          "devices": {
            "phone": {"guest": true}, "copy": {"guest": true}, "kiosk": {"store": "cafe"}
          },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "cart add tea"] },
            { "copy": "phone", "to": "copy" },
            { "//": "It hears what time it is, and sends nothing." },
            { "on": "phone", "do": [
              "net pass", "net lost-request 1000", "sign-in", "sync for 300ms",
              "expect outbox 3", "net offline"
            ] },
            { "on": "copy", "do": ["net offline", "sign-in"] },
            { "on": "kiosk", "do": ["join \"{phone.handoff}\"", "expect cart latte 2"] },
            { "on": "copy", "do": ["net wifi", "sync", "expect cart latte 2"] },
            { "on": "phone", "do": ["net wifi", "sync", "expect cart latte 2"] },
            { "settle": "all" },
            { "on": ["phone", "copy"], "do": [
              "expect cart latte 2", "expect cart tea 1", "expect receipts rejected 0"
            ] }
          ]
        }
        """#
}
