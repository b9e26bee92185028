internal import ToteCore

/// A customer who stands before an associate, and has shown who they are (Protocol §28).
struct Visit {
    let space: String
    let store: String
    /// The token that they were shown to.
    let token: String
    /// Milliseconds since 1970.
    let until: UInt64

    static let milliseconds: UInt64 = 900_000
}

/// The visits that go on. In memory only: after a restart the customer shows their code again.
struct VisitBook {
    private var visits: [String: Visit] = [:]

    /// Of all stores; of more the one that ends first is over.
    static let visitsMax = 10_000

    mutating func begin(_ id: String, _ visit: Visit, at now: UInt64) {
        if visits.count >= Self.visitsMax {
            visits = visits.filter { $0.value.until > now }
            if visits.count >= Self.visitsMax,
                let first = visits.min(by: { $0.value.until < $1.value.until })
            {
                visits[first.key] = nil
            }
        }
        visits[id] = visit
    }

    /// The visit, while it goes on, to whom it was shown.
    func visit(_ id: String, store: String, token: String, at now: UInt64) -> Visit? {
        guard let visit = visits[id], visit.until > now, visit.store == store,
            visit.token == token
        else { return nil }
        return visit
    }

    mutating func end(_ id: String) { visits[id] = nil }

    /// Ends those of a customer who was erased.
    mutating func forget(space: String) { visits = visits.filter { $0.value.space != space } }
}
