internal import ToteCore

/// Builds the pull half of a reply: events since the cursor, or a page of a snapshot (Protocol
/// §5.4).
struct Puller {
    let space: Space
    let store: ServerStore
    let grant: Grant
    let epoch: UInt64
    let covered: UInt64

    /// What a reply carries, beside the fates.
    struct Pulled {
        var cursor: Cursor
        var runs: [ReplyWriter.Source] = []
        var snapshot: Snapshot?
        var hasMore = false
    }

    /// - Parameter pinned: the documents of the snapshot's position, when a page of one is asked
    ///   for.
    func pull(_ request: SyncRequest, whole: Bool, pins: inout SnapshotPins) throws -> Pulled {
        let from = request.cursor?.position ?? 0
        if from == 0 || from < space.trimmed || request.page != nil {
            return snapshotPage(request.page, pins: &pins)
        }
        return try events(after: from, author: request.replica, whole: whole)
    }

    /// Whether a reply ends before a row: it has enough, and the row does not belong to the one
    /// before. What the server writes for an order stands right behind the order, and a device that
    /// has one without the other would show the lines in the cart again.
    private func ends(before row: LogRow, bytes: Int) -> Bool {
        bytes >= Limits.replyBytesTarget
            && (row.replica != ReplicaID(epoch) || bytes >= 3 * Limits.replyBytesTarget)
    }

    private func events(after from: UInt64, author: ReplicaID, whole: Bool) throws -> Pulled {
        var pulled = Pulled(cursor: Cursor(epoch: epoch, position: from))
        var bytes = 0
        if let first = space.tail.first, first.row.position <= from + 1 {
            for entry in space.tail where entry.row.lastPosition > from {
                guard !ends(before: entry.row, bytes: bytes) else { break }
                bytes += entry.row.body.count
                pulled.runs.append(try source(entry.row, entry.judgements, author, whole))
                pulled.cursor.position = entry.row.lastPosition
            }
        } else {
            // A row holds 100 events at most: the one that holds the next position starts no
            // earlier.
            let start = from + 2 > 100 ? from + 2 - 100 : 1
            var next = start
            reading: while next <= space.position {
                let rows = try store.rows(space: space.number, from: next, most: 32)
                for row in rows {
                    next = row.lastPosition + 1
                    guard row.lastPosition > from else { continue }
                    guard !ends(before: row, bytes: bytes) else { break reading }
                    bytes += row.body.count
                    pulled.runs.append(try source(row, nil, author, whole))
                    pulled.cursor.position = row.lastPosition
                }
                if rows.isEmpty { break }
            }
        }
        pulled.hasMore = pulled.cursor.position < space.position
        return pulled
    }

    /// A row as this reader gets it: its author by nonces, a limited reader without what it may not
    /// see.
    private func source(
        _ row: LogRow, _ judgements: [Judgement]?, _ author: ReplicaID, _ whole: Bool
    ) throws -> ReplyWriter.Source {
        if row.replica == author, !whole, let digest = row.digest {
            return .acknowledged(
                try judgements ?? row.run().events.map(\.judgement), first: row.first,
                position: row.position, digest: digest)
        }
        guard !grant.readsAll else { return .stored(row.body, position: row.position) }
        var run = try row.run()
        for index in run.events.indices { hide(&run.events[index]) }
        return .made(run)
    }

    /// Takes out of an event what its reader may not see: writes, and whatever could tell of them.
    private func hide(_ event: inout Event) {
        let count = event.change.writes.count
        event.change.writes.removeAll { write in
            !grant.mayRead(write.key.collection)
                || (write.payload.map { !grant.mayRead($0, in: write.key.collection) } ?? false)
        }
        if event.change.writes.count < count || event.outcome != .accepted {
            event.change.extensions = []
        }
        if event.change.intent != nil {
            let collection = event.change.readableIntent?.collection ?? Reserved.orders
            if !grant.mayRead(collection) { event.change.intent = nil }
        }
        switch event.outcome {
        case .accepted: break
        case .rejected(let rejection): event.outcome = .rejected(Rejection(code: rejection.code))
        case .sameAs(let dot, let rejection):
            event.outcome = .sameAs(dot, rejection: rejection.map { Rejection(code: $0.code) })
        }
    }

    private func snapshotPage(
        _ page: SyncRequest.Page?, pins: inout SnapshotPins
    ) -> Pulled {
        var pin = SnapshotPins.Pin(
            space: space.number, position: space.position, documents: space.documents,
            rejections: Array(space.rejections.suffix(Limits.rejectionsPerSnapshotMax)))
        var first = 0
        if let page {
            // A pin that is gone starts the snapshot again at a new position, unless nothing has
            // come since.
            let held = pins.pin(space: space.number, position: page.position)
            if held != nil || page.position == space.position {
                pin = held ?? pin
                first = Int(min(page.next, UInt64(Int32.max)))
            }
        }
        var pulled = Pulled(cursor: Cursor(epoch: epoch, position: pin.position))
        var documents = Documents()
        var bytes = 0
        var next: Int?
        let items = pin.documents.sortedItems()
        for index in min(first, items.count)..<items.count {
            let (collection, item) = items[index]
            guard bytes < Limits.replyBytesTarget else {
                next = index
                break
            }
            guard grant.mayRead(collection) else { continue }
            for field in pin.documents.items(collection)[item]?.fields ?? [] {
                for cell in field.cells where grant.mayRead(cell.payload, in: collection) {
                    documents.insert(cell, at: Key(collection, item, field.name))
                    bytes += 24 + cell.payload.weightBytes
                }
                bytes += collection.byteCount + item.byteCount + field.name.byteCount
            }
        }
        var snapshot = Snapshot(position: pin.position, documents: documents)
        if first == 0 {
            snapshot.rejections = pin.rejections
            if !grant.readsAll {
                for index in snapshot.rejections.indices {
                    snapshot.rejections[index].rejection.details = .map([])
                }
            }
        }
        if let next {
            snapshot.next = UInt64(next)
            pins.hold(pin)
            pulled.hasMore = true
        } else if pin.position < space.position {
            pulled.hasMore = true
        }
        pulled.snapshot = snapshot
        return pulled
    }
}

extension Payload {
    /// About how many bytes it takes in a message.
    fileprivate var weightBytes: Int {
        switch self {
        case .register(let value), .other(_, let value): value.weightBytes
        case .base, .delta: 5
        case .flag: 1
        }
    }
}

/// Snapshots that are being paged: each stays at its position until a newer one needs the room.
///
/// The values share their storage with the live documents until those change.
struct SnapshotPins {
    struct Pin {
        let space: UInt64
        let position: UInt64
        let documents: Documents
        let rejections: [LoggedRejection]
    }

    /// How many are held; beyond it the oldest goes, and its reader starts anew.
    static let countMax = 16

    private var pins: [Pin] = []

    func pin(space: UInt64, position: UInt64) -> Pin? {
        pins.first { $0.space == space && $0.position == position }
    }

    mutating func hold(_ pin: Pin) {
        guard self.pin(space: pin.space, position: pin.position) == nil else { return }
        if pins.count == Self.countMax { pins.removeFirst() }
        pins.append(pin)
    }
}
