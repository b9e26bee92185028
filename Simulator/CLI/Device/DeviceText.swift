import ToteClient

/// What a device shows, as lines of text: the same on devices that agree.
enum DeviceText {
    static func status(_ status: SyncStatus) -> String {
        switch status {
        case .starting: "starting"
        case .offline(_, _, let why): "offline (\(reason(why)))"
        case .connecting: "connecting"
        case .syncing: "syncing"
        case .upToDate: "up to date"
        case .signedOut: "signed out"
        case .updateRequired: "update required"
        case .halted(let error): "halted (\(error.message))"
        }
    }

    /// The word for `expect status`.
    static func word(_ status: SyncStatus) -> String {
        switch status {
        case .starting: "starting"
        case .offline: "offline"
        case .connecting: "connecting"
        case .syncing: "syncing"
        case .upToDate: "up-to-date"
        case .signedOut: "signed-out"
        case .updateRequired: "update-required"
        case .halted: "halted"
        }
    }

    static let statusWords = [
        "starting", "offline", "connecting", "syncing", "up-to-date", "signed-out",
        "update-required", "halted",
    ]

    private static func reason(_ why: OfflineReason) -> String {
        switch why {
        case .stopped: "not asked to sync"
        case .noConnection(let words): words
        case .serverBusy(let code): "the server is busy: \(code)"
        case .noToken(let words): "no token: \(words)"
        case .notSaved(let error): "the disk: \(error.message)"
        }
    }

    /// How a guest's cart joined, line by line.
    static func join(_ join: CartJoin) -> [String] {
        let head = "cart \(join.cart) by \(join.policy)"
        return [join.isOutdated ? head + ": another was touched later" : head]
            + join.lines.map { line in
                "  \(Self.line(line.name)): \(line.had) here, \(line.brought) brought, "
                    + "\(line.kept) now" + (line.limit.map { ", limited to \($0)" } ?? "")
            }
    }

    static func line(_ name: LineName) -> String {
        let options = name.options.sorted { $0.key < $1.key }
            .map { entry in entry.key + "=" + entry.value }
        return ([name.sku] + options).joined(separator: " ")
    }

    static func cart(_ cart: Cart) -> [String] {
        let title = cart.title.map { " \"\($0)\"" } ?? ""
        var lines = ["cart \(cart.name)\(title):" + (cart.lines.isEmpty ? " empty" : "")]
        if let note = cart.note { lines.append("  note: \(note)") }
        return lines
            + cart.lines.map { entry in
                "  \(entry.isTicked ? "[x] " : "")\(entry.quantity) × \(line(entry.name))"
                    + (entry.note.map { "  (\($0))" } ?? "") + pick(entry.pick)
            }
    }

    private static func pick(_ pick: CartLine.Pick?) -> String {
        switch pick {
        case .gathered: "  gathered"
        case .missing: "  missing"
        case .substituted(let name): "  \(line(name)) in its place"
        case nil: ""
        }
    }

    static func wishlist(_ list: Wishlist) -> [String] {
        let title = list.title.map { " \"\($0)\"" } ?? ""
        var lines = ["wishlist \(list.id)\(title):" + (list.entries.isEmpty ? " empty" : "")]
        if let note = list.note { lines.append("  note: \(note)") }
        return lines
            + list.entries.enumerated().map { index, entry in
                "  \(index + 1). \(line(entry.name))" + (entry.note.map { "  (\($0))" } ?? "")
            }
    }

    static func journey(_ journey: Journey) -> [String] {
        [("store", journey.store), ("pickup", journey.pickupTime), ("screen", journey.screen)]
            .compactMap { name, value in value.map { "journey \(name): \($0)" } }
    }

    static func receipt(_ receipt: Receipt) -> [String] {
        let label = receipt.label.isEmpty ? "(another device's)" : receipt.label
        let head = "\(receipt.id)  \(state(receipt.state))  \(label)"
        return [head] + (receipt.whatToDo.map { ["    \($0)"] } ?? [])
    }

    static func state(_ state: Receipt.State) -> String {
        switch state {
        case .saved: "saved"
        case .sending: "sending"
        case .accepted: "accepted"
        case .rejected(let rejection): "rejected: \(rejection.code)"
        case .withdrawn: "withdrawn"
        }
    }

    /// The word for `expect receipt`.
    static func word(_ state: Receipt.State) -> String {
        String(DeviceText.state(state).prefix { $0 != ":" })
    }

    static let stateWords = ["saved", "sending", "accepted", "rejected", "withdrawn"]

    static func value(_ value: Value?) -> String {
        value.map { shown($0) } ?? "none"
    }

    private static func shown(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .int(let int): String(int)
        case .text(let text): text
        case .array(let values): "[" + values.map { shown($0) }.joined(separator: ", ") + "]"
        case .map(let entries):
            "{"
                + entries.map { entry in "\(entry.name): \(shown(entry.value))" }
                .joined(separator: ", ") + "}"
        }
    }
}

/// Words behind a verb, read.
struct VerbWords {
    private let verb: Verb
    private(set) var plain: [String] = []
    private(set) var options: [String: String] = [:]
    private(set) var cart = "main"
    private(set) var list = "favorites"

    /// Sorts out `group=value`, `cart:NAME`, `--cart NAME`, `list:ID` and `--list ID`.
    init(_ line: VerbLine) throws(VerbFailure) {
        verb = line.verb
        var rest = line.words[...]
        while let word = rest.popFirst() {
            if word == "--cart" || word == "--list" {
                guard let name = rest.popFirst() else {
                    throw VerbFailure(.usage, "\(word) needs a name")
                }
                if word == "--cart" { cart = name } else { list = name }
            } else if word.hasPrefix("cart:") {
                cart = String(word.dropFirst(5))
            } else if word.hasPrefix("list:") {
                list = String(word.dropFirst(5))
            } else if let equals = word.firstIndex(of: "="), equals > word.startIndex {
                options[String(word[..<equals])] = String(word[word.index(after: equals)...])
            } else {
                plain.append(word)
            }
        }
    }

    var wrong: VerbFailure {
        VerbFailure(
            .usage, "write: \(verb.name) \(verb.arguments)\nfor example: \(verb.examples[0])")
    }

    /// The plain word at a place.
    func word(_ index: Int) throws(VerbFailure) -> String {
        guard index < plain.count else { throw wrong }
        return plain[index]
    }

    func number(_ index: Int) throws(VerbFailure) -> Int {
        let text = try word(index)
        guard let number = Int(text) else {
            throw VerbFailure(.usage, "'\(text)' is no whole number; \(wrong.message)")
        }
        return number
    }

    /// - Throws: when there are more plain words than that.
    func atMost(_ count: Int) throws(VerbFailure) {
        guard plain.count <= count else { throw wrong }
    }

    /// A text, where `none` stands for no text.
    func text(_ index: Int) throws(VerbFailure) -> String? {
        let text = try word(index)
        return text == "none" ? nil : text
    }
}
