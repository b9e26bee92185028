/// Where an order stands (Protocol §14.4).
public enum OrderState: String, CaseIterable, Sendable {
    /// Saved on this device, not yet judged by the server.
    case queued
    /// Taken back before it was sent.
    case withdrawn
    case placed, confirmed, preparing, ready, collected
    /// Not collected in time: the store finds out what became of it.
    case expired
    case declined, cancelled

    /// Whether something is still to happen to it.
    public var isOpen: Bool {
        switch self {
        case .queued, .placed, .confirmed, .preparing, .ready, .expired: true
        case .withdrawn, .collected, .declined, .cancelled: false
        }
    }

    /// The states that a server knows and a counter polls unless it asks for others.
    package static let openAtStore: [OrderState] = [
        .placed, .confirmed, .preparing, .ready, .expired,
    ]

    /// Who takes a step.
    public enum Actor: String, CaseIterable, Sendable { case customer, store, manager, system }

    /// The one table of steps: who may take an order from where to where.
    package static let steps: [(from: OrderState, to: OrderState, by: [Actor])] = [
        (.placed, .confirmed, [.store, .manager]),
        (.placed, .preparing, [.store, .manager]),
        (.placed, .ready, [.store, .manager]),
        (.placed, .declined, [.store, .manager]),
        (.placed, .cancelled, [.customer, .store, .manager]),
        (.confirmed, .preparing, [.store, .manager]),
        (.confirmed, .ready, [.store, .manager]),
        (.confirmed, .cancelled, [.customer, .store, .manager]),
        (.preparing, .ready, [.store, .manager]),
        (.preparing, .cancelled, [.store, .manager]),
        (.ready, .collected, [.store, .manager]),
        (.ready, .preparing, [.store, .manager]),
        (.ready, .cancelled, [.store, .manager]),
        (.ready, .expired, [.system]),
        (.expired, .collected, [.store, .manager]),
        (.expired, .cancelled, [.store, .manager]),
        // An undo of the store is bounded to the seconds after the hand-over.
        (.collected, .ready, [.store, .manager]),
        (.cancelled, .placed, [.manager]),
        (.declined, .placed, [.manager]),
    ]

    /// Whether the actor may take an order in this state to another.
    package func allows(_ next: OrderState, by actor: Actor) -> Bool {
        Self.steps.contains { $0.from == self && $0.to == next && $0.by.contains(actor) }
    }

    /// The steps that the actor may take from here, in the order of the table.
    package func steps(by actor: Actor) -> [OrderState] {
        Self.steps.filter { $0.from == self && $0.by.contains(actor) }.map(\.to)
    }

    /// How long after a hand-over a counter may take it back, milliseconds.
    package static let undoMilliseconds: UInt64 = 60_000
}
