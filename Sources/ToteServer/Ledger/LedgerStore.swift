internal import ToteCore
internal import ToteSQLite

/// A customer's accounts as the server holds them in memory.
struct CustomerLedger {
    struct Stored {
        /// In the table; 0 until it is written.
        var number: Int64
        var account: Account
        /// Available units that were kept, at a restore, for leases which the lost server may have
        /// granted, and for which none has turned up yet.
        var withheld: Int64 = 0
    }

    /// What the customer's phone shows; `nil` until something was granted or a programme is there.
    var member: UInt64?
    /// Points earned by period of the programme.
    var earned: [UInt64: Int64] = [:]
    var accounts: [AccountName: Stored] = [:]
    /// The entries that the documents show, oldest first.
    var shown: [Name] = []
}

/// A lease as the table has it, an open one or not.
struct LeaseRow {
    var lease: Lease
    var account: AccountName
    var space: UInt64
    var isClosed: Bool
    var opened: UInt64
    /// Why it is as it is.
    var reason: String
}

/// Accounts, entries, leases and members: tables of their own.
extension ServerStore {
    static func bytes<Kind>(_ id: RandomID<Kind>) -> [UInt8] { Hex.bytes(id.text) ?? [] }

    /// What the tables hold of a customer; the shown entries are the caller's to add.
    func ledger(space: UInt64) throws -> CustomerLedger {
        var ledger = CustomerLedger()
        let member = try database.row(
            "SELECT member, earned FROM members WHERE space = ?", .bits(space)
        ) { ($0.bits(0), $0.blob(1)) }
        if let (number, earned) = member {
            ledger.member = number
            ledger.earned = try Self.earned(earned)
        }
        let rows = try database.rows(
            """
            SELECT number, name, granted, spent, expired, taken_back, debt_paid, written_off, debt,
                withheld, body FROM accounts WHERE space = ?
            """,
            .bits(space)
        ) { row in
            var totals = Account.Totals()
            totals.granted = row.int(2)
            totals.spent = row.int(3)
            totals.expired = row.int(4)
            totals.takenBack = row.int(5)
            totals.debtPaid = row.int(6)
            totals.writtenOff = row.int(7)
            return (row.int(0), row.text(1), totals, row.int(8), row.int(9), row.blob(10))
        }
        for (number, name, totals, debt, withheld, body) in rows {
            guard let name = AccountName(name), let value = try? Encoding.cbor.value(body),
                let available = value["lots"].flatMap(Lots.init),
                let pending = Self.pending(value["pending"])
            else { throw StoreError.corrupt("account \(number) cannot be read") }
            let account = Account(
                totals: totals, debt: debt, available: available, pending: pending,
                leases: try openLeases(account: number))
            ledger.accounts[name] = CustomerLedger.Stored(
                number: number, account: account, withheld: withheld)
        }
        return ledger
    }

    private static func pending(_ value: Value?) -> [Account.Pending]? {
        guard case .array(let entries)? = value else { return nil }
        var pending: [Account.Pending] = []
        for case .array(let parts) in entries {
            guard parts.count == 4, let reference = parts[0].textValue,
                let units = parts[1].intValue, let due = parts[2].intValue, due >= 0
            else { return nil }
            pending.append(
                Account.Pending(
                    reference: reference, units: units, due: UInt64(due),
                    expires: parts[3].intValue.map { UInt64($0) }))
        }
        return pending.count == entries.count ? pending : nil
    }

    private static func body(_ account: Account) -> [UInt8] {
        let pending = account.pending.map { part in
            Value.array([
                .text(part.reference), .int(part.units), .int(Int64(part.due)),
                part.expires.map { .int(Int64($0)) } ?? .null,
            ])
        }
        return Encoding.cbor.encode(
            .map(["lots": account.available.value, "pending": .array(pending)]))
    }

    private static func earned(_ bytes: [UInt8]) throws -> [UInt64: Int64] {
        guard case .map(let entries)? = try? Encoding.cbor.value(bytes) else {
            throw StoreError.corrupt("what a member earned cannot be read")
        }
        var earned: [UInt64: Int64] = [:]
        for entry in entries {
            guard let start = UInt64(entry.name), let units = entry.value.intValue else {
                throw StoreError.corrupt("what a member earned cannot be read")
            }
            earned[start] = units
        }
        return earned
    }

