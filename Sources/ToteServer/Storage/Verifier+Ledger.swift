internal import ToteCore
internal import ToteSQLite

/// Checks the ledger: accounts against their entries and leases, and against what customers see.
extension Verifier {
    /// One customer: the accounts keep their invariants, and the documents tell the same.
    static func verifyLedger(
        _ number: UInt64, _ name: String, _ documents: Documents, _ store: ServerStore,
        _ report: inout Report
    ) throws {
        let ledger = try store.ledger(space: number)
        verifyMember(ledger, name, documents, &report)
        var leases: [LeaseID: LeaseRecord] = [:]
        for (account, stored) in ledger.accounts {
            report.accounts += 1
            report.faults += stored.account.faults.map { "\(name) \(account): \($0)" }
            let shown = LedgerDocuments.value(LedgerDocuments.item(account), in: documents)
                .flatMap { AccountSummary($0, name: account) }
            if shown != AccountSummary(stored.account, name: account) {
                report.faults.append("\(name) \(account): the customer sees another balance")
            }
            for lease in stored.account.leases {
                leases[lease.id] = LeaseRecord(lease, of: account)
            }
        }
        var shown: [LeaseID: LeaseRecord] = [:]
        for var record in LedgerDocuments.leases(in: documents) {
            // Made of the rest and the server's secret.
            (record.certificate, record.secret) = (nil, nil)
            shown[record.id] = record
        }
        if shown != leases { report.faults.append("\(name): the customer sees other leases") }
    }

    /// Who the customer is to the programme, and what counts towards the tier.
    private static func verifyMember(
        _ ledger: CustomerLedger, _ name: String, _ documents: Documents, _ report: inout Report
    ) {
        let member = LedgerDocuments.value(LedgerDocuments.member, in: documents)
        if member?["number"]?.textValue != ledger.member.map({ Hex.string($0) }) {
            report.faults.append("\(name): the customer sees another member number")
        }
        var shown: [UInt64: Int64] = [:]
        if case .map(let earned)? = LedgerDocuments.value(LedgerDocuments.earned, in: documents) {
            for entry in earned {
                if let start = UInt64(entry.name) { shown[start] = entry.value.intValue }
            }
        }
        if shown != ledger.earned {
            report.faults.append("\(name): the customer sees other earnings")
        }
    }

    /// What the entries of one account add up to.
    private struct Sums {
        var account: Int64
        /// Granted, spent, expired, taken back, debt paid, written off, debt.
        var units: [Int64]
        var entries: Int64
        /// Whether something of it came back.
        var hasReturns: Bool
    }

