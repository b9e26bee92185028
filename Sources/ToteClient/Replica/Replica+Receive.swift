internal import ToteCore

/// What a reply made of the replica's state, for the machine that decides what to do next.
package enum ReplyOutcome: Hashable, Sendable {
    /// Taken in; `isCurrent` is false when there is more to pull or to push.
    case progress(isCurrent: Bool)
    /// Send again later; the seconds are the server's wish.
    case retry(code: String, afterSeconds: Int?)
    /// The token is not, or no longer, valid.
    case tokenRefused
    case updateRequired
    /// Nothing but a new version or an operator will help.
    case halted(ToteError)
}

extension Replica {
    /// Takes in what the server answered to a request. One transaction: fates, ticket, events and
    /// cursor together.
    ///
    /// - Parameter reading: the clocks when the answer came.
    /// - Throws: `storage` and its kin; nothing was taken in, and the same request can be sent
    ///   again.
    package func receive(
        status: Int, body: [UInt8], isProblem: Bool, to outgoing: Outgoing, at reading: ClockReading
    ) throws(ToteError) -> ReplyOutcome {
        try refresh()
        guard status == 200, !isProblem else {
            return try receiveProblem(status: status, body: body, to: outgoing, at: reading)
        }
        let reply: SyncReply
        do {
            reply = try Encoding.cbor.reply(body)
        } catch {
            // A captive portal answers 200 with a page: not from our server, so nothing is known.
            return .retry(code: "not_a_reply", afterSeconds: nil)
        }
        guard isFitting(reply, to: outgoing) else {
            return .retry(code: "unfitting_reply", afterSeconds: nil)
        }
        return try update {
            let outcome = try take(reply, to: outgoing, at: reading)
            try noteReceived(status, body, outgoing, at: reading)
            return outcome
        }
    }

    private func take(
        _ reply: SyncReply, to outgoing: Outgoing, at reading: ClockReading
    ) throws -> ReplyOutcome {
        try hear(reply.serverTime.milliseconds, at: reading)
        // A reply without news, as most to parked requests are, writes nothing: it shows nothing
        // that a change could come of.
        if !reply.events.isEmpty || !reply.fates.isEmpty || reply.snapshot != nil {
            clock.observe(reply.serverTime)
            try store.setFact("clock", clock.latest.rawValue)
        }
        switch outgoing.kind {
        case .resend(let through):
            if let resending, resending.epoch == reply.cursor.epoch {
                try store.setHeld(
                    after: resending.sequence, through: through, position: reply.cursor.position)
                try setResending((resending.epoch, through))
            }
            return .progress(isCurrent: false)
        case .push: try takeFates(reply, outgoing)
        case .pull: break
        }
        var isWhole = true
        if outgoing.cursor == cursor, resending == nil, outgoing.request.replica == id {
            isWhole = try takePull(reply, outgoing, at: reading)
        }
        let isCurrent = isWhole && !reply.hasMore && !hasWork && !wantsWhole && pages == nil
        return .progress(isCurrent: isCurrent)
    }

    private func noteReceived(
        _ status: Int, _ body: [UInt8], _ outgoing: Outgoing, at reading: ClockReading
    ) throws {
        guard isTracing else { return }
        try note(
            .receive, outgoing.facts.merging(["status": .int(Int64(status))]) { $1 }, at: reading,
            body: body, request: outgoing.body)
    }

    private func isFitting(_ reply: SyncReply, to outgoing: Outgoing) -> Bool {
        if let cursor, reply.cursor.epoch != cursor.epoch, outgoing.cursor == cursor,
            resending == nil
        {
            return false
        }
        return outgoing.kind != .push || reply.fates.count == outgoing.request.changes.count
    }

