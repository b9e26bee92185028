import ToteCore

/// The catalogue of a sales export: its stores, its products, and what each costs where.
///
/// A price of a file is a price at a store. Where it changes, the catalogue is imported again with
/// the new one, under the next version.
struct SalesCatalog: Sendable {
    private let products: [String]
    private let stores: [SalesIndex.Store]
    private(set) var prices: [SalesIndex.Priced: Int64]

    init(_ index: SalesIndex) {
        products = index.products
        stores = index.stores
        prices = index.prices
    }

    /// Takes prices in.
    ///
    /// - Returns: those that differ from before.
    mutating func use(_ changed: [SalesIndex.Priced: Int64]) -> [SalesIndex.Priced] {
        var differing: [SalesIndex.Priced] = []
        for (priced, price) in changed where prices[priced] != price {
            prices[priced] = price
            differing.append(priced)
        }
        return differing
    }

    /// In the form that is imported.
    var value: Value {
        var byProduct: [String: [String: Value]] = [:]
        for (priced, price) in prices {
            byProduct[priced.sku, default: [:]][stores[priced.store].id] = .int(price)
        }
        return .map([
            "products": .array(
                products.map { sku in
                    .map([
                        "sku": .text(sku), "names": .map(["en": .text(sku)]), "tax": .text("none"),
                        "price": .map([]), "prices": .map(byProduct[sku] ?? [:]),
                    ])
                }),
            "stores": .array(stores.map(Self.value)),
            "programme": SalesPoints.programme(Set(stores.map(\.currency))),
        ])
    }

    private static func value(_ store: SalesIndex.Store) -> Value {
        .map([
            "id": .text(store.id), "names": .map(["en": .text(store.name)]),
            "currency": .text(store.currency), "tax_included": .bool(true),
            "taxes": .map(["none": .int(0)]),
            // To the year 2100: an export says nothing about opening hours.
            "open": .array([.array([.int(0), .int(4_102_444_800_000)])]),
            "preparation_minutes": .int(0), "slot_minutes": .int(1), "slot_capacity": .int(10_000),
            "expire_minutes": .int(10_080), "late_minutes": .array([.int(5), .int(10)]),
            "name_policy": .text("none"),
        ])
    }
}

/// A cart that is bought at once: no product twice, one store, one customer.
struct SalesCart: Sendable {
    let customer: Int
    let store: Int
    var lines: [(sku: String, quantity: Int64, price: Int64)] = []
    /// How many lines of the file are in it.
    private(set) var rows = 0

    static let linesMax = 100

    /// Takes a line in; false when it would not be one order any more.
    mutating func take(_ row: SalesRow) -> Bool {
        guard let index = lines.firstIndex(where: { $0.sku == row.sku }) else {
            guard lines.count < Self.linesMax else { return false }
            lines.append((row.sku, row.quantity, row.price))
            rows += 1
            return true
        }
        let quantity = lines[index].quantity + row.quantity
        guard lines[index].price == row.price, quantity <= SalesRowReader.quantityMax else {
            return false
        }
        lines[index].quantity = quantity
        rows += 1
        return true
    }

    /// The carts that a purchase makes: one, unless a product has two prices in it.
    static func carts(_ rows: [SalesRow], _ index: SalesIndex) -> [SalesCart] {
        var carts: [SalesCart] = []
        for row in rows {
            guard let customer = index.customerIndex[row.customer],
                let store = index.storeIndex[row.store]
            else { continue }
            var isTaken = false
            for place in carts.indices where !isTaken { isTaken = carts[place].take(row) }
            if !isTaken {
                var cart = SalesCart(customer: customer, store: store)
                _ = cart.take(row)
                carts.append(cart)
            }
        }
        return carts
    }
}

/// Carts that can be bought from one version of the catalogue, and those that wait for another.
struct SalesWindow {
    private(set) var carts: [SalesCart] = []
    private(set) var prices: [SalesIndex.Priced: Int64] = [:]
    private(set) var later: [SalesCart] = []

    mutating func take(_ cart: SalesCart) {
        func priced(_ sku: String) -> SalesIndex.Priced {
            SalesIndex.Priced(store: cart.store, sku: sku)
        }
        let fits = cart.lines.allSatisfy { line in
            prices[priced(line.sku)].map { $0 == line.price } ?? true
        }
        guard fits else {
            later.append(cart)
            return
        }
        for line in cart.lines { prices[priced(line.sku)] = line.price }
        carts.append(cart)
    }

    /// Begins the next window with what waits; the first of it always fits.
    mutating func advance() {
        let waiting = later
        (carts, prices, later) = ([], [:], [])
        for cart in waiting { take(cart) }
    }
}
