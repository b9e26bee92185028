import ToteClient
import ToteCommandLine
import ToteCore

/// Verbs of the menu and of orders.
extension DeviceSession {
    func runOrder(_ line: VerbLine) async throws -> Answer? {
        switch line.verb.name {
        case "menu": return try await runMenu(line.words)
        case "stores": return try await runStores(VerbWords(line))
        case "quote":
            let words = try VerbWords(line)
            let quote = try await tote.cart(words.cart).quote(at: try words.word(0))
            return Answer(lines: OrderText.quote(quote))
        case "orders":
            let lines = await tote.orders.map { OrderText.head($0) }
            return Answer(lines: lines.isEmpty ? ["no orders"] : lines)
        case "order place": return try await place(line)
        case "order show": return Answer(lines: OrderText.order(try await order(line.words.first)))
        case "order code":
            let order = try await order(line.words.first)
            guard let code = order.code else {
                throw VerbFailure(.refused, "the order has no code before the server has it")
            }
            return Answer(lines: [code])
        case "order id": return Answer(lines: [try await id(line.words.first).text])
        case "order cancel":
            let receipt = try await tote.cancel(try await id(line.words[0]))
            return Answer(lines: [try await said(receipt)])
        case "order reorder":
            let words = try VerbWords(line)
            let done = try await tote.reorder(try await id(words.word(0)), into: words.cart)
            return Answer(lines: [done == nil ? "nothing to do" : "saved"])
        case "checkin":
            let spot = line.words.count > 1 ? line.words[1] : nil
            let receipt = try await tote.checkIn(try await id(line.words[0]), spot: spot)
            return Answer(lines: [try await said(receipt)])
        case "order receipt", "order number", "rate", "ask":
            return Answer(lines: try await afterSale(line))
        case "fates": return Answer(lines: try await fates())
        default: return nil
        }
    }

    private func said(_ receipt: Receipt.ID) async throws -> String {
        try await tote.receipt(receipt)?.state == .withdrawn ? "withdrawn" : "saved"
    }

    private func afterSale(_ line: VerbLine) async throws -> [String] {
        let words = line.words
        switch line.verb.name {
        case "rate":
            guard let rating = Int(words[1]) else {
                throw VerbFailure(.usage, "a rating is 1 to 5: rate last 5")
            }
            let comment = words.count > 2 ? words[2] : nil
            return [
                try await said(
                    try await tote.rate(try await id(words[0]), rating, comment: comment))
            ]
        case "ask": return [try await said(try await tote.ask(try await id(words[0]), words[1]))]
        default: break
        }
        if let number = words.first.flatMap({ SalesNumber($0) }) {
            return try await tote.salesReceipt(numbered: number).text()
        }
        let id = try await id(words.first)
        guard let receipt = await tote.salesReceipt(of: id) else {
            throw VerbFailure(.refused, "the server does not have the order yet", code: "queued")
        }
        return line.verb.name == "order number" ? ["\(receipt.number)"] : receipt.text()
    }

    private func stores(_ words: VerbWords) async throws -> [StoreChoice] {
        var here: GeoPoint?
        if let text = words.options["near"] {
            let degrees = text.split(separator: ",").compactMap { Double($0) }
            guard degrees.count == 2, degrees.allSatisfy({ $0.magnitude <= 180 }),
                let point = GeoPoint(
                    latitude: Int64((degrees[0] * 1e6).rounded()),
                    longitude: Int64((degrees[1] * 1e6).rounded()))
            else { throw VerbFailure(.usage, "a place is LATITUDE,LONGITUDE: near=48.86,2.35") }
            here = point
        }
        return try await tote.stores(for: words.cart, near: here)
    }

    private func runStores(_ words: VerbWords) async throws -> Answer {
        if words.plain.first == "refresh" { try await tote.refreshSlots() }
        return Answer(
            lines: try await stores(words).map { choice in
                let far = choice.metres.map { "  \($0) m" } ?? ""
                let why = choice.obstacle.map {
                    "  \($0.code)" + $0.lines.map { " \(DeviceText.line($0))" }.joined()
                }
                return choice.store.id + far + (why ?? "")
            })
    }

