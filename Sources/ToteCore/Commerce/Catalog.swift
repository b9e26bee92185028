/// Everything that can be ordered, and where: products with their options and prices, and stores;
/// and what points are earned by it.
///
/// Wire form: the JSON of Protocol/orders.md section 13.1. A catalogue is replaced as a whole; it
/// is never changed in place. Amounts are whole minor units of an ISO 4217 currency, times are
/// milliseconds since 1970, UTC.
public struct Catalog: Hashable, Sendable {
    /// The number that the server gave to this catalogue; it rises with each replacement.
    public package(set) var version: Int64
    /// The parts of the menu, in order.
    public let categories: [Category]
    /// What products can be ordered with: sizes, kinds of milk, extras.
    public let groups: [OptionGroup]
    /// All products, in the order of the catalogue.
    public let products: [Product]
    /// All stores, in the order of the catalogue.
    public private(set) var stores: [Store]
    /// How points are earned and spent; `nil` where there are none.
    public let programme: Programme?
    /// What hangs on walls and shelves, and stands in mails, in the order of the catalogue.
    public let codes: [Code]

    private let productIndex: [String: Int]
    private let storeIndex: [String: Int]
    private let groupIndex: [String: Int]
    private let barcodeIndex: [String: Int]
    private let codeIndex: [String: Int]

    /// Beyond it no amount goes, either way (M-PRC-2): minor units.
    package static let amountMax: Int64 = 1_000_000_000_000
    package static let productsMax = 5_000
    package static let storesMax = 1_000
    package static let categoriesMax = 500
    package static let groupsMax = 1_000
    package static let choicesMax = 100
    package static let groupsPerProductMax = 20
    package static let barcodesMax = 20
    package static let codesMax = 20_000
    package static let codeBytesMax = 64
    package static let languagesMax = 20
    package static let taxesMax = 50
    package static let intervalsMax = 4_000
    package static let nameBytesMax = 256
    package static let skuBytesMax = 64
    package static let placeBytesMax = 16
    /// Of a group or a choice.
    package static let optionBytesMax = 32
    /// Of a store, a category or a tax category.
    package static let idBytesMax = 64
    /// Rates of taxes in millionths: at most 100 %.
    package static let rateMax: Int64 = 1_000_000
    /// A catalogue as JSON.
    package static let bytesMax = 4 * 1_024 * 1_024
    /// How many faults are told at once.
    package static let faultsMax = 100

    init(
        version: Int64, categories: [Category], groups: [OptionGroup], products: [Product],
        stores: [Store], programme: Programme?, codes: [Code]
    ) {
        self.version = version
        self.categories = categories
        self.groups = groups
        self.products = products
        self.stores = stores
        self.programme = programme
        self.codes = codes
        codeIndex = Self.index(codes.map(\.code))
        productIndex = Self.index(products.map(\.sku))
        storeIndex = Self.index(stores.map(\.id))
        groupIndex = Self.index(groups.map(\.id))
        var barcodes: [String: Int] = [:]
        for (index, product) in products.enumerated() {
            for barcode in product.barcodes { barcodes[barcode] = index }
        }
        barcodeIndex = barcodes
    }

    /// A dictionary takes one spelling of a text for another: what it finds is compared bytewise.
    private static func index(_ ids: [String]) -> [String: Int] {
        Dictionary(
            ids.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { a, _ in a })
    }

    /// The product with this SKU.
    public func product(_ sku: String) -> Product? {
        guard let index = productIndex[sku], Name(products[index].sku) == Name(sku) else {
            return nil
        }
        return products[index]
    }

    /// The product that has this barcode, as it was scanned.
    public func product(barcode: String) -> Product? { barcodeIndex[barcode].map { products[$0] } }

    /// What a scanner has read: a code of the catalogue's own, or a product's barcode; `nil` for
    /// another text. Needs no network.
    public func scanned(_ text: String) -> ScannedCode? {
        if let index = codeIndex[text], Name(codes[index].code) == Name(text) {
            let code = codes[index]
            return ScannedCode(line: code.line, store: code.store, channel: code.channel ?? .wall)
        }
        guard let product = product(barcode: text) else { return nil }
        return ScannedCode(line: LineName(product.sku), store: nil, channel: nil)
    }