    /// The fates of the batch under way: it leaves the outbox only here.
    private func takeFates(_ reply: SyncReply, _ outgoing: Outgoing) throws {
        // Legal: a late answer to a batch that was answered before, or of an epoch that is over:
        // its fates and its ticket would be another server's.
        guard let batch, batch.replica == outgoing.request.replica,
            batch.events == outgoing.request.changes, resending == nil,
            cursor.map({ $0.epoch == reply.cursor.epoch }) ?? true
        else { return }
        for (event, fate) in zip(batch.events, reply.fates) {
            guard let index = outbox.firstIndex(where: { $0.dot == event.dot }) else { continue }
            outbox[index].position = fate.position
            if let rejection = fate.rejection {
                outbox[index].state = .rejected
                outbox[index].isVisible = false
                try store.setRejection(event.change.nonce, rejection)
                if event.change.intent != nil { wantsCatalog = true }
            } else if outbox[index].state == .sending {
                outbox[index].state = .accepted
            }
            try store.update(outbox[index])
        }
        if let last = batch.events.last { try setLastStamp(last.change.time) }
        self.batch = nil
        try store.setBatch(nil)
        if let ticket = reply.ticket {
            self.ticket = ticket
            try store.setFact("ticket", ticket)
            // A guest's changes may wait behind this batch, which did not name the guest.
            if !formerly.isEmpty, outbox.allSatisfy(\.isJudged) {
                formerly = []
                try saveFormerly()
            }
        }
        try settle(at: reply.serverTime.milliseconds, isComplete: false)
        rebuildView(view.confirmed)
    }

    /// - Returns: false for a page that is of no use: the snapshot is asked for anew.
    private func takePull(
        _ reply: SyncReply, _ outgoing: Outgoing, at reading: ClockReading
    ) throws -> Bool {
        if let page = outgoing.request.page {
            // Legal: the pages before it are gone, with a transaction that failed meanwhile; this
            // one alone is no snapshot.
            guard pages?.position == page.position, pages?.next == page.next else { return false }
        }
        covered = max(covered, reply.covered)
        try store.setFact("covered", covered)
        if let snapshot = reply.snapshot {
            try takePage(snapshot, reply)
        } else if let cursor {
            var confirmed = view.confirmed
            let position = try takeEvents(
                reply.events, after: cursor.position, into: &confirmed,
                whole: outgoing.request.wantsWhole,
                time: reply.serverTime.milliseconds)
            try setCursor(Cursor(epoch: cursor.epoch, position: position))
            try settle(at: reply.serverTime.milliseconds, isComplete: !reply.hasMore)
            rebuildView(confirmed)
            if position - min(position, snapshotPosition) >= Self.eventsPerSnapshot {
                try store.setSnapshot(Snapshot(position: position, documents: confirmed))
                snapshotPosition = position
            }
        }
        if wantsWhole, outgoing.request.wantsWhole, !reply.hasMore {
            try setWantsWhole(false)
        }
        try trim(at: reply.serverTime.milliseconds)
        return true
    }

    /// Forgets what nobody needs any more. Reads through the log and the receipts: only when there
    /// may be something.
    private func trim(at now: UInt64) throws {
        let due = Trimmed(
            snapshotPosition: snapshotPosition, covered: covered,
            hour: now / Self.trimMilliseconds, receipts: nextSequence / Self.receiptsPerTrim)
        guard due != trimmed else { return }
        try store.trimLog(
            through: snapshotPosition, covered: covered,
            olderThan: now - min(now, Limits.uncoveredMilliseconds))
        try store.forgetAccepted(most: Self.acceptedReceiptsMax)
        trimmed = due
    }

    private func setWantsWhole(_ wants: Bool) throws {
        wantsWhole = wants
        try store.setFact("whole", wants ? 1 : nil)
    }

