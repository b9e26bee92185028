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
    /// The file of the account that shares it; empty for a store's device.
    let account: String
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
                space TEXT PRIMARY KEY, account TEXT NOT NULL, seed TEXT, invitation TEXT,
                role TEXT, member TEXT, until INTEGER, boot INTEGER NOT NULL,
                since INTEGER NOT NULL, deadline INTEGER NOT NULL,
                ended INTEGER NOT NULL DEFAULT 0
            ) STRICT
            """)
    }

    func path(share space: String) -> String {
        "\(directory)/share-\(Self.accountName(customer: space))"
    }

    /// Those that are not ended.
    ///
    /// - Parameter account: of this one alone; `nil` for all.
    func shares(of account: String? = nil) throws(ToteError) -> [ShareRecord] {
        do { return try shares(of: account, ended: false) } catch { throw ToteError.storage(error) }
    }

    /// Those that are to be removed, and were not yet.
    func endedShares() throws(ToteError) -> [ShareRecord] {
        do { return try shares(of: nil, ended: true) } catch { throw ToteError.storage(error) }
    }

    private func shares(of account: String?, ended: Bool) throws -> [ShareRecord] {
        try database.rows(
            """
            SELECT space, account, seed, invitation, role, member, until, boot, since, deadline
            FROM shares WHERE (?1 IS NULL OR account = ?1) AND ended = ?2 ORDER BY space
            """, .optional(account), .int(ended ? 1 : 0)
        ) { row in
            var record = ShareRecord(space: row.text(0), account: row.text(1))
            record.seed = row.optionalText(2)
            record.invitation = row.optionalText(3)
            record.role = row.optionalText(4).flatMap(Share.Role.init(rawValue:))
            record.member = row.optionalText(5)
            record.until = row.optionalBits(6)
            record.bootID = row.bits(7)
            record.since = row.bits(8)
            record.deadline = row.bits(9)
            return record
        }
    }

    /// Adds a share; one that is there stays as it is.
    func add(_ record: ShareRecord) throws(ToteError) {
        do {
            try database.run(
                """
                INSERT INTO shares VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0)
                ON CONFLICT (space) DO NOTHING
                """, .text(record.space), .text(record.account), .optional(record.seed),
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
                WHERE space = ?1 AND ended = 0
                """, .text(record.space), .optional(record.invitation),
                .optional(record.role?.rawValue), .optional(record.member),
                .optional(bits: record.until), .bits(record.bootID), .bits(record.since),
                .bits(record.deadline))
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Marks a share as ended: nobody opens it from here on, and the next start removes it,
    /// whatever comes between.
    func endShare(_ space: String) throws(ToteError) {
        do {
            try database.run("UPDATE shares SET ended = 1 WHERE space = ?", .text(space))
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// The file of a share's documents, in its own directory.
    func documents(ofShare space: String) -> String {
        "\(path(share: space))/account-\(Self.accountName(customer: space)).sqlite"
    }

    /// Removes all that is here of a share; its documents first.
    func removeShare(_ space: String) throws(ToteError) {
        do {
            let path = path(share: space)
            if FileManager.default.fileExists(atPath: path) {
                try FileManager.default.removeItem(atPath: path)
            }
            let database = try database
            try database.run("DELETE FROM shares WHERE space = ?", .text(space))
            try database.checkpoint(truncating: true)
        } catch let error as ToteError {
            throw error
        } catch {
            throw ToteError.storage(error)
        }
    }
}
