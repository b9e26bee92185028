internal import ToteCore

/// A customer's ledger while one change is judged: every rule's effect is kept here until `flush`,
/// so that a refusal leaves nothing behind.
///
/// Owned by the judging of one change, or of one request. The rules are `Account`'s.
final class LedgerBook {
    let space: Space
    let store: ServerStore
    let programme: Programme?
    let now: UInt64
    let epoch: UInt64
    let wasRestored: Bool
    let randomBits: () -> UInt64

    private(set) var ledger: CustomerLedger
    private var touched: Set<AccountName> = []
    private var entries: [(entry: LedgerEntry, parts: Lots?)] = []
    /// Open ones are in their account; what is closed here is in none any more.
    private var movedLeases: [LeaseID: (account: AccountName, reason: String, closed: Lease?)] = [:]
    private var isMemberNew = false
    private var hasEarned = false
    /// Offers that something was issued of.
    private var pools: [String: OfferPool] = [:]
    /// Challenges that came further.
    private var progress: [(id: String, progress: ChallengeProgress)] = []

    /// - Throws: storage errors; the space is as it was.
    init(
        space: Space, store: ServerStore, programme: Programme?, now: UInt64, epoch: UInt64,
        wasRestored: Bool, randomBits: @escaping () -> UInt64
    ) throws {
        self.space = space
        self.store = store
        self.programme = programme
        self.now = now
        self.epoch = epoch
        self.wasRestored = wasRestored
        self.randomBits = randomBits
        if let kept = space.ledger {
            ledger = kept
        } else {
            ledger = space.number == 0 ? CustomerLedger() : try store.ledger(space: space.number)
            ledger.shown = LedgerDocuments.entryItems(in: space.documents)
            space.ledger = ledger
        }
    }

    // What everything below is made of.

    /// An account as it is now: what is due has matured, what has expired is gone.
    func account(_ name: AccountName) throws -> Account {
        try settle(name)
        return ledger.accounts[name]?.account ?? Account()
    }

    private func settle(_ name: AccountName) throws {
        guard var stored = ledger.accounts[name] else { return }
        let (matured, expired) = stored.account.settle(at: now)
        guard !matured.isEmpty || expired > 0 else { return }
        ledger.accounts[name] = stored
        touched.insert(name)
        if expired > 0 {
            let reference = try fresh(LedgerEntry.source("expiry", String(now)), .expire, name)
            enter(.expire, name, expired, reference)
        }
    }

    /// Changes an account by one of its rules.
    func change<Result>(
        _ name: AccountName, _ rule: (inout Account) throws -> Result
    ) throws -> Result {
        try settle(name)
        var stored = ledger.accounts[name] ?? CustomerLedger.Stored(number: 0, account: Account())
        let result = try rule(&stored.account)
        ledger.accounts[name] = stored
        touched.insert(name)
        return result
    }

    /// Makes an entry; it gets its number when it is written.
    func enter(
        _ kind: LedgerEntry.Kind, _ account: AccountName, _ units: Int64, _ reference: String,
        due: UInt64? = nil, expires: UInt64? = nil, parts: Lots? = nil
    ) {
        guard units > 0 else { return }
        entries.append(
            (
                LedgerEntry(
                    id: 0, account: account, kind: kind, units: units, at: now,
                    reference: reference, due: due, expires: expires), parts
            ))
    }

    /// Whether the account has an entry of this kind and reference.
    func has(_ kind: LedgerEntry.Kind, _ account: AccountName, _ reference: String) throws -> Bool {
        if entries.contains(where: {
            $0.entry.kind == kind && $0.entry.account == account && $0.entry.reference == reference
        }) {
            return true
        }
        guard let number = ledger.accounts[account]?.number, number != 0 else { return false }
        return try store.hasEntry(account: number, kind, reference)
    }

    /// The entries of a source, those that are not written yet among them.
    func entries(
        _ account: AccountName, of source: String
    ) throws -> [(entry: LedgerEntry, parts: Lots)] {
        let number = ledger.accounts[account]?.number ?? 0
        let written = number == 0 ? [] : try store.entries(account: number, account, of: source)
        return written
            + entries.filter { $0.entry.account == account && $0.entry.source == source }
            .map { ($0.entry, $0.parts ?? Lots()) }
    }

