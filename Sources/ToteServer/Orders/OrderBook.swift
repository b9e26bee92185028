internal import ToteCore

/// Judges what only the server can decide: placing, cancelling and checking in (Protocol §14.2).
///
/// Lives within one group: what it finds goes into the tables at once, and into the customer's
/// documents by the change of the server's own that it gives back.
struct OrderBook {
    let space: Space
    let store: ServerStore
    let catalog: Catalog?
    /// The server's clock, milliseconds.
    let now: UInt64
    let randomBits: () -> UInt64
    /// Opens the customer's ledger.
    let ledger: () throws -> LedgerBook

    /// Open orders of one customer.
    static let openMax = 20
    /// The same of those that devices bring back to a restored server.
    static let resentOpenMax = 100

    /// How long a slot is kept that has begun: longer than any slot (a day), so that none is
    /// counted anew.
    static let slotRestMilliseconds: UInt64 = 2 * 86_400_000

    /// What becomes of an intent.
    enum Ruling {
        case refused(Rejection)
        /// The order as it is now, and what the server writes into the customer's documents.
        case accepted(Order?, [Write], isStep: Bool = true)
        /// A guest's cart joined: what it keeps of lines that are limited, as of the change's own
        /// time, and the rest that the server writes.
        case joined(limited: [Write], [Write])

        static func refused(_ code: String, _ details: [String: Value] = [:]) -> Ruling {
            .refused(Rejection(code: code, details: .map(details)))
        }
    }

    /// - Parameter isResent: whether the intent was accepted before the server was restored: what
    ///   was promised is kept as far as it can be.
    func judge(
        _ intent: Intent, from replica: ReplicaID, nonce: Nonce, by channel: Channel?,
        isResent: Bool
    ) throws -> Ruling {
        switch intent {
        case .place(let place): return try judge(place, from: replica, nonce, channel, isResent)
        case .cancel(let id):
            return try step(id) { row in
                guard row.order.state.allows(.cancelled, by: .customer) else {
                    return notAllowed(row.order)
                }
                row.order.take(.cancelled, at: now, by: "customer")
                return nil
            }
        case .checkIn(let id, let spot):
            return try step(id) { row in
                guard [.placed, .confirmed, .preparing, .ready].contains(row.order.state) else {
                    return notAllowed(row.order)
                }
                row.order.arrivedAt = now
                row.order.spot = spot ?? row.order.spot
                row.order.version += 1
                return nil
            }
        case .rate(let id, let rating, let comment):
            return try step(id) { row in
                row.order.feedback = Order.Feedback(rating: rating, comment: comment, at: now)
                row.order.version += 1
                return nil
            }
        case .post(let id, let text):
            return try step(id) { row in
                let post = Order.Post(at: now, by: Order.Post.customer, text: text)
                return row.order.add(post)
                    ? nil : .refused("thread_full", ["limit": .int(Int64(Order.postsMax))])
            }
        case .join, .lease, .release, .activate, .redeem, .watermark:
            return .refused("unsupported")
        }
    }

    private func notAllowed(_ order: Order) -> Ruling {
        .refused("step_not_allowed", ["state": .text(order.state.rawValue)])
    }

    /// - Parameter take: does to the order what was asked, or says why not.
    private func step(_ id: OrderID, _ take: (inout OrderRow) -> Ruling?) throws -> Ruling {
        guard var row = try store.order(id), row.space == space.number, space.number != 0 else {
            return .refused("order_unknown")
        }
        let before = row.order
        if let refusal = take(&row) { return refusal }
        let isStep = before.state != row.order.state
        let writes = try record(&row, after: isStep ? before.state : nil)
        return .accepted(row.order, writes, isStep: isStep)
    }

    /// Puts an order that took a step back into its table, at the end of its store's feed.
    ///
    /// - Parameter before: the state that the step led out of; `nil` when it led to none.
    /// - Returns: what the server writes into the customer's documents.
    /// - Throws: `Problem` when the ledger does not allow the step; nothing has changed then.
    func record(_ row: inout OrderRow, after before: OrderState?) throws -> [Write] {
        let ledgerWrites = try before.map { try settle(row.order, after: $0) } ?? []
        row.position = try store.advanceFeed(row.order.store)
        row.due = due(row.order)
        if !row.order.state.isOpen, row.order.state != .collected, row.slot != 0 {
            try store.freeSlot(row.order.store, row.slot)
            row.slot = 0
        }
        try store.update(row, at: now)
        if before != nil { store.tally.note(.step(row.order.state)) }
        space.orders?.note(row.order)
        let isThere = space.documents.items(Order.collection)[Name(row.order.id.text)] != nil
        // One that the documents hold no more comes back: something of it is new.
        let writes =
            isThere
            ? row.order.steppingWrites(in: space.documents)
            : row.order.placingWrites(in: space.documents)
        return writes + surplus(besides: row.order.id) + ledgerWrites
    }

