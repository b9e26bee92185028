internal import ToteCore

/// How an order is asked for.
public struct OrderRequest: Hashable, Sendable {
    public var store: String
    /// Milliseconds since 1970; `nil` is as soon as possible.
    public var pickupAt: UInt64?
    /// How what rewards and the card leave is paid, at the counter or elsewhere; `nil` pays it at
    /// the counter. They sum to it.
    public var tenders: [Tender]?
    /// Rewards of the programme that points are spent for, by their ids.
    public var rewards: [String]
    /// Offers of which one use each is spent, by their ids.
    public var offers: [String] = []
    /// What is paid from the customer's stored value, in minor units; no more than is due.
    public var card: Card?
    /// What the counter calls the customer, when the store shows names.
    public var name: String?
    public var note: String?

    /// How much of an order stored value pays.
    public enum Card: Hashable, Sendable, ExpressibleByIntegerLiteral {
        case amount(Int64)
        /// As much as there is.
        case all

        public init(integerLiteral value: Int64) { self = .amount(value) }
    }

    public init(
        store: String, pickupAt: UInt64? = nil, rewards: [String] = [], card: Card? = nil,
        tenders: [Tender]? = nil, name: String? = nil, note: String? = nil
    ) {
        self.store = store
        self.pickupAt = pickupAt
        self.rewards = rewards
        self.card = card
        self.tenders = tenders
        self.name = name
        self.note = note
    }
}

/// An order that is saved on this device.
public struct QueuedOrder: Hashable, Sendable {
    public var order: OrderID
    /// Of the change that places it: it ends in `accepted`, `rejected` or `withdrawn`.
    public var receipt: Receipt.ID
}

extension ToteError {
    static func order(_ code: String, _ message: String, _ details: Value = .map([])) -> ToteError {
        ToteError(
            .orderRefused, message, rejection: Rejection(code: code, details: details))
    }

    static func order(_ refusal: QuoteRefusal) -> ToteError {
        switch refusal {
        case .storeUnknown: .order("store_unknown", "the catalogue has no such store")
        case .amountOutOfRange: .order("amount_out_of_range", "the total is beyond any amount")
        case .lines(let code, let items):
            .order(
                code, "these lines cannot be ordered: \(items.joined(separator: ", "))",
                .map(["items": .array(items.map { .text($0) })]))
        }
    }
}

extension Replica {
    /// The catalogue that this device keeps; `nil` before one has come.
    package var catalog: Catalog? {
        if let keptCatalog { return keptCatalog }
        let bytes = (try? store.bytes("catalog")) ?? nil
        keptCatalog = bytes.flatMap { try? catalogReader.read($0) }
        return keptCatalog
    }

    /// Keeps a catalogue as the server gave it.
    ///
    /// - Throws: `server` when it cannot be read: the former one stays.
    package func keepCatalog(_ bytes: [UInt8]) throws(ToteError) {
        let catalog: Catalog
        do {
            catalog = try catalogReader.read(bytes)
        } catch {
            throw ToteError(.server, "the server's catalogue cannot be read: \(error)")
        }
        try update {
            try store.setBytes("catalog", bytes)
            try store.setFact("catalog_doubt", nil)
        }
        keptCatalog = catalog
        doubtsCatalog = false
    }

    /// The entity tag under which the server would know the kept catalogue.
    package var catalogTag: String? {
        doubtsCatalog ? nil : catalog.map { "\"\($0.version)\"" }
    }

    /// Takes over the catalogue of another file of this device, unless this one has its own: it is
    /// the same for everybody.
    func keepCatalog(of other: Replica) throws(ToteError) {
        guard catalog == nil, other.catalog != nil,
            let bytes = (try? other.store.bytes("catalog")) ?? nil
        else { return }
        try keepCatalog(bytes)
        if let slots = (try? other.store.bytes("slots")) ?? nil {
            try keepSlots(slots, tag: other.slotsTag)
        }
    }

    /// Keeps which slots have no room, as the server told it.
    package func keepSlots(_ bytes: [UInt8], tag: String?) throws(ToteError) {
        guard Self.fullSlots(bytes) != nil else {
            throw ToteError(.server, "the server's slots cannot be read")
        }
        try update {
            try store.setBytes("slots", bytes)
            try store.setBytes("slots_tag", tag.map { Array($0.utf8) } ?? [])
        }
    }

