/// What only the server can decide: a change carries it in place of writes (Protocol §14.1).
package enum Intent: Hashable, Sendable {
    case place(PlaceIntent)
    case cancel(OrderID)
    case checkIn(OrderID, spot: String?)

    /// How much an intent may weigh.
    package static let weightMax = 65_536
    package static let spotBytesMax = 64

    /// Reads an intent.
    ///
    /// - Throws: `unsupported` for a kind that this version does not know, `malformed` with what is
    ///   wrong.
    package init(_ value: Value) throws(IntentError) {
        guard let kind = value["kind"]?.textValue else { throw .unsupported }
        switch kind {
        case "place": self = .place(try PlaceIntent(value))
        case "cancel":
            self = .cancel(try IntentReader(value, members: ["kind", "order"]).order())
        case "check_in":
            let reader = try IntentReader(value, members: ["kind", "order", "spot"])
            self = .checkIn(
                try reader.order(), spot: try reader.optionalText("spot", Self.spotBytesMax))
        default: throw .unsupported
        }
    }

    /// Why an intent of a change cannot be accepted for its own shape.
    static func refusal(_ value: Value) -> Rejection? {
        if value.weightBytes > weightMax {
            return .limit("value_too_large", weightMax, value.weightBytes)
        }
        do throws(IntentError) {
            _ = try Intent(value)
            return nil
        } catch {
            return error.rejection
        }
    }

    package var value: Value {
        switch self {
        case .place(let place): place.value
        case .cancel(let order):
            .map(["kind": .text("cancel"), "order": .text(order.text)])
        case .checkIn(let order, let spot):
            .map(
                ["kind": .text("check_in"), "order": .text(order.text)]
                    .merging(spot.map { ["spot": .text($0)] } ?? [:]) { $1 })
        }
    }

    /// The same with other names for the dots that it names.
    package func renaming(_ renamed: [Dot: Dot]) -> Intent {
        if case .place(let place) = self { .place(place.renaming(renamed)) } else { self }
    }

    package var isPlace: Bool { if case .place = self { true } else { false } }

    package var order: OrderID {
        switch self {
        case .place(let place): place.order
        case .cancel(let order), .checkIn(let order, _): order
        }
    }
}

/// Why a value is no intent.
package enum IntentError: Error, Hashable {
    case unsupported
    case malformed(String)

    package var rejection: Rejection {
        switch self {
        case .unsupported: Rejection(code: "unsupported")
        case .malformed(let what):
            Rejection(code: "intent_malformed", details: .map(["what": .text(what)]))
        }
    }
}

/// How a part of an order is paid.
public struct Tender: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        /// Paid when the order is handed over.
        case atCounter = "at_counter"
        /// Paid elsewhere, for example by the app's payment provider; `reference` names it there.
        case external
    }

    public var kind: Kind
    /// Minor units of the order's currency, above 0.
    public var amount: Int64
    public var reference: String?

    public init(_ kind: Kind, _ amount: Int64, reference: String? = nil) {
        self.kind = kind
        self.amount = amount
        self.reference = reference
    }

    package var value: Value {
        .map(
            ["kind": .text(kind.rawValue), "amount": .int(amount)]
                .merging(reference.map { ["reference": .text($0)] } ?? [:]) { $1 })
    }

    package init(_ value: Value) throws(IntentError) {
        let reader = try IntentReader(value, members: ["kind", "amount", "reference"])
        guard let kind = Kind(rawValue: try reader.text("kind", 1...32)) else {
            throw .malformed("a tender's kind is at_counter or external")
        }
        self.init(
            kind, try reader.int("amount", 1...PlaceIntent.amountMax),
            reference: try reader.optionalText("reference", 128))
    }
}

/// A cart's cell as an order names it: `replica.counter.field`, the item is the line's.
package struct CellReference: Hashable, Sendable {
    package var dot: Dot
    package var field: Name

    package init(_ dot: Dot, _ field: Name) {
        self.dot = dot
        self.field = field
    }

    package init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let replica = Hex.id(String(parts[0])),
            let counter = UInt64(parts[1]), (1...UInt64(Limits.integerMax)).contains(counter),
            String(counter) == parts[1], (1...Limits.fieldBytesMax).contains(parts[2].utf8.count)
        else { return nil }
        self.init(Dot(ReplicaID(replica), counter), Name(String(parts[2])))
    }

    package var text: String { "\(Hex.string(dot.replica.rawValue)).\(dot.counter).\(field.text)" }
}