    /// A page of a snapshot. The last one replaces the confirmed state; the outbox is kept.
    private func takePage(_ page: Snapshot, _ reply: SyncReply) throws {
        var whole = SnapshotPages(
            position: page.position, documents: page.documents, rejections: page.rejections, next: 0
        )
        if let pages, pages.position == page.position {
            whole.documents = pages.documents
            whole.rejections = pages.rejections + page.rejections
            for (key, cell) in page.documents.sortedCells()
            where !whole.documents.cells(key).contains(where: { $0.dot == cell.dot }) {
                whole.documents.insert(cell, at: key)
            }
        }
        if let next = page.next {
            whole.next = next
            pages = whole
            return
        }
        pages = nil
        let time = reply.serverTime.milliseconds
        try store.detachLog()
        try store.setSnapshot(Snapshot(position: page.position, documents: whole.documents))
        snapshotPosition = page.position
        try setCursor(reply.cursor)
        for rejection in whole.rejections { try noteRejection(rejection) }
        var left: [OutboxEntry] = []
        let present = Set(whole.documents.sortedCells().map(\.cell.dot))
        for var entry in outbox {
            if let position = entry.position, position <= page.position {
                // The snapshot stands for its event: the change itself is held for a restored
                // server.
                if entry.state == .accepted {
                    try store.hold(entry, position: position, time: time)
                }
                try store.update(entry, isOutstanding: false)
                continue
            }
            // The reply to its push was lost, and the snapshot holds it already.
            if present.contains(entry.dot), entry.digest != nil, entry.isVisible {
                entry.isVisible = false
                try store.update(entry)
            }
            left.append(entry)
        }
        outbox = left
        rebuildView(whole.documents)
        // Cells under own dots that were never sent: somebody else writes under this id.
        let isCopied =
            present.contains { $0.replica == id && $0.counter >= nextCounter }
            || outbox.contains { present.contains($0.dot) && $0.digest == nil && !$0.isJudged }
        if isCopied { try takeNewID() }
    }

    private func noteRejection(_ logged: LoggedRejection) throws {
        try store.noteRejection(logged, sequence: nextSequence)
        nextSequence += 1
    }

    /// Applies events in the order of the log.
    ///
    /// - Returns: the position reached.
    private func takeEvents(
        _ runs: [Run], after start: UInt64, into confirmed: inout Documents, whole: Bool,
        time: UInt64
    ) throws -> UInt64 {
        var position = start
        for run in runs {
            guard run.position <= position + 1 else { break }
            guard run.position + UInt64(run.events.count) - 1 > position else { continue }
            if run.replica == id, isCopied(run) {
                // From here on the runs under the former id are another writer's.
                try takeNewID()
                break
            }
            guard let held = fullRun(run, whole: whole) else {
                // The nonces stand for bytes that this device did not send: it asks for them in
                // full.
                try setWantsWhole(true)
                break
            }
            for (offset, event) in held.events.enumerated()
            where run.position + UInt64(offset) > position {
                try take(event, into: &confirmed)
            }
            position = max(position, run.position + UInt64(run.events.count) - 1)
            try store.appendLog(held, time: time)
        }
        return position
    }

    /// Whether a run of this device's own id holds a change that this device did not make.
    private func isCopied(_ run: Run) -> Bool {
        for event in run.events {
            if let entry = outbox.first(where: { $0.dot == event.dot }) {
                if entry.change.nonce != event.change.nonce { return true }
            } else if event.dot.counter >= nextCounter {
                // Legal below that: others resend old changes of ours after a restore.
                return true
            }
        }
        return false
    }

    /// The run with all changes in full; `nil` when it stands for bytes that this device has not
    /// got.
    private func fullRun(_ run: Run, whole: Bool) -> Run? {
        guard let digest = run.digest, !whole else { return run }
        var full = run
        full.digest = nil
        for index in full.events.indices where full.events[index].outcome == .accepted {
            let event = full.events[index]
            guard let entry = outbox.first(where: { $0.dot == event.dot }),
                entry.change.nonce == event.change.nonce, entry.digest == digest
            else { return nil }
            full.events[index].change = entry.change
        }
        return full
    }

