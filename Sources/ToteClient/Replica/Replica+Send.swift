package import ToteCore

/// A request that is ready to be sent, and what its reply must fit.
package struct Outgoing: Sendable {
    package enum Kind: Hashable, Sendable {
        case push
        case pull
        case resend(through: UInt64)
    }

    package let kind: Kind
    package let request: SyncRequest
    /// The cursor that the request named: events apply only while it is still the replica's.
    package let cursor: Cursor?

    package var body: [UInt8] { Encoding.cbor.encode(request) }
}

extension Replica {
    /// About how large a batch may get; a single change may be larger.
    static var batchBytesTarget: Int { Limits.batchBytesMax / 2 }

    /// The next request: what is to be resent, the batch under way or a new one, or a pull.
    ///
    /// A new batch is durable when this returns. `nil` when there is nothing to push and
    /// `pullsAnyway` is false.
    package func nextRequest(
        at reading: ClockReading, pullsAnyway: Bool
    ) throws(ToteError) -> Outgoing? {
        try refresh()
        if let resending {
            if let request = try resendRequest(resending) { return request }
        }
        if pages != nil { return try pullRequest() }
        // An anchor of an earlier start of the device tells nothing about its wall clock now.
        let knowsTime = anchor?.reading.bootID == reading.bootID
        if batch == nil, knowsTime, outbox.contains(where: { !$0.isJudged }) {
            try update {
                try cutBatch(at: reading, most: Limits.changesPerBatchMax)
                if let batch { try note(.cut, at: reading, body: Encoding.cbor.encode(batch)) }
            }
        }
        if let batch {
            var request = SyncRequest(replica: id, cursor: cursor)
            request.ticket = ticket
            request.formerly = formerly
            request.counter = batch.counter
            request.changes = batch.events
            request.wantsWhole = wantsWhole
            return Outgoing(kind: .push, request: request, cursor: cursor)
        }
        // Before the first reply the server's time is unknown, and no stamp can be made.
        let mustAsk = outbox.contains { !$0.isJudged }
        return pullsAnyway || mustAsk || wantsWhole ? try pullRequest() : nil
    }

    /// The next request, or a pull.
    package func exchangeRequest(at reading: ClockReading) throws(ToteError) -> Outgoing {
        if let request = try nextRequest(at: reading, pullsAnyway: true) { return request }
        return try pullRequest()
    }

    /// A pull; with `wait` one that the server may hold until something is new.
    package func pullRequest(waitSeconds: UInt64 = 0) throws(ToteError) -> Outgoing {
        try refresh()
        var request = SyncRequest(replica: id, cursor: cursor)
        request.waitSeconds = waitSeconds
        request.wantsWhole = wantsWhole
        if let pages {
            request.page = SyncRequest.Page(position: pages.position, next: pages.next)
        }
        return Outgoing(kind: .pull, request: request, cursor: cursor)
    }

    /// Whether a push is due.
    package var hasWork: Bool {
        batch != nil || resending != nil || outbox.contains { !$0.isJudged }
    }

    /// Cuts a batch off the outbox and stamps it; it is in the file with the transaction around
    /// this.
    func cutBatch(at reading: ClockReading, most: Int) throws {
        guard let run = try cut(at: reading, most: most, behind: nil) else { return }
        try store.setBatch(run)
        batch = run
        rebuildView(view.confirmed)
    }

    /// Stamps the first changes of the outbox that have no fate, as many as a batch takes, and
    /// marks them as sent.
    ///
    /// - Parameter behind: those behind this event alone.
    func cut(at reading: ClockReading, most: Int, behind: Event?) throws -> Run? {
        guard let anchor, most > 0 else { return nil }
        var events: [Event] = []
        var bytes = 0
        let now = anchor.serverMilliseconds(at: reading)
        var cut: [Int] = []
        var last = max(lastStamp, behind?.change.time ?? .zero)
        for index in outbox.indices where !outbox[index].isJudged {
            let entry = outbox[index]
            guard entry.dot.replica == id, events.count < most else { break }
            if let behind, entry.dot.counter <= behind.dot.counter { continue }
            if let before = events.last, entry.dot.counter != before.dot.counter + 1 { break }
            // Cautious: the change alone, with every key in full.
            let alone = Event(dot: entry.dot, change: entry.change, outcome: .accepted)
            bytes += Encoding.cbor.encode(Run(replica: id, counter: 1, events: [alone])).count
            if !events.isEmpty, bytes > Self.batchBytesTarget { break }
            var change = entry.change
            change.time = stamp(entry, anchor: anchor, now: now, after: last)
            last = change.time
            events.append(Event(dot: entry.dot, change: change, outcome: .accepted))
            cut.append(index)
        }
        guard let first = events.first else { return nil }
        let run = Run(replica: id, counter: first.dot.counter, events: events)
        let digest = run.sentDigest
        for (index, event) in zip(cut, events) {
            outbox[index].change = event.change
            outbox[index].digest = digest
            if outbox[index].state == .saved { outbox[index].state = .sending }
            try store.rewrite(outbox[index])
        }
        clock.observe(last)
        try store.setFact("clock", clock.latest.rawValue)
        return run
    }

