/// A code that a phone shows and that expires by itself: a message under a secret, for one step of
/// 30 s (Protocol §19.6). Source: RFC 6238, with the whole message under the code.
package enum RotatingCode {
    package static let stepMilliseconds: UInt64 = 30_000
    /// How many steps before and after the present one are taken: clocks differ, hands are slow.
    package static let stepsBefore: UInt64 = 3
    package static let stepsAfter: UInt64 = 2
    /// How much of the HMAC is shown.
    static let codeBytes = 16

    package static func step(at milliseconds: UInt64) -> UInt64 { milliseconds / stepMilliseconds }

    /// Whether a code of this step may be taken now.
    package static func isCurrent(_ step: UInt64, at now: UInt64) -> Bool {
        let present = self.step(at: now)
        return step + stepsBefore >= present && step <= present + stepsAfter
    }

    /// The code of a message at a step.
    static func code(_ message: String, secret: [UInt8], step: UInt64) -> String {
        Hex.string(
            HMACSHA256.code(key: secret, message: Array("\(message).\(step)".utf8))
                .prefix(codeBytes)
        ).uppercased()
    }

    /// Whether two codes are equal, in a time that does not tell where they differ.
    static func isEqual(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Takes a shown text apart, its last two parts from the message before them.
    static func parts(_ text: String) -> (message: [String], step: UInt64, code: String)? {
        guard text.utf8.count <= 256 else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 3, let step = UInt64(parts[parts.count - 2]),
            String(step) == parts[parts.count - 2], step < 1 << 40
        else { return nil }
        return (Array(parts.dropLast(2)), step, parts[parts.count - 1])
    }
}

/// What a phone shows to be recognised: the customer's member number, for half a minute.
public struct MemberCode: Hashable, Sendable {
    /// Made by the server, one for each customer; tells nothing about who it is.
    package var member: UInt64
    package var step: UInt64
    private var code: String

    private static let prefix = ["TOTE", "M1"]

    private static func message(_ member: UInt64) -> String {
        (prefix + [Hex.string(member).uppercased()]).joined(separator: ".")
    }

    /// The code that a phone shows now.
    package init(member: UInt64, secret: [UInt8], at now: UInt64) {
        self.member = member
        step = RotatingCode.step(at: now)
        code = RotatingCode.code(Self.message(member), secret: secret, step: step)
    }

    /// Reads what was scanned; `nil` when it is no member code.
    package init?(_ text: String) {
        guard let (message, step, code) = RotatingCode.parts(text), message.count == 3,
            Array(message.prefix(2)) == Self.prefix, let member = Hex.id(message[2].lowercased()),
            Self.message(member) == message.joined(separator: ".")
        else { return nil }
        self.member = member
        self.step = step
        self.code = code
    }

    /// What a scanner reads: upper-case letters, digits and dots.
    public var text: String { "\(Self.message(member)).\(step).\(code)" }

    /// Whether the customer's secret made it.
    package func isMade(with secret: [UInt8]) -> Bool {
        RotatingCode.isEqual(
            code, RotatingCode.code(Self.message(member), secret: secret, step: step))
    }
}

/// The terms of a store's lease as the customer's phone carries them to the counter.
///
/// Everything in them is under the secret: a digit changed is a code refused.
package struct LeaseCertificate: Hashable, Sendable {
    package var lease: LeaseID
    package var member: UInt64
    package var account: AccountName
    package var granted: Int64
    package var stopAt: UInt64
    package var incarnation: UInt64

    package init(
        lease: LeaseID, member: UInt64, account: AccountName, granted: Int64, stopAt: UInt64,
        incarnation: UInt64
    ) {
        self.lease = lease
        self.member = member
        self.account = account
        self.granted = granted
        self.stopAt = stopAt
        self.incarnation = incarnation
    }

    private static let prefix = ["TOTE", "L1"]

    /// `TOTE.L1.<lease>.<member>.<account>.<granted>.<stop_at>.<incarnation>`, upper-case.
    package var message: String {
        let parts =
            Self.prefix + [
                lease.text, Hex.string(member), account.description, String(granted),
                String(stopAt), Hex.string(incarnation),
            ]
        return parts.joined(separator: ".").uppercased()
    }

    /// Reads a message; `nil` when it is none, or not written as it would be here.
    package init?(message: String) {
        let parts = message.split(separator: ".", omittingEmptySubsequences: false)
            .map(String.init)
        guard parts.count == 8, Array(parts.prefix(2)) == Self.prefix,
            let lease = LeaseID(parts[2].lowercased()), let member = Hex.id(parts[3].lowercased()),
            let account = parts[4] == "POINTS" ? .points : AccountName(Self.card(parts[4])),
            let granted = Int64(parts[5]), Amount(granted) != nil, let stopAt = UInt64(parts[6]),
            stopAt <= UInt64(Limits.integerMax), let incarnation = Hex.id(parts[7].lowercased())
        else { return nil }
        self.init(
            lease: lease, member: member, account: account, granted: granted, stopAt: stopAt,
            incarnation: incarnation)
        guard self.message == message else { return nil }
    }

    private static func card(_ text: String) -> String {
        text.utf8.starts(with: "CARD:".utf8) ? "card:" + text.dropFirst(5) : ""
    }

    /// The lease's secret: what the server gives to the phone, and the redeemer makes for itself.
    package func secret(storeKey: [UInt8]) -> [UInt8] {
        HMACSHA256.code(key: storeKey, message: Array(message.utf8))
    }
}

/// What a phone shows to spend by a store's lease while the store is cut off.
public struct LeaseCode: Hashable, Sendable {
    package var certificate: LeaseCertificate
    package var step: UInt64
    private var code: String

    /// The code that a phone shows now.
    package init(_ certificate: LeaseCertificate, secret: [UInt8], at now: UInt64) {
        self.certificate = certificate
        step = RotatingCode.step(at: now)
        code = RotatingCode.code(certificate.message, secret: secret, step: step)
    }

    /// Reads what was scanned; `nil` when it is no lease's code.
    package init?(_ text: String) {
        guard let (message, step, code) = RotatingCode.parts(text),
            let certificate = LeaseCertificate(message: message.joined(separator: "."))
        else { return nil }
        self.certificate = certificate
        self.step = step
        self.code = code
    }

    /// What a scanner reads: upper-case letters, digits, dots and a colon, the alphanumeric
    /// characters of QR codes.
    public var text: String { "\(certificate.message).\(step).\(code)" }

    /// Whether a store's key made it.
    package func isMade(with storeKey: [UInt8]) -> Bool {
        let secret = certificate.secret(storeKey: storeKey)
        return RotatingCode.isEqual(
            code, RotatingCode.code(certificate.message, secret: secret, step: step))
    }
}

/// Keys that the server derives from its root secret: nothing of them is stored.
package enum DerivedKey {
    private static func key(_ root: [UInt8], _ purpose: String) -> [UInt8] {
        HMACSHA256.code(key: root, message: Array(purpose.utf8))
    }

    /// A store's key: of one incarnation of its redeemer, and of no other store.
    package static func store(_ root: [UInt8], _ store: String, incarnation: UInt64) -> [UInt8] {
        key(root, "store\n\(store)\n\(Hex.string(incarnation))")
    }

    /// A customer's secret for the member code.
    package static func member(_ root: [UInt8], _ member: UInt64) -> [UInt8] {
        key(root, "member\n\(Hex.string(member))")
    }

    /// What the server itself certifies a device's lease with: it knows it again after a restore.
    package static func lease(_ root: [UInt8], space: String, _ terms: String) -> String {
        Hex.string(key(root, "lease\n\(space)\n\(terms)").prefix(16))
    }
}
