/// How a guest's cart joined the account's, line by line.
public struct CartJoin: Hashable, Sendable {
    /// One line of the account's cart.
    public struct Line: Hashable, Sendable {
        /// SKU and options.
        public var name: LineName
        /// How many the account had.
        public var had: Int64
        /// How many the guest brought.
        public var brought: Int64
        /// How many it is now.
        public var kept: Int64
        /// The most that the catalogue lets a line have, where that made it fewer.
        public var limit: Int64?
    }

    public var cart: String
    public var policy: CartPolicy
    /// When the guest touched it last, milliseconds since 1970.
    public var at: UInt64
    /// Whether another guest's cart, touched later, had replaced the account's before.
    public var isOutdated: Bool
    public var lines: [Line]

    package static var collection: Name { Reserved.joins }
    /// How many the documents keep.
    package static let joinsMax = 20
    /// How many lines are told of that the guest had not.
    package static let othersMax = 100
    private static let head: Name = "join"

    private static func field(ofLine index: Int) -> Name {
        Name("line." + String(1_000 + index).dropFirst())
    }

    /// What the server writes of it.
    var fields: [(Name, Value)] {
        var head: [String: Value] = [
            "cart": .text(cart), "policy": .text(policy.rawValue), "at": .int(Int64(at)),
        ]
        if isOutdated { head["outdated"] = .bool(true) }
        return [(Self.head, .map(head))]
            + lines.enumerated().map { index, line in
                (
                    Self.field(ofLine: index),
                    .array(
                        [
                            .text(line.name.item.text), .int(line.had), .int(line.brought),
                            .int(line.kept),
                        ] + (line.limit.map { [.int($0)] } ?? []))
                )
            }
    }

    init?(_ fields: Documents.Item) {
        func register(_ name: Name) -> Value? { Fold.register(fields.cells(name))?.value }
        guard let head = register(Self.head), let cart = head["cart"]?.textValue,
            let at = head["at"]?.intValue, at >= 0,
            let policy = head["policy"]?.textValue.flatMap(CartPolicy.init(rawValue:))
        else { return nil }
        self.cart = cart
        self.policy = policy
        self.at = UInt64(at)
        isOutdated = head["outdated"] == .bool(true)
        lines = []
        while case .array(let parts)? = register(Self.field(ofLine: lines.count)),
            let item = parts.first?.textValue
        {
            let numbers = parts.dropFirst().compactMap(\.intValue)
            guard numbers.count >= 3 else { return }
            lines.append(
                Line(
                    name: LineName(item: Name(item)), had: numbers[0], brought: numbers[1],
                    kept: numbers[2], limit: numbers.count > 3 ? numbers[3] : nil))
        }
    }

    init(_ intent: JoinIntent, at time: UInt64, isOutdated: Bool) {
        cart = intent.cart
        policy = intent.policy
        at = time
        self.isOutdated = isOutdated
        lines = []
    }

    /// Those in documents, by when they were written, the last one first.
    package static func all(in documents: Documents) -> [(item: Name, join: CartJoin)] {
        documents.items(collection).compactMap { item, fields -> (Name, CartJoin, Cell)? in
            guard let join = CartJoin(fields),
                let cell = fields.cells(head).max(by: { $0.isOlder(than: $1) })
            else { return nil }
            return (item, join, cell)
        }
        .sorted { $1.2.isOlder(than: $0.2) }
        .map { ($0.0, $0.1) }
    }

    /// What the server writes when it has judged one: the report, in place of the oldest, and when
    /// the guest touched their cart whose took the account's place.
    func writes(for id: JoinID, in documents: Documents) -> [Write] {
        func registering(_ value: Value, _ key: Key) -> Write {
            Write(
                key: key, payload: .register(value), replaces: documents.cells(key).map(\.dot))
        }
        func erasing(_ item: Name, besides kept: Set<Name> = []) -> [Write] {
            (documents.items(Self.collection)[item]?.fields ?? [])
                .filter { !kept.contains($0.name) }
                .map { field in
                    Write(
                        key: Key(Self.collection, item, field.name), payload: nil,
                        replaces: field.cells.map(\.dot))
                }
        }
        let item = Name(id.text)
        let told = fields
        let old = Self.all(in: documents).filter { $0.item != item }.dropFirst(Self.joinsMax - 1)
        var writes = told.map { registering($0.1, Key(Self.collection, item, $0.0)) }
        writes += erasing(item, besides: Set(told.map(\.0)))
        writes += old.flatMap { erasing($0.item) }
        if policy == .replace, !isOutdated {
            writes.append(registering(.int(Int64(at)), Self.replacedKey(cart)))
        }
        return writes
    }

    /// Where it stands when the guest touched their cart last whose took the place of this one.
    static func replacedKey(_ cart: String) -> Key {
        Key(collection, Fields.itself, Cart.collection(cart))
    }
}
