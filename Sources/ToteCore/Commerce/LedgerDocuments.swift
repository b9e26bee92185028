// What the server writes of a customer's ledger into their documents, and how a device reads it:
// collection `ledger`, written by the server alone (Protocol §19.5).

/// A lease as its customer's devices see it.
package struct LeaseRecord: Hashable, Sendable {
    package var account: AccountName
    package var id: LeaseID
    package var holder: Lease.Holder
    package var granted: Int64
    /// What was left of it when the server wrote this.
    package var left: Int64
    package var stopAt: UInt64
    package var isSealed: Bool
    package var isAskedBack: Bool
    /// What the server knows a device's lease by after a restore.
    package var certificate: String?
    /// Of a store's lease: what the phone makes codes with, 32 bytes in hex.
    package var secret: String?

    package init(_ lease: Lease, of account: AccountName) {
        self.account = account
        id = lease.id
        holder = lease.holder
        granted = lease.granted
        left = lease.rest.total
        stopAt = lease.stopAt
        isSealed = lease.isSealed
        isAskedBack = lease.isAskedBack
    }

    /// What a device's certificate is made of: all that must not be altered.
    package static func terms(
        _ id: LeaseID, _ account: AccountName, holder: ReplicaID, granted: Int64, stopAt: UInt64
    ) -> String {
        "\(id) \(account) \(Hex.string(holder.rawValue)) \(granted) \(stopAt)"
    }

    package var value: Value {
        var members: [String: Value] = [
            "account": .text(account.description), "granted": .int(granted), "left": .int(left),
            "stop_at": .int(Int64(stopAt)),
        ]
        switch holder {
        case .device(let replica): members["replica"] = .text(Hex.string(replica.rawValue))
        case .store(let store, let incarnation):
            members["store"] = .text(store)
            members["incarnation"] = .text(Hex.string(incarnation))
        }
        if isSealed { members["sealed"] = .bool(true) }
        if isAskedBack { members["asked_back"] = .bool(true) }
        if let certificate { members["certificate"] = .text(certificate) }
        if let secret { members["secret"] = .text(secret) }
        return .map(members)
    }

    package init?(_ value: Value, id: LeaseID) {
        guard let account = value["account"]?.textValue.flatMap(AccountName.init),
            let granted = value["granted"]?.intValue, let left = value["left"]?.intValue,
            let stopAt = value["stop_at"]?.intValue.flatMap(UInt64.init(exactly:))
        else { return nil }
        if let replica = value["replica"]?.textValue.flatMap(Hex.id) {
            holder = .device(ReplicaID(replica))
        } else if let store = value["store"]?.textValue,
            let incarnation = value["incarnation"]?.textValue.flatMap(Hex.id)
        {
            holder = .store(store, incarnation: incarnation)
        } else {
            return nil
        }
        self.account = account
        self.id = id
        self.granted = granted
        self.left = left
        self.stopAt = stopAt
        isSealed = value["sealed"] == .bool(true)
        isAskedBack = value["asked_back"] == .bool(true)
        certificate = value["certificate"]?.textValue
        secret = value["secret"]?.textValue
    }
}

/// An account as documents tell of it.
public struct AccountSummary: Hashable, Sendable {
    public var name: AccountName
    /// What can be spent online.
    public var available: Int64
    /// Held in leases, here and elsewhere.
    public var held: Int64
    /// Granted, not yet to be spent.
    public var pending: Int64
    /// What later grants pay first.
    public var debt: Int64
    /// The lots of what is available that expire first.
    public var lots: [Lot]
    /// What becomes available next, and when.
    public var maturing: [Lot]

    /// How many lots are told of.
    static let lotsMax = 12

    package init(_ account: Account, name: AccountName) {
        self.name = name
        available = account.available.total
        held = account.held
        pending = account.pendingUnits
        debt = account.debt
        lots = Array(account.available.parts.prefix(Self.lotsMax))
        // Of one moment there is one lot: what is read back from the document is what was written.
        let dues = Lots(account.pending.map { Lot(expires: $0.due, units: $0.units) })
        maturing = Array(dues.parts.prefix(Self.lotsMax))
    }

    package var value: Value {
        .map([
            "available": .int(available), "held": .int(held), "pending": .int(pending),
            "debt": .int(debt), "lots": Lots(lots).value, "maturing": Lots(maturing).value,
        ])
    }

    package init?(_ value: Value, name: AccountName) {
        guard let available = value["available"]?.intValue, let held = value["held"]?.intValue,
            let pending = value["pending"]?.intValue, let debt = value["debt"]?.intValue,
            let lots = value["lots"].flatMap(Lots.init),
            let maturing = value["maturing"].flatMap(Lots.init)
        else { return nil }
        self.name = name
        self.available = available
        self.held = held
        self.pending = pending
        self.debt = debt
        self.lots = lots.parts
        self.maturing = maturing.parts
    }
}

/// What the documents of the ledger are called, and how they are written and read.
package enum LedgerDocuments {
    package static let collection = Reserved.ledger
    /// How many entries the documents keep.
    package static let entriesMax = 100
    /// Number and secret of the member code.
    package static let member: Name = "member"
    /// What was earned by period of the programme: decides the tier.
    package static let earned: Name = "earned"

    /// That the customer is on the list of an offer.
    package static func item(listedFor offer: String) -> Name { Name("listed.\(offer)") }
    package static func item(challenge id: String) -> Name { Name("challenge.\(id)") }

    private static let field: Name = "value"
    private static let leasePrefix = "lease."
    private static let entryPrefix = "entry."

    package static func item(_ account: AccountName) -> Name { Name(account.description) }
    package static func item(_ lease: LeaseID) -> Name { Name(leasePrefix + lease.text) }
    package static func item(entry id: Int64) -> Name {
        let digits = String(id)
        return Name(entryPrefix + String(repeating: "0", count: 16 - digits.utf8.count) + digits)
    }

    package static func key(_ item: Name) -> Key { Key(collection, item, field) }

    /// A register of the ledger, written anew; without a value it is erased.
    package static func write(
        _ item: Name, _ value: Value?, in documents: Documents
    ) -> Write {
        let key = key(item)
        return Write(
            key: key, payload: value.map { .register($0) },
            replaces: documents.cells(key).map(\.dot))
    }

    package static func value(_ item: Name, in documents: Documents) -> Value? {
        Fold.register(documents.cells(key(item)))?.value
    }

    private static func items(_ prefix: String, in documents: Documents) -> [Name] {
        documents.items(collection).keys
            .filter { $0.text.utf8.starts(with: prefix.utf8) }.sorted()
    }

    /// The names of the entries that the documents hold, oldest first.
    package static func entryItems(in documents: Documents) -> [Name] {
        items(entryPrefix, in: documents)
    }

    /// The entries that the documents hold, latest first.
    package static func entries(in documents: Documents) -> [LedgerEntry] {
        entryItems(in: documents).reversed().compactMap { item in
            value(item, in: documents).flatMap { LedgerEntry($0) }
        }
    }

    package static func leases(in documents: Documents) -> [LeaseRecord] {
        items(leasePrefix, in: documents).compactMap { item in
            guard let id = LeaseID(String(item.text.dropFirst(leasePrefix.count))) else {
                return nil
            }
            return value(item, in: documents).flatMap { LeaseRecord($0, id: id) }
        }
    }

    package static func accounts(in documents: Documents) -> [AccountSummary] {
        documents.items(collection).keys.sorted().compactMap { item in
            guard let name = AccountName(item.text) else { return nil }
            return value(item, in: documents).flatMap { AccountSummary($0, name: name) }
        }
    }
}
