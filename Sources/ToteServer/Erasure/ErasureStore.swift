internal import ToteCore
internal import ToteSQLite

/// What erasing a customer does to the tables. `secure_delete` is on: what leaves a page is
/// overwritten in it.
extension ServerStore {
    private static let erasedPrefix = "erased "

    /// Who was erased, as far as this file knows.
    package func erasures() throws -> ErasureList {
        var list = ErasureList()
        let rows = try database.rows(
            "SELECT name, value FROM meta WHERE name BETWEEN 'erased ' AND 'erased!'"
        ) { (String($0.text(0).dropFirst(Self.erasedPrefix.count)), $0.bits(1)) }
        for (text, at) in rows {
            guard let entry = ErasureList.Entry(text, at: at) else {
                throw StoreError.corrupt("an entry of the erased customers cannot be read")
            }
            list.insert(entry)
        }
        return list
    }

    private static let rightPrefix = "right "

    /// What changed of rights and is not on the list beside the file yet, as far as is known.
    func unlistedRights() throws -> [Right] {
        try database.rows(
            "SELECT name, value FROM meta WHERE name BETWEEN 'right ' AND 'right!'"
        ) { ($0.text(0), $0.bits(1)) }.map { name, at in
            let words = "\(name.dropFirst(Self.rightPrefix.count)) \(at)".split(separator: " ")
            guard let right = Right(words.map(String.init)) else {
                throw StoreError.corrupt("a right that changed cannot be read")
            }
            return right
        }.sorted { $0.at < $1.at }
    }

    func add(_ right: Right) throws {
        try setMeta(Self.rightPrefix + right.text, right.at)
    }

    /// Drops what is on the list by now.
    func remove(listed right: Right) throws {
        try database.run(
            "DELETE FROM meta WHERE name = ?1 AND value = ?2",
            .text(Self.rightPrefix + right.text), .bits(right.at))
    }

    func add(_ entry: ErasureList.Entry) throws {
        try setMeta(Self.erasedPrefix + entry.text, entry.at)
    }

    /// Removes a customer's log, documents and devices, and what else is about nobody without them.
    func removeDocuments(of space: UInt64) throws {
        while true {
            let rows = try rows(space: space, from: 0, most: 256)
            for row in rows { try remove(row, space: space) }
            if rows.count < 256 { break }
        }
        try database.run("DELETE FROM snapshots WHERE space = ?", .bits(space))
        try database.run("DELETE FROM replicas WHERE space = ?", .bits(space))
        try database.run("DELETE FROM handoffs WHERE space = ?", .bits(space))
        try database.run("DELETE FROM members WHERE space = ?", .bits(space))
        try database.run("DELETE FROM offer_customers WHERE space = ?", .bits(space))
        try setSpaceFacts(space, trimmed: 0, awaited: nil)
    }

    /// Leaves of a customer's orders what the store sold, and nothing that the customer said.
    ///
    /// - Returns: the orders.
    func scrubOrders(of space: UInt64) throws -> [OrderID] {
        let cart = "main"
        let noCells = Encoding.cbor.encode(.array([.text(cart), .array([])]))
        let ids = try orders(space: space, before: UInt64(Limits.integerMax), most: .max).map(\.id)
        for id in ids {
            guard var row = try order(id) else { continue }
            row.order.cart = cart
            (row.order.name, row.order.note) = (nil, nil)
            (row.order.spot, row.order.reason) = (nil, nil)
            for index in row.order.lines.indices { row.order.lines[index].note = nil }
            row.order.feedback?.comment = nil
            row.order.thread = []
            // It has not moved: its code is free again when it was to be.
            try database.run(
                "UPDATE orders SET body = ?2, cells = ?3, nonce = 0, asked = NULL WHERE id = ?1",
                .blob(Self.bytes(id)), .blob(Encoding.cbor.encode(row.order.value)),
                .blob(noCells))
            try forgetReasons(of: id.text)
        }
        return ids
    }

    /// Takes out of what was brought back why, as somebody wrote it.
    ///
    /// - Parameter sources: orders, receipts and redemptions, as entries name them.
    func scrubReturns(of sources: Set<String>) throws {
        for source in sources.sorted() {
            let rows = try database.rows(
                "SELECT number, body FROM returns WHERE source = ?", .text(source)
            ) { ($0.int(0), $0.blob(1)) }
            for (number, bytes) in rows {
                guard case .map(var members)? = try? Encoding.cbor.value(bytes) else {
                    throw StoreError.corrupt("a return cannot be read")
                }
                for index in members.indices where members[index].name == "reason" {
                    members[index] = Value.Entry("reason", .text(""))
                }
                try database.run(
                    "UPDATE returns SET body = ?2 WHERE number = ?1", .int(number),
                    .blob(Encoding.cbor.encode(.map(members))))
            }
        }
    }

    /// Leaves of what a customer's device did that it was done.
    func forgetLabel(ofToken id: String) throws {
        try database.run("UPDATE audit SET label = '' WHERE token = ?", .text(id))
    }

    /// Leaves of the audit about something what was done, when and by whom.
    func forgetReasons(of object: String, calling name: String? = nil) throws {
        try database.run(
            "UPDATE audit SET reason = '', order_id = ?2 WHERE order_id = ?1", .text(object),
            .text(name ?? object))
    }

    /// Takes out of a customer's entries what an operator called a gift or a correction. (An entry
    /// is never changed: it is written anew, under its number.)
    func scrubReferences(of space: UInt64) throws {
        let rows = try database.rows(
            """
            SELECT number FROM entries WHERE reference GLOB 'correction:*'
                AND account IN (SELECT number FROM accounts WHERE space = ?)
            """, .bits(space)
        ) { $0.int(0) }
        for number in rows {
            // No reference that anybody gives begins so.
            try database.run(
                """
                CREATE TEMP TABLE anew AS SELECT number, account, kind, units, at,
                    'erased:' || number, due, expires, parts FROM entries WHERE number = ?
                """, .int(number))
            try database.run("DELETE FROM entries WHERE number = ?", .int(number))
            try database.execute("INSERT INTO entries SELECT * FROM temp.anew")
            try database.execute("DROP TABLE temp.anew")
        }
    }

    /// Removes what was told about a customer and is kept to be told again.
    ///
    /// - Parameter words: what such a text has in it.
    func removeAnswers(with words: [String]) throws {
        for word in words {
            let bytes = Array(word.utf8)
            try database.run("DELETE FROM answers WHERE instr(body, ?) > 0", .blob(bytes))
            try database.run(
                """
                UPDATE webhooks SET held = held - (SELECT count(*) FROM deliveries
                    WHERE webhook = webhooks.id AND instr(body, ?) > 0)
                """, .blob(bytes))
            try database.run("DELETE FROM deliveries WHERE instr(body, ?) > 0", .blob(bytes))
        }
    }

    func renameSpace(_ number: UInt64, to name: String) throws {
        try database.run(
            "UPDATE spaces SET name = ?2 WHERE number = ?1", .bits(number), .text(name))
    }
}
