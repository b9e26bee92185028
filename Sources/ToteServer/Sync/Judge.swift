internal import ToteCore

/// Judges a push: the ticket, the clock, then each change alone (Protocol §6).
///
/// A problem thrown here has changed nothing. A storage error leaves the space to be dropped by the
/// caller.
struct Judge {
    let space: Space
    let store: ServerStore
    let epoch: UInt64
    /// Whether this file was ever restored: then counters may jump and dots may be named before
    /// they arrive.
    let wasRestored: Bool
    let grant: Grant
    /// The server's clock, milliseconds.
    let now: UInt64
    let randomBits: () -> UInt64
    /// What orders are judged by.
    let catalog: Catalog?
    /// Whether devices may bring orders back at what they say was agreed: for a while after a
    /// restore.
    let takesResentOrders: Bool
    /// Told of every order that is new or took a step.
    let onOrder: (Order, _ isStep: Bool) throws -> Void
    /// Judges what a store's redeemer says; `nil` accepts it.
    let onRedeemer: (Intent, Nonce) throws -> Rejection?

    /// A batch as its author sent it: the row holds these bytes when everything in it was accepted.
    struct Sent {
        let digest: UInt64
        let bytes: [UInt8]
    }

    /// What a push is answered with, beside the pull.
    struct Verdict {
        var fates: [Fate]
        var ticket: UInt64?
        /// The author may not hold the bytes that the log has: it gets its changes in full.
        var needsWhole = false
    }

    func push(_ prepared: PreparedSync) throws -> Verdict {
        let request = prepared.request
        // The server's own name is nobody else's to write under.
        guard request.replica != ReplicaID(epoch) else { throw Problem.replicaForked }
        let record = space.replicas[request.replica]
        var known: [UInt64: Fate] = [:]
        if let record, record.epoch == epoch {
            if request.ticket != record.ticket {
                return try answerAgain(prepared, record)
            }
            let next = record.context.last + 1
            guard request.counter <= next else { throw Problem.replicaForked }
            if request.counter < next { known = try knownFates(request) }
        } else if record == nil, !wasRestored {
            // Legal only for a first push: nothing was ever answered to this id.
            guard request.ticket == nil, request.counter == 1 else { throw Problem.replicaForked }
        } else if let record, record.epoch == 0, !wasRestored {
            // Its first push, too: a code has carried what it begins with.
            guard request.ticket == nil, request.counter <= record.context.last + 1 else {
                throw Problem.replicaForked
            }
            known = try knownFates(request)
        } else {
            known = try knownFates(request)
        }
        let time = space.clock.reading(atMilliseconds: now)
        let latest = time.milliseconds + Limits.clockAheadMillisecondsMax
        if prepared.latestStamp > latest {
            for event in request.changes where known[event.dot.counter] == nil {
                guard event.change.time.milliseconds <= latest else {
                    throw clockAhead(event.change.time)
                }
            }
        }
        return try accept(prepared, record: record, known: known)
    }

    /// The customer's ledger, for one change.
    func ledger() throws -> LedgerBook {
        try LedgerBook(
            space: space, store: store, programme: catalog?.programme, now: now, epoch: epoch,
            wasRestored: wasRestored, randomBits: randomBits)
    }

    /// Makes a customer a member of the programme, the first time that something comes of them.
    private func welcome() throws {
        guard catalog?.programme != nil, space.isCustomer, space.number != 0,
            space.ledger?.member == nil
        else { return }
        let book = try ledger()
        try book.join()
        try space.writeOwn(try book.flush(), by: self)
    }

    func clockAhead(_ stamp: Timestamp) -> Problem {
        let time = space.clock.reading(atMilliseconds: now)
        return Problem(
            409, "clock_ahead",
            "a change is stamped \(stamp.milliseconds), the server's time is \(time.milliseconds): "
                + "stamp the batch anew and send it with the same ticket",
            members: [
                Value.Entry(
                    "server_time",
                    .array([.int(Int64(time.milliseconds)), .int(Int64(time.count))]))
            ])
    }

    /// A ticket that is not the current one: a retry, or a fork.
    private func answerAgain(
        _ prepared: PreparedSync, _ record: ReplicaRecord
    ) throws -> Verdict {
        let request = prepared.request
        var fates: [Fate] = []
        for event in request.changes {
            guard let fate = try storedFate(event.dot, event.change.nonce) else {
                throw Problem.replicaForked
            }
            fates.append(fate)
        }
        let isLastBatch =
            request.ticket == record.previousTicket && request.counter == record.batchCounter
            && UInt64(request.changes.count) == record.batchCount
        // Legal with another digest: the same changes, stamped anew after `clock_ahead` while the
        // first send was still under way. Their author does not know which stamps the log has.
        return Verdict(
            fates: fates, ticket: isLastBatch ? record.ticket : nil,
            needsWhole: Run.shortDigest(prepared.digest) != record.digest)
    }

