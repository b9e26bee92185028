import Glibc
import ToteClient
import ToteCommandLine
import ToteCore

extension DeviceSession {
    func run(_ line: VerbLine) async throws -> Answer {
        let name = line.verb.name
        if let answer = try await runList(line) { return answer }
        if let answer = try await runShare(line) { return answer }
        if name.hasPrefix("cart ") { return try await runCart(line) }
        if name.hasPrefix("wish ") { return try await runWish(line) }
        if name == "scan" { return try await scan(line) }
        if let answer = try await runOrder(line) { return answer }
        if let answer = try await runPoints(line) { return answer }
        if let answer = try await runHandOff(line) { return answer }
        if let answer = try await runEdit(line) { return answer }
        if let answer = try await runSync(line) { return answer }
        if let answer = try await runWorld(line) { return answer }
        switch name {
        case "expect": return try await expect(line.words)
        case "state": return Answer(lines: try await state(line.words))
        case "show": return Answer(lines: await show())
        case "help": return Answer(lines: try DeviceHelp.help.lines(line.words))
        case "quit": return Answer(isLast: true)
        default: preconditionFailure("the verb \(name) is in the table and nowhere else")
        }
    }

    private func saved(_ id: Receipt.ID?) -> Answer {
        Answer(lines: [id == nil ? "nothing to do" : "saved"])
    }

    private func runCart(_ line: VerbLine) async throws -> Answer {
        let words = try VerbWords(line)
        let options = words.options
        let cart = tote.cart(words.cart)
        switch line.verb.name {
        case "cart add":
            try words.atMost(2)
            let count = words.plain.count > 1 ? try words.number(1) : 1
            return saved(
                try await cart.add(try words.word(0), quantity: count, options: options))
        case "cart set":
            try words.atMost(2)
            return saved(
                try await cart.setQuantity(
                    try words.number(1), of: try words.word(0), options: options))
        case "cart remove":
            try words.atMost(1)
            return saved(try await cart.remove(try words.word(0), options: options))
        case "cart note":
            try words.atMost(2)
            let (sku, note) = (try words.word(0), try words.text(1))
            return saved(
                sku == "."
                    ? try await cart.setNote(note)
                    : try await cart.setNote(note, of: sku, options: options))
        case "cart clear": return saved(try await cart.clear().last)
        case "cart list":
            let carts = await tote.carts
            return Answer(
                lines: carts.isEmpty
                    ? ["no carts"] : carts.map { "\($0.name): \($0.lines.count) lines" })
        default:
            let named = words.plain.first.map { tote.cart($0) } ?? cart
            return Answer(lines: DeviceText.cart(await named.value))
        }
    }

    private func scan(_ line: VerbLine) async throws -> Answer {
        let words = try VerbWords(line)
        try words.atMost(2)
        guard let catalog = await tote.catalog else {
            throw VerbFailure(.refused, "no catalogue is here yet", code: "no_catalog")
        }
        guard let code = catalog.scanned(try words.word(0)) else {
            throw VerbFailure(.refused, "no product has this code", code: "code_unknown")
        }
        let count = words.plain.count > 1 ? try words.number(1) : 1
        let answer = saved(try await tote.cart(words.cart).add(code, quantity: count))
        let place =
            (code.store.map { " at \($0)" } ?? "")
            + (code.channel.map { " by \($0.rawValue)" } ?? "")
        return Answer(lines: [DeviceText.line(code.line) + place] + answer.lines)
    }

    private func runWish(_ line: VerbLine) async throws -> Answer {
        let words = try VerbWords(line)
        let options = words.options
        let list = tote.wishlist(words.list)
        switch line.verb.name {
        case "wish add":
            try words.atMost(1)
            return saved(try await list.add(try words.word(0), options: options))
        case "wish remove":
            try words.atMost(1)
            return saved(try await list.remove(try words.word(0), options: options))
        case "wish note":
            try words.atMost(2)
            return saved(
                try await list.setNote(
                    try words.text(1), of: try words.word(0), options: options))
        case "wish move":
            try words.atMost(2)
            let place = try words.number(1)
            guard place >= 1 else { throw VerbFailure(.usage, "the first place is 1") }
            return saved(
                try await list.move(try words.word(0), options: options, to: place - 1))
        case "wish new":
            let made = try await tote.createWishlist(title: try words.word(0))
            return Answer(lines: ["saved as list:\(made.id)"])
        default:
            if let id = words.plain.first {
                return Answer(lines: DeviceText.wishlist(await tote.wishlist(id).value))
            }
            let lists = await tote.wishlists
            return Answer(
                lines: lists.isEmpty ? ["no wishlists"] : lists.flatMap(DeviceText.wishlist))
        }
    }

    private func runEdit(_ line: VerbLine) async throws -> Answer? {
        switch line.verb.name {
        case "view":
            let words = try VerbWords(line)
            try words.atMost(1)
            return saved(
                try await tote.recent.viewed(try words.word(0), options: words.options))
        case "recent":
            let recent = await tote.recent.value
            return Answer(
                lines: recent.isEmpty ? ["nothing was viewed"] : recent.map(DeviceText.line))
        case "journey": return try await runJourney(line.words)
        case "set":
            let words = line.words
            let item = words[1] == "." ? "" : words[1]
            let value = words[3] == "none" ? nil : Self.value(words[3])
            return saved(
                try await tote.collection(words[0]).set(words[2], of: item, to: value))
        default: return nil
        }
    }

