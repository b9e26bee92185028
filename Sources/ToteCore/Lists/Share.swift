/// A space that several share: a list of customers, or a tote that a store's devices and customers
/// pass on (Protocol/shares.md).
public enum Share {
    public enum Kind: String, CaseIterable, Sendable {
        /// Customers' own, for as long as they like.
        case list
        /// Of a store's devices and whoever they pass it to, for a day.
        case tote

        /// What the names of its spaces begin with.
        var prefix: String {
            switch self {
            case .list: "list:"
            case .tote: "tote:"
            }
        }
    }

    /// What a member may do, the least first.
    public enum Role: String, CaseIterable, Sendable, Comparable {
        case viewer, editor, owner

        public static func < (left: Role, right: Role) -> Bool {
            allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
        }
    }

    /// How long a tote lives.
    package static let toteMilliseconds: UInt64 = 86_400_000
    package static let membersMax = 50
    /// How many one customer or device is a member of at once.
    package static let sharesMax = 100
    /// How many of the spaces that one shares or shared may have been made within a day.
    package static let madePerDayMax: Int64 = 200
    /// How long an invitation is taken, in seconds.
    package static let secondsRange: ClosedRange<Int64> = 60...604_800
    package static let secondsUsual: Int64 = 600
    /// Invitations that are taken for longer have no code that could be guessed.
    package static let codeSecondsMax: Int64 = 3_600
    private static let linkPrefix = "tote:share:"

    /// The kind of a space; `nil` for one that is not shared.
    package static func kind(of space: String) -> Kind? {
        Kind.allCases.first { space.utf8.starts(with: $0.prefix.utf8) }
    }

    /// The space that its maker's seed stands for: nobody else can make it, also where the server
    /// knows it no more.
    ///
    /// - Parameter maker: the customer's space, or the store's.
    package static func space(_ kind: Kind, of maker: String, seed: HandOffID) -> String {
        let text = "tote share\n\(kind.rawValue)\n\(maker)\n\(seed.text)"
        return kind.prefix + Hex.string(SHA256.digest(Array(text.utf8)).prefix(16))
    }

    /// What is sent to somebody who is to join.
    package static func link(_ secret: HandOffID) -> String { linkPrefix + secret.text }

    /// The secret that a link holds; `nil` for another text.
    package static func secret(_ text: String) -> HandOffID? {
        guard text.utf8.starts(with: linkPrefix.utf8) else { return nil }
        return HandOffID(String(text.dropFirst(linkPrefix.count)))
    }

    /// A register of the collection `shares`: of a member in the shared space, of a share in a
    /// customer's; without a value it is erased.
    package static func write(_ item: Name, _ value: Value?, in documents: Documents) -> Write {
        let key = key(item)
        return Write(
            key: key, payload: value.map { .register($0) },
            replaces: documents.cells(key).map(\.dot))
    }

    package static func key(_ item: Name) -> Key { Key(Reserved.shares, item, "value") }
}
