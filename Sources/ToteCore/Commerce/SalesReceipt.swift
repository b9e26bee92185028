/// A digital receipt: what was sold, for what, and how it was paid (Protocol §27.3).
///
/// Made of an order and a catalogue wherever both are, so that it can be read without a network.
public struct SalesReceipt: Hashable, Sendable {
    public struct Line: Hashable, Sendable {
        public var sku: String
        /// By language: the product with what was chosen. Without the catalogue's words, its SKU.
        public var names: [String: String]
        public var quantity: Int64
        /// The unit price as charged, minor units.
        public var price: Int64
        /// How many of them came back.
        public var returned: Int64

        public var amount: Int64 { quantity * price }
    }

    /// What it is found by.
    public var number: SalesNumber
    public var order: OrderID
    public var state: OrderState
    public var store: String
    /// By language.
    public var storeNames: [String: String]
    /// Milliseconds since 1970.
    public var placedAt: UInt64
    /// When it was handed over.
    public var collectedAt: UInt64?
    public var currency: String
    public var lines: [Line]
    public var taxes: [Order.Tax]
    public var isTaxIncluded: Bool
    public var total: Int64
    public var tenders: [Tender]

    public init(_ order: Order, catalog: Catalog?) {
        number = SalesNumber(order.id)
        self.order = order.id
        state = order.state
        store = order.store
        storeNames = catalog?.store(order.store)?.names ?? [:]
        placedAt = order.placedAt
        collectedAt =
            order.state == .collected ? order.steps.last { $0.state == .collected }?.at : nil
        currency = order.currency
        lines = order.lines.enumerated().map { index, line in
            Line(
                sku: line.name.sku, names: catalog?.words(for: line.name) ?? [:],
                quantity: line.quantity, price: line.price,
                returned: order.returned[index] ?? 0)
        }
        taxes = order.taxes
        isTaxIncluded = order.isTaxIncluded
        total = order.total
        tenders = order.tenders
    }

    /// As JSON has it.
    package var value: Value {
        var members: [String: Value] = [
            "number": .text(number.text), "order": .text(order.text),
            "state": .text(state.rawValue), "store": .text(store),
            "store_names": .map(storeNames.mapValues { .text($0) }),
            "placed_at": .int(Int64(placedAt)), "currency": .text(currency),
            "lines": .array(
                lines.map { line in
                    var members: [String: Value] = [
                        "sku": .text(line.sku), "quantity": .int(line.quantity),
                        "price": .int(line.price), "amount": .int(line.amount),
                        "names": .map(line.names.mapValues { .text($0) }),
                    ]
                    if line.returned > 0 { members["returned"] = .int(line.returned) }
                    return .map(members)
                }),
            "tax": .array(
                taxes.map { .array([.text($0.category), .int($0.rate), .int($0.amount)]) }),
            "tax_included": .bool(isTaxIncluded), "total": .int(total),
            // What pays elsewhere has a reference that is nobody's business here.
            "tenders": .array(
                tenders.map {
                    .map(["kind": .text($0.kind.rawValue), "amount": .int($0.amount)])
                }),
        ]
        if let collectedAt { members["collected_at"] = .int(Int64(collectedAt)) }
        return .map(members)
    }

    /// As it is printed, shown or sent: lines of at most 40 characters where words allow it.
    ///
    /// - Parameters:
    ///   - language: of the names; the first there is stands in for one that is missing.
    ///   - offset: of the store's clock against UTC, minutes.
    public func text(language: String = "en", utcOffsetMinutes offset: Int = 0) -> [String] {
        func name(_ names: [String: String], _ other: String) -> String {
            names[language] ?? names.min { $0.key < $1.key }?.value ?? other
        }
        func row(_ left: String, _ right: String) -> String {
            let gap = max(1, Self.width - left.count - right.count)
            return left + String(repeating: " ", count: gap) + right
        }
        func money(_ amount: Int64) -> String { Currency.text(amount, currency) }
        let rule = String(repeating: "-", count: Self.width)
        var rows = [name(storeNames, store)]
        rows.append(Self.minute(placedAt, offset) + "  " + state.rawValue)
        rows.append("Receipt \(number)")
        rows.append(rule)
        for line in lines {
            rows.append(row("\(line.quantity) × \(name(line.names, line.sku))", money(line.amount)))
            if line.returned > 0 {
                rows.append(row("  \(line.returned) returned", money(-line.returned * line.price)))
            }
        }
        rows.append(rule)
        for tax in taxes {
            var percent = Currency.decimal(tax.rate, 4)
            while percent.hasSuffix("0") { percent.removeLast() }
            if percent.hasSuffix(".") { percent.removeLast() }
            let kind = isTaxIncluded ? "incl." : "plus"
            rows.append(row("\(kind) \(tax.category) \(percent) %", money(tax.amount)))
        }
        rows.append(row("Total", money(total)))
        for tender in tenders {
            rows.append(row(tender.kind.rawValue, money(tender.amount)))
        }
        return rows
    }

