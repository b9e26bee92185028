internal import ToteCore

// A trace of one device, for who looks for the cause of what a customer reports: `tote-sim replay`
// does again what the device did, without knowing what the customer wrote.
extension Tote {
    /// Begins to note what comes into this account's documents, from the state of now on: edits,
    /// answers, clock readings, and what the network did. It is kept on the device until
    /// `stopTrace`, through restarts; at most 32 MiB of it.
    ///
    /// - Throws: `storage` and its kin.
    public func startTrace() throws(ToteError) { try replica().startTrace() }

    /// Ends the trace and forgets it.
    ///
    /// - Throws: `storage` and its kin.
    public func stopTrace() throws(ToteError) { try replica().stopTrace() }

    /// The trace as lines of JSON, in which every word that a customer wrote is replaced by another
    /// of its length; ids, quantities, amounts and times stay.
    ///
    /// - Throws: `notFound` when none was begun; `storage` and its kin.
    public func exportTrace() throws(ToteError) -> [UInt8] {
        try replica().exportTrace(random: clock.draw)
    }
}
