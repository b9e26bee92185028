internal import CSQLite

/// One connection to one SQLite file. Confined to one thread or queue at a time by its owner.
///
/// WAL mode. The owner checkpoints: no automatic checkpoint runs inside a COMMIT. The pages of a
/// file that this makes have checksums, see `PageChecksums`.
package final class Database {
    package struct Options {
        package enum Access {
            case readWriteCreate, readWrite, readOnly
            /// Reads the bytes of the file as they are, whatever a journal beside it says: of one
            /// that a crash left unfinished, and that nobody writes to.
            case asItIs
        }

        package var access: Access = .readWriteCreate
        /// FULL: a commit that returned survives a power cut. Only tests may turn it off.
        package var syncsEveryCommit = true
        /// Takes the file for this connection alone, until it closes.
        package var isExclusive = false
        /// How long a statement waits for another connection's lock.
        package var busyMilliseconds: Int32 = 2_000
        /// Overwrites what is deleted.
        package var securelyDeletes = true
        /// Where the file is, when it is not on this machine's; `isExclusive` then.
        package var disk: SimulatedDisk?

        package init() {}
    }

    let handle: OpaquePointer
    /// Written by SQLite at each commit.
    private let walSize: UnsafeMutablePointer<Int32>
    private var statements: [StaticStringKey: Statement] = [:]
    package let path: String
    private let busyMilliseconds: Int32
    package var isInMemory: Bool { path == ":memory:" }

    /// Static strings are told apart by where they lie: no hashing of SQL text on a hot path.
    struct StaticStringKey: Hashable {
        let address: UnsafePointer<UInt8>
    }

    /// Opens or makes the file.
    ///
    /// - Throws: `SQLiteError` when it cannot be opened or is not a database; no file is changed
    ///   then.
    package init(path: String, options: Options = Options()) throws(SQLiteError) {
        self.path = path
        busyMilliseconds = options.busyMilliseconds
        var flags = SQLITE_OPEN_NOMUTEX
        switch options.access {
        case .readWriteCreate: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        case .readWrite: flags |= SQLITE_OPEN_READWRITE
        case .readOnly: flags |= SQLITE_OPEN_READONLY
        case .asItIs: flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
        }
        let name = options.access == .asItIs ? Self.immutableURI(path) : path
        var handle: OpaquePointer?
        let layer = options.disk.map(\.name) ?? PageChecksums.name
        let code = sqlite3_open_v2(name, &handle, flags, layer)
        guard code == SQLITE_OK, let handle else {
            let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(handle)
            throw SQLiteError(code: code, message: "opening \(path): \(message)")
        }
        // From here on `deinit` closes it, when something throws as well.
        self.handle = handle
        walSize = .allocate(capacity: 1)
        walSize.initialize(to: 0)
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, options.busyMilliseconds)
        if !isInMemory { requestPageChecksums() }
        if options.isExclusive { try execute("PRAGMA locking_mode=EXCLUSIVE") }
        if options.access == .readWriteCreate || options.access == .readWrite {
            try execute("PRAGMA journal_mode=WAL")
            try execute("PRAGMA synchronous=\(options.syncsEveryCommit ? "FULL" : "OFF")")
            try execute("PRAGMA wal_autocheckpoint=0")
            try execute("PRAGMA secure_delete=\(options.securelyDeletes ? "ON" : "OFF")")
        }
        try execute("PRAGMA foreign_keys=ON")
        try execute("PRAGMA trusted_schema=OFF")
        // Behind `wal_autocheckpoint`, which is a hook itself and would take this one's place.
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            }, walSize)
    }

    /// Takes effect where the file is made, or rewritten as a whole.
    private func requestPageChecksums() {
        var reserved = PageChecksums.reservedBytes
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved)
    }

    /// Gives the pages of a file that was made without them their checksums: writes the whole
    /// file once, or nothing when it is ended while at it. Outside a transaction.
    package func addPageChecksums() throws(SQLiteError) {
        guard !isInMemory, !hasPageChecksums else { return }
        try rewrite()
        try checkpoint(truncating: true)
    }

    /// Writes the whole file anew: nothing is in it but what can be read. Outside a transaction.
    package func rewrite() throws(SQLiteError) { try execute("VACUUM") }

    /// Whether a page that is not what was written is noticed when it is read. Of a database file
    /// that was read from.
    package var hasPageChecksums: Bool {
        // Without the layer there is nothing of it behind the file's record.
        guard !isInMemory, PageChecksums.name != nil else { return false }
        var file: UnsafeMutablePointer<sqlite3_file>?
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file)
        return file.map(PageChecksums.cover) ?? false
    }

    private static func immutableURI(_ path: String) -> String {
        let escapes: [Character: String] = ["%": "%25", "?": "%3F", "#": "%23"]
        return "file:" + path.map { escapes[$0] ?? String($0) }.joined() + "?immutable=1"
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement.handle) }
        sqlite3_close_v2(handle)
        walSize.deallocate()
    }

    func error(_ code: Int32, _ doing: String) -> SQLiteError {
        SQLiteError(
            code: sqlite3_extended_errcode(handle) == SQLITE_OK
                ? code : sqlite3_extended_errcode(handle),
            message: "\(doing): \(String(cString: sqlite3_errmsg(handle)))")
    }

    /// Runs statements without parameters or rows.
    package func execute(_ sql: String) throws(SQLiteError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code, String(sql.prefix(60))) }
    }

    /// The statement for this text, prepared once and kept.
    package func statement(_ sql: StaticString) throws(SQLiteError) -> Statement {
        let key = StaticStringKey(address: sql.utf8Start)
        if let statement = statements[key] { return statement }
        var prepared: OpaquePointer?
        let code = sql.utf8Start.withMemoryRebound(to: CChar.self, capacity: 1) {
            sqlite3_prepare_v3(
                handle, $0, Int32(sql.utf8CodeUnitCount), UInt32(SQLITE_PREPARE_PERSISTENT),
                &prepared, nil)
        }
        guard code == SQLITE_OK, let prepared else { throw error(code, "preparing \(sql)") }
        let statement = Statement(handle: prepared, database: self)
        statements[key] = statement
        return statement
    }

    /// Runs one statement with parameters and no rows.
    package func run(_ sql: StaticString, _ parameters: Parameter...) throws(SQLiteError) {
        try statement(sql).run(parameters)
    }

    /// Maps the rows of one query.
    package func rows<Row>(
        _ sql: StaticString, _ parameters: Parameter..., map: (Statement) -> Row
    ) throws(SQLiteError) -> [Row] {
        let statement = try statement(sql)
        defer { statement.reset() }
        try statement.bind(parameters)
        var rows: [Row] = []
        while try statement.step() { rows.append(map(statement)) }
        return rows
    }

    /// Maps the first row of one query, or returns `nil` when there is none.
    package func row<Row>(
        _ sql: StaticString, _ parameters: Parameter..., map: (Statement) -> Row
    ) throws(SQLiteError) -> Row? {
        let statement = try statement(sql)
        defer { statement.reset() }
        try statement.bind(parameters)
        return try statement.step() ? map(statement) : nil
    }

    /// Runs the body in a transaction that takes the write lock at once; rolls back when it throws.
    ///
    /// - Throws: the body's error, with nothing changed; or COMMIT's, after which the outcome is
    ///   unknown.
    package func transaction<Result>(
        _ body: () throws -> Result
    ) throws -> Result {
        try begin()
        let result: Result
        do {
            result = try body()
        } catch {
            // Some errors (a full disk) have rolled back already; a second rollback says so,
            // harmlessly.
            if sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
            throw error
        }
        try commit()
        return result
    }

    /// Begins a transaction that takes the write lock at once.
    package func begin() throws(SQLiteError) { try run("BEGIN IMMEDIATE") }

    /// Ends a transaction. After an error the outcome is unknown, unless it says that the disk is
    /// full.
    package func commit() throws(SQLiteError) { try run("COMMIT") }

    package var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }
    /// Rows that the last INSERT, UPDATE or DELETE touched.
    package var changedRowCount: Int { Int(sqlite3_changes64(handle)) }

    /// Rows that this connection has inserted, changed and deleted since it was opened.
    package var totalChangedRowCount: Int { Int(sqlite3_total_changes64(handle)) }

    /// The number that tells versions of a schema apart: 0 in a new file.
    package func schemaVersion() throws(SQLiteError) -> Int64 {
        try row("PRAGMA user_version") { $0.int(0) } ?? 0
    }

    /// The number that says whose file this is: 0 in a new file.
    package func applicationID() throws(SQLiteError) -> Int64 {
        try row("PRAGMA application_id") { $0.int(0) } ?? 0
    }

    /// Pages in the WAL as of this connection's last commit. What a checkpoint wrote back counts
    /// until a later commit begins the WAL anew.
    package var walPages: Int { Int(walSize.pointee) }

    /// Writes the WAL back into the file as far as readers allow, without waiting for them.
    ///
    /// - Returns: pages that are still in the WAL only.
    @discardableResult
    package func checkpoint(truncating: Bool = false) throws(SQLiteError) -> Int {
        var pages: Int32 = 0
        var done: Int32 = 0
        let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, &pages, &done)
        guard code == SQLITE_OK || code == SQLITE_BUSY else { throw error(code, "checkpoint") }
        if truncating, code == SQLITE_OK { forgetPages() }
        return Int(max(0, pages - done))
    }

    /// Reads pages anew from here on: in those that SQLite has is what left them, and was
    /// overwritten in the file alone.
    private func forgetPages() { sqlite3_db_release_memory(handle) }

    /// Writes the WAL back and empties it, unless somebody reads from it: waits for nobody.
    ///
    /// - Returns: whether it is empty.
    package func truncateLog() throws(SQLiteError) -> Bool {
        sqlite3_busy_timeout(handle, 0)
        defer { sqlite3_busy_timeout(handle, busyMilliseconds) }
        let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
        guard code == SQLITE_OK || code == SQLITE_BUSY else { throw error(code, "checkpoint") }
        if code == SQLITE_OK { forgetPages() }
        return code == SQLITE_OK
    }

    /// Makes what an earlier process left in the WAL durable, and writes it back.
    ///
    /// What that process could not sync may be readable and yet not durable, and no later sync
    /// saves it (Rebello et al., USENIX ATC 2020): behind it, whatever is committed would be lost
    /// with it, and of a WAL that is shorter on the disk than here, a replay would put old pages
    /// over newer ones. So all of it is written, and synced, anew: the WAL first, while the file
    /// is as it was. A disk that is full leaves things as they are.
    package func recover() throws(SQLiteError) {
        do throws(SQLiteError) {
            try rewriteWAL()
            try checkpoint(truncating: true)
        } catch {
            guard error.isFull else { throw error }
        }
    }

    /// Writes the bytes of the WAL over themselves, and syncs them.
    private func rewriteWAL() throws(SQLiteError) {
        // The WAL is opened with the first read, and with the lock nobody else writes to it.
        try begin()
        defer { try? execute("ROLLBACK") }
        var found: UnsafeMutablePointer<sqlite3_file>?
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &found)
        guard let file = found, let methods = file.pointee.pMethods?.pointee else { return }
        func check(_ code: Int32?) throws(SQLiteError) {
            guard let code, code == SQLITE_OK else {
                throw SQLiteError(
                    code: code ?? SQLITE_IOERR, message: "writing the WAL of \(path) anew")
            }
        }
        var size: sqlite3_int64 = 0
        try check(methods.xFileSize?(file, &size))
        guard size > 0 else { return }
        let capacity: sqlite3_int64 = 1 << 20
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: Int(min(size, capacity)), alignment: 16)
        defer { bytes.deallocate() }
        for start in stride(from: 0, to: size, by: Int(capacity)) {
            let count = Int32(min(capacity, size - start))
            try check(methods.xRead?(file, bytes, count, start))
            try check(methods.xWrite?(file, bytes, count, start))
        }
        try check(methods.xSync?(file, SQLITE_SYNC_NORMAL))
    }

    /// The whole database as the bytes of a file.
    package func image() throws(SQLiteError) -> [UInt8] {
        var size: sqlite3_int64 = 0
        guard let bytes = sqlite3_serialize(handle, "main", &size, 0) else {
            throw error(SQLITE_NOMEM, "serialising")
        }
        defer { sqlite3_free(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(size)))
    }

    /// Replaces an in-memory database by the bytes of a file.
    package func load(image: [UInt8]) throws(SQLiteError) {
        let size = sqlite3_int64(image.count)
        guard let copy = sqlite3_malloc64(UInt64(image.count)) else {
            throw error(SQLITE_NOMEM, "loading an image")
        }
        image.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress {
                copy.copyMemory(from: start, byteCount: bytes.count)
            }
        }
        let flags = UInt32(SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE)
        let code = sqlite3_deserialize(
            handle, "main", copy.assumingMemoryBound(to: UInt8.self), size, size, flags)
        guard code == SQLITE_OK else { throw error(code, "loading an image") }
    }

    /// Puts another image in the place of a database in memory that was loaded from one with the
    /// same tables: what was prepared stays prepared.
    func reload(image: [UInt8]) throws(SQLiteError) {
        for statement in statements.values { statement.reset() }
        if isInTransaction { try execute("ROLLBACK") }
        var found: UnsafeMutablePointer<sqlite3_file>?
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &found)
        guard let file = found, let methods = file.pointee.pMethods?.pointee,
            let read = methods.xRead, let write = methods.xWrite,
            let truncate = methods.xTruncate, image.count > 96
        else { throw error(SQLITE_ERROR, "loading another image") }
        // A change counter above the present one tells the connection that the pages which it
        // remembers are another file's; the second one says that the first is to be trusted.
        // (sqlite.org/fileformat.html, 1.3.7 and 1.3.15.)
        var counter: UInt32 = 0
        var cookie: UInt32 = 0
        var code = read(file, &counter, 4, 24)
        if code == SQLITE_OK { code = read(file, &cookie, 4, 40) }
        let next = withUnsafeBytes(of: (UInt32(bigEndian: counter) &+ 1).bigEndian, Array.init)
        var bytes = image
        bytes.replaceSubrange(24..<28, with: next)
        bytes.replaceSubrange(92..<96, with: next)
        if code == SQLITE_OK {
            code = bytes.withUnsafeBytes { write(file, $0.baseAddress, Int32($0.count), 0) }
        }
        if code == SQLITE_OK { code = truncate(file, sqlite3_int64(bytes.count)) }
        guard code == SQLITE_OK else { throw error(code, "loading another image") }
        // Of other tables, as a former release had them: the connection looks when it reads some,
        // and not when it alters them.
        guard withUnsafeBytes(of: cookie, Array.init) != Array(image[40..<44]) else { return }
        _ = try row("SELECT count(*) FROM sqlite_schema") { $0.int(0) }
    }

    /// SQLite's own check of pages, indexes and constraints: empty when all is well.
    package func integrityFaults() throws(SQLiteError) -> [String] {
        let faults = try rows("PRAGMA integrity_check(100)") { $0.text(0) }
        return faults == ["ok"] ? [] : faults
    }

    /// Copies the whole database, as of one moment, to a new file, while others go on writing.
    ///
    /// - Parameter step: called between portions with the pages left and in all.
    package func backUp(
        to path: String, pagesPerStep: Int32 = 1_024,
        step: (_ left: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(SQLiteError) {
        var options = Options()
        options.isExclusive = true
        let target = try Database(path: path, options: options)
        try target.execute("PRAGMA journal_mode=DELETE")
        guard let backup = sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw target.error(SQLITE_ERROR, "starting a backup")
        }
        var code: Int32
        repeat {
            code = sqlite3_backup_step(backup, pagesPerStep)
            step(Int(sqlite3_backup_remaining(backup)), Int(sqlite3_backup_pagecount(backup)))
        } while code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED
        let finished = sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE, finished == SQLITE_OK else {
            throw target.error(code, "copying to \(path)")
        }
    }
}
