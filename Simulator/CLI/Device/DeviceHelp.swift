/// What `help` says on a device.
enum DeviceHelp {
    static let expectations: [(what: String, meaning: String)] = [
        (
            "cart SKU N [group=value…] [cart:NAME]",
            "a line shows this quantity; 0: it does not show"
        ),
        ("lines N [cart:NAME]", "a cart shows so many lines"),
        ("note SKU|. TEXT|none [cart:NAME]", "a line's note, or with a dot the cart's"),
        ("wish SKU… [list:ID]", "a wishlist shows these entries in this order; none: it is empty"),
        ("wish-note SKU TEXT|none [list:ID]", "an entry's note"),
        ("recent SKU…|none", "these were viewed last, the latest first"),
        ("journey store|pickup|screen VALUE|none", "where the customer is in the shop"),
        ("value COLLECTION ITEM FIELD VALUE|none", "a field of a custom collection"),
        ("outbox N", "so many changes wait to be judged"),
        ("receipt STATE [CODE]", "one receipt at least is in a state, like: receipt rejected"),
        ("receipts STATE N", "so many receipts are in a state, like: receipts rejected 0"),
        (
            "joined-line SKU HAD BROUGHT KEPT [LIMIT]",
            "how the last guest's line joined, like: joined-line tea 1 2 2 2"
        ),
        ("conflicts N REGISTER", "a register holds so many other values"),
        ("receipts settled", "every receipt is accepted, rejected or withdrawn"),
        ("rejection CODE", "the last receipt that is rejected says this code"),
        ("order last|ID STATE", "an order's state, like: order last placed"),
        (
            "nearest STORE|none [near=LAT,LON]",
            "the first store where the cart can be had: nearest cafe near=48.86,2.35"
        ),
        (
            "order-channel last|ID CHANNEL [CHANNEL…]",
            "where an order was made, and its lines came from: order-channel last app wall -"
        ),
        ("rating last|ID N|none", "what the customer gave an order, like: rating last 5"),
        (
            "thread last|ID N [asked|answered]",
            "so many posts are on an order's thread, and whether the store has answered"
        ),
        ("orders N [STATE]", "so many orders show, or are in a state, like: orders 1 collected"),
        ("order-total last|ID AMOUNT", "what an order costs, like: order-total last 9.00"),
        (
            "points N [available|here|elsewhere|pending|debt]",
            "so many points are the customer's, or are there, like: points 120 here"
        ),
        (
            "card CURRENCY AMOUNT [available|here|elsewhere]",
            "stored value, like: card EUR 12.50"
        ),
        (
            "offer ID STATE | offer ID N left|here",
            "an offer is open, queued, active, used, not-on, none, or refused with a code; so "
                + "many uses of it are left, or are here without a network"
        ),
        ("challenge ID N|done", "orders were collected on so many days of a challenge"),
        (
            "share-line SKU N [ticked|gathered|missing|OTHER-SKU]",
            "a line of the share that is open has a quantity, and stands so"
        ),
        ("share-members N", "so many share what is open"),
        ("shares N", "so many lists and totes are shared here"),
        ("ticked N [cart:NAME]", "so many lines of a cart are ticked off"),
        ("entries N [KIND]", "so many entries of the ledger show, like: entries 1 spend"),
        (
            "handoff offered|joined|over|none",
            "how the last hand-off stands, as the customer's device knows it"
        ),
        (
            "joined no|cart|points",
            "whether this store's device has joined a customer, and what it may do"
        ),
        (
            "erased yes|no",
            "whether the customer was erased at the server, and what was here with them"
        ),
        ("left left|revoked|over [N]", "how the hand-off ended here, and how much was lost of it"),
        ("menu VERSION|none", "the version of the catalogue that is here"),
        ("faults N", "so many exchanges have still to meet the fault that `net` asked for"),
        ("status WORD", "one of \(DeviceText.statusWords.joined(separator: ", "))"),
    ]

    static let help = VerbHelp(
        verbs: DeviceVerbs.all, expectations: expectations,
        notes: [
            "Carts but main: cart:NAME. Wishlists but favorites: list:ID. # begins a comment.",
            "Orders: `last`, or the first digits of an id.",
        ])
}
