/// The loyalty programme: how points are earned, what they are worth, and how long they last.
///
/// Unit: whole points; amounts are minor units of an ISO 4217 currency, factors (`times`) are
/// thousandths, times are milliseconds since 1970, UTC. Wire form: the member `programme` of a
/// catalogue, Protocol/points.md section 18.1. All that it answers is a plain function of what it
/// is given: a device foretells offline, with this code, what the server will decide.
public struct Programme: Hashable, Sendable {
    /// What the points are called, language to text.
    public let names: [String: String]
    /// What is earned, at most once per currency; nothing in any other.
    public let earnings: [Earning]
    /// Products that earn more or less than their price, each at most once.
    public let multipliers: [Multiplier]
    /// In order: `from` rises.
    public let tiers: [Tier]
    /// What tiers are counted by: in order, each begins where the one before it ends. Empty without
    /// tiers.
    public let tierPeriods: [Period]
    /// What points buy, in the order of the catalogue.
    public let rewards: [Reward]
    /// What customers may activate, and use in place of money, in the order of the catalogue.
    public let offers: [Offer]
    /// What customers may reach for a prize, in the order of the catalogue.
    public let challenges: [Challenge]
    /// How many calendar months points last; `nil`: they never expire.
    public let expiryMonths: Int?
    /// For how long points that were earned cannot be spent yet.
    public let pendingHours: Int
    /// Points for a new customer.
    public let welcome: Int64
    public let refundPolicy: RefundPolicy
    public let leases: LeasePolicy

    private let timesBySKU: [Name: Int64]

    /// No order earns more, whatever it is multiplied by (M-PRG-2): points.
    public static let pointsMax: Int64 = 1_000_000_000
    /// A factor of one, in thousandths.
    public static let once: Int64 = 1_000
    /// The greatest factor, in thousandths.
    package static let timesMax: Int64 = 100_000
    package static let welcomeMax: Int64 = 1_000_000
    package static let expiryMonthsMax: Int64 = 120
    package static let pendingHoursMax: Int64 = 2_160
    package static let earningsMax = 200
    package static let tiersMax = 20
    package static let tierPeriodsMax = 400
    package static let rewardsMax = 200
    package static let stopHoursMax: Int64 = 720
    package static let graceHoursMax: Int64 = 2_160
    /// The share of a balance that is the whole of it, in thousandths.
    package static let shareMax: Int64 = 1_000

    /// What a programme has besides what it is about.
    struct Terms {
        var expiryMonths: Int?
        var pendingHours: Int
        var welcome: Int64
        var refundPolicy: RefundPolicy
        var leases: LeasePolicy
    }

    init(
        names: [String: String], earnings: [Earning], multipliers: [Multiplier],
        tiers: (list: [Tier], periods: [Period]), rewards: [Reward], offers: [Offer],
        challenges: [Challenge], terms: Terms
    ) {
        self.names = names
        self.earnings = earnings
        self.multipliers = multipliers
        self.tiers = tiers.list
        tierPeriods = tiers.periods
        self.rewards = rewards
        self.offers = offers
        self.challenges = challenges
        expiryMonths = terms.expiryMonths
        pendingHours = terms.pendingHours
        welcome = terms.welcome
        refundPolicy = terms.refundPolicy
        leases = terms.leases
        timesBySKU = Dictionary(
            multipliers.map { (Name($0.sku), $0.times) }, uniquingKeysWith: { first, _ in first })
    }

    /// What the amount of a product is multiplied by, in thousandths.
    public func times(of sku: String) -> Int64 { timesBySKU[Name(sku)] ?? Self.once }

    /// What is earned in a currency; `nil` where nothing is.
    public func earning(in currency: String) -> Earning? {
        earnings.first { Name($0.currency) == Name(currency) }
    }

    /// The reward with this id.
    public func reward(_ id: String) -> Reward? { rewards.first { Name($0.id) == Name(id) } }
}

extension Programme {
    /// `points` for each `per` minor units of a currency.
    public struct Earning: Hashable, Sendable {
        /// What becomes of a part of a point, once, at the end.
        public enum Rounding: String, Hashable, Sendable, CaseIterable {
            case down
            /// Half a point is one.
            case nearest
            case up
        }

        /// ISO 4217.
        public let currency: String
        public let points: Int64
        /// Minor units.
        public let per: Int64
        public let rounding: Rounding
    }

    /// A product whose amounts count more or less.
    public struct Multiplier: Hashable, Sendable {
        public let sku: String
        /// Thousandths: 2,000 counts it twice, 0 not at all.
        public let times: Int64
    }

    /// A rank that a customer has by what was earned in a period.
    public struct Tier: Hashable, Sendable {
        public let id: String
        /// Language to text.
        public let names: [String: String]
        /// Points earned in a period, from which on a customer has it.
        public let from: Int64
        /// What all amounts are multiplied by, in thousandths.
        public let times: Int64
    }

    /// A time that tiers are counted by; `end` is the first moment of the next one.
    public struct Period: Hashable, Sendable {
        public let start: UInt64
        public let end: UInt64
    }

    /// Something that points buy.
    public struct Reward: Hashable, Sendable {
        public let id: String
        /// Language to text.
        public let names: [String: String]
        /// What it costs.
        public let points: Int64
        public let benefit: Benefit
    }

    /// What a reward or an offer takes off the price of an order.
    public enum Benefit: Hashable, Sendable {
        /// So many minor units, by currency.
        case discount([String: Int64])
        /// One unit of the product with this SKU.
        case product(String)
    }

    /// What becomes of points that were earned by goods that come back.
    public enum RefundPolicy: String, Hashable, Sendable, CaseIterable {
        /// Those that are still pending are taken back, others stay.
        case onlyPending = "only_pending"
        /// They are taken back as far as the balance goes.
        case withinBalance = "within_balance"
        /// They are taken back; what the balance lacks is paid by later earnings.
        case debt
    }

    /// How much may be spent where the server is not asked, and until when.
    public struct LeasePolicy: Hashable, Sendable {
        /// Points in all open leases of a customer together.
        public let pointsMax: Int64
        /// The part of a balance that all open leases may take together, in thousandths.
        public let share: Int64
        /// Currency to minor units of stored value in all open leases of a customer together; none
        /// in a currency that is not here.
        public let cardMax: [String: Int64]
        /// How long a lease can be spent from after it was granted.
        public let stopHours: Int
        /// How long the server waits after that before it takes a device's lease back.
        public let graceHours: Int

        /// What holds where a catalogue says nothing.
        package static let standard = LeasePolicy(
            pointsMax: 2_000, share: 500, cardMax: [:], stopHours: 72, graceHours: 336)
    }
}
