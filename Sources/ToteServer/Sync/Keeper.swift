internal import ToteCore

/// Keeps a space's snapshot near the end of its log, and its log within the horizon (Protocol
/// §5.5).
struct Keeper {
    let store: ServerStore
    /// Milliseconds; the tests shorten them, the rule is the same.
    var horizonMilliseconds = Limits.horizonMilliseconds
    var fateMilliseconds = Limits.fateMilliseconds

    /// A snapshot is written when the log is this many events past the last one.
    static let eventsPerSnapshot: UInt64 = 512
    /// The log's events kept for pulling, however young.
    static let eventsMax: UInt64 = 50_000

    func isDue(_ space: Space) -> Bool {
        space.position - space.snapshotPosition >= Self.eventsPerSnapshot
    }

    /// Writes the snapshot of now and, when there is time for it, trims what is old.
    func keep(_ space: Space, now: UInt64, trims: Bool) throws {
        forgetOldRejections(space, now: now)
        if space.position > space.snapshotPosition {
            try space.saveReplicas(in: store)
            let snapshot = Snapshot(
                position: space.position, documents: space.documents,
                rejections: space.rejections)
            try store.setSnapshot(
                space: space.number, position: space.position, body: Encoding.cbor.encode(snapshot))
            space.snapshotPosition = space.position
        }
        if trims { try trim(space, now: now) }
        try store.setSpaceFacts(
            space.number, trimmed: space.trimmed, awaited: space.awaitedBytes)
    }

    private func forgetOldRejections(_ space: Space, now: UInt64) {
        let least = now - min(now, horizonMilliseconds)
        space.rejections.removeAll { $0.time.milliseconds < least }
        let surplus = space.rejections.count - Limits.rejectionsPerSnapshotMax
        if surplus > 0 { space.rejections.removeFirst(surplus) }
    }

    /// Strips rows behind the horizon to their fates, and deletes those whose fates are no longer
    /// kept.
    private func trim(_ space: Space, now: UInt64) throws {
        let horizon = now - min(now, horizonMilliseconds)
        let forgotten = now - min(now, fateMilliseconds)
        let surplus = space.position > Self.eventsMax ? space.position - Self.eventsMax : 0
        // What was stripped is looked at again only when the oldest of it is to be forgotten.
        let oldest = try store.rows(space: space.number, from: 1, most: 1).first
        var next = oldest.map { $0.time < forgotten } ?? false ? 1 : space.trimmed + 1
        var hasForgotten = false
        reading: while next <= space.snapshotPosition {
            let rows = try store.rows(space: space.number, from: next, most: 128)
            if rows.isEmpty { break }
            for row in rows {
                let isOld = row.time < horizon || row.lastPosition <= surplus
                guard isOld, row.lastPosition <= space.snapshotPosition else { break reading }
                next = row.lastPosition + 1
                if row.time < forgotten {
                    try store.remove(row, space: space.number)
                    hasForgotten = true
                } else if row.position > space.trimmed {
                    try store.replaceBody(try fatesOnly(row))
                }
                space.trimmed = max(space.trimmed, row.lastPosition)
            }
        }
        space.tail.removeAll { $0.row.position <= space.trimmed }
        if hasForgotten {
            space.index = nil
            try forgetOldReplicas(space, least: forgotten)
        }
    }

    private func fatesOnly(_ row: LogRow) throws -> LogRow {
        var stripped = row
        var run = try row.run()
        run.position = 0
        for index in run.events.indices {
            let change = run.events[index].change
            run.events[index].change = Change(nonce: change.nonce, time: change.time)
        }
        stripped.body = Encoding.cbor.encode(run)
        stripped.digest = nil
        return stripped
    }

    /// A replica that has not pushed for as long as fates are kept has nothing left to be answered.
    private func forgetOldReplicas(_ space: Space, least: UInt64) throws {
        for record in space.replicas.values where record.seen < least {
            space.replicas[record.id] = nil
            try store.removeReplica(record.id, space: space.number)
        }
    }
}
