/// The members of the protocol's maps: a name in JSON, a number in CBOR (Protocol §3.1).
///
/// The numbers of version 1 are frozen. A member that a later version adds travels by name in both.
package enum Member: UInt8, CaseIterable, Sendable {
    case nonce = 0
    case time = 1
    case writes = 2
    case intent = 3
    case sameAs = 4
    case rejected = 5
    case key = 6
    case payload = 7
    case replaces = 8
    case code = 9
    case details = 10
    case position = 11
    case replica = 12
    case counter = 13
    case keys = 14
    case changes = 15
    case digest = 16
    case cursor = 17
    case ticket = 18
    case formerly = 19
    case wait = 20
    case resend = 21
    case page = 22
    case whole = 23
    case fates = 24
    case events = 25
    case snapshot = 26
    case covered = 27
    case more = 28
    case serverTime = 29
    case documents = 30
    case rejections = 31
    case dot = 32
    case next = 33
    case replicas = 34

    package var name: String {
        switch self {
        case .sameAs: "same_as"
        case .serverTime: "server_time"
        default: "\(self)"
        }
    }

    static let byName: [String: Member] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.name, $0) })
}

/// Why bytes are not a message: what was wrong, and where.
///
/// Nothing of a message that throws this was used.
package struct WireError: Error, Hashable, Sendable {
    package enum Reason: String, Sendable {
        case truncated, trailingBytes = "trailing_bytes", notCanonical = "not_canonical"
        case float, integerRange = "integer_range", invalidUTF8 = "invalid_utf8"
        case duplicateKey = "duplicate_key", keyOrder = "key_order", unknownMember =
            "unknown_member"
        case wrongType = "wrong_type", missingMember = "missing_member", tooDeep = "too_deep"
        case tooLong = "too_long", syntax, unsupportedItem = "unsupported_item"
        case invalidEscape = "invalid_escape", outOfRange = "out_of_range"
    }

    package var reason: Reason
    /// Bytes from the start of the body.
    package var offset: Int
    package var message: String

    package init(_ reason: Reason, at offset: Int, _ message: String) {
        self.reason = reason
        self.offset = offset
        self.message = message
    }
}
