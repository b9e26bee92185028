import Glibc
package import ToteCore
package import ToteServer

/// Backups as files: written beside their place, checked, made durable, then renamed.
package enum BackupFile {
    /// Writes a backup of the data file at `path` to `target`, which must not exist.
    ///
    /// - Throws: when it cannot be made or is not sound; no file is left at `target` then.
    package static func make(of path: String, at target: String) throws -> Verifier.Report {
        guard access(target, F_OK) != 0 else {
            throw ServiceError.directory("\(target) exists: name a new file")
        }
        let partial = target + ".partial"
        unlink(partial)
        // SQLite does not say why it cannot make a file.
        let probe = open(partial, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        guard probe >= 0 else {
            throw ServiceError.directory(
                "\(target) cannot be made: \(String(cString: strerror(errno)))")
        }
        close(probe)
        unlink(partial)
        do {
            let report = try Backup.make(of: path, at: partial)
            try publish(partial, as: target)
            return report
        } catch {
            for suffix in ["", "-wal", "-shm", "-journal"] { unlink(partial + suffix) }
            throw error
        }
    }

    /// Copies a backup into an empty data directory; the server starts a new epoch on it. Customers
    /// who were erased since are erased again, and rights that were taken away since are taken away
    /// again.
    ///
    /// - Parameter list: the list of who was erased, of the directory that is given up; the one
    ///   that is in this directory counts, too.
    /// - Throws: when the backup is not sound or the directory holds data; the directory is as it
    ///   was then.
    package static func restore(
        _ backup: String, into directory: DataDirectory, erased list: String? = nil
    ) throws -> (report: Verifier.Report, taken: Server.TakenAgain) {
        let report = try Verifier.verify(path: backup)
        guard report.faults.isEmpty else {
            throw ServiceError.store(
                code: "corrupt_file", "\(backup) has faults: \(report.faults[0])")
        }
        try directory.make()
        let lock = try directory.lock()
        defer { withExtendedLifetime(lock) {} }
        guard !directory.holdsData else {
            throw ServiceError.directory(
                "\(directory.path) holds data: move it away, or name another directory")
        }
        var erased = try directory.erasures()
        if let list {
            let other = try directory.erasures(at: list)
            for entry in other.entries where !erased.contains(entry) {
                try directory.keep(entry)
                erased.insert(entry)
            }
            let known = Set(erased.rights)
            let rights = other.rights.filter { !known.contains($0) }
            if !rights.isEmpty { try directory.keep(rights) }
            for right in rights { erased.insert(right) }
        }
        let partial = directory.filePath + ".partial"
        for suffix in ["", "-wal", "-shm"] { unlink(directory.filePath + suffix) }
        unlink(partial)
        _ = try Backup.make(of: backup, at: partial)
        try publish(partial, as: directory.filePath)
        guard !erased.isEmpty else { return (report, Server.TakenAgain()) }
        let server = try Server(
            store: ServerStore(path: directory.filePath), random: SystemClock.randomBits)
        server.keepErasure = { try directory.keep($0) }
        server.keepRights = { try directory.keep($0) }
        let taken = try server.eraseAgain(erased, at: SystemClock.nowMilliseconds())
        try server.truncateLog()
        return (report, taken)
    }

    /// Makes a finished file durable and gives it its name.
    private static func publish(_ partial: String, as target: String) throws {
        let descriptor = open(partial, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            close(descriptor)
            throw ServiceError.directory("\(partial) cannot be made durable")
        }
        close(descriptor)
        guard rename(partial, target) == 0 else {
            throw ServiceError.directory(
                "\(target) cannot be written: \(String(cString: strerror(errno)))")
        }
        let folder = target.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        let directory = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }

    /// A report as the commands print it.
    package static func value(
        _ report: Verifier.Report, path: String, _ others: [Value.Entry] = []
    ) -> Value {
        .map(
            [
                Value.Entry("path", .text(path)), Value.Entry("spaces", .int(Int64(report.spaces))),
                Value.Entry("batches", .int(Int64(report.batches))),
                Value.Entry("events", .int(Int64(report.events))),
                Value.Entry("orders", .int(Int64(report.orders))),
                Value.Entry("accounts", .int(Int64(report.accounts))),
                Value.Entry("entries", .int(Int64(report.entries))),
                Value.Entry("tokens", .int(Int64(report.tokens))),
                Value.Entry("faults", .array(report.faults.map { .text($0) })),
            ] + others)
    }
}