    private func runMenu(_ words: [String]) async throws -> Answer {
        if let word = words.first {
            guard word == "refresh" else { throw VerbFailure(.usage, "write: menu, menu refresh") }
            if await tote.isSignedIn {
                try await tote.refreshCatalog()
            } else {
                // A guest's, or a store's device.
                try await tote.refreshCatalog(transport: transport, token: token)
            }
        }
        guard let catalog = await tote.catalog else {
            return Answer(lines: ["no menu is here: `menu refresh` fetches it"])
        }
        return Answer(lines: words.isEmpty ? OrderText.menu(catalog) : [OrderText.head(catalog)])
    }

    func place(_ line: VerbLine) async throws -> Answer {
        let words = try VerbWords(line)
        try words.atMost(1)
        let known = ["at", "pay", "offer", "reward", "card", "name", "note", "cart"]
        for option in words.options.keys.sorted() where !known.contains(option) {
            throw VerbFailure(
                .usage, "an order has no \(option)=: it may have \(known.joined(separator: "=, "))="
            )
        }
        let chosen = await tote.journey.value.store
        guard let store = words.plain.first ?? chosen else {
            throw VerbFailure(
                .usage, "at which store? write: order place STORE, or set journey store first")
        }
        var request = OrderRequest(store: store)
        request.name = words.options["name"]
        request.note = words.options["note"]
        if let at = words.options["at"], at != "asap" { request.pickupAt = try Self.moment(at) }
        let cart = tote.cart(words.options["cart"] ?? words.cart)
        try await pay(&request, words, cart: cart)
        if let pay = words.options["pay"], pay != "counter" {
            guard pay.hasPrefix("external:"), pay.count > 9 else {
                throw VerbFailure(.usage, "write: pay=counter, or pay=external:REFERENCE")
            }
            let total = try await cart.quote(at: store).total
            guard request.rewards.isEmpty, request.offers.isEmpty, request.card == nil
            else {
                throw VerbFailure(
                    .usage, "pay=external: pays all of it: leave offer=, reward=, card= out")
            }
            if total > 0 {
                request.tenders = [Tender(.external, total, reference: String(pay.dropFirst(9)))]
            }
        }
        let tapped = SystemClock.nowMilliseconds()
        let queued = try await cart.place(request)
        journal.note(order: queued.order.text, receipt: queued.receipt, tappedAt: tapped)
        watch(queued.receipt)
        return Answer(lines: ["saved as order \(queued.order.text.prefix(8))"])
    }

    private static func moment(_ text: String) throws(VerbFailure) -> UInt64 {
        if text.hasPrefix("+"), let after = DurationText.parse(String(text.dropFirst())),
            after < .seconds(366 * 86_400)
        {
            return SystemClock.nowMilliseconds() + UInt64(after / .milliseconds(1))
        }
        guard let time = Moment.parse(text) else {
            throw VerbFailure(
                .usage, "'\(text)' is no time: write at=+30m, at=2026-11-23T12:00:00Z or at=asap")
        }
        return time
    }

    /// Notes when the device learns what became of an order.
    nonisolated func watch(_ receipt: Receipt.ID) {
        Task { [tote, journal] in
            guard (try? await tote.settled(receipt)) != nil else { return }
            journal.note(fateOf: receipt, at: SystemClock.nowMilliseconds())
        }
    }

    /// The order that a word means: `last`, or the first digits of its id.
    private func id(_ word: String?) async throws -> OrderID {
        let shown = await tote.orders
        guard let word, word != "last" else {
            let last = journal.entries.last.flatMap { OrderID($0.order) }
            guard let id = last ?? shown.first?.id else {
                throw VerbFailure(.refused, "there is no order here", code: "order_unknown")
            }
            return id
        }
        let ids = Set(shown.map(\.id.text) + journal.entries.map(\.order))
            .filter { $0.hasPrefix(word.lowercased()) }.sorted()
        guard let first = ids.first, let id = OrderID(first) else {
            throw VerbFailure(
                .refused, "no order's id begins with \(word)", code: "order_unknown")
        }
        guard ids.count == 1 else {
            throw VerbFailure(.refused, "\(ids.count) ids begin with \(word): write more of it")
        }
        return id
    }

