import Glibc
import ToteCommandLine
import ToteCore

/// The points that the purchases of an export earn: one for each whole unit of a currency.
enum SalesPoints {
    /// How long the server has to grant what is due.
    private static let grantLimitMilliseconds: UInt64 = 120_000

    /// The programme of the catalogue that an export becomes.
    static func programme(_ currencies: Set<String>) -> Value {
        .map([
            "names": .map(["en": .text("Points")]),
            "earn": .array(
                currencies.sorted().map { currency in
                    .map([
                        "currency": .text(currency), "points": .int(1),
                        "per": .int(unit(currency)), "rounding": .text("down"),
                    ])
                }),
        ])
    }

    /// Minor units in one unit of a currency.
    private static func unit(_ currency: String) -> Int64 {
        (0..<(Currency.exponent(currency) ?? 0)).reduce(1) { unit, _ in unit * 10 }
    }

    /// What one order earns.
    static func earned(_ order: Order) -> Int64 { order.total / unit(order.currency) }

    /// Waits until every customer has what their orders earn, and no more.
    ///
    /// - Returns: the points of all of them.
    static func check(
        _ expected: [(customer: String, points: Int64)], _ administrator: Administrator
    ) throws(RunFailure) -> Int64 {
        let begun = SystemClock.monotonicMilliseconds()
        var sum: Int64 = 0
        for (customer, points) in expected {
            while true {
                let found = try balance(of: customer, administrator)
                if found == points { break }
                let waited = SystemClock.monotonicMilliseconds() - begun
                guard found < points, waited < grantLimitMilliseconds else {
                    throw RunFailure(
                        .expectation, "\(customer) has \(found) points, the orders earn \(points)")
                }
                usleep(50_000)
            }
            sum += points
        }
        return sum
    }

    private static func balance(
        of customer: String, _ administrator: Administrator
    ) throws(RunFailure) -> Int64 {
        let path = "/v1/admin/ledger?customer=\(customer)"
        guard case .array(let accounts)? = try administrator.call("GET", path, nil)["accounts"],
            let points = accounts.first(where: { $0["account"] == .text("points") })
        else { return 0 }
        return points["available"]?.intValue ?? 0
    }
}
