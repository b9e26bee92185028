internal import ToteCore
internal import ToteSQLite

/// A row of the table of orders.
struct OrderRow {
    var order: Order
    /// The customer's space.
    var space: UInt64
    /// Of the last step in the store's feed.
    var position: UInt64
    /// Start of the slot that it holds, milliseconds.
    var slot: UInt64
    /// When it expires unless it is collected; `nil` while it is not ready.
    var due: UInt64?
    /// Of the change that placed it.
    var nonce: Nonce
}

/// Orders, feeds of stores, slots and what counters were answered: tables of their own.
extension ServerStore {
    private static func bytes(_ id: OrderID) -> [UInt8] { Hex.bytes(id.text) ?? [] }

    private static func row(_ row: Statement) -> OrderRow? {
        guard let id = OrderID(Hex.string(row.blob(0))),
            let value = try? Encoding.cbor.value(row.blob(6)),
            let order = Order(value, id: id)
        else { return nil }
        return OrderRow(
            order: order, space: row.bits(1), position: row.bits(2), slot: row.bits(3),
            due: row.optionalBits(4), nonce: row.bits(5))
    }

    private static func sound(_ rows: [OrderRow?]) throws -> [OrderRow] {
        try rows.map { row in
            guard let row else { throw StoreError.corrupt("an order cannot be read") }
            return row
        }
    }

    func order(_ id: OrderID) throws -> OrderRow? {
        try Self.sound(
            try database.rows(
                "SELECT id, space, position, slot, due, nonce, body FROM orders WHERE id = ?",
                .blob(Self.bytes(id)), map: Self.row)
        ).first
    }

    /// The orders whose ids begin with the bits of a receipt's number, latest first: one, as a
    /// rule.
    func orders(numbered number: SalesNumber) throws -> [OrderRow] {
        let first = (0..<SalesNumber.bytes).map { place in
            UInt8(truncatingIfNeeded: number.bits >> UInt64(8 * (SalesNumber.bytes - 1 - place)))
        }
        let rest = 16 - SalesNumber.bytes
        return try Self.sound(
            try database.rows(
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE id BETWEEN ?1 AND ?2 ORDER BY placed DESC
                """,
                .blob(first + Array(repeating: 0, count: rest)),
                .blob(first + Array(repeating: 255, count: rest)), map: Self.row))
    }

    /// Which orders somebody may have to look at.
    enum Attention: CaseIterable {
        case disputed, asked, open, expired

        fileprivate var query: StaticString {
            switch self {
            case .disputed:
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE store = ?1 AND disputed = 1 ORDER BY moved, id LIMIT ?2
                """
            case .asked:
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE store = ?1 AND asked IS NOT NULL ORDER BY asked, id LIMIT ?2
                """
            case .open:
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE store = ?1 AND state <> 'expired'
                    AND state IN ('placed', 'confirmed', 'preparing', 'ready', 'expired')
                ORDER BY moved, id LIMIT ?2
                """
            case .expired:
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE store = ?1 AND state = 'expired'
                    AND state IN ('placed', 'confirmed', 'preparing', 'ready', 'expired')
                ORDER BY moved, id LIMIT ?2
                """
            }
        }
    }

    /// A store's orders of a kind, those that moved longest ago first.
    func orders(store: String, _ attention: Attention, most: Int) throws -> [OrderRow] {
        try Self.sound(
            try database.rows(
                attention.query, .text(store), .int(Int64(most)), map: Self.row))
    }

    /// The stores that have orders.
    func storesWithOrders() throws -> [String] {
        try database.rows("SELECT store FROM feeds ORDER BY store") { $0.text(0) }
    }

    /// The order that a space's change placed.
    func order(space: UInt64, nonce: Nonce) throws -> OrderRow? {
        try Self.sound(
            try database.rows(
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE space = ? AND nonce = ?
                """, .bits(space), .bits(nonce), map: Self.row)
        ).first
    }

    /// - Parameter cells: the cart cells that it consumed, as `consumedCells` gives them back.
    func insert(_ row: OrderRow, cells: [UInt8]) throws {
        let order = row.order
        try database.run(
            """
            INSERT INTO orders (id, space, store, state, version, position, code, placed, slot,
                moved, due, nonce, cells, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8, NULL, ?10, ?11, ?12)
            """,
            .blob(Self.bytes(order.id)), .bits(row.space), .text(order.store),
            .text(order.state.rawValue), .int(order.version), .bits(row.position),
            .text(order.code ?? ""), .bits(order.placedAt), .bits(row.slot), .bits(row.nonce),
            .blob(cells), .blob(Encoding.cbor.encode(order.value)))
        tally.note(.step(order.state))
    }

