internal import ToteCore

/// One space as the server holds it in memory: its documents, its replicas, the end of its log.
///
/// Everything in it can be read again from the file; after a storage error it is dropped.
/// Invariants: (S1) the log's positions have no gap; (S2) a counter is in its replica's context
/// exactly when it was judged.
final class Space {
    /// In the file; 0 until something was judged here.
    private(set) var number: UInt64
    let name: String
    var documents = Documents()
    /// The last position of the log.
    var position: UInt64 = 0
    /// Hybrid: never behind the highest time accepted here.
    var clock = HybridClock()
    var replicas: [ReplicaID: ReplicaRecord] = [:]
    /// Those whose row in the file lags behind: the log's rows tell the rest.
    private var unsaved: Set<ReplicaID> = []
    var rejections: [LoggedRejection] = []
    /// Events up to here are gone from the log; only their fates are kept.
    var trimmed: UInt64 = 0
    var snapshotPosition: UInt64 = 0
    /// The latest rows, so that a reply to a push needs no read.
    var tail: [TailRow] = []
    /// Writes that were named by a `replaces` before they arrived: only after a restore. They are
    /// stripped.
    var awaited: [Dot: Set<Key>] = [:]
    /// Where each nonce was judged, and what it is an alias of; built when first needed.
    var index: Index?
    var covered: (backup: UInt64, position: UInt64)?
    /// What its orders took of the carts; read when first needed.
    var orders: OrderIndex?
    /// Its customer's accounts; read when first needed.
    var ledger: CustomerLedger?
    /// Devices that came since this was read, and had nothing to resend any more.
    var heardFrom: Set<ReplicaID> = []
    /// For the cache: when it was used last.
    var lastUse: UInt64 = 0

    static let tailRowsMax = 16

    struct TailRow {
        var row: LogRow
        /// What its author is told.
        var judgements: [Judgement]
    }

    struct Index {
        var dots: [Nonce: Dot] = [:]
        var aliases: [Dot: Dot] = [:]
        /// Per replica: rows as (first counter, count, position), in the order of counters.
        var places: [ReplicaID: [(counter: UInt64, count: UInt64, position: UInt64)]] = [:]

        mutating func insert(_ row: LogRow, _ events: [Event]) {
            places[row.replica, default: []].append((row.counter, row.count, row.position))
            for event in events {
                if case .sameAs(let dot, _) = event.outcome {
                    aliases[event.dot] = dot
                } else if dots[event.change.nonce] == nil {
                    dots[event.change.nonce] = event.dot
                }
            }
        }
    }

    init(number: UInt64, name: String) {
        self.number = number
        self.name = name
    }

    /// Reads a space from the file: its snapshot, and the log behind it.
    ///
    /// - Parameter wasRestored: whether dots may be named before their changes arrive.
    init(number: UInt64, name: String, store: ServerStore, wasRestored: Bool) throws {
        self.number = number
        self.name = name
        if let facts = try store.spaceFacts(number) {
            trimmed = facts.trimmed
            awaited = try Self.awaited(facts.awaited)
        }
        if let (position, body) = try store.snapshot(space: number) {
            let snapshot = try Self.decode(body)
            guard snapshot.position == position else {
                throw StoreError.corrupt(
                    "a snapshot says \(snapshot.position), its row \(position)")
            }
            documents = snapshot.documents
            rejections = snapshot.rejections
            self.position = position
            snapshotPosition = position
        }
        for record in try store.replicas(space: number) { replicas[record.id] = record }
        for cell in documents.sortedCells() { clock.observe(cell.cell.time) }
        awaited = awaited.filter { !isJudged($0.key) }
        // Rows that tell of tickets are older than any restore: those tickets are void after it.
        let epoch = wasRestored ? 0 : try store.meta("epoch") ?? 0
        var more = true
        while more {
            let rows = try store.rows(space: number, from: position + 1, most: 256)
            more = rows.count == 256
            for row in rows {
                try replay(row, wasRestored)
                replayReplica(row, epoch: epoch)
            }
        }
    }

    /// Gives the space its place in the file, at the first thing that is judged in it.
    func store(in store: ServerStore) throws {
        if number == 0 { number = try store.makeSpace(name) }
    }

    private static func decode(_ body: [UInt8]) throws -> Snapshot {
        do {
            return try Encoding.cbor.snapshot(body)
        } catch {
            throw StoreError.corrupt("a snapshot: \(error.message)")
        }
    }

    /// Applies a row that was judged before.
    private func replay(_ row: LogRow, _ wasRestored: Bool) throws {
        guard row.position == position + 1 else {
            throw StoreError.corrupt("S1: position \(position + 1) is missing from \(name)")
        }
        let run = try row.run()
        for event in run.events {
            awaited[event.dot] = nil
            if wasRestored, event.outcome == .accepted { noteAwaited(event.change) }
            apply(event)
        }
        position = row.lastPosition
        tail.append(TailRow(row: row, judgements: run.events.map(\.judgement)))
        if tail.count > Self.tailRowsMax { tail.removeFirst() }
    }

