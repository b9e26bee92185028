internal import ToteCore
internal import ToteSQLite

/// Checks the tables of orders against each other and against the customers' documents.
extension Verifier {
    /// - Parameter spaces: the documents of each space, as its log makes them.
    static func verifyOrders(
        _ store: ServerStore, documents: (UInt64) throws -> Documents?, _ report: inout Report
    ) throws {
        var cache: (space: UInt64, documents: Documents?)?
        var slots: [String: Int] = [:]
        var codes: Set<String> = []
        var consumed: [ConsumedCell: OrderID] = [:]
        var lastSpace: UInt64 = 0
        for row in try store.allOrders() {
            report.orders += 1
            let order = row.order
            let name = "order \(order.id)"
            if cache?.space != row.space { cache = (row.space, try documents(row.space)) }
            guard let kept = cache?.documents else {
                report.faults.append("\(name) belongs to no space")
                continue
            }
            // Of the closed ones the documents hold the latest only.
            let shown = Order(kept, item: Name(order.id.text))
            let isErased = try store.spaceName(row.space)?.hasPrefix(Server.erasedKind) ?? false
            if !isErased, shown.map({ $0 != order }) ?? order.state.isOpen {
                report.faults.append("\(name): the customer sees another order than the store")
            }
            check(order, name, &report.faults)
            if row.slot != 0 { slots["\(order.store) \(row.slot)", default: 0] += 1 }
            if order.state.isOpen, let code = order.code,
                !codes.insert("\(order.store) \(code)").inserted
            {
                report.faults.append("\(name): another open order has its code")
            }
            if row.space != lastSpace { consumed = [:] }
            lastSpace = row.space
            var index = OrderIndex()
            try index.read(
                order.id, isOpen: false, cells: try store.cells(of: order.id) ?? [])
            for cell in index.consumed.keys
            where consumed.updateValue(order.id, forKey: cell) != nil {
                report.faults.append("\(name): another order took a cell of its cart")
            }
            if report.faults.count >= faultsMax { return }
        }
        try verifyColumns(store, &report)
        for (slot, used) in try store.slotUses() {
            let counted = slots.removeValue(forKey: slot) ?? 0
            guard counted != used else { continue }
            report.faults.append("slot \(slot) counts \(used) orders, it has \(counted)")
        }
        // Those of the past are forgotten.
        let now = try store.meta("clock") ?? 0
        for slot in slots.keys.sorted() {
            guard let start = slot.split(separator: " ").last.flatMap({ UInt64($0) }), start >= now
            else { continue }
            report.faults.append("slot \(slot) has orders, and is not there")
        }
        for store in try store.brokenFeeds() {
            report.faults.append("the feed of store \(store) ends before its orders")
        }
    }

    /// What orders are looked up by is what they say.
    private static func verifyColumns(_ store: ServerStore, _ report: inout Report) throws {
        let rows = try store.database.rows(
            "SELECT id, state, code, store, version, asked FROM orders"
        ) {
            (
                OrderID(Hex.string($0.blob(0))), [$0.text(1), $0.text(2), $0.text(3)], $0.int(4),
                $0.optionalBits(5)
            )
        }
        for (id, texts, version, asked) in rows {
            guard let id, let order = try store.order(id)?.order else { continue }
            if texts != [order.state.rawValue, order.code ?? "", order.store]
                || version != order.version || asked != order.askedAt
            {
                report.faults.append("order \(id): its row says other things than it does")
            }
        }
    }

    /// An order's steps follow the table, and it was handed over once at a time.
    private static func check(_ order: Order, _ name: String, _ faults: inout [String]) {
        guard order.steps.first?.state == .placed else {
            if order.steps.count < Order.stepsMax {
                faults.append("\(name) was never placed")
            }
            return
        }
        if order.steps.last?.state != order.state {
            faults.append("\(name): its last step is not its state")
        }
        for (step, next) in zip(order.steps, order.steps.dropFirst()) {
            let isFact = next.state == .collected && step.state.isOpen
            let isLegal = OrderState.steps.contains {
                $0.from == step.state && $0.to == next.state
            }
            if !isLegal, !isFact {
                faults.append("\(name): \(step.state) was followed by \(next.state)")
            }
        }
        if order.tenders.reduce(0, { $0 + $1.amount }) != order.total {
            faults.append("\(name): its tenders are not its total")
        }
    }
}

extension ServerStore {
    /// All orders, space by space.
    fileprivate func allOrders() throws -> [OrderRow] {
        let ids = try database.rows("SELECT id FROM orders ORDER BY space, placed, id") {
            $0.blob(0)
        }
        return try ids.map { bytes in
            guard let id = OrderID(Hex.string(bytes)), let row = try order(id) else {
                throw StoreError.corrupt("an order cannot be read")
            }
            return row
        }
    }

    fileprivate func cells(of id: OrderID) throws -> [UInt8]? {
        try database.row(
            "SELECT cells FROM orders WHERE id = ?", .blob(Hex.bytes(id.text) ?? [])
        ) { $0.blob(0) }
    }

    fileprivate func slotUses() throws -> [(slot: String, used: Int)] {
        try database.rows("SELECT store, start, used FROM slots ORDER BY store, start") {
            ("\($0.text(0)) \($0.bits(1))", Int($0.int(2)))
        }
    }

    fileprivate func brokenFeeds() throws -> [String] {
        try database.rows(
            """
            SELECT store FROM orders GROUP BY store HAVING max(position)
                IS NOT (SELECT position FROM feeds WHERE feeds.store = orders.store)
            UNION SELECT store FROM feeds WHERE position
                IS NOT (SELECT max(position) FROM orders WHERE orders.store = feeds.store)
            ORDER BY store
            """
        ) { $0.text(0) }
    }
}
