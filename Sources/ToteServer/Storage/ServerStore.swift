internal import ToteCore
package import ToteSQLite

/// A row of the log: a run of one replica, with the bytes as they were judged.
struct LogRow {
    /// In the file; given when it is appended.
    var id: Int64 = 0
    /// Position of the first event.
    var position: UInt64
    var count: UInt64
    var replica: ReplicaID
    var counter: UInt64
    /// Milliseconds; never falls within a file.
    var time: UInt64
    /// The short digest of the batch as sent; `nil` when what is stored differs from it.
    var digest: UInt64?
    /// The ticket that its author was given, when the row is all that tells of it.
    var ticket: UInt64?
    /// The run in deterministic CBOR, without a position.
    var body: [UInt8]

    var lastPosition: UInt64 { position + count - 1 }
    /// The dot of the first event.
    var first: Dot { Dot(replica, counter) }

    /// The run, with its position.
    func run() throws -> Run {
        do {
            var run = try Encoding.cbor.run(body)
            guard run.replica == replica, run.counter == counter, run.events.count == Int(count)
            else { throw StoreError.corrupt("the log row at \(position) contradicts its bytes") }
            run.position = position
            return run
        } catch let error as WireError {
            throw StoreError.corrupt("the log row at \(position): \(error.message)")
        }
    }
}

/// What the server knows of one replica in one space.
struct ReplicaRecord {
    var id: ReplicaID
    /// The id of the first of the family; one in which two members have pushed has forked.
    var family: ReplicaID
    /// The epoch of its last push.
    var epoch: UInt64
    /// Counters judged.
    var context: CausalContext
    var ticket: UInt64
    var previousTicket: UInt64?
    /// The short digest of the last batch.
    var digest: UInt64 = 0
    var batchCounter: UInt64 = 0
    var batchCount: UInt64 = 0
    /// Milliseconds of its last push.
    var seen: UInt64
    /// The last position of the log that its row in the file knows of.
    var position: UInt64 = 0

    /// One that nothing was ever answered to.
    init(id: ReplicaID, family: ReplicaID, seen: UInt64) {
        self.id = id
        self.family = family
        epoch = 0
        context = CausalContext()
        ticket = 0
        self.seen = seen
    }

    /// Takes note of a push that was answered with a new ticket; its counters are noted apart.
    mutating func note(
        ticket next: UInt64, epoch: UInt64, digest: UInt64, counter: UInt64, count: UInt64,
        at time: UInt64
    ) {
        previousTicket = self.epoch == epoch && ticket != 0 ? ticket : nil
        self.epoch = epoch
        ticket = next
        self.digest = digest
        batchCounter = counter
        batchCount = count
        seen = time
    }
}

