// What points buy: Protocol/points.md section 18.4.

extension Programme {
    /// What a reward or an offer takes off an order, in minor units; `nil` when it does not apply
    /// to it.
    ///
    /// A discount is worth what it says in the order's currency. A product is worth the unit price
    /// of the dearest of its lines: one unit is free, whatever is chosen with it (M-PRG-4). No more
    /// than what is due is ever paid by it: whoever asks bounds the value by that.
    ///
    /// - Parameter lines: SKU and unit price, with options, of each line.
    public func value(
        of benefit: Benefit, lines: [(sku: String, price: Int64)], currency: String
    ) -> Int64? {
        switch benefit {
        case .discount(let amounts):
            // Codes are ASCII; what a dictionary takes for one is longer.
            return currency.utf8.count == 3 ? amounts[currency] : nil
        case .product(let sku):
            let prices = lines.filter { Name($0.sku) == Name(sku) }.map(\.price)
            // Points for what costs nothing are no bargain.
            guard let dearest = prices.max(), dearest > 0 else { return nil }
            return dearest
        }
    }

    /// What one more of rewards or offers of the same product takes off an order: the dearest of
    /// the units that those before it left.
    ///
    /// - Parameters:
    ///   - lines: SKU, unit price and quantity of each line.
    ///   - taken: how many stand before it.
    /// - Returns: `nil` when none is left, or it does not apply.
    public func value(
        of benefit: Benefit, lines: [(sku: String, price: Int64, quantity: Int64)],
        currency: String, taken: Int
    ) -> Int64? {
        guard case .product(let sku) = benefit else {
            return value(of: benefit, lines: [], currency: currency)
        }
        var rest = Int64(taken)
        let own = lines.filter { Name($0.sku) == Name(sku) }.sorted { $0.price > $1.price }
        for line in own {
            if rest < line.quantity { return line.price > 0 ? line.price : nil }
            rest -= line.quantity
        }
        return nil
    }

    /// The rewards that apply to an order and cost no more than `points`, with their value (see
    /// `value(of:lines:currency:)`): the cheapest first, those of one price as the catalogue has
    /// them.
    public func rewardsInReach(
        points: Int64, lines: [(sku: String, price: Int64)], currency: String
    ) -> [(reward: Reward, value: Int64)] {
        var found: [(place: Int, reward: Reward, value: Int64)] = []
        for (place, reward) in rewards.enumerated() where reward.points <= points {
            if let value = value(of: reward.benefit, lines: lines, currency: currency) {
                found.append((place, reward, value))
            }
        }
        found.sort { ($0.reward.points, $0.place) < ($1.reward.points, $1.place) }
        return found.map { ($0.reward, $0.value) }
    }
}
