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
        guard !ledger.accounts.isEmpty || ledger.member != nil else { return }
        var leases: [LeaseID: Int64] = [:]
        for (account, stored) in ledger.accounts {
            report.accounts += 1
            report.faults += stored.account.faults.map { "\(name) \(account): \($0)" }
            let shown = LedgerDocuments.value(LedgerDocuments.item(account), in: documents)
                .flatMap { AccountSummary($0, name: account) }
            if shown != AccountSummary(stored.account, name: account) {
                report.faults.append("\(name) \(account): the customer sees another balance")
            }
            for lease in stored.account.leases { leases[lease.id] = lease.rest.total }
        }
        let shown = LedgerDocuments.leases(in: documents)
        let isSame =
            shown.count == leases.count
            && shown.allSatisfy { leases[$0.id] == $0.left }
        if !isSame { report.faults.append("\(name): the customer sees other leases") }
    }

    /// All accounts: what their rows say is what their entries add up to.
    static func verifyEntries(_ store: ServerStore, _ report: inout Report) throws {
        let database = store.database
        report.entries += try database.row("SELECT count(*) FROM entries") { Int($0.int(0)) } ?? 0
        // Per account what was granted, spent (less what came back), and so on.
        report.faults += try database.rows(
            """
            SELECT accounts.number, accounts.name FROM accounts LEFT JOIN (
                SELECT account,
                    sum(CASE WHEN kind IN ('welcome', 'earn', 'top_up', 'grant')
                        THEN units ELSE 0 END) AS granted,
                    sum(CASE kind WHEN 'spend' THEN units WHEN 'refund' THEN -units ELSE 0 END)
                        AS spent,
                    sum(CASE kind WHEN 'expire' THEN units ELSE 0 END) AS expired,
                    sum(CASE kind WHEN 'take_back' THEN units ELSE 0 END) AS taken_back,
                    sum(CASE kind WHEN 'debt_paid' THEN units ELSE 0 END) AS debt_paid,
                    sum(CASE kind WHEN 'write_off' THEN units ELSE 0 END) AS written_off,
                    sum(CASE kind WHEN 'debt' THEN units WHEN 'debt_paid' THEN -units ELSE 0 END)
                        AS debt
                FROM entries GROUP BY account
            ) AS sums ON sums.account = accounts.number
            WHERE (accounts.granted, accounts.spent, accounts.expired, accounts.taken_back,
                accounts.debt_paid, accounts.written_off, accounts.debt) IS NOT
                (ifnull(sums.granted, 0), ifnull(sums.spent, 0), ifnull(sums.expired, 0),
                ifnull(sums.taken_back, 0), ifnull(sums.debt_paid, 0),
                ifnull(sums.written_off, 0), ifnull(sums.debt, 0))
            LIMIT 100
            """
        ) { "account \($0.int(0)) (\($0.text(1))) is not what its entries add up to" }
        report.faults += try database.rows(
            """
            SELECT number, name FROM accounts WHERE held <> ifnull((
                SELECT sum(rest) FROM leases WHERE account = accounts.number
                    AND state <> 'closed'), 0)
            OR granted <> pending + available + held + spent + expired + taken_back + debt_paid
                + written_off
            LIMIT 100
            """
        ) { "account \($0.int(0)) (\($0.text(1))): L1: its leases do not hold what it says" }
        report.faults += try database.rows(
            """
            SELECT number FROM entries WHERE account NOT IN (SELECT number FROM accounts) LIMIT 10
            """
        ) { "entry \($0.int(0)) belongs to no account" }
        try verifySources(store, &report)
    }

    /// Of no order, receipt or redemption came more back than was spent, or was more taken back
    /// than it earned.
    private static func verifySources(_ store: ServerStore, _ report: inout Report) throws {
        let back = try store.database.rows(
            """
            SELECT DISTINCT entries.account, accounts.name,
                substr(reference, 1, instr(reference || '/', '/') - 1)
            FROM entries JOIN accounts ON accounts.number = entries.account
            WHERE kind IN ('refund', 'take_back', 'debt')
            """
        ) { ($0.int(0), $0.text(1), $0.text(2)) }
        for (number, name, source) in back {
            guard let account = AccountName(name) else { continue }
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
