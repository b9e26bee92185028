import Foundation
import Testing
import ToteSQLite

struct DatabaseTests {
    private func inDirectory(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "/tote-sqlite-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func memory() throws -> Database {
        let database = try Database(path: ":memory:")
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
        return database
    }

    private func count(_ database: Database) throws -> Int64? {
        try database.row("SELECT count(*) FROM t") { $0.int(0) }
    }

    @Test func `a file is made, kept in WAL mode, and synced at every commit`() throws {
        try inDirectory { directory in
            let path = directory + "/a.sqlite"
            let database = try Database(path: path)
            #expect(try database.row("PRAGMA journal_mode") { $0.text(0) } == "wal")
            #expect(try database.row("PRAGMA synchronous") { $0.int(0) } == 2, "FULL")
            #expect(try database.row("PRAGMA secure_delete") { $0.int(0) } == 1)
            #expect(try database.row("PRAGMA foreign_keys") { $0.int(0) } == 1)
            #expect(try database.row("PRAGMA trusted_schema") { $0.int(0) } == 0)
            #expect(try database.row("PRAGMA wal_autocheckpoint") { $0.int(0) } == 0)
            var options = Database.Options()
            options.syncsEveryCommit = false
            options.securelyDeletes = false
            let loose = try Database(path: directory + "/b.sqlite", options: options)
            #expect(try loose.row("PRAGMA synchronous") { $0.int(0) } == 0)
            #expect(try loose.row("PRAGMA secure_delete") { $0.int(0) } == 0)
        }
    }