    /// The fate that a dot was given, when it was judged with this nonce.
    func storedFate(_ dot: Dot, _ nonce: Nonce) throws -> Fate? {
        guard space.isJudged(dot),
            let (judgement, position) = try space.judgement(dot, store: store),
            judgement.nonce == nonce
        else { return nil }
        var fate = Fate(position: position, rejection: judgement.outcome.rejection)
        if case .sameAs(let first, _) = judgement.outcome { fate.sameAs = first }
        return fate
    }

    /// Fates of the counters that were judged before; another nonce there is a fork.
    private func knownFates(_ request: SyncRequest) throws -> [UInt64: Fate] {
        var known: [UInt64: Fate] = [:]
        for event in request.changes where space.isJudged(event.dot) {
            guard let fate = try storedFate(event.dot, event.change.nonce) else {
                throw Problem.replicaForked
            }
            known[event.dot.counter] = fate
        }
        return known
    }

    private func accept(
        _ prepared: PreparedSync, record: ReplicaRecord?, known: [UInt64: Fate]
    ) throws -> Verdict {
        let request = prepared.request
        try space.store(in: store)
        var record =
            record ?? ReplicaRecord(id: request.replica, family: request.replica, seen: now)
        let joined = try joinFamily(request.formerly, &record)
        if !joined.isEmpty, space.isCustomer {
            let book = try ledger()
            try book.seal(joined)
            try space.writeOwn(try book.flush(), by: self)
        }
        try welcome()
        let looksUp =
            wasRestored || space.hasForked(record) || space.hasUnannounced
        let events =
            known.isEmpty
            ? request.changes : request.changes.filter { known[$0.dot.counter] == nil }
        if known.isEmpty, let last = events.last {
            record.context.insert(request.counter...last.dot.counter)
        } else {
            for event in events { record.context.insert(event.dot.counter) }
        }
        let digest = Run.shortDigest(prepared.digest)
        record.note(
            ticket: randomBits() | 1, epoch: epoch, digest: digest, counter: request.counter,
            count: UInt64(request.changes.count), at: now)
        space.replicas[record.id] = record
        let verdict = { Verdict(fates: $0, ticket: record.ticket) }
        if known.isEmpty, !looksUp, !prepared.hasIntents {
            return verdict(try judgeWhole(prepared, ticket: record.ticket))
        }
        // The author's bytes stand for the stored ones only where the whole batch is one row.
        let sent = known.isEmpty ? Sent(digest: digest, bytes: prepared.run) : nil
        let judged = try judge(events, sent: sent, looksUp: looksUp)
        try space.save(record.id, in: store)
        var next = judged.makeIterator()
        return verdict(
            known.isEmpty
                ? judged : request.changes.compactMap { known[$0.dot.counter] ?? next.next() })
    }

    /// Makes the replica a member of the family of its former ids, and unites what they name.
    ///
    /// - Returns: the ids that were not of the family before.
    private func joinFamily(
        _ formerly: [ReplicaID], _ record: inout ReplicaRecord
    ) throws -> Set<ReplicaID> {
        var joined: Set<ReplicaID> = []
        for former in formerly where former != record.id {
            let family = space.replicas[former]?.family ?? former
            guard family != record.family else { continue }
            joined.insert(former)
            let members = space.replicas.values.filter { $0.family == record.family }
            for var member in members where member.id != record.id {
                member.family = family
                space.replicas[member.id] = member
                try space.save(member.id, in: store)
            }
            record.family = family
            // No row of the log says so.
            space.replicas[record.id] = record
            try space.save(record.id, in: store)
            if space.replicas[former] == nil {
                // Keeps the family known even when the old id never pushed: a context that is
                // empty.
                let ghost = ReplicaRecord(id: former, family: family, seen: now)
                space.replicas[former] = ghost
                try space.save(former, in: store)
            }
        }
        return joined
    }

