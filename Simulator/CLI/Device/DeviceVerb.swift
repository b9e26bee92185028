/// A verb that a device understands: what parsing, `help` and the schema's reader know of it.
struct DeviceVerb: Sendable {
    /// One or two words.
    let name: String
    /// What follows, as help shows it.
    let arguments: String
    let summary: String
    let examples: [String]
    /// How many words may follow.
    let count: ClosedRange<Int>

    init(
        _ name: String, _ arguments: String, _ summary: String, _ count: ClosedRange<Int>,
        _ examples: String...
    ) {
        self.name = name
        self.arguments = arguments
        self.summary = summary
        self.examples = examples
        self.count = count
    }

    private static let many = 32

    static let all: [DeviceVerb] = [
        DeviceVerb(
            "cart add", "SKU [N] [group=value…]", "adds N (1) to a line; below 0 takes away",
            1...many, "cart add latte 2 size=L milk=oat", "cart add latte -1 cart:work"),
        DeviceVerb(
            "cart set", "SKU N [group=value…]", "sets a line's quantity; 0 removes it", 2...many,
            "cart set latte 3 size=L"),
        DeviceVerb(
            "cart remove", "SKU [group=value…]", "removes a line", 1...many, "cart remove latte"),
        DeviceVerb(
            "cart note", "SKU|. TEXT|none [group=value…]",
            "writes a note on a line, or with a dot on the cart itself", 2...many,
            "cart note latte \"extra hot\"", "cart note . \"for the office\""),
        DeviceVerb(
            "cart clear", "", "removes all lines and the note that show", 0...1, "cart clear"),
        DeviceVerb("cart list", "", "names the carts", 0...0, "cart list"),
        DeviceVerb("cart show", "[NAME]", "shows a cart", 0...1, "cart show work"),
        DeviceVerb(
            "wish add", "SKU [group=value…]", "puts an entry at the end of a wishlist", 1...many,
            "wish add mug", "wish add mug color=red list:birthday"),
        DeviceVerb(
            "wish remove", "SKU [group=value…]", "removes an entry", 1...many, "wish remove mug"),
        DeviceVerb(
            "wish note", "SKU TEXT|none [group=value…]", "writes a note on an entry", 2...many,
            "wish note mug \"the big one\""),
        DeviceVerb(
            "wish move", "SKU PLACE [group=value…]", "moves an entry; the first place is 1",
            2...many, "wish move mug 1"),
        DeviceVerb(
            "wish new", "TITLE", "makes a wishlist and says its id", 1...1, "wish new Birthday"),
        DeviceVerb("wish show", "[ID]", "shows the wishlists, or one", 0...1, "wish show"),
        DeviceVerb("view", "SKU [group=value…]", "looks at an item", 1...many, "view latte"),
        DeviceVerb("recent", "", "shows what was looked at last", 0...0, "recent"),
        DeviceVerb(
            "journey", "[store|pickup|screen VALUE|none]",
            "shows where the customer is in the shop, or sets it", 0...2, "journey",
            "journey store s-17", "journey pickup 2026-11-23T12:00:00Z", "journey screen checkout"),
        DeviceVerb(
            "set", "COLLECTION ITEM FIELD VALUE|none", "writes a field of a custom collection",
            4...4, "set offers spring seen true"),
        DeviceVerb(
            "net", "PROFILE | FAULT [N]", "changes the network, or what the next exchanges meet",
            0...3, "net offline", "net very-bad", "net lost-reply 2", "net cut reply 40",
            "net custom 300ms 10%"),
        DeviceVerb(
            "sync", "[for TIME]", "sends and receives what there is, within 10 s", 0...2, "sync",
            "sync for 500ms"),
        DeviceVerb(
            "live", "on|off", "keeps in sync by itself, or only at `sync`", 1...1, "live on"),
        DeviceVerb("status", "", "says how the device stands to the server", 0...0, "status"),
        DeviceVerb("show", "", "shows everything", 0...0, "show"),
        DeviceVerb("outbox", "", "shows what waits to be judged", 0...0, "outbox"),
        DeviceVerb("receipts", "", "shows what became of each change", 0...0, "receipts"),
        DeviceVerb(
            "dismiss", "ID|all", "dismisses receipts that will not change any more", 1...1,
            "dismiss all"),
        DeviceVerb(
            "withdraw", "ID|last", "takes back a change that was not sent", 1...1, "withdraw last"),
        DeviceVerb(
            "conflicts", "REGISTER", "shows what others wrote to a register meanwhile", 1...4,
            "conflicts store", "conflicts cart-note", "conflicts offers spring seen"),
        DeviceVerb(
            "clock", "[+|-]TIME|reset", "sets the wall clock so much before or behind", 0...1,
            "clock +1d", "clock -10y", "clock reset"),
        DeviceVerb(
            "reboot", "", "starts the device anew: its uptime tells nothing any more", 0...0,
            "reboot"),
        DeviceVerb("kill", "", "ends the app at once, as SIGKILL does", 0...0, "kill"),
        DeviceVerb(
            "sign-in", "[CUSTOMER [TOKEN-FILE]]", "signs in, as the same customer or another",
            0...2, "sign-in", "sign-in c-2 c-2.token"),
        DeviceVerb("sign-out", "", "shows a guest's documents", 0...0, "sign-out"),
        DeviceVerb(
            "expect", "WHAT … [within TIME]", "fails unless it is so; `help expect` has the list",
            1...many, "expect cart latte 2 size=L", "expect outbox 0 within 5s"),
        DeviceVerb("wait", "TIME", "lets time pass", 1...1, "wait 500ms"),
        DeviceVerb(
            "state", "[COLLECTION ITEM FIELD]…", "shows all that devices must agree on", 0...many,
            "state"),
        DeviceVerb("help", "[VERB]", "explains the verbs", 0...2, "help cart add"),
        DeviceVerb("quit", "", "ends; everything is kept", 0...0, "quit"),
    ]

