/// A line of a cart as it shows.
public struct CartLine: Hashable, Sendable {
    public var name: LineName
    /// Above 0: a line without quantity does not show.
    public var quantity: Int64
    public var note: String?
    /// Whether it is ticked off: of a list, that it lies in the basket.
    public var isTicked: Bool
    /// Of a tote: what whoever gathers the lines found.
    public var pick: Pick?
    /// By which channel it came here, where it was scanned.
    public var channel: Channel?

    /// What became of a line of a pick list.
    public enum Pick: Hashable, Sendable {
        case gathered
        case missing
        /// Another item lies there in its place.
        case substituted(LineName)

        package var value: Value {
            switch self {
            case .gathered: .map(["state": .text("gathered")])
            case .missing: .map(["state": .text("missing")])
            case .substituted(let name):
                .map(["state": .text("substituted"), "by": .text(name.item.text)])
            }
        }

        package init?(_ value: Value) {
            switch value["state"]?.textValue {
            case "gathered": self = .gathered
            case "missing": self = .missing
            case "substituted":
                guard let by = value["by"]?.textValue else { return nil }
                self = .substituted(LineName(item: Name(by)))
            default: return nil
            }
        }
    }

    public init(name: LineName, quantity: Int64, note: String? = nil, isTicked: Bool = false) {
        self.name = name
        self.quantity = quantity
        self.note = note
        self.isTicked = isTicked
    }

    public var sku: String { name.sku }
    public var options: [String: String] { name.options }
}

/// A cart as it shows: `cart:<name>` (Protocol §2.7).
public struct Cart: Hashable, Sendable {
    public var name: String
    public var title: String?
    public var note: String?
    /// In the order of the lines' names, bytewise: the same on every device.
    public var lines: [CartLine]

    /// The collection of the cart with this name.
    package static func collection(_ name: String) -> Name { Name("cart:\(name)") }

    /// Reads a cart out of documents.
    package init(_ documents: Documents, name: String) {
        self.name = name
        let items = documents.items(Self.collection(name))
        title = items[Fields.itself]?.text(Fields.title)
        note = items[Fields.itself]?.text(Fields.note)
        lines = items.keys.sorted().compactMap { item in
            guard item != Fields.itself, let fields = items[item] else { return nil }
            let quantity = Fold.counter(fields.cells(Fields.quantity))
            guard quantity > 0 else { return nil }
            var line = CartLine(
                name: LineName(item: item), quantity: quantity, note: fields.text(Fields.note),
                isTicked: Fold.flag(fields.cells(Fields.ticked)))
            line.pick = (Fold.register(fields.cells(Fields.pick))?.value)
                .flatMap { CartLine.Pick($0) }
            line.channel = fields.text(Fields.channel).flatMap { Channel(rawValue: $0) }
            return line
        }
    }

    /// The names of the carts that hold a line, a note or a title, in order.
    package static func names(_ documents: Documents) -> [String] {
        documents.collections.keys.sorted().compactMap { collection in
            guard let name = collection.text(after: "cart:") else { return nil }
            let cart = Cart(documents, name: name)
            let isEmpty = cart.lines.isEmpty && cart.title == nil && cart.note == nil
            return isEmpty ? nil : cart.name
        }
    }
}

extension Documents.Item {
    /// The text in a register, when there is one and it is a text.
    package func text(_ field: Name) -> String? {
        Fold.register(cells(field))?.value.textValue
    }
}

extension LocalView {
    /// Ticks a line off, or takes the tick back; nothing for a line that does not show.
    package func ticking(_ isTicked: Bool, collection: Name, item: Name) -> [Write] {
        let key = Key(collection, item, Fields.ticked)
        guard quantity(collection, item) > 0 else { return [] }
        if isTicked { return [Write(key: key, payload: .flag, replaces: seen(key))] }
        return erasing(key)
    }

    /// Adds a line of a list to a cart.
    package func adding(_ line: CartLine, collection: Name) -> [Write] {
        var writes = adding(
            line.quantity, collection: collection, item: line.name.item, by: line.channel)
        let (note, ticked) = (
            Key(collection, line.name.item, Fields.note),
            Key(collection, line.name.item, Fields.ticked)
        )
        // A line that does not show starts anew: what is written of it is there once.
        writes.removeAll { write in
            line.note != nil && write.key == note || line.isTicked && write.key == ticked
        }
        if let text = line.note { writes += registering(.text(text), note) }
        if line.isTicked {
            writes.append(Write(key: ticked, payload: .flag, replaces: seen(ticked)))
        }
        return writes
    }
}
