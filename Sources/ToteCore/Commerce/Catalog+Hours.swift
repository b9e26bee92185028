// Opening hours, slots and pickup times: Protocol/orders.md section 13.3.

extension Catalog.Store {
    /// How many of the intervals begin at or before a moment.
    private func begun(at ms: UInt64) -> Int {
        var low = 0
        var high = open.count
        while low < high {
            let middle = (low + high) / 2
            if open[middle].from <= ms { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Whether the store is open at a moment.
    public func isOpen(at ms: UInt64) -> Bool {
        let begun = begun(at: ms)
        return begun > 0 && ms < open[begun - 1].to
    }

    /// When the store opens next, after a moment; `nil` when that is not known.
    public func nextOpening(after ms: UInt64) -> UInt64? {
        let begun = begun(at: ms)
        return begun < open.count ? open[begun].from : nil
    }

    /// When an order that is placed at a moment can be had at the earliest: after the preparation,
    /// which begins at once in an open store, else when it opens. The store is still open then.
    public func earliestPickup(at ms: UInt64) -> UInt64? {
        let preparation = UInt64(preparationMinutes) * 60_000
        var start = isOpen(at: ms) ? ms : nextOpening(after: ms)
        while let moment = start {
            let (pickup, overflow) = moment.addingReportingOverflow(preparation)
            guard !overflow else { return nil }
            if isOpen(at: pickup) { return pickup }
            start = nextOpening(after: moment)
        }
        return nil
    }

    /// The start of the slot that a moment lies in, in milliseconds.
    package func slot(of ms: UInt64) -> UInt64 {
        let length = UInt64(slotMinutes) * 60_000
        return ms / length * length
    }
}
