internal import ToteCore

// What a replica does for hand-offs: Protocol section 24.
extension Replica {
    /// The hand-offs that the documents tell of, the latest to end first.
    package var handOffs: [HandOff] { HandOff.all(in: view.confirmed) }

    /// A code that carries everything that was not sent yet; from here on that counts as sent, and
    /// cannot be withdrawn.
    ///
    /// - Parameter key: what the device's token signs with.
    /// - Throws: `notFound` for a device that does not know the time; `limit` when it is too much
    ///   for a code; `storage`. Nothing has changed then.
    package func carriedHandOff(
        _ id: HandOffID, seconds: Int64, key: [UInt8], at reading: ClockReading
    ) throws(ToteError) -> CarriedHandOff {
        try refresh()
        // An anchor of an earlier start of the device tells nothing about its wall clock now.
        guard let time = serverTime(at: reading), time.isSure, resending == nil else {
            throw ToteError(
                .notFound,
                "without a network a device shows a code only when it was in touch with the server "
                    + "since it was started: connect once")
        }
        return CarriedHandOff(
            id: id, seconds: seconds, until: time.milliseconds + HandOff.offerMilliseconds,
            run: try carry(at: reading), key: key)
    }

    /// Stamps all that has no fate and marks it as sent.
    ///
    /// - Returns: the deterministic CBOR of its run; nothing when there is none.
    func carry(at reading: ClockReading) throws(ToteError) -> [UInt8] {
        guard outbox.contains(where: { !$0.isJudged }) else { return [] }
        return try update {
            if batch == nil { try cutBatch(at: reading, most: Limits.changesPerBatchMax) }
            var events = batch?.events ?? []
            let left = Limits.changesPerBatchMax - events.count
            if let rest = try cut(at: reading, most: left, behind: events.last) {
                events += rest.events
            }
            let waiting = outbox.count { !$0.isJudged }
            let run = Run(replica: id, counter: events.first?.dot.counter ?? 1, events: events)
            let bytes = Encoding.cbor.encode(run)
            guard events.count == waiting, bytes.count <= CarriedHandOff.runBytesMax else {
                throw ToteError(
                    .limit, "\(waiting) changes are more than a code carries: connect first",
                    rejection: .limit("batch_too_large", CarriedHandOff.runBytesMax, bytes.count))
            }
            rebuildView(view.confirmed)
            try note(.carry, at: reading, body: bytes)
            return bytes
        }
    }

    /// Takes everything confirmed anew with the next pull: this device may see more than before.
    func refetch() throws(ToteError) {
        try update {
            cursor = nil
            pages = nil
            try store.setFact("epoch", nil)
            try store.setFact("position", nil)
            try note(.refetch)
        }
    }
}
