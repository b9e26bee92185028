import Testing
import ToteSQLite

/// Databases in memory that go from one owner to the next.
@Suite struct DatabasePoolTests {
    private func image(_ numbers: [Int64]) throws -> [UInt8] {
        let database = try Database(path: ":memory:")
        try database.execute(
            "PRAGMA application_id=7; PRAGMA user_version=1; CREATE TABLE t (n INTEGER) STRICT")
        for number in numbers { try database.run("INSERT INTO t VALUES (?)", .int(number)) }
        return try database.image()
    }

    private func sum(_ database: Database) throws -> Int64? {
        try database.row("SELECT coalesce(sum(n), 0) FROM t") { $0.int(0) }
    }

    @Test func `a database has what is in its image, and nothing of its former owner's`() throws {
        let pool = DatabasePool()
        let images = try [[], [1], Array(1...20_000), [5, 6], []].map(image)
        let sums: [Int64] = [0, 1, 200_010_000, 11, 0]
        let first = try pool.database(image: images[0])
        #expect(try sum(first) == 0)
        pool.giveBack(first, DatabasePool.Kind(images[0]))
        for (image, expected) in zip(images, sums) {
            let database = try pool.database(image: image)
            #expect(database === first, "the connection is used again")
            #expect(try sum(database) == expected)
            #expect(try database.integrityFaults().isEmpty)
            // It is left in the middle of something.
            try database.begin()
            try database.run("INSERT INTO t VALUES (?)", .int(1_000))
            pool.giveBack(database, DatabasePool.Kind(image))
        }
    }

    @Test func `an image of the same size and number of changes is not taken for the former`()
        throws
    {
        let pool = DatabasePool()
        let (one, other) = (try image([1]), try image([2]))
        #expect(one.count == other.count)
        let database = try pool.database(image: one)
        for (image, expected) in [(other, 2), (one, 1), (other, 2)] as [([UInt8], Int64)] {
            pool.giveBack(database, DatabasePool.Kind(image))
            #expect(try sum(try pool.database(image: image)) == expected)
        }
    }

    @Test func `a file with other tables gets a connection of its own`() throws {
        let pool = DatabasePool()
        let database = try pool.database(image: image([1]))
        pool.giveBack(database, DatabasePool.Kind(try image([1])))
        let other = try Database(path: ":memory:")
        try other.execute("PRAGMA application_id=8; CREATE TABLE u (n INTEGER)")
        #expect(try pool.database(image: other.image()) !== database)
    }
}
