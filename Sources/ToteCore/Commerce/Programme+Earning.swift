// What an order earns: Protocol/points.md section 18.2.

extension Programme {
    /// The points that an order earns.
    ///
    /// Σ(amount × times of its product) × (total − paid with points) ÷ total × tier ÷ 10⁶ ×
    /// points ÷ per, by the rule of the currency, exact and rounded once (M-PRG-1), at most
    /// `pointsMax` (M-PRG-2). Nothing in a currency without a rule, and nothing of a total of 0.
    ///
    /// - Parameters:
    ///   - lines: what each line comes to, in minor units: unit price × quantity. A line of a till
    ///     may be below 0; lines that come to less than 0 together earn nothing.
    ///   - total: what was due, 0 to 10¹² minor units, with taxes.
    ///   - paidWithPoints: the part of `total` that rewards paid.
    ///   - tier: the factor of the customer's tier in thousandths, `once` without one.
    public func earned(
        lines: [(sku: String, amount: Int64)], total: Int64, paidWithPoints: Int64,
        currency: String, times tier: Int64
    ) -> Int64 {
        precondition((0...Catalog.amountMax).contains(total), "M-PRC-2: a total of \(total)")
        precondition(
            (0...total).contains(paidWithPoints), "\(paidWithPoints) of \(total) paid with points")
        precondition((0...Self.timesMax).contains(tier), "a tier counts \(tier) times")
        guard total > 0, let earning = earning(in: currency) else { return 0 }
        var weighted: Int128 = 0
        for line in lines {
            precondition(
                line.amount.magnitude <= UInt64(Catalog.amountMax),
                "M-PRC-2: a line of \(line.amount)")
            weighted += Int128(line.amount) * Int128(times(of: line.sku))
        }
        guard weighted > 0 else { return 0 }
        // A line weighs 10¹⁷ at most: with a total of 10¹² the first factor fits for 10⁹ lines.
        // The product with the second one has 150 bits.
        let dividend = (UInt128(weighted) * UInt128(total - paidWithPoints))
            .multipliedFullWidth(by: UInt128(tier) * UInt128(earning.points))
        let divisor = UInt128(total) * UInt128(earning.per) * 1_000_000
        // More than 128 bits of points are more than enough.
        guard dividend.high < divisor else { return Self.pointsMax }
        let (whole, rest) = divisor.dividingFullWidth((dividend.high, dividend.low))
        guard whole < UInt128(Self.pointsMax) else { return Self.pointsMax }
        return Int64(whole) + (earning.rounding.isUp(rest, of: divisor) ? 1 : 0)
    }
}

extension Programme.Earning.Rounding {
    /// Whether a part of a point, `rest` of `divisor`, makes one.
    fileprivate func isUp(_ rest: UInt128, of divisor: UInt128) -> Bool {
        switch self {
        case .down: false
        case .nearest: rest >= divisor - rest
        case .up: rest > 0
        }
    }
}
