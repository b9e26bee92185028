import Testing
import ToteCore
import ToteServer

/// Client and server price the same carts; a third, naive way of pricing says that both are right.
@Suite struct PricingTests {
    /// How many carts are made, in parts that run side by side.
    static let carts = 100_000
    static let parts = 4

    /// One line of a generated cart, and what it comes to by the hand that made it.
    fileprivate struct Made {
        var item: LineName
        var quantity: Int64
        var tax = ""
        /// Unit price; `nil` when it cannot be sold, for this reason.
        var price: Int64?
        var fault = ""
    }

    /// Makes carts out of a catalogue's parts, keeping count itself.
    private struct Maker {
        let catalog: Catalog
        let random: TestRandom
        let groups: [String: Catalog.OptionGroup]

        init(_ catalog: Catalog, seed: UInt64) {
            self.catalog = catalog
            random = TestRandom(seed: seed)
            groups = Dictionary(uniqueKeysWithValues: catalog.groups.map { ($0.id, $0) })
        }

        func line(at store: Catalog.Store) -> Made {
            let product = catalog.products[random.below(catalog.products.count)]
            var made = Made(
                item: LineName(product.sku), quantity: Int64(1 + random.below(9)),
                tax: product.tax)
            // Large enough to go beyond all amounts, now and then.
            if random.below(200) == 0 { made.quantity = Int64(1) << Int64(random.below(62)) }
            let base = product.prices[store.id] ?? product.price[store.currency]
            var sum = base ?? 0
            var isWrong = false
            for id in product.groups {
                guard let group = groups[id] else { continue }
                // Mostly as many as are allowed, rarely one too many.
                var count = group.min + random.below(group.max - group.min + 1)
                if random.below(60) == 0 { count = min(group.max + 1, group.choices.count) }
                if random.below(60) == 0 { count = 0 }
                guard count > 0 else {
                    isWrong = isWrong || group.min > 0
                    continue
                }
                let start = random.below(group.choices.count)
                let chosen = (0..<count).map { group.choices[(start + $0) % group.choices.count] }
                made.item.options[id] = chosen.map(\.id).sorted().joined(separator: ",")
                sum += chosen.reduce(0) { $0 + ($1.price[store.currency] ?? 0) }
                isWrong = isWrong || count > group.max
            }
            made.price = max(0, sum)
            if isWrong { made.refuse("options_invalid") }
            if random.below(80) == 0 {
                made.item.options["nothing"] = "x"
                made.refuse("option_unknown")
            }
            if base == nil { made.refuse("not_sold_here") }
            if store.soldOut.contains(product.sku) { made.refuse("sold_out") }
            if random.below(80) == 0 {
                made.item.sku += "?"
                made.refuse("product_unknown")
            }
            return made
        }
    }

    /// What a cart comes to, from what its maker counted, in numbers that cannot overflow.
    private static func expected(
        _ made: [Made], _ store: Catalog.Store
    ) -> Result<(total: Int64, taxes: [String: Int64]), QuoteRefusal> {
        let order = [
            "product_unknown", "sold_out", "not_sold_here", "option_unknown", "options_invalid",
        ]
        for code in order {
            var items: [String] = []
            for line in made where line.fault == code && !items.contains(line.item.item.text) {
                items.append(line.item.item.text)
            }
            if !items.isEmpty { return .failure(.lines(code: code, items: items)) }
        }
        var bases: [String: Int128] = [:]
        for line in made {
            bases[line.tax, default: 0] += Int128(line.quantity) * Int128(line.price ?? 0)
        }
        var total = bases.values.reduce(0, +)
        guard total <= 1_000_000_000_000 else { return .failure(.amountOutOfRange) }
        var taxes: [String: Int64] = [:]
        for (category, base) in bases {
            let rate = Int128(store.taxes[category] ?? 0)
            let divisor = store.taxIncluded ? 1_000_000 + rate : 1_000_000
            let tax = (2 * base * rate + divisor) / (2 * divisor)
            taxes[category] = Int64(tax)
            if !store.taxIncluded { total += tax }
        }
        guard total <= 1_000_000_000_000 else { return .failure(.amountOutOfRange) }
        return .success((Int64(total), taxes))
    }

    @Test(arguments: 0..<Self.parts)
    func `client and server price 100,000 carts identically, and rightly`(part: Int) throws {
        let server = try TestServer()
        _ = try server.admin("POST", "v1/admin/catalog", DemoCatalog.json)
        let ours = try #require(server.server.catalog)
        var request = ServerRequest(method: "GET", path: ["v1", "catalog"], requestID: "r")
        request.authorization = "Bearer \(server.token)"
        let theirs = try Catalog(Encoding.json.value(try server.answer(request).body))
        let maker = Maker(ours, seed: 20_261_125 + UInt64(part))
        var refused = 0
        for cart in 0..<Self.carts / Self.parts {
            let store = ours.stores[maker.random.below(ours.stores.count)]
            let made = (0..<1 + maker.random.below(3)).map { _ in maker.line(at: store) }
            let lines = made.map { (item: $0.item, quantity: $0.quantity) }
            let atServer = Self.outcome { () throws(QuoteRefusal) in
                try ours.quote(lines, at: store.id)
            }
            // A client knows its lines by the names of their items.
            let named =
                cart % 10 > 0
                ? lines
                : lines.map { (item: LineName(item: $0.item.item), quantity: $0.quantity) }
            let atClient = Self.outcome { () throws(QuoteRefusal) in
                try theirs.quote(named, at: store.id)
            }
            guard atServer == atClient, Self.agrees(atServer, Self.expected(made, store), made)
            else {
                Issue.record("cart \(cart): \(lines) at \(store.id): \(atServer), \(atClient)")
                return
            }
            if case .failure = atServer { refused += 1 }
        }
        // Enough of both kinds.
        let carts = Self.carts / Self.parts
        #expect(refused > carts / 50 && refused < carts / 2, "\(refused) refused")
    }

    private static func outcome(
        _ quote: () throws(QuoteRefusal) -> Quote
    ) -> Result<Quote, QuoteRefusal> {
        do throws(QuoteRefusal) {
            return .success(try quote())
        } catch {
            return .failure(error)
        }
    }

    private static func agrees(
        _ quote: Result<Quote, QuoteRefusal>,
        _ expected: Result<(total: Int64, taxes: [String: Int64]), QuoteRefusal>, _ made: [Made]
    ) -> Bool {
        switch (quote, expected) {
        case (.success(let quote), .success(let (total, taxes))):
            quote.total == total && quote.lines.map(\.price) == made.map(\.price)
                && quote.lines.map(\.line) == made.map(\.item)
                && quote.taxes.count == taxes.count
                && quote.taxes.allSatisfy { taxes[$0.category] == $0.amount }
        case (.failure(let refusal), .failure(let wanted)): refusal == wanted
        default: false
        }
    }
}

extension PricingTests.Made {
    /// The later it is asked for, the earlier it is told.
    fileprivate mutating func refuse(_ code: String) {
        price = nil
        fault = code
    }
}
