/// An order as its customer and its store see it (Protocol §14.3).
public struct Order: Hashable, Sendable, Identifiable {
    public struct Line: Hashable, Sendable {
        public var name: LineName
        public var quantity: Int64
        /// The unit price as charged, minor units.
        public var price: Int64
        public var note: String?
        /// Where it was added, when that was another place than where it was ordered.
        public var channel: Channel?

        public init(name: LineName, quantity: Int64, price: Int64, note: String? = nil) {
            self.name = name
            self.quantity = quantity
            self.price = price
            self.note = note
        }
    }

    /// A tax category's part of the total.
    public struct Tax: Hashable, Sendable {
        public var category: String
        /// Millionths.
        public var rate: Int64
        public var amount: Int64

        public init(category: String, rate: Int64, amount: Int64) {
            self.category = category
            self.rate = rate
            self.amount = amount
        }
    }

    /// A step that the order took.
    public struct Step: Hashable, Sendable {
        public var state: OrderState
        /// Milliseconds since 1970, the server's clock.
        public var at: UInt64
        /// `customer`, `system`, or the label of the counter.
        public var by: String

        public init(state: OrderState, at: UInt64, by: String) {
            self.state = state
            self.at = at
            self.by = by
        }
    }

    public var id: OrderID
    public var store: String
    public var cart: String
    public var state: OrderState
    /// Rises by one with each step.
    public var version: Int64 = 1
    public var currency: String
    public var lines: [Line]
    public var taxes: [Tax] = []
    public var isTaxIncluded = true
    /// Minor units of the currency.
    public var total: Int64
    public var tenders: [Tender]
    /// What the customer says at the counter; `nil` while the order is queued.
    public var code: String?
    /// Milliseconds since 1970, as all times here.
    public var placedAt: UInt64
    public var pickupAt: UInt64?
    public var readyAt: UInt64?
    public var arrivedAt: UInt64?
    /// Where the customer waits, as they said when they checked in.
    public var spot: String?
    /// Where it was ordered.
    public var channel: Channel?
    public var name: String?
    public var note: String?
    /// Why the store declined or cancelled it.
    public var reason: String?
    /// What was brought back of each line, by the line's place.
    public var returned: [Int: Int64] = [:]
    /// Handed over while cut off, although it was cancelled meanwhile.
    public var isDisputed = false
    /// Oldest first.
    public var steps: [Step] = []
    public var feedback: Feedback?
    /// What customer and store wrote to each other about it, oldest first.
    public var thread: [Post] = []

    package init(_ place: PlaceIntent, state: OrderState, placedAt: UInt64) {
        id = place.order
        store = place.store
        cart = place.cart
        self.state = state
        currency = place.currency
        lines = place.lines.map {
            Line(
                name: LineName(item: $0.item), quantity: $0.quantity, price: $0.price,
                note: $0.note)
        }
        total = place.total
        tenders = place.tenders
        self.placedAt = placedAt
        pickupAt = place.pickupAt
        name = place.name
        note = place.note
    }

    /// Whether its last step took back one that had closed it.
    package var isReopened: Bool {
        guard let last = steps.last, let before = steps.dropLast().last else { return false }
        return last.state.isOpen && !before.state.isOpen
    }

    /// Takes a step. The caller has asked the table.
    package mutating func take(_ next: OrderState, at time: UInt64, by: String) {
        state = next
        version += 1
        steps.append(Step(state: next, at: time, by: by))
        if steps.count > Self.stepsMax { steps.removeFirst() }
        switch next {
        case .ready where readyAt == nil: readyAt = time
        case .preparing, .confirmed, .placed: readyAt = nil
        default: break
        }
    }
}

// Documents: collection `orders`, the item is the id, the fields are registers.
extension Order {
    package static var collection: Name { Reserved.orders }

    /// How many steps are kept; of more the oldest are forgotten.
    package static let stepsMax = 24

    /// How many closed orders the documents keep.
    package static let closedInDocumentsMax = 50

