/// A number of points, or of minor units of a currency: whole, from 1 to 10⁹.
///
/// Zero, a negative number and a fraction are no amount: they do not parse (Protocol §19.1).
public struct Amount: Hashable, Comparable, Sendable {
    public let units: Int64

    public static let range: ClosedRange<Int64> = 1...1_000_000_000

    public init?(_ units: Int64) {
        guard Self.range.contains(units) else { return nil }
        self.units = units
    }

    public static func < (left: Amount, right: Amount) -> Bool { left.units < right.units }
}

/// What a customer has accounts of.
public enum AccountName: Hashable, Comparable, Sendable, CustomStringConvertible {
    case points
    /// Stored value, in minor units of an ISO 4217 currency.
    case card(String)
    /// Uses of an offer, by its id in the programme (Protocol/offers.md).
    case offer(String)

    /// As protocol, tables and logs write it: `points`, `card:EUR`, `offer:summer-5`.
    public var description: String {
        switch self {
        case .points: "points"
        case .card(let currency): "card:\(currency)"
        case .offer(let id): "offer:\(id)"
        }
    }

    /// What it is an account of, in a word: `points`, `card`, `offer`.
    package var kind: String {
        switch self {
        case .points: "points"
        case .card: "card"
        case .offer: "offer"
        }
    }

    /// Bytes of the longest name.
    package static let bytesMax = 70
    private static let offerPrefix = "offer:"

    public init?(_ text: String) {
        if text == "points" {
            self = .points
            return
        }
        if text.utf8.starts(with: Self.offerPrefix.utf8) {
            let id = text.utf8.dropFirst(Self.offerPrefix.utf8.count)
            guard (1...64).contains(id.count), id.allSatisfy(Self.isOfID) else { return nil }
            self = .offer(String(Substring(id)))
            return
        }
        let code = text.utf8.dropFirst(5)
        guard text.utf8.starts(with: "card:".utf8), code.count == 3,
            code.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
        else { return nil }
        self = .card(String(Substring(code)))
    }

    /// Whether a byte may stand in the id of an offer, as in all ids of a catalogue.
    private static func isOfID(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }

    public static func < (left: AccountName, right: AccountName) -> Bool {
        Name(left.description) < Name(right.description)
    }
}

/// Units that expire at one moment.
public struct Lot: Hashable, Sendable {
    /// Milliseconds since 1970, the server's clock; `nil` for never.
    public var expires: UInt64?
    /// Above 0.
    public var units: Int64

    public init(expires: UInt64?, units: Int64) {
        self.expires = expires
        self.units = units
    }
}

/// Units by the moment at which they expire.
///
/// Invariant (L5): dates rise strictly, no lot is empty, what never expires is last.
public struct Lots: Hashable, Sendable {
    public private(set) var parts: [Lot] = []

    public init() {}

    package init(_ parts: [Lot]) {
        for lot in parts { add(lot) }
    }

    public var total: Int64 { parts.reduce(0) { $0 + $1.units } }
    public var isEmpty: Bool { parts.isEmpty }
    /// When the first of them expire; `nil` when none does.
    public var firstExpiry: UInt64? { parts.first?.expires }

    package mutating func add(_ lot: Lot) {
        precondition(lot.units >= 0, "L5: a lot of \(lot.units)")
        guard lot.units > 0 else { return }
        let date = lot.expires ?? .max
        let index = parts.firstIndex { ($0.expires ?? .max) >= date } ?? parts.endIndex
        if index < parts.endIndex, parts[index].expires == lot.expires {
            parts[index].units += lot.units
        } else {
            parts.insert(lot, at: index)
        }
    }

    package mutating func add(_ lots: Lots) {
        for lot in lots.parts { add(lot) }
    }

    /// Takes units, the first to expire first; all that there are when there are fewer.
    ///
    /// - Parameter earliest: lots that expire before it stay.
    package mutating func take(_ units: Int64, expiringFrom earliest: UInt64 = 0) -> Lots {
        var taken = Lots()
        var left = max(0, units)
        for index in parts.indices where left > 0 && (parts[index].expires ?? .max) >= earliest {
            let part = min(left, parts[index].units)
            taken.add(Lot(expires: parts[index].expires, units: part))
            parts[index].units -= part
            left -= part
        }
        parts.removeAll { $0.units == 0 }
        return taken
    }

    /// Takes lots out again that were added before, date by date; as much of them as is there.
    package mutating func subtract(_ lots: Lots) {
        for lot in lots.parts {
            guard let index = parts.firstIndex(where: { $0.expires == lot.expires }) else {
                continue
            }
            parts[index].units -= min(parts[index].units, lot.units)
        }
        parts.removeAll { $0.units == 0 }
    }

    /// Takes out what has expired.
    package mutating func takeExpired(at now: UInt64) -> Lots {
        let split = parts.prefix { ($0.expires ?? .max) <= now }.count
        let expired = Lots(Array(parts[..<split]))
        parts.removeFirst(split)
        return expired
    }

    package func checkInvariants() {
        for (index, lot) in parts.enumerated() {
            precondition(lot.units > 0, "L5: an empty lot")
            guard index > 0 else { continue }
            let before = parts[index - 1].expires ?? .max
            precondition(before < lot.expires ?? .max, "L5: dates of lots do not rise")
        }
    }

    /// Wire form: `[[expires or null, units]…]`.
    package var value: Value {
        .array(
            parts.map { lot in
                .array([lot.expires.map { .int(Int64($0)) } ?? .null, .int(lot.units)])
            })
    }

    /// Reads what `value` gave.
    package init?(_ value: Value) {
        guard case .array(let entries) = value else { return nil }
        for entry in entries {
            guard case .array(let pair) = entry, pair.count == 2, let units = pair[1].intValue,
                (1...Limits.integerMax).contains(units),
                pair[0] == .null || pair[0].intValue.map({ $0 >= 0 }) == true
            else { return nil }
            add(Lot(expires: pair[0].intValue.map { UInt64($0) }, units: units))
        }
    }
}
