internal import ToteCore
internal import ToteSQLite

/// Copies of a data file: made while the server works, checked before they are announced.
package enum Backup {
    /// Writes a consistent copy of the data file at `path` to `target`, marked as a backup.
    ///
    /// Runs on a connection of its own and blocks no writer. The target appears only when it is
    /// whole: the caller renames it after this returned. Checks the copy as `Verifier` does.
    /// - Throws: when the copy cannot be made or is not sound; the partial file is left to the
    ///   caller.
    package static func make(of path: String, at target: String) throws -> Verifier.Report {
        do {
            var options = Database.Options()
            options.access = .readOnly
            let source = try Database(path: path, options: options)
            try source.run("VACUUM INTO ?", .text(target))
        }
        do {
            let copy = try ServerStore(path: target)
            try copy.database.transaction { try copy.setMeta("is_backup", 1) }
            try copy.database.execute("PRAGMA journal_mode=DELETE")
        }
        let report = try Verifier.verify(path: target)
        guard report.faults.isEmpty else {
            throw StoreError.corrupt("the copy has faults: \(report.faults[0])")
        }
        return report
    }
}
