// Offers: bounded resources that customers activate from a mail, once.

extension BuiltInScenarios {
    static let offers: [Entry] = [
        Entry(name: "offers", text: offersOnline),
        Entry(name: "offers-dead-spot", text: offersDeadSpot),
    ]

    /// The club, with an offer of three uses, two for each, and a challenge of one day.
    private static let spring = club.replacing(
        "\"leases\": {",
        with: """
            "offers": [
              { "id": "spring", "names": {"en": "Spring"}, "discount": {"EUR": 100},
                "total": 3, "each": 2 }
            ],
            "challenges": [
              { "id": "one-day", "names": {"en": "A day"}, "days": 1, "from": 0,
                "until": 4102444800000, "points": 70 }
            ],
            "leases": {
            """)

    private static let offersOnline = #"""
        {
          "name": "offers",
          "about": "a mail is opened on two devices: the offer is activated once, and used up",
          "tags": ["points"],
          \#(spring),
          "devices": {
            "phone": {"live": true}, "tablet": {"live": true}, "friend": {"customer": "friend"}
          },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "all", "do": ["sync", "menu refresh", "expect offer spring open"] },
            { "parallel": [
              { "on": "phone", "do": "activate tote:offer:spring mail" },
              { "on": "tablet", "do": "activate tote:offer:spring mail" }
            ] },
            { "settle": "all" },
            { "on": "phone", "do": [
              "expect offer spring active within 5s", "expect offer spring 2 left",
              "expect refused offer_unknown activate summer", "cart add tea",
              "order place cafe offer=spring", "expect order last placed within 5s"
            ] },
            { "on": "tablet", "do": [
              "expect offer spring 1 left within 5s", "expect receipts rejected 0"
            ] },
            { "on": "friend", "do": ["activate spring", "sync", "expect offer spring 1 left"] },
            { "on": "till", "do": [
              "expect board 1 placed within 5s", "ready last", "collect last"
            ] },
            { "on": "phone", "do": ["expect order last collected within 5s", "offers"] },
            { "give": 10, "to": "phone" },
            { "on": "all", "do": "challenges" }
          ]
        }
        """#

    private static let offersDeadSpot = #"""
        {
          "name": "offers-dead-spot",
          "about": "more customers activate an offer without a network than it has uses",
          "tags": ["points"],
          \#(spring),
          "devices": {
            "phone": {}, "friend": {"customer": "friend"}, "late": {"customer": "late"}
          },
          "steps": [
            { "on": "all", "do": [
              "sync", "menu refresh", "net offline", "activate spring", "activate spring",
              "expect offer spring queued", "expect receipts saved 1",
              "cart add tea", "expect refused balance_too_low order place cafe offer=spring"
            ] },
            { "on": "phone", "do": [
              "net wifi", "net lost-reply 2", "sync", "sync", "expect offer spring active",
              "reserve 2 of=offer:spring", "sync", "expect offer spring 2 here",
              "net offline", "order place cafe offer=spring", "expect offer spring 1 here",
              "cart add tea", "order place cafe offer=spring", "expect offer spring used",
              "cart add tea", "expect refused balance_too_low order place cafe offer=spring"
            ] },
            { "on": "friend", "do": [
              "net wifi", "sync", "expect offer spring active", "expect offer spring 1 left"
            ] },
            { "on": "late", "do": [
              "net wifi", "sync", "expect offer spring offer_exhausted",
              "expect receipts rejected 1 offer_exhausted"
            ] },
            { "on": "phone", "do": [
              "net wifi", "net lost-reply", "sync", "sync", "expect orders 2 placed",
              "expect receipts rejected 0", "expect offer spring used"
            ] },
            { "settle": "all" }
          ]
        }
        """#
}