    private func take(_ event: Event, into confirmed: inout Documents) throws {
        if case .accepted = event.outcome {
            confirmed.apply(event.change, dot: event.dot)
            clock.observe(event.change.time)
        }
        guard let index = outbox.firstIndex(where: { $0.change.nonce == event.change.nonce })
        else {
            if case .rejected(let rejection) = event.outcome {
                try noteRejection(
                    LoggedRejection(
                        dot: event.dot, nonce: event.change.nonce, time: event.change.time,
                        rejection: rejection))
            }
            return
        }
        var entry = outbox[index]
        guard entry.dot == event.dot else {
            // The same change under another name of the family: it must not show twice.
            entry.isVisible = false
            outbox[index] = entry
            try store.update(entry)
            return
        }
        // Confirmed now. Until the reply to its push has come it stays in the outbox, out of the
        // view.
        if event.outcome == .accepted { entry.isVisible = false }
        outbox[index] = entry
        try store.update(entry)
        if let rejection = event.rejection {
            try store.setRejection(event.change.nonce, rejection)
        }
    }

    /// Takes entries out of the outbox whose fate is known and whose event is in the confirmed
    /// state.
    ///
    /// An order that spends counts against its leases until what the server wrote of it is here.
    ///
    /// - Parameters:
    ///   - time: the server's, milliseconds.
    ///   - isComplete: whether everything that the server had written was received.
    private func settle(at time: UInt64, isComplete: Bool) throws {
        guard let reached = cursor?.position else { return }
        var settled: Set<Nonce> = []
        for entry in outbox {
            guard let position = entry.position, position <= reached,
                isComplete || !isOwed(entry)
            else { continue }
            settled.insert(entry.change.nonce)
            // Confirmed by a snapshot before the reply to its push came: no run of the log has it.
            if entry.state == .accepted, position <= snapshotPosition {
                try store.hold(entry, position: position, time: time)
            }
            try store.update(entry, isOutstanding: false)
        }
        outbox.removeAll { settled.contains($0.change.nonce) }
    }

    private func receiveProblem(
        status: Int, body: [UInt8], to outgoing: Outgoing, at reading: ClockReading
    ) throws(ToteError) -> ReplyOutcome {
        guard let problem = try? Encoding.json.value(body),
            let code = problem["code"]?.textValue
        else { return .retry(code: "http_\(status)", afterSeconds: nil) }
        let detail = problem["detail"]?.textValue ?? ""
        // Legal: a late problem for an id or an epoch that this device has left.
        let isStale = outgoing.request.replica != id
        switch (status, code) {
        case (401, _): return .tokenRefused
        case (410, "customer_erased"):
            return .halted(.customerErased)
        case (426, _): return .updateRequired
        case (409, "replica_forked"):
            if !isStale, outgoing.kind == .push {
                try update {
                    try takeNewID()
                    try noteReceived(status, body, outgoing, at: reading)
                }
            }
            return .progress(isCurrent: false)
        case (409, "epoch_changed"):
            guard let epoch = problem["epoch"]?.textValue.flatMap(Hex.id) else {
                return .retry(code: "unfitting_reply", afterSeconds: nil)
            }
            // Legal: a late answer to a request of an epoch that this device has left.
            if outgoing.request.cursor?.epoch == resending?.epoch ?? cursor?.epoch {
                try update {
                    try enter(epoch)
                    try noteReceived(status, body, outgoing, at: reading)
                }
            }
            return .progress(isCurrent: false)
        case (409, "clock_ahead"):
            guard case .array(let parts)? = problem["server_time"],
                let server = parts.first?.intValue, server >= 0
            else { return .retry(code: "unfitting_reply", afterSeconds: nil) }
            if !isStale, outgoing.kind == .push {
                try update {
                    try stampAnew(serverMilliseconds: UInt64(server), at: reading)
                    try noteReceived(status, body, outgoing, at: reading)
                    if let batch { try note(.cut, body: Encoding.cbor.encode(batch)) }
                }
            }
            return .retry(code: code, afterSeconds: 0)
        case (429, _), (500..., _), (408, _):
            return .retry(code: code, afterSeconds: nil)
        default:
            return .halted(ToteError(.server, "the server refused for good: \(code): \(detail)"))
        }
    }

