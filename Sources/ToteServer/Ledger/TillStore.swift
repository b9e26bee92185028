internal import ToteCore
internal import ToteSQLite

/// Receipts of tills, and what came back.
extension ServerStore {
    private static func body(_ bytes: [UInt8]) throws -> Value {
        guard let value = try? Encoding.cbor.value(bytes) else {
            throw StoreError.corrupt("a receipt cannot be read")
        }
        return value
    }

    /// A receipt, and the space of its customer.
    func receipt(store: String, id: String) throws -> (body: Value, space: UInt64)? {
        let row = try database.row(
            "SELECT body, space FROM receipts WHERE store = ?1 AND id = ?2", .text(store),
            .text(id)
        ) { ($0.blob(0), $0.bits(1)) }
        return try row.map { (try Self.body($0), $1) }
    }

    func insertReceipt(
        store: String, id: String, space: UInt64, at now: UInt64, _ body: Value
    ) throws {
        try database.run(
            "INSERT INTO receipts VALUES (?1, ?2, ?3, ?4, ?5)", .text(store), .text(id),
            .bits(space), .bits(now), .blob(Encoding.cbor.encode(body)))
    }

    func updateReceipt(store: String, id: String, _ body: Value) throws {
        try database.run(
            "UPDATE receipts SET body = ?3 WHERE store = ?1 AND id = ?2", .text(store), .text(id),
            .blob(Encoding.cbor.encode(body)))
    }

    /// How many returns there were of an order or a receipt.
    func returnCount(of source: String) throws -> Int {
        try database.row("SELECT count(*) FROM returns WHERE source = ?", .text(source)) {
            Int($0.int(0))
        } ?? 0
    }

    func insertReturn(source: String, store: String, at now: UInt64, _ body: Value) throws {
        try database.run(
            "INSERT INTO returns (source, store, at, body) VALUES (?1, ?2, ?3, ?4)",
            .text(source), .text(store), .bits(now), .blob(Encoding.cbor.encode(body)))
    }

    /// Whose account a redemption was paid from: the space and the account's name.
    func redemption(_ id: OrderID) throws -> (space: UInt64, store: String, account: String)? {
        try database.row(
            "SELECT space, store, account FROM redemptions WHERE id = ?", .blob(Self.bytes(id))
        ) { ($0.bits(0), $0.text(1), $0.text(2)) }
    }

    func insertRedemption(
        _ id: OrderID, space: UInt64, store: String, account: String, at now: UInt64
    ) throws {
        try database.run(
            "INSERT INTO redemptions VALUES (?1, ?2, ?3, ?4, ?5)", .blob(Self.bytes(id)),
            .bits(space), .text(store), .text(account), .bits(now))
    }

    // Of one customer, oldest first.

    func receipts(space: UInt64) throws -> [Value] {
        try database.rows(
            "SELECT store, id, at, body FROM receipts WHERE space = ? ORDER BY at, id",
            .bits(space)
        ) { ($0.text(0), $0.text(1), $0.int(2), $0.blob(3)) }.map { store, id, at, body in
            .map([
                "store": .text(store), "id": .text(id), "at": .int(at),
                "receipt": try Self.body(body),
            ])
        }
    }

    /// What something of a customer may have come back of: orders, receipts and redemptions, as
    /// returns name them. Of a receipt also that earned nothing, which no entry names.
    func returnSources(space: UInt64) throws -> Set<String> {
        let orders = try orders(space: space, before: UInt64(Limits.integerMax), most: .max)
        let receipts = try database.rows(
            "SELECT store, id FROM receipts WHERE space = ?", .bits(space)
        ) { LedgerEntry.source("receipt", $0.text(0), $0.text(1)) }
        let redemptions = try database.rows(
            "SELECT id FROM redemptions WHERE space = ?", .bits(space)
        ) { LedgerEntry.source("redemption", Hex.string($0.blob(0))) }
        return Set(orders.map { LedgerEntry.source("order", $0.id.text) } + receipts + redemptions)
    }

    /// What came back of orders and receipts.
    func returns(of sources: Set<String>) throws -> [Value] {
        try sources.sorted().flatMap { source in
            try database.rows(
                "SELECT store, at, body FROM returns WHERE source = ? ORDER BY number",
                .text(source)
            ) { ($0.text(0), $0.int(1), $0.blob(2)) }.map { store, at, body in
                .map([
                    "source": .text(source), "store": .text(store), "at": .int(at),
                    "return": try Self.body(body),
                ])
            }
        }
    }

    func redemptions(space: UInt64) throws -> [Value] {
        try database.rows(
            "SELECT id, store, account, at FROM redemptions WHERE space = ? ORDER BY at, id",
            .bits(space)
        ) { row in
            .map([
                "id": .text(Hex.string(row.blob(0))), "store": .text(row.text(1)),
                "account": .text(row.text(2)), "at": .int(row.int(3)),
            ])
        }
    }
}
