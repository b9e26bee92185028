/// One entry of a customer's ledger: never changed, never deleted (Protocol §19.3).
public struct LedgerEntry: Hashable, Sendable, Identifiable {
    public enum Kind: String, CaseIterable, Sendable {
        // What is granted.
        case welcome, earn
        case topUp = "top_up"
        /// Given by the operator.
        case grant
        /// Uses of an offer that the customer activated, or won.
        case issue
        // What goes, and what comes back of it.
        case spend, refund, expire
        case takeBack = "take_back"
        case debtPaid = "debt_paid"
        case writeOff = "write_off"
        // What moves between the account and its leases.
        case lease
        case release
        // What is on record and moves nothing: debt that arose, and what the retailer bore.
        case debt
        case loss

        /// Whether its units count as granted.
        package var isGrant: Bool {
            switch self {
            case .welcome, .earn, .topUp, .grant, .issue: true
            default: false
            }
        }
    }

    /// Rises within the server; the order in which entries were made.
    public var id: Int64
    public var account: AccountName
    public var kind: Kind
    /// Above 0; the kind says which way.
    public var units: Int64
    /// Milliseconds since 1970, the server's clock.
    public var at: UInt64
    /// Unique with the kind within the account: nothing is earned, refunded or reversed twice.
    public var reference: String
    /// The order, receipt or payment that caused it: the reference up to its first slash.
    public var source: String {
        String(reference.prefix { $0 != "/" })
    }
    /// Of a grant: when it can be spent, and when it expires.
    public var due: UInt64?
    public var expires: UInt64?

    package init(
        id: Int64, account: AccountName, kind: Kind, units: Int64, at: UInt64, reference: String,
        due: UInt64? = nil, expires: UInt64? = nil
    ) {
        self.id = id
        self.account = account
        self.kind = kind
        self.units = units
        self.at = at
        self.reference = reference
        self.due = due
        self.expires = expires
    }

    /// What caused an entry, as its reference begins: `order:<id>`, `receipt:<store>:<id>`; slashes
    /// and percent signs of the parts are percent-encoded.
    package static func source(_ kind: String, _ parts: String...) -> String {
        ([kind] + parts.map(encoded)).joined(separator: ":")
    }

    private static func encoded(_ text: String) -> String {
        var encoded = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "/": encoded += "%2F"
            case "%": encoded += "%25"
            case ":": encoded += "%3A"
            default: encoded.unicodeScalars.append(scalar)
            }
        }
        return encoded
    }

    package var value: Value {
        var members: [String: Value] = [
            "id": .int(id), "account": .text(account.description), "kind": .text(kind.rawValue),
            "units": .int(units), "at": .int(Int64(at)), "reference": .text(reference),
        ]
        if let due { members["due"] = .int(Int64(due)) }
        if let expires { members["expires"] = .int(Int64(expires)) }
        return .map(members)
    }

    package init?(_ value: Value) {
        guard let id = value["id"]?.intValue,
            let account = value["account"]?.textValue.flatMap(AccountName.init),
            let kind = value["kind"]?.textValue.flatMap(Kind.init(rawValue:)),
            let units = value["units"]?.intValue, let at = value["at"]?.intValue, at >= 0,
            let reference = value["reference"]?.textValue
        else { return nil }
        self.init(
            id: id, account: account, kind: kind, units: units, at: UInt64(at),
            reference: reference,
            due: value["due"]?.intValue.flatMap(UInt64.init(exactly:)),
            expires: value["expires"]?.intValue.flatMap(UInt64.init(exactly:)))
    }
}
