import Testing
import ProtocolChecks
import ToteCore

/// Protocol/vectors/ledger.json: intents, accounts by their rules, what documents say of them, and
/// what a holder may spend (Protocol §19 to §21).
@Suite struct LedgerVectorTests {
    @Test func `intents, accounts and documents are as the vectors say`() throws {
        let vectors = try JSON.vectors("ledger").filter { $0["steps"] == nil }
        #expect(vectors.count > 80)
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            if vector["intent"] != nil {
                try OrderVectorTests.checkIntent(vector, id)
            } else if vector["ops"] != nil {
                try checkAccount(vector, id)
            } else if vector["may_spend"] != nil {
                try checkPower(vector, id)
            } else {
                try checkDocument(vector, id)
            }
        }
    }

    // Accounts.

    private func checkAccount(_ vector: JSON, _ id: String) throws {
        var play = AccountPlay(terms: Self.terms(vector["terms"]))
        for (index, op) in (vector["ops"]?.array ?? []).enumerated() {
            let place = "\(id), op \(index + 1)"
            do {
                let gives = try play.run(op)
                #expect(op["refused"] == nil, "\(place): done")
                if let want = op["gives"] { #expect(gives == want, "\(place): \(gives.encoded)") }
            } catch let refusal as LedgerRefusal {
                #expect(op["refused"]?.text == refusal.rawValue, "\(place): \(refusal)")
                #expect(play.account == play.settled, "\(place)")
            }
            #expect(play.account.faults == [], "\(place)")
        }
        let end = play.end
        #expect(end == vector["end"], "\(id): \(end.encoded)")
        if let wrong = vector["wrong"] { #expect(end != wrong, "\(id)") }
    }

    private static func terms(_ json: JSON?) -> LeaseTerms {
        LeaseTerms(
            unitsMax: json?["units_max"]?.int ?? 2_000, share: json?["share"]?.int ?? 500,
            stopMilliseconds: UInt64(json?["stop_ms"]?.int ?? 259_200_000),
            graceMilliseconds: UInt64(json?["grace_ms"]?.int ?? 1_209_600_000))
    }

    // Documents.

    private func checkDocument(_ vector: JSON, _ id: String) throws {
        let value = try Encoding.json.value(try #require(vector["value"]).bytes)
        let item = try #require(vector["item"]?.text)
        let found = Self.read(item, value)
        let want = try #require(vector["reads"])
        if want.isNull {
            #expect(found == nil, "\(id)")
        } else {
            #expect(try found == Encoding.json.value(want.bytes), "\(id)")
        }
    }

    /// What a reader takes out of a document of the ledger, as it would be written again.
    private static func read(_ item: String, _ value: Value) -> Value? {
        if item.hasPrefix("lease.") {
            return LeaseID(String(item.dropFirst(6))).flatMap { LeaseRecord(value, id: $0) }?.value
        }
        if item.hasPrefix("entry.") { return LedgerEntry(value)?.value }
        return AccountName(item).flatMap { AccountSummary(value, name: $0) }?.value
    }

    // What a holder may spend: what the documents say, less its own changes that they do not
    // count yet.

    private func checkPower(_ vector: JSON, _ id: String) throws {
        let replica = ReplicaID(try #require(vector["replica"]?.text.flatMap(Hex.id)))
        let now = UInt64(try #require(vector["now"]?.int))
        var left: [LeaseID: Int64] = [:]
        for (name, json) in vector["leases"]?.members ?? [] {
            let lease = try #require(LeaseID(name))
            let value = try Encoding.json.value(json.bytes)
            let record = try #require(LeaseRecord(value, id: lease))
            guard record.holder == .device(replica), !record.isSealed, record.stopAt > now else {
                continue
            }
            left[lease] = record.left
        }
        for json in vector["uncounted"]?.array ?? [] {
            switch try Intent(Encoding.json.value(json.bytes)) {
            case .place(let place):
                for tender in place.tenders {
                    guard let right = tender.right, let spend = tender.spend else { continue }
                    left[right.lease] = left[right.lease].map { max(0, $0 - spend.units) }
                }
            case .release(let lease): left[lease] = nil
            default: break
            }
        }
        let found = JSON.object(
            left.sorted { $0.key < $1.key }.map { ($0.key.text, .int($0.value)) })
        #expect(found == vector["may_spend"], "\(id): \(found.encoded)")
        if let wrong = vector["wrong"] { #expect(found != wrong, "\(id)") }
    }
}

/// A vector that cannot be read.
private struct VectorFailure: Error {
    let what: String
    init(_ what: String) { self.what = what }
}

/// An account to which the operations of a vector are done, one after another.
private struct AccountPlay {
    let terms: LeaseTerms
    private(set) var account = Account()
    /// As it was before the last operation, when what was due had happened.
    private(set) var settled = Account()
    /// As they were closed, and what goods were given for since.
    private var closed: [LeaseID: Lease] = [:]
    private var now: UInt64 = 0

    init(terms: LeaseTerms) { self.terms = terms }

    /// Does an operation, after what is due by then.
    ///
    /// - Returns: what it gives.
    mutating func run(_ op: JSON) throws -> JSON {
        now = op["at"]?.int.map { UInt64($0) } ?? now
        let (matured, expired) = account.settle(at: now)
        settled = account
        switch op["do"]?.text {
        case "settle":
            return .object([
                ("matured", .int(matured.reduce(0) { $0 + $1.units })), ("expired", .int(expired)),
            ])
        case "lease", "spend_by", "adopt":
            return try Self.lease(op, in: &account, terms, now)
        case "given": return try given(op)
        case "close", "reclaim", "watermark": return try close(op)
        case "seal":
            let holder = try Self.holder(op["holder"])
            return Self.ids("sealed", account.seal { $0 == holder })
        case "ask_back": return .object([("asked", .bool(account.askBack()))])
        default: return try Self.move(op, in: &account, now)
        }
    }

    private static func amount(_ op: JSON) throws -> Amount {
        guard let amount = Amount(op["units"]?.int ?? 0) else {
            throw VectorFailure("no amount: \(op.encoded)")
        }
        return amount
    }

    private static func time(_ json: JSON?) -> UInt64? { json?.int.map { UInt64($0) } }

    private static func lots(_ json: JSON?) throws -> Lots {
        guard let lots = Lots(try Encoding.json.value((json ?? .array([])).bytes)) else {
            throw VectorFailure("no lots")
        }
        return lots
    }

    private static func json(_ lots: Lots) -> JSON {
        .array(
            lots.parts.map { lot in
                .array([lot.expires.map { .int(Int64($0)) } ?? .null, .int(lot.units)])
            })
    }

    private static func id(_ op: JSON) throws -> LeaseID {
        guard let id = op["lease"]?.text.flatMap({ LeaseID($0) }) else {
            throw VectorFailure("no lease: \(op.encoded)")
        }
        return id
    }

    private static func holder(_ json: JSON?) throws -> Lease.Holder {
        if let replica = json?.text.flatMap(Hex.id) { return .device(ReplicaID(replica)) }
        guard let store = json?["store"]?.text,
            let incarnation = json?["incarnation"]?.text.flatMap(Hex.id)
        else { throw VectorFailure("no holder") }
        return .store(store, incarnation: incarnation)
    }

    /// What moves units into the account, out of it and back.
    private static func move(
        _ op: JSON, in account: inout Account, _ now: UInt64
    ) throws -> JSON {
        switch op["do"]?.text {
        case "grant":
            let paid = try account.grant(
                amount(op), for: op["for"]?.text ?? "", due: time(op["due"]) ?? now,
                expires: time(op["expires"]), at: now)
            return .object([("debt_paid", .int(paid))])
        case "spend":
            let parts = try account.spend(amount(op), withheld: op["withheld"]?.int ?? 0)
            return .object([("parts", json(parts))])
        case "refund":
            account.refund(try lots(op["parts"]))
            return .object([])
        case "take_back":
            guard let policy = op["policy"]?.text.flatMap(Account.TakeBackPolicy.init) else {
                throw VectorFailure("no policy: \(op.encoded)")
            }
            let (taken, debt) = account.takeBack(
                try amount(op), earnedFor: op["for"]?.text ?? "", policy: policy)
            return .object([("taken", .int(taken)), ("debt", .int(debt))])
        case "write_off":
            try account.writeOff(amount(op))
            return .object([])
        default: throw VectorFailure("no such operation: \(op.encoded)")
        }
    }

    /// What gives a lease, and what spends by one.
    private static func lease(
        _ op: JSON, in account: inout Account, _ terms: LeaseTerms, _ now: UInt64
    ) throws -> JSON {
        let withheld = op["withheld"]?.int ?? 0
        switch op["do"]?.text {
        case "lease":
            let given = try account.lease(
                id(op), to: holder(op["to"]), amount(op), terms: terms, withheld: withheld,
                at: now)
            return .object([("given", .int(given))])
        case "adopt":
            account.adopt(
                try id(op), to: try holder(op["to"]), granted: try amount(op),
                stopAt: time(op["stop_at"]) ?? 0)
            return .object([])
        default:
            let (parts, byLease) = try account.spend(amount(op), by: id(op), withheld: withheld)
            return .object([("parts", json(parts)), ("by_lease", .int(byLease))])
        }
    }

    private mutating func given(_ op: JSON) throws -> JSON {
        let id = try Self.id(op)
        let open = account.lease(id)
        let given = account.spendGiven(try Self.amount(op), by: id, closed: closed[id])
        if open == nil { closed[id] = given.lease }
        let left = (open?.rest.total ?? 0) - (account.lease(id)?.rest.total ?? 0)
        return .object([
            ("parts", Self.json(given.parts)), ("by_lease", .int(left)), ("loss", .int(given.loss)),
        ])
    }

    /// What ends leases.
    private mutating func close(_ op: JSON) throws -> JSON {
        var ended: [LeaseID]
        switch op["do"]?.text {
        case "close":
            let lease = account.close(try Self.id(op))
            if let lease { closed[lease.id] = lease }
            return .object([("units", .int(lease?.rest.total ?? 0))])
        case "reclaim":
            ended = account.reclaimable(at: now, grace: terms.graceMilliseconds)
        default:
            guard case .store(let store, let incarnation) = try Self.holder(op["of"]) else {
                throw VectorFailure("no store: \(op.encoded)")
            }
            ended = account.reclaimable(
                below: Self.time(op["until"]) ?? 0, at: store, incarnation: incarnation)
        }
        for id in ended { closed[id] = account.close(id) }
        return Self.ids("closed", ended)
    }

    private static func ids(_ name: String, _ ids: [LeaseID]) -> JSON {
        .object([(name, .array(ids.map { .text($0.text) }))])
    }

    /// The account as a vector writes it.
    var end: JSON {
        let pending = account.pending.map { part in
            JSON.array([
                .text(part.reference), .int(part.units), .int(Int64(part.due)),
                part.expires.map { .int(Int64($0)) } ?? .null,
            ])
        }
        let totals = account.totals
        return .object([
            ("granted", .int(totals.granted)), ("pending", .array(pending)),
            ("available", Self.json(account.available)),
            ("leases", .array(account.leases.map(Self.json))), ("spent", .int(totals.spent)),
            ("expired", .int(totals.expired)), ("taken_back", .int(totals.takenBack)),
            ("debt_paid", .int(totals.debtPaid)), ("written_off", .int(totals.writtenOff)),
            ("debt", .int(account.debt)),
        ])
    }

    private static func json(_ lease: Lease) -> JSON {
        let holder: JSON =
            switch lease.holder {
            case .device(let replica): .text(Hex.string(replica.rawValue))
            case .store(let store, let incarnation):
                .object([
                    ("store", .text(store)), ("incarnation", .text(Hex.string(incarnation))),
                ])
            }
        var members: [(name: String, value: JSON)] = [
            ("id", .text(lease.id.text)), ("to", holder), ("granted", .int(lease.granted)),
            ("rest", json(lease.rest)), ("stop_at", .int(Int64(lease.stopAt))),
        ]
        if lease.redeemed > 0 { members.append(("redeemed", .int(lease.redeemed))) }
        if lease.isSealed { members.append(("sealed", .bool(true))) }
        if lease.isAskedBack { members.append(("asked_back", .bool(true))) }
        return .object(members)
    }
}
