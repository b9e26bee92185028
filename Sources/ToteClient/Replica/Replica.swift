package import ToteCore
package import ToteSQLite

/// One account's documents on one device: local edits, the outbox, and its half of the exchange.
///
/// Synchronous, over one file; no clock, no network, no randomness of its own. Owned by one actor
/// or thread. Invariants: (R1) outstanding changes of the present id have rising counters below
/// `nextCounter`; (R2) what is in memory is what the file says; (R3) a batch under way is in the
/// file before it is sent.
package final class Replica {
    let store: ReplicaStore
    let randomBits: () -> UInt64
    package internal(set) var id: ReplicaID
    var nextCounter: UInt64
    var nextSequence: UInt64
    var ticket: UInt64?
    package internal(set) var cursor: Cursor?
    var formerly: [ReplicaID]
    var wantsWhole: Bool
    /// The latest time seen or made.
    var clock: HybridClock
    /// What tells the server's time best, which need not be the last reply.
    var anchor: ClockAnchor?
    /// The server's time of the last reply, milliseconds; in memory only.
    var heard: UInt64?
    /// The stamp of the last change whose fate was told: later ones are stamped later.
    var lastStamp = Timestamp.zero
    /// A time that the server's clock had reached for certain when something was decided by it.
    var timeFloor: UInt64 = 0
    var outbox: [OutboxEntry] = []
    /// The batch under way.
    var batch: Run?
    package internal(set) var view: LocalView
    var snapshotPosition: UInt64
    var covered: UInt64
    /// The epoch that this device resends to, and the held run up to which it has.
    var resending: (epoch: UInt64, sequence: UInt64)?
    /// Pages of a snapshot that is not whole yet; in memory only.
    var pages: SnapshotPages?
    /// Whether an order was refused for what the catalogue says by now.
    var wantsCatalog = false
    /// Whether the kept catalogue may be another than the server's of the same version: versions
    /// repeat after a restore.
    var doubtsCatalog = false
    var catalogReader = CatalogReader.plain
    /// Where what is asked for here comes from.
    package var channel: Channel?
    /// The catalogue as it was read last.
    var keptCatalog: Catalog?
    /// Of a store's redeemer: what it has taken, and the key that it knows codes by.
    var redeemer: RedeemerState?
    /// What was asked for last to keep points ready, and when.
    var keptReady: KeptReady?
    /// Whether the memory may not be what the file says, because the file could not be read.
    var isStale = false
    /// Whether a body of `update` is under way.
    private var isUpdating = false
    var trimmed: Trimmed?
    /// How many steps the trace has, and their bytes; `nil` while none is kept.
    var traced: (steps: Int, bytes: Int)?
    /// Whether the memory was read anew since the last step, and what the network did since.
    var wasReloaded = false
    var networkEvents: [String] = []
    /// Changes whenever the view or a receipt does.
    package internal(set) var revision: UInt64 = 0

    /// How many changes may wait to be sent.
    package static let outboxMax = 10_000
    /// The confirmed state is written as a snapshot when this many events came after the last one.
    static let eventsPerSnapshot: UInt64 = 256
    static let acceptedReceiptsMax = 1_000
    /// When what is forgotten is looked for: by the hour, and by so many changes.
    static let trimMilliseconds: UInt64 = 3_600_000
    static let receiptsPerTrim: UInt64 = 100

    /// What was so when something was looked for that may be forgotten.
    struct Trimmed: Hashable {
        var snapshotPosition: UInt64
        var covered: UInt64
        var hour: UInt64
        var receipts: UInt64
    }

    struct SnapshotPages {
        var position: UInt64
        var documents: Documents
        var rejections: [LoggedRejection]
        var next: UInt64
    }

    /// Opens or makes the device's file.
    ///
    /// - Parameter survivesPowerCuts: whether what returned outlives a power cut, and not only the
    ///   process.
    /// - Throws: `storeUnusable`, `storeTooNew` or `storage`; the file is as it was.
    package convenience init(
        path: String, survivesPowerCuts: Bool = true, random: @escaping () -> UInt64
    ) throws(ToteError) {
        var options = Database.Options()
        options.syncsEveryCommit = survivesPowerCuts
        try self.init(store: ReplicaStore(path: path, options: options), random: random)
    }

    /// A device whose file is on a disk that may fail.
    package convenience init(
        disk: SimulatedDisk, path: String, random: @escaping () -> UInt64
    ) throws(ToteError) {
        var options = Database.Options()
        options.disk = disk
        options.isExclusive = true
        try self.init(store: ReplicaStore(path: path, options: options), random: random)
    }

    /// A device whose file is in memory, from the image of another: how a simulated world starts,
    /// kills, copies and rolls back devices.
    ///
    /// - Parameter image: what `image()` gave; `nil` for a new device.
    package convenience init(
        image: [UInt8]?, random: @escaping () -> UInt64
    ) throws(ToteError) {
        try self.init(store: ReplicaStore(image: image), random: random)
    }

    /// The same, on a connection of a world that is over where there is one.
    package convenience init(
        image: [UInt8], in pool: DatabasePool, random: @escaping () -> UInt64
    ) throws(ToteError) {
        try self.init(store: ReplicaStore(image: image, in: pool), random: random)
    }

    /// The next start of an app that ended at once and had its file in memory.
    package convenience init(
        after ended: Replica, random: @escaping () -> UInt64
    ) throws(ToteError) {
        try self.init(store: ReplicaStore(after: ended.store), random: random)
    }

    /// The bytes of the device's file as of the last change.
    package func image() throws(ToteError) -> [UInt8] {
        do { return try store.database.image() } catch { throw ToteError.storage(error) }
    }

    /// The bytes of a device's file that nobody has used: not even its id is drawn.
    package static func emptyImage() throws(ToteError) -> [UInt8] {
        let store = try ReplicaStore(image: nil)
        do { return try store.database.image() } catch { throw ToteError.storage(error) }
    }

    /// The nonces of all changes that this device could send again: its outbox and what it holds.
    package func heldNonces() throws(ToteError) -> Set<Nonce> {
        do {
            let runs = try store.heldRuns(after: 0, most: .max)
            return Set(outbox.map(\.change.nonce)).union(
                runs.flatMap { $0.run.events.map(\.change.nonce) })
        } catch {
            throw ToteError.storage(error)
        }
    }

    init(store: ReplicaStore, random randomBits: @escaping () -> UInt64) throws(ToteError) {
        self.store = store
        self.randomBits = randomBits
        id = ReplicaID(0)
        nextCounter = 1
        nextSequence = 1
        formerly = []
        wantsWhole = false
        clock = HybridClock()
        view = LocalView()
        snapshotPosition = 0
        covered = 0
        do {
            if try store.fact("replica") == nil {
                let fresh = randomBits() | 1
                try store.transaction { try store.setFact("replica", fresh) }
            }
            try load()
        } catch {
            throw ToteError.storage(error)
        }
    }

    /// Reads everything from the file: at the start, and after a transaction that failed.
    func load() throws {
        id = ReplicaID(try store.fact("replica") ?? 0)
        nextCounter = try store.fact("counter") ?? 1
        nextSequence = try store.lastSequence() + 1
        ticket = try store.fact("ticket")
        cursor = nil
        if let epoch = try store.fact("epoch") {
            cursor = Cursor(epoch: epoch, position: try store.fact("position") ?? 0)
        }
        formerly = Self.ids(try store.bytes("formerly") ?? [])
        wantsWhole = try store.fact("whole") == 1
        doubtsCatalog = try store.fact("catalog_doubt") == 1
        clock = HybridClock(latest: Timestamp(rawValue: try store.fact("clock") ?? 0))
        covered = try store.fact("covered") ?? 0
        resending = nil
        if let epoch = try store.fact("resend_epoch") {
            resending = (epoch, try store.fact("resend_sequence") ?? 0)
        }
        anchor = nil
        if let server = try store.fact("anchor_server") {
            anchor = ClockAnchor(
                serverMilliseconds: server,
                reading: ClockReading(
                    wallMilliseconds: try store.fact("anchor_wall") ?? 0,
                    uptimeMilliseconds: try store.fact("anchor_uptime") ?? 0,
                    bootID: try store.fact("anchor_boot") ?? 0))
        }
        heard = nil
        timeFloor = try store.fact("time_floor") ?? 0
        lastStamp = Timestamp(rawValue: try store.fact("stamped") ?? 0)
        redeemer = try store.redeemer()
        traced = try store.traceSize()
        wasReloaded = true
        var confirmed = Documents()
        snapshotPosition = 0
        if let snapshot = try store.snapshot() {
            confirmed = snapshot.documents
            snapshotPosition = snapshot.position
        }
        var position = snapshotPosition
        var more = true
        while more {
            let runs = try store.log(after: position, most: 256)
            more = runs.count == 256
            for run in runs {
                for event in run.events where event.outcome == .accepted {
                    confirmed.apply(event.change, dot: event.dot)
                }
                position = run.position
            }
        }
        outbox = try store.outbox()
        batch = try store.batch()
        pages = nil
        trimmed = nil
        keptCatalog = nil
        rebuildView(confirmed)
        isStale = false
    }

    /// Runs a body that writes the file and the memory; after an error the memory is read anew.
    /// Within the body of another one it is a part of that: all of it is written, or nothing.
    func update<Result>(_ body: () throws -> Result) throws(ToteError) -> Result {
        if isUpdating {
            do { return try body() } catch { throw ToteError.storage(error) }
        }
        try refresh()
        do {
            isUpdating = true
            defer { isUpdating = false }
            let result = try store.transaction(body)
            revision += 1
            return result
        } catch {
            // What failed may have changed the memory half-way; the file is the truth.
            isStale = true
            try refresh()
            throw ToteError.storage(error)
        }
    }

    /// Reads the memory anew where an earlier failure has left it half-changed, and the file could
    /// not be read either. Before anything is decided by what is in memory.
    ///
    /// - Throws: `storage` and its kin: it cannot be read still.
    func refresh() throws(ToteError) {
        guard isStale else { return }
        do { try load() } catch { throw ToteError.storage(error) }
    }

    func rebuildView(_ confirmed: Documents) {
        view = LocalView(
            confirmed: confirmed,
            pending: outbox.map(\.pending))
    }

    private static func ids(_ bytes: [UInt8]) -> [ReplicaID] {
        stride(from: 0, to: bytes.count, by: 8).map { start in
            ReplicaID(bytes[start..<min(start + 8, bytes.count)].reduce(0) { $0 << 8 | UInt64($1) })
        }
    }

    /// Names an id to the server as one that this replica had, until all was sent.
    func nameAsFormer(_ former: ReplicaID) throws {
        guard !formerly.contains(former) else { return }
        formerly = (formerly + [former]).suffix(Limits.formerIDsMax)
        try saveFormerly()
    }

    func saveFormerly() throws {
        try store.setBytes(
            "formerly",
            formerly.flatMap { id in
                withUnsafeBytes(of: id.rawValue.bigEndian) { Array($0) }
            })
    }

    /// Saves a change: durable when this returns.
    ///
    /// - Parameters:
    ///   - nonce: given only when a change moves here from a guest's file.
    ///   - floor: all that the guest had seen then; what this one has seen is not among it.
    ///   - alongside: writes to the file that must be durable with the change, or not at all.
    /// - Returns: the receipt's id, or `nil` when there is nothing to write.
    /// - Throws: `limit`, `outboxFull`, `storage`; nothing is saved then.
    @discardableResult
    package func commit(
        _ writes: [Write], intent: Intent? = nil, label: String = "", at reading: ClockReading,
        nonce: Nonce? = nil, floor guestFloor: Timestamp? = nil, channel: Channel? = nil,
        alongside: () throws -> Void = {}
    ) throws(ToteError) -> Nonce? {
        guard !writes.isEmpty || intent != nil else { return nil }
        if isStale {
            // What is to be written was drawn from it.
            try refresh()
            throw ToteError(.storage, "the file could not be read a moment ago: try again")
        }
        guard outbox.count < Self.outboxMax else {
            throw ToteError(
                .outboxFull, "\(outbox.count) changes wait to be sent: connect and sync first")
        }
        var change = Change(
            nonce: nonce ?? randomBits(), time: .zero, writes: writes, intent: intent?.value)
        if let intent {
            change.channel = intent.isOfStore == true ? .counter : channel ?? self.channel
        }
        if change.writesReserved {
            throw ToteError(.invalidArgument, "orders are written by the server alone")
        }
        if let rejection = change.refusal() {
            throw ToteError(
                .limit, "the change breaks a limit: \(rejection.code)", rejection: rejection)
        }
        for write in writes where view.unconfirmed(write.key).count >= Limits.unsentPerKeyMax {
            throw ToteError(
                .outboxFull,
                "\(Limits.unsentPerKeyMax) changes of one line wait to be sent: sync first")
        }
        let floor = guestFloor ?? clock.latest
        let entry = try update {
            let now =
                anchor.map { $0.serverMilliseconds(at: reading) } ?? reading.wallMilliseconds
            change.time = Timestamp(
                rawValue: max(floor.next.rawValue, Timestamp(milliseconds: now).rawValue))
            let entry = OutboxEntry(
                dot: Dot(id, nextCounter), change: change, reading: reading, floor: floor,
                state: .saved, isVisible: true)
            try store.insert(entry, sequence: nextSequence, label: label)
            try store.setFact("counter", nextCounter + 1)
            try alongside()
            let facts = guestFloor.map { ["floor": Value.text(Hex.string($0.rawValue))] } ?? [:]
            try note(.commit, facts, at: reading, body: ReplicaStore.body(entry))
            return entry
        }
        outbox.append(entry)
        nextCounter += 1
        nextSequence += 1
        view.append(entry.pending)
        return change.nonce
    }

    /// Takes back a change that no batch holds yet: it is emptied, and its receipt says
    /// `withdrawn`.
    ///
    /// - Throws: `notFound` when there is none, or it may be on its way already.
    package func withdraw(_ nonce: Nonce) throws(ToteError) {
        guard
            let index = outbox.firstIndex(where: {
                $0.change.nonce == nonce && $0.state == .saved
            })
        else {
            throw ToteError(.notFound, "no change with this id waits to be sent")
        }
        try update {
            var entry = outbox[index]
            entry.change.writes = []
            entry.change.intent = nil
            entry.state = .withdrawn
            try store.rewrite(entry)
            outbox[index] = entry
            try note(.withdraw, ["nonce": .text(Hex.string(nonce))])
        }
        rebuildView(view.confirmed)
    }

    package func receipts() throws(ToteError) -> [Receipt] {
        do { return try store.receipts() } catch { throw ToteError.storage(error) }
    }

    /// Dismisses a receipt that will not change any more.
    package func dismiss(_ nonce: Nonce) throws(ToteError) {
        let found = try update {
            let found = try store.dismiss(nonce)
            if found { try note(.dismiss, ["nonce": .text(Hex.string(nonce))]) }
            return found
        }
        guard found else {
            throw ToteError(.notFound, "no final receipt has this id")
        }
    }

    /// What of a guest joins an account.
    private struct Adoption {
        /// Changes, each with what it writes here.
        var changes: [(entry: OutboxEntry, writes: [Write])]
        /// Carts that the server joins, with the nonce of each.
        var joins: [(intent: JoinIntent, nonce: Nonce)]
        var count: Int { changes.count + joins.count }
    }

    /// What of a guest is not here yet.
    ///
    /// - Parameter policy: how its carts join; without one they are united, and nothing tells how.
    private func adoption(
        of guest: Replica, _ policy: CartPolicy?
    ) throws(ToteError) -> Adoption {
        let joins = policy.map { guest.joins($0) } ?? []
        // Those that the server joins as a whole bring no changes of their own.
        let apart = Set(
            joins.filter { $0.intent.policy != .union }.map { Cart.collection($0.intent.cart) })
        var adoption = Adoption(changes: [], joins: [])
        do {
            for entry in guest.outbox where !entry.change.isEmpty {
                guard try !store.knowsChange(entry.change.nonce) else { continue }
                let writes = entry.change.writes.filter { !apart.contains($0.key.collection) }
                guard !writes.isEmpty || entry.change.intent != nil else { continue }
                adoption.changes.append((entry, writes))
            }
            adoption.joins = try joins.filter { try !store.knowsChange($0.nonce) }
        } catch {
            throw ToteError.storage(error)
        }
        // More than an outbox ever holds: then its carts are united, and nothing tells how.
        if adoption.count > Self.outboxMax, policy != nil {
            return try self.adoption(of: guest, nil)
        }
        return adoption
    }

    /// Takes in everything that a guest made, once, under the nonces that it has: all of it, or
    /// nothing, since each change names those before it.
    ///
    /// A copy of the guest's file may join on another device: the guest's id is named as a former
    /// one, so that the server looks those nonces up.
    ///
    /// - Parameter policy: how its carts join, which the server decides; without one they are
    ///   united, and nothing tells how.
    package func adopt(_ guest: Replica, carts policy: CartPolicy? = nil) throws(ToteError) {
        let adoption = try adoption(of: guest, policy)
        guard adoption.count > 0 else { return }
        try update { try take(adoption, of: guest) }
    }

    private func take(_ adoption: Adoption, of guest: Replica) throws(ToteError) {
        let naming = { try self.nameAsFormer(guest.id) }
        let labels = Dictionary(
            try guest.receipts().map { ($0.id, $0.label) }, uniquingKeysWith: { first, _ in first })
        for (entry, kept) in adoption.changes {
            // Own dots of the guest are renamed to those that its changes get here.
            var renamed: [Dot: Dot] = [:]
            for former in guest.outbox {
                renamed[former.dot] =
                    outbox.first { $0.change.nonce == former.change.nonce }?.dot
            }
            var writes = kept
            for index in writes.indices {
                writes[index].replaces = writes[index].replaces.compactMap { renamed[$0] }
            }
            let nonce = entry.change.nonce
            try commit(
                writes, intent: entry.change.readableIntent?.renaming(renamed),
                label: labels[Hex.string(nonce)] ?? "", at: entry.reading, nonce: nonce,
                floor: entry.floor, alongside: naming)
        }
        for (intent, nonce) in adoption.joins {
            guard let last = guest.lastTouch else { continue }
            try commit(
                intent.writes, intent: .join(intent), label: "join cart", at: last.reading,
                nonce: nonce, floor: last.floor, alongside: naming)
        }
    }

    /// Whether everything that a guest made, and that is not here yet, fits into the outbox at
    /// once.
    package func hasRoom(
        for guest: Replica, carts policy: CartPolicy? = nil
    ) throws(ToteError) -> Bool {
        let adoption = try adoption(of: guest, policy)
        var counts: [Key: Int] = [:]
        for write in adoption.changes.flatMap(\.writes) { counts[write.key, default: 0] += 1 }
        return outbox.count + adoption.count <= Self.outboxMax
            && counts.allSatisfy { key, count in
                view.unconfirmed(key).count + count <= Limits.unsentPerKeyMax
            }
    }

    /// The last thing that was done here.
    private var lastTouch: OutboxEntry? { outbox.last { !$0.change.isEmpty } }

    /// How a guest's carts join an account's: none where they cannot be told as lines.
    private func joins(_ policy: CartPolicy) -> [(intent: JoinIntent, nonce: Nonce)] {
        guard !outbox.contains(where: { $0.change.intent != nil }) else { return [] }
        let names = view.merged.collections.keys.compactMap { $0.text(after: "cart:") }
        return names.map { Name($0) }.sorted().compactMap { name in
            let lines = Cart(view.merged, name: name.text).lines.map { line in
                JoinIntent.Line(item: line.name.item, quantity: line.quantity, note: line.note)
            }
            let digest = SHA256.digest(Array("\(Hex.string(id.rawValue)) \(name)".utf8))
            let intent = JoinIntent(
                join: JoinID(high: Self.bits(digest[0..<8]), low: Self.bits(digest[8..<16])),
                cart: name.text, policy: policy, lines: lines)
            // The same for each copy of the guest's file, and another once that was gone on with.
            let content = SHA256.digest(Encoding.cbor.encode(intent.value))
            let nonce = Self.bits(content[0..<8])
            let change = Change(
                nonce: nonce, time: .zero, writes: intent.writes, intent: intent.value)
            return change.refusal() == nil ? (intent, nonce) : nil
        }
    }

    private static func bits(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// How guests' carts have joined this account's, the last one first.
    package var joins: [CartJoin] { CartJoin.all(in: view.confirmed).map(\.join) }

    /// Changes that are not yet judged.
    package var unsentCount: Int { outbox.count { !$0.isJudged } }
    /// Changes that are not yet in the confirmed state.
    package var outstandingCount: Int { outbox.count }
    package var pending: [LocalView.Pending] { view.pending }

    /// Makes the file fit to be closed: the WAL is written back.
    package func checkpoint() throws(ToteError) {
        do { try store.database.checkpoint() } catch { throw ToteError.storage(error) }
    }

    package func checkInvariants() {
        view.checkInvariants()
        let own = outbox.filter { $0.dot.replica == id }.map(\.dot.counter)
        precondition(own == own.sorted() && Set(own).count == own.count, "R1: counters do not rise")
        precondition(own.allSatisfy { $0 < nextCounter }, "R1: a counter is not below the next")
        if let batch {
            precondition(batch.replica == id, "R3: the batch under way has another id")
            let counters = batch.events.map(\.dot.counter)
            precondition(
                counters.allSatisfy(own.contains), "R3: a change under way is not in the outbox")
        }
    }
}
