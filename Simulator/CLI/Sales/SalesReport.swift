import ToteCommandLine
import ToteCore

/// What came of a sales export, beside what the file says.
struct SalesReport: Sendable {
    let index: SalesIndex
    let totals: SalesPlay.Totals
    /// What all customers have earned; `nil` where it was not waited for.
    let points: Int64?
    let milliseconds: UInt64

    static let customersShown = 20

    private struct Row {
        let name: String
        let currency: String
        let orders: Int
        let played: Int64
        let inFile: Int64
        var isEqual: Bool { played == inFile }
    }

    private var stores: [Row] {
        index.stores.enumerated().map { number, store in
            Row(
                name: store.name, currency: store.currency,
                orders: totals.ordersByStore[number] ?? 0, played: totals.stores[number] ?? 0,
                inFile: store.total)
        }
    }

    /// The largest first, by the currency.
    private var customers: [Row] {
        index.accounts.map { account, total in
            Row(
                name: index.customers[account.customer], currency: account.currency,
                orders: totals.ordersByCustomer[account.customer] ?? 0,
                played: totals.accounts[account] ?? 0, inFile: total)
        }.sorted { left, right in
            (left.currency, right.inFile, left.name) < (right.currency, left.inFile, right.name)
        }
    }

    /// Whether every sum is the file's, and nothing was refused.
    var isEqual: Bool {
        totals.refused.isEmpty && stores.allSatisfy(\.isEqual) && customers.allSatisfy(\.isEqual)
    }

    private var ordersPerSecond: UInt64 { UInt64(totals.orders) * 1_000 / max(1, milliseconds) }
    private var linesPerSecond: UInt64 { UInt64(index.rows) * 1_000 / max(1, milliseconds) }

    private static func table(_ rows: [Row]) -> [String] {
        let width = rows.map(\.name.count).max() ?? 0
        let amounts = rows.map { Currency.text($0.played, $0.currency) }
        let amountWidth = amounts.map(\.count).max() ?? 0
        return zip(rows, amounts).map { row, amount in
            let gap = String(repeating: " ", count: amountWidth - amount.count)
            let file = row.isEqual ? "" : "  the file: \(Currency.text(row.inFile, row.currency))"
            return "  \(VerbHelp.pad(row.name, width))  \(gap)\(amount)\(file)"
        }
    }

    func lines(all: Bool) -> [String] {
        let customers = self.customers
        let shown = all ? customers[...] : customers.prefix(Self.customersShown)
        var lines = ["by store:"] + Self.table(stores) + ["by customer:"] + Self.table(Array(shown))
        if shown.count < customers.count {
            lines.append("  … and \(customers.count - shown.count) more: --all shows them")
        }
        for (code, count) in totals.refused.sorted(by: { $0.key < $1.key }) {
            lines.append("refused: \(count) orders with \(code)")
        }
        lines.append(
            "\(index.rows) lines, \(index.customers.count) customers, "
                + "\(index.stores.count) stores, \(index.products.count) products: "
                + "\(totals.orders) orders, all collected, "
                + "\(totals.catalogs) versions of the catalogue")
        if let points {
            lines.append("\(points) points earned, each customer's as their orders say")
        }
        lines.append(
            "\(RunResult.seconds(milliseconds)): \(ordersPerSecond) orders and \(linesPerSecond) "
                + "lines a second")
        lines.append(
            isEqual
                ? "every sum equals the file's, to the last \(unit)"
                : "the sums DIFFER from the file's"
        )
        return lines
    }

    private var unit: String {
        let exponents = Set(index.stores.map { Currency.exponent($0.currency) ?? 0 })
        return exponents == [2] ? "cent" : "minor unit"
    }

    var json: JSONText {
        func rows(_ rows: [Row]) -> JSONText {
            .array(
                rows.map { row in
                    [
                        "name": .string(row.name), "currency": .string(row.currency),
                        "orders": .int(row.orders), "total": .int(Int(row.played)),
                        "file_total": .int(Int(row.inFile)),
                    ]
                })
        }
        return .versioned([
            ("equal", .bool(isEqual)), ("lines", .int(index.rows)),
            ("orders", .int(totals.orders)), ("catalogs", .int(Int(totals.catalogs))),
            (
                "refused",
                .object(totals.refused.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) })
            ),
            ("points", points.map { .int(Int($0)) } ?? .null),
            ("milliseconds", .unsigned(milliseconds)),
            ("orders_per_second", .unsigned(ordersPerSecond)),
            ("lines_per_second", .unsigned(linesPerSecond)), ("stores", rows(stores)),
            ("customers", rows(customers)),
        ])
    }
}
