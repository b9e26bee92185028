/// What only the server can decide: a change carries it in place of writes (Protocol §14.1).
package enum Intent: Hashable, Sendable {
    case place(PlaceIntent)
    case cancel(OrderID)
    case checkIn(OrderID, spot: String?)
    /// Says what the customer thought of an order.
    case rate(OrderID, Int64, comment: String?)
    /// Writes to the store about an order.
    case post(OrderID, text: String)
    /// A guest's cart joins the account's.
    case join(JoinIntent)
    /// Asks for a right to spend offline, or for more of it.
    case lease(LeaseIntent)
    /// Gives a lease back.
    case release(LeaseID)
    /// Takes a customer's share of an offer, by its id.
    case activate(String)
    /// What a store's redeemer took of a lease; in the store's space.
    case redeem(RedeemIntent)
    /// The redeemer's promise to take nothing of leases that end at or before a moment.
    case watermark(UInt64)

    /// How much an intent may weigh.
    package static let weightMax = 65_536
    package static let spotBytesMax = 64
    /// What a rating may be.
    package static let ratings: ClosedRange<Int64> = 1...5
    /// Bytes of what is written about an order.
    package static let textBytesMax = 1_000

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
        case "rate":
            let reader = try IntentReader(value, members: ["kind", "order", "rating", "comment"])
            self = .rate(
                try reader.order(), try reader.int("rating", Self.ratings),
                comment: try reader.optionalText("comment", Self.textBytesMax))
        case "post":
            let reader = try IntentReader(value, members: ["kind", "order", "text"])
            self = .post(
                try reader.order(), text: try reader.text("text", 1...Self.textBytesMax))
        case "join": self = .join(try JoinIntent(value))
        case "lease": self = .lease(try LeaseIntent(value))
        case "release":
            self = .release(try IntentReader(value, members: ["kind", "lease"]).lease())
        case "activate":
            let reader = try IntentReader(value, members: ["kind", "offer"])
            self = .activate(try reader.offer())
        case "redeem": self = .redeem(try RedeemIntent(value))
        case "watermark":
            let reader = try IntentReader(value, members: ["kind", "until"])
            self = .watermark(
                UInt64(try reader.int("until", 0...Int64(Timestamp.millisecondsMax))))
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
        case .rate(let order, let rating, let comment):
            .map(
                ["kind": .text("rate"), "order": .text(order.text), "rating": .int(rating)]
                    .merging(comment.map { ["comment": .text($0)] } ?? [:]) { $1 })
        case .post(let order, let text):
            .map([
                "kind": .text("post"), "order": .text(order.text), "text": .text(text),
            ])
        case .join(let join): join.value
        case .lease(let lease): lease.value
        case .release(let id): .map(["kind": .text("release"), "lease": .text(id.text)])
        case .activate(let offer):
            .map(["kind": .text("activate"), "offer": .text(offer)])
        case .redeem(let redeem): redeem.value
        case .watermark(let until):
            .map(["kind": .text("watermark"), "until": .int(Int64(until))])
        }
    }

    /// The same with other names for the dots that it names.
    package func renaming(_ renamed: [Dot: Dot]) -> Intent {
        if case .place(let place) = self { .place(place.renaming(renamed)) } else { self }
    }

    /// Whether the customer says something with it: a store's device does not for them.
    package var speaks: Bool {
        switch self {
        case .rate, .post: true
        default: false
        }
    }

    package var isPlace: Bool { if case .place = self { true } else { false } }

    /// The order that it is about.
    package var order: OrderID? {
        switch self {
        case .place(let place): place.order
        case .cancel(let order), .checkIn(let order, _), .rate(let order, _, _),
            .post(let order, _):
            order
        case .join, .lease, .release, .activate, .redeem, .watermark: nil
        }
    }

    /// Whether it belongs into a store's space, and not into a customer's.
    package var isOfStore: Bool? {
        switch self {
        case .place, .cancel, .checkIn, .rate, .post, .join, .lease, .activate: false
        case .redeem, .watermark: true
        case .release: nil
        }
    }

    /// The collection that one must be allowed to write to ask for it.
    package var collection: Name {
        if case .join(let join) = self { return Cart.collection(join.cart) }
        return order == nil ? Reserved.ledger : Reserved.orders
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
    package static let tendersMax = 4
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
        for tender in try reader.list("tenders", (total == 0 ? 0 : 1)...Self.tendersMax) {
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
