#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif
internal import ToteSQLite

/// What a redeemer keeps outside its directory: a small file that is durable with each take.
///
/// A restore or a copy of the directory alone does not match it. One of both, to the same moment,
/// is not noticed here; the server sees two with one name.
final class RedeemerRecord {
    static let applicationID: Int64 = 0x546F_7452
    private let database: Database
    private(set) var mark: RedeemerMark?

    /// - Throws: `storage`, `storeUnusable`; a file that cannot be read is left as it is.
    init(path: String) throws(ToteError) {
        do {
            let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            if !parent.isEmpty {
                try FileManager.default.createDirectory(
                    atPath: parent.joined(separator: "/") + "/", withIntermediateDirectories: true)
            }
            database = try Database(path: path, options: Database.Options())
            let application = try database.applicationID()
            let version = try database.schemaVersion()
            guard application == Self.applicationID || (application == 0 && version == 0) else {
                throw ToteError(.storeUnusable, "\(path) is not a file of this library")
            }
            if version == 0 {
                let database = database
                try database.transaction { try Self.makeTable(database) }
            }
            mark = try database.row("SELECT incarnation, takes FROM mark") {
                RedeemerMark(incarnation: $0.bits(0), takes: $0.bits(1))
            }
        } catch {
            throw ToteError.storage(error)
        }
    }

    private static func makeTable(_ database: Database) throws {
        try database.execute(
            """
            CREATE TABLE mark (
                one INTEGER PRIMARY KEY CHECK (one = 1), incarnation INTEGER NOT NULL,
                takes INTEGER NOT NULL
            ) STRICT;
            PRAGMA application_id=\(applicationID);
            PRAGMA user_version=1;
            """)
    }

    /// Durable when it returns.
    func set(_ new: RedeemerMark) throws(ToteError) {
        guard new != mark else { return }
        do {
            try database.run(
                "INSERT OR REPLACE INTO mark VALUES (1, ?1, ?2)", .bits(new.incarnation),
                .bits(new.takes))
        } catch {
            throw ToteError.storage(error)
        }
        mark = new
    }
}