    private static let width = 40

    /// `2027-01-15 08:00`.
    private static func minute(_ milliseconds: UInt64, _ offset: Int) -> String {
        let minutes = max(0, Int(milliseconds / 60_000) + offset)
        let (day, rest) = (minutes / 1_440, minutes % 1_440)
        func pad(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        return "\(CivilDate(days: day)) \(pad(rest / 60)):\(pad(rest % 60))"
    }
}

/// The number of a digital receipt, as people read it aloud and type it: `K4X7-ACDE-FGHJ`.
///
/// The first 48 bits of the order's id in an alphabet without look-alikes, then a letter that
/// tells a wrong one: every order has one, and no table is needed to find its order.
public struct SalesNumber: Hashable, Sendable, CustomStringConvertible {
    /// The first bits of the order's id.
    package let bits: UInt64

    private static let alphabet = Array("ACDEFGHJKLMNPQRTUVWXY34679".utf8)
    private static let digitCount = 11
    /// Coprime to the alphabet's 26: every single wrong letter is noticed.
    private static let weights = [1, 3, 5, 7, 9, 11, 15, 17, 19, 21, 23]
    package static let bytes = 6

    public init(_ order: OrderID) {
        let bytes = Hex.bytes(order.text) ?? []
        bits = bytes.prefix(Self.bytes).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads one, in whatever case, with or without dashes and blanks; `nil` for what is none.
    public init?(_ text: String) {
        let letters = text.utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: " ") }
        guard letters.count == Self.digitCount + 1, text.utf8.count <= 32 else { return nil }
        var digits: [Int] = []
        for letter in letters {
            let isLower = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
            guard let digit = Self.alphabet.firstIndex(of: isLower ? letter - 32 : letter) else {
                return nil
            }
            digits.append(digit)
        }
        let check = digits.removeLast()
        guard check == Self.check(digits) else { return nil }
        let bits = digits.reversed().reduce(UInt64(0)) { $0 * 26 + UInt64($1) }
        guard bits < 1 << (8 * Self.bytes) else { return nil }
        self.bits = bits
    }

    private static func check(_ digits: [Int]) -> Int {
        zip(digits, weights).reduce(0) { $0 + $1.0 * $1.1 } % alphabet.count
    }

    /// Twelve letters, without dashes.
    public var text: String {
        var digits: [Int] = []
        var rest = bits
        for _ in 0..<Self.digitCount {
            digits.append(Int(rest % 26))
            rest /= 26
        }
        let letters = (digits + [Self.check(digits)]).map { Self.alphabet[$0] }
        return String(decoding: letters, as: UTF8.self)
    }

    public var description: String {
        let letters = Array(text)
        return stride(from: 0, to: letters.count, by: 4)
            .map { String(letters[$0..<$0 + 4]) }.joined(separator: "-")
    }

    /// Whether it is an order's.
    public func isOf(_ order: OrderID) -> Bool { SalesNumber(order) == self }
}

extension Catalog {
    /// The choices that a line names, in the order of the product's groups.
    package func choices(of name: LineName) -> [Choice] {
        guard let product = product(name.sku) else { return [] }
        return product.groups.flatMap { id -> [Choice] in
            guard let value = name.options[id], let group = groups.first(where: { $0.id == id })
            else { return [] }
            let chosen = Set(value.split(separator: ",").map(String.init))
            return group.choices.filter { chosen.contains($0.id) }
        }
    }

    /// What a line is called, by language: the product, then what was chosen.
    package func words(for name: LineName) -> [String: String] {
        guard let product = product(name.sku) else { return [:] }
        let chosen = choices(of: name)
        return Dictionary(
            uniqueKeysWithValues: product.names.map { language, word in
                (
                    language,
                    ([word] + chosen.map { $0.names[language] ?? $0.id }).joined(separator: ", ")
                )
            })
    }
}
