/// How a part of an order is paid.
public struct Tender: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        /// Paid when the order is handed over.
        case atCounter = "at_counter"
        /// Paid elsewhere, for example by the app's payment provider; `reference` names it there.
        case external
        /// Paid with points: `reward` says for what.
        case points
        /// Paid with stored value of the order's currency.
        case card
        /// Paid with one use of an offer: `offer` says of which.
        case offer
    }

    public var kind: Kind
    /// Minor units of the order's currency, above 0.
    public var amount: Int64
    public var reference: String?
    /// The reward that points are given for.
    public var reward: String?
    /// How many points are given.
    public var points: Int64?
    /// The offer that is used.
    public var offer: String?
    /// The lease that pays first; online, what is available pays the rest.
    package var right: LeaseRight?

    public init(_ kind: Kind, _ amount: Int64, reference: String? = nil) {
        self.kind = kind
        self.amount = amount
        self.reference = reference
    }

    /// What is spent: points, or minor units of the card; `nil` when it is no account of ours.
    package var spend: Amount? {
        switch kind {
        case .atCounter, .external: nil
        case .points: points.flatMap { Amount($0) }
        case .card: Amount(amount)
        case .offer: Amount(1)
        }
    }

    /// The account that pays.
    package func account(in currency: String) -> AccountName? {
        switch kind {
        case .atCounter, .external: nil
        case .points: .points
        case .card: AccountName("card:\(currency)")
        case .offer: offer.flatMap { AccountName("offer:\($0)") }
        }
    }

    package var value: Value {
        var members: [String: Value] = ["kind": .text(kind.rawValue), "amount": .int(amount)]
        if let reference { members["reference"] = .text(reference) }
        if let reward { members["reward"] = .text(reward) }
        if let points { members["points"] = .int(points) }
        if let offer { members["offer"] = .text(offer) }
        if let right { members["lease"] = right.value }
        return .map(members)
    }

    package init(_ value: Value) throws(IntentError) {
        let reader = try IntentReader(
            value, members: ["kind", "amount", "reference", "reward", "points", "offer", "lease"])
        guard let kind = Kind(rawValue: try reader.text("kind", 1...32)) else {
            throw .malformed("a tender's kind is at_counter, external, points, card or offer")
        }
        self.init(
            kind, try reader.int("amount", 1...PlaceIntent.amountMax),
            reference: try reader.optionalText("reference", 128))
        reward = try reader.optionalText("reward", 64)
        points = try reader.optionalInt("points", Amount.range)
        right = try value["lease"].map { value throws(IntentError) in try LeaseRight(value) }
        guard (kind == .points) == (reward != nil), (kind == .points) == (points != nil) else {
            throw .malformed("a tender of points, and no other, has reward and points")
        }
        offer = try reader.optionalText("offer", 64)
        guard (kind == .offer) == (offer != nil), kind != .offer || account(in: "") != nil else {
            throw .malformed("a tender of an offer, and no other, has the offer's id")
        }
        guard [.points, .card, .offer].contains(kind) || right == nil else {
            throw .malformed("only points, the card and offers are paid by a lease")
        }
        guard kind != .card || Amount.range.contains(amount) else {
            throw .malformed("a card pays at most \(Amount.range.upperBound)")
        }
    }
}

/// A device's lease as a spend names it: with its terms, and what the server certified them by.
package struct LeaseRight: Hashable, Sendable {
    package var lease: LeaseID
    package var granted: Int64
    package var stopAt: UInt64
    package var certificate: String

    package init(lease: LeaseID, granted: Int64, stopAt: UInt64, certificate: String) {
        self.lease = lease
        self.granted = granted
        self.stopAt = stopAt
        self.certificate = certificate
    }

    package var value: Value {
        .map([
            "id": .text(lease.text), "granted": .int(granted), "stop_at": .int(Int64(stopAt)),
            "certificate": .text(certificate),
        ])
    }

    package init(_ value: Value) throws(IntentError) {
        let reader = try IntentReader(
            value, members: ["id", "granted", "stop_at", "certificate"])
        lease = try reader.lease("id")
        granted = try reader.int("granted", Amount.range)
        stopAt = UInt64(try reader.int("stop_at", 0...Limits.integerMax))
        certificate = try reader.text("certificate", 1...64)
    }
}