/// An order as its customer asks for it.
package struct PlaceIntent: Hashable, Sendable {
    package struct Line: Hashable, Sendable {
        /// The line's name: SKU and options.
        package var item: Name
        package var quantity: Int64
        /// The unit price that the customer saw.
        package var price: Int64
        package var note: String?
        package var cells: [CellReference]

        package init(
            item: Name, quantity: Int64, price: Int64, note: String? = nil,
            cells: [CellReference] = []
        ) {
            self.item = item
            self.quantity = quantity
            self.price = price
            self.note = note
            self.cells = cells
        }
    }

    package var order: OrderID
    package var store: String
    package var cart: String
    package var lines: [Line]
    package var currency: String
    package var total: Int64
    /// The version of the catalogue that the device priced with.
    package var catalog: Int64
    /// Milliseconds; `nil` is as soon as possible.
    package var pickupAt: UInt64?
    package var tenders: [Tender]
    package var name: String?
    package var note: String?

    package static let linesMax = 100
    package static let quantityMax: Int64 = 999
    package static let amountMax: Int64 = 1_000_000_000_000
    package static let cellsPerLineMax = 2_048

    package init(
        order: OrderID, store: String, cart: String, lines: [Line], currency: String, total: Int64,
        catalog: Int64, tenders: [Tender]
    ) {
        self.order = order
        self.store = store
        self.cart = cart
        self.lines = lines
        self.currency = currency
        self.total = total
        self.catalog = catalog
        self.tenders = tenders
    }

    init(_ value: Value) throws(IntentError) {
        let reader = try IntentReader(
            value,
            members: [
                "kind", "order", "store", "cart", "lines", "currency", "total", "catalog",
                "pickup_at", "tenders", "name", "note",
            ])
        order = try reader.order()
        store = try reader.text("store", 1...64)
        cart = try reader.text("cart", 1...(Limits.collectionBytesMax - 5))
        currency = try reader.text("currency", 3...3)
        total = try reader.int("total", 0...Self.amountMax)
        catalog = try reader.int("catalog", 1...Limits.integerMax)
        pickupAt = try reader.optionalInt("pickup_at", 0...Int64(Timestamp.millisecondsMax))
            .map { UInt64($0) }
        name = try reader.optionalText("name", 64)
        note = try reader.optionalText("note", 512)
        lines = []
        for line in try reader.list("lines", 1...Self.linesMax) {
            lines.append(try Self.line(line))
        }
        tenders = []
        // Nothing to pay needs no tender.
        for tender in try reader.list("tenders", (total == 0 ? 0 : 1)...4) {
            tenders.append(try Tender(tender))
        }
        guard Set(lines.map(\.item)).count == lines.count else {
            throw .malformed("an item stands in two lines")
        }
    }

    private static func line(_ value: Value) throws(IntentError) -> Line {
        let reader = try IntentReader(
            value, members: ["item", "quantity", "price", "note", "cells"])
        var line = Line(
            item: Name(try reader.text("item", 1...Limits.itemBytesMax)),
            quantity: try reader.int("quantity", 1...quantityMax),
            price: try reader.int("price", 0...amountMax))
        line.note = try reader.optionalText("note", 512)
        guard value["cells"] != nil else { return line }
        for text in try reader.list("cells", 1...cellsPerLineMax) {
            guard let cell = text.textValue.flatMap({ CellReference($0) }) else {
                throw .malformed("a cell is replica.counter.field")
            }
            line.cells.append(cell)
        }
        return line
    }

    package var value: Value {
        var members: [String: Value] = [
            "kind": .text("place"), "order": .text(order.text), "store": .text(store),
            "cart": .text(cart), "currency": .text(currency), "total": .int(total),
            "catalog": .int(catalog), "tenders": .array(tenders.map(\.value)),
            "lines": .array(lines.map(Self.value)),
        ]
        if let pickupAt { members["pickup_at"] = .int(Int64(pickupAt)) }
        if let name { members["name"] = .text(name) }
        if let note { members["note"] = .text(note) }
        return .map(members)
    }

    private static func value(_ line: Line) -> Value {
        var members: [String: Value] = [
            "item": .text(line.item.text), "quantity": .int(line.quantity),
            "price": .int(line.price),
        ]
        if let note = line.note { members["note"] = .text(note) }
        if !line.cells.isEmpty { members["cells"] = .array(line.cells.map { .text($0.text) }) }
        return .map(members)
    }

    /// The cart cells that the order stands for, by key.
    package var consumed: [(key: Key, dots: [Dot])] {
        let collection = Cart.collection(cart)
        return lines.flatMap { line in
            Dictionary(grouping: line.cells, by: \.field).sorted { $0.key < $1.key }.map {
                (Key(collection, line.item, $0.key), $0.value.map(\.dot))
            }
        }
    }

    /// The same order with other names for the dots of its cells.
    package func renaming(_ renamed: [Dot: Dot]) -> PlaceIntent {
        var copy = self
        for line in copy.lines.indices {
            for cell in copy.lines[line].cells.indices {
                let dot = copy.lines[line].cells[cell].dot
                copy.lines[line].cells[cell].dot = renamed[dot] ?? dot
            }
        }
        return copy
    }
}

/// Reads the members of an intent's map, each with its bound; none may be unknown.
struct IntentReader {
    private let value: Value

    init(_ value: Value, members: Set<String>) throws(IntentError) {
        guard case .map(let entries) = value else { throw .malformed("a map belongs here") }
        for entry in entries where !members.contains(entry.name) {
            throw .malformed("there is no member \(entry.name.prefix(40))")
        }
        self.value = value
    }

    func order() throws(IntentError) -> OrderID {
        guard let id = OrderID(try text("order", 32...32)) else {
            throw .malformed("an order's id is 32 lower-case hex digits")
        }
        return id
    }

    func text(_ name: String, _ bytes: ClosedRange<Int>) throws(IntentError) -> String {
        guard let text = value[name]?.textValue, bytes.contains(text.utf8.count) else {
            throw .malformed(
                "\(name) is a text of \(bytes.lowerBound) to \(bytes.upperBound) bytes")
        }
        return text
    }

    func optionalText(_ name: String, _ most: Int) throws(IntentError) -> String? {
        value[name] == nil ? nil : try text(name, 1...most)
    }

    func int(_ name: String, _ range: ClosedRange<Int64>) throws(IntentError) -> Int64 {
        guard let int = value[name]?.intValue, range.contains(int) else {
            throw .malformed(
                "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return int
    }

    func optionalInt(
        _ name: String, _ range: ClosedRange<Int64>
    ) throws(IntentError) -> Int64? {
        value[name] == nil ? nil : try int(name, range)
    }

    func list(_ name: String, _ count: ClosedRange<Int>) throws(IntentError) -> [Value] {
        guard case .array(let values)? = value[name], count.contains(values.count) else {
            throw .malformed("\(name) is a list of \(count.lowerBound) to \(count.upperBound)")
        }
        return values
    }
}
