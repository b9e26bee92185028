import CSQLite
import Foundation
import Testing
import ToteSQLite

/// Pages that are not what was written are errors, whoever changed them.
struct PageChecksumTests {
    private func inFile(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "/tote-checksums-" + UUID().uuidString
        defer {
            for end in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: path + end)
            }
        }
        try body(path)
    }

    /// Rows on pages of all kinds: inner ones, leaves, an index, and chains of long values.
    private static let filling = """
        CREATE TABLE t (id INTEGER PRIMARY KEY, value);
        CREATE INDEX of_t ON t (value) WHERE id % 3 = 0;
        WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 400)
            INSERT INTO t SELECT i, hex(zeroblob(i)) || i FROM n;
        INSERT INTO t VALUES (1000, zeroblob(20000));
        """

    private func fill(_ path: String) throws {
        let database = try Database(path: path)
        try database.transaction { try database.execute(Self.filling) }
        try database.checkpoint(truncating: true)
    }

    /// Reads all that is in a file.
    private func faults(_ path: String) throws -> [String] {
        do {
            let database = try Database(path: path)
            return try database.integrityFaults()
        } catch let error where error.isCorrupt { return [error.description] }
    }

    @Test func `a bit that another changed is found, on every page`() throws {
        try inFile { path in
            try fill(path)
            #expect(try faults(path) == [])
            let sound = try Data(contentsOf: URL(filePath: path))
            #expect(sound.count > 60 * 4_096)
            for start in stride(from: 0, to: sound.count, by: 4_096) {
                var damaged = sound
                let place = start + start / 4_096 * 331 % 4_096
                damaged[place] ^= 1 << (place % 8)
                try damaged.write(to: URL(filePath: path))
                #expect(try faults(path) != [], "the bit at \(place) of \(sound.count)")
            }
            try sound.write(to: URL(filePath: path))
            #expect(try faults(path) == [])
        }
    }

    /// More than SQLite keeps in memory: it writes pages of a copy before the first one, which says
    /// that they have checksums.
    private static let much = """
        CREATE TABLE much (id INTEGER PRIMARY KEY, value);
        WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
            INSERT INTO much SELECT i, randomblob(1000) FROM n;
        """

    @Test func `the copy of a large file is sound, and a bit that another changed there is found`()
        throws
    {
        try inFile { path in
            let copy = path + "-copy"
            defer { try? FileManager.default.removeItem(atPath: copy) }
            try fill(path)
            do {
                let database = try Database(path: path)
                try database.transaction { try database.execute(Self.much) }
                var options = Database.Options()
                options.access = .readOnly
                try Database(path: path, options: options).run("VACUUM INTO ?", .text(copy))
            }
            #expect(try faults(copy) == [])
            let sound = try Data(contentsOf: URL(filePath: copy))
            #expect(sound.count > 6_000_000)
            for start in stride(from: 0, to: sound.count, by: 4_096 * 97) {
                var damaged = sound
                damaged[start + 2_048] ^= 4
                try damaged.write(to: URL(filePath: copy))
                #expect(try faults(copy) != [], "the bit at \(start + 2_048) of \(sound.count)")
            }
        }
    }

    @Test func `a large file that was made without checksums gets them`() throws {
        try inFile { path in
            var plain: OpaquePointer?
            #expect(sqlite3_open(path, &plain) == SQLITE_OK)
            for sql in ["PRAGMA journal_mode=WAL", Self.filling, Self.much] {
                #expect(sqlite3_exec(plain, sql, nil, nil, nil) == SQLITE_OK)
            }
            sqlite3_close(plain)
            do {
                let database = try Database(path: path)
                try database.addPageChecksums()
                #expect(database.hasPageChecksums)
            }
            #expect(try faults(path) == [])
            var damaged = try Data(contentsOf: URL(filePath: path))
            damaged[damaged.count / 2] ^= 1
            try damaged.write(to: URL(filePath: path))
            #expect(try faults(path) != [])
        }
    }

    @Test func `a page in the place of another is found`() throws {
        try inFile { path in
            try fill(path)
            var bytes = try Data(contentsOf: URL(filePath: path))
            // Two pages of one long value: nothing but the number tells them apart.
            let zeros = (2..<bytes.count / 4_096).filter { page in
                bytes[(page * 4_096 + 4)..<(page * 4_096 + 4_088)].allSatisfy { $0 == 0 }
            }
            let (a, b) = (
                try #require(zeros.first) * 4_096, try #require(zeros.dropFirst().first) * 4_096
            )
            let (first, second) = (bytes[a..<a + 4_096], bytes[b..<b + 4_096])
            bytes.replaceSubrange(a..<a + 4_096, with: second)
            bytes.replaceSubrange(b..<b + 4_096, with: first)
            try bytes.write(to: URL(filePath: path))
            #expect(try faults(path) != [])
        }
    }

    @Test func `what another program wrote is found, and says so`() throws {
        try inFile { path in
            try fill(path)
            var other: OpaquePointer?
            #expect(sqlite3_open(path, &other) == SQLITE_OK)
            #expect(
                sqlite3_exec(other, "UPDATE t SET value = 'mine' WHERE id = 7", nil, nil, nil)
                    == SQLITE_OK)
            sqlite3_close(other)
            let database = try Database(path: path)
            let error = #expect(throws: SQLiteError.self) {
                try database.row("SELECT value FROM t WHERE id = 7") { $0.text(0) }
            }
            #expect(error?.isCorrupt == true)
            #expect(error?.message.contains("a page of the file is not what was written") == true)
            // The rest of the file is read as ever.
            #expect(
                try database.row("SELECT length(value) FROM t WHERE id = 1000") { $0.int(0) }
                    == 20_000)
        }
    }

    @Test func `a file that was made without gets them, and keeps what is in it`() throws {
        try inFile { path in
            let plain = try Database(path: ":memory:")
            try plain.execute(Self.filling)
            try Data(plain.image()).write(to: URL(filePath: path))
            do {
                let database = try Database(path: path)
                #expect(try database.integrityFaults() == [])
                #expect(!database.hasPageChecksums)
                try database.addPageChecksums()
                #expect(database.hasPageChecksums)
                #expect(try database.row("SELECT count(*) FROM t") { $0.int(0) } == 401)
                let writes = database.totalChangedRowCount
                try database.addPageChecksums()
                #expect(database.totalChangedRowCount == writes)
            }
            let database = try Database(path: path)
            #expect(try database.integrityFaults() == [])
            #expect(database.hasPageChecksums)
        }
    }

    @Test func `a file that grows, shrinks and grows again is sound at every commit`() throws {
        try inFile { path in
            let database = try Database(path: path)
            try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
            for round in 1...40 as ClosedRange<Int64> {
                try database.transaction {
                    try database.run("INSERT INTO t VALUES (?, zeroblob(9000))", .int(round))
                    // Used and freed in one transaction: some pages are never written.
                    try database.run("INSERT INTO t VALUES (?, zeroblob(90000))", .int(-round))
                    try database.run("DELETE FROM t WHERE id < 0 OR id = ?", .int(round - 3))
                }
                if round % 3 == 0 { try database.checkpoint() }
                if round % 10 == 0 { try database.execute("VACUUM") }
                var options = Database.Options()
                options.access = .readOnly
                #expect(try Database(path: path, options: options).integrityFaults() == [])
            }
        }
    }

    @Test(arguments: 1...20)
    func `what was deleted is nowhere in the file, however rows moved between pages`(
        seed: UInt64
    ) throws {
        try inFile { path in
            let secret = "of-somebody-who-is-forgotten"
            var state = seed
            func draw(_ bound: Int64) -> Int64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int64(state >> 33) % bound
            }
            let database = try Database(path: path)
            try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value TEXT)")
            func write(_ text: String) throws {
                try database.run(
                    "INSERT OR REPLACE INTO t VALUES (?1, ?2)", .int(draw(400)),
                    .text(text + String(repeating: "x", count: Int(draw(600)))))
            }
            for round in 0..<40 {
                try database.transaction {
                    for _ in 0..<20 { try write(draw(4) == 0 ? secret : "of-others") }
                }
                if round % 7 == 0 { try database.checkpoint() }
            }
            try database.run("DELETE FROM t WHERE value GLOB ?", .text(secret + "*"))
            func check() throws {
                for end in ["", "-wal"] {
                    let bytes = try Data(contentsOf: URL(filePath: path + end))
                    #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(end)")
                }
            }
            try database.checkpoint(truncating: true)
            try check()
            // Nor does it come back by what is written behind it.
            for _ in 0..<200 { try write("of-others") }
            try check()
            #expect(try database.integrityFaults() == [])
        }
    }
}