    private func setLastStamp(_ stamp: Timestamp) throws {
        lastStamp = stamp
        try store.setFact("stamped", stamp.rawValue)
    }

    /// Takes a new id as after a fork: the outbox is renumbered, and what names its dots with it.
    /// Durable before anything is sent under the new id.
    func takeNewID() throws {
        formerly = (formerly + [id]).suffix(Limits.formerIDsMax)
        id = ReplicaID(randomBits() | 1)
        ticket = nil
        batch = nil
        pages = nil
        var renamed: [Dot: Dot] = [:]
        var counter: UInt64 = 1
        try takeNewIncarnation()
        for index in outbox.indices where !outbox[index].isJudged {
            let dot = Dot(id, counter)
            renamed[outbox[index].dot] = dot
            outbox[index].dot = dot
            outbox[index].digest = nil
            counter += 1
        }
        nextCounter = counter
        for index in outbox.indices where !outbox[index].isJudged {
            for write in outbox[index].change.writes.indices {
                let dots = outbox[index].change.writes[write].replaces
                outbox[index].change.writes[write].replaces = dots.map { renamed[$0] ?? $0 }
            }
            if let intent = outbox[index].change.readableIntent {
                outbox[index].change.intent = intent.renaming(renamed).value
            }
            try store.rewrite(outbox[index])
        }
        try store.setFact("replica", id.rawValue)
        try store.setFact("counter", nextCounter)
        try store.setFact("ticket", nil)
        try store.setBatch(nil)
        try saveFormerly()
        rebuildView(view.confirmed)
    }

    /// Enters a new epoch: everything that was not confirmed is to be judged again, and what was
    /// accepted is resent before the snapshot of the new epoch replaces the confirmed state.
    private func enter(_ epoch: UInt64) throws {
        batch = nil
        ticket = nil
        pages = nil
        covered = 0
        try store.setBatch(nil)
        try store.setFact("ticket", nil)
        try store.setFact("covered", 0)
        // All of the outbox is stamped anew.
        try setLastStamp(.zero)
        doubtsCatalog = true
        wantsCatalog = true
        try store.setFact("catalog_doubt", 1)
        for index in outbox.indices {
            outbox[index].position = nil
            switch outbox[index].state {
            case .accepted: outbox[index].state = .sending
            // Its fate is told: the change only uses up its counter again.
            case .rejected:
                outbox[index].change.writes = []
                outbox[index].change.intent = nil
            case .saved, .sending, .withdrawn: break
            }
            try store.rewrite(outbox[index])
        }
        // Changes judged under an id that this device had before a fork get names of the present
        // one.
        if outbox.contains(where: { $0.dot.replica != id }) { try takeNewID() }
        try setResending((epoch, 0))
        rebuildView(view.confirmed)
    }

    /// Stamps the batch under way anew after `clock_ahead`; its changes and their order stay.
    private func stampAnew(serverMilliseconds: UInt64, at reading: ClockReading) throws {
        try setTimeFloor(min(timeFloor, serverMilliseconds + Self.overtakingMillisecondsMax))
        try setAnchor(ClockAnchor(serverMilliseconds: serverMilliseconds, reading: reading))
        let latest = Timestamp(milliseconds: serverMilliseconds)
        clock = HybridClock(latest: min(clock.latest, latest))
        try store.setFact("clock", clock.latest.rawValue)
        try setLastStamp(min(lastStamp, latest))
        // The same changes and no more: an earlier send may still be under way and be accepted with
        // the stamps that it has.
        let count = batch?.events.count ?? 0
        batch = nil
        try cutBatch(at: reading, most: count)
        try setWantsWhole(true)
    }
}