    /// All accounts: what their rows say is what their entries add up to.
    static func verifyEntries(_ store: ServerStore, _ report: inout Report) throws {
        // The plus keeps SQLite from reading the rows in the order of an index, one by one.
        let sums = try store.database.rows(
            """
            SELECT account,
                sum(CASE WHEN kind IN ('welcome', 'earn', 'top_up', 'grant', 'issue') THEN units
                    ELSE 0 END),
                sum(CASE kind WHEN 'spend' THEN units WHEN 'refund' THEN -units ELSE 0 END),
                sum(CASE kind WHEN 'expire' THEN units ELSE 0 END),
                sum(CASE kind WHEN 'take_back' THEN units ELSE 0 END),
                sum(CASE kind WHEN 'debt_paid' THEN units ELSE 0 END),
                sum(CASE kind WHEN 'write_off' THEN units ELSE 0 END),
                sum(CASE kind WHEN 'debt' THEN units WHEN 'debt_paid' THEN -units ELSE 0 END),
                count(*), max(kind IN ('refund', 'take_back', 'debt'))
            FROM entries GROUP BY +account
            """
        ) { row in
            Sums(
                account: row.int(0), units: (1...7).map { row.int($0) }, entries: row.int(8),
                hasReturns: row.int(9) == 1)
        }
        var byAccount = Dictionary(uniqueKeysWithValues: sums.map { ($0.account, $0) })
        report.entries += sums.reduce(0) { $0 + Int($1.entries) }
        let rows = try store.database.rows(
            """
            SELECT number, name, granted, spent, expired, taken_back, debt_paid, written_off, debt,
                held = ifnull((SELECT sum(rest) FROM leases WHERE account = accounts.number
                    AND state <> 'closed'), 0),
                granted = pending + available + held + spent + expired + taken_back + debt_paid
                    + written_off
            FROM accounts
            """
        ) { row in
            (
                row.int(0), row.text(1), (2...8).map { row.int($0) },
                row.int(9) == 1 && row.int(10) == 1
            )
        }
        for (number, name, units, holds) in rows {
            let found = byAccount.removeValue(forKey: number)
            if units != found?.units ?? [Int64](repeating: 0, count: 7) {
                report.faults.append(
                    "account \(number) (\(name)) is not what its entries add up to")
            }
            if !holds { report.faults.append("account \(number) (\(name)): L1 does not hold") }
            guard found?.hasReturns == true, let account = AccountName(name) else { continue }
            try verifySources(number, account, store, &report)
        }
        try verifyParts(store, &report)
        try verifyOffers(store, &report)
        for number in byAccount.keys.sorted() {
            report.faults.append("entries belong to account \(number), which is not there")
        }
    }

    /// What was issued of an offer is what customers got of it.
    private static func verifyOffers(_ store: ServerStore, _ report: inout Report) throws {
        let wrong = try store.database.rows(
            """
            SELECT ifnull(id, offer), ifnull(issued, 0), ifnull(got, 0) FROM offers
            FULL JOIN (SELECT substr(name, 7) AS offer, sum(granted) AS got FROM accounts
                WHERE name GLOB 'offer:*' GROUP BY name) ON offer = id
            WHERE ifnull(issued, 0) <> ifnull(got, 0)
            """
        ) { ($0.text(0), $0.int(1), $0.int(2)) }
        for (offer, issued, got) in wrong {
            report.faults.append(
                "\(issued) uses of offer \(offer) were issued, customers got \(got)")
        }
    }

    /// The lots of what was spent or came back are as many units as the entry says.
    private static func verifyParts(_ store: ServerStore, _ report: inout Report) throws {
        var wrong: [Int64] = []
        _ = try store.database.rows(
            "SELECT number, units, parts FROM entries WHERE parts IS NOT NULL"
        ) { row in
            let lots = (try? Encoding.cbor.value(row.blob(2))).flatMap { Lots($0) }
            if lots?.total != row.int(1) { wrong.append(row.int(0)) }
        }
        report.faults += wrong.prefix(faultsMax).map { "entry \($0): its lots are not its units" }
    }

    /// Of no order, receipt or redemption came more back than was spent, or was more taken back
    /// than it earned.
    private static func verifySources(
        _ number: Int64, _ account: AccountName, _ store: ServerStore, _ report: inout Report
    ) throws {
        let sources = try store.database.rows(
            """
            SELECT DISTINCT substr(reference, 1, instr(reference || '/', '/') - 1) FROM entries
            WHERE account = ? AND kind IN ('refund', 'take_back', 'debt')
            """,
            .int(number)
        ) { $0.text(0) }
        for source in sources {
            var sums: [LedgerEntry.Kind: Int64] = [:]
            for (entry, _) in try store.entries(account: number, account, of: source) {
                sums[entry.kind, default: 0] += entry.units
            }
            if sums[.refund] ?? 0 > sums[.spend] ?? 0 {
                report.faults.append("\(source): more came back than was spent")
            }
            if (sums[.takeBack] ?? 0) + (sums[.debt] ?? 0) > sums[.earn] ?? 0 {
                report.faults.append("\(source): more was taken back than it earned")
            }
        }
    }
}
