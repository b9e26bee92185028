internal import ToteCore
internal import ToteSQLite

/// A change of this device that has no event yet, or that somebody still wants to see.
struct OutboxEntry {
    enum State: Int64 {
        case saved = 0
        case sending = 1
        case accepted = 2
        case rejected = 3
        case withdrawn = 4
    }

    var dot: Dot
    /// Its time is provisional until a batch is cut.
    var change: Change
    var reading: ClockReading
    /// The latest time seen when the change was made: its stamp is not below.
    var floor: Timestamp
    var state: State
    /// The short digest of the batch that it was sent in.
    var digest: UInt64?
    /// Position of its event, once the server has told it.
    var position: UInt64?
    var isVisible: Bool

    /// How it shows in the view.
    var pending: LocalView.Pending {
        var consumed: [(key: Key, dots: [Dot])] = []
        if case .place(let place)? = change.readableIntent { consumed = place.consumed }
        return LocalView.Pending(
            dot: dot, change: change, isVisible: isVisible, consumes: consumed)
    }

    /// Whether the server has told its fate.
    var isJudged: Bool { position != nil }
}

/// One account's file on the device. WAL, FULL: what returned is durable. One connection, one
/// queue.
final class ReplicaStore {
    let database: Database
    /// Where the database goes when this is gone.
    private var pool: (DatabasePool, DatabasePool.Kind)?
    /// Facts as this connection wrote them last: most replies bring few new ones.
    private var written: [String: UInt64] = [:]
    static let applicationID: Int64 = 0x546F_7443
    static let schemaVersion: Int64 = 2

    /// Opens or makes the file; takes it for this process alone.
    convenience init(path: String, options: Database.Options) throws(ToteError) {
        try self.init {
            let database = try Database(path: path, options: options)
            try database.recover()
            return database
        }
    }

    /// A file in memory, from the image of one.
    convenience init(image: [UInt8]?) throws(ToteError) {
        try self.init {
            let database = try Database(path: ":memory:")
            if let image { try database.load(image: image) }
            return database
        }
    }

    /// The same, on a connection of a world that is over where there is one.
    convenience init(image: [UInt8], in pool: DatabasePool) throws(ToteError) {
        try self.init { try pool.database(image: image) }
        self.pool = (pool, DatabasePool.Kind(image))
    }

    deinit {
        if let (pool, kind) = pool { pool.giveBack(database, kind) }
    }

    /// The file in memory of an app that ended at once.
    convenience init(after ended: ReplicaStore) throws(ToteError) {
        try self.init {
            if ended.database.isInTransaction { try ended.database.execute("ROLLBACK") }
            return ended.database
        }
        (pool, ended.pool) = (ended.pool, nil)
    }