    /// Judges a batch of which nothing is known, as nearly every one is: one row, which also says
    /// what became of its replica; no copies of its changes.
    ///
    /// - Returns: fates in the order of the changes.
    private func judgeWhole(_ prepared: PreparedSync, ticket: UInt64) throws -> [Fate] {
        let pushed = prepared.request.changes
        var events = pushed
        var fates: [Fate] = []
        fates.reserveCapacity(pushed.count)
        var isAllAccepted = true
        for index in pushed.indices {
            let rejection = refusal(pushed[index], isSound: prepared.isSound)
            if let rejection {
                isAllAccepted = false
                let change = pushed[index].change
                let empty = Change(nonce: change.nonce, time: change.time)
                events[index] = Event(
                    dot: pushed[index].dot, change: empty, outcome: .rejected(rejection))
            }
            space.apply(events[index])
            fates.append(
                Fate(position: space.position + UInt64(index) + 1, rejection: rejection))
        }
        let first = pushed[0].dot
        let body =
            isAllAccepted
            ? prepared.run
            : Encoding.cbor.encode(
                Run(replica: first.replica, counter: first.counter, events: events))
        let row = LogRow(
            position: space.position + 1, count: UInt64(events.count), replica: first.replica,
            counter: first.counter, time: now, digest: Run.shortDigest(prepared.digest),
            ticket: ticket, body: body)
        try space.append(row, events, store: store)
        return fates
    }

    /// Judges changes in order and appends them, a row for each stretch of consecutive counters.
    ///
    /// - Returns: fates in the order of the changes.
    func judge(
        _ pushed: [Event], sent: Sent?, looksUp: Bool, isResent: Bool = false
    ) throws -> [Fate] {
        var fates: [Fate] = []
        var batch: [Event] = []
        var isAsSent = true
        var isAllAccepted = true
        func flush() throws {
            guard let first = batch.first else { return }
            let isWhole = isAsSent && isAllAccepted && batch.count == pushed.count
            let body: [UInt8]
            if isWhole, let sent {
                body = sent.bytes
            } else {
                body = Encoding.cbor.encode(
                    Run(replica: first.dot.replica, counter: first.dot.counter, events: batch))
            }
            let row = LogRow(
                position: space.position + 1, count: UInt64(batch.count),
                replica: first.dot.replica, counter: first.dot.counter, time: now,
                digest: isAsSent && batch.count == pushed.count ? sent?.digest : nil, body: body)
            try space.append(row, batch, store: store)
            batch = []
            isAsSent = true
            isAllAccepted = true
        }
        for event in pushed {
            // What repeats a change of this very batch must find it in the log.
            let repeats = looksUp && batch.contains { $0.change.nonce == event.change.nonce }
            let follows = batch.last.map { $0.dot.counter + 1 == event.dot.counter } ?? true
            if repeats || !follows { try flush() }
            let (judged, ruling) = try judge(event, looksUp: looksUp, isResent: isResent)
            if judged.outcome != .accepted {
                isAllAccepted = false
            } else if looksUp || event.change.intent != nil, judged.change != event.change {
                isAsSent = false
            }
            space.apply(judged)
            let position = space.position + UInt64(batch.count) + 1
            var fate = Fate(position: position, rejection: judged.rejection)
            if case .sameAs(let first, _) = judged.outcome { fate.sameAs = first }
            fates.append(fate)
            batch.append(judged)
            // Later changes of this very batch may name the alias.
            if fate.sameAs != nil { try flush() }
            switch ruling {
            case .accepted(let order, let writes, let isStep)?:
                // The server's own change stands right behind the one that asked for it.
                try flush()
                try space.writeOwn(writes, by: self)
                if let order { try onOrder(order, isStep) }
            case .joined(let limited, let writes)?:
                try flush()
                // What the device does to a line meanwhile was done later.
                try space.writeOwn(limited, by: self, time: event.change.time)
                try space.writeOwn(writes, by: self)
            case .refused(let rejection)? where rejection.code == "balance_too_low":
                // What is missing may lie in leases of devices that are online.
                guard let name = rejection.details["account"]?.textValue,
                    let account = AccountName(name)
                else { break }
                let book = try ledger()
                try book.askBack(account)
                guard book.isChanged else { break }
                try flush()
                try space.writeOwn(try book.flush(), by: self)
            case .refused?, nil: break
            }
        }
        try flush()
        return fates
    }

