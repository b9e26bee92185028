package import ToteCore

/// What a server has committed since it was opened, in numbers.
package struct ServerCounts: Sendable, Hashable {
    /// Pushes that had something new.
    package var batches: UInt64 = 0
    /// Pushed changes that took effect.
    package var acceptedChanges: UInt64 = 0
    /// Pushed changes that were known already.
    package var repeatedChanges: UInt64 = 0
    /// Events that devices brought back after a restore.
    package var resentChanges: UInt64 = 0
    /// Pushed changes that were refused, by code.
    package var rejectedChanges: [String: UInt64] = [:]
    /// Steps that orders took, by the state that they led to.
    package var orderSteps: [OrderState: UInt64] = [:]
    /// Entries of the ledger, by kind.
    package var points: [LedgerEntry.Kind: Entries] = [:]
    package var card: [LedgerEntry.Kind: Entries] = [:]
    package var offer: [LedgerEntry.Kind: Entries] = [:]
    /// Attempts to send a webhook, and deliveries that ended.
    package var webhookAttempts: [WebhookEnd: UInt64] = [:]
    package var webhookDeliveries: [WebhookEnd: UInt64] = [:]

    /// Nothing yet.
    package init() {}

    /// Entries of one kind, and their units together.
    package struct Entries: Sendable, Hashable {
        package var count: UInt64 = 0
        package var units: UInt64 = 0

        package init(count: UInt64 = 0, units: UInt64 = 0) {
            self.count = count
            self.units = units
        }
    }

    /// How an attempt, or a delivery with all its attempts, ended.
    package enum WebhookEnd: String, Sendable, CaseIterable {
        case delivered, refused, unanswered
        /// No attempt is left.
        case givenUp = "given_up"
        /// It had to go for another.
        case dropped
    }

    /// One thing that happened within a group.
    enum Event {
        case batch
        case accepted(UInt64)
        case repeated(UInt64)
        case resent(UInt64)
        case rejected(String)
        case step(OrderState)
        case entry(LedgerEntry.Kind, AccountName, Int64)
        case attempt(WebhookEnd)
        case delivery(WebhookEnd, count: UInt64 = 1)
    }

    /// Counts what a group did, once it is durable.
    mutating func take(_ event: Event) {
        switch event {
        case .batch: batches += 1
        case .accepted(let count): acceptedChanges += count
        case .repeated(let count): repeatedChanges += count
        case .resent(let count): resentChanges += count
        case .rejected(let code): rejectedChanges[code, default: 0] += 1
        case .step(let state): orderSteps[state, default: 0] += 1
        case .entry(let kind, .points, let units): points[kind, default: Entries()].add(units)
        case .entry(let kind, .card, let units): card[kind, default: Entries()].add(units)
        case .entry(let kind, .offer, let units): offer[kind, default: Entries()].add(units)
        case .attempt(let end): webhookAttempts[end, default: 0] += 1
        case .delivery(let end, let count): webhookDeliveries[end, default: 0] += count
        }
    }
}

extension ServerCounts.Entries {
    fileprivate mutating func add(_ units: Int64) {
        count += 1
        self.units += UInt64(clamping: units)
    }
}

/// Counts of groups: what an open group did counts when it is committed, and not when it is rolled
/// back.
struct Tally {
    private(set) var counts = ServerCounts()
    private var open: [ServerCounts.Event] = []

    mutating func note(_ event: ServerCounts.Event) { open.append(event) }

    /// Notes the fates that a push was answered with.
    ///
    /// - Parameter before: the end of the log before it.
    mutating func note(_ fates: [Fate], before: UInt64) {
        var accepted: UInt64 = 0
        var repeated: UInt64 = 0
        for fate in fates {
            if fate.position <= before || fate.sameAs != nil {
                repeated += 1
            } else if let rejection = fate.rejection {
                note(.rejected(rejection.code))
            } else {
                accepted += 1
            }
        }
        if accepted > 0 { note(.accepted(accepted)) }
        if repeated > 0 { note(.repeated(repeated)) }
        if repeated < fates.count { note(.batch) }
    }

    mutating func commit() {
        for event in open { counts.take(event) }
        open.removeAll(keepingCapacity: true)
    }

    mutating func rollBack() { open.removeAll(keepingCapacity: true) }
}