    private init(_ open: () throws -> Database) throws(ToteError) {
        do {
            database = try open()
            let version = try database.schemaVersion()
            let application = try database.applicationID()
            guard application == Self.applicationID || (application == 0 && version == 0) else {
                throw ToteError(.storeUnusable, "\(database.path) is not a file of this library")
            }
            guard version <= Self.schemaVersion else {
                throw ToteError(
                    .storeTooNew,
                    "\(database.path) has version \(version), this app knows up to "
                        + "\(Self.schemaVersion): update the app")
            }
            if version < Self.schemaVersion {
                let database = database
                try database.transaction { try Self.migrate(database, from: version) }
            }
        } catch let error as ToteError {
            throw error
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Brings a file to the present version, one version after the other.
    private static func migrate(_ database: Database, from version: Int64) throws {
        if version < 1 { try makeTables(database) }
        if version < 2 { try makeRedeemerTables(database) }
        try database.execute("PRAGMA user_version=\(schemaVersion)")
    }

    private static func makeTables(_ database: Database) throws {
        try database.execute(
            """
            CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
            CREATE TABLE changes (
                nonce INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, replica INTEGER NOT NULL,
                counter INTEGER NOT NULL, body BLOB, wall INTEGER NOT NULL, uptime INTEGER NOT NULL,
                boot INTEGER NOT NULL, floor INTEGER NOT NULL, state INTEGER NOT NULL,
                outstanding INTEGER NOT NULL, visible INTEGER NOT NULL, digest INTEGER,
                position INTEGER, label TEXT NOT NULL, own INTEGER NOT NULL, code TEXT, details BLOB
            ) STRICT;
            CREATE INDEX outstanding ON changes (sequence) WHERE outstanding = 1;
            CREATE TABLE log (
                sequence INTEGER PRIMARY KEY, position INTEGER UNIQUE, held INTEGER NOT NULL,
                time INTEGER NOT NULL, body BLOB NOT NULL
            ) STRICT;
            CREATE TABLE snapshot (
                one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL,
                body BLOB NOT NULL
            ) STRICT;
            CREATE TABLE batch (one INTEGER PRIMARY KEY CHECK (one = 1), body BLOB NOT NULL) STRICT;
            """)
        try database.execute("PRAGMA application_id=\(applicationID)")
    }

    /// Pages in the WAL from which on they are written back: 4 MiB, whatever kills apps before
    /// they close their files.
    private static let walPagesMax = 1_024

    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        let result: Result
        do {
            result = try database.transaction(body)
        } catch {
            written = [:]
            throw error
        }
        // The WAL has everything, whatever becomes of this.
        if database.walPages >= Self.walPagesMax { _ = try? database.checkpoint() }
        return result
    }

    func fact(_ name: String) throws -> UInt64? {
        try database.row("SELECT value FROM facts WHERE name = ?", .text(name)) { $0.bits(0) }
    }

    /// Within a transaction.
    func setFact(_ name: String, _ value: UInt64?) throws {
        if let value {
            guard written[name] != value else { return }
            try database.run(
                "INSERT INTO facts VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
                .text(name), .bits(value))
        } else {
            try database.run("DELETE FROM facts WHERE name = ?", .text(name))
        }
        written[name] = value
    }

    func bytes(_ name: String) throws -> [UInt8]? {
        try database.row("SELECT value FROM facts WHERE name = ?", .text(name)) { $0.blob(0) }
    }

    func setBytes(_ name: String, _ value: [UInt8]) throws {
        try database.run(
            "INSERT INTO facts VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
            .text(name), .blob(value))
    }

    /// The outbox in the order in which the changes were made.
    func outbox() throws -> [OutboxEntry] {
        let rows = try database.rows(
            """
            SELECT replica, counter, body, wall, uptime, boot, floor, state, visible, digest,
                position FROM changes WHERE outstanding = 1 ORDER BY sequence
            """
        ) { row in
            (
                Dot(ReplicaID(row.bits(0)), row.bits(1)), row.blob(2),
                ClockReading(
                    wallMilliseconds: row.bits(3), uptimeMilliseconds: row.bits(4),
                    bootID: row.bits(5)),
                Timestamp(rawValue: row.bits(6)), row.int(7), row.int(8) == 1, row.optionalBits(9),
                row.optionalBits(10)
            )
        }
        return try rows.map { dot, body, reading, floor, state, visible, digest, position in
            guard let state = OutboxEntry.State(rawValue: state),
                let event = try Encoding.cbor.run(body).events.first
            else { throw ToteError(.storeUnusable, "a change of the outbox cannot be read") }
            return OutboxEntry(
                dot: dot, change: event.change, reading: reading, floor: floor, state: state,
                digest: digest, position: position, isVisible: visible)
        }
    }

    static func body(_ entry: OutboxEntry) -> [UInt8] {
        let event = Event(dot: entry.dot, change: entry.change, outcome: .accepted)
        return Encoding.cbor.encode(
            Run(replica: entry.dot.replica, counter: entry.dot.counter, events: [event]))
    }

    func insert(_ entry: OutboxEntry, sequence: UInt64, label: String) throws {
        try database.run(
            """
            INSERT INTO changes VALUES
                (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, NULL, NULL, ?12, 1, NULL, NULL)
            """,
            .bits(entry.change.nonce), .bits(sequence), .bits(entry.dot.replica.rawValue),
            .bits(entry.dot.counter), .blob(Self.body(entry)),
            .bits(entry.reading.wallMilliseconds), .bits(entry.reading.uptimeMilliseconds),
            .bits(entry.reading.bootID), .bits(entry.floor.rawValue), .int(entry.state.rawValue),
            .int(entry.isVisible ? 1 : 0), .text(label))
    }

    /// Writes back what became of an entry; `isOutstanding` false takes it out of the outbox and
    /// keeps the receipt.
    func update(_ entry: OutboxEntry, isOutstanding: Bool = true) throws {
        // The payload of a refused change is retained; of an accepted one the log has it.
        let keepsBody = isOutstanding || entry.state == .rejected
        try database.run(
            """
            UPDATE changes SET state = ?2, outstanding = ?3, visible = ?4, position = ?5,
                body = CASE WHEN ?6 THEN body END WHERE nonce = ?1
            """,
            .bits(entry.change.nonce), .int(entry.state.rawValue), .int(isOutstanding ? 1 : 0),
            .int(entry.isVisible ? 1 : 0), .optional(bits: entry.position),
            .int(keepsBody ? 1 : 0))
    }

    /// Writes back an entry of the outbox that has another name, another stamp or other content.
    func rewrite(_ entry: OutboxEntry) throws {
        try database.run(
            """
            UPDATE changes SET replica = ?2, counter = ?3, body = ?4, state = ?5,
                visible = ?6, digest = ?7, position = ?8 WHERE nonce = ?1
            """,
            .bits(entry.change.nonce), .bits(entry.dot.replica.rawValue),
            .bits(entry.dot.counter), .blob(Self.body(entry)), .int(entry.state.rawValue),
            .int(entry.isVisible ? 1 : 0), .optional(bits: entry.digest),
            .optional(bits: entry.position))
    }

    func setRejection(_ nonce: Nonce, _ rejection: Rejection) throws {
        try database.run(
            "UPDATE changes SET code = ?2, details = ?3 WHERE nonce = ?1", .bits(nonce),
            .text(rejection.code), .blob(Encoding.cbor.encode(rejection.details)))
    }

    /// Keeps the refusal of another device's change; one that is known already is left alone.
    func noteRejection(_ logged: LoggedRejection, sequence: UInt64) throws {
        try database.run(
            """
            INSERT INTO changes VALUES
                (?1, ?2, ?3, ?4, NULL, 0, 0, 0, ?5, 3, 0, 0, NULL, NULL, '', 0, ?6, ?7)
            ON CONFLICT DO NOTHING
            """,
            .bits(logged.nonce), .bits(sequence), .bits(logged.dot.replica.rawValue),
            .bits(logged.dot.counter), .bits(logged.time.rawValue), .text(logged.rejection.code),
            .blob(Encoding.cbor.encode(logged.rejection.details)))
    }

    func knowsChange(_ nonce: Nonce) throws -> Bool {
        try database.row("SELECT 1 FROM changes WHERE nonce = ?", .bits(nonce)) { _ in true }
            ?? false
    }

    func receipts() throws -> [Receipt] {
        try database.rows(
            "SELECT nonce, state, label, own, code, details FROM changes ORDER BY sequence"
        ) { row in
            let details = (try? Encoding.cbor.value(row.blob(5))) ?? .map([])
            let state: Receipt.State =
                switch OutboxEntry.State(rawValue: row.int(1)) {
                case .saved, nil: .saved
                case .sending: .sending
                case .accepted: .accepted
                case .rejected: .rejected(Rejection(code: row.text(4), details: details))
                case .withdrawn: .withdrawn
                }
            return Receipt(
                id: Hex.string(row.bits(0)), state: state, label: row.text(2),
                isOwn: row.int(3) == 1)
        }
    }

    /// Dismisses a receipt whose state is final; the outbox keeps its entry as long as it needs it.
    func dismiss(_ nonce: Nonce) throws -> Bool {
        try database.run(
            "DELETE FROM changes WHERE nonce = ? AND outstanding = 0 AND state >= 2",
            .bits(nonce))
        return database.changedRowCount > 0
    }

    /// Forgets accepted receipts beyond the last `most`.
    func forgetAccepted(most: Int) throws {
        try database.run(
            """
            DELETE FROM changes WHERE outstanding = 0 AND state IN (2, 4) AND sequence <= (
                SELECT sequence FROM changes WHERE outstanding = 0 AND state IN (2, 4)
                ORDER BY sequence DESC LIMIT 1 OFFSET ?)
            """,
            .int(Int64(most)))
    }

    func lastSequence() throws -> UInt64 {
        try database.row("SELECT max(sequence) FROM changes") { $0.bits(0) } ?? 0
    }

    /// Keeps a run of the confirmed state, for replaying it and for resending it to a restored
    /// server.
    func appendLog(_ run: Run, time: UInt64) throws {
        try database.run(
            "INSERT INTO log (position, held, time, body) VALUES (?1, ?2, ?3, ?4)",
            .bits(run.position), .bits(run.position + UInt64(run.events.count) - 1), .bits(time),
            .blob(Encoding.cbor.encode(run)))
    }

    /// Keeps an accepted change of this device that no run of the log brings.
    func hold(_ entry: OutboxEntry, position: UInt64, time: UInt64) throws {
        try database.run(
            "INSERT INTO log (position, held, time, body) VALUES (NULL, ?1, ?2, ?3)",
            .bits(position), .bits(time), .blob(Self.body(entry)))
    }

    /// Runs of the confirmed state behind a position, in order, at most `most`.
    func log(after position: UInt64, most: Int) throws -> [Run] {
        try database.rows(
            "SELECT body FROM log WHERE position > ?1 ORDER BY position LIMIT ?2",
            .bits(position), .int(Int64(most))
        ) { $0.blob(0) }
        .map { try Encoding.cbor.run($0) }
    }

    /// Held runs, of this epoch and of earlier ones, in the order in which they came.
    func heldRuns(after sequence: UInt64, most: Int) throws -> [(sequence: UInt64, run: Run)] {
        try database.rows(
            "SELECT sequence, body FROM log WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
            .bits(sequence), .int(Int64(most))
        ) { ($0.bits(0), $0.blob(1)) }
        .map { ($0.0, try Encoding.cbor.run($0.1)) }
    }

    /// Notes that the server of a new epoch has the held runs of a stretch at a position or before.
    func setHeld(after first: UInt64, through last: UInt64, position: UInt64) throws {
        try database.run(
            "UPDATE log SET held = ?3 WHERE sequence > ?1 AND sequence <= ?2", .bits(first),
            .bits(last), .bits(position))
    }

    /// Forgets held runs that a snapshot has and a backup covers, or that are older than `time`.
    func trimLog(through position: UInt64, covered: UInt64, olderThan time: UInt64) throws {
        try database.run(
            """
            DELETE FROM log WHERE (position IS NULL OR position <= ?1)
                AND (held <= ?2 OR time < ?3)
            """,
            .bits(position), .bits(covered), .bits(time))
    }

    /// A snapshot stands for the confirmed state now: the runs are only held, no longer replayed.
    func detachLog() throws { try database.run("UPDATE log SET position = NULL") }

    func snapshot() throws -> Snapshot? {
        try database.row("SELECT body FROM snapshot") { $0.blob(0) }
            .map { try Encoding.cbor.snapshot($0) }
    }

    func setSnapshot(_ snapshot: Snapshot) throws {
        try database.run(
            "INSERT OR REPLACE INTO snapshot VALUES (1, ?1, ?2)", .bits(snapshot.position),
            .blob(Encoding.cbor.encode(snapshot)))
    }

    /// The batch under way, exactly as it was cut.
    func batch() throws -> Run? {
        try database.row("SELECT body FROM batch") { $0.blob(0) }
            .map { try Encoding.cbor.run($0) }
    }

    func setBatch(_ run: Run?) throws {
        if let run {
            try database.run(
                "INSERT OR REPLACE INTO batch VALUES (1, ?1)", .blob(Encoding.cbor.encode(run)))
        } else {
            try database.run("DELETE FROM batch")
        }
    }
}

extension ToteError {
    static func storage(_ error: any Error) -> ToteError {
        if let error = error as? ToteError { return error }
        if let error = error as? WireError {
            return ToteError(
                .storeUnusable, "the file holds what cannot be read: \(error.message)")
        }
        if let error = error as? SQLiteError {
            return ToteError(error.isCorrupt ? .storeUnusable : .storage, error.description)
        }
        return ToteError(.storage, "\(error)")
    }
}
