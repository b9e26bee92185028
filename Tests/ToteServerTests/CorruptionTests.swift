import CSQLite
import Foundation
import Testing
import ToteCore
import ToteSQLite
import ToteServer

/// What `tote verify` finds in a file that was damaged: everything of a seeded set.
struct CorruptionTests {
    /// A file with carts, orders, points, reservations and a snapshot behind which the log goes on.
    private static func makeServer() throws -> TestServer {
        let shop = try Shop()
        try shop.useProgramme()
        try shop.grant(500, reference: "g")
        try shop.grant(900, account: "card:EUR", reference: "p")
        var phone = TestDevice(1)
        func write(_ nonce: UInt64) -> Change {
            let key = Key("cart:main", Name("tea|\(nonce)"), Fields.quantity)
            return Change(
                nonce: nonce, time: Timestamp(milliseconds: shop.server.now),
                writes: [Write(key: key, payload: .delta(1))])
        }
        _ = try phone.push((1...12).map(write), to: shop.server)
        let lease = LeaseIntent(
            lease: LeaseID(high: 1, low: 1), account: .points, amount: try #require(Amount(50)))
        _ = try phone.push([shop.change(.lease(lease), nonce: 20)], to: shop.server)
        var paid = shop.tea(2)
        var reward = Tender(.points, 300)
        reward.reward = "free-tea"
        reward.points = 100
        paid.tenders = [reward, Tender(.atCounter, 300)]
        #expect(try shop.place(paid, by: &phone, nonce: 21) == nil)
        // A refused change has a fate, too.
        _ = try phone.push(
            [shop.change(.release(LeaseID(high: 9, low: 9)), nonce: 22)], to: shop.server)
        try shop.server.inGroup { try shop.server.server.sweepAll(at: shop.server.now) }
        _ = try phone.push((30...34).map(write), to: shop.server)
        try shop.server.inGroup { try shop.server.server.settle() }
        #expect(try shop.server.faults() == [])
        return shop.server
    }

    /// Another byte at a place of a value, in one row.
    private static func byte(_ column: String, of table: String, _ seed: Int) -> String {
        let place = "(1 + \(seed) % length(\(column)))"
        return """
            UPDATE \(table) SET \(column) = CAST(substr(\(column), 1, \(place) - 1)
                || CASE substr(\(column), \(place), 1) WHEN x'41' THEN x'42' ELSE x'41' END
                || substr(\(column), \(place) + 1) AS BLOB)
            WHERE length(\(column)) > 1
            """
    }

    private static let bytes: [String] = [
        ("body", "log"), ("body", "snapshots"), ("body", "orders"),
        ("body", "accounts"), ("lots", "leases"), ("parts", "entries"),
    ].flatMap { column, table in
        [3, 17, 101, 977, 4_099].map { byte(column, of: table, $0) }
    }

    private static let rows = [
        "DELETE FROM log WHERE id = (SELECT min(id) FROM log)",
        "DELETE FROM log WHERE id = (SELECT max(id) - 2 FROM log)",
        "DELETE FROM places WHERE position = (SELECT max(position) FROM places)",
        "DELETE FROM replicas",
        "DELETE FROM orders", "DELETE FROM accounts WHERE name = 'points'",
        "DELETE FROM entries WHERE kind = 'spend'", "DELETE FROM leases", "DELETE FROM members",
        "DELETE FROM slots", "DELETE FROM feeds", "DELETE FROM meta WHERE name = 'epoch'",
        "DELETE FROM spaces WHERE name = 'customer:c-1'",
    ]

    private static let forged = [
        // A cursor past the log, a counter that was never judged, a snapshot of the future.
        "UPDATE replicas SET counter = counter + 1000",
        "UPDATE snapshots SET position = position + 1000",
        "UPDATE log SET position = position + 1 WHERE id = (SELECT max(id) FROM log)",
        "UPDATE log SET counter = counter + 1 WHERE id = (SELECT max(id) FROM log)",
        "UPDATE log SET space = 99 WHERE id = (SELECT max(id) FROM log)",
        "UPDATE replicas SET position = position + 1000",
        "UPDATE feeds SET position = 0", "UPDATE feeds SET position = position + 1000",
        "UPDATE spaces SET trimmed = 1", "UPDATE spaces SET trimmed = 1000",
        "UPDATE slots SET used = used + 1",
        "UPDATE orders SET state = 'collected'", "UPDATE orders SET code = 'AAAA'",
        "UPDATE leases SET state = 'closed'", "UPDATE leases SET granted = granted + 1",
        "UPDATE members SET member = member + 1", "UPDATE members SET earned = x'A161301905DC'",
    ]

    @Test(arguments: bytes + rows + forged)
    func `damage is found`(sql: String) throws {
        try expectFound(sql, in: Self.makeServer())
    }

    /// The same where the beginning of the log is gone, with its fates or without.
    @Test(
        arguments: [
            "DELETE FROM log WHERE space = 1", "DELETE FROM log; DELETE FROM places",
            "DELETE FROM log WHERE position = (SELECT max(position) FROM log WHERE space = 1)",
            "DELETE FROM log WHERE position = (SELECT trimmed + 1 FROM spaces WHERE number = 1)",
            """
            DELETE FROM places WHERE (space, position) IN
                (SELECT number, trimmed + 1 FROM spaces WHERE number = 1);
            DELETE FROM log WHERE (space, position) IN
                (SELECT number, trimmed + 1 FROM spaces WHERE number = 1)
            """,
            "UPDATE spaces SET trimmed = trimmed + 1", "UPDATE spaces SET trimmed = 0",
            "UPDATE replicas SET counter = counter + 1000",
            "UPDATE replicas SET position = position + 1000",
            "UPDATE snapshots SET position = position + 1000",
        ], [false, true])
    func `damage is found where the log was trimmed`(sql: String, forgets: Bool) throws {
        let server = try Self.makeServer()
        server.server.horizonMilliseconds = 1_000
        if forgets { server.server.fateMilliseconds = 1_000 }
        server.now += 60_000
        try server.inGroup { try server.server.sweepAll(at: server.now) }
        var tablet = TestDevice(2)
        for nonce in 1...4 as ClosedRange<UInt64> {
            try tablet.push([Make.add(nonce: nonce, at: server.now)], to: server)
        }
        try server.inGroup { try server.server.sweepAll(at: server.now) }
        try server.inGroup { try server.server.settle() }
        let trimmed = try server.store.database.row("SELECT trimmed FROM spaces WHERE number = 1") {
            $0.int(0)
        }
        #expect(trimmed ?? 0 > 0)
        #expect(try server.faults() == [])
        try expectFound(sql, in: server)
    }

    /// What no sum or second copy in the tables tells of.
    private static let plain = [
        "UPDATE entries SET kind = 'earn' WHERE kind = 'grant'",
        "UPDATE entries SET reference = reference || 'x', at = at + 1, expires = 5",
        "UPDATE accounts SET due = 5, withheld = withheld + 1",
        "UPDATE tokens SET role = 'admin', expires = NULL",
        "UPDATE orders SET placed = placed + 1, nonce = nonce + 1",
        "UPDATE replicas SET family = family + 1, epoch = epoch + 1",
        "UPDATE catalogs SET time = time + 1", "DELETE FROM tokens", "DELETE FROM catalogs",
        "UPDATE meta SET value = randomblob(32) WHERE name = 'root'", "DELETE FROM meta",
    ]

    /// By the checksums of the file's pages, which only the server makes.
    @Test(arguments: bytes + rows + forged + plain)
    func `what another program changed is found`(sql: String) throws {
        try TemporaryDirectory.with { directory in
            let path = directory + "/tote.db"
            try Self.makeServer().write(to: path)
            #expect(try Verifier.verify(path: path).faults == [])
            var other: OpaquePointer?
            #expect(sqlite3_open(path, &other) == SQLITE_OK)
            defer { sqlite3_close(other) }
            let before = sqlite3_total_changes(other)
            let whole = "PRAGMA ignore_check_constraints = ON; DROP TRIGGER entries_stay; \(sql)"
            #expect(sqlite3_exec(other, whole, nil, nil, nil) == SQLITE_OK)
            #expect(sqlite3_total_changes(other) > before, "it changes something")
            sqlite3_wal_checkpoint_v2(other, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
            #expect(Self.faults(path) != [], "nothing is found after \(sql)")
        }
    }

    /// One bit at a time, spread over the whole file.
    @Test func `every bit that flips is found`() throws {
        try TemporaryDirectory.with { directory in
            let path = directory + "/tote.db"
            try Self.makeServer().write(to: path)
            let sound = try Data(contentsOf: URL(filePath: path))
            for number in 0..<Self.flips {
                let place = number * 7_919 * 13 % sound.count
                var damaged = sound
                damaged[place] ^= 1 << (number % 8)
                try damaged.write(to: URL(filePath: path))
                #expect(Self.faults(path) != [], "bit \(number % 8) of the byte at \(place)")
            }
            try sound.write(to: URL(filePath: path))
            #expect(Self.faults(path) == [])
        }
    }

    private static let flips = 1_000

    private static func faults(_ path: String) -> [String] {
        do {
            return try Verifier.verify(path: path).faults
        } catch { return ["\(error)"] }
    }

    private func expectFound(_ sql: String, in server: TestServer) throws {
        let database = server.store.database
        try database.execute("PRAGMA foreign_keys = OFF")
        try database.execute("PRAGMA ignore_check_constraints = ON")
        for trigger in ["entries_stay"] { try database.execute("DROP TRIGGER \(trigger)") }
        try database.execute(sql)
        let faults = (try? server.faults()) ?? ["it cannot be read"]
        #expect(!faults.isEmpty, "nothing is found after \(sql)")
    }
}
