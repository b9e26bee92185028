/// A write at one key: what it puts there, and which cells it has seen and replaces.
///
/// Without a payload it erases. Wire form: Protocol §3.8.
package struct Write: Hashable, Sendable {
    package var key: Key
    package var payload: Payload?
    /// Dots of the cells at this key that the author saw. Naming one that is not there is harmless.
    package var replaces: [Dot]

    package init(key: Key, payload: Payload?, replaces: [Dot] = []) {
        self.key = key
        self.payload = payload
        self.replaces = replaces
    }
}

/// An atomic group of writes by one replica: all of them take effect, or none.
///
/// Wire form: Protocol §3.9. A change with no writes is a *withdrawn* one: it consumes its counter.
package struct Change: Hashable, Sendable {
    package var nonce: Nonce
    /// What registers and bases are ordered by.
    package var time: Timestamp
    package var writes: [Write]
    /// What only the server can decide. This version knows none: it refuses them as `unsupported`.
    package var intent: Value?
    /// Members that this version does not know: kept, and passed on as they came.
    package var extensions: [Value.Entry]

    package init(
        nonce: Nonce, time: Timestamp, writes: [Write] = [], intent: Value? = nil,
        extensions: [Value.Entry] = []
    ) {
        self.nonce = nonce
        self.time = time
        self.writes = writes
        self.intent = intent
        self.extensions = extensions
    }
}

/// Why a change was refused: a stable code for programs, details for both.
public struct Rejection: Hashable, Sendable {
    /// One of the codes of Protocol/errors.json; an unknown one must be treated as final.
    public var code: String
    /// Structured facts about the refusal; a map, empty when there are none.
    public var details: Value

    public init(code: String, details: Value = .map([])) {
        self.code = code
        self.details = details
    }
}

/// What the log holds at one position: a change as it was judged.
///
/// Wire form: Protocol §4.4.
package struct Event: Hashable, Sendable {
    /// Nearly always `accepted`; the others lie elsewhere, so that an event is a third smaller.
    package indirect enum Outcome: Hashable, Sendable {
        case accepted
        case rejected(Rejection)
        /// The change was judged before, under another name of the same family.
        case sameAs(Dot, rejection: Rejection?)
    }

    package var dot: Dot
    /// As judged; without writes unless accepted.
    package var change: Change
    package var outcome: Outcome

    package init(dot: Dot, change: Change, outcome: Outcome) {
        self.dot = dot
        self.change = change
        self.outcome = outcome
    }

    /// The refusal, of this change or of the one that it repeats.
    package var rejection: Rejection? { outcome.rejection }

    /// What became of the change, without what it writes.
    package var judgement: Judgement { Judgement(nonce: change.nonce, outcome: outcome) }
}

extension Event.Outcome {
    package var isAccepted: Bool { if case .accepted = self { true } else { false } }

    /// The refusal, of this change or of the one that it repeats.
    package var rejection: Rejection? {
        switch self {
        case .accepted: nil
        case .rejected(let rejection): rejection
        case .sameAs(_, let rejection): rejection
        }
    }
}

/// What became of a change: all that its author is told, and all that a retry is compared with.
package struct Judgement: Hashable, Sendable {
    package let nonce: Nonce
    package let outcome: Event.Outcome

    package init(nonce: Nonce, outcome: Event.Outcome) {
        self.nonce = nonce
        self.outcome = outcome
    }
}
