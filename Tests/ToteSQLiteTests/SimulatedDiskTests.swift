import Testing
import ToteSQLite

/// The real SQLite on a disk that loses, tears and fails: what was committed is there.
struct SimulatedDiskTests {
    /// xorshift64: repeats from a seed.
    private final class Bits {
        private var state: UInt64
        init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    }

    private static let path = "file"

    private func open(_ disk: SimulatedDisk, syncs: Bool = true) throws -> Database {
        var options = Database.Options()
        options.disk = disk
        options.isExclusive = true
        options.syncsEveryCommit = syncs
        let database = try Database(path: Self.path, options: options)
        try database.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, value)")
        return database
    }

    /// One commit of two rows, with a long value now and then.
    private func put(_ id: Int, _ database: Database, _ bits: Bits) throws {
        try database.transaction {
            try database.run("INSERT INTO t VALUES (?, ?)", .int(Int64(2 * id)), .text("a"))
            let value = String(repeating: "x", count: bits.below(9_000))
            try database.run("INSERT INTO t VALUES (?, ?)", .int(Int64(2 * id + 1)), .text(value))
        }
        if bits.below(5) == 0 { try database.checkpoint(truncating: bits.below(2) == 0) }
    }

    private func ids(_ database: Database) throws -> [Int] {
        #expect(try database.integrityFaults() == [])
        return try database.rows("SELECT id FROM t ORDER BY id") { Int($0.int(0)) }
    }

    @Test(arguments: 1...20)
    func `what was committed is there after the power failed`(seed: UInt64) throws {
        let bits = Bits(seed)
        var disk = SimulatedDisk()
        var kept = 0
        for _ in 0..<10 {
            let database = try open(disk)
            #expect(try ids(database) == Array(0..<2 * kept))
            for _ in 0..<bits.below(12) {
                try put(kept, database, bits)
                kept += 1
            }
            // One that was begun is not there.
            try database.begin()
            try database.run("INSERT INTO t VALUES (?, 'never')", .int(Int64(2 * kept)))
            disk = disk.restarted { bits.next() }
        }
        #expect(try ids(open(disk)) == Array(0..<2 * kept))
    }

    /// Shows that the disk does lose: with nothing synced, commits are gone or the file is damaged.
    @Test func `what was never synced is lost`() throws {
        var losses = 0
        for seed in 1...20 {
            let bits = Bits(UInt64(seed))
            let disk = SimulatedDisk()
            let database = try open(disk, syncs: false)
            for id in 0..<20 { try put(id, database, bits) }
            do {
                let found = try ids(open(disk.restarted { bits.next() }))
                if found.count < 40 { losses += 1 }
            } catch is SQLiteError { losses += 1 }
        }
        #expect(losses >= 15)
    }

    /// Every write and every sync of a run fails in turn, once and for good.
    @Test(arguments: [SimulatedDisk.Operation.write, .sync], [1, Int.max])
    func `a commit that succeeded stays, whichever operation fails`(
        operation: SimulatedDisk.Operation, count: Int
    ) throws {
        var failed = 0
        for after in 0..<400 {
            let bits = Bits(7)
            let disk = SimulatedDisk()
            try { _ = try open(disk) }()
            disk.failures[operation] = .init(after: after, count: count)
            var kept = 0
            var unknown = 0
            try? {
                let database = try open(disk)
                for id in 0..<12 {
                    unknown = id + 1
                    try put(id, database, bits)
                    kept = id + 1
                }
            }()
            // Closed on a disk that fails, or that is gone.
            guard disk.failureCount > 0 else { break }
            failed += 1
            let found = try ids(open(disk.restarted { bits.next() })).count
            #expect(found == 2 * kept || found == 2 * unknown, "after \(after)")
        }
        #expect(failed > 20)
    }

    @Test func `a full disk refuses, and goes on when there is room`() throws {
        let bits = Bits(3)
        let disk = SimulatedDisk()
        let database = try open(disk)
        try put(0, database, bits)
        disk.failures[.write] = .init(count: .max, isFull: true)
        let error = #expect(throws: SQLiteError.self) { try put(1, database, bits) }
        #expect(error?.isFull == true)
        disk.failures = [:]
        try put(1, database, bits)
        #expect(try ids(database) == [0, 1, 2, 3])
    }

    @Test func `a read that fails is an error, and the next one is not`() throws {
        let bits = Bits(4)
        let disk = SimulatedDisk()
        try {
            let database = try open(disk)
            for id in 0..<20 { try put(id, database, bits) }
            try database.checkpoint(truncating: true)
        }()
        let database = try open(disk)
        disk.failures[.read] = .init()
        #expect(throws: SQLiteError.self) {
            try database.rows("SELECT value FROM t") { $0.text(0) }
        }
        #expect(try ids(database).count == 40)
    }

    @Test func `a file may be put there, and read back`() throws {
        let disk = SimulatedDisk()
        try { try put(0, open(disk), Bits(1)) }()
        let other = SimulatedDisk()
        other.put(try #require(disk.bytes(of: Self.path)), at: Self.path)
        #expect(try ids(open(other)) == [0, 1])
    }

    /// A process that ends after a sync that failed leaves bytes that can be read and are not
    /// durable; whatever is committed behind them would go with them.
    @Test(arguments: 1...20)
    func `what follows a sync that failed outlives the power`(seed: UInt64) throws {
        let bits = Bits(seed)
        let disk = SimulatedDisk()
        let first = try open(disk)
        for id in 0..<3 { try put(id, first, bits) }
        disk.failures[.sync] = .init()
        #expect(throws: SQLiteError.self) {
            try first.run("INSERT INTO t VALUES (1000, 'unsynced')")
        }
        let after = disk.restarted()
        let second = try open(after)
        try second.recover()
        for id in 3..<6 { try put(id, second, bits) }
        let found = try ids(open(after.restarted { bits.next() }))
        #expect(found.filter { $0 < 1_000 } == Array(0..<12))
    }

    /// The next start writes the WAL back and empties it, and the power goes before the emptying is
    /// durable: the WAL on the disk is older than the file then.
    @Test(arguments: 1...40)
    func `no old state is put over a newer one after a sync that failed`(seed: UInt64) throws {
        let bits = Bits(seed)
        let disk = SimulatedDisk()
        let first = try open(disk)
        // Rows on pages of their own, which each transaction changes together.
        let filling = String(repeating: "x", count: 3_000)
        try first.execute("CREATE TABLE pair (id INTEGER PRIMARY KEY, n INTEGER, filling TEXT)")
        try first.execute("INSERT INTO pair VALUES (1, 0, '\(filling)'), (2, 0, '\(filling)')")
        for n in 1...3 {
            // One page alone, then both.
            try first.execute("UPDATE pair SET n = \(n) WHERE id = 1")
            try first.execute("UPDATE pair SET n = \(n)")
        }
        disk.failures[.sync] = .init()
        #expect(throws: SQLiteError.self) { try first.execute("UPDATE pair SET n = 4") }
        let after = disk.restarted()
        try open(after).recover()
        let last = try open(after.restarted { bits.next() })
        let found = try last.rows("SELECT n FROM pair ORDER BY id") { $0.int(0) }
        #expect(found == [3, 3] || found == [4, 4])
    }
}
