// Orders from the tap to the hand-over. After each of them the run itself checks that every intent
// has one fate, and that stores know the orders that were accepted, no more and no fewer.

extension BuiltInScenarios {
    static let orders: [Entry] = [
        Entry(name: "order-offline", text: orderOffline),
        Entry(name: "order-lost-reply", text: orderLostReply),
        Entry(name: "order-duplicate-tap", text: orderDuplicateTap),
        Entry(name: "order-killed-app", text: orderKilledApp),
        Entry(name: "order-price-changed", text: orderPriceChanged),
        Entry(name: "order-sold-out", text: orderSoldOut),
        Entry(name: "order-store-closed", text: orderStoreClosed),
        Entry(name: "order-slot-full", text: orderSlotFull),
        Entry(name: "order-too-late", text: orderTooLate),
        Entry(name: "order-same-cart", text: orderSameCart),
        Entry(name: "order-copied-phone", text: orderCopiedPhone),
    ]

    /// One store that is always open, and three things to buy.
    static let cafe = #"""
        "catalog": {
            "groups": [
              { "id": "size", "names": {"en": "Size"}, "min": 0, "max": 1, "choices": [
                { "id": "M", "names": {"en": "Medium"} },
                { "id": "L", "names": {"en": "Large"}, "price": {"EUR": 50} }
              ] }
            ],
            "products": [
              { "sku": "latte", "names": {"en": "Latte"}, "tax": "drink", "groups": ["size"],
                "price": {"EUR": 400} },
              { "sku": "tea", "names": {"en": "Tea"}, "tax": "drink", "price": {"EUR": 320} },
              { "sku": "croissant", "names": {"en": "Croissant"}, "tax": "food",
                "price": {"EUR": 150} }
            ],
            "stores": [
              { "id": "cafe", "names": {"en": "Café"}, "currency": "EUR", "tax_included": true,
                "taxes": {"drink": 100000, "food": 55000}, "open": [[0, 4102444800000]],
                "preparation_minutes": 5, "slot_minutes": 10, "slot_capacity": 50,
                "expire_minutes": 60, "late_minutes": [5, 10], "name_policy": "first" }
            ]
          }
        """#

    private static let orderOffline = #"""
        {
          "name": "order-offline",
          "about": "an order is made without a network, sent later, collected and asked for again",
          "tags": ["smoke", "orders"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "net offline", "cart add latte 2 size=L",
              "cart add croissant", "quote cafe", "order place cafe name=Ada",
              "expect order last queued", "expect lines 0", "cart add tea", "expect cart tea 1"
            ] },
            { "on": "phone", "do": [
              "net wifi", "sync", "expect order last placed", "expect order-total last 10.50",
              "expect cart tea 1", "expect lines 1", "order show"
            ] },
            { "on": "till", "do": [
              "expect board 1 placed within 10s", "board", "confirm last", "prepare {phone.code}"
            ] },
            { "on": "phone", "do": ["checkin last \"lot 3\"", "sync"] },
            { "on": "till", "do": [
              "expect refused not_ready collect {phone.code}", "ready {phone.code}", "board",
              "collect {phone.code}", "undo {phone.code}", "collect {phone.code}",
              "expect board 0", "expect gone 1 collected"
            ] },
            { "on": "phone", "do": [
              "sync", "expect order last collected", "order reorder last",
              "expect cart latte 2 size=L", "expect cart croissant 1"
            ] },
            { "settle": "all" }
          ]
        }
        """#

    private static let orderLostReply = #"""
        {
          "name": "order-lost-reply",
          "about": "the server takes an order and its reply gets lost, again and again: one order",
          "tags": ["orders", "network"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add latte", "net lost-reply 1000",
              "order place cafe", "sync for 500ms", "expect order last queued", "kill"
            ] },
            { "on": "till", "do": "expect board 1 placed within 10s" },
            { "on": "phone", "do": [
              "expect order last queued", "net wifi", "sync", "expect order last placed",
              "expect receipts rejected 0"
            ] },
            { "on": "till", "do": ["expect board 1", "ready last", "net lost-reply 1"] },
            { "on": "till", "do": ["collect {phone.code}", "expect gone 1 collected"] }
          ]
        }
        """#

    private static let orderDuplicateTap = #"""
        {
          "name": "order-duplicate-tap",
          "about": "a person taps twice, and the network sends everything twice: one order",
          "tags": ["orders"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add latte", "net twice 20", "order place cafe",
              "expect refused cart_empty order place cafe", "sync", "expect orders 1 placed"
            ] },
            { "on": "till", "do": [
              "expect board 1 placed within 10s", "net twice 20", "prepare last", "ready last",
              "collect last", "expect gone 1 collected"
            ] },
            { "on": "phone", "do": ["sync", "expect orders 1", "expect order last collected"] }
          ]
        }
        """#

    private static let orderKilledApp = #"""
        {
          "name": "order-killed-app",
          "about": "the app is killed between saving an order and sending it; one is withdrawn",
          "tags": ["orders", "crash"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add latte", "order place cafe", "kill"
            ] },
            { "on": "phone", "do": [
              "expect order last queued", "expect lines 0", "order cancel last",
              "expect cart latte 1", "order place cafe", "kill"
            ] },
            { "on": "phone", "do": ["sync", "expect order last placed", "expect orders 1"] },
            { "on": "phone", "do": ["expect receipts withdrawn 1", "expect lines 0"] },
            { "on": "till", "do": "expect board 1 placed within 10s" }
          ]
        }
        """#

    private static let orderPriceChanged = #"""
        {
          "name": "order-price-changed",
          "about": "a price rises while a phone is offline: refused; it falls: cheaper",
          "tags": ["orders"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "net offline", "cart add latte 2", "order place cafe",
              "expect order last queued"
            ] },
            { "change": "cafe", "prices": {"latte": 450} },
            { "on": "phone", "do": [
              "net wifi", "sync", "expect order last rejected", "expect rejection price_changed",
              "expect cart latte 2", "menu refresh", "order place cafe", "sync",
              "expect order last placed", "expect order-total last 9.00",
              "net offline", "cart add latte", "order place cafe pay=external:pay-1"
            ] },
            { "change": "cafe", "prices": {"latte": 380} },
            { "on": "phone", "do": [
              "net wifi", "sync", "expect order last placed", "expect order-total last 3.80"
            ] },
            { "on": "till", "do": "expect board 2 placed within 10s" }
          ]
        }
        """#

    private static let orderSoldOut = #"""
        {
          "name": "order-sold-out",
          "about": "a counter sells out what a phone orders offline: refused, until it is back",
          "tags": ["orders"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "net offline", "cart add croissant", "order place cafe"
            ] },
            { "on": "till", "do": ["sold-out croissant"] },
            { "on": "phone", "do": [
              "net wifi", "sync", "expect order last rejected", "expect rejection sold_out",
              "expect cart croissant 1", "menu refresh",
              "expect refused sold_out order place cafe"
            ] },
            { "on": "till", "do": "available croissant" },
            { "on": "phone", "do": [
              "menu refresh", "order place cafe", "sync", "expect order last placed"
            ] }
          ]
        }
        """#

    private static let orderStoreClosed = #"""
        {
          "name": "order-store-closed",
          "about": "a store closes while a phone is offline: refused, until it opens again",
          "tags": ["orders"],
          \#(cafe),
          "devices": { "phone": {} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "net offline", "cart add latte", "order place cafe"
            ] },
            { "change": "cafe", "closed": true },
            { "on": "phone", "do": [
              "net wifi", "sync", "expect order last rejected", "expect rejection store_closed",
              "expect cart latte 1"
            ] },
            { "change": "cafe", "closed": false },
            { "on": "phone", "do": ["order place cafe", "sync", "expect order last placed"] }
          ]
        }
        """#

    private static let orderSlotFull = #"""
        {
          "name": "order-slot-full",
          "about": "two customers want the only place of a slot: one gets it, one the next slot",
          "tags": ["orders"],
          \#(cafe),
          "devices": { "phone": {"customer": "ada"}, "tablet": {"customer": "ben"} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "change": "cafe", "slot-capacity": 1, "slot-minutes": 1440 },
            { "on": "all", "do": ["sync", "menu refresh", "cart add latte", "net offline"] },
            { "on": "all", "do": "order place cafe at=+30m" },
            { "on": "phone", "do": ["net wifi", "sync", "expect order last placed"] },
            { "on": "tablet", "do": [
              "net wifi", "sync", "expect order last rejected", "expect rejection slot_full",
              "expect cart latte 1", "order place cafe at=asap", "sync",
              "expect order last placed"
            ] },
            { "on": "till", "do": "expect board 2 placed within 10s" }
          ]
        }
        """#

    private static let orderTooLate = #"""
        {
          "name": "order-too-late",
          "about": "an order made offline is sent when its pickup time has passed: refused",
          "tags": ["orders"],
          \#(cafe),
          "devices": { "phone": {} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "net offline", "cart add latte", "order place cafe at=+1h"
            ] },
            { "server": "restart", "clock": "+2h" },
            { "on": "phone", "do": [
              "net wifi", "sync", "expect order last rejected",
              "expect rejection pickup_time_passed", "order place cafe at=asap", "sync",
              "expect order last placed"
            ] }
          ]
        }
        """#

    private static let orderSameCart = #"""
        {
          "name": "order-same-cart",
          "about": "one cart is ordered on two devices that are offline: one order",
          "tags": ["orders"],
          \#(cafe),
          "devices": { "phone": {}, "tablet": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync"] },
            { "on": "all", "do": [
              "sync", "menu refresh", "expect cart latte 2", "net offline", "order place cafe"
            ] },
            { "on": "tablet", "do": "cart add tea" },
            { "on": "phone", "do": ["net wifi", "sync", "expect order last placed"] },
            { "on": "tablet", "do": [
              "net wifi", "sync", "expect order last rejected",
              "expect rejection cart_already_ordered"
            ] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart latte 0", "expect cart tea 1", "expect orders 1 placed"
            ] },
            { "on": "till", "do": "expect board 1 within 10s" }
          ]
        }
        """#

    private static let orderCopiedPhone = #"""
        {
          "name": "order-copied-phone",
          "about": "a phone with an order to be sent is copied, and both send it: one order",
          "tags": ["orders", "crash"],
          \#(cafe),
          "devices": { "phone": {}, "clone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "net offline", "cart add latte", "order place cafe"
            ] },
            { "copy": "phone", "to": "clone" },
            { "on": "clone", "do": ["net wifi", "sync", "expect order last placed"] },
            { "on": "phone", "do": ["net wifi", "sync", "expect order last placed"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect orders 1 placed", "expect lines 0", "expect receipts rejected 0"
            ] },
            { "on": "till", "do": "expect board 1 within 10s" }
          ]
        }
        """#
}