    /// Writes an account; a new one gets its number.
    func save(
        _ stored: inout CustomerLedger.Stored, _ name: AccountName, space: UInt64, due: UInt64?
    ) throws {
        let account = stored.account
        let totals = account.totals
        if stored.number == 0 {
            try database.run(
                """
                INSERT INTO accounts (space, name, granted, pending, available, held, spent,
                    expired, taken_back, debt_paid, written_off, debt, body)
                VALUES (?1, ?2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, x'')
                """,
                .bits(space), .text(name.description))
            stored.number =
                try database.row(
                    "SELECT number FROM accounts WHERE space = ?1 AND name = ?2", .bits(space),
                    .text(name.description)
                ) { $0.int(0) } ?? 0
        }
        try database.run(
            """
            UPDATE accounts SET granted = ?2, pending = ?3, available = ?4, held = ?5, spent = ?6,
                expired = ?7, taken_back = ?8, debt_paid = ?9, written_off = ?10, debt = ?11,
                withheld = ?12, due = ?13, body = ?14 WHERE number = ?1
            """,
            .int(stored.number), .int(totals.granted), .int(account.pendingUnits),
            .int(account.available.total), .int(account.held), .int(totals.spent),
            .int(totals.expired), .int(totals.takenBack), .int(totals.debtPaid),
            .int(totals.writtenOff), .int(account.debt), .int(stored.withheld),
            .optional(bits: due),
            .blob(Self.body(account)))
    }

    /// At a restore: keeps of every account what the lost server could have leased.
    func withholdLeasable(_ policy: Programme.LeasePolicy) throws {
        let accounts = try database.rows("SELECT number, name, available, held FROM accounts") {
            ($0.int(0), $0.text(1), $0.int(2), $0.int(3))
        }
        for (number, name, available, held) in accounts {
            // Of an offer all would be withheld, for as long as its uses last.
            guard let name = AccountName(name), name.kind != "offer" else { continue }
            let most = Account.leasable(
                LeaseTerms(policy, of: name), available: available, held: held)
            try database.run(
                "UPDATE accounts SET withheld = ?2 WHERE number = ?1", .int(number), .int(most))
        }
    }

    func saveMember(_ ledger: CustomerLedger, space: UInt64) throws {
        guard let member = ledger.member else { return }
        let earned = Value.map(
            Dictionary(uniqueKeysWithValues: ledger.earned.map { (String($0), .int($1)) }))
        try database.run(
            """
            INSERT INTO members VALUES (?1, ?2, ?3) ON CONFLICT (space) DO UPDATE SET earned = ?3
            """,
            .bits(space), .bits(member), .blob(Encoding.cbor.encode(earned)))
    }

    /// What a customer's phone shows; `nil` for one who is no member.
    func member(space: UInt64) throws -> UInt64? {
        try database.row("SELECT member FROM members WHERE space = ?", .bits(space)) { $0.bits(0) }
    }

    /// The space of the customer who shows this number.
    func space(ofMember member: UInt64) throws -> UInt64? {
        try database.row("SELECT space FROM members WHERE member = ?", .bits(member)) {
            $0.bits(0)
        }
    }

    /// Spaces whose accounts have something due, the earliest first.
    func dueAccounts(at time: UInt64, most: Int) throws -> [UInt64] {
        try database.rows(
            "SELECT space FROM accounts WHERE due <= ?1 ORDER BY due LIMIT ?2", .bits(time),
            .int(Int64(most))
        ) { $0.bits(0) }
    }

    func nextDueAccount() throws -> UInt64? {
        try database.row("SELECT min(due) FROM accounts WHERE due IS NOT NULL") {
            $0.optionalBits(0)
        } ?? nil
    }

    // Entries.

    /// - Parameter parts: the lots of what was spent or came back.
    func insert(_ entry: LedgerEntry, account: Int64, parts: Lots?) throws {
        try database.run(
            "INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", .int(entry.id),
            .int(account), .text(entry.kind.rawValue), .int(entry.units), .bits(entry.at),
            .text(entry.reference), .optional(bits: entry.due), .optional(bits: entry.expires),
            .optional(parts.map { Encoding.cbor.encode($0.value) }))
        tally.note(.entry(entry.kind, entry.account, entry.units))
    }

    func hasEntry(account: Int64, _ kind: LedgerEntry.Kind, _ reference: String) throws -> Bool {
        try database.row(
            "SELECT 1 FROM entries WHERE account = ?1 AND reference = ?2 AND kind = ?3",
            .int(account), .text(reference), .text(kind.rawValue)
        ) { _ in true } ?? false
    }

    /// The space of the customer whom a payment was for.
    func space(ofPayment reference: String) throws -> UInt64? {
        try database.row(
            """
            SELECT space FROM entries JOIN accounts ON accounts.number = entries.account
            WHERE kind = 'top_up' AND reference = ?
            """,
            .text(reference)
        ) { $0.bits(0) }
    }