    /// What a step does to the customer's points and stored value.
    private func settle(_ order: Order, after before: OrderState) throws -> [Write] {
        guard before == .collected || order.isPaidFromLedger else { return [] }
        let book = try ledger()
        if let rejection = try book.note(step: order, before: before) {
            throw Problem(
                409, rejection.code, "the customer's account cannot pay for the order again",
                members: [Value.Entry("details", rejection.details)])
        }
        return try book.flush()
    }

    /// When a ready order expires, and when a collected one earns.
    private func due(_ order: Order) -> UInt64? {
        if order.state == .collected, catalog?.programme != nil {
            return order.collectedAt.map { $0 + OrderState.undoMilliseconds + 1 }
        }
        guard order.state == .ready else { return nil }
        let minutes = catalog?.store(order.store)?.expireMinutes ?? 120
        return max(order.readyAt ?? now, order.pickupAt ?? 0) + UInt64(minutes) * 60_000
    }

    /// Erases the oldest closed orders from documents that hold many: the table keeps them.
    private func surplus(besides id: OrderID) -> [Write] {
        let items = space.documents.items(Order.collection)
        guard items.count > Order.closedInDocumentsMax + Self.openMax else { return [] }
        return Order.all(in: space.documents).filter { !$0.state.isOpen && $0.id != id }
            .dropFirst(Order.closedInDocumentsMax)
            .flatMap { Order.erasingWrites(Name($0.id.text), in: space.documents) }
    }

    private func judge(
        _ place: PlaceIntent, from replica: ReplicaID, _ nonce: Nonce, _ channel: Channel?,
        _ isResent: Bool
    ) throws -> Ruling {
        if let row = try store.order(place.order) {
            return row.nonce == nonce && row.space == space.number
                ? .accepted(nil, []) : .refused("order_exists")
        }
        let taken = try space.orderIndex(store)
        for line in place.lines {
            for cell in line.cells {
                if let other = taken.consumed[ConsumedCell(place.cart, line.item, cell)] {
                    return .refused("cart_already_ordered", ["order": .text(other.text)])
                }
            }
        }
        var order = Order(place, state: .placed, placedAt: now)
        order.channel = channel
        noteChannels(of: place, in: &order)
        var slot: UInt64 = 0
        var slotCapacity: Int?
        if isResent {
            // Its price was agreed: the catalogue only tells the taxes in it.
            let quote = try? catalog?.quote(
                place.lines.map { (LineName(item: $0.item), $0.quantity) }, at: place.store)
            if let quote, quote.total == place.total { order.agree(to: quote) }
            if taken.open.count >= Self.resentOpenMax {
                return .refused(
                    "too_many_open_orders", ["limit": .int(Int64(Self.resentOpenMax))])
            }
        } else {
            switch try terms(place) {
            case .refused(let rejection): return .refused(rejection)
            case .agreed(let quote, let pickup, let start, let capacity):
                order.agree(to: quote)
                order.pickupAt = pickup
                slot = start
                slotCapacity = capacity
                if taken.open.count >= Self.openMax {
                    return .refused("too_many_open_orders", ["limit": .int(Int64(Self.openMax))])
                }
            }
        }
        let payment = order.isPaidFromLedger ? try ledger() : nil
        if let rejection = try payment?.pay(&order, from: replica, isResent: isResent) {
            return .refused(rejection)
        }
        if let slotCapacity {
            try store.takeSlot(place.store, slot, capacity: slotCapacity)
            try store.forgetSlots(place.store, before: now - min(now, Self.slotRestMilliseconds))
        }
        order.code = try freshCode(place.store)
        // Nothing proves what a device says of a lost past: the counter is told where it is from.
        let author = isResent ? "restored" : "customer"
        order.steps = [Order.Step(state: .placed, at: now, by: author)]
        let row = OrderRow(
            order: order, space: space.number, position: try store.advanceFeed(place.store),
            slot: slot, due: nil, nonce: nonce)
        let cells = place.lines.map { line in
            Value.array([.text(line.item.text)] + line.cells.map { .text($0.text) })
        }
        try store.insert(
            row, cells: Encoding.cbor.encode(.array([.text(place.cart), .array(cells)])))
        space.orders?.note(order)
        space.orders?.consume(place)
        let writes = erasures(place) + order.placingWrites(in: space.documents)
        // The ledger's first: a device that sees the order also sees what it left of a lease.
        return .accepted(order, (try payment?.flush() ?? []) + writes)
    }