    private static func field(ofLine index: Int) -> Name {
        Name("line." + String(1_000 + index).dropFirst())
    }

    private static func optional(_ members: [(String, Value?)]) -> [Value.Entry] {
        members.compactMap { name, value in value.map { Value.Entry(name, $0) } }
    }

    private static func map(_ members: [(String, Value?)]) -> Value {
        .map(optional(members).sorted { Name($0.name) < Name($1.name) })
    }

    private static func time(_ milliseconds: UInt64?) -> Value? {
        milliseconds.map { .int(Int64($0)) }
    }

    private var taxValue: Value {
        .array(taxes.map { .array([.text($0.category), .int($0.rate), .int($0.amount)]) })
    }

    /// The fields that are written once, with the order.
    private var fixedFields: [(Name, Value)] {
        let head = Self.map([
            ("store", .text(store)), ("cart", .text(cart)), ("currency", .text(currency)),
            ("total", .int(total)), ("tax", taxValue), ("tax_included", .bool(isTaxIncluded)),
            ("placed_at", Self.time(placedAt)), ("pickup_at", Self.time(pickupAt)),
            ("code", code.map { .text($0) }), ("name", name.map { .text($0) }),
            ("note", note.map { .text($0) }), ("channel", channel.map { .text($0.rawValue) }),
        ])
        let tenders = Value.array(self.tenders.map(\.value))
        return [("order", head), ("tenders", tenders)]
            + lines.enumerated().map { index, line in
                (
                    Self.field(ofLine: index),
                    Self.map([
                        ("item", .text(line.name.item.text)), ("quantity", .int(line.quantity)),
                        ("price", .int(line.price)), ("note", line.note.map { .text($0) }),
                        ("channel", line.channel.map { .text($0.rawValue) }),
                    ])
                )
            }
    }

    /// The fields that a step rewrites.
    private var movingFields: [(Name, Value)] {
        let by = steps.last?.by ?? "customer"
        let state = Self.map([
            ("state", .text(self.state.rawValue)), ("version", .int(version)),
            ("at", Self.time(steps.last?.at ?? placedAt)), ("by", .text(by)),
            ("arrived_at", Self.time(arrivedAt)), ("ready_at", Self.time(readyAt)),
            ("spot", spot.map { .text($0) }), ("reason", reason.map { .text($0) }),
            ("disputed", isDisputed ? .bool(true) : nil),
        ])
        let steps = Value.array(
            self.steps.map { .array([.text($0.state.rawValue), .int(Int64($0.at)), .text($0.by)]) })
        let moving: [(Name, Value)] = [("state", state), ("steps", steps)] + threadFields
        guard !returned.isEmpty else { return moving }
        let back = Value.array(
            returned.sorted { $0.key < $1.key }.map {
                .array([.int(Int64($0.key)), .int($0.value)])
            })
        return moving + [("returned", back)]
    }

    private func key(_ field: Name) -> Key { Key(Self.collection, Name(id.text), field) }

    /// What the server writes when the order is new, or anew.
    package func placingWrites(in documents: Documents) -> [Write] {
        (fixedFields + movingFields).map { field, value in
            let key = key(field)
            return Write(
                key: key, payload: .register(value), replaces: documents.cells(key).map(\.dot))
        }
    }

    /// What the server writes when the order took a step.
    package func steppingWrites(in documents: Documents) -> [Write] {
        movingFields.compactMap { field, value in
            let key = key(field)
            let cells = documents.cells(key)
            // What was said before stays as it is.
            if cells.count == 1, cells[0].payload == .register(value) { return nil }
            return Write(
                key: key, payload: .register(value), replaces: cells.map(\.dot))
        }
    }

    /// Erases an order from the documents.
    package static func erasingWrites(_ item: Name, in documents: Documents) -> [Write] {
        (documents.items(collection)[item]?.fields ?? []).map { field in
            Write(
                key: Key(collection, item, field.name), payload: nil,
                replaces: field.cells.map(\.dot))
        }
    }

