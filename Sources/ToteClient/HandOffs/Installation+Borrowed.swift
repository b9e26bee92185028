internal import ToteCore
internal import ToteSQLite

// What a device that is nobody's keeps of a hand-off, in the record of its directory.
extension Installation {
    /// What names the file of a hand-off: no customer's id has a space.
    static func accountName(handOff id: HandOffID) -> String {
        accountName(customer: "handoff \(id.text)")
    }

    static func makeHandOffTables(_ database: Database) throws {
        // `claims` is what a code was last asked for under: an answer that was lost is asked for
        // again. `keys` sign the codes of the device's own customers, without a network.
        try database.execute(
            """
            CREATE TABLE borrowed (
                one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, file TEXT NOT NULL,
                space TEXT NOT NULL, secret TEXT NOT NULL, until INTEGER NOT NULL,
                points INTEGER NOT NULL, boot INTEGER NOT NULL, since INTEGER NOT NULL,
                deadline INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0
            ) STRICT;
            CREATE TABLE keys (account TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT;
            CREATE TABLE claims (
                one INTEGER PRIMARY KEY CHECK (one = 1), code BLOB NOT NULL,
                device INTEGER NOT NULL
            ) STRICT;
            """)
    }

    static func borrowed(_ database: Database) throws -> Borrowed? {
        try database.row(
            """
            SELECT id, file, space, secret, until, points, boot, since, deadline FROM borrowed
            WHERE ended = 0
            """
        ) { row in
            HandOffID(row.text(0)).map { id in
                Borrowed(
                    joined: JoinedHandOff(
                        id: id, until: row.bits(4), allowsPoints: row.int(5) == 1),
                    file: row.text(1), space: row.text(2), secret: row.text(3),
                    bootID: row.bits(6), since: row.bits(7), deadline: row.bits(8))
            }
        } ?? nil
    }

    /// Keeps a hand-off; of one that is there, what it may do: one that is being left stays so.
    static func save(_ borrowed: Borrowed, in database: Database) throws {
        try database.run(
            """
            INSERT INTO borrowed VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)
            ON CONFLICT (one) DO UPDATE SET points = ?6
            """,
            .text(borrowed.joined.id.text), .text(borrowed.file), .text(borrowed.space),
            .text(borrowed.secret), .bits(borrowed.joined.until),
            .int(borrowed.joined.allowsPoints ? 1 : 0), .bits(borrowed.bootID),
            .bits(borrowed.since), .bits(borrowed.deadline))
    }

    /// What signs an account's codes; `nil` before its first token.
    func handOffKey(of account: String) throws(ToteError) -> [UInt8]? {
        do {
            return try database.row("SELECT key FROM keys WHERE account = ?", .text(account)) {
                $0.blob(0)
            }
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Keeps what signs an account's codes from now on.
    func keepHandOffKey(_ key: [UInt8], of account: String) throws(ToteError) {
        guard try handOffKey(of: account) != key else { return }
        do {
            try database.run(
                "INSERT OR REPLACE INTO keys VALUES (?1, ?2)", .text(account), .blob(key))
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// The name that this device asks for a code under: the same while it is the same code.
    func claim(_ code: String, or fresh: UInt64) throws(ToteError) -> UInt64 {
        let digest = SHA256.digest(Array((HandOffCode.normal(code) ?? code).utf8))
        do {
            let database = try database
            let known = try database.row("SELECT device FROM claims WHERE code = ?", .blob(digest))
            {
                $0.bits(0)
            }
            if let known { return known }
            try database.run(
                "INSERT OR REPLACE INTO claims VALUES (1, ?1, ?2)", .blob(digest), .bits(fresh))
            return fresh
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Notes that a hand-off is being left: the next start erases it, whatever comes between.
    func markLeaving() throws(ToteError) {
        do { try database.run("UPDATE borrowed SET ended = 1") } catch {
            throw ToteError.storage(error)
        }
    }

    /// Shows the guest's documents where a hand-off was being left when the process ended.
    static func endLeft(_ database: Database) throws {
        try database.run(
            """
            UPDATE state SET account = ''
            WHERE account IN (SELECT file FROM borrowed WHERE ended = 1)
            """)
    }

    /// Removes the documents that were given back, with what names them; nothing while some are
    /// borrowed.
    func eraseBorrowed() throws(ToteError) {
        guard borrowed == nil else { return }
        do {
            let database = try database
            let file = try database.row("SELECT file FROM borrowed") { $0.text(0) }
            if let file {
                do throws(ToteError) { try markLeaving() } catch {
                    // A full disk must not keep what is to go; and there is room then.
                    try Self.remove(path(account: file))
                    try markLeaving()
                }
                try Self.remove(path(account: file))
                try database.transaction {
                    try database.run("UPDATE state SET account = '' WHERE account = ?", .text(file))
                    try database.run("DELETE FROM borrowed")
                }
            }
            // What is gone from the tables is not to be found in the log either.
            try database.checkpoint(truncating: true)
        } catch {
            throw ToteError.storage(error)
        }
    }
}
