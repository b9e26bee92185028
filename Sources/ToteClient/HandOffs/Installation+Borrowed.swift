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
        // again.
        try database.execute(
            """
            CREATE TABLE borrowed (
                one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, file TEXT NOT NULL,
                space TEXT NOT NULL, secret TEXT NOT NULL, until INTEGER NOT NULL,
                points INTEGER NOT NULL, boot INTEGER NOT NULL, deadline INTEGER NOT NULL,
                ended INTEGER NOT NULL DEFAULT 0
            ) STRICT;
            CREATE TABLE claims (
                one INTEGER PRIMARY KEY CHECK (one = 1), code BLOB NOT NULL,
                device INTEGER NOT NULL
            ) STRICT;
            """)
    }

    static func borrowed(_ database: Database) throws -> Borrowed? {
        try database.row(
            """
            SELECT id, file, space, secret, until, points, boot, deadline FROM borrowed
            WHERE ended = 0
            """
        ) { row in
            HandOffID(row.text(0)).map { id in
                Borrowed(
                    joined: JoinedHandOff(
                        id: id, until: row.bits(4), allowsPoints: row.int(5) == 1),
                    file: row.text(1), space: row.text(2), secret: row.text(3),
                    bootID: row.bits(6), deadline: row.bits(7))
            }
        } ?? nil
    }

    static func save(_ borrowed: Borrowed, in database: Database) throws {
        try database.run(
            "INSERT OR REPLACE INTO borrowed VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
            .text(borrowed.joined.id.text), .text(borrowed.file), .text(borrowed.space),
            .text(borrowed.secret), .bits(borrowed.joined.until),
            .int(borrowed.joined.allowsPoints ? 1 : 0), .bits(borrowed.bootID),
            .bits(borrowed.deadline))
    }

    /// The name that this device asks for a code under: the same while it is the same code.
    func claim(_ code: String, or fresh: UInt64) throws(ToteError) -> UInt64 {
        let digest = SHA256.digest(Array(code.utf8))
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

    /// Removes the documents that were given back, with what names them.
    func eraseBorrowed() throws(ToteError) {
        do {
            let database = try database
            let file = try database.row("SELECT file FROM borrowed WHERE ended = 1") { $0.text(0) }
            guard let file else { return }
            try Self.remove(path(account: file))
            try database.run("DELETE FROM borrowed")
            try database.checkpoint(truncating: true)
        } catch {
            throw ToteError.storage(error)
        }
    }
}
