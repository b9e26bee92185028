/// What a device understands.
enum DeviceVerbs {
    private static let many = 32

    static let all: [Verb] = [
        Verb(
            "cart add", "SKU [N] [group=value…]", "adds N (1) to a line; below 0 takes away",
            1...many, "cart add latte 2 size=L milk=oat", "cart add latte -1 cart:work"),
        Verb(
            "scan", "CODE [N]",
            "adds what a code on a wall, a shelf or in a mail stands for, or a barcode", 1...3,
            "scan WALL-1", "scan WALL-1 2 cart:work"),
        Verb(
            "cart set", "SKU N [group=value…]", "sets a line's quantity; 0 removes it", 2...many,
            "cart set latte 3 size=L"),
        Verb(
            "cart remove", "SKU [group=value…]", "removes a line", 1...many, "cart remove latte"),
        Verb(
            "cart note", "SKU|. TEXT|none [group=value…]",
            "writes a note on a line, or with a dot on the cart itself", 2...many,
            "cart note latte \"extra hot\"", "cart note . \"for the office\""),
        Verb(
            "cart tick", "SKU [off] [group=value…]", "ticks a line off, or takes the tick back",
            1...many, "cart tick tea cart:weekly", "cart tick tea off cart:weekly"),
        Verb(
            "cart title", "TITLE|none", "gives a cart a name that people read: it is a list then",
            1...2, "cart title \"This week\" cart:weekly"),
        Verb(
            "cart export", "[text|json|link]",
            "says a cart as text, as JSON, or as a link that carries it", 0...2,
            "cart export cart:weekly", "cart export link cart:weekly"),
        Verb(
            "cart import", "FILE|LINK", "adds the lines of a list in any of these forms", 1...2,
            "cart import list.txt cart:weekly", "cart import tote:list:oWVsaW5lc4CA"),
        Verb(
            "cart walk", "STORE", "shows a cart in the order of a walk through a store", 1...2,
            "cart walk s-17 cart:weekly"),
        Verb(
            "cart from", "OTHER", "adds the lines of another cart that are not ticked off", 1...2,
            "cart from weekly"),
        Verb(
            "cart clear", "", "removes all lines and the note that show", 0...1, "cart clear"),
        Verb("cart list", "", "names the carts", 0...0, "cart list"),
        Verb("cart show", "[NAME]", "shows a cart", 0...1, "cart show work"),
        Verb(
            "wish add", "SKU [group=value…]", "puts an entry at the end of a wishlist", 1...many,
            "wish add mug", "wish add mug color=red list:birthday"),
        Verb(
            "wish remove", "SKU [group=value…]", "removes an entry", 1...many, "wish remove mug"),
        Verb(
            "wish note", "SKU TEXT|none [group=value…]", "writes a note on an entry", 2...many,
            "wish note mug \"the big one\""),
        Verb(
            "wish move", "SKU PLACE [group=value…]", "moves an entry; the first place is 1",
            2...many, "wish move mug 1"),
        Verb(
            "wish new", "TITLE", "makes a wishlist and says its id", 1...1, "wish new Birthday"),
        Verb("wish show", "[ID]", "shows the wishlists, or one", 0...1, "wish show"),
        Verb("view", "SKU [group=value…]", "looks at an item", 1...many, "view latte"),
        Verb("recent", "", "shows what was looked at last", 0...0, "recent"),
        Verb(
            "journey", "[store|pickup|screen VALUE|none]",
            "shows where the customer is in the shop, or sets it", 0...2, "journey",
            "journey store s-17", "journey pickup 2026-11-23T12:00:00Z", "journey screen checkout"),
        Verb(
            "stores", "[refresh] [near=LAT,LON] [cart:NAME]",
            "shows where the cart can be had, the nearest store first; or asks first which slots "
                + "are full", 0...3, "stores near=48.86,2.35"),
        Verb("menu", "[refresh]", "shows what is sold where, or fetches it anew", 0...1, "menu"),
        Verb(
            "quote", "STORE [cart:NAME]", "says what a cart costs at a store", 1...2,
            "quote s-17", "quote s-17 cart:work"),
        Verb(
            "order place",
            "[STORE] [cart:NAME] [at=+TIME|MOMENT|asap] [offer=ID[,ID]…] [reward=ID[,ID]…] "
                + "[card=AMOUNT|all] "
                + "[pay=counter|external:REF] [name=…] [note=…]",
            "orders a cart, at the store of the journey by default", 0...8, "order place s-17",
            "order place s-17 at=+30m name=Ada", "order place pay=external:ch-17 cart:work",
            "order place s-17 reward=latte card=2.50"),
        Verb("order show", "[last|ID]", "shows an order", 0...1, "order show", "order show 0f3a"),
        Verb("order code", "[last|ID]", "says an order's pickup code", 0...1, "order code"),
        Verb("order id", "[last|ID]", "says an order's whole id", 0...1, "order id"),
        Verb("order cancel", "last|ID", "cancels an order", 1...1, "order cancel last"),
        Verb(
            "order reorder", "last|ID [cart:NAME]", "puts an order's lines into a cart again",
            1...2, "order reorder last"),
        Verb(
            "order receipt", "[last|ID|NUMBER]",
            "shows an order's receipt, of those that are here or by its number", 0...1,
            "order receipt", "order receipt K4X7-ACDE-FGHJ"),
        Verb(
            "order number", "[last|ID]", "says the number of an order's receipt", 0...1,
            "order number"),
        Verb(
            "rate", "last|ID 1…5 [COMMENT]", "says what the customer thought of an order", 2...3,
            "rate last 5", "rate last 2 \"cold\""),
        Verb(
            "ask", "last|ID TEXT", "writes to the store about an order", 2...2,
            "ask last \"where is my scarf?\""),
        Verb("orders", "", "shows the orders, the latest first", 0...0, "orders"),
        Verb("points", "", "shows the points, and where they are", 0...0, "points"),
        Verb("card", "[CURRENCY]", "shows the stored value", 0...1, "card", "card EUR"),
        Verb("ledger", "[older]", "shows what came and went", 0...1, "ledger", "ledger older"),
        Verb(
            "rewards", "[STORE] [cart:NAME]",
            "says what a cart earns, and which rewards the points reach", 0...2, "rewards s-17"),
        Verb(
            "redeem", "REWARD [STORE] [cart:NAME] [at=…] [card=…]",
            "orders a cart with a reward, as `order place` does", 1...8, "redeem latte s-17"),
        Verb(
            "reserve", "UNITS [of=points|card:CURRENCY|offer:ID] [at=STORE]",
            "sets points aside for this device, or for a store's counter", 1...3, "reserve 300",
            "reserve 300 at=s-17", "reserve 5.00 of=card:EUR", "reserve 1 of=offer:spring-5"),
        Verb(
            "release", "last|ID", "gives a device's reservation back", 1...1, "release last"),
        Verb(
            "keep", "POINTS", "keeps so many points reserved while in touch; 0: none", 1...1,
            "keep 300"),
        Verb("offers", "", "shows the offers, and what is left of them", 0...0, "offers"),
        Verb(
            "activate", "OFFER|LINK [CHANNEL]",
            "activates an offer, as whoever follows its link in a mail does", 1...2,
            "activate spring-5", "activate tote:offer:spring-5 mail"),
        Verb(
            "challenges", "", "shows the challenges, and how far the customer has come", 0...0,
            "challenges"),
        Verb(
            "qr", "member|last|ID [dark|light|text]",
            "draws the code that a till scans, of the customer or of a store's reservation, for a "
                + "dark terminal or a light one", 1...2, "qr member", "qr last light",
            "qr member text"),
        Verb(
            "handoff", "[for TIME] [dark|light|text]",
            "hands the cart on to a store's device: shows a code, without a network one that "
                + "carries the cart", 0...3, "handoff", "handoff for 1h light", "handoff text"),
        Verb("handoffs", "", "shows the hand-offs of the customer", 0...0, "handoffs"),
        Verb(
            "handoff allow", "last|ID", "lets the joined device spend points and order", 1...1,
            "handoff allow last"),
        Verb(
            "handoff end", "last|ID", "ends a hand-off: the device loses what it has", 1...1,
            "handoff end last"),
        Verb(
            "join", "CODE", "on a store's device: takes a customer's code, shows their cart",
            1...1, "join ACDEFG"),
        Verb(
            "leave", "", "on a store's device: gives the customer's cart back and erases it",
            0...0, "leave"),
        Verb("shares", "", "shows the lists and totes that are shared", 0...0, "shares"),
        Verb(
            "share new", "list|tote [TITLE]",
            "makes a list of the customer's, or on a store's device a tote, and opens it", 1...2,
            "share new list Weekly", "share new tote"),
        Verb(
            "share join", "CODE|LINK", "joins what somebody shares, and opens it", 1...1,
            "share join ACDEFG"),
        Verb("share open", "ID|last", "opens what is shared already", 1...1, "share open last"),
        Verb("share show", "", "shows what is open", 0...0, "share show"),
        Verb(
            "share add", "SKU [N] [group=value…]", "adds N (1) to a line of it", 1...many,
            "share add tea 2"),
        Verb(
            "share scan", "CODE [N]", "adds what a scanner that types like a keyboard has read",
            1...2, "share scan 4006381333931"),
        Verb(
            "share tick", "SKU [off] [group=value…]", "ticks a line of it off", 1...many,
            "share tick tea"),
        Verb(
            "share pick", "SKU gathered|missing|OTHER-SKU|none [group=value…]",
            "says what was found of a line: it lies in the basket, is missing, or another does",
            2...many, "share pick tea gathered", "share pick mug scarf"),
        Verb(
            "share invite", "owner|editor|viewer [for TIME]",
            "says a code for one more, or a link where it is to last for more than an hour", 1...3,
            "share invite editor", "share invite viewer for 2d"),
        Verb("share members", "", "shows who shares it", 0...0, "share members"),
        Verb(
            "share role", "MEMBER owner|editor|viewer|none", "gives a member another role", 2...2,
            "share role 3f2a editor"),
        Verb("share cart", "[cart:NAME]", "puts its lines into the cart", 0...1, "share cart"),
        Verb("share sync", "", "sends and receives what there is of it", 0...0, "share sync"),
        Verb("share leave", "", "leaves it: nothing of it stays here", 0...0, "share leave"),
        Verb("share end", "", "ends it for all", 0...0, "share end"),
        Verb(
            "checkin", "last|ID [SPOT]", "tells the store that the customer is there", 1...2,
            "checkin last \"lot 3\""),
        Verb(
            "fates", "", "shows what became of each intent, for a program", 0...0, "fates"),
        Verb(
            "set", "COLLECTION ITEM FIELD VALUE|none", "writes a field of a custom collection",
            4...4, "set offers spring seen true"),
        Verb(
            "net", "PROFILE | FAULT [N]", "changes the network, or what the next exchanges meet",
            0...3, "net offline", "net very-bad", "net lost-reply 2", "net cut reply 40",
            "net custom 300ms 10%"),
        Verb(
            "sync", "[for TIME]", "sends and receives what there is, within 10 s", 0...2, "sync",
            "sync for 500ms"),
        Verb(
            "live", "on|off", "keeps in sync by itself, or only at `sync`", 1...1, "live on"),
        Verb("status", "", "says how the device stands to the server", 0...0, "status"),
        Verb("show", "", "shows everything", 0...0, "show"),
        Verb("outbox", "", "shows what waits to be judged", 0...0, "outbox"),
        Verb("receipts", "", "shows what became of each change", 0...0, "receipts"),
        Verb(
            "dismiss", "ID|all", "dismisses receipts that will not change any more", 1...1,
            "dismiss all"),
        Verb(
            "withdraw", "ID|last", "takes back a change that was not sent", 1...1, "withdraw last"),
        Verb(
            "conflicts", "REGISTER", "shows what others wrote to a register meanwhile", 1...4,
            "conflicts store", "conflicts cart-note", "conflicts offers spring seen"),
        Verb(
            "clock", "[+|-]TIME|reset", "sets the wall clock so much before or behind", 0...1,
            "clock +1d", "clock -10y", "clock reset"),
        Verb(
            "reboot", "", "starts the device anew: its uptime tells nothing any more", 0...0,
            "reboot"),
        Verb(
            "trace", "on|off|save FILE",
            "notes what the device does, for `tote-sim replay`; the file holds no text of the "
                + "customer's", 1...2, "trace on", "trace save phone.trace"),
        Verb("kill", "", "ends the app at once, as SIGKILL does", 0...0, "kill"),
        Verb(
            "sign-in", "[CUSTOMER [TOKEN-FILE]] [carts=union|max|replace]",
            "signs in, as the same customer or another", 0...3, "sign-in",
            "sign-in c-2 c-2.token", "sign-in carts=max"),
        Verb("joins", "", "shows how guests' carts have joined the account's", 0...0, "joins"),
        Verb("sign-out", "", "shows a guest's documents", 0...0, "sign-out"),
        Verb(
            "erase", "", "removes all that is here of the customer, unsent changes as well", 0...0,
            "erase"),
        Verb(
            "expect", "WHAT … [within TIME]", "fails unless it is so; `help expect` has the list",
            1...many, "expect cart latte 2 size=L", "expect outbox 0 within 5s"),
        Verb("wait", "TIME", "lets time pass", 1...1, "wait 500ms"),
        Verb(
            "state", "[COLLECTION ITEM FIELD]…", "shows all that devices must agree on", 0...many,
            "state"),
        Verb("help", "[VERB]", "explains the verbs", 0...2, "help cart add"),
        Verb("quit", "", "ends; everything is kept", 0...0, "quit"),
    ]
}