    /// Does to a replica's record what the batch of a row did.
    private func replayReplica(_ row: LogRow, epoch: UInt64) {
        guard let ticket = row.ticket else { return }
        var record =
            replicas[row.replica]
            ?? ReplicaRecord(id: row.replica, family: row.replica, seen: row.time)
        guard row.position > record.position else { return }
        record.context.insert(row.counter...row.counter + row.count - 1)
        record.note(
            ticket: ticket, epoch: epoch, digest: row.digest ?? 0, counter: row.counter,
            count: row.count, at: row.time)
        replicas[row.replica] = record
        unsaved.insert(row.replica)
    }

    /// Writes what is known of a replica into the file.
    func save(_ id: ReplicaID, in store: ServerStore) throws {
        unsaved.remove(id)
        replicas[id]?.position = position
        if let record = replicas[id] { try store.setReplica(record, space: number) }
    }

    /// Writes what the log behind a new snapshot will no longer tell.
    func saveReplicas(in store: ServerStore) throws {
        for id in unsaved.sorted() { try save(id, in: store) }
    }

    /// Takes a judged event into the state.
    func apply(_ event: Event) {
        switch event.outcome {
        case .accepted:
            documents.apply(event.change, dot: event.dot)
            clock.observe(event.change.time)
        case .rejected(let rejection):
            rejections.append(
                LoggedRejection(
                    dot: event.dot, nonce: event.change.nonce, time: event.change.time,
                    rejection: rejection))
        case .sameAs: break
        }
    }

    /// Puts a judged row at the end of the log.
    func append(_ row: LogRow, _ events: [Event], store: ServerStore) throws {
        precondition(row.position == position + 1, "S1: \(row.position) after \(position)")
        precondition(row.lastPosition < ServerStore.positionMax, "the log is full")
        try store.append(row, space: number)
        position = row.lastPosition
        tail.append(TailRow(row: row, judgements: events.map(\.judgement)))
        if tail.count > Self.tailRowsMax { tail.removeFirst() }
        index?.insert(row, events)
        if row.ticket != nil { unsaved.insert(row.replica) }
    }

    /// Appends changes of the server's own: what became of an order.
    ///
    /// - Parameter time: what its registers and bases are stamped with; the server's own without.
    func writeOwn(
        _ writes: [Write], by judge: Judge, time: Timestamp? = nil
    ) throws {
        let (epoch, now, store) = (judge.epoch, judge.now, judge.store)
        let own = ReplicaID(epoch)
        for start in stride(from: 0, to: writes.count, by: Limits.writesPerChangeMax) {
            let part = Array(writes[start..<min(start + Limits.writesPerChangeMax, writes.count)])
            var record = replicas[own] ?? ReplicaRecord(id: own, family: own, seen: now)
            let dot = Dot(own, record.context.last + 1)
            record.context.insert(dot.counter)
            record.epoch = epoch
            record.seen = now
            replicas[own] = record
            let change = Change(
                nonce: judge.randomBits(), time: time ?? clock.stamp(atMilliseconds: now),
                writes: part)
            let event = Event(dot: dot, change: change, outcome: .accepted)
            let body = Encoding.cbor.encode(
                Run(replica: own, counter: dot.counter, events: [event]))
            if judge.wasRestored { noteAwaited(change) }
            apply(event)
            // No ticket was given: the number only says that the row tells of its replica.
            try append(
                LogRow(
                    position: position + 1, count: 1, replica: own, counter: dot.counter,
                    time: now, digest: Run.shortDigest(SHA256.digest(body)), ticket: 0,
                    body: body), [event], store: store)
        }
    }

    /// Whether a device has not yet come since the restore that began the epoch, or is still
    /// resending what the server may lack. Devices go by their families.
    ///
    /// - Parameter start: those that were not seen since are taken for gone.
    func isAnyDeviceAwaited(_ epoch: UInt64, seenSince start: UInt64) -> Bool {
        // The server's own ids, and those that never pushed, were given no ticket.
        let devices = replicas.values.filter { $0.ticket != 0 && $0.seen >= start }
        let heard = Set(
            devices.filter { $0.epoch == epoch || heardFrom.contains($0.id) }.map(\.family))
        return !devices.allSatisfy { heard.contains($0.family) }
    }

    /// Whether it is a store's, and not a customer's.
    var isCustomer: Bool {
        name.utf8.starts(with: "customer:".utf8) || name.hasPrefix(Server.erasedKind)
    }
    var isStore: Bool { name.utf8.starts(with: "store:".utf8) }
    /// The part of its name behind the kind.
    var id: String { String(name.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst()) ?? "" }

