// Points and stored value of phones that lose their network, their replies and themselves. After
// each of them the run itself checks that every intent has one fate.

extension BuiltInScenarios {
    static let points: [Entry] = [
        Entry(name: "points-offline", text: pointsOffline),
        Entry(name: "points-last-ones", text: pointsLastOnes),
        Entry(name: "points-copied-phone", text: pointsCopiedPhone),
        Entry(name: "points-lost-phone", text: pointsLostPhone),
        Entry(name: "points-store-cut-off", text: pointsStoreCutOff),
        Entry(name: "points-all-at-store", text: pointsAllAtStore),
        Entry(name: "points-cancelled", text: pointsCancelled),
    ]

    /// The café of the orders, with a programme: a croissant for 100 points, 2 euros off for 150.
    static let club = #"""
        "catalog": {
            "products": [
              { "sku": "tea", "names": {"en": "Tea"}, "tax": "drink", "price": {"EUR": 320} },
              { "sku": "croissant", "names": {"en": "Croissant"}, "tax": "food",
                "price": {"EUR": 150}, "barcodes": ["4006381333931"] }
            ],
            "codes": [
              { "code": "WALL-TEA", "sku": "tea", "store": "cafe" },
              { "code": "SPRING", "sku": "croissant", "channel": "mail" }
            ],
            "stores": [
              { "id": "cafe", "names": {"en": "Café"}, "currency": "EUR", "tax_included": true,
                "taxes": {"drink": 100000, "food": 55000}, "open": [[0, 4102444800000]],
                "preparation_minutes": 5, "slot_minutes": 10, "slot_capacity": 50,
                "expire_minutes": 60, "late_minutes": [5, 10], "name_policy": "first" }
            ],
            "programme": {
              "names": {"en": "Beans"},
              "earn": [{ "currency": "EUR", "points": 1, "per": 10, "rounding": "down" }],
              "rewards": [
                { "id": "bite", "names": {"en": "A croissant"}, "points": 100,
                  "product": "croissant" },
                { "id": "two-off", "names": {"en": "Two off"}, "points": 150,
                  "discount": {"EUR": 200} }
              ],
              "leases": { "points_max": 2000, "share": 1000, "card_max": {"EUR": 5000} }
            }
          }
        """#

    private static let pointsOffline = #"""
        {
          "name": "points-offline",
          "about": "points are reserved and spent without a network; a lost reply spends them once",
          "tags": ["smoke", "points"],
          \#(club),
          "devices": { "phone": {}, "tablet": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "give": 300, "to": "phone" },
            { "give": 500, "to": "phone", "account": "card:EUR" },
            { "on": "phone", "do": [
              "sync", "menu refresh", "reserve 260", "reserve 4.00 of=card:EUR", "sync",
              "expect points 260 here", "expect card EUR 4.00 here", "net offline",
              "cart add tea 2", "order place cafe reward=two-off card=all",
              "expect points 110 here", "expect card EUR 0.00 here", "cart add croissant",
              "redeem bite cafe", "expect points 10 here", "cart add croissant",
              "expect refused balance_too_low redeem bite cafe"
            ] },
            { "on": "phone", "do": ["net wifi", "net lost-reply 2", "sync"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect points 50", "expect card EUR 1.00", "expect receipts rejected 0"
            ] },
            { "on": "phone", "do": ["expect entries 3 spend", "expect orders 2 placed", "ledger"] }
          ]
        }
        """#

    private static let pointsLastOnes = #"""
        {
          "name": "points-last-ones",
          "about": "two phones want the last points at once: one gets them, the other is told",
          "tags": ["points"],
          \#(club),
          "devices": { "phone": {"live": true}, "tablet": {"live": true} },
          "steps": [
            { "give": 150, "to": "phone" },
            { "on": "all", "do": ["menu refresh", "expect points 150 within 10s"] },
            { "on": "phone", "do": "cart add tea cart:phone" },
            { "on": "tablet", "do": "cart add tea cart:tablet" },
            { "on": "all", "do": ["net custom 300ms", "expect status up-to-date within 10s"] },
            { "parallel": [
              { "on": "phone", "do": "redeem two-off cafe cart:phone" },
              { "on": "tablet", "do": "redeem two-off cafe cart:tablet" }
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["expect points 0", "expect orders 1 placed"] }
          ]
        }
        """#

    private static let pointsCopiedPhone = #"""
        {
          "name": "points-copied-phone",
          "about": "a copied phone spends its reservation, too: no more is paid than there is",
          "tags": ["points", "copies"],
          \#(club),
          "devices": { "phone": {}, "copy": {} },
          "steps": [
            { "give": 300, "to": "phone" },
            { "on": "phone", "do": [
              "sync", "menu refresh", "reserve 150", "sync", "expect points 150 here",
              "net offline"
            ] },
            { "copy": "phone", "to": "copy" },
            { "on": "phone", "do": [
              "cart add tea cart:a", "redeem two-off cafe cart:a", "net wifi", "sync",
              "expect order last placed"
            ] },
            { "on": "copy", "do": [
              "cart add tea cart:b", "redeem two-off cafe cart:b", "cart add tea cart:c",
              "expect refused balance_too_low redeem two-off cafe cart:c", "net wifi", "sync"
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["expect points 0", "expect orders 2 placed"] }
          ]
        }
        """#

    private static let pointsLostPhone = #"""
        {
          "name": "points-lost-phone",
          "about": "a phone is lost with a reservation: another device gives it back",
          "tags": ["points"],
          \#(club),
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "give": 300, "to": "phone" },
            { "on": "phone", "do": [
              "sync", "reserve 300", "sync", "expect points 300 here", "net offline"
            ] },
            { "on": "tablet", "do": [
              "sync", "menu refresh", "expect points 300 elsewhere", "expect points 0 available",
              "release last", "sync", "expect points 300 available", "reserve 150", "sync",
              "cart add tea", "redeem two-off cafe", "sync", "expect order last placed",
              "expect points 150"
            ] }
          ]
        }
        """#

    private static let pointsStoreCutOff = #"""
        {
          "name": "points-store-cut-off",
          "about": "a counter that is cut off takes what is reserved there, once, and tells later",
          "tags": ["points", "stores"],
          \#(club),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe", "redeemer": true} },
          "steps": [
            { "give": 400, "to": "phone" },
            { "on": "till", "do": "expect redeemer ready within 10s" },
            { "on": "phone", "do": [
              "sync", "reserve 250 at=cafe", "sync", "expect points 250 elsewhere",
              "expect points 150 available"
            ] },
            { "on": "till", "do": [
              "net offline", "redeem {phone.lease} bite price=1.50",
              "expect refused code_unknown redeem {phone.member} bite price=1.50"
            ] },
            { "on": "till", "do": "kill" },
            { "on": "till", "do": [
              "expect unsent 1", "redeem {phone.lease} two-off",
              "expect refused balance_too_low redeem {phone.lease} bite price=1.50",
              "net wifi", "expect unsent 0 within 10s",
              "receipt {phone.member} 5.00 tea id=r-1", "receipt {phone.member} 5.00 tea id=r-1"
            ] },
            { "settle": "all" },
            { "on": "phone", "do": ["expect points 200", "expect entries 2 spend", "ledger"] }
          ]
        }
        """#

    private static let pointsAllAtStore = #"""
        {
          "name": "points-all-at-store",
          "about": "a counter in touch spends what is reserved there, when nothing else is left",
          "tags": ["points", "stores"],
          \#(club),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe", "redeemer": true} },
          "steps": [
            { "give": 250, "to": "phone" },
            { "on": "till", "do": "expect redeemer ready within 10s" },
            { "on": "phone", "do": [
              "sync", "reserve 250 at=cafe", "sync", "expect points 0 available"
            ] },
            { "on": "till", "do": [
              "redeem {phone.lease} two-off", "expect unsent 0 within 10s",
              "expect refused balance_too_low redeem {phone.lease} two-off",
              "expect refused balance_too_low redeem {phone.member} two-off"
            ] },
            { "settle": "all" },
            { "on": "phone", "do": ["expect points 100", "expect points 100 elsewhere"] }
          ]
        }
        """#

    private static let pointsCancelled = #"""
        {
          "name": "points-cancelled",
          "about": "a cancelled order gives points and stored value back, once",
          "tags": ["points", "orders"],
          \#(club),
          "devices": { "phone": {}, "tablet": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "give": 200, "to": "phone" },
            { "give": 300, "to": "phone", "account": "card:EUR" },
            { "on": "phone", "do": [
              "sync", "menu refresh", "reserve 200", "reserve 3.00 of=card:EUR", "sync",
              "cart add tea 2", "order place cafe reward=two-off card=2.00", "sync",
              "expect order last placed", "expect points 50", "expect card EUR 1.00",
              "order cancel last", "sync", "expect points 200", "expect card EUR 3.00"
            ] },
            { "settle": "all" },
            { "on": "tablet", "do": ["expect points 200", "expect entries 2 refund"] }
          ]
        }
        """#
}