    private func order(_ word: String?) async throws -> Order {
        let id = try await id(word)
        guard let order = await tote.orders.first(where: { $0.id == id }) else {
            throw VerbFailure(
                .refused, "order \(id.text.prefix(8)) is \(try await fate(id)): it does not show",
                code: "order_unknown")
        }
        return order
    }

    /// An order's state; of one that does not show, what became of the intent to place it.
    private func fate(_ id: OrderID) async throws -> String {
        if let order = await tote.orders.first(where: { $0.id == id }) {
            return order.state.rawValue
        }
        guard let entry = journal.entries.last(where: { $0.order == id.text }),
            let receipt = try await tote.receipt(entry.receipt)
        else { return "unknown" }
        // Accepted, and not here yet: the documents follow.
        return DeviceText.word(receipt.state)
    }

    func lookAtOrders(
        _ what: String, _ read: VerbWords
    ) async throws -> (wanted: String, found: String)? {
        switch what {
        case "order":
            let wanted = try read.word(1)
            let states = OrderState.allCases.map(\.rawValue) + ["rejected"]
            guard states.contains(wanted) else {
                let near = Suggestion.nearest(to: wanted, among: states)
                    .map { "did you mean \($0)?" }
                throw VerbFailure(.usage, near ?? "an order is \(Self.listed(states))")
            }
            return (wanted, try await fate(try await id(read.word(0))))
        case "rating":
            let rating = try await order(try read.word(0)).feedback?.rating
            return (try read.word(1), rating.map { String($0) } ?? "none")
        case "thread":
            let order = try await order(try read.word(0))
            guard read.plain.count > 2 else {
                return (String(try read.number(1)), String(order.thread.count))
            }
            let state = order.askedAt == nil ? "answered" : "asked"
            return (
                "\(try read.number(1)) \(try read.word(2))", "\(order.thread.count) \(state)"
            )
        case "nearest":
            let best = try await stores(read).first { $0.obstacle == nil }
            return (try read.word(0), best?.store.id ?? "none")
        case "order-channel":
            let id = try await id(read.word(0))
            let order = await tote.orders.first { $0.id == id }
            let lines = (order?.lines ?? []).map { $0.channel?.rawValue ?? "-" }
            guard read.plain.count > 2 else {
                return (try read.word(1), order?.channel?.rawValue ?? "none")
            }
            return (
                read.plain.dropFirst().joined(separator: " "),
                ([order?.channel?.rawValue ?? "none"] + lines).joined(separator: " ")
            )
        case "orders":
            let orders = await tote.orders
            guard read.plain.count > 1 else {
                return (String(try read.number(0)), String(orders.count))
            }
            let state = try read.word(1)
            let found = orders.count { $0.state.rawValue == state }
            return (String(try read.number(0)), String(found))
        case "order-total":
            let order = try await order(try read.word(0))
            let found = OrderText.decimal(order.total, order.currency)
            return (try read.word(1), found)
        case "rejection":
            let codes = try await tote.receipts().compactMap { receipt -> String? in
                guard case .rejected(let rejection) = receipt.state else { return nil }
                return rejection.code
            }
            return (try read.word(0), codes.last ?? "none")
        case "menu":
            let version = await tote.catalog?.version
            return (try read.word(0), version.map { String($0) } ?? "none")
        default: return nil
        }
    }

    /// Every intent's fate, every order's state and how long deciding took, for who checks a run.
    private func fates() async throws -> [String] {
        let kinds = ["order at ": "place", "cancel order": "cancel", "check in": "check-in"]
        var lines: [String] = []
        for receipt in try await tote.receipts() {
            let kind = kinds.first { receipt.label.hasPrefix($0.key) }?.value ?? "edit"
            let state = DeviceText.state(receipt.state)
            lines.append("receipt \(receipt.id) \(receipt.label.isEmpty ? "other" : kind) \(state)")
        }
        for order in await tote.orders { lines.append("order \(order.id) \(order.state)") }
        for entry in journal.entries {
            guard let fate = entry.fateAt else { continue }
            lines.append("decided \(fate - min(fate, entry.tappedAt))")
        }
        return lines + ["faults \(link.metFaults)"]
    }
}
