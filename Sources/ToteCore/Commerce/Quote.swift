/// What a cart costs at a store. Client and server make it with this code (M-PRC-1).
public struct Quote: Hashable, Sendable {
    /// One line of the cart.
    public struct Line: Hashable, Sendable {
        /// SKU and options.
        public let line: LineName
        /// The name of the line's item in a document.
        public var item: String { line.item.text }
        public let quantity: Int64
        /// Of one, in minor units, with its options.
        public let price: Int64
        /// The product's names, language to text.
        public let names: [String: String]
    }

    /// The tax of one tax category.
    public struct Tax: Hashable, Sendable {
        public let category: String
        /// In millionths.
        public let rate: Int64
        /// In minor units.
        public let amount: Int64
    }

    /// ISO 4217.
    public let currency: String
    /// Whether the prices hold the taxes; else `total` adds them.
    public let taxIncluded: Bool
    /// As they were asked for, in order.
    public let lines: [Line]
    /// The sum over the lines, in minor units.
    public let subtotal: Int64
    /// By tax category, sorted bytewise; one for each category that a line is of.
    public let taxes: [Tax]
    /// What is to be paid, in minor units.
    public let total: Int64
}

/// Why a cart has no price.
public enum QuoteRefusal: Error, Hashable, Sendable {
    /// No store has this id.
    case storeUnknown
    /// Lines that cannot be sold. `code` is the first that applies of `product_unknown`,
    /// `sold_out`, `not_sold_here`, `option_unknown`, `options_invalid`, `quantity_limited`;
    /// `items` are all that it applies to.
    case lines(code: String, items: [String])
    /// An amount goes beyond 10¹² minor units (M-PRC-2).
    case amountOutOfRange
}

extension Catalog {
    /// What keeps one line from being sold, in the order in which it is told.
    private enum LineFault: Int, CaseIterable, Error {
        case productUnknown, soldOut, notSoldHere, optionUnknown, optionsInvalid, limited

        var code: String {
            switch self {
            case .productUnknown: "product_unknown"
            case .soldOut: "sold_out"
            case .notSoldHere: "not_sold_here"
            case .optionUnknown: "option_unknown"
            case .optionsInvalid: "options_invalid"
            case .limited: "quantity_limited"
            }
        }
    }

    /// Prices a cart: Protocol/orders.md section 13.2.
    public func quote(
        _ lines: [(item: LineName, quantity: Int64)], at store: String
    ) throws(QuoteRefusal) -> Quote {
        guard let store = self.store(store) else { throw .storeUnknown }
        var priced: [(product: Product, price: Int64)] = []
        var faults: [(fault: LineFault, item: String)] = []
        for line in lines {
            do throws(LineFault) {
                let found = try price(of: line.item, at: store)
                if let limit = found.0.limit, line.quantity > limit { throw .limited }
                priced.append(found)
            } catch {
                faults.append((error, line.item.item.text))
            }
        }
        if !faults.isEmpty,
            let first = LineFault.allCases.first(where: { code in
                faults.contains { $0.fault == code }
            })
        {
            var told: Set<Name> = []
            let items = faults.filter { $0.fault == first && told.insert(Name($0.item)).inserted }
            throw .lines(code: first.code, items: items.map(\.item))
        }
        var subtotal: Int64 = 0
        var bases: [String: Int64] = [:]
        var quoted: [Quote.Line] = []
        for (line, (product, price)) in zip(lines, priced) {
            guard line.quantity >= 0 else { throw .amountOutOfRange }
            let gross = try Self.amount(line.quantity.multipliedReportingOverflow(by: price))
            subtotal = try Self.amount(subtotal.addingReportingOverflow(gross))
            _ = try Self.amount((price, false))
            bases[product.tax, default: 0] += gross
            quoted.append(
                Quote.Line(
                    line: line.item, quantity: line.quantity, price: price,
                    names: product.names))
        }
        var taxes: [Quote.Tax] = []
        var total = subtotal
        for (category, base) in bases.sorted(by: { Name($0.key) < Name($1.key) }) {
            let rate = store.taxes[category] ?? 0
            let tax = Self.tax(of: base, rate: rate, isIncluded: store.taxIncluded)
            taxes.append(Quote.Tax(category: category, rate: rate, amount: tax))
            if !store.taxIncluded { total = try Self.amount(total.addingReportingOverflow(tax)) }
        }
        return Quote(
            currency: store.currency, taxIncluded: store.taxIncluded, lines: quoted,
            subtotal: subtotal, taxes: taxes, total: total)
    }

    /// A result of checked arithmetic, when it is an amount.
    private static func amount(
        _ result: (partialValue: Int64, overflow: Bool)
    ) throws(QuoteRefusal) -> Int64 {
        guard !result.overflow, result.partialValue <= amountMax else { throw .amountOutOfRange }
        return result.partialValue
    }

    /// Half up. Both factors are bounded, so that their product fits: 10¹² × 10⁶ × 2 < 2⁶³.
    private static func tax(of base: Int64, rate: Int64, isIncluded: Bool) -> Int64 {
        let divisor = isIncluded ? 1_000_000 + rate : 1_000_000
        let (whole, rest) = (base * rate).quotientAndRemainder(dividingBy: divisor)
        return rest * 2 >= divisor ? whole + 1 : whole
    }

    /// The product of a line and the price of one, with its options.
    private func price(
        of line: LineName, at store: Store
    ) throws(LineFault) -> (Product, Int64) {
        guard let product = product(line.sku) else { throw .productUnknown }
        guard !store.soldOut.contains(product.sku) else { throw .soldOut }
        guard var price = product.price(at: store) else { throw .notSoldHere }
        var isInvalid = false
        var named = 0
        for id in product.groups {
            guard let group = group(id) else { continue }
            guard let option = line.options[id] else {
                if group.min > 0 { isInvalid = true }
                continue
            }
            named += 1
            var chosen: Set<String> = []
            let parts = option.utf8.split(
                separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            for part in parts {
                guard let choice = group.choice(String(Substring(part))) else {
                    throw .optionUnknown
                }
                guard chosen.insert(choice.id).inserted else {
                    isInvalid = true
                    continue
                }
                // Amounts are bounded, and so is how many different ones there are.
                price += choice.price[store.currency] ?? 0
            }
            if !(group.min...group.max).contains(chosen.count) { isInvalid = true }
        }
        // Ids are ASCII; another spelling of one, which a dictionary takes for it, is none.
        guard named == line.options.count,
            line.options.keys.allSatisfy({ $0.utf8.allSatisfy { $0 < 0x80 } })
        else { throw .optionUnknown }
        guard !isInvalid else { throw .optionsInvalid }
        return (product, max(0, price))
    }
}