    /// An account's entries of one source, oldest first, with the lots of those that have them.
    func entries(
        account: Int64, _ name: AccountName, of source: String
    ) throws -> [(entry: LedgerEntry, parts: Lots)] {
        // References of a source are its own text, or begin with it and a slash; 0 follows /.
        try database.rows(
            """
            SELECT number, kind, units, at, reference, due, expires, parts FROM entries
            WHERE account = ?1 AND (reference = ?2 OR reference >= ?2 || '/'
                AND reference < ?2 || '0') ORDER BY number
            """,
            .int(account), .text(source)
        ) { Self.entry($0, name) }.map { entry, parts in
            guard let entry, let parts else { throw StoreError.corrupt("an entry cannot be read") }
            return (entry, parts)
        }
    }

    /// A customer's entries before a number, latest first.
    func entries(space: UInt64, before number: Int64, most: Int) throws -> [LedgerEntry] {
        try database.rows(
            """
            SELECT entries.number, kind, units, at, reference, entries.due, expires, parts, name
            FROM entries JOIN accounts ON accounts.number = entries.account
            WHERE accounts.space = ?1 AND entries.number < ?2
            ORDER BY entries.number DESC LIMIT ?3
            """,
            .bits(space), .int(number), .int(Int64(most))
        ) { row in AccountName(row.text(8)).flatMap { Self.entry(row, $0).0 } }.map { entry in
            guard let entry else { throw StoreError.corrupt("an entry cannot be read") }
            return entry
        }
    }

    private static func entry(_ row: Statement, _ name: AccountName) -> (LedgerEntry?, Lots?) {
        guard let kind = LedgerEntry.Kind(rawValue: row.text(1)) else { return (nil, nil) }
        let reference = row.text(4)
        let entry = LedgerEntry(
            id: row.int(0), account: name, kind: kind, units: row.int(2), at: row.bits(3),
            reference: reference, due: row.optionalBits(5), expires: row.optionalBits(6))
        guard let bytes = row.optionalBlob(7) else { return (entry, Lots()) }
        return (entry, (try? Encoding.cbor.value(bytes)).flatMap { Lots($0) })
    }

    // Leases.

    private static func lease(_ row: Statement) -> Lease? {
        guard let id = LeaseID(Hex.string(row.blob(0))),
            let lots = (try? Encoding.cbor.value(row.blob(8))).flatMap({ Lots($0) })
        else { return nil }
        let holder: Lease.Holder =
            row.optionalText(2).map { .store($0, incarnation: row.bits(3)) }
            ?? .device(ReplicaID(row.bits(1)))
        var lease = Lease(
            id: id, holder: holder, granted: row.int(4), rest: lots, stopAt: row.bits(5))
        lease.redeemed = row.int(9)
        lease.isSealed = row.text(6) == "sealed"
        lease.isAskedBack = row.int(7) == 1
        return lease
    }

    private func openLeases(account: Int64) throws -> [Lease] {
        try database.rows(
            """
            SELECT id, replica, store, incarnation, granted, stop_at, state, asked_back, lots,
                redeemed
            FROM leases WHERE account = ? AND state <> 'closed' ORDER BY opened, id
            """,
            .int(account), map: Self.lease
        ).map { lease in
            guard let lease else { throw StoreError.corrupt("a lease cannot be read") }
            return lease
        }
    }

    private static func leaseRow(_ row: Statement) -> LeaseRow? {
        guard let lease = lease(row), let account = AccountName(row.text(13)) else { return nil }
        return LeaseRow(
            lease: lease, account: account, space: row.bits(12),
            isClosed: row.text(6) == "closed", opened: row.bits(10), reason: row.text(11))
    }

    func lease(_ id: LeaseID) throws -> LeaseRow? {
        let row = try database.row(
            """
            SELECT id, replica, store, incarnation, leases.granted, stop_at, state, asked_back,
                lots, redeemed, opened, reason, space, name
            FROM leases JOIN accounts ON accounts.number = leases.account WHERE id = ?
            """,
            .blob(Self.bytes(id)), map: Self.leaseRow)
        guard let row else { return nil }
        guard let row else { throw StoreError.corrupt("a lease cannot be read") }
        return row
    }

