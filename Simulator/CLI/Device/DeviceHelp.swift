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
        ("conflicts N REGISTER", "a register holds so many other values"),
        ("faults N", "so many exchanges have still to meet the fault that `net` asked for"),
        ("status WORD", "one of \(DeviceText.statusWords.joined(separator: ", "))"),
    ]

    static func lines(_ words: [String]) throws(VerbFailure) -> [String] {
        guard !words.isEmpty else {
            let width = DeviceVerb.all.map { $0.name.count + $0.arguments.count + 1 }.max() ?? 0
            return DeviceVerb.all.map { verb in
                pad("\(verb.name) \(verb.arguments)", width) + "  " + verb.summary
            } + [
                "",
                "Carts but main: cart:NAME. Wishlists but favorites: list:ID. # begins a comment.",
                "`help VERB` has examples.",
            ]
        }
        let name = words.joined(separator: " ")
        if name == "net" || name == "expect" { return details(name) }
        let verbs = DeviceVerb.all.filter { $0.name == name || $0.name.hasPrefix(name + " ") }
        guard !verbs.isEmpty else {
            let near = Nearest.word(to: name, among: DeviceVerb.all.map(\.name))
            throw VerbFailure(
                .usage,
                "'\(name)' is no verb: "
                    + (near.map { "did you mean `\($0)`?" } ?? "`help` lists them"))
        }
        return verbs.flatMap { verb in
            ["\(verb.name) \(verb.arguments): \(verb.summary)"] + verb.examples.map { "  \($0)" }
        }
    }

    private static func details(_ name: String) -> [String] {
        if name == "net" {
            return ["net PROFILE:"]
                + NetworkProfile.presets.map { "  " + pad($0.name, 10) + $0.summary }
                + [
                    "  " + pad("custom", 10) + "LATENCY [LOSS%], like: net custom 300ms 10%",
                    "net FAULT, for the next exchanges:",
                    "  lost-request [N]   the request never arrives",
                    "  lost-reply [N]     the server does it; its answer gets lost",
                    "  twice [N]          the request arrives twice",
                    "  cut request BYTES  cut after so many bytes of the request",
                    "  cut reply BYTES    cut after so many bytes of the reply",
                    "  captive-portal [N] a login page answers in place of the server",
                ]
        }
        let width = expectations.map(\.what.count).max() ?? 0
        return ["expect WHAT [within TIME]:"]
            + expectations.map { "  " + pad($0.what, width) + "  " + $0.meaning }
            + ["for example: expect cart latte 2 size=L within 5s"]
    }

    static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