    /// A reference that no entry of the kind has: the same event can come about twice.
    func fresh(
        _ reference: String, _ kind: LedgerEntry.Kind, _ account: AccountName
    ) throws -> String {
        guard try has(kind, account, reference) else { return reference }
        return "\(reference)/\(Hex.string(randomBits()))"
    }

    func note(_ lease: LeaseID, of account: AccountName, reason: String, closed: Lease? = nil) {
        movedLeases[lease] = (account, reason, closed)
    }

    // Members.

    /// Makes the customer a member, and gives what the programme gives to new ones. Does nothing
    /// for a member, nor for somebody who was erased.
    func join() throws {
        guard ledger.member == nil, !space.name.hasPrefix(Server.erasedKind) else { return }
        var number = randomBits()
        while try number == 0 || store.space(ofMember: number) != nil { number = randomBits() }
        ledger.member = number
        isMemberNew = true
        if let welcome = programme.flatMap({ Amount($0.welcome) }) {
            _ = try grant(.welcome, .points, welcome, LedgerEntry.source("welcome"), due: now)
        }
    }

    /// Grants units once: the same reference again changes nothing.
    ///
    /// - Returns: whether it was new.
    func grant(
        _ kind: LedgerEntry.Kind, _ account: AccountName, _ amount: Amount, _ reference: String,
        due: UInt64, expires date: UInt64? = nil
    ) throws -> Bool {
        guard try !has(kind, account, reference) else { return false }
        let expires =
            account == .points ? programme?.expiry(ofPointsEarnedAt: max(now, due)) : date
        let paid = try change(account) {
            try $0.grant(amount, for: reference, due: due, expires: expires, at: now)
        }
        enter(
            kind, account, amount.units, reference, due: due > now ? due : nil, expires: expires)
        enter(.debtPaid, account, paid, reference)
        return true
    }

    /// What is left of an offer, with what this book issued.
    func pool(_ offer: Programme.Offer) throws -> OfferPool {
        if let pool = pools[offer.id] { return pool }
        return OfferPool(
            total: offer.total, each: offer.each, issued: try store.issued(offer.id))
    }

    func note(_ pool: OfferPool, of offer: String) { pools[offer] = pool }

    func note(_ challenge: String, _ came: ChallengeProgress) {
        progress.append((challenge, came))
    }

    /// Counts what was earned towards the tier.
    func count(earned units: Int64) {
        guard let period = programme?.period(at: now) else { return }
        ledger.earned[period.start] = max(0, (ledger.earned[period.start] ?? 0) + units)
        hasEarned = true
    }

    /// What the customer's tier multiplies earnings by, in thousandths.
    var tierTimes: Int64 {
        guard let programme else { return Programme.once }
        // Periods may have been cut anew since: each sum belongs to the one that holds its start.
        let earned = Dictionary(
            ledger.earned.map { (programme.period(at: $0)?.start ?? $0, $1) },
            uniquingKeysWith: +)
        return programme.tier(earned: earned, at: now)?.times ?? Programme.once
    }

    func terms(_ account: AccountName) -> LeaseTerms {
        LeaseTerms(programme?.leases ?? .standard, of: account)
    }

    /// Of what is withheld for leases that a lost server granted, so much was accounted for.
    func found(withheld units: Int64, _ name: AccountName) {
        guard var stored = ledger.accounts[name], stored.withheld > 0 else { return }
        stored.withheld = max(0, stored.withheld - units)
        ledger.accounts[name] = stored
        touched.insert(name)
    }

    // Writing.

    /// Whether there is something to write.
    var isChanged: Bool {
        !touched.isEmpty || !entries.isEmpty || isMemberNew || !progress.isEmpty
    }

