internal import ToteCore

/// Something that somebody at a store, or an operator, should look at (Protocol §27.4).
struct Alert: Hashable {
    enum Kind: String, CaseIterable {
        /// Handed over although it was cancelled.
        case orderDisputed = "order_disputed"
        /// The customer is there, and has been waiting for five minutes.
        case customerWaiting = "customer_waiting"
        /// Its pickup time has passed, and it is not ready.
        case orderLate = "order_late"
        /// The customer has asked something, and nobody has answered.
        case requestUnanswered = "request_unanswered"
        /// Nobody has come for it.
        case orderUncollected = "order_uncollected"
        /// What a device sends is refused as a whole, again and again.
        case deviceStuck = "device_stuck"
        /// Changes of a customer are refused for the same reason again and again.
        case changesRejected = "changes_rejected"
    }

    let kind: Kind
    /// 1 is for now, 2 for today, 3 for when there is time.
    let urgency: Int
    /// Milliseconds since 1970: since when it has been so.
    let since: UInt64
    var store: String?
    var order: OrderID?
    /// Of an order, for the counter to find it by.
    var pickupCode: String?
    /// What the customer asked: for the store, which answers.
    var asked: [String] = []
    /// The id of the token that the device shows, and what it is called.
    var token: String?
    var label: String?
    var space: String?
    /// The code of the refusals, and how many there were.
    var code: String?
    var count: Int?

    init(_ kind: Kind, urgency: Int, since: UInt64) {
        self.kind = kind
        self.urgency = urgency
        self.since = since
    }

    static let waitingMilliseconds: UInt64 = 300_000
    static let unansweredMilliseconds: UInt64 = 86_400_000

    /// What is to be looked at about an order; `nil` where all is well. The most urgent comes
    /// first: an order is in the list once.
    init?(_ order: Order, lateMinutes: Catalog.LateMinutes, now: UInt64) {
        let kinds = [
            order.isDisputed ? Alert(.orderDisputed, urgency: 1, since: order.movedAt) : nil,
            Self.waiting(order, now), Self.late(order, lateMinutes, now),
            Self.unanswered(order, now),
            order.state == .expired
                ? Alert(.orderUncollected, urgency: 3, since: order.movedAt) : nil,
        ].compactMap { $0 }
        guard var first = kinds.min(by: { $0.urgency < $1.urgency }) else { return nil }
        first.store = order.store
        first.order = order.id
        first.pickupCode = order.code
        self = first
    }

    private static func waiting(_ order: Order, _ now: UInt64) -> Alert? {
        guard let arrived = order.arrivedAt, order.state.isOpen, order.state != .expired,
            now > arrived + waitingMilliseconds
        else { return nil }
        return Alert(.customerWaiting, urgency: 1, since: arrived)
    }

    private static func unanswered(_ order: Order, _ now: UInt64) -> Alert? {
        guard let asked = order.askedAt else { return nil }
        var alert = Alert(
            .requestUnanswered, urgency: now > asked + unansweredMilliseconds ? 1 : 2,
            since: asked)
        alert.asked = order.unanswered.map(\.text)
        return alert
    }

    private static func late(
        _ order: Order, _ minutes: Catalog.LateMinutes, _ now: UInt64
    ) -> Alert? {
        guard [.placed, .confirmed, .preparing].contains(order.state), let at = order.pickupAt,
            now > at + UInt64(minutes.late) * 60_000
        else { return nil }
        let isVery = now > at + UInt64(minutes.veryLate) * 60_000
        return Alert(.orderLate, urgency: isVery ? 1 : 2, since: at)
    }

    /// The most urgent first, of those the ones that have been so for longest.
    static func sorted(_ alerts: [Alert]) -> [Alert] {
        alerts.sorted { left, right in
            if left.urgency != right.urgency { return left.urgency < right.urgency }
            if left.since != right.since { return left.since < right.since }
            return (left.order?.text ?? left.token ?? left.space ?? "")
                < (right.order?.text ?? right.token ?? right.space ?? "")
        }
    }

    /// - Parameter hasTexts: whether what customers wrote is in it.
    func value(hasTexts: Bool) -> Value {
        let texts: [(String, String?)] = [
            ("store", store), ("order", order?.text), ("pickup_code", pickupCode),
            ("token", token), ("label", label), ("space", space), ("code", code),
        ]
        var members: [String: Value] = [
            "kind": .text(kind.rawValue), "urgency": .int(Int64(urgency)),
            "since": .int(Int64(since)),
        ]
        for (name, text) in texts { members[name] = text.map { .text($0) } }
        members["count"] = count.map { .int(Int64($0)) }
        if hasTexts, !asked.isEmpty { members["asked"] = .array(asked.map { .text($0) }) }
        return .map(members)
    }
}

extension Order {
    /// When its last step was taken.
    fileprivate var movedAt: UInt64 { steps.last?.at ?? placedAt }
}