    /// The event that the log will hold for a pushed change.
    ///
    /// - Returns: with it, what became of its intent.
    private func judge(
        _ event: Event, looksUp: Bool, isResent: Bool
    ) throws -> (Event, OrderBook.Ruling?) {
        let empty = Change(nonce: event.change.nonce, time: event.change.time)
        if looksUp {
            let index = try space.indexed(store)
            if let first = index.dots[event.change.nonce], first != event.dot,
                let (known, _) = try space.judgement(first, store: store)
            {
                let outcome = Event.Outcome.sameAs(first, rejection: known.outcome.rejection)
                return (Event(dot: event.dot, change: empty, outcome: outcome), nil)
            }
        }
        if let rejection = refusal(event) {
            return (Event(dot: event.dot, change: empty, outcome: .rejected(rejection)), nil)
        }
        var change = event.change
        if looksUp { try resolveAliases(&change) }
        if wasRestored { settleAwaited(&change, event.dot) }
        var ruling: OrderBook.Ruling?
        if let intent = change.readableIntent {
            if case .join(let join) = intent, space.isCustomer {
                guard isResent || change.writes == join.writes else {
                    let why = IntentError.malformed("a join writes what its lines say").rejection
                    let outcome = Event.Outcome.rejected(why)
                    return (Event(dot: event.dot, change: empty, outcome: outcome), .refused(why))
                }
                ruling = self.join(join, in: &change)
            } else {
                ruling = try rule(intent, in: change, of: event.dot.replica, isResent)
            }
            if case .refused(let rejection)? = ruling {
                return (
                    Event(dot: event.dot, change: empty, outcome: .rejected(rejection)), ruling
                )
            }
        }
        return (Event(dot: event.dot, change: change, outcome: .accepted), ruling)
    }

    /// Joins a guest's cart to the account's.
    ///
    /// - Returns: what the server writes behind the change: what became of it among that.
    private func join(_ intent: JoinIntent, in change: inout Change) -> OrderBook.Ruling {
        let outcome = intent.outcome(
            in: space.documents, at: min(change.time.milliseconds, now)
        ) { item in catalog?.product(LineName(item: item).sku)?.limit }
        change.writes = outcome.writes
        return .joined(limited: outcome.limited, outcome.behind)
    }

    private func rule(
        _ intent: Intent, in change: Change, of replica: ReplicaID, _ isResent: Bool
    ) throws -> OrderBook.Ruling {
        let nonce = change.nonce
        // Nobody orders or spends in what several share: they do so in their own space.
        guard space.isStore || space.isCustomer,
            intent.isOfStore.map({ $0 == space.isStore }) ?? true
        else {
            return .refused(Rejection(code: "not_allowed"))
        }
        if space.isStore {
            return try onRedeemer(intent, nonce).map { .refused($0) } ?? .accepted(nil, [])
        }
        switch intent {
        case .lease(let lease):
            let book = try ledger()
            let redeemer = try lease.store.flatMap { try store.redeemer($0) }
            let refusal = try book.lease(
                lease, from: replica, redeemer: redeemer, nonce: nonce, isResent: isResent)
            return try refusal.map { .refused($0) } ?? .accepted(nil, try book.flush())
        case .release(let id):
            let book = try ledger()
            let refusal = try book.release(id, redeemer: nil)
            return try refusal.map { .refused($0) } ?? .accepted(nil, try book.flush())
        case .activate(let offer):
            let book = try ledger()
            let refusal = try book.activate(offer, nonce: nonce, isResent: isResent)
            return try refusal.map { .refused($0) } ?? .accepted(nil, try book.flush())
        default:
            return try orders().judge(
                intent, from: replica, nonce: nonce, by: change.channel, isResent: isResent)
        }
    }

    /// What judges orders.
    func orders() -> OrderBook {
        OrderBook(
            space: space, store: store, catalog: catalog, now: now, randomBits: randomBits,
            ledger: ledger)
    }

    /// - Parameter isSound: whether the change was found well-formed before.
    private func refusal(_ event: Event, isSound: Bool = false) -> Rejection? {
        if !isSound, !event.outcome.isAccepted || event.change.writesReserved {
            return Rejection(code: "field_not_writable")
        }
        let change = event.change
        if change.time.milliseconds + Limits.fateMilliseconds < now {
            return Rejection(
                code: "too_old",
                details: .map([Value.Entry("limit", .int(Int64(Limits.fateMilliseconds)))]))
        }
        if !isSound, let refusal = change.refusal() { return refusal }
        if change.intent != nil {
            guard let intent = change.readableIntent, grant.mayWrite(intent.collection),
                grant.replica == nil || !intent.speaks
            else { return Rejection(code: "not_allowed") }
        }
        for index in change.writes.indices {
            guard grant.mayWrite(change.writes[index].key.collection) else {
                return Rejection(code: "not_allowed", details: change.writes[index].key.details)
            }
            guard space.documents.cellCount >= Limits.cellsPerKeyMax else { continue }
            let write = change.writes[index]
            guard write.payload != nil else { continue }
            let cells = space.documents.cells(write.key)
            if cells.count >= Limits.cellsPerKeyMax {
                let left = Set(cells.map(\.dot)).subtracting(write.replaces).count
                if left >= Limits.cellsPerKeyMax {
                    return .limit("too_many_cells", Limits.cellsPerKeyMax, left)
                }
            }
        }
        if space.documents.cellCount + change.writes.count > Limits.cellsPerSpaceMax {
            let added = change.writes.reduce(0) { sum, write in
                let named = Set(write.replaces)
                let gone = space.documents.cells(write.key).count { named.contains($0.dot) }
                return sum - gone + (write.payload == nil ? 0 : 1)
            }
            if added > 0, space.documents.cellCount + added > Limits.cellsPerSpaceMax {
                return .limit(
                    "too_many_cells", Limits.cellsPerSpaceMax, space.documents.cellCount + added)
            }
        }
        return nil
    }

