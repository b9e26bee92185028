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
        if record == nil || record?.epoch == epoch {
            let next = (record?.context.last ?? 0) + 1
            guard wasRestored || first.dot.counter <= next else { throw Problem.replicaForked }
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
        for event in unknown { noteResent(event.dot) }
        _ = try judge(unknown, sent: nil, looksUp: true)
        try space.save(run.replica, in: store)
    }
}
