#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif
package import ToteCore
internal import ToteSQLite

/// What the files of an installation hold, for who looks for the cause of something.
///
/// Reads a copy of the directory: opening a file brings it to the present version.
package struct Inspection: Sendable {
    /// One account's or guest's file.
    package struct File: Sendable {
        package let name: String
        /// Whether its documents are those that show.
        package let shows: Bool
        package let replica: ReplicaID?
        /// Ids that it had before it took a new one.
        package let formerly: [ReplicaID]
        package let nextCounter: UInt64
        /// Where it stands in the space's log; `nil` before the first exchange.
        package let cursor: Cursor?
        /// The position that the server's newest backup held, as it last said.
        package let covered: UInt64
        /// The batch under way: its first change and how many it has.
        package let batch: (first: Dot, count: Int)?
        package let outbox: [Pending]
        package let receipts: [Receipt]
        package let leases: [LeaseRecord]
        /// Of a store's redeemer: leases that it took something of.
        package let takenLeases: Int?
    }

    /// A change that has no event yet.
    package struct Pending: Sendable {
        package let dot: Dot
        package let state: Receipt.State
        package let label: String
        package let change: Change
    }

    /// The account that shows, as its file is named; `nil` for a guest.
    package let account: String?
    /// The number of the present guest's file.
    package let guest: Int64
    /// Guests whose documents the account has still to take in.
    package let adoptions: [Int64]
    package let files: [File]

    /// Reads the copy of an installation's directory.
    ///
    /// - Throws: `storeUnusable`, `storeTooNew`, `storage`.
    package init(copy directory: String) throws(ToteError) {
        guard FileManager.default.fileExists(atPath: "\(directory)/installation.sqlite") else {
            throw ToteError(.storage, "\(directory) has no installation.sqlite")
        }
        let installation = try Installation(directory: directory, survivesPowerCuts: false)
        defer { installation.close() }
        account = installation.account
        guest = installation.guest
        adoptions = try installation.adoptions().map(\.guest)
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw ToteError(.storage, "\(error)")
        }
        var files: [File] = []
        for name in names.sorted()
        where name.hasSuffix(".sqlite") && name != "installation.sqlite" {
            let path = "\(directory)/\(name)"
            do {
                files.append(
                    try File(path: path, name: name, shows: path == installation.path))
            } catch {
                throw ToteError.storage(error)
            }
        }
        self.files = files
    }
}

extension Inspection.File {
    fileprivate init(path: String, name: String, shows: Bool) throws {
        // A file that was only made has no id yet; the client core gives it one.
        let id = try ReplicaStore(path: path, options: Database.Options()).fact("replica")
        let replica = try Replica(path: path, survivesPowerCuts: false) { 0 }
        self.name = name
        self.shows = shows
        self.replica = id.map { ReplicaID($0) }
        formerly = replica.formerly
        nextCounter = replica.nextCounter
        cursor = replica.cursor
        covered = replica.covered
        batch = replica.batch.map { (Dot($0.replica, $0.counter), $0.events.count) }
        let receipts = try replica.store.receipts()
        self.receipts = receipts
        outbox = replica.outbox.filter { !$0.isJudged }.map { entry in
            let receipt = receipts.first { $0.id == Hex.string(entry.change.nonce) }
            return Inspection.Pending(
                dot: entry.dot, state: receipt?.state ?? .saved, label: receipt?.label ?? "",
                change: entry.change)
        }
        leases = LedgerDocuments.leases(in: replica.view.merged)
        takenLeases = replica.redeemer?.register.taken.count
    }
}
