/// Where a customer acts: counted, never judged (Protocol §26).
///
/// Open: an app may have channels of its own, and one that this version does not know is kept.
public struct Channel: RawRepresentable, Hashable, Sendable {
    public let rawValue: String

    /// - Parameter rawValue: 1 to 16 of `a–z 0–9 -`; another one is refused when it is used.
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let app = Channel(rawValue: "app")
    public static let web = Channel(rawValue: "web")
    /// A store's device that the customer has joined.
    public static let tablet = Channel(rawValue: "tablet")
    /// A store's till.
    public static let counter = Channel(rawValue: "counter")
    /// A code on a wall, a shelf or a poster.
    public static let wall = Channel(rawValue: "wall")
    /// A link in a mail.
    public static let mail = Channel(rawValue: "mail")

    package static let bytesMax = 16

    package var isValid: Bool {
        (1...Self.bytesMax).contains(rawValue.utf8.count)
            && rawValue.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Reads one; `nil` for what cannot be one.
    package init?(_ value: Value?) {
        guard let text = value?.textValue else { return nil }
        self.init(rawValue: text)
        guard isValid else { return nil }
    }
}

extension Change {
    /// Travels by its name: a server that does not know it keeps it.
    package static let channelMember = "channel"

    /// Where it was made; `nil` where it does not say.
    package var channel: Channel? {
        get {
            // The common change has no such member, and is not to cost a look at its texts.
            extensions.isEmpty
                ? nil : Channel(extensions.first { $0.name == Self.channelMember }?.value)
        }
        set {
            extensions.removeAll { $0.name == Self.channelMember }
            guard let newValue else { return }
            extensions.append(Value.Entry(Self.channelMember, .text(newValue.rawValue)))
            extensions.sort { Name($0.name) < Name($1.name) }
        }
    }
}
