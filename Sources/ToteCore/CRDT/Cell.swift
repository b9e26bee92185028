/// What a write puts into its cell; the kind decides which fold reads it.
///
/// Wire form: `[kind, value]` (Protocol §3.7).
package enum Payload: Hashable, Sendable {
    /// A value of which the latest wins and the others stay readable.
    case register(Value)
    /// A counter's absolute value, 0 or more; the latest wins.
    case base(Int64)
    /// A change of a counter; all that live are added up.
    case delta(Int64)
    /// Present: a member of a set.
    case flag
    /// A kind made by a newer version: kept and passed on, read by no fold.
    case other(kind: UInt64, Value)

    /// Whether its cell carries the change's time: what is added up needs none.
    package var isTimed: Bool {
        switch self {
        case .register, .base, .other: true
        case .delta, .flag: false
        }
    }
}

/// One write's trace in a document: live until a later write names its dot.
package struct Cell: Hashable, Sendable {
    package let dot: Dot
    package let time: Timestamp
    package let payload: Payload

    package init(dot: Dot, time: Timestamp, payload: Payload) {
        self.dot = dot
        self.time = payload.isTimed ? time : .zero
        self.payload = payload
    }

    /// The order in which registers and bases win: time, then replica, then counter.
    package func isOlder(than other: Cell) -> Bool {
        time == other.time ? dot < other.dot : time < other.time
    }
}
