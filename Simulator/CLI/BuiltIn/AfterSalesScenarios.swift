// What is said about an order once it was sold, and what an associate sees of who bought it.

extension BuiltInScenarios {
    static let afterSales: [Entry] = [
        Entry(name: "after-sale", text: afterSale),
        Entry(name: "after-sale-dead-spot", text: afterSaleDeadSpot),
        Entry(name: "visit", text: visit),
        Entry(name: "visit-dead-spot", text: visitDeadSpot),
    ]

    private static let afterSale = #"""
        {
          "name": "after-sale",
          "about": "an order is rated on another device; a request is answered on its thread",
          "tags": ["smoke", "orders"],
          \#(club),
          "devices": { "phone": {"live": true}, "tablet": {"live": true} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add croissant 2", "order place cafe",
              "expect order last placed within 5s"
            ] },
            { "on": "till", "do": [
              "expect board 1 placed within 5s", "expect alerts 0", "ready last", "collect last"
            ] },
            { "on": "phone", "do": [
              "expect order last collected within 5s", "ask last \"where is my scarf?\"",
              "expect thread last 1 asked", "expect receipts settled within 5s"
            ] },
            { "on": "tablet", "do": [
              "expect orders 1 collected within 5s", "expect thread last 1 asked within 5s",
              "rate last 4 \"quick\"", "expect rating last 4"
            ] },
            { "on": "till", "do": [
              "expect alerts 1 request_unanswered within 5s", "answer last \"it is at the desk\"",
              "expect alerts 0", "expect refused number_malformed sale AAAA-AAAA-AAAC",
              "sale {phone.number}"
            ] },
            { "on": "phone", "do": [
              "expect thread last 2 answered within 5s", "expect rating last 4 within 5s",
              "rate last 5", "expect rating last 5", "expect receipts settled within 5s",
              "order receipt last"
            ] },
            { "on": "tablet", "do": [
              "expect rating last 5 within 5s", "order receipt {phone.number}"
            ] }
          ]
        }
        """#

    private static let afterSaleDeadSpot = #"""
        {
          "name": "after-sale-dead-spot",
          "about": "a receipt is read, an order rated and a request made without a network: once",
          "tags": ["smoke", "orders", "offline"],
          \#(club),
          "devices": { "phone": {}, "tablet": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add croissant 2", "order place cafe", "sync"
            ] },
            { "on": "till", "do": [
              "expect board 1 placed within 5s", "ready last", "collect last"
            ] },
            { "on": "tablet", "do": ["sync", "expect rating last none", "net offline"] },
            { "on": "phone", "do": [
              "net offline", "order receipt last", "order number last",
              "rate last 3", "rate last 2 \"cold\"", "ask last \"one was missing\"", "kill"
            ] },
            { "on": "phone", "do": [
              "expect rating last 2", "expect thread last 1 asked", "net lost-reply 2",
              "net wifi", "sync", "sync", "expect receipts settled", "expect receipts rejected 0",
              "expect order last collected", "expect rating last 2", "expect thread last 1 asked"
            ] },
            { "on": "tablet", "do": [
              "rate last 5", "net wifi", "sync", "expect rating last 5",
              "expect thread last 1 asked"
            ] },
            { "on": "till", "do": [
              "expect alerts 1 request_unanswered within 5s", "answer last \"we refund it\""
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["expect rating last 5", "expect thread last 2 answered"] }
          ]
        }
        """#

    private static let visit = #"""
        {
          "name": "visit",
          "about": "an associate sees what the role allows of a customer, until the visit ends",
          "tags": ["smoke", "visits"],
          \#(club),
          "devices": { "phone": {}, "web": {"channel": "web"} },
          "counters": {
            "till": {"store": "cafe"}, "boss": {"store": "cafe", "manager": true}
          },
          "steps": [
            { "give": 500, "to": "phone" },
            { "give": 800, "account": "card:EUR", "to": "phone" },
            { "on": "phone", "do": [
              "sync", "menu refresh", "wish add tea", "set preferences coffee milk oat", "sync"
            ] },
            { "on": "web", "do": [
              "sync", "menu refresh", "cart add croissant 2", "order place cafe", "sync"
            ] },
            { "on": "till", "do": [
              "expect refused no_visit look", "expect refused code_unknown visit TOTE.M1.0",
              "visit {phone.member}", "expect visitor orders 1", "expect visitor wishes 1",
              "expect visitor preferences 1", "expect visitor points 500",
              "expect visitor cards 0", "bye", "expect refused no_visit look"
            ] },
            { "on": "boss", "do": [
              "visit {phone.member}", "expect visitor points 500", "expect visitor cards 800",
              "bye", "expect refused no_visit look"
            ] }
          ]
        }
        """#

    private static let visitDeadSpot = #"""
        {
          "name": "visit-dead-spot",
          "about": "a phone without a network says who its customer is; a counter keeps nothing",
          "tags": ["visits", "offline"],
          \#(club),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": ["sync", "menu refresh", "wish add tea", "sync"] },
            { "on": "phone", "do": ["net offline", "wish add croissant"] },
            { "on": "till", "do": [
              "visit {phone.member}", "expect visitor wishes 1", "net offline",
              "expect refused offline look", "kill"
            ] },
            { "on": "till", "do": ["net wifi", "expect refused no_visit look"] },
            { "on": "phone", "do": ["net wifi", "sync", "expect receipts settled"] },
            { "on": "till", "do": ["visit {phone.member}", "expect visitor wishes 2", "bye"] }
          ]
        }
        """#
}
