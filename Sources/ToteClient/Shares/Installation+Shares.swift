#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif
internal import ToteCore
internal import ToteSQLite

/// What this device keeps of a share beside its documents.
struct ShareRecord: Hashable {
    let space: String
    /// The file of the account that shares it; empty for a store's device. Two customers of one
    /// device may share the same.
    let account: String
    /// Its own directory, in the device's.
    let folder: String
    /// What the space is made of, on the device that made it.
    var seed: String?
    /// What it was joined by.
    var invitation: String?
    /// `nil` before the server has said so.
    var role: Share.Role?
    var member: String?
    /// Of a tote: milliseconds of the server's clock, once that has said so.
    var until: UInt64?
    /// When that is, by the uptime of a start of the device; 0 for what has no end.
    var bootID: UInt64 = 0
    var since: UInt64 = 0
    var deadline: UInt64 = 0

    init(space: String, account: String, folder: String? = nil) {
        self.space = space
        self.account = account
        let name = account.isEmpty ? space : "\(space) \(account)"
        self.folder = folder ?? "share-\(Installation.accountName(customer: name))"
    }

    /// Sets when it is over: so long after a reading.
    mutating func end(after span: UInt64, from reading: ClockReading) {
        bootID = reading.bootID
        since = reading.uptimeMilliseconds
        deadline = reading.uptimeMilliseconds + span
    }

    /// Milliseconds until it is over; `nil` for what has no end.
    func rest(at reading: ClockReading) -> UInt64? {
        guard deadline > 0 else { return nil }
        guard reading.bootID == bootID,
            (since..<deadline).contains(reading.uptimeMilliseconds)
        else { return 0 }
        return deadline - reading.uptimeMilliseconds
    }
}

// Shares in the record of the directory; each has a directory of its own in it.
extension Installation {
    static func makeShareTable(_ database: Database) throws {
        try database.execute(
            """
            CREATE TABLE shares (
                space TEXT NOT NULL, account TEXT NOT NULL, folder TEXT NOT NULL UNIQUE, seed TEXT,
                invitation TEXT, role TEXT, member TEXT, until INTEGER, boot INTEGER NOT NULL,
                since INTEGER NOT NULL, deadline INTEGER NOT NULL,
                ended INTEGER NOT NULL DEFAULT 0,
                PRIMARY KEY (space, account)
            ) STRICT
            """)
    }

    /// Schema 5 had one row for a space, whoever shared it.
    static func widenShareTable(_ database: Database) throws {
        try database.execute("ALTER TABLE shares RENAME TO former")
        try makeShareTable(database)
        let spaces = try database.rows("SELECT space FROM former") { $0.text(0) }
        for space in spaces {
            try database.run(
                """
                INSERT INTO shares SELECT space, account, ?2, seed, invitation, role, member, until,
                    boot, since, deadline, ended FROM former WHERE space = ?1
                """, .text(space), .text("share-\(accountName(customer: space))"))
        }
        try database.execute("DROP TABLE former")
    }

    func path(share record: ShareRecord) -> String { "\(directory)/\(record.folder)" }

    /// Those that are not ended.
    ///
    /// - Parameter account: of this one alone; `nil` for all.
    func shares(of account: String? = nil) throws(ToteError) -> [ShareRecord] {
        do { return try shares(of: account, ended: false) } catch { throw ToteError.storage(error) }
    }

    /// Those that are to be removed, and were not yet.
    func endedShares(of account: String? = nil) throws(ToteError) -> [ShareRecord] {
        do { return try shares(of: account, ended: true) } catch {
            throw ToteError.storage(error)
        }
    }

    private func shares(of account: String?, ended: Bool) throws -> [ShareRecord] {
        try database.rows(
            """
            SELECT space, account, folder, seed, invitation, role, member, until, boot, since,
                deadline FROM shares
            WHERE (?1 IS NULL OR account = ?1) AND ended = ?2 ORDER BY space
            """, .optional(account), .int(ended ? 1 : 0)
        ) { row in
            var record = ShareRecord(
                space: row.text(0), account: row.text(1), folder: row.text(2))
            record.seed = row.optionalText(3)
            record.invitation = row.optionalText(4)
            record.role = row.optionalText(5).flatMap(Share.Role.init(rawValue:))
            record.member = row.optionalText(6)
            record.until = row.optionalBits(7)
            record.bootID = row.bits(8)
            record.since = row.bits(9)
            record.deadline = row.bits(10)
            return record
        }
    }

    /// Adds a share; one that is there stays as it is.
    func add(_ record: ShareRecord) throws(ToteError) {
        do {
            try database.run(
                """
                INSERT INTO shares VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)
                ON CONFLICT (space, account) DO NOTHING
                """, .text(record.space), .text(record.account), .text(record.folder),
                .optional(record.seed),
                .optional(record.invitation), .optional(record.role?.rawValue),
                .optional(record.member), .optional(bits: record.until), .bits(record.bootID),
                .bits(record.since), .bits(record.deadline))
            hasShares = true
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Keeps what has changed of a share that is still there.
    func update(_ record: ShareRecord) throws(ToteError) {
        do {
            try database.run(
                """
                UPDATE shares SET invitation = ?2, role = ?3, member = ?4, until = ?5, boot = ?6,
                    since = ?7, deadline = ?8
                WHERE space = ?1 AND account = ?9 AND ended = 0
                """, .text(record.space), .optional(record.invitation),
                .optional(record.role?.rawValue), .optional(record.member),
                .optional(bits: record.until), .bits(record.bootID), .bits(record.since),
                .bits(record.deadline), .text(record.account))
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Marks a share as ended: nobody opens it from here on, and the next start removes it,
    /// whatever comes between.
    func end(_ record: ShareRecord) throws(ToteError) {
        do {
            try database.run(
                "UPDATE shares SET ended = 1 WHERE space = ?1 AND account = ?2",
                .text(record.space), .text(record.account))
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// The file of a share's documents, in its own directory.
    func documents(of record: ShareRecord) -> String {
        "\(path(share: record))/account-\(Self.accountName(customer: record.space)).sqlite"
    }

    func removeFiles(of record: ShareRecord) throws {
        let path = path(share: record)
        if FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
    }

    /// Removes all that is here of a share; its documents first.
    func remove(_ record: ShareRecord) throws(ToteError) {
        do {
            try removeFiles(of: record)
            let database = try database
            try database.run(
                "DELETE FROM shares WHERE space = ?1 AND account = ?2", .text(record.space),
                .text(record.account))
            try database.checkpoint(truncating: true)
        } catch let error as ToteError {
            throw error
        } catch {
            throw ToteError.storage(error)
        }
    }
}
