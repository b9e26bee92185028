internal import ToteClient
internal import ToteCore
internal import ToteServer
package import ToteSQLite

// The disks of a day, under the production files: what was not synced is lost with the power,
// writes are torn, room runs out, and operations fail once.
/// All that a process keeps: a file in memory, or on a disk that fails.
enum Drive {
    case image([UInt8])
    case disk(SimulatedDisk)
}

/// The release before this one.
package enum FormerRelease {
    /// Makes a server's file one of its own, without what only this one has in it.
    package static func takeBack(_ database: Database) throws {
        for table in ["offers", "offer_customers", "invitations", "share_members", "shares"] {
            try database.execute("DROP TABLE \(table)")
        }
        try database.execute("PRAGMA user_version=7")
    }
}

extension Phone {
    /// A copy of its disk as it is now.
    var drive: Drive {
        get throws { try disk.map { .disk($0.copy()) } ?? .image(replica.image()) }
    }
}

extension Day {
    /// What every file is called on its own disk.
    static let file = "file"
    /// How many operations a disk may do before the one that fails.
    private static let operationsMax = 60

    /// The disk of a device that nobody has used.
    var emptyDrive: Drive {
        options.hasDisks ? .disk(SimulatedDisk()) : .image(WorldImages.device)
    }

    /// A device that starts on a copy of what another one had on its disk.
    func newReplica(_ drive: Drive) throws -> (Replica, SimulatedDisk?) {
        let ids = ids
        switch drive {
        case .image(let image):
            return (try Replica(image: image, in: site.pool, random: { ids.next() }), nil)
        case .disk(let disk):
            let disk = disk.copy()
            return (try Replica(disk: disk, path: Self.file, random: { ids.next() }), disk)
        }
    }

    /// The app's process ended at once, and starts again on its file.
    func restart(_ phone: Phone, losingPower: Bool) throws {
        let random = losingPower ? { self.drawBits(.powerLost) } : nil
        if let disk = phone.disk {
            (phone.replica, phone.disk) = try newReplica(.disk(disk.restarted(losing: random)))
        } else {
            phone.replica = try Replica(after: phone.replica, random: { [ids] in ids.next() })
        }
        noteLeases(phone)
        noteUnsure(phone)
    }

    /// What a device's core reads and writes for its machine, which is told when the disk failed,
    /// as the app's shell does.
    func storing<Result>(
        _ phone: Phone, _ id: SyncMachine.ID, _ body: () throws(ToteError) -> Result
    ) throws -> Result? {
        do throws(ToteError) {
            return try body()
        } catch {
            guard error.code == .storage else { throw error }
            try feed(phone, .failed(id, .notSaved(error)))
            return nil
        }
    }

    func drawBits(_ fault: Fault) -> UInt64 { UInt64(draw(fault, below: .max)) }

    /// A disk is full from now on, or one of its next operations fails.
    func fail(_ disk: SimulatedDisk?, _ fault: Fault) {
        guard let disk else { return }
        if fault == .diskFull || fault == .serverDiskFull {
            disk.failures[.write] = .init(count: .max, isFull: true)
            return
        }
        let operations = SimulatedDisk.Operation.allCases
        disk.failures[operations[draw(fault, below: operations.count)]] = .init(
            after: draw(fault, below: Self.operationsMax), count: 1 + draw(fault, below: 3))
    }

    /// The server's file as the release before this one left it: the next start migrates it.
    func formerRelease() throws -> Drive {
        guard let disk = site.disk?.copy() else {
            let database = try Database(path: ":memory:")
            try database.load(image: site.server.image())
            try FormerRelease.takeBack(database)
            return .image(try database.image())
        }
        disk.failures = [:]
        try FormerRelease.takeBack(site.store(on: .disk(disk)).database)
        return .disk(disk)
    }

    func mendDisks() {
        for disk in phones.map(\.disk) + [site.disk] { disk?.failures = [:] }
    }

    /// Somebody made room meanwhile; and the app writes back its WAL.
    func emptyDisk(_ phone: Phone) {
        guard let disk = phone.disk else { return }
        if disk.failures[.write]?.isFull ?? false { disk.failures[.write] = nil }
        try? phone.replica.checkpoint()
    }

    /// What the server's process does when nobody asks for anything, on a disk that has room again.
    func lookAfterFile() {
        if let disk = site.disk, disk.failures[.write]?.isFull ?? false {
            disk.failures[.write] = nil
        }
        _ = try? atServer { try site.server.settle() }
        if site.disk != nil { try? site.server.checkpoint() }
    }
}
