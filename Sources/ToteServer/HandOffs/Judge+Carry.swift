internal import ToteCore

extension Judge {
    /// Takes in what a device could not send, out of a code that it showed: judged as a push of it
    /// would be, but that no ticket is shown and none is given. When the device pushes the same
    /// changes later it gets their fates (Protocol §24.3).
    ///
    /// - Throws: a `Problem` when the device is a copy, or its changes do not follow upon those
    ///   that are here, and storage errors.
    func carry(_ run: Run) throws {
        guard run.replica != ReplicaID(epoch), let first = run.events.first else {
            throw Problem.replicaForked
        }
        let record = space.replicas[run.replica]
        // 0 of one that has never pushed.
        if !wasRestored, record.map({ $0.epoch == epoch || $0.epoch == 0 }) ?? true {
            guard first.dot.counter <= (record?.context.last ?? 0) + 1 else {
                throw Problem.replicaForked
            }
        }
        let latest =
            space.clock.reading(atMilliseconds: now).milliseconds + Limits.clockAheadMillisecondsMax
        var unknown: [Event] = []
        for event in run.events {
            guard event.outcome == .accepted else {
                throw Problem(400, "malformed", "a code carries changes as they were made")
            }
            if space.isJudged(event.dot) {
                guard try storedFate(event.dot, event.change.nonce) != nil else {
                    throw Problem.replicaForked
                }
                continue
            }
            guard event.change.time.milliseconds <= latest else {
                throw clockAhead(event.change.time)
            }
            unknown.append(event)
        }
        guard !unknown.isEmpty else { return }
        try space.store(in: store)
        for event in unknown { noteResent(event.dot) }
        _ = try judge(unknown, sent: nil, looksUp: true)
        try space.save(run.replica, in: store)
    }
}