    /// Names the first dots where a change names aliases of them.
    private func resolveAliases(_ change: inout Change) throws {
        let aliases = try space.indexed(store).aliases
        guard !aliases.isEmpty else { return }
        if let intent = change.readableIntent { change.intent = intent.renaming(aliases).value }
        for index in change.writes.indices {
            let dots = change.writes[index].replaces
            guard dots.contains(where: { aliases[$0] != nil }) else { continue }
            var seen = Set<Dot>()
            change.writes[index].replaces = dots.map { aliases[$0] ?? $0 }
                .filter { seen.insert($0).inserted }
        }
    }

    /// After a restore a change may arrive before one that it replaces: that one is stripped when
    /// it comes.
    private func settleAwaited(_ change: inout Change, _ dot: Dot) {
        if let keys = space.awaited.removeValue(forKey: dot) {
            for index in change.writes.indices where keys.contains(change.writes[index].key) {
                change.writes[index].payload = nil
            }
        }
        space.noteAwaited(change)
    }

    /// Takes in accepted changes that a device holds and this file lacks, under their own dots.
    ///
    /// Everything is checked before anything is judged. A reader of a part holds others' changes
    /// without what it may not see, and no token brings back what it may not write: those are left
    /// to another device.
    func resend(_ request: SyncRequest) throws {
        guard wasRestored else {
            throw Problem(
                409, "nothing_restored", "this server has lost nothing: it takes no resends")
        }
        let latest =
            space.clock.reading(atMilliseconds: now).milliseconds + Limits.clockAheadMillisecondsMax
        var seen: Set<Nonce> = []
        var unknown: [Event] = []
        for event in request.resend.flatMap(\.events) {
            guard event.outcome == .accepted else {
                throw Problem(400, "malformed", "only accepted changes are resent")
            }
            guard event.change.time.milliseconds <= latest else {
                throw clockAhead(event.change.time)
            }
            guard event.dot.replica != ReplicaID(epoch) else {
                throw Problem(400, "malformed", "nobody resends under the server's own id")
            }
            guard event.change.intent == nil || takesResentOrders else { continue }
            let isWhole = grant.readsAll || event.dot.replica == request.replica
            let mayWrite =
                (event.change.intent == nil
                    || (event.change.readableIntent.map { grant.mayWrite($0.collection) } ?? false))
                && event.change.writes.allSatisfy {
                    grant.mayWrite($0.key.collection)
                        && !Reserved.isReserved($0.key.collection)
                }
            guard isWhole, mayWrite, seen.insert(event.change.nonce).inserted,
                try space.indexed(store).dots[event.change.nonce] == nil
            else { continue }
            unknown.append(event)
        }
        if !unknown.isEmpty { try space.store(in: store) }
        var touched: Set<ReplicaID> = []
        for var event in unknown {
            // What was done to an order that nobody has brought back yet is left to the device
            // that brings both.
            if let intent = event.change.readableIntent, !intent.isPlace, let id = intent.order,
                try store.order(id) == nil
            {
                continue
            }
            if space.isJudged(event.dot) {
                // Its name went to another change meanwhile: the server writes it as its own.
                let own = ReplicaID(epoch)
                event.dot = Dot(own, (space.replicas[own]?.context.last ?? 0) + 1)
            }
            noteResent(event.dot)
            touched.insert(event.dot.replica)
            _ = try judge([event], sent: nil, looksUp: true, isResent: true)
        }
        for id in touched.sorted() { try space.save(id, in: store) }
    }

    /// Marks a resent counter as judged without touching the replica's ticket.
    func noteResent(_ dot: Dot) {
        var record =
            space.replicas[dot.replica]
            ?? ReplicaRecord(id: dot.replica, family: dot.replica, seen: now)
        record.context.insert(dot.counter)
        space.replicas[dot.replica] = record
    }
}