    /// A list's lines in the order of a walk through a store: by aisle and bin, numbers as numbers;
    /// what the catalogue has no place of comes last, as it stands in the list.
    public func walk(_ lines: [CartLine], at store: String) -> [(line: CartLine, place: Place?)] {
        let places = lines.map { line in
            product(line.sku).flatMap { Self.place($0, at: store) }
        }
        return zip(lines, places).enumerated().sorted { left, right in
            let (one, other) = (left.element.1, right.element.1)
            guard let one, let other else {
                return one != nil && other == nil
                    || (one == nil) == (other == nil)
                        && left.offset < right.offset
            }
            return one == other ? left.offset < right.offset : one < other
        }.map(\.element)
    }

    /// Where a product stands in a store; `nil` where that is not known.
    private static func place(_ product: Product, at store: String) -> Place? {
        // Ids are ASCII; what a dictionary takes for one is longer.
        product.places.first { Name($0.key) == Name(store) }?.value
    }

    /// The store with this id.
    public func store(_ id: String) -> Store? {
        guard let index = storeIndex[id], stores[index].id.isID(id) else { return nil }
        return stores[index]
    }

    /// The option group with this id.
    public func group(_ id: String) -> OptionGroup? {
        guard let index = groupIndex[id], groups[index].id.isID(id) else { return nil }
        return groups[index]
    }

    /// The catalogue with a product sold out at a store, or not any more; `nil` when there is no
    /// such product or store. The version stays: who replaces the catalogue counts.
    package func settingAvailability(
        sku: String, at store: String, isAvailable: Bool
    ) -> Catalog? {
        guard let index = storeIndex[store], self.store(store) != nil, let product = product(sku)
        else { return nil }
        var changed = self
        if isAvailable {
            changed.stores[index].soldOut.remove(product.sku)
        } else {
            changed.stores[index].soldOut.insert(product.sku)
        }
        return changed
    }
}

/// What a scanned text stands for.
public struct ScannedCode: Hashable, Sendable {
    public let line: LineName
    /// The id of the store where the code hangs.
    public let store: String?
    /// `nil` for a product's own barcode: it says nothing about where it was scanned.
    public let channel: Channel?
}

extension Catalog {
    /// A part of the menu.
    public struct Category: Hashable, Sendable {
        public let id: String
        /// Language to text.
        public let names: [String: String]
    }

    /// One thing to order.
    /// Where a product stands in a store.
    public struct Place: Hashable, Sendable {
        /// 1 to 16 bytes, as a sign in the store says it.
        public let aisle: String
        public let bin: String?

        /// By aisle, then by bin; runs of digits by their number.
        static func < (left: Place, right: Place) -> Bool {
            let (one, other) = (parts(left.aisle), parts(right.aisle))
            if one != other { return precedes(one, other) }
            return precedes(parts(left.bin ?? ""), parts(right.bin ?? ""))
        }

        private static func precedes(_ left: [[UInt8]], _ right: [[UInt8]]) -> Bool {
            for (one, other) in zip(left, right) where one != other {
                let isNumber = one.first.map(isDigit) == true && other.first.map(isDigit) == true
                if isNumber, one.count != other.count { return one.count < other.count }
                return one.lexicographicallyPrecedes(other)
            }
            return left.count < right.count
        }

        /// Runs of digits, without zeros in front, and what stands between them.
        private static func parts(_ text: String) -> [[UInt8]] {
            var parts: [[UInt8]] = []
            for byte in text.utf8 {
                if let last = parts.last?.last, isDigit(last) == isDigit(byte) {
                    parts[parts.count - 1].append(byte)
                } else {
                    parts.append([byte])
                }
            }
            return parts.map { part in
                part.first.map(isDigit) == true
                    ? Array(part.dropLast().drop { $0 == UInt8(ascii: "0") } + part.suffix(1))
                    : part
            }
        }