    static func named(_ name: String) -> DeviceVerb? { all.first { $0.name == name } }
}

/// Why a line was not done.
struct VerbFailure: Error, Hashable {
    enum Kind: String, Sendable {
        /// The line is wrong; nothing was done.
        case usage
        /// The line was right, and the client core refused; nothing was done.
        case refused
        /// An expectation does not hold.
        case expectation
    }

    let kind: Kind
    let message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

/// A line taken apart: the verb, and the words behind it.
struct VerbLine: Sendable {
    let verb: DeviceVerb
    var words: [String]

    /// Reads a line; `nil` for an empty one or a comment.
    static func parse(_ line: String) throws(VerbFailure) -> VerbLine? {
        let words = try split(line)
        guard let first = words.first else { return nil }
        let two = words.count > 1 ? "\(first) \(words[1])" : first
        let verb: DeviceVerb
        var rest: [String]
        if words.count > 1, let found = DeviceVerb.named(two) {
            verb = found
            rest = Array(words.dropFirst(2))
        } else if let found = DeviceVerb.named(first) {
            verb = found
            rest = Array(words.dropFirst())
        } else {
            throw unknown(first, two)
        }
        guard verb.count.contains(rest.count) else {
            let what = rest.count < verb.count.lowerBound ? "needs more" : "takes no more"
            throw VerbFailure(
                .usage,
                "\(verb.name) \(what): \(verb.name) \(verb.arguments)\n"
                    + "for example: \(verb.examples[0])")
        }
        return VerbLine(verb: verb, words: rest)
    }

    private static func unknown(_ first: String, _ two: String) -> VerbFailure {
        let family = DeviceVerb.all.map(\.name).filter { $0.hasPrefix(first + " ") }
        let names = DeviceVerb.all.map(\.name)
        if !family.isEmpty {
            let near = Nearest.word(to: two, among: family)
            let hint = near.map { "did you mean `\($0)`?" }
            return VerbFailure(
                .usage,
                "'\(two)' is no verb: "
                    + (hint ?? "there are \(family.joined(separator: ", "))"))
        }
        let heads = names.flatMap { [$0, String($0.prefix { $0 != " " })] }
        let near = Nearest.word(to: two, among: names) ?? Nearest.word(to: first, among: heads)
        return VerbFailure(
            .usage,
            "'\(first)' is no verb: "
                + (near.map { "did you mean `\($0)`?" } ?? "`help` lists them"))
    }

    /// Splits at spaces; quotes hold words together, `#` at the start of a word begins a comment.
    static func split(_ line: String) throws(VerbFailure) -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        for character in line {
            if isQuoted {
                if character == "\"" { isQuoted = false } else { word?.append(character) }
            } else if character == "\"" {
                isQuoted = true
                word = word ?? ""
            } else if character == " " || character == "\t" {
                if let done = word { words.append(done) }
                word = nil
            } else if character == "#", word == nil {
                break
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard !isQuoted else { throw VerbFailure(.usage, "a quote is not closed") }
        if let word { words.append(word) }
        return words
    }
}

/// "Did you mean": the nearest of the known words.
enum Nearest {
    /// The known word that takes the fewest edits, at most a third of its length; else `nil`.
    static func word(to word: String, among known: [String]) -> String? {
        let found = known.map { ($0, distance(word, $0)) }
            .filter { $0.1 <= max(1, $0.0.count / 3) }
            .min { $0.1 < $1.1 }
        return found?.0 ?? (word.count < 2 ? nil : known.first { $0.hasPrefix(word) })
    }

    /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
    private static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var before = Array(repeating: 0, count: right.count + 1)
        var row = Array(0...right.count)
        for i in left.indices {
            var next = [i + 1]
            for j in right.indices {
                var edits = min(row[j] + (left[i] == right[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    edits = min(edits, before[j - 1] + 1)
                }
                next.append(edits)
            }
            (before, row) = (row, next)
        }
        return row[right.count]
    }
}
