/// What a counter understands.
enum CounterVerbs {
    private static let many = 32
    private static let which = "CODE|ID|last"

    static let all: [Verb] = [
        Verb("board", "", "shows the open orders, the oldest first", 0...0, "board"),
        Verb("show", "\(which)", "shows an order", 1...1, "show K4X7"),
        Verb("confirm", "\(which)", "says that the store will make it", 1...1, "confirm K4X7"),
        Verb("prepare", "\(which)", "begins to make it", 1...1, "prepare K4X7"),
        Verb("ready", "\(which)", "says that it can be collected", 1...1, "ready K4X7"),
        Verb(
            "collect", "\(which)",
            "hands an order over; while the network is off it is noted, and told later", 1...1,
            "collect K4X7", "collect last"),
        Verb("undo", "\(which)", "takes a hand-over back, within a minute", 1...1, "undo K4X7"),
        Verb(
            "decline", "\(which) REASON", "refuses an order that nobody began", 2...2,
            "decline K4X7 \"no milk left\""),
        Verb(
            "cancel", "\(which) [REASON]", "gives an order up", 1...2, "cancel K4X7 \"no-show\""),
        Verb(
            "override", "\(which) STATE REASON", "a manager's step, on record", 3...3,
            "override K4X7 placed \"declined by mistake\""),
        Verb("dismiss", "\(which)", "ends the alarm of a disputed order", 1...1, "dismiss K4X7"),
        Verb(
            "answer", "\(which) TEXT", "answers on the thread of a customer's order", 2...2,
            "answer K4X7 \"it is at the desk\""),
        Verb(
            "sale", "NUMBER", "shows the receipt of any order, by its number", 1...1,
            "sale K4X7-ACDE-FGHJ"),
        Verb(
            "visit", "CODE", "begins to serve the customer who shows this code", 1...1,
            "visit TOTE.M1.…"),
        Verb(
            "look", "", "shows what the role allows of the customer who is served", 0...0, "look"),
        Verb("bye", "", "ends the visit: nothing more is shown of the customer", 0...0, "bye"),
        Verb("alerts", "", "shows what to look at, the most urgent first", 0...0, "alerts"),
        Verb("sold-out", "SKU", "sells a product out from now on", 1...1, "sold-out croissant"),
        Verb("available", "SKU", "sells it again", 1...1, "available croissant"),
        Verb(
            "auto", "on [PAUSE]|off",
            "takes every order through its steps and hands it over, resting in between", 1...2,
            "auto on", "auto on 200ms", "auto off"),
        Verb(
            "redeem", "CODE REWARD|offer:ID|AMOUNT [price=AMOUNT] [currency=EUR]",
            "spends points or stored value by the code that a phone shows; cut off, by its "
                + "reservation here", 2...4, "redeem TOTE.L1.… latte price=4.00",
            "redeem TOTE.M1.… 5.00", "redeem TOTE.M1.… offer:spring-5"),
        Verb(
            "receipt", "CODE TOTAL [SKU [N]]… [id=ID] [currency=EUR]",
            "a purchase at the till, which earns points", 2...many,
            "receipt TOTE.M1.… 12.50 latte 2 croissant id=r-17"),
        Verb(
            "return", "order|receipt|redemption ID [SKU [N]]… [reason=…]",
            "takes goods back, all of them or some", 2...many, "return order K4X7 latte 1",
            "return receipt s-17:r-17", "return redemption 0f3a…"),
        Verb(
            "redeemer", "", "says whether reservations are taken while the network is off", 0...0,
            "redeemer"),
        Verb(
            "promise", "", "frees what has ended of the customers' reservations here", 0...0,
            "promise"),
        Verb("queue", "", "shows what the server has not answered yet", 0...0, "queue"),
        Verb("status", "", "says how the counter stands to the server", 0...0, "status"),
        Verb(
            "net", "PROFILE | FAULT [N]", "changes the network, or what the next exchanges meet",
            0...3, "net offline", "net online", "net very-bad", "net lost-reply 2"),
        Verb("facts", "", "what happened here, for a program", 0...0, "facts"),
        Verb("kill", "", "ends the program at once, as SIGKILL does", 0...0, "kill"),
        Verb(
            "expect", "WHAT … [within TIME]", "fails unless it is so; `help expect` has the list",
            1...many, "expect board 1 placed within 5s",
            "expect refused already_collected collect K4X7"),
        Verb("wait", "TIME", "lets time pass", 1...1, "wait 500ms"),
        Verb("help", "[VERB]", "explains the verbs", 0...2, "help collect"),
        Verb("quit", "", "ends; everything is kept", 0...0, "quit"),
    ]

    static let help = VerbHelp(
        verbs: all,
        expectations: [
            ("board N [STATE]", "so many orders show, or are in a state, like: board 2 ready"),
            ("order CODE|ID|last STATE", "an order's state as the counter knows it"),
            ("gone N STATE", "so many orders left the board like this: gone 3 collected"),
            ("queue N", "so many things have not been answered by the server yet"),
            ("disputed N", "so many orders were handed over although they were cancelled"),
            (
                "visitor orders|wishes|points|cards|preferences N",
                "so many of these show of the customer who is served: visitor orders 2"
            ),
            ("alerts N [KIND]", "so many things are to be looked at: alerts 1 order_late"),
            ("doubled N", "the feed told so many orders twice at one version; 0 is right"),
            ("faults N", "so many exchanges have still to meet the fault that `net` asked for"),
            ("redeemer WORD", "ready, without-key or none"),
            ("unsent N", "so many things of the redeemer wait to be judged"),
            ("status WORD", "online, offline or refused"),
        ],
        notes: [
            "Orders: the pickup code, the first digits of the id, or `last` for the latest one."
        ])
}