        private static func isDigit(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
    }

    public struct Product: Hashable, Sendable {
        public let sku: String
        /// Language to text.
        public let names: [String: String]
        /// The id of its category.
        public let category: String?
        public let barcodes: [String]
        /// The tax category.
        public let tax: String
        /// Ids of the option groups, in the order in which they are asked.
        public let groups: [String]
        /// Currency to amount.
        public let price: [String: Int64]
        /// A store's id to the amount there, in its currency, in place of `price`.
        public let prices: [String: Int64]
        /// The most that a line may have of it.
        public let limit: Int64?
        /// A store's id to where it stands there.
        public let places: [String: Place]

        /// What one costs at a store without options; `nil` where it is not sold.
        public func price(at store: Store) -> Int64? {
            prices[store.id] ?? price[store.currency]
        }
    }

    /// A code that stands for a product, and maybe for a store.
    public struct Code: Hashable, Sendable {
        /// What is scanned or typed: 1 to 64 bytes of printable ASCII.
        public let code: String
        /// The product, with the options that it comes with.
        public let line: LineName
        /// The id of the store where it hangs.
        public let store: String?
        /// `wall` where it does not say.
        public let channel: Channel?
    }

    /// A choice that a product comes with: `min` to `max` of these.
    public struct OptionGroup: Hashable, Sendable {
        public let id: String
        /// Language to text.
        public let names: [String: String]
        /// The fewest choices; with 0 a line may leave the group out.
        public let min: Int
        /// The most choices.
        public let max: Int
        /// The choice that an app selects at first. A line names its choices all the same.
        public let `default`: String?
        public let choices: [Choice]

        /// The choice with this id.
        public func choice(_ id: String) -> Choice? {
            choices.first { $0.id.isID(id) }
        }
    }

    /// One choice of an option group.
    public struct Choice: Hashable, Sendable {
        public let id: String
        /// Language to text.
        public let names: [String: String]
        /// What it adds, currency to amount; below 0 it takes off. Nothing where it is missing.
        public let price: [String: Int64]
    }

    /// What the board of a counter shows of a customer's name.
    public enum NamePolicy: String, Hashable, Sendable, CaseIterable {
        case none, first, full
    }

    /// A place that prepares orders.
    public struct Store: Hashable, Sendable {
        public let id: String
        /// Language to text.
        public let names: [String: String]
        /// ISO 4217.
        public let currency: String
        /// Whether prices hold the tax; else it comes on top.
        public let taxIncluded: Bool
        /// Tax category to rate, in millionths: 5.5 % is 55000.
        public let taxes: [String: Int64]
        /// When it is open, in order, not overlapping.
        public let open: [OpenInterval]
        /// How long an order takes.
        public let preparationMinutes: Int
        /// How long a slot for pickup is.
        public let slotMinutes: Int
        /// Orders per slot.
        public let slotCapacity: Int
        /// How long a ready order waits for its customer.
        public let expireMinutes: Int
        /// SKUs that are not to be had now.
        public internal(set) var soldOut: Set<String>
        public let lateMinutes: LateMinutes
        public let namePolicy: NamePolicy
        /// Where it is.
        public let location: GeoPoint?
    }

    /// A time during which a store is open: milliseconds since 1970, `to` is the first closed one.
    public struct OpenInterval: Hashable, Sendable {
        public let from: UInt64
        public let to: UInt64
    }

    /// From which age on the board shows an order as late and as very late.
    public struct LateMinutes: Hashable, Sendable {
        public let late: Int
        public let veryLate: Int

        package init(late: Int, veryLate: Int) {
            self.late = late
            self.veryLate = veryLate
        }
    }
}

extension String {
    /// Whether this id, which is ASCII, has these bytes. What Unicode takes for an ASCII text is
    /// longer.
    fileprivate func isID(_ text: String) -> Bool {
        utf8.count == text.utf8.count && self == text
    }
}