    func update(_ row: OrderRow, at time: UInt64) throws {
        let order = row.order
        try database.run(
            """
            UPDATE orders SET state = ?2, version = ?3, position = ?4, slot = ?5, moved = ?6,
                due = ?7, body = ?8, disputed = ?9, asked = ?10 WHERE id = ?1
            """,
            .blob(Self.bytes(order.id)), .text(order.state.rawValue), .int(order.version),
            .bits(row.position), .bits(row.slot), .bits(time), .optional(bits: row.due),
            .blob(Encoding.cbor.encode(order.value)), .int(order.isDisputed ? 1 : 0),
            .optional(bits: order.askedAt))
    }

    /// What a space's orders consumed of its carts, and which of them are open.
    func consumedCells(space: UInt64) throws -> [(id: OrderID, isOpen: Bool, cells: [UInt8])] {
        try database.rows(
            "SELECT id, state, cells FROM orders WHERE space = ?", .bits(space)
        ) { row in
            (
                OrderID(Hex.string(row.blob(0))), OrderState(rawValue: row.text(1)), row.blob(2)
            )
        }.map { id, state, cells in
            guard let id, let state else { throw StoreError.corrupt("an order cannot be read") }
            return (id, state.isOpen, cells)
        }
    }

    /// A space's orders placed before a moment, latest first.
    func orders(space: UInt64, before time: UInt64, most: Int) throws -> [Order] {
        try Self.sound(
            try database.rows(
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE space = ?1 AND placed < ?2 ORDER BY placed DESC, id LIMIT ?3
                """,
                .bits(space), .bits(time), .int(Int64(most)), map: Self.row)
        ).map(\.order)
    }

    /// A space's orders placed at one moment, in the order of their ids.
    func orders(space: UInt64, placedAt time: UInt64) throws -> [Order] {
        try Self.sound(
            try database.rows(
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE space = ?1 AND placed = ?2 ORDER BY id
                """,
                .bits(space), .bits(time), map: Self.row)
        ).map(\.order)
    }

    /// A store's orders behind a place in its feed, in the order of the feed.
    func orders(store: String, after position: UInt64, most: Int) throws -> [OrderRow] {
        try Self.sound(
            try database.rows(
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE store = ?1 AND position > ?2 ORDER BY position LIMIT ?3
                """,
                .text(store), .bits(position), .int(Int64(most)), map: Self.row))
    }

    /// A store's open orders, and its disputed ones, behind a place in its feed: how a poll without
    /// a cursor begins.
    func openOrders(store: String, after position: UInt64, most: Int) throws -> [OrderRow] {
        try Self.sound(
            try database.rows(
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE store = ?1 AND position > ?2 AND (disputed = 1
                    OR state IN ('placed', 'confirmed', 'preparing', 'ready', 'expired'))
                ORDER BY position LIMIT ?3
                """,
                .text(store), .bits(position), .int(Int64(most)), map: Self.row))
    }

