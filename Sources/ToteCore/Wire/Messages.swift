/// How a body is encoded.
package enum Encoding: String, CaseIterable, Sendable {
    case cbor = "application/cbor"
    case json = "application/json"
}

/// Consecutive changes of one replica at consecutive positions of the log (Protocol §4.4).
package struct Run: Hashable, Sendable {
    /// Position of the first event; 0 where it has none yet.
    package var position: UInt64
    package var replica: ReplicaID
    /// Counter of the first change.
    package var counter: UInt64
    package var events: [Event]
    /// Set when the run stands for the bytes that its author sent: the accepted changes come as
    /// their nonce alone. The first 8 bytes of the SHA-256 of the batch.
    package var digest: UInt64?

    package init(
        position: UInt64 = 0, replica: ReplicaID, counter: UInt64, events: [Event],
        digest: UInt64? = nil
    ) {
        self.position = position
        self.replica = replica
        self.counter = counter
        self.events = events
        self.digest = digest
    }
}

/// Where a replica stands in the log of its space: `(epoch, position)`. Position 0 asks for a
/// snapshot.
package struct Cursor: Hashable, Sendable {
    package var epoch: UInt64
    package var position: UInt64

    package init(epoch: UInt64, position: UInt64) {
        self.epoch = epoch
        self.position = position
    }
}

/// `POST /v1/spaces/{space}/sync`: push and pull in one round trip (Protocol §5.1).
package struct SyncRequest: Hashable, Sendable {
    package var replica: ReplicaID
    package var cursor: Cursor?
    /// What the last reply to a push gave; absent in the first.
    package var ticket: UInt64?
    /// Counter of the first change, when there are changes.
    package var counter: UInt64 = 1
    package var changes: [Event] = []
    /// Ids that this installation had before a fork, until a push under the new one was answered.
    package var formerly: [ReplicaID] = []
    /// Seconds to wait for something new; only without changes.
    package var waitSeconds: UInt64 = 0
    /// Accepted changes under their own dots, after the epoch changed.
    package var resend: [Run] = []
    /// The snapshot's position and the item to go on with.
    package var page: Page?
    /// Asks for the replica's own changes in full instead of their nonces.
    package var wantsWhole = false

    package struct Page: Hashable, Sendable {
        package var position: UInt64
        package var next: UInt64

        package init(position: UInt64, next: UInt64) {
            self.position = position
            self.next = next
        }
    }

    package init(replica: ReplicaID, cursor: Cursor? = nil) {
        self.replica = replica
        self.cursor = cursor
    }

    /// The changes as the run that the log will hold.
    package var run: Run { Run(replica: replica, counter: counter, events: changes) }
}

/// What became of one pushed change.
package struct Fate: Hashable, Sendable {
    package var position: UInt64
    package var sameAs: Dot?
    package var rejection: Rejection?

    package init(position: UInt64, sameAs: Dot? = nil, rejection: Rejection? = nil) {
        self.position = position
        self.sameAs = sameAs
        self.rejection = rejection
    }
}

/// A refusal that every device of the customer learns of.
package struct LoggedRejection: Hashable, Sendable {
    package var dot: Dot
    package var nonce: Nonce
    package var time: Timestamp
    package var rejection: Rejection

    package init(dot: Dot, nonce: Nonce, time: Timestamp, rejection: Rejection) {
        self.dot = dot
        self.nonce = nonce
        self.time = time
        self.rejection = rejection
    }
}

/// The state of a space at one position, whole or a page of it (Protocol §4.5).
package struct Snapshot: Hashable, Sendable {
    package var position: UInt64
    package var documents: Documents
    package var rejections: [LoggedRejection]
    /// The item with which the next page begins; absent on the last.
    package var next: UInt64?

    package init(
        position: UInt64, documents: Documents, rejections: [LoggedRejection] = [],
        next: UInt64? = nil
    ) {
        self.position = position
        self.documents = documents
        self.rejections = rejections
        self.next = next
    }
}

/// The reply to a sync (Protocol §5.2).
package struct SyncReply: Hashable, Sendable {
    package var cursor: Cursor
    /// What the next push must show; only in replies to a push.
    package var ticket: UInt64?
    /// One for each pushed change, in their order.
    package var fates: [Fate] = []
    package var events: [Run] = []
    package var snapshot: Snapshot?
    /// The position up to which the newest backup holds the log.
    package var covered: UInt64 = 0
    /// Whether there is more to pull at once.
    package var hasMore = false
    package var serverTime: Timestamp

    package init(cursor: Cursor, serverTime: Timestamp) {
        self.cursor = cursor
        self.serverTime = serverTime
    }
}