    /// Takes note of where the lines came from, as the cells say that it is made of.
    private func noteChannels(of place: PlaceIntent, in order: inout Order) {
        for (index, line) in place.lines.enumerated() {
            let named = Set(line.cells.lazy.filter { $0.field == Fields.channel }.map(\.dot))
            guard !named.isEmpty else { continue }
            let key = Key(Cart.collection(place.cart), line.item, Fields.channel)
            let cells = space.documents.cells(key).filter { named.contains($0.dot) }
            order.lines[index].channel = Channel(Fold.register(cells)?.value)
        }
    }

    /// Erases the cells that the order stands for, and no others.
    private func erasures(_ place: PlaceIntent) -> [Write] {
        place.consumed.map { Write(key: $0.key, payload: nil, replaces: $0.dots) }
    }

    private enum Terms {
        case refused(Rejection)
        case agreed(Quote, pickup: UInt64, slot: UInt64, capacity: Int)

        static func refused(_ code: String, _ details: [String: Value] = [:]) -> Terms {
            .refused(Rejection(code: code, details: .map(details)))
        }
    }

    /// What the catalogue says to an order, in the order of Protocol §14.2.
    private func terms(_ place: PlaceIntent) throws -> Terms {
        guard let catalog else { return .refused("no_catalog") }
        guard let shop = catalog.store(place.store) else { return .refused("store_unknown") }
        guard shop.currency == place.currency else {
            return .refused("currency_mismatch", ["currency": .text(shop.currency)])
        }
        guard let earliest = shop.earliestPickup(at: now) else { return .refused("store_closed") }
        if let wanted = place.pickupAt {
            if wanted < earliest {
                return .refused("pickup_time_passed", ["earliest": .int(Int64(earliest))])
            }
            guard shop.isOpen(at: wanted) else {
                let opens = shop.nextOpening(after: wanted)
                return .refused(
                    "store_closed", opens.map { ["opens": .int(Int64($0))] } ?? [:])
            }
        } else if earliest > now + Catalog.Store.pickupMillisecondsMax {
            let opens = shop.nextOpening(after: now)
            return .refused("store_closed", opens.map { ["opens": .int(Int64($0))] } ?? [:])
        }
        let quote: Quote
        do throws(QuoteRefusal) {
            quote = try catalog.quote(
                place.lines.map { (LineName(item: $0.item), $0.quantity) }, at: place.store)
        } catch {
            return .refused(error.rejection)
        }
        guard quote.total <= place.total else {
            return .refused(
                "price_changed",
                [
                    "total": .int(quote.total), "catalog": .int(catalog.version),
                    "lines": .array(
                        quote.lines.map { .map(["item": .text($0.item), "price": .int($0.price)]) }
                    ),
                ])
        }
        guard place.tenders.reduce(0, { $0 + $1.amount }) == place.total else {
            return .refused("tenders_mismatch", ["total": .int(place.total)])
        }
        return try room(in: shop, from: place.pickupAt ?? earliest, place.pickupAt, quote)
    }

    /// A place in the slot that is asked for, or in the first that has one.
    private func room(
        in shop: Catalog.Store, from earliest: UInt64, _ wanted: UInt64?, _ quote: Quote
    ) throws -> Terms {
        let last = earliest + Catalog.Store.pickupMillisecondsMax
        let first = shop.slot(of: earliest)
        // As a rule the first has room: the others are looked at only when it has none.
        let isFirstFree = try store.slotUse(shop.id, first) < shop.slotCapacity
        let full: Set<UInt64> =
            isFirstFree && shop.isOpen(at: earliest)
            ? [] : Set(try store.fullSlots(shop.id, first...last, capacity: shop.slotCapacity))
        let next = shop.pickup(from: earliest, isFull: full.contains)
        if let next, wanted == nil || wanted == next {
            return .agreed(
                quote, pickup: next, slot: shop.slot(of: next), capacity: shop.slotCapacity)
        }
        return .refused("slot_full", next.map { ["next": .int(Int64($0))] } ?? [:])
    }

