/// A customer's documents on a device that is not theirs, for a while and with a part of their
/// rights: what all devices of the customer see of it (Protocol §24).
public struct HandOff: Hashable, Sendable {
    public typealias ID = HandOffID

    public enum State: String, CaseIterable, Hashable, Sendable {
        /// Its code can be taken, once.
        case offered
        /// A device has taken it and may read and write.
        case joined
        /// It is over: left, revoked.
        case ended
    }

    public enum End: String, CaseIterable, Hashable, Sendable {
        /// The device gave it back.
        case left
        /// The customer ended it.
        case revoked
    }

    public var id: ID
    public var state: State
    /// When the state is over by itself, milliseconds of the server's clock: a code that nobody
    /// took, a right that ran out.
    public var until: UInt64
    /// Whether the device may spend points and place orders: only once the customer said so on a
    /// device of their own.
    public var allowsPoints: Bool
    /// The store whose device it is, and what that one is called; `nil` while it is offered.
    public var store: String?
    public var device: String?
    /// How it ended, where somebody ended it.
    public var end: End?

    package init(
        id: ID, state: State, until: UInt64, allowsPoints: Bool = false, store: String? = nil,
        device: String? = nil, end: End? = nil
    ) {
        self.id = id
        self.state = state
        self.until = until
        self.allowsPoints = allowsPoints
        self.store = store
        self.device = device
        self.end = end
    }

    /// Whether somebody may still make use of it.
    public func isOpen(at milliseconds: UInt64) -> Bool {
        state != .ended && milliseconds < until
    }
}

extension HandOff {
    /// How long a code can be taken.
    package static let offerMilliseconds: UInt64 = 10 * 60_000
    /// How long a device may go on, seconds: what a customer may ask for, and what they get.
    package static let secondsRange: ClosedRange<Int64> = 60...8 * 3_600
    package static let secondsUsual: Int64 = 30 * 60
    /// Those of one customer that are offered or joined at once.
    package static let openMax = 8
    /// Those that are over and still shown.
    package static let endedMax = 20

    /// Stands among what a token may read for the ledger without what codes are made with.
    package static let shownLedger = "ledger.shown"

    /// What a joined device may read, and write.
    package static func grants(points: Bool) -> (read: [String], write: [String]) {
        let own = ["cart:*", "wishlist:*"]
        return points
            ? (own + ["handoffs", shownLedger, "orders"], own + ["orders"])
            : (own + ["handoffs"], own)
    }
}

// How it is written into documents: collection `handoffs`, by the server alone (Protocol §24.4).
extension HandOff {
    private static let field: Name = "value"

    package static func key(_ id: ID) -> Key { Key(Reserved.handOffs, Name(id.text), field) }

    package var value: Value {
        var members: [String: Value] = [
            "state": .text(state.rawValue), "until": .int(Int64(until)),
            "points": .bool(allowsPoints),
        ]
        members["store"] = store.map { .text($0) }
        members["device"] = device.map { .text($0) }
        members["end"] = end.map { .text($0.rawValue) }
        return .map(members)
    }

    package init?(_ value: Value, id: ID) {
        guard let state = value["state"]?.textValue.flatMap(State.init(rawValue:)),
            let until = value["until"]?.intValue.flatMap(UInt64.init(exactly:))
        else { return nil }
        self.init(
            id: id, state: state, until: until, allowsPoints: value["points"] == .bool(true),
            store: value["store"]?.textValue, device: value["device"]?.textValue,
            end: value["end"]?.textValue.flatMap(End.init(rawValue:)))
    }

    /// Those that the documents hold, the latest to end first.
    package static func all(in documents: Documents) -> [HandOff] {
        documents.items(Reserved.handOffs).keys.compactMap { item in
            HandOffID(item.text).flatMap { id in
                Fold.register(documents.cells(key(id))).flatMap { HandOff($0.value, id: id) }
            }
        }.sorted { ($1.until, $1.id.text) < ($0.until, $0.id.text) }
    }

    /// Writes it into the documents anew, or takes it out.
    package func write(in documents: Documents, erasing: Bool = false) -> Write {
        let key = Self.key(id)
        return Write(
            key: key, payload: erasing ? nil : .register(value),
            replaces: documents.cells(key).map(\.dot))
    }
}
