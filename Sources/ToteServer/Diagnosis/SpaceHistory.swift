package import ToteCore
internal import ToteSQLite

/// The log of one space, read from a data file without changing it, also while a server writes.
///
/// Each call sees the file at one moment, and a later call a later one.
package final class SpaceHistory {
    /// A change as the log has it.
    package struct Entry: Sendable {
        package let position: UInt64
        /// When the server judged it: milliseconds since 1970.
        package let judgedAt: UInt64
        package let event: Event
        /// Whether the server itself made it: an order's step, an entry of the ledger.
        package let isServers: Bool
    }

    /// What the server knows of one installation of the client core.
    package struct Device: Sendable {
        package let id: ReplicaID
        /// The first id of its family; an id of its own until it forked.
        package let family: ReplicaID
        /// Counters that were judged.
        package let judged: CausalContext
        /// When it pushed last: milliseconds since 1970.
        package let seen: UInt64
    }

    /// What a space holds at one moment.
    package struct State {
        package let documents: Documents
        /// In the order of their ids.
        package let devices: [Device]
        /// The position of the first event that the log still has.
        package let first: UInt64
        /// The position of the last one.
        package let last: UInt64
    }

    let store: ServerStore
    let number: UInt64
    let name: String

    /// Opens a data file.
    ///
    /// - Returns: `nil` when it has no such space.
    /// - Throws: `StoreError`, and what SQLite says of a file that cannot be read.
    package init?(path: String, space: String) throws {
        var options = Database.Options()
        options.access = .readOnly
        store = try ServerStore(path: path, options: options)
        name = space
        guard let number = try store.spaceNumber(space) else { return nil }
        self.number = number
    }

    /// The names of the spaces that a data file holds, in the order in which they came.
    package static func spaces(path: String) throws -> [String] {
        var options = Database.Options()
        options.access = .readOnly
        return try ServerStore(path: path, options: options).spaceNames().map(\.name)
    }

    /// Entries behind a position, in order; at least `most` where there are so many.
    package func entries(after position: UInt64, most: Int) throws -> [Entry] {
        try atOneMoment {
            let epoch = ReplicaID(try store.meta("epoch") ?? 0)
            var entries: [Entry] = []
            // The row that a position lies in begins at it or before.
            let first = position + 1 - min(position, UInt64(Limits.changesPerBatchMax))
            var from = first
            while entries.count < most {
                let rows = try store.rows(space: number, from: from, most: 64)
                for row in rows where row.lastPosition > position {
                    for (index, event) in try row.run().events.enumerated() {
                        let place = row.position + UInt64(index)
                        guard place > position else { continue }
                        entries.append(
                            Entry(
                                position: place, judgedAt: row.time, event: event,
                                isServers: row.replica == epoch))
                    }
                }
                guard let last = rows.last, rows.count == 64 else { break }
                from = last.lastPosition + 1
            }
            return entries
        }
    }

    /// The position of the last event.
    package func last() throws -> UInt64 {
        try atOneMoment { try store.lastPosition(space: number, before: UInt64(Int64.max)) }
    }

    /// The order that a change placed, as it stands now.
    package func order(placedBy nonce: Nonce) throws -> Order? {
        try atOneMoment { try store.order(space: number, nonce: nonce)?.order }
    }

    /// What the space holds now.
    package func state() throws -> State {
        try atOneMoment {
            let epoch = ReplicaID(try store.meta("epoch") ?? 0)
            let space = try Space(number: number, name: name, store: store, wasRestored: false)
            // What the server itself writes is in the log, too.
            let replicas = space.replicas.values.filter { $0.id != epoch }
            let devices = replicas.sorted { $0.id < $1.id }.map {
                Device(id: $0.id, family: $0.family, judged: $0.context, seen: $0.seen)
            }
            return State(
                documents: space.documents, devices: devices, first: space.trimmed + 1,
                last: space.position)
        }
    }

    func atOneMoment<Result>(_ body: () throws -> Result) throws -> Result {
        try store.database.execute("BEGIN")
        defer { try? store.database.execute("COMMIT") }
        try store.readUnplaced()
        return try body()
    }
}