    /// The open order, or one closed since `time`, that a store knows by a code.
    func order(store: String, code: String, closedSince time: UInt64) throws -> OrderRow? {
        try Self.sound(
            try database.rows(
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE store = ?1 AND code = ?2 AND (moved >= ?3
                    OR state IN ('placed', 'confirmed', 'preparing', 'ready', 'expired'))
                ORDER BY placed DESC LIMIT 1
                """,
                .text(store), .text(code), .bits(time), map: Self.row)
        ).first
    }

    func dueOrders(at time: UInt64, most: Int) throws -> [OrderRow] {
        try Self.sound(
            try database.rows(
                """
                SELECT id, space, position, slot, due, nonce, body FROM orders
                WHERE due <= ?1 ORDER BY due LIMIT ?2
                """,
                .bits(time), .int(Int64(most)), map: Self.row))
    }

    func nextDue() throws -> UInt64? {
        try database.row("SELECT min(due) FROM orders WHERE due IS NOT NULL") {
            $0.optionalBits(0)
        } ?? nil
    }

    // Feeds: the steps of a store's orders, numbered without gaps.

    func feedPosition(_ store: String) throws -> UInt64 {
        try database.row("SELECT position FROM feeds WHERE store = ?", .text(store)) {
            $0.bits(0)
        } ?? 0
    }

    /// The next place in a store's feed.
    func advanceFeed(_ store: String) throws -> UInt64 {
        try database.run(
            """
            INSERT INTO feeds VALUES (?1, 1)
            ON CONFLICT DO UPDATE SET position = position + 1
            """,
            .text(store))
        return try feedPosition(store)
    }

    // Slots.

    func slotUse(_ store: String, _ start: UInt64) throws -> Int {
        try database.row(
            "SELECT used FROM slots WHERE store = ?1 AND start = ?2", .text(store), .bits(start)
        ) { Int($0.int(0)) } ?? 0
    }

    /// Which of the slots that begin in a range have no room, in order.
    func fullSlots(
        _ store: String, _ starts: ClosedRange<UInt64>, capacity: Int
    ) throws -> [UInt64] {
        try database.rows(
            """
            SELECT start FROM slots WHERE store = ?1 AND start BETWEEN ?2 AND ?3 AND used >= ?4
            ORDER BY start
            """,
            .text(store), .bits(starts.lowerBound), .bits(starts.upperBound),
            .int(Int64(capacity))
        ) { $0.bits(0) }
    }

    /// How many orders the slots hold that begin at or after a moment.
    func slotUses(from time: UInt64) throws -> [(store: String, start: UInt64, used: Int)] {
        try database.rows(
            "SELECT store, start, used FROM slots WHERE start >= ? ORDER BY store, start",
            .bits(time)
        ) { ($0.text(0), $0.bits(1), Int($0.int(2))) }
    }

    /// Forgets a store's slots that began before a moment: nobody can order for them any more, and
    /// an order that still names one has no place to give back.
    func forgetSlots(_ store: String, before time: UInt64) throws {
        try database.run(
            "DELETE FROM slots WHERE store = ?1 AND start < ?2", .text(store), .bits(time))
    }

    /// Takes a place in a slot; the table's own check refuses one beyond its capacity.
    func takeSlot(_ store: String, _ start: UInt64, capacity: Int) throws {
        try database.run(
            """
            INSERT INTO slots VALUES (?1, ?2, 1, ?3)
            ON CONFLICT DO UPDATE SET used = used + 1, capacity = ?3
            """,
            .text(store), .bits(start), .int(Int64(capacity)))
    }

    func freeSlot(_ store: String, _ start: UInt64) throws {
        try database.run(
            "UPDATE slots SET used = used - 1 WHERE store = ?1 AND start = ?2 AND used > 0",
            .text(store), .bits(start))
    }

    // Answers kept for their idempotency keys.

    func answer(
        token: String, key: String
    ) throws -> (digest: [UInt8], status: Int, body: [UInt8])? {
        try database.row(
            "SELECT digest, status, body FROM answers WHERE token = ?1 AND key = ?2",
            .text(token), .text(key)
        ) { ($0.blob(0), Int($0.int(1)), $0.blob(2)) }
    }

    func keepAnswer(
        token: String, key: String, digest: [UInt8], status: Int, body: [UInt8], at time: UInt64
    ) throws {
        try database.run(
            "INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6)", .text(token), .text(key),
            .bits(time), .blob(digest), .int(Int64(status)), .blob(body))
    }

    func forgetAnswers(before time: UInt64) throws {
        try database.run("DELETE FROM answers WHERE at < ?", .bits(time))
    }

    /// Notes what somebody with a special right did.
    ///
    /// - Parameter object: an order's id, a lease's, or what else it was done to.
    func audit(
        at time: UInt64, token: String, label: String, store: String, object: String, what: String,
        reason: String
    ) throws {
        try database.run(
            """
            INSERT INTO audit (at, token, label, store, order_id, what, reason)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
            .bits(time), .text(token), .text(label), .text(store), .text(object), .text(what),
            .text(reason))
    }

    /// The newest first.
    ///
    /// - Parameter before: the number of an entry: those made before it.
    func auditEntries(before: Int64 = .max, most: Int) throws -> [Value] {
        try database.rows(
            """
            SELECT at, token, label, store, order_id, what, reason, id FROM audit
            WHERE id < ?1 ORDER BY id DESC LIMIT ?2
            """,
            .int(before), .int(Int64(most))
        ) { row in
            .map([
                "id": .int(row.int(7)), "at": .int(row.int(0)), "token": .text(row.text(1)),
                "label": .text(row.text(2)),
                "store": .text(row.text(3)), "order": .text(row.text(4)),
                "what": .text(row.text(5)), "reason": .text(row.text(6)),
            ])
        }
    }
}