    @Test func `readers cannot make or write a file, writers cannot make one unasked`() throws {
        try inDirectory { directory in
            let path = directory + "/a.sqlite"
            var options = Database.Options()
            for access in [Database.Options.Access.readOnly, .readWrite] {
                options.access = access
                let error = #expect(throws: SQLiteError.self) {
                    try Database(path: path, options: options)
                }
                #expect(error?.isCannotOpen == true)
                #expect(!FileManager.default.fileExists(atPath: path))
            }
            let writer = try Database(path: path)
            try writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
            options.access = .readOnly
            let reader = try Database(path: path, options: options)
            #expect(try count(reader) == 0)
            let error = #expect(throws: SQLiteError.self) {
                try reader.execute("INSERT INTO t VALUES (1, 1)")
            }
            #expect(error?.primary == 8, "SQLITE_READONLY")
        }
    }

    @Test func `an exclusive owner keeps others out until it closes`() throws {
        try inDirectory { directory in
            let path = directory + "/a.sqlite"
            var options = Database.Options()
            options.isExclusive = true
            var other = Database.Options()
            other.busyMilliseconds = 0
            do {
                let owner = try Database(path: path, options: options)
                try owner.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
                let error = #expect(throws: SQLiteError.self) {
                    let late = try Database(path: path, options: other)
                    try late.execute("INSERT INTO t VALUES (1, 1)")
                }
                #expect(error?.isBusy == true)
                #expect(try count(owner) == 0)
            }
            let next = try Database(path: path, options: other)
            #expect(try count(next) == 0)
        }
    }

    @Test func `what is not a database is told, and left alone`() throws {
        try inDirectory { directory in
            let path = directory + "/a.txt"
            let text = String(repeating: "not a database ", count: 100)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let error = #expect(throws: SQLiteError.self) { try Database(path: path) }
            #expect(error?.isCorrupt == true)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
            let missing = #expect(throws: SQLiteError.self) {
                try Database(path: directory + "/none/a.sqlite")
            }
            #expect(missing?.isCannotOpen == true)
        }
    }

    @Test func `values come back as they were bound`() throws {
        let database = try memory()
        let texts = [
            "", "a", "caf\u{E9}", "cafe\u{301}", "a\u{0}b", "\u{1F469}\u{200D}\u{1F373}",
            "\u{FFFF}",
        ]
        for text in texts {
            try database.run("INSERT INTO t (value) VALUES (?)", .text(text))
            let back = try database.row("SELECT value FROM t ORDER BY id DESC") { $0.text(0) }
            #expect(back.map { Array($0.utf8) } == Array(text.utf8))
        }
        for blob in [[], [0], [0, 255, 0], [UInt8](repeating: 7, count: 100_000)] as [[UInt8]] {
            try database.run("INSERT INTO t (value) VALUES (?)", .blob(blob))
            let back = try database.row("SELECT value, typeof(value) FROM t ORDER BY id DESC") {
                ($0.blob(0), $0.optionalBlob(0), $0.isNull(0), $0.text(1))
            }
            #expect(back?.0 == blob && back?.1 == blob)
            #expect(back?.2 == false && back?.3 == "blob", "an empty blob is not NULL")
        }
        for number in [0, 1, .max, 1 << 63] as [UInt64] {
            try database.run("INSERT INTO t (value) VALUES (?)", .bits(number))
            let back = try database.row("SELECT value FROM t ORDER BY id DESC") {
                ($0.bits(0), $0.optionalBits(0))
            }
            #expect(back?.0 == number && back?.1 == number)
        }
        for number in [.min, -1, .max] as [Int64] {
            try database.run("INSERT INTO t (value) VALUES (?)", .int(number))
            #expect(
                try database.row("SELECT value FROM t ORDER BY id DESC") { $0.int(0) } == number)
        }
        let nils: [Parameter] = [
            .null, .optional(nil as [UInt8]?), .optional(bits: nil), .optional(nil as String?),
        ]
        for parameter in nils {
            try database.run("INSERT INTO t (value) VALUES (?)", parameter)
            let back = try database.row("SELECT value FROM t ORDER BY id DESC") {
                ($0.isNull(0), $0.optionalText(0), $0.optionalBlob(0), $0.optionalBits(0))
            }
            #expect(back?.0 == true && back?.1 == nil && back?.2 == nil && back?.3 == nil)
        }
    }

    @Test func `a statement forgets what was bound, and an empty result is told from a row`() throws
    {
        let database = try memory()
        for value in [Parameter.text("a"), .null] {
            try database.run("INSERT INTO t (value) VALUES (?)", value)
        }
        #expect(
            try database.rows("SELECT value FROM t ORDER BY id") { $0.optionalText(0) } == [
                "a", nil,
            ])
        #expect(try database.row("SELECT value FROM t WHERE id = 9") { $0.text(0) } == nil)
        #expect(try database.rows("SELECT value FROM t WHERE id = 9") { $0.text(0) } == [])
        try database.run("UPDATE t SET value = 1")
        #expect(database.changedRowCount == 2)
    }

    @Test func `a transaction whose body throws leaves nothing, one that ends leaves all`() throws {
        struct Stop: Error {}
        let database = try memory()
        #expect(throws: Stop.self) {
            try database.transaction {
                try database.run("INSERT INTO t (value) VALUES (1)")
                #expect(database.isInTransaction)
                throw Stop()
            }
        }
        #expect(!database.isInTransaction)
        #expect(try count(database) == 0)
        let result = try database.transaction {
            try database.run("INSERT INTO t (value) VALUES (1)")
            return 7
        }
        #expect(result == 7)
        #expect(try count(database) == 1)
        #expect(throws: SQLiteError.self) {
            try database.transaction { try database.execute("ROLLBACK") }
        }
        #expect(!database.isInTransaction)
    }

    @Test func `a failed statement can be used again, and its error names the cause`() throws {
        let database = try memory()
        for _ in 0..<3 {
            func insert() throws {
                try database.run("INSERT INTO t (id) VALUES (?)", .int(1))
            }
            if try count(database) == 0 {
                try insert()
                continue
            }
            let error = #expect(throws: SQLiteError.self) { try insert() }
            #expect(error?.isConstraint == true)
            #expect(error?.code != error?.primary, "the extended code")
            #expect(error?.description.contains("SQLite") == true)
        }
        let error = #expect(throws: SQLiteError.self) { try database.execute("SELEC 1") }
        #expect(error?.primary == 1 && error?.message.contains("SELEC") == true)
        #expect(error?.isBusy == false && error?.isFull == false && error?.isCorrupt == false)
        #expect(throws: SQLiteError.self) { try database.run("SELECT nothing FROM t") }
    }

    @Test func `an error never shows what was bound`() throws {
        let database = try memory()
        try database.execute("CREATE TABLE u (value TEXT UNIQUE)")
        func insert() throws { try database.run("INSERT INTO u VALUES (?)", .text("secret-1")) }
        try insert()
        let error = #expect(throws: SQLiteError.self) { try insert() }
        #expect(error?.description.contains("secret-1") == false)
    }

    @Test func `a full database says so, and takes nothing in part`() throws {
        let database = try memory()
        try database.execute("PRAGMA max_page_count = 5")
        let error = #expect(throws: SQLiteError.self) {
            try database.transaction {
                try database.run("INSERT INTO t (value) VALUES (1)")
                try database.run("INSERT INTO t (value) VALUES (zeroblob(100000))")
            }
        }
        #expect(error?.isFull == true)
        #expect(!database.isInTransaction)
        #expect(try count(database) == 0)
    }

    @Test func `an image of a database is the database`() throws {
        let database = try memory()
        for number in 0..<500 as Range<Int64> {
            try database.run("INSERT INTO t (value) VALUES (?)", .int(number))
        }
        try database.execute("PRAGMA user_version = 3; PRAGMA application_id = 77")
        let image = try database.image()
        let copy = try Database(path: ":memory:")
        try copy.load(image: image)
        #expect(try count(copy) == 500)
        #expect(try copy.schemaVersion() == 3 && copy.applicationID() == 77)
        #expect(try copy.image() == image)
        try copy.run("INSERT INTO t (value) VALUES (zeroblob(100000))")
        #expect(try count(copy) == 501 && count(database) == 500)
        #expect(try copy.integrityFaults() == [])
    }

    @Test func `a backup holds one moment, though others write while it is made`() throws {
        try inDirectory { directory in
            let database = try Database(path: directory + "/a.sqlite")
            try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
            for _ in 0..<50 {
                try database.run("INSERT INTO t (value) VALUES (zeroblob(10000))")
            }
            let writer = try Database(path: directory + "/a.sqlite")
            var steps = 0
            try database.backUp(to: directory + "/b.sqlite", pagesPerStep: 20) { _, _ in
                steps += 1
                if steps == 2 { try? writer.execute("DELETE FROM t WHERE id > 25") }
            }
            #expect(steps > 3)
            let copy = try Database(path: directory + "/b.sqlite")
            #expect(try [50, 25].contains(count(copy)))
            #expect(try copy.integrityFaults() == [])
        }
    }

    @Test func `a checkpoint empties the WAL, unless a reader needs it`() throws {
        try inDirectory { directory in
            let path = directory + "/a.sqlite"
            let database = try Database(path: path)
            try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
            let walBytes = {
                let facts = try FileManager.default.attributesOfItem(atPath: path + "-wal")
                return (facts[.size] as? NSNumber)?.intValue ?? -1
            }
            #expect(try walBytes() > 0)
            let pages = database.walPages
            #expect(pages > 0)
            #expect(try database.checkpoint(truncating: true) == 0)
            #expect(database.walPages == pages, "as of the last commit")
            #expect(try walBytes() == 0)
            var options = Database.Options()
            options.access = .readOnly
            let reader = try Database(path: path, options: options)
            try reader.execute("BEGIN")
            #expect(try count(reader) == 0)
            try database.run("INSERT INTO t (value) VALUES (1)")
            #expect(try database.checkpoint() > 0, "the reader's moment is kept")
            #expect(try count(reader) == 0)
            try reader.execute("COMMIT")
            #expect(try database.checkpoint() == 0)
            #expect(try count(reader) == 1)
        }
    }

    @Test func `damaged pages are found`() throws {
        try inDirectory { directory in
            let path = directory + "/a.sqlite"
            do {
                let database = try Database(path: path)
                try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
                try database.execute("CREATE INDEX i ON t (value)")
                for number in 0..<2_000 as Range<Int64> {
                    try database.run("INSERT INTO t (value) VALUES (?)", .int(number))
                }
                #expect(try database.integrityFaults() == [])
                try database.checkpoint(truncating: true)
            }
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            for index in bytes.count / 2..<bytes.count / 2 + 600 { bytes[index] = 0xA5 }
            try bytes.write(to: URL(fileURLWithPath: path))
            let database = try Database(path: path)
            let isFound: Bool
            do {
                isFound = try !database.integrityFaults().isEmpty
            } catch {
                isFound = (error as? SQLiteError)?.isCorrupt == true
            }
            #expect(isFound)
        }
    }
}
