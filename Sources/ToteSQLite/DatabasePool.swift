internal import CSQLite

/// Connections to databases in memory whose owners are gone, for others that are to be loaded from
/// the image of a file with the same tables: to open one, to read its tables and to prepare its
/// statements takes longer than most of what a simulated world does with it. Confined to one
/// thread.
package final class DatabasePool {
    private var spares: [Kind: [Database]] = [:]

    package init() {}

    /// What tells files with the same tables apart from others: whose they are, and their version.
    /// (sqlite.org/fileformat.html, 1.3.13 and 1.3.14.)
    package struct Kind: Hashable, Sendable {
        private let bytes: [UInt8]

        package init(_ image: [UInt8]) {
            bytes = image.count < 72 ? [] : Array(image[60..<64] + image[68..<72])
        }
    }

    /// A database in memory with what is in an image.
    package func database(image: [UInt8]) throws(SQLiteError) -> Database {
        if let spare = spares[Kind(image)]?.popLast() {
            try spare.reload(image: image)
            return spare
        }
        let database = try Database(path: ":memory:")
        try database.load(image: image)
        return database
    }

    /// Takes a database that nobody uses any more.
    package func giveBack(_ database: Database, _ kind: Kind) {
        spares[kind, default: []].append(database)
    }
}