    /// The server's time at which a change was made, as well as it can be known: not in the future
    /// of what the device knows, but later than what it had seen then, and than the stamp before.
    private func stamp(
        _ entry: OutboxEntry, anchor: ClockAnchor, now: UInt64, after last: Timestamp
    ) -> Timestamp {
        // A clock that was wrong by years before the device was started anew must not make a fresh
        // change too old to be judged, now or when it is sent again later.
        let least = now - min(now, Limits.horizonMilliseconds)
        let made = min(max(anchor.serverMilliseconds(at: entry.reading), least), now)
        // What it had seen was stamped by a server or accepted by one: legal above an estimate that
        // a slow reply has set back. What was seen before `clock_ahead` may lie in the future.
        let floor = min(entry.floor.next, max(Timestamp(milliseconds: now), clock.latest.next))
        return max(Timestamp(milliseconds: made), floor, last.next)
    }

    /// The next part of what is resent to a new epoch; `nil` and a changed cursor when all is.
    private func resendRequest(
        _ state: (epoch: UInt64, sequence: UInt64)
    ) throws(ToteError) -> Outgoing? {
        var through = state.sequence
        var runs: [Run] = []
        // Legal: a stretch that holds nothing to resend; the next one is looked at.
        while runs.isEmpty {
            let stretch = try heldStretch(after: through)
            guard stretch.through > through else { break }
            (runs, through) = stretch
        }
        let epochCursor = Cursor(epoch: state.epoch, position: 0)
        if !runs.isEmpty {
            var request = SyncRequest(replica: id, cursor: epochCursor)
            request.resend = runs
            return Outgoing(kind: .resend(through: through), request: request, cursor: cursor)
        }
        try update {
            try setResending(nil)
            try setCursor(epochCursor)
            try note(.resent)
        }
        return nil
    }

    /// What is held behind a run, as much of it as a request takes.
    private func heldStretch(
        after start: UInt64
    ) throws(ToteError) -> (runs: [Run], through: UInt64) {
        let held: [(sequence: UInt64, run: Run)]
        do {
            held = try store.heldRuns(after: start, most: 64)
        } catch {
            throw ToteError.storage(error)
        }
        var runs: [Run] = []
        var bytes = 0
        var through = start
        for (sequence, run) in held {
            let stretches = Self.acceptedStretches(run)
            bytes += Encoding.cbor.encode(run).count
            let isFull =
                bytes > Self.batchBytesTarget
                || runs.count + stretches.count > Limits.changesPerBatchMax
            if through > start, isFull { break }
            through = sequence
            runs += stretches
        }
        return (runs, through)
    }

    /// The accepted changes of a run as runs of consecutive counters.
    private static func acceptedStretches(_ run: Run) -> [Run] {
        var stretches: [Run] = []
        for event in run.events where event.outcome == .accepted && !event.change.isEmpty {
            if let last = stretches.last?.events.last,
                last.dot.counter + 1 == event.dot.counter
            {
                stretches[stretches.count - 1].events.append(event)
            } else {
                stretches.append(
                    Run(replica: run.replica, counter: event.dot.counter, events: [event]))
            }
        }
        return stretches
    }

    func setResending(_ state: (epoch: UInt64, sequence: UInt64)?) throws {
        resending = state
        try store.setFact("resend_epoch", state?.epoch)
        try store.setFact("resend_sequence", state?.sequence)
    }

    func setCursor(_ cursor: Cursor) throws {
        self.cursor = cursor
        try store.setFact("epoch", cursor.epoch)
        try store.setFact("position", cursor.position)
    }
}
