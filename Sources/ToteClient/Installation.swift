#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif
internal import ToteCore
internal import ToteSQLite

/// One directory on the device: whose documents show, and a file for each account and each guest.
///
/// `installation.sqlite` is the record, held by one process at a time; `guest-<n>.sqlite` is what
/// nobody's account has taken in yet; `account-<hash>.sqlite` is one account's. Names tell nothing
/// about customers.
final class Installation {
    static let applicationID: Int64 = 0x546F_7449
    static let schemaVersion: Int64 = 6

    let directory: String
    private var record: Database?
    /// Whether what returned outlives a power cut, and not only the process.
    let survivesPowerCuts: Bool
    /// The account whose documents show; `nil` for a guest.
    private(set) var account: String?
    /// The number of the present guest's file.
    private(set) var guest: Int64
    /// Whose documents show, where they are borrowed.
    private(set) var borrowed: Borrowed?
    /// Whether anything is shared here.
    var hasShares = false

    /// Opens or makes the directory and its record.
    ///
    /// - Throws: `storage`, also when another process has it open; `storeUnusable`, `storeTooNew`.
    ///   Nothing that was there is changed.
    init(directory: String, survivesPowerCuts: Bool) throws(ToteError) {
        self.directory = directory
        self.survivesPowerCuts = survivesPowerCuts
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            var options = Database.Options()
            options.isExclusive = true
            options.syncsEveryCommit = survivesPowerCuts
            options.busyMilliseconds = 0
            let path = "\(directory)/installation.sqlite"
            let database = try Database(path: path, options: options)
            let version = try database.schemaVersion()
            let application = try database.applicationID()
            guard application == Self.applicationID || (application == 0 && version == 0) else {
                throw ToteError(.storeUnusable, "\(path) is not a file of this library")
            }
            guard version <= Self.schemaVersion else {
                throw ToteError(
                    .storeTooNew,
                    "\(path) has version \(version), this app knows up to "
                        + "\(Self.schemaVersion): update the app")
            }
            if version < Self.schemaVersion {
                try database.transaction { try Self.migrate(database, from: version) }
            }
            try Self.endLeft(database)
            // Also takes the lock for as long as the file is open.
            let row = try database.row("SELECT account, guest FROM state") {
                ($0.text(0), $0.int(1))
            }
            guard let row else {
                throw ToteError(.storeUnusable, "\(path) has lost its record")
            }
            account = row.0.isEmpty ? nil : row.0
            guest = row.1
            // One whose documents do not show has ended: nothing could be written then.
            borrowed = try Self.borrowed(database).flatMap { $0.file == account ? $0 : nil }
            hasShares = try database.row("SELECT 1 FROM shares LIMIT 1") { _ in true } ?? false
            record = database
        } catch let error as SQLiteError where error.isBusy {
            throw ToteError(
                .storage, "\(directory) is open already: close that Tote first, or share it")
        } catch {
            throw ToteError.storage(error)
        }
    }

    private static func migrate(_ database: Database, from version: Int64) throws {
        if version == 0 {
            try database.execute(
                """
                CREATE TABLE state (
                    one INTEGER PRIMARY KEY CHECK (one = 1), account TEXT NOT NULL,
                    guest INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE adoptions (guest INTEGER PRIMARY KEY, account TEXT NOT NULL) STRICT;
                INSERT INTO state VALUES (1, '', 1);
                """)
            try database.execute("PRAGMA application_id=\(applicationID)")
        }
        if version < 2 { try makeHandOffTables(database) }
        if version < 3 {
            // Files of accounts that are given up, until they are gone.
            try database.execute("CREATE TABLE removals (account TEXT PRIMARY KEY) STRICT")
        }
        if version < 4 {
            try database.execute(
                "ALTER TABLE adoptions ADD COLUMN policy TEXT NOT NULL DEFAULT 'union'")
        }
        try version == 5 ? widenShareTable(database) : makeShareTable(database)
        try database.execute("PRAGMA user_version=\(schemaVersion)")
    }

    /// What names a customer's file: no id can be read from it.
    static func accountName(customer: String) -> String {
        SHA256.digest(Array(customer.utf8)).prefix(8).reduce("") { name, byte in
            name + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }

    /// What names the file of a store's redeemer: no customer's id has a space.
    static func accountName(store: String) -> String { accountName(customer: "store \(store)") }

    var database: Database {
        get throws {
            guard let record else {
                throw ToteError(.storage, "this Tote was closed: open the directory again")
            }
            return record
        }
    }

    var isClosed: Bool { record == nil }

    /// Gives the directory free for another opening.
    func close() { record = nil }

    /// The file whose documents show.
    var path: String { account.map { path(account: $0) } ?? path(guest: guest) }

    func path(account: String) -> String { "\(directory)/account-\(account).sqlite" }
    func path(guest: Int64) -> String { "\(directory)/guest-\(guest).sqlite" }

    /// Shows the documents of a hand-off, or keeps what has changed of it. The guest's stay a
    /// guest's.
    func borrow(_ borrowed: Borrowed) throws(ToteError) {
        do {
            let database = try database
            try database.transaction {
                try Self.save(borrowed, in: database)
                try database.run("UPDATE state SET account = ?", .text(borrowed.file))
            }
            self.borrowed = borrowed
            account = borrowed.file
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Shows the guest's documents again, also when nothing can be written; those that were
    /// borrowed are to be erased, see `eraseBorrowed`.
    func giveBack() { (borrowed, account) = (nil, nil) }

    /// Gives an account up, for good: its file is to be removed, and those of guests that wait to
    /// be taken into it. A guest's documents show, where it showed, also when this throws.
    func giveUp(_ name: String) throws(ToteError) {
        do {
            let database = try database
            if account == name { account = nil }
            do { try noteGivenUp(name, in: database) } catch {
                // A full disk must not keep what is to go; and there is room then.
                try removeFiles(of: name)
                try noteGivenUp(name, in: database)
            }
        } catch {
            throw ToteError.storage(error)
        }
    }

    private func noteGivenUp(_ name: String, in database: Database) throws {
        try database.transaction {
            try database.run("INSERT OR IGNORE INTO removals VALUES (?)", .text(name))
            try database.run("DELETE FROM keys WHERE account = ?", .text(name))
            try database.run("UPDATE state SET account = '' WHERE account = ?", .text(name))
        }
    }

    /// Removes the files of accounts that were given up, with what names them.
    ///
    /// - Parameter name: of one alone; `nil` for all.
    func removeGivenUp(_ name: String? = nil) throws(ToteError) {
        do {
            let database = try database
            let given = try database.rows("SELECT account FROM removals ORDER BY account") {
                $0.text(0)
            }.filter { name == nil || $0 == name }
            for account in given {
                try removeFiles(of: account)
                try database.run("DELETE FROM adoptions WHERE account = ?", .text(account))
                try database.run("DELETE FROM shares WHERE account = ?", .text(account))
                try database.run("DELETE FROM removals WHERE account = ?", .text(account))
            }
            // What is gone from the tables is not to be found in the log either.
            if !given.isEmpty { try database.checkpoint(truncating: true) }
        } catch let error as ToteError {
            throw error
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Removes an account's file, those of guests that wait for it, and what it shares.
    private func removeFiles(of account: String) throws {
        try Self.remove(path(account: account))
        let guests = try database.rows(
            "SELECT guest FROM adoptions WHERE account = ?", .text(account)
        ) { $0.int(0) }
        for guest in guests { try Self.remove(path(guest: guest)) }
        for share in try shares(of: account) + endedShares(of: account) {
            try removeFiles(of: share)
        }
    }

    /// Signs in. What the guest made is this account's from here on, whatever happens.
    func enter(_ name: String, carts policy: CartPolicy = .union) throws(ToteError) {
        do {
            let wasGuest = account == nil
            let database = try database
            try database.transaction {
                if wasGuest {
                    try database.run(
                        "INSERT INTO adoptions VALUES (?1, ?2, ?3)", .int(guest), .text(name),
                        .text(policy.rawValue))
                    try database.run("UPDATE state SET guest = ?", .int(guest + 1))
                }
                try database.run("UPDATE state SET account = ?", .text(name))
            }
            if wasGuest { guest += 1 }
            account = name
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Signs out: a guest's documents show, who has made none yet.
    func leave() throws(ToteError) {
        do { try database.run("UPDATE state SET account = ''") } catch {
            throw ToteError.storage(error)
        }
        account = nil
    }

    /// Guests whose documents the account has still to take in, oldest first.
    func adoptions() throws(ToteError) -> [(guest: Int64, policy: CartPolicy)] {
        guard let account else { return [] }
        do {
            return try database.rows(
                "SELECT guest, policy FROM adoptions WHERE account = ? ORDER BY guest",
                .text(account)
            ) { ($0.int(0), CartPolicy(rawValue: $0.text(1)) ?? .union) }
        } catch {
            throw ToteError.storage(error)
        }
    }

    func exists(guest: Int64) -> Bool { hasFile(path(guest: guest)) }

    func hasFile(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Removes the file of a guest whose documents an account has taken in.
    func forget(guest: Int64) throws(ToteError) {
        do {
            try Self.remove(path(guest: guest))
            try database.run("DELETE FROM adoptions WHERE guest = ?", .int(guest))
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Removes a database with what belongs to it.
    static func remove(_ path: String) throws {
        // The database first: SQLite drops a log that has none.
        for file in [path, path + "-wal", path + "-shm"]
        where FileManager.default.fileExists(atPath: file) {
            try FileManager.default.removeItem(atPath: file)
        }
    }
}
