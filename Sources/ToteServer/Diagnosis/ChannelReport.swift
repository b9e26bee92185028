package import ToteCore
internal import ToteSQLite

/// Where customers ordered, and where what they ordered came from: counted from a data file without
/// changing it, at one moment, also while a server writes. Nothing in it is about a customer.
package struct ChannelReport: Sendable {
    /// What came by one channel.
    package struct Row: Sendable, Hashable {
        /// Orders that were made there, and those of them that came to nothing.
        package var orders = 0
        package var cancelled = 0
        /// Minor units by currency, of those that did not.
        package var totals: [String: Int64] = [:]
        /// How many things were put into carts there that were ordered, wherever that was.
        package var items: Int64 = 0
        /// What was asked for there, by the intent's kind; of what the log still has.
        package var intents: [String: Int] = [:]
    }

    /// By channel; `none` stands for what does not say.
    package private(set) var rows: [String: Row] = [:]

    /// What a channel is called that nothing says.
    package static let unknown = "none"

    /// - Parameters:
    ///   - since: milliseconds since 1970: nothing older counts.
    ///   - shop: orders of this store alone, and no intents; `nil` for all.
    /// - Throws: `StoreError`, and what SQLite says of a file that cannot be read.
    package init(path: String, since: UInt64, store shop: String?) throws {
        var options = Database.Options()
        options.access = .readOnly
        let store = try ServerStore(path: path, options: options)
        try store.database.execute("BEGIN")
        defer { try? store.database.execute("ROLLBACK") }
        try store.eachOrder(since: since) { order in
            if shop == nil || order.store == shop { add(order) }
        }
        guard shop == nil else { return }
        try store.eachRun(since: since) { run in
            for event in run.events {
                guard let kind = event.change.intent?["kind"]?.textValue else { continue }
                rows[Self.name(event.change.channel), default: Row()]
                    .intents[kind, default: 0] += 1
            }
        }
    }

    private static func name(_ channel: Channel?) -> String { channel?.rawValue ?? unknown }

    private mutating func add(_ order: Order) {
        let name = Self.name(order.channel)
        var row = rows[name] ?? Row()
        row.orders += 1
        let isOff = [.cancelled, .declined].contains(order.state)
        if isOff {
            row.cancelled += 1
        } else {
            row.totals[order.currency, default: 0] += order.total
        }
        rows[name] = row
        guard !isOff else { return }
        for line in order.lines {
            rows[Self.name(line.channel ?? order.channel), default: Row()].items += line.quantity
        }
    }

    /// As the command prints it for programs.
    package var value: Value {
        .array(
            rows.sorted { $0.key < $1.key }.map { name, row in
                .map([
                    "channel": .text(name), "orders": .int(Int64(row.orders)),
                    "cancelled": .int(Int64(row.cancelled)), "items": .int(row.items),
                    "totals": .map(row.totals.mapValues { .int($0) }),
                    "intents": .map(row.intents.mapValues { .int(Int64($0)) }),
                ])
            })
    }
}

extension ServerStore {
    /// Orders that were placed at or after a moment, in the order of their ids.
    fileprivate func eachOrder(since: UInt64, _ take: (Order) -> Void) throws {
        var last: [UInt8] = []
        while true {
            let rows = try database.rows(
                "SELECT id, body FROM orders WHERE id > ?1 AND placed >= ?2 ORDER BY id LIMIT 256",
                .blob(last), .bits(since)
            ) { ($0.blob(0), $0.blob(1)) }
            for (bytes, body) in rows {
                guard let id = OrderID(Hex.string(bytes)),
                    let value = try? Encoding.cbor.value(body), let order = Order(value, id: id)
                else { throw StoreError.corrupt("an order cannot be read") }
                take(order)
                last = bytes
            }
            if rows.count < 256 { return }
        }
    }

    /// What was judged at or after a moment and is still in the log.
    fileprivate func eachRun(since: UInt64, _ body: (Run) -> Void) throws {
        var last: Int64 = 0
        while true {
            let rows = try database.rows(
                """
                SELECT id, space, position FROM log WHERE id > ?1 AND time >= ?2 ORDER BY id
                LIMIT 256
                """, .int(last), .bits(since)
            ) { ($0.int(0), $0.bits(1), $0.bits(2)) }
            for (id, space, position) in rows {
                for row in try self.rows(space: space, from: position, most: 1) {
                    body(try row.run())
                }
                last = id
            }
            if rows.count < 256 { return }
        }
    }
}