    /// Reads an order out of documents; `nil` where there is none, or none that can be read.
    package init?(_ documents: Documents, item: Name) {
        guard let fields = documents.items(Self.collection)[item] else { return nil }
        self.init(item.text) { Fold.register(fields.cells($0))?.value }
    }

    private init?(_ id: String, _ register: (Name) -> Value?) {
        guard let id = OrderID(id), let head = register("order"), let moving = register("state"),
            let store = head["store"]?.textValue, let currency = head["currency"]?.textValue,
            let total = head["total"]?.intValue,
            let placedAt = Self.milliseconds(head["placed_at"]),
            let state = moving["state"]?.textValue.flatMap(OrderState.init(rawValue:))
        else { return nil }
        self.id = id
        self.store = store
        cart = head["cart"]?.textValue ?? "main"
        self.state = state
        version = moving["version"]?.intValue ?? 1
        self.currency = currency
        self.total = total
        taxes = Self.elements(head["tax"]).compactMap { tax in
            let parts = Self.elements(tax)
            guard parts.count == 3, let category = parts[0].textValue,
                let rate = parts[1].intValue, let amount = parts[2].intValue
            else { return nil }
            return Tax(category: category, rate: rate, amount: amount)
        }
        isTaxIncluded = head["tax_included"] != .bool(false)
        tenders = Self.elements(register("tenders")).compactMap { try? Tender($0) }
        code = head["code"]?.textValue
        self.placedAt = placedAt
        pickupAt = Self.milliseconds(head["pickup_at"])
        readyAt = Self.milliseconds(moving["ready_at"])
        arrivedAt = Self.milliseconds(moving["arrived_at"])
        spot = moving["spot"]?.textValue
        name = head["name"]?.textValue
        note = head["note"]?.textValue
        channel = Channel(head["channel"])
        reason = moving["reason"]?.textValue
        isDisputed = moving["disputed"] == .bool(true)
        steps = Self.elements(register("steps")).compactMap { step in
            let parts = Self.elements(step)
            guard parts.count == 3, let by = parts[2].textValue,
                let state = parts[0].textValue.flatMap(OrderState.init(rawValue:)),
                let at = Self.milliseconds(parts[1])
            else { return nil }
            return Step(state: state, at: at, by: by)
        }
        for entry in Self.elements(register("returned")) {
            let parts = Self.elements(entry).compactMap(\.intValue)
            guard parts.count == 2, (0..<Int64(PlaceIntent.linesMax)).contains(parts[0]) else {
                continue
            }
            returned[Int(parts[0])] = parts[1]
        }
        lines = []
        while lines.count < PlaceIntent.linesMax,
            let line = register(Self.field(ofLine: lines.count)),
            let item = line["item"]?.textValue, let quantity = line["quantity"]?.intValue,
            let price = line["price"]?.intValue
        {
            lines.append(
                Line(
                    name: LineName(item: Name(item)), quantity: quantity, price: price,
                    note: line["note"]?.textValue))
            lines[lines.count - 1].channel = Channel(line["channel"])
        }
        readThread(register)
    }

    static func milliseconds(_ value: Value?) -> UInt64? {
        value?.intValue.flatMap { $0 >= 0 ? UInt64($0) : nil }
    }

    static func elements(_ value: Value?) -> [Value] {
        if case .array(let values)? = value { values } else { [] }
    }

    /// All of it as one map, field by field: how a server keeps it.
    package var value: Value {
        .map(
            (fixedFields + movingFields).map { Value.Entry($0.text, $1) }.sorted {
                Name($0.name) < Name($1.name)
            })
    }

    /// Reads what `value` gave.
    package init?(_ value: Value, id: OrderID) { self.init(id.text) { value[$0.text] } }

    /// The orders of documents, latest first.
    package static func all(in documents: Documents) -> [Order] {
        documents.items(collection).keys.compactMap { Order(documents, item: $0) }
            .sorted { ($1.placedAt, $1.id) < ($0.placedAt, $0.id) }
    }
}
