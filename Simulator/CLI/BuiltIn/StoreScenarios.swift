// What happens at the counter.

extension BuiltInScenarios {
    static let stores: [Entry] = [
        Entry(name: "order-two-counters", text: orderTwoCounters),
        Entry(name: "order-wrong-code", text: orderWrongCode),
        Entry(name: "order-no-show", text: orderNoShow),
        Entry(name: "order-cancelled-late", text: orderCancelledLate),
        Entry(name: "order-disputed", text: orderDisputed),
        Entry(name: "order-counter-killed", text: orderCounterKilled),
        Entry(name: "order-server-restarts", text: orderServerRestarts),
        Entry(name: "lunch-rush", text: lunchRush),
    ]

    private static let orderTwoCounters = #"""
        {
          "name": "order-two-counters",
          "about": "two counters hand over one order: the second is told, online and cut off",
          "tags": ["smoke", "orders", "counters"],
          \#(cafe),
          "devices": { "phone": {"customer": "ada"}, "tablet": {"customer": "ben"} },
          "counters": { "till-1": {"store": "cafe"}, "till-2": {"store": "cafe"} },
          "steps": [
            { "on": "all", "do": [
              "sync", "menu refresh", "cart add latte", "order place cafe", "sync"
            ] },
            { "on": "till-1", "do": [
              "expect board 2 within 10s", "ready {phone.code}", "ready {tablet.code}"
            ] },
            { "on": "till-2", "do": "expect board 2 ready within 10s" },
            { "on": "till-1", "do": "collect {phone.code}" },
            { "on": "till-2", "do": [
              "expect refused already_collected collect {phone.code}",
              "expect board 1 within 10s"
            ] },
            { "on": "till-*", "do": ["net offline", "collect {tablet.code}", "expect queue 1"] },
            { "on": "till-*", "do": ["net wifi", "expect queue 0 within 10s"] },
            { "on": "till-*", "do": [
              "expect board 0 within 10s", "expect gone 2 collected", "expect doubled 0"
            ] }
          ]
        }
        """#

    private static let orderWrongCode = #"""
        {
          "name": "order-wrong-code",
          "about": "five wrong codes lock a counter; the order is found by its id all the same",
          "tags": ["orders", "counters"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add latte", "order place cafe", "sync"
            ] },
            { "on": "till", "do": ["expect board 1 within 10s", "ready last"] },
            { "repeat": 5, "steps": [
              { "on": "till", "do": "expect refused wrong_code collect ZZZZ" }
            ] },
            { "on": "till", "do": [
              "expect refused locked collect {phone.code}", "collect {phone.order}"
            ] },
            { "on": "phone", "do": ["sync", "expect order last collected"] }
          ]
        }
        """#

    private static let orderNoShow = #"""
        {
          "name": "order-no-show",
          "about": "nobody comes for an order within its time: it expires, and the store decides",
          "tags": ["orders", "counters"],
          \#(cafe),
          "devices": { "phone": {"customer": "ada"}, "tablet": {"customer": "ben"} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "all", "do": [
              "sync", "menu refresh", "cart add latte", "order place cafe", "sync"
            ] },
            { "on": "till", "do": [
              "expect board 2 within 10s", "ready {phone.code}", "ready {tablet.code}"
            ] },
            { "server": "restart", "clock": "+3h" },
            { "on": "till", "do": [
              "expect board 2 expired within 20s", "cancel {phone.code} \"no-show\"",
              "collect {tablet.code}"
            ] },
            { "on": "phone", "do": ["sync", "expect order last cancelled", "order show"] },
            { "on": "tablet", "do": ["sync", "expect order last collected"] }
          ]
        }
        """#

    private static let orderCancelledLate = #"""
        {
          "name": "order-cancelled-late",
          "about": "a customer cancels while the store begins: who is first at the server decides",
          "tags": ["orders", "counters"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add latte", "order place cafe", "sync",
              "net offline", "order cancel last"
            ] },
            { "on": "till", "do": ["expect board 1 within 10s", "prepare last"] },
            { "on": "phone", "do": [
              "net wifi", "sync", "expect rejection step_not_allowed",
              "expect order last preparing", "expect refused step_not_allowed order cancel last"
            ] },
            { "on": "till", "do": ["ready last", "collect last"] },
            { "on": "phone", "do": [
              "cart add tea", "order place cafe", "sync", "expect order last placed"
            ] },
            { "on": "till", "do": ["expect board 1 placed within 10s", "net offline"] },
            { "on": "phone", "do": [
              "order cancel last", "sync", "expect order last cancelled", "expect lines 0"
            ] },
            { "on": "till", "do": [
              "expect refused offline prepare last", "net wifi", "expect board 0 within 10s",
              "expect gone 1 cancelled"
            ] }
          ]
        }
        """#

    private static let orderDisputed = #"""
        {
          "name": "order-disputed",
          "about": "a counter that is cut off hands over what was cancelled: everybody is told",
          "tags": ["orders", "counters"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": {
            "till-1": {"store": "cafe"}, "till-2": {"store": "cafe", "manager": true}
          },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add latte", "order place cafe", "sync"
            ] },
            { "on": "till-1", "do": ["expect board 1 placed within 10s", "net offline"] },
            { "on": "phone", "do": ["order cancel last", "sync"] },
            { "on": "till-1", "do": ["collect {phone.code}", "kill"] },
            { "on": "till-1", "do": ["expect queue 1", "net wifi", "expect queue 0 within 10s"] },
            { "on": "till-*", "do": "expect disputed 1 within 10s" },
            { "on": "till-2", "do": ["board", "dismiss {phone.order}"] },
            { "on": "till-*", "do": "expect disputed 0 within 10s" },
            { "on": "phone", "do": ["sync", "expect order last cancelled"] }
          ]
        }
        """#

    private static let orderCounterKilled = #"""
        {
          "name": "order-counter-killed",
          "about": "a counter is killed again and again: it misses no order and tells none twice",
          "tags": ["orders", "counters", "crash"],
          \#(cafe),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"} },
          "steps": [
            { "on": "phone", "do": ["sync", "menu refresh"] },
            { "on": "till", "do": ["expect status online within 10s", "kill"] },
            { "repeat": 3, "steps": [
              { "on": "phone", "do": ["cart add latte", "order place cafe", "sync"] },
              { "on": "till", "do": [
                "expect order {phone.code} placed within 10s", "prepare {phone.code}", "kill"
              ] }
            ] },
            { "on": "till", "do": [
              "expect board 3 preparing within 10s", "ready last", "net offline",
              "collect last", "expect refused already_collected collect last", "kill"
            ] },
            { "server": "restart" },
            { "on": "till", "do": [
              "expect queue 1", "net wifi", "expect queue 0 within 20s",
              "expect board 2 within 10s", "expect gone 1 collected", "expect doubled 0"
            ] }
          ]
        }
        """#

    private static let orderServerRestarts = #"""
        {
          "name": "order-server-restarts",
          "about": "the server is killed and restarted while orders come and go: all are collected",
          "tags": ["orders", "counters", "server", "crash"],
          \#(cafe),
          "devices": { "phone": {"count": 6, "customer": "guest-*", "live": true} },
          "counters": { "till-1": {"store": "cafe"}, "till-2": {"store": "cafe"} },
          "steps": [
            { "on": "phone-*", "at-once": true, "do": ["menu refresh", "cart add latte"] },
            { "on": "till-*", "do": "auto on 20ms" },
            { "parallel": [
              { "on": "phone-*", "at-once": true, "do": [
                "order place cafe", "expect orders 1 collected within 60s",
                "cart add tea", "order place cafe", "expect orders 2 collected within 60s"
              ] },
              { "repeat": 2, "steps": [
                { "wait": "150ms" }, { "server": "kill" }, { "server": "start" },
                { "wait": "150ms" }, { "server": "restart" }
              ] }
            ] },
            { "on": "till-*", "do": [
              "expect gone 12 collected within 20s", "expect board 0", "expect doubled 0"
            ] }
          ]
        }
        """#

    private static let lunchRush = #"""
        {
          "name": "lunch-rush",
          "about": "50 phones, 3 counters, bad networks, kills: every order is collected once",
          "tags": ["orders", "counters", "crash", "load"],
          "catalog": "demo",
          "devices": { "phone": {"count": 50, "customer": "guest-*", "live": true} },
          "counters": {
            "till-1": {"store": "paris-republique"}, "till-2": {"store": "paris-republique"},
            "till-3": {"store": "paris-republique"}
          },
          "steps": [
            { "on": "phone-*", "at-once": true, "do": [
              "menu refresh", "cart add latte size=L milk=oat", "cart add croissant 2", "net lte"
            ] },
            { "on": ["phone-*3", "phone-*6"], "at-once": true, "do": "net very-bad" },
            { "on": "phone-*9", "at-once": true, "do": "net edge" },
            { "on": "till-*", "do": "auto on 10ms" },
            { "parallel": [
              {
                "on": ["phone-*0", "phone-*1", "phone-*2", "phone-*3", "phone-*4", "phone-*5",
                  "phone-*6", "phone-*8", "phone-*9"],
                "at-once": true, "do": "order place paris-republique"
              },
              {
                "on": "phone-*7", "at-once": true,
                "do": ["order place paris-republique", "kill", "order show"]
              },
              { "repeat": 1, "steps": [
                { "wait": "400ms" }, { "server": "kill" }, { "on": "till-2", "do": "kill" },
                { "wait": "300ms" }, { "server": "start" }, { "on": "till-2", "do": "status" }
              ] }
            ] },
            { "//": "everybody comes into the store, which has a good network" },
            { "wait": "4s" },
            { "on": "phone-*", "at-once": true, "do": [
              "net wifi", "expect receipts settled within 60s",
              "expect orders 1 collected within 60s"
            ] },
            { "on": "till-*", "do": [
              "expect gone 50 collected within 20s", "expect board 0", "expect doubled 0"
            ] }
          ]
        }
        """#
}
