internal import CSQLite

/// What SQLite refused or failed to do.
///
/// After an error inside a transaction the transaction is rolled back by whoever began it. An error
/// from COMMIT means that the outcome is unknown until the file is opened again.
package struct SQLiteError: Error, Hashable, CustomStringConvertible {
    /// SQLite's extended result code.
    package var code: Int32
    /// SQLite's own words, with what was being done. Never holds bound values.
    package var message: String

    package init(code: Int32, message: String) {
        self.code = code
        self.message =
            code == PageChecksums.damaged
            ? "\(message): a page of the file is not what was written" : message
    }

    /// The primary result code: the low 8 bits.
    package var primary: Int32 { code & 0xFF }
    package var isBusy: Bool { primary == SQLITE_BUSY || primary == SQLITE_LOCKED }
    package var isFull: Bool { primary == SQLITE_FULL }
    package var isCorrupt: Bool {
        primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || code == PageChecksums.damaged
    }
    package var isNoDatabase: Bool { primary == SQLITE_NOTADB }
    package var isCannotOpen: Bool { primary == SQLITE_CANTOPEN }
    /// A journal beside the file must be played back first, which a reader may not.
    package var isUnfinished: Bool { code == SQLITE_READONLY | 3 << 8 }
    package var isConstraint: Bool { primary == SQLITE_CONSTRAINT }

    package var description: String { "SQLite \(code): \(message)" }
}