    private func runJourney(_ words: [String]) async throws -> Answer {
        guard let part = words.first else {
            let lines = DeviceText.journey(await tote.journey.value)
            return Answer(lines: lines.isEmpty ? ["nothing is chosen"] : lines)
        }
        guard words.count == 2 else {
            throw VerbFailure(.usage, "say what to: journey \(part) VALUE, or none")
        }
        let value = words[1] == "none" ? nil : words[1]
        switch part {
        case "store": return saved(try await tote.journey.setStore(value))
        case "pickup": return saved(try await tote.journey.setPickupTime(value))
        case "screen": return saved(try await tote.journey.setScreen(value))
        default:
            throw VerbFailure(.usage, "a journey has a store, a pickup and a screen, no \(part)")
        }
    }

    /// A value as typed: JSON where it is some, else a text.
    static func value(_ text: String) -> Value {
        (try? Encoding.json.value(Array(text.utf8))) ?? .text(text)
    }

    private func runSync(_ line: VerbLine) async throws -> Answer? {
        switch line.verb.name {
        case "sync":
            guard !line.words.isEmpty else {
                return Answer(lines: [await sync(within: .seconds(10))])
            }
            guard line.words.count == 2, line.words[0] == "for",
                let time = DurationText.parse(line.words[1])
            else { throw VerbFailure(.usage, "write: sync for TIME, like sync for 500ms") }
            return Answer(lines: [await sync(within: time)])
        case "live":
            guard let isLive = ["on": true, "off": false][line.words[0]] else {
                throw VerbFailure(.usage, "write: live on, or live off")
            }
            await setLive(isLive)
            return Answer(lines: ["live \(line.words[0])"])
        case "status": return Answer(lines: await statusLines())
        case "outbox":
            let waiting = try await tote.receipts().filter { !$0.state.isFinal }
            let lines = waiting.flatMap(DeviceText.receipt)
            return Answer(lines: lines.isEmpty ? ["nothing waits"] : lines)
        case "receipts":
            let lines = try await tote.receipts().flatMap(DeviceText.receipt)
            return Answer(lines: lines.isEmpty ? ["no receipts"] : lines)
        case "dismiss":
            let ids =
                line.words[0] == "all"
                ? try await tote.receipts().filter { $0.state.isFinal }.map(\.id)
                : [line.words[0]]
            for id in ids { try await tote.dismiss(id) }
            return Answer(lines: ["dismissed \(ids.count)"])
        case "withdraw":
            let last = try await tote.receipts().last { $0.state == .saved }?.id
            guard let id = line.words[0] == "last" ? last : line.words[0] else {
                throw VerbFailure(.refused, "nothing waits that was not sent")
            }
            try await tote.withdraw(id)
            return Answer(lines: ["withdrawn"])
        case "conflicts":
            let values = try await tote.conflicts(of: try Self.register(line.words))
            return Answer(
                lines: values.isEmpty ? ["no conflict"] : values.map { DeviceText.value($0) })
        default: return nil
        }
    }

    private func statusLines() async -> [String] {
        let unsent = await tote.unsentCount
        let account =
            await tote.isSignedIn ? "customer \(customer)" : "a guest (`sign-in` needs a token)"
        return [
            "\(options.name): \(account), \(DeviceText.status(await tote.status))",
            "network \(settings.network)"
                + (link.faults.isEmpty ? "" : ", \(link.faults.count) faults to come")
                + ", live \(isLive ? "on" : "off"), \(unsent) to be sent, "
                + ClockSkew.text(settings.skewMilliseconds),
        ]
    }

    static func register(_ words: [String]) throws(VerbFailure) -> Register {
        switch (words[0], words.count) {
        case ("store", 1): return .store
        case ("pickup", 1): return .pickupTime
        case ("screen", 1): return .screen
        case ("cart-note", 1): return .cartNote(cart: "main")
        case ("cart-note", 2): return .cartNote(cart: words[1])
        case ("line-note", 2): return .lineNote(LineName(words[1]), cart: "main")
        case ("entry-note", 2): return .entryNote(LineName(words[1]), wishlist: "favorites")
        case (_, 3):
            return .custom(
                collection: words[0], item: words[1] == "." ? "" : words[1], field: words[2])
        default:
            throw VerbFailure(
                .usage,
                "a register is store, pickup, screen, cart-note [CART], line-note SKU, "
                    + "entry-note SKU, or COLLECTION ITEM FIELD")
        }
    }

    /// Everything that shows, for a person.
    func show() async -> [String] {
        var lines = await statusLines()
        for cart in await tote.carts { lines += DeviceText.cart(cart) }
        for list in await tote.wishlists { lines += DeviceText.wishlist(list) }
        let recent = await tote.recent.value
        if !recent.isEmpty {
            lines.append("viewed: " + recent.map(DeviceText.line).joined(separator: ", "))
        }
        return lines + DeviceText.journey(await tote.journey.value)
    }

    /// Everything that devices of one customer must agree on, and how far this one is.
    private func state(_ words: [String]) async throws -> [String] {
        guard words.count % 3 == 0 else {
            throw VerbFailure(.usage, "write: state COLLECTION ITEM FIELD, three words each")
        }
        let unsent = try await tote.receipts().count { !$0.state.isFinal }
        var lines = ["outbox \(unsent)", "status \(DeviceText.word(await tote.status))"]
        for cart in await tote.carts { lines += DeviceText.cart(cart) }
        for list in await tote.wishlists { lines += DeviceText.wishlist(list) }
        for name in await tote.recent.value { lines.append("viewed \(DeviceText.line(name))") }
        lines += DeviceText.journey(await tote.journey.value)
        for index in stride(from: 0, to: words.count, by: 3) {
            let item = words[index + 1] == "." ? "" : words[index + 1]
            let value = await tote.collection(words[index]).value(words[index + 2], of: item)
            let key = words[index..<index + 3].joined(separator: " ")
            lines.append("\(key): \(DeviceText.value(value))")
        }
        return lines
    }
}