    /// What this customer's orders took, read from the table at the first call.
    func orderIndex(_ store: ServerStore) throws -> OrderIndex {
        if let orders { return orders }
        var made = OrderIndex()
        for row in try store.consumedCells(space: number) {
            try made.read(row.id, isOpen: row.isOpen, cells: row.cells)
        }
        orders = made
        return made
    }

    /// The index of nonces, aliases and rows, read from the log at the first call.
    func indexed(_ store: ServerStore) throws -> Index {
        if let index { return index }
        var made = Index()
        var next: UInt64 = 0
        while true {
            let rows = try store.rows(space: number, from: next, most: 256)
            for row in rows {
                made.insert(row, try row.run().events)
                next = row.lastPosition + 1
            }
            if rows.count < 256 { break }
        }
        index = made
        return made
    }

    /// What became of a dot, or `nil` when its fate is no longer kept.
    func judgement(
        _ dot: Dot, store: ServerStore
    ) throws -> (judgement: Judgement, position: UInt64)? {
        for entry in tail where entry.row.replica == dot.replica {
            if entry.row.counter <= dot.counter, dot.counter - entry.row.counter < entry.row.count {
                let offset = dot.counter - entry.row.counter
                return (entry.judgements[Int(offset)], entry.row.position + offset)
            }
        }
        let places = try indexed(store).places[dot.replica] ?? []
        guard
            let place = places.first(where: {
                $0.counter <= dot.counter && dot.counter - $0.counter < $0.count
            }), let row = try store.rows(space: number, from: place.position, most: 1).first
        else { return nil }
        let offset = dot.counter - place.counter
        return (try row.run().events[Int(offset)].judgement, place.position + offset)
    }

    /// Whether another member of a replica's family has pushed: it was copied or rolled back, or
    /// both have taken in the same guest.
    func hasForked(_ replica: ReplicaRecord) -> Bool {
        replicas.values.contains {
            $0.family == replica.family && $0.id != replica.id && $0.context.last > 0
        }
    }

    /// Whether a code has carried changes that their device has not pushed itself. It may be a copy
    /// that has taken a new id, or have taken a guest in: a code does not say of whom, a push does.
    var hasUnannounced: Bool {
        replicas.values.contains {
            let isDevice = $0.ticket != 0 || $0.epoch == 0
            return isDevice && $0.context.last >= max($0.batchCounter + $0.batchCount, 1)
        }
    }

    /// Remembers which unjudged dots a change replaces.
    func noteAwaited(_ change: Change) {
        for write in change.writes {
            for dot in write.replaces where !isJudged(dot) {
                // Bounded: a client may name dots that never come.
                guard awaited.count < Limits.cellsPerSpaceMax || awaited[dot] != nil else {
                    return
                }
                awaited[dot, default: []].insert(write.key)
            }
        }
    }

    func isJudged(_ dot: Dot) -> Bool {
        replicas[dot.replica]?.context.contains(dot.counter) ?? false
    }

    // The awaited writes as bytes: a CBOR value [[replica hex, counter, [[collection, item,
    // field]…]]…].

    var awaitedBytes: [UInt8]? {
        guard !awaited.isEmpty else { return nil }
        let entries = awaited.sorted { $0.key < $1.key }.map { dot, keys -> Value in
            .array([
                .text(Hex.string(dot.replica.rawValue)), .int(Int64(dot.counter)),
                .array(
                    keys.sorted().map { key in
                        .array([
                            .text(key.collection.text), .text(key.item.text), .text(key.field.text),
                        ])
                    }),
            ])
        }
        return Encoding.cbor.encode(.array(entries))
    }

    private static func awaited(_ bytes: [UInt8]?) throws -> [Dot: Set<Key>] {
        guard let bytes else { return [:] }
        guard case .array(let entries)? = try? Encoding.cbor.value(bytes) else {
            throw StoreError.corrupt("a space's awaited writes cannot be read")
        }
        var awaited: [Dot: Set<Key>] = [:]
        for entry in entries {
            guard case .array(let parts) = entry, parts.count == 3,
                let replica = parts[0].textValue.flatMap(Hex.id), let counter = parts[1].intValue,
                case .array(let keys) = parts[2]
            else { throw StoreError.corrupt("a space's awaited writes cannot be read") }
            for case .array(let names) in keys where names.count == 3 {
                let texts = names.compactMap(\.textValue).map { Name($0) }
                guard texts.count == 3 else { continue }
                awaited[Dot(ReplicaID(replica), UInt64(counter)), default: []].insert(
                    Key(texts[0], texts[1], texts[2]))
            }
        }
        return awaited
    }
}