    /// The entity tag of the slots that are here.
    package var slotsTag: String? {
        guard let bytes = (try? store.bytes("slots_tag")) ?? nil, !bytes.isEmpty else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func fullSlots(_ bytes: [UInt8]) -> [String: Set<UInt64>]? {
        guard case .map(let stores)? = (try? Encoding.json.value(bytes))?["full"] else {
            return nil
        }
        var full: [String: Set<UInt64>] = [:]
        for entry in stores {
            guard case .array(let starts) = entry.value else { return nil }
            full[entry.name] = Set(
                starts.compactMap(\.intValue).filter { $0 >= 0 }.map { UInt64($0) })
        }
        return full
    }

    /// See `Tote.stores(for:near:pickupAt:)`.
    package func choices(
        for cart: String, near here: GeoPoint?, pickupAt: UInt64?, at reading: ClockReading
    ) throws(ToteError) -> [StoreChoice] {
        guard let catalog else {
            throw .order("no_catalog", "no catalogue is here yet: connect once")
        }
        let now = anchor.map { $0.serverMilliseconds(at: reading) } ?? reading.wallMilliseconds
        let full = ((try? store.bytes("slots")) ?? nil).flatMap(Self.fullSlots) ?? [:]
        return catalog.choices(
            for: Cart(view.merged, name: cart).lines.map { ($0.name, $0.quantity) }, near: here,
            at: now, pickupAt: pickupAt, full: full)
    }

    /// What a cart costs at a store, exactly as the server will price it.
    package func quote(cart name: String, at store: String) throws(ToteError) -> Quote {
        guard let catalog else {
            throw .order("no_catalog", "no catalogue is here yet: connect once")
        }
        let cart = Cart(view.merged, name: name)
        guard !cart.lines.isEmpty else {
            throw .order("cart_empty", "the cart \(name) has no lines")
        }
        do throws(QuoteRefusal) {
            return try catalog.quote(cart.lines.map { ($0.name, $0.quantity) }, at: store)
        } catch {
            throw .order(error)
        }
    }

    /// Saves an order of what the cart shows. From here on the lines are out of the cart, unless
    /// the server refuses.
    ///
    /// - Parameter isOnline: whether the server is in touch: points that no lease of this device
    ///   holds may be spent then.
    package func place(
        cart name: String, _ request: OrderRequest, isOnline: Bool = false, at reading: ClockReading
    ) throws(ToteError) -> QueuedOrder {
        let quote = try quote(cart: name, at: request.store)
        let cart = Cart(view.merged, name: name)
        let collection = Cart.collection(name)
        let lines = zip(cart.lines, quote.lines).map { line, quoted in
            PlaceIntent.Line(
                item: line.name.item, quantity: line.quantity, price: quoted.price,
                note: line.note,
                cells: view.seenKeys(collection, line.name.item).flatMap { key in
                    view.seen(key).map { CellReference($0, key.field) }
                })
        }
        let tenders = try tenders(request, quote, isOnline: isOnline, at: reading)
        var place = PlaceIntent(
            order: OrderID(high: randomBits(), low: randomBits()), store: request.store,
            cart: name, lines: lines, currency: quote.currency, total: quote.total,
            catalog: catalog?.version ?? 1, tenders: tenders)
        place.pickupAt = request.pickupAt
        place.name = request.name
        place.note = request.note
        let label = "order at \(request.store)"
        let nonce = try commit([], intent: .place(place), label: label, at: reading) {
            if tenders.contains(where: { $0.right != nil }), let now = serverTime(at: reading) {
                try noteDecided(at: now)
            }
        }
        guard let nonce else { throw ToteError(.storage, "the order was not saved") }
        return QueuedOrder(order: place.order, receipt: Hex.string(nonce))
    }

    /// The orders that show: the server's, and those that wait to be judged; latest first.
    package var orders: [Order] {
        let known = Order.all(in: view.confirmed)
        let ids = Set(known.map(\.id))
        let queued = outbox.compactMap { entry -> Order? in
            guard entry.isVisible, case .place(let place)? = entry.change.readableIntent,
                !ids.contains(place.order)
            else { return nil }
            return Order(place, state: .queued, placedAt: entry.change.time.milliseconds)
        }
        return queued.reversed() + known.map(withUnsent)
    }

    /// An order with what this device has to say about it still.
    private func withUnsent(_ order: Order) -> Order {
        var order = order
        for entry in outbox where entry.isVisible {
            guard let intent = entry.change.readableIntent, intent.order == order.id else {
                continue
            }
            let at = entry.change.time.milliseconds
            switch intent {
            case .rate(_, let rating, let comment):
                order.feedback = Order.Feedback(rating: rating, comment: comment, at: at)
                order.feedback?.isPending = true
            case .post(_, let text):
                var post = Order.Post(at: at, by: Order.Post.customer, text: text)
                post.isPending = true
                order.thread.append(post)
            default: continue
            }
        }
        return order
    }

    /// Says what the customer thought of an order.
    package func rate(
        _ id: OrderID, _ rating: Int64, comment: String?, at reading: ClockReading
    ) throws(ToteError) -> Receipt.ID {
        guard Order.Feedback.ratings.contains(rating) else {
            throw ToteError(.invalidArgument, "a rating is 1 to 5")
        }
        try check(comment ?? "none", "a comment")
        return try ask(
            .rate(id, rating, comment: comment), at: reading, label: "rate order"
        ) { $0 != .queued }
    }

    /// Writes to the store about an order.
    package func post(
        _ id: OrderID, _ text: String, at reading: ClockReading
    ) throws(ToteError) -> Receipt.ID {
        try check(text, "a post")
        let known = orders.first { $0.id == id }?.thread.count ?? 0
        guard known < Order.postsMax else {
            throw .order(
                "thread_full", "the thread has \(known) posts: call the store",
                .map(["limit": .int(Int64(Order.postsMax))]))
        }
        return try ask(.post(id, text: text), at: reading, label: "ask about order") {
            $0 != .queued
        }
    }

    private func check(_ text: String, _ what: String) throws(ToteError) {
        guard (1...Order.Post.textBytesMax).contains(text.utf8.count) else {
            throw ToteError(
                .invalidArgument, "\(what) is a text of 1 to \(Order.Post.textBytesMax) bytes")
        }
    }

    /// Cancels an order: one that was not sent yet is withdrawn, for others the server is asked.
    ///
    /// - Returns: the receipt that tells what became of it.
    package func cancel(
        _ id: OrderID, at reading: ClockReading
    ) throws(ToteError) -> Receipt.ID {
        // A copy of this device may have sent it: then there is an order to be cancelled.
        if let entry = outbox.first(where: {
            $0.state == .saved && $0.isVisible && $0.change.readableIntent?.order == id
                && $0.change.readableIntent?.isPlace == true
        }), Order(view.confirmed, item: Name(id.text)) == nil {
            try withdraw(entry.change.nonce)
            return Hex.string(entry.change.nonce)
        }
        return try ask(.cancel(id), at: reading, label: "cancel order") { state in
            state == .queued || state.allows(.cancelled, by: .customer)
        }
    }

    /// Tells the store that the customer is there.
    package func checkIn(
        _ id: OrderID, spot: String?, at reading: ClockReading
    ) throws(ToteError) -> Receipt.ID {
        try ask(.checkIn(id, spot: spot), at: reading, label: "check in") { state in
            state.isOpen && state != .expired
        }
    }

    private func ask(
        _ intent: Intent, at reading: ClockReading, label: String,
        allowed: (OrderState) -> Bool
    ) throws(ToteError) -> Receipt.ID {
        guard let id = intent.order, let order = orders.first(where: { $0.id == id }) else {
            throw .order(
                "order_unknown", "no order here has the id \(intent.order?.text ?? "")")
        }
        guard allowed(order.state) else {
            throw .order(
                "step_not_allowed", "the order is \(order.state): too late for that",
                .map(["state": .text(order.state.rawValue)]))
        }
        guard let nonce = try commit([], intent: intent, label: label, at: reading) else {
            throw ToteError(.storage, "nothing was saved")
        }
        return Hex.string(nonce)
    }

    /// What puts an order's lines into a cart again.
    package func reorderWrites(_ id: OrderID, cart: String) throws(ToteError) -> [Write] {
        guard let order = orders.first(where: { $0.id == id }) else {
            throw .order("order_unknown", "no order here has the id \(id)")
        }
        return order.lines.flatMap { line in
            view.adding(
                line.quantity, collection: Cart.collection(cart), item: line.name.item)
        }
    }
}