/// The server's data file. One connection, one thread; nothing here decides anything.
package final class ServerStore {
    package let database: Database
    /// Where the database goes when this is gone.
    private var pool: (DatabasePool, DatabasePool.Kind)?
    /// Rows of the log that `places` does not have yet, by space, in the order of their positions.
    private var unplaced: [UInt64: [(position: UInt64, id: Int64)]] = [:]
    private var unplacedCount = 0
    private var nextID: Int64 = 1
    /// What was committed, in numbers.
    var tally = Tally()
    /// The number of the next entry of the ledger.
    var nextEntry: Int64 = 1

    /// The greatest position of a space's log.
    static let positionMax: UInt64 = 1 << 48
    /// A space's rows are placed together when it has this many: one page for all of them.
    static let unplacedPerSpaceMax = 16
    /// Rows that may be unplaced in all: what a start reads through.
    static let unplacedMax = 16_384

    /// Opens or makes the file and brings it to the current schema.
    package init(path: String, options: Database.Options = Database.Options()) throws {
        do {
            // On a disk that is a program's own, files are its own, too.
            if options.access != .readOnly, options.disk == nil {
                try Self.checkOwner(of: path, options)
            }
            database = try Database(path: path, options: options)
            if options.access == .readOnly {
                try Schema.check(database)
                guard try database.applicationID() == Schema.applicationID else {
                    throw StoreError.foreignFile(path: path)
                }
            } else {
                try database.recover()
                try Schema.migrate(database)
                do {
                    try database.addPageChecksums()
                } catch  where error.isFull {
                    // A later start has room for the copy that this takes; `verify` says so.
                }
            }
            try readUnplaced()
        } catch let error as SQLiteError where error.isCorrupt {
            throw error.isNoDatabase
                ? StoreError.foreignFile(path: path) : StoreError.corrupt(error.message)
        }
    }

    /// Looks whose file it is before opening it for writing, which turns it to WAL mode.
    private static func checkOwner(of path: String, _ options: Database.Options) throws {
        var options = options
        options.access = .readOnly
        options.isExclusive = false
        do {
            try Schema.check(try Database(path: path, options: options))
        } catch let error as SQLiteError where error.isCannotOpen {
            // Legal: the file is yet to be made.
        } catch let error as SQLiteError where error.isUnfinished {
            // Legal: its maker ended before it was in WAL mode.
            options.access = .asItIs
            try Schema.check(try Database(path: path, options: options))
        }
    }

    /// A data file in memory, from the image of one: how a simulated world starts and restores
    /// servers.
    package init(image: [UInt8]?) throws {
        database = try Database(path: ":memory:")
        if let image { try database.load(image: image) }
        try Schema.migrate(database)
        try readUnplaced()
    }

    /// The same, on a connection of a world that is over where there is one.
    package init(image: [UInt8], in pool: DatabasePool) throws {
        database = try pool.database(image: image)
        self.pool = (pool, DatabasePool.Kind(image))
        try Schema.migrate(database)
        try readUnplaced()
    }

    deinit {
        if let (pool, kind) = pool { pool.giveBack(database, kind) }
    }

    /// The file in memory of a server that ended at once, as the next one finds it: what was begun
    /// is undone.
    package init(after ended: ServerStore) throws {
        database = ended.database
        pool = ended.pool
        ended.pool = nil
        if database.isInTransaction { try database.execute("ROLLBACK") }
        try readUnplaced()
    }

    /// The bytes of the data file as of the last commit.
    package func image() throws -> [UInt8] { try database.image() }

    package func meta(_ name: String) throws -> UInt64? {
        try database.row("SELECT value FROM meta WHERE name = ?", .text(name)) { $0.bits(0) }
    }

    package func setMeta(_ name: String, _ value: UInt64) throws {
        try database.run(
            "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
            .text(name), .bits(value))
    }

    /// The secret that all keys of the ledger are derived from; `nil` before the first was.
    func keptRootSecret() throws -> [UInt8]? {
        try database.row("SELECT value FROM meta WHERE name = 'root'") { $0.blob(0) }
    }

    /// The same, made at the first call: 32 bytes.
    func rootSecret(_ randomBits: () -> UInt64) throws -> [UInt8] {
        if let kept = try keptRootSecret() { return kept }
        let secret = (0..<4).flatMap { _ in
            withUnsafeBytes(of: randomBits().bigEndian) { Array($0) }
        }
        try database.run("INSERT INTO meta VALUES ('root', ?)", .blob(secret))
        return secret
    }

    func spaceNumber(_ name: String) throws -> UInt64? {
        try database.row("SELECT number FROM spaces WHERE name = ?", .text(name)) { $0.bits(0) }
    }

    func spaceName(_ number: UInt64) throws -> String? {
        try database.row("SELECT name FROM spaces WHERE number = ?", .bits(number)) { $0.text(0) }
    }

    func makeSpace(_ name: String) throws -> UInt64 {
        try database.run("INSERT INTO spaces (name) VALUES (?)", .text(name))
        guard let number = try spaceNumber(name) else {
            throw StoreError.corrupt("a space that was just made is not there")
        }
        return number
    }

    package func spaceNames() throws -> [(number: UInt64, name: String)] {
        try database.rows("SELECT number, name FROM spaces ORDER BY number") {
            ($0.bits(0), $0.text(1))
        }
    }

    /// The spaces behind one, by number: there may be millions.
    func spaces(after number: UInt64, most: Int) throws -> [(number: UInt64, name: String)] {
        try database.rows(
            "SELECT number, name FROM spaces WHERE number > ? ORDER BY number LIMIT ?",
            .bits(number), .int(Int64(most))
        ) { ($0.bits(0), $0.text(1)) }
    }

    func spaceFacts(_ number: UInt64) throws -> (trimmed: UInt64, awaited: [UInt8]?)? {
        try database.row("SELECT trimmed, awaited FROM spaces WHERE number = ?", .bits(number)) {
            ($0.bits(0), $0.optionalBlob(1))
        }
    }

    func setSpaceFacts(_ number: UInt64, trimmed: UInt64, awaited: [UInt8]?) throws {
        try database.run(
            "UPDATE spaces SET trimmed = ?2, awaited = ?3 WHERE number = ?1",
            .bits(number), .bits(trimmed), .optional(awaited))
    }

    /// Reads which rows are not placed: at the start, and after a group was rolled back.
    func readUnplaced() throws {
        unplaced = [:]
        unplacedCount = 0
        let settled = try meta("settled") ?? 0
        let rows = try database.rows(
            """
            SELECT id, space, position FROM log WHERE id > ?1 AND NOT EXISTS (
                SELECT 1 FROM places WHERE space = log.space AND position = log.position)
            ORDER BY id
            """,
            .bits(settled)
        ) { ($0.int(0), $0.bits(1), $0.bits(2)) }
        for (id, space, position) in rows {
            unplaced[space, default: []].append((position, id))
            unplacedCount += 1
        }
        // Never one of before `settled`, also where the last rows were removed: it would be taken
        // for placed.
        let last = try database.row("SELECT max(id) FROM log") { $0.int(0) } ?? 0
        nextID = max(last, Int64(settled)) + 1
        nextEntry = (try database.row("SELECT max(number) FROM entries") { $0.int(0) } ?? 0) + 1
    }

    func append(_ row: LogRow, space: UInt64) throws {
        try database.statement("INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?10, ?9)")
            .run(
                numbers: [
                    nextID, Int64(space), Int64(row.position), Int64(row.count),
                    Int64(bitPattern: row.replica.rawValue), Int64(row.counter), Int64(row.time),
                    row.digest.map { Int64(bitPattern: $0) },
                    row.ticket.map { Int64(bitPattern: $0) },
                ], bytes: row.body)
        unplaced[space, default: []].append((row.position, nextID))
        unplacedCount += 1
        nextID += 1
        if unplaced[space]?.count ?? 0 >= Self.unplacedPerSpaceMax { try place(space) }
        if unplacedCount > Self.unplacedMax, let crowded = unplaced.first?.key {
            try place(crowded)
        }
    }

    private func place(_ space: UInt64) throws {
        for (position, id) in unplaced.removeValue(forKey: space) ?? [] {
            try database.statement("INSERT INTO places VALUES (?1, ?2, ?3)").run(
                numbers: [Int64(space), Int64(position), id])
            unplacedCount -= 1
        }
    }

    /// Places all rows: what is done when nobody asks for anything.
    func placeAll() throws {
        for space in unplaced.keys.sorted() { try place(space) }
        try setMeta("settled", UInt64(nextID - 1))
    }

    var hasUnplaced: Bool { unplacedCount > 0 }

    func replaceBody(_ row: LogRow) throws {
        try database.run(
            "UPDATE log SET body = ?2, digest = NULL WHERE id = ?1", .int(row.id),
            .blob(row.body))
    }

    func remove(_ row: LogRow, space: UInt64) throws {
        try place(space)
        try database.run("DELETE FROM log WHERE id = ?", .int(row.id))
        try database.run(
            "DELETE FROM places WHERE space = ? AND position = ?", .bits(space),
            .bits(row.position))
    }

    private static func row(_ row: Statement) -> LogRow {
        LogRow(
            id: row.int(0), position: row.bits(1), count: row.bits(2),
            replica: ReplicaID(row.bits(3)), counter: row.bits(4), time: row.bits(5),
            digest: row.optionalBits(6), ticket: row.optionalBits(7), body: row.blob(8))
    }

    /// Rows from a position on, in order, at most `most`.
    func rows(space: UInt64, from position: UInt64, most: Int) throws -> [LogRow] {
        var rows = try database.rows(
            """
            SELECT log.id, log.position, count, replica, counter, time, digest, ticket, body
            FROM places JOIN log ON log.id = places.id
            WHERE places.space = ?1 AND places.position >= ?2 ORDER BY places.position LIMIT ?3
            """,
            .bits(space), .bits(position), .int(Int64(most)), map: Self.row)
        for (place, id) in unplaced[space] ?? [] where place >= position {
            guard rows.count < most else { break }
            let row = try database.row(
                """
                SELECT id, position, count, replica, counter, time, digest, ticket, body FROM log
                WHERE id = ?
                """,
                .int(id), map: Self.row)
            guard let row else { throw StoreError.corrupt("log row \(id) is missing") }
            rows.append(row)
        }
        return rows
    }

    /// The last position before a moment: what a backup begun then holds.
    func lastPosition(space: UInt64, before time: UInt64) throws -> UInt64 {
        for (_, id) in (unplaced[space] ?? []).reversed() {
            let last = try database.row(
                "SELECT position + count - 1 FROM log WHERE id = ?1 AND time < ?2", .int(id),
                .bits(time)
            ) { $0.bits(0) }
            if let last { return last }
        }
        return try database.row(
            """
            SELECT log.position + count - 1 FROM places JOIN log ON log.id = places.id
            WHERE places.space = ?1 AND time < ?2 ORDER BY places.position DESC LIMIT 1
            """,
            .bits(space), .bits(time)
        ) { $0.bits(0) } ?? 0
    }

    func snapshot(space: UInt64) throws -> (position: UInt64, body: [UInt8])? {
        try database.row(
            "SELECT position, body FROM snapshots WHERE space = ?", .bits(space)
        ) { ($0.bits(0), $0.blob(1)) }
    }

    func setSnapshot(space: UInt64, position: UInt64, body: [UInt8]) throws {
        try database.run(
            """
            INSERT INTO snapshots VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET position = ?2, body = ?3
            """,
            .bits(space), .bits(position), .blob(body))
    }

    func replicas(space: UInt64) throws -> [ReplicaRecord] {
        try database.rows(
            """
            SELECT replica, family, epoch, counter, holes, ticket, previous, digest,
                batch_counter, batch_count, seen, position FROM replicas WHERE space = ?
            """,
            .bits(space)
        ) { row in
            let last = row.bits(3)
            let context =
                row.optionalBlob(4).map(Self.context)
                ?? CausalContext(last == 0 ? [] : [1...last])
            var record = ReplicaRecord(
                id: ReplicaID(row.bits(0)), family: ReplicaID(row.bits(1)), seen: row.bits(10))
            record.epoch = row.bits(2)
            record.context = context
            record.ticket = row.bits(5)
            record.previousTicket = row.optionalBits(6)
            record.digest = Run.shortDigest(row.blob(7))
            record.batchCounter = row.bits(8)
            record.batchCount = row.bits(9)
            record.position = row.bits(11)
            return record
        }
    }

    func setReplica(_ record: ReplicaRecord, space: UInt64) throws {
        let ranges = record.context.ranges
        let isPlain = ranges.isEmpty || (ranges.count == 1 && ranges[0].lowerBound == 1)
        let numbers: [Int64?] = [
            Int64(space), Int64(bitPattern: record.id.rawValue),
            Int64(bitPattern: record.family.rawValue), Int64(bitPattern: record.epoch),
            Int64(record.context.last), Int64(bitPattern: record.ticket),
            record.previousTicket.map { Int64(bitPattern: $0) }, Int64(record.batchCounter),
            Int64(record.batchCount), Int64(record.seen), Int64(record.position),
        ]
        try database.statement(
            """
            INSERT INTO replicas VALUES
                (?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7, ?12, ?8, ?9, ?10, ?11)
            ON CONFLICT DO UPDATE SET family = ?3, epoch = ?4, counter = ?5, holes = NULL,
                ticket = ?6, previous = ?7, batch_counter = ?8, batch_count = ?9, seen = ?10,
                position = ?11, digest = ?12
            """
        ).run(numbers: numbers, bytes: withUnsafeBytes(of: record.digest.bigEndian) { Array($0) })
        guard !isPlain else { return }
        try database.run(
            "UPDATE replicas SET holes = ?3 WHERE space = ?1 AND replica = ?2", .bits(space),
            .bits(record.id.rawValue), .blob(Self.bytes(record.context)))
    }

    func removeReplica(_ id: ReplicaID, space: UInt64) throws {
        try database.run(
            "DELETE FROM replicas WHERE space = ? AND replica = ?", .bits(space),
            .bits(id.rawValue))
    }

    /// Ranges as pairs of 64-bit numbers, most significant byte first.
    private static func bytes(_ context: CausalContext) -> [UInt8] {
        context.ranges.flatMap { range in
            [range.lowerBound, range.upperBound].flatMap { bound in
                withUnsafeBytes(of: bound.bigEndian) { Array($0) }
            }
        }
    }

    private static func context(_ bytes: [UInt8]) -> CausalContext {
        let bounds = stride(from: 0, to: bytes.count, by: 8).map { start in
            bytes[start..<min(start + 8, bytes.count)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        let ranges = stride(from: 0, to: bounds.count - 1, by: 2).compactMap { index in
            bounds[index] <= bounds[index + 1] ? bounds[index]...bounds[index + 1] : nil
        }
        return CausalContext(ranges)
    }
}