    /// Letters and digits that look like no other: four of them are told by heart and read aloud.
    static let codeAlphabet = Array("ACDEFGHJKLMNPQRTUVWXY34679")
    static let codeRestMilliseconds: UInt64 = 86_400_000

    private func freshCode(_ name: String) throws -> String {
        for _ in 0..<64 {
            var bits = randomBits()
            var code = ""
            for _ in 0..<4 {
                code.append(Self.codeAlphabet[Int(bits % UInt64(Self.codeAlphabet.count))])
                bits /= UInt64(Self.codeAlphabet.count)
            }
            let since = now - min(now, Self.codeRestMilliseconds)
            if try store.order(store: name, code: code, closedSince: since) == nil { return code }
        }
        throw StoreError.corrupt("no pickup code is free at a store")
    }
}

extension Order {
    /// Whether points or stored value pay a part of it.
    var isPaidFromLedger: Bool { tenders.contains { $0.account(in: currency) != nil } }

    /// When it was handed over last.
    var collectedAt: UInt64? { steps.last { $0.state == .collected }?.at }
}

extension Order {
    /// Takes the prices in force, and lowers the tenders to a total that is lower than was seen.
    fileprivate mutating func agree(to quote: Quote) {
        for index in lines.indices { lines[index].price = quote.lines[index].price }
        taxes = quote.taxes.map { Tax(category: $0.category, rate: $0.rate, amount: $0.amount) }
        isTaxIncluded = quote.taxIncluded
        var surplus = total - quote.total
        total = quote.total
        for kind in [Tender.Kind.atCounter, .external, .card, .points, .offer] {
            for index in tenders.indices.reversed() where tenders[index].kind == kind {
                let lowered = min(surplus, tenders[index].amount)
                tenders[index].amount -= lowered
                surplus -= lowered
            }
        }
        tenders.removeAll { $0.amount == 0 }
    }
}

extension QuoteRefusal {
    /// As a fate says it.
    var rejection: Rejection {
        switch self {
        case .storeUnknown: Rejection(code: "store_unknown")
        case .amountOutOfRange: Rejection(code: "amount_out_of_range")
        case .lines(let code, let items):
            Rejection(
                code: code, details: .map(["items": .array(items.map { .text($0) })]))
        }
    }
}

/// A cell of a cart that an order stands for.
struct ConsumedCell: Hashable {
    let cart: Name
    let item: Name
    let cell: CellReference

    init(_ cart: String, _ item: Name, _ cell: CellReference) {
        self.cart = Name(cart)
        self.item = item
        self.cell = cell
    }
}

/// What the orders of one customer took of their carts, and which are open.
struct OrderIndex {
    private(set) var consumed: [ConsumedCell: OrderID] = [:]
    private(set) var open: Set<OrderID> = []

    mutating func note(_ order: Order) {
        if order.state.isOpen { open.insert(order.id) } else { open.remove(order.id) }
    }

    mutating func consume(_ place: PlaceIntent) {
        for line in place.lines {
            for cell in line.cells {
                consumed[ConsumedCell(place.cart, line.item, cell)] = place.order
            }
        }
    }

    /// Takes in a row of the table.
    mutating func read(_ id: OrderID, isOpen: Bool, cells: [UInt8]) throws {
        if isOpen { open.insert(id) }
        guard case .array(let parts)? = try? Encoding.cbor.value(cells), parts.count == 2,
            let cart = parts[0].textValue, case .array(let lines) = parts[1]
        else { throw StoreError.corrupt("an order's cells cannot be read") }
        for case .array(let line) in lines {
            guard let item = line.first?.textValue else { continue }
            for cell in line.dropFirst() {
                guard let cell = cell.textValue.flatMap({ CellReference($0) }) else { continue }
                consumed[ConsumedCell(cart, Name(item), cell)] = id
            }
        }
    }
}
