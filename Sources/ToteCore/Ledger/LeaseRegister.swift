/// What a redeemer knows of leases while it is cut off: what it has taken of each, and up to when
/// it has promised to take no more.
///
/// Pure; its owner makes every change durable before goods go over the counter. Invariants: (G1)
/// of no lease is more taken than its terms grant; (G2) the watermark never falls; (G3) nothing is
/// taken of a lease that ends at or before the watermark; (G4) nor of one that was given back.
package struct LeaseRegister: Hashable, Sendable {
    /// Of this incarnation alone are leases accepted.
    package let incarnation: UInt64
    package private(set) var watermark: UInt64
    /// By lease; the greatest number there is of one that was given back.
    package private(set) var taken: [LeaseID: Int64]

    package init(
        incarnation: UInt64, watermark: UInt64 = 0, taken: [LeaseID: Int64] = [:]
    ) {
        self.incarnation = incarnation
        self.watermark = watermark
        self.taken = taken
    }

    package enum Refusal: String, Error, CaseIterable {
        /// Past its end, by a cautious reading of the server's time, below the watermark, or given
        /// back.
        case leaseExpired = "lease_expired"
        /// Of another store, or of a redeemer that was lost or restored.
        case leaseNotHeld = "lease_not_held"
        case balanceTooLow = "balance_too_low"
    }

    /// What is left of a lease here.
    package func left(of id: LeaseID, granted: Int64) -> Int64 {
        max(0, granted - (taken[id] ?? 0))
    }

    /// Takes units of a lease.
    ///
    /// - Parameters:
    ///   - granted: what the lease's certificate grants in all.
    ///   - now: a reading of the server's time that is not early.
    package mutating func take(
        _ amount: Amount, of id: LeaseID, granted: Int64, stopAt: UInt64, incarnation: UInt64,
        at now: UInt64
    ) throws(Refusal) {
        guard incarnation == self.incarnation else { throw .leaseNotHeld }
        guard stopAt > now, stopAt > watermark, taken[id] != .max else {
            throw .leaseExpired
        }
        guard left(of: id, granted: granted) >= amount.units else { throw .balanceTooLow }
        taken[id, default: 0] += amount.units
    }

    /// Promises to take nothing of leases that end at or before a moment.
    package mutating func promise(_ watermark: UInt64) {
        self.watermark = max(self.watermark, watermark)
    }

    /// Takes nothing of a lease from now on. Its owner makes this durable before it says so to the
    /// server: the phone keeps the certificate, and a code is still made from it.
    package mutating func close(_ id: LeaseID) { taken[id] = .max }
}