    /// Leases of all customers, or of one, the first to end first.
    func leases(
        space: UInt64?, store: String?, withClosed: Bool, most: Int
    ) throws -> [LeaseRow] {
        try database.rows(
            """
            SELECT id, replica, store, incarnation, leases.granted, stop_at, state, asked_back,
                lots, redeemed, opened, reason, space, name
            FROM leases JOIN accounts ON accounts.number = leases.account
            WHERE (?1 IS NULL OR space = ?1) AND (?2 IS NULL OR store = ?2)
                AND (?3 = 1 OR state <> 'closed')
            ORDER BY stop_at, id LIMIT ?4
            """,
            .optional(bits: space), .optional(store), .int(withClosed ? 1 : 0), .int(Int64(most)),
            map: Self.leaseRow
        ).map { row in
            guard let row else { throw StoreError.corrupt("a lease cannot be read") }
            return row
        }
    }

    /// A store's open leases of one incarnation that end at or before a moment.
    func leases(store: String, incarnation: UInt64, endingBy time: UInt64) throws -> [LeaseRow] {
        try database.rows(
            """
            SELECT id, replica, store, incarnation, leases.granted, stop_at, state, asked_back,
                lots, redeemed, opened, reason, space, name
            FROM leases JOIN accounts ON accounts.number = leases.account
            WHERE store = ?1 AND incarnation = ?2 AND stop_at <= ?3 AND state <> 'closed'
            """,
            .text(store), .bits(incarnation), .bits(time), map: Self.leaseRow
        ).map { row in
            guard let row else { throw StoreError.corrupt("a lease cannot be read") }
            return row
        }
    }

    /// Writes a lease, open or closed.
    func save(
        _ lease: Lease, account: Int64, isClosed: Bool, reason: String, at now: UInt64
    ) throws {
        let (replica, store, incarnation): (UInt64?, String?, UInt64?) =
            switch lease.holder {
            case .device(let replica): (replica.rawValue, nil, nil)
            case .store(let store, let incarnation): (nil, store, incarnation)
            }
        let state = isClosed ? "closed" : lease.isSealed ? "sealed" : "open"
        // What a closed lease held went back to its account.
        let rest = isClosed ? Lots() : lease.rest
        try database.run(
            """
            INSERT INTO leases (id, account, replica, store, incarnation, granted, rest, redeemed,
                stop_at, state, asked_back, opened, moved, reason, lots)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?14)
            ON CONFLICT (id) DO UPDATE SET granted = ?6, rest = ?7, redeemed = ?8, stop_at = ?9,
                state = ?10, asked_back = ?11, moved = ?12, reason = ?13, lots = ?14
            """,
            .blob(Self.bytes(lease.id)), .int(account), .optional(bits: replica),
            .optional(store), .optional(bits: incarnation), .int(lease.granted),
            .int(rest.total), .int(lease.redeemed), .bits(lease.stopAt), .text(state),
            .int(lease.isAskedBack ? 1 : 0), .bits(now), .text(reason),
            .blob(Encoding.cbor.encode(rest.value)))
    }

    // Redeemers.

    func redeemer(_ store: String) throws -> Redeemer? {
        try database.row(
            "SELECT token, since, incarnation, watermark FROM redeemers WHERE store = ?",
            .text(store)
        ) {
            Redeemer(
                store: store, token: $0.text(0), since: $0.bits(1),
                incarnation: $0.optionalBits(2), watermark: $0.bits(3))
        }
    }

    func save(_ redeemer: Redeemer) throws {
        try database.run(
            "INSERT OR REPLACE INTO redeemers VALUES (?1, ?2, ?3, ?4, ?5)",
            .text(redeemer.store), .text(redeemer.token), .bits(redeemer.since),
            .optional(bits: redeemer.incarnation), .bits(redeemer.watermark))
    }

    /// Lets another redeemer be named; the old one is known still by what it took.
    func writeOff(_ redeemer: Redeemer) throws {
        try database.run("DELETE FROM redeemers WHERE store = ?", .text(redeemer.store))
        try database.run(
            "INSERT OR IGNORE INTO former_redeemers VALUES (?1, ?2)", .text(redeemer.store),
            .text(redeemer.token))
    }

    func wasRedeemer(_ token: String, of store: String) throws -> Bool {
        try database.row(
            "SELECT 1 FROM former_redeemers WHERE store = ?1 AND token = ?2", .text(store),
            .text(token)
        ) { _ in true } ?? false
    }
}

/// The one device of a store that accepts leases while the store is cut off.
struct Redeemer {
    var store: String
    /// The token's id: one token is one device.
    var token: String
    var since: UInt64
    /// `nil` until the device has fetched its key.
    var incarnation: UInt64?
    var watermark: UInt64 = 0
}
