package import ToteCore
internal import ToteSQLite

// What its owner does with the data file of a server.
extension Server {
    /// `beginBackup` in a group of its own.
    package func markBackup(at now: UInt64) throws -> UInt64 {
        try begin()
        let moment = try beginBackup(at: now)
        try commit()
        return moment
    }

    /// `noteBackup` in a group of its own.
    package func noteBackupAlone(begunAt time: UInt64) throws {
        try begin()
        try noteBackup(begunAt: time)
        try commit()
    }

    /// Brings the index of the log up to date; call it when idle, within a group.
    package func settle() throws {
        if store.hasUnplaced { try store.placeAll() }
    }

    /// Pages in the WAL after the last commit.
    package var walPages: Int { store.database.walPages }

    /// Writes the WAL back into the file. Only the thread that owns the server may.
    package func checkpoint() throws { try store.database.checkpoint() }

    /// Everything that was judged in a space and is still kept, in the order of the log.
    package func judgedEvents(space name: String) throws -> [Event] {
        guard let number = try store.spaceNumber(name) else { return [] }
        return try store.rows(space: number, from: 0, most: .max).flatMap { try $0.run().events }
    }

    /// The bytes of the data file as of the last commit.
    package func image() throws -> [UInt8] { try store.image() }
}
