internal import ToteCore

/// What happened in a world, as its judge needs it: every edit by its nonce, with what its author
/// had seen.
///
/// Recorded outside the product's own state, so that a fault there cannot hide itself.
package struct History: Sendable {
    struct Edit: Sendable {
        var writes: [(key: Key, payload: Payload?, saw: Set<Nonce>)]
        var isForbidden: Bool
        /// Some device may have lost it with its disk: it need not arrive.
        var mayBeLost = false
        var isWithdrawn = false
        /// The server may refuse it for reasons of its own.
        var isIntent = false
    }

    var edits: [Nonce: Edit] = [:]
    /// The change that places each order.
    var orders: [OrderID: Nonce] = [:]
    /// Which counters were told that they handed an order over.
    var handOvers: [OrderID: [Int]] = [:]
    // Points and stored value.
    struct Gift: Sendable, Hashable {
        var account: String
        var units: Int64
        var reference: String
    }

    /// Goods that were given for points or stored value.
    struct Given: Sendable {
        var units: Int64
        /// The lease that paid at the till; `nil` online.
        var lease: LeaseID?
        var nonce: Nonce?
        /// Its record is on no disk any more.
        var isLost = false
    }

    /// An order of an honest device that its leases cover.
    struct Promise: Sendable {
        var until: UInt64
        var leases: [LeaseID]
        var device: Int
    }

    var gifts: [Gift] = []
    var given: [OrderID: Given] = [:]
    /// Redemptions and orders that came back to the store.
    var broughtBack: Set<OrderID> = []
    var writtenOff: Set<LeaseID> = []
    /// Leases that another device than their holder gave back.
    var revoked: Set<LeaseID> = []
    var promises: [Nonce: Promise] = [:]
    /// When the server first saw each change with an intent.
    var served: [Nonce: UInt64] = [:]
    package private(set) var lines: [String] = []
    /// Whether lines are kept: only what failed is read, and making them takes longer than much of
    /// what they tell.
    var keepsLines = true

    mutating func note(_ line: @autoclosure () -> String) {
        if keepsLines { lines.append(line()) }
    }

    /// The cells that must live, given which edits were accepted: a write counts unless an accepted
    /// write at its key had seen it. A plain function of the history; no order, no dots, no log.
    func liveCells(accepted: Set<Nonce>) -> Set<LiveCell> {
        var erased: Set<LiveCell> = []
        for nonce in accepted {
            for write in edits[nonce]?.writes ?? [] {
                for seen in write.saw { erased.insert(LiveCell(nonce: seen, key: write.key)) }
            }
        }
        var live: Set<LiveCell> = []
        for nonce in accepted {
            for write in edits[nonce]?.writes ?? [] where write.payload != nil {
                let cell = LiveCell(nonce: nonce, key: write.key)
                if !erased.contains(cell) { live.insert(cell) }
            }
        }
        return live
    }
}

struct LiveCell: Hashable, Comparable {
    var nonce: Nonce
    var key: Key

    static func < (left: LiveCell, right: LiveCell) -> Bool {
        left.key == right.key ? left.nonce < right.nonce : left.key < right.key
    }
}

/// A broken promise, with the one command that shows it again.
package struct WorldFailure: Error, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// A promise is broken.
        case wrong
        /// The world did not settle after its faults ended.
        case stuck
    }

    package var kind: Kind
    package var seed: UInt64
    package var family: WorldOptions.Family
    package var message: String
    /// The last things that happened.
    package var lines: [String]

    package init(
        kind: Kind, seed: UInt64, family: WorldOptions.Family, message: String, lines: [String]
    ) {
        self.kind = kind
        self.seed = seed
        self.family = family
        self.message = message
        self.lines = lines
    }

    package var description: String {
        "\(kind.rawValue): \(message) [repeat: tote-sim world --family \(family.rawValue) "
            + "--seeds \(seed)..\(seed)]"
    }
}
