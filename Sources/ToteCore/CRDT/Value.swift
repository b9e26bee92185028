/// What a register holds: JSON's values without floating-point numbers.
///
/// Wire form: Protocol §3.6. Integers lie within ±(2⁵³−1); arrays and maps nest to a depth of 4; a
/// map keeps its members sorted bytewise by name, each name once. Two values are equal when their
/// bytes are.
public enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case text(String)
    case array([Value])
    case map([Entry])

    /// One member of a map.
    public struct Entry: Hashable, Sendable {
        public var name: String
        public var value: Value

        public init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }

        public static func == (left: Entry, right: Entry) -> Bool {
            Name(left.name) == Name(right.name) && left.value == right.value
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(Name(name))
            hasher.combine(value)
        }
    }

    /// A map from a dictionary, its members put in order.
    public static func map(_ members: [String: Value]) -> Value {
        .map(members.map { Entry($0.key, $0.value) }.sorted { Name($0.name) < Name($1.name) })
    }

    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.text(let a), .text(let b)): Name(a) == Name(b)
        case (.array(let a), .array(let b)): a == b
        case (.map(let a), .map(let b)): a == b
        case (.null, _), (.bool, _), (.int, _), (.text, _), (.array, _), (.map, _): false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let bool): hasher.combine(bool)
        case .int(let int): hasher.combine(int)
        case .text(let text): hasher.combine(Name(text))
        case .array(let values): hasher.combine(values)
        case .map(let entries): hasher.combine(entries)
        }
    }

    /// The text, when this is one.
    public var textValue: String? { if case .text(let text) = self { text } else { nil } }
    /// The integer, when this is one.
    public var intValue: Int64? { if case .int(let int) = self { int } else { nil } }
    /// The member of a map with this name.
    public subscript(name: String) -> Value? {
        guard case .map(let entries) = self else { return nil }
        return entries.first { Name($0.name) == Name(name) }?.value
    }

    /// How deep arrays and maps nest: 0 for a plain value.
    package var depth: Int {
        switch self {
        case .null, .bool, .int, .text: 0
        case .array(let values): 1 + (values.map(\.depth).max() ?? 0)
        case .map(let entries): 1 + (entries.map(\.value.depth).max() ?? 0)
        }
    }

    /// Bytes of text held, at any depth, and one for everything else: what the size limit counts.
    package var weightBytes: Int {
        switch self {
        case .null, .bool, .int: 1
        case .text(let text): text.utf8.count
        case .array(let values): values.reduce(1) { $0 + $1.weightBytes }
        case .map(let entries):
            entries.reduce(1) { $0 + $1.name.utf8.count + $1.value.weightBytes }
        }
    }
}
