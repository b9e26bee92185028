import Testing
import ToteCore
import ToteSQLite
import ToteServer

/// What the verifier finds when a ledger's file was tampered with, and what SQLite itself refuses.
struct LedgerVerifierTests {
    private func shop() throws -> Shop {
        let shop = try Shop()
        try shop.useProgramme()
        try shop.grant(100, reference: "g")
        try shop.grant(500, account: "card:EUR", reference: "p")
        #expect(try shop.server.faults() == [])
        return shop
    }

    @Test(arguments: [
        // Another amount in an entry: the sums differ, and no trigger stands in the way.
        "DROP TRIGGER entries_stay; UPDATE entries SET units = units + 1 WHERE number = 1",
        "DELETE FROM entries WHERE number = 1",
        "UPDATE accounts SET granted = granted + 1, available = available + 1",
        "UPDATE accounts SET debt = 1",
        "PRAGMA ignore_check_constraints = 1; UPDATE accounts SET available = available + 1",
        """
        INSERT INTO leases VALUES (randomblob(16), 1, 5, NULL, NULL, 10, 10, 0, 1900000000000,
            'open', 0, 0, 0, 'forged', x'8182F60A')
        """,
    ])
    func `a ledger that was tampered with is found`(sql: String) throws {
        let shop = try shop()
        try shop.server.store.database.execute(sql)
        #expect(try !shop.server.faults().isEmpty)
    }

    @Test(arguments: [
        "UPDATE accounts SET available = available + 1",
        "UPDATE accounts SET available = -1, spent = spent + 101 WHERE name = 'points'",
        "UPDATE entries SET units = 7",
        """
        INSERT INTO entries SELECT 99, account, kind, units, at, reference, due, expires, parts
            FROM entries LIMIT 1
        """,
        "UPDATE leases SET rest = granted + 1",
    ])
    func `the tables refuse what breaks an invariant`(sql: String) throws {
        let shop = try shop()
        var phone = TestDevice(1)
        let ask = LeaseIntent(
            lease: LeaseID(high: 1, low: 1), account: .points, amount: try #require(Amount(10)))
        _ = try phone.push([shop.change(.lease(ask), nonce: 1)], to: shop.server)
        #expect(throws: SQLiteError.self) { try shop.server.store.database.execute(sql) }
        #expect(try shop.server.faults() == [])
    }
}
