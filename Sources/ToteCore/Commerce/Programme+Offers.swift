// Offers and challenges: Protocol/offers.md section 30.

extension Programme {
    package static let offersMax = 200
    package static let challengesMax = 50
    /// How often one customer may use an offer, at most.
    package static let eachMax: Int64 = 1_000
    package static let needsOrdersMax: Int64 = 100
    package static let needsDaysMax: Int64 = 400
    package static let challengeDaysMax: Int64 = 31
    /// How far a day may be from that of UTC, either way: minutes.
    package static let offsetMinutesMax: Int64 = 840

    /// A coupon that customers activate: so many uses in all, so many for each.
    ///
    /// Its uses are units of the account `offer:<id>`; what is activated is never more than
    /// `total` together, whatever devices do.
    public struct Offer: Hashable, Sendable, Identifiable {
        /// Who may activate it.
        public enum Audience: Hashable, Sendable {
            case everybody
            /// Customers whom the operator named.
            case listed
            /// Who collected so many orders in so many days: with a SKU, orders that have it.
            case buyers(orders: Int, days: Int, sku: String?)
        }

        public let id: String
        /// Language to text.
        public let names: [String: String]
        public let benefit: Benefit
        /// Uses in all.
        public let total: Int64
        /// Uses of one customer.
        public let each: Int64
        /// When it can be activated from; `nil` for always.
        public let from: UInt64?
        /// When it cannot be activated any more, and what was not used by then is gone.
        public let until: UInt64?
        public let audience: Audience

        /// Whether it is on at a moment.
        public func isOn(at time: UInt64) -> Bool {
            time >= from ?? 0 && time < until ?? .max
        }

        /// What stands in a mail, or a code: whoever follows it activates the offer.
        public var link: String { Self.linkPrefix + id }

        private static let linkPrefix = "tote:offer:"

        /// The id that a link or an id means.
        public static func id(_ text: String) -> String {
            Name(text).text(after: linkPrefix) ?? text
        }
    }

    /// Something to be reached: orders collected on so many days.
    public struct Challenge: Hashable, Sendable, Identifiable {
        public enum Prize: Hashable, Sendable {
            case points(Int64)
            /// As many uses of this offer as are left for the customer.
            case offer(String)
        }

        public let id: String
        /// Language to text.
        public let names: [String: String]
        public let days: Int
        /// Orders that are collected from here on count.
        public let from: UInt64
        /// The first moment at which they do not any more.
        public let until: UInt64
        /// How many minutes ahead of UTC its days begin.
        public let offsetMinutes: Int64
        /// Only orders that have it count.
        public let sku: String?
        public let prize: Prize

        /// The day that an order counts for, in days since 1970; `nil` when it does not count.
        public func day(collectedAt time: UInt64, skus: [String]) -> Int64? {
            guard time >= from, time < until else { return nil }
            guard sku.map({ sku in skus.contains { Name($0) == Name(sku) } }) ?? true else {
                return nil
            }
            return day(of: time)
        }

        private func day(of time: UInt64) -> Int64 {
            let shifted =
                Int64(clamping: min(time, UInt64(Limits.integerMax))) + offsetMinutes * 60_000
            return shifted / 86_400_000 - (shifted % 86_400_000 < 0 ? 1 : 0)
        }

        /// The days that it has.
        var span: ClosedRange<Int64> { day(of: from)...max(day(of: from), day(of: until - 1)) }
    }

    /// The offer with this id.
    public func offer(_ id: String) -> Offer? { offers.first { Name($0.id) == Name(id) } }
}

/// How an offer is shared out: at most so many uses in all, so many for each customer.
///
/// Invariant (O1): what is issued is at most `total`; a customer was issued at most `each`.
package struct OfferPool: Hashable, Sendable {
    package var total: Int64
    package var each: Int64
    /// To all customers together, whatever became of it.
    package private(set) var issued: Int64

    package init(total: Int64, each: Int64, issued: Int64) {
        self.total = total
        self.each = each
        self.issued = issued
    }

    /// What a customer gets who was issued so much before.
    ///
    /// - Returns: `nil` for one who has all that there is for them: activating again changes
    ///   nothing.
    /// - Throws: `offerExhausted` for one who gets nothing, and has nothing.
    package mutating func issue(having before: Int64) throws(LedgerRefusal) -> Amount? {
        guard let amount = Amount(min(each - before, total - issued)) else {
            if before > 0 { return nil }
            throw .offerExhausted
        }
        issued += amount.units
        return amount
    }
}

/// What a challenge has come to: register `challenge.<id>` of the collection `ledger`.
public struct ChallengeProgress: Hashable, Sendable {
    /// Days on which an order that counts was collected, in days since 1970, rising.
    public var days: [Int64] = []
    /// The orders that these days are counted for, by their ids: none counts twice, also when
    /// it is handed over again.
    var orders: [String] = []
    /// When all its days were there, by the server's clock.
    public var doneAt: UInt64?
    /// Why there was no prize then: `offer_exhausted`, `offer_not_on`, `offer_unknown`; `nil` where
    /// it was given, or the customer has had all of it.
    public var missed: String?

    package init() {}

    package init?(_ value: Value) {
        guard case .array(let days)? = value["days"] else { return nil }
        self.days = days.compactMap(\.intValue)
        if case .array(let orders)? = value["orders"] {
            self.orders = orders.compactMap(\.textValue)
        }
        doneAt = value["done"]?.intValue.flatMap { UInt64(exactly: $0) }
        missed = value["missed"]?.textValue
    }

    package var value: Value {
        .map(
            [
                "days": .array(days.map { .int($0) }),
                "orders": .array(orders.map { .text($0) }),
            ]
            .merging(doneAt.map { ["done": .int(Int64($0))] } ?? [:]) { $1 }
            .merging(missed.map { ["missed": .text($0)] } ?? [:]) { $1 })
    }

    /// Counts a day.
    ///
    /// - Returns: whether it is new, and no other day is counted for the order.
    package mutating func count(_ day: Int64, of order: OrderID) -> Bool {
        guard doneAt == nil, !days.contains(day), !orders.contains(order.text) else { return false }
        days = (days + [day]).sorted()
        orders.append(order.text)
        return true
    }

    /// Drops days that the challenge has not, since it was changed.
    package mutating func forget(outside challenge: Programme.Challenge) {
        guard doneAt == nil, days.contains(where: { !challenge.span.contains($0) }) else { return }
        days.removeAll { !challenge.span.contains($0) }
    }
}