    /// Writes everything into the tables.
    ///
    /// - Returns: what the server writes into the customer's documents, to be applied before the
    ///   next book is opened.
    func flush() throws -> [Write] {
        guard isChanged else { return [] }
        try space.store(in: store)
        var writes: [Write] = []
        if isMemberNew, let member = ledger.member {
            let secret = DerivedKey.member(try store.rootSecret(randomBits), member)
            writes.append(
                write(
                    LedgerDocuments.member,
                    .map([
                        "number": .text(Hex.string(member)), "secret": .text(Hex.string(secret)),
                    ])))
        }
        if hasEarned {
            writes.append(
                write(
                    LedgerDocuments.earned,
                    .map(
                        Dictionary(
                            uniqueKeysWithValues: ledger.earned.map {
                                (String($0), .int($1))
                            }))))
        }
        for (id, came) in progress {
            writes.append(write(LedgerDocuments.item(challenge: id), came.value))
        }
        for (id, pool) in pools { try store.save(pool, of: id) }
        if isMemberNew || hasEarned { try store.saveMember(ledger, space: space.number) }
        for name in touched.sorted() {
            guard var stored = ledger.accounts[name] else { continue }
            try store.save(
                &stored, name, space: space.number,
                due: stored.account.nextDue(grace: terms(name).graceMilliseconds))
            ledger.accounts[name] = stored
            let summary = AccountSummary(stored.account, name: name)
            writes.append(write(LedgerDocuments.item(name), summary.value))
        }
        for (id, moved) in movedLeases.sorted(by: { $0.key < $1.key }) {
            writes += try flush(id, moved.account, moved.reason, closed: moved.closed)
        }
        writes += try flushEntries()
        space.ledger = ledger
        touched = []
        entries = []
        movedLeases = [:]
        isMemberNew = false
        hasEarned = false
        pools = [:]
        progress = []
        return writes
    }

    private func write(_ item: Name, _ value: Value?) -> Write {
        LedgerDocuments.write(item, value, in: space.documents)
    }

    private func flush(
        _ id: LeaseID, _ account: AccountName, _ reason: String, closed: Lease?
    ) throws -> [Write] {
        guard let stored = ledger.accounts[account] else { return [] }
        if let lease = stored.account.lease(id) {
            try store.save(
                lease, account: stored.number, isClosed: false, reason: reason, at: now)
            var record = LeaseRecord(lease, of: account)
            try certify(&record)
            return [write(LedgerDocuments.item(id), record.value)]
        }
        if let closed {
            try store.save(
                closed, account: stored.number, isClosed: true, reason: reason, at: now)
        }
        let item = LedgerDocuments.item(id)
        guard !space.documents.cells(LedgerDocuments.key(item)).isEmpty else { return [] }
        return [write(item, nil)]
    }

    /// Adds what the holder of a lease shows for it.
    private func certify(_ record: inout LeaseRecord) throws {
        let root = try store.rootSecret(randomBits)
        switch record.holder {
        case .device(let replica):
            record.certificate = DerivedKey.lease(
                root, space: space.name,
                LeaseRecord.terms(
                    record.id, record.account, holder: replica, granted: record.granted,
                    stopAt: record.stopAt))
        case .store(let store, let incarnation):
            guard let member = ledger.member else { return }
            let certificate = LeaseCertificate(
                lease: record.id, member: member, account: record.account,
                granted: record.granted, stopAt: record.stopAt, incarnation: incarnation)
            record.secret = Hex.string(
                certificate.secret(
                    storeKey: DerivedKey.store(root, store, incarnation: incarnation)))
        }
    }

    private func flushEntries() throws -> [Write] {
        var writes: [Write] = []
        for (made, parts) in entries {
            var entry = made
            entry.id = store.nextEntry
            store.nextEntry += 1
            try store.insert(
                entry, account: ledger.accounts[entry.account]?.number ?? 0, parts: parts)
            let item = LedgerDocuments.item(entry: entry.id)
            writes.append(write(item, entry.value))
            ledger.shown.append(item)
        }
        let surplus = max(0, ledger.shown.count - LedgerDocuments.entriesMax)
        // What was added here and is surplus already was never shown.
        let gone = Set(ledger.shown.prefix(surplus))
        writes.removeAll { gone.contains($0.key.item) }
        for item in ledger.shown.prefix(surplus)
        where !space.documents.cells(LedgerDocuments.key(item)).isEmpty {
            writes.append(write(item, nil))
        }
        ledger.shown.removeFirst(surplus)
        return writes
    }
}

extension LeaseTerms {
    init(_ policy: Programme.LeasePolicy, of account: AccountName) {
        let most: Int64 =
            switch account {
            case .points: policy.pointsMax
            case .card(let currency): policy.cardMax[currency] ?? 0
            // Half of one use is none: a customer's devices may hold all that the customer has.
            case .offer: Limits.integerMax
            }
        self.init(
            unitsMax: most, share: account.kind == "offer" ? Programme.shareMax : policy.share,
            stopMilliseconds: UInt64(policy.stopHours) * 3_600_000,
            graceMilliseconds: UInt64(policy.graceHours) * 3_600_000)
    }
}
