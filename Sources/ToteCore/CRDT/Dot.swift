/// One installation of the client core in one space: 64 random bits made on the device.
///
/// The server is a replica too; its id is its epoch. Wire form: `id` (Protocol §3.2).
package struct ReplicaID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static func < (left: ReplicaID, right: ReplicaID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The name of a change: the replica that made it and that replica's counter, 1, 2, 3….
///
/// Wire form: `[replica, counter]` (Protocol §3.3). Ordered by replica, then counter.
/// Source: Almeida et al., "Dotted version vectors", 2012.
package struct Dot: Hashable, Comparable, Sendable {
    package let replica: ReplicaID
    package let counter: UInt64

    package init(_ replica: ReplicaID, _ counter: UInt64) {
        self.replica = replica
        self.counter = counter
    }

    package static func < (left: Dot, right: Dot) -> Bool {
        left.replica == right.replica
            ? left.counter < right.counter : left.replica < right.replica
    }
}

/// What identifies a change for life, whichever dot it ends up with: 64 random bits.
package typealias Nonce = UInt64
