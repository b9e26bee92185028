/// Six characters that stand for a hand-off that is offered: told by heart, typed or scanned.
package enum HandOffCode {
    /// Letters and digits that look like no other, as of pickup codes: 26⁶ codes.
    private static let alphabet = Array("ACDEFGHJKLMNPQRTUVWXY34679".utf8)
    private static let count = 6

    /// A code from random bits.
    package static func code(_ bits: UInt64) -> String {
        var rest = bits
        let characters = (0..<count).map { _ in
            let index = Int(rest % UInt64(alphabet.count))
            rest /= UInt64(alphabet.count)
            return alphabet[index]
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// A code as it is kept, from what was typed: in any case, with spaces or hyphens in it; `nil`
    /// when it is none.
    package static func normal(_ text: String) -> String? {
        guard text.utf8.count <= 32 else { return nil }
        let typed = Array(text.uppercased().utf8.filter { $0 != 0x20 && $0 != 0x2D })
        return typed.count == count && typed.allSatisfy(alphabet.contains)
            ? String(decoding: typed, as: UTF8.self) : nil
    }
}

/// A hand-off that needs no network on the phone: its code carries what the phone has not sent,
/// signed by its token (Protocol §24.3).
package struct CarriedHandOff: Hashable, Sendable {
    package var id: HandOffID
    /// What the phone's token is found by: the first 8 bytes of the key.
    package var keyID: UInt64
    /// How long the device may go on, seconds.
    package var seconds: Int64
    /// Milliseconds of the server's clock, as the phone knows it, after which it is not taken.
    package var until: UInt64
    /// Deterministic CBOR of the run that the phone has not sent yet; empty when it has sent all.
    package var run: [UInt8]
    private var code: String

    private static let prefix = ["TOTE", "H1"]
    /// How much a code carries: with the rest of it about 2,800 characters, which phones still read
    /// off each other's screens.
    package static let runBytesMax = 1_800
    /// How far a phone's idea of the time may be ahead.
    private static let aheadMillisecondsMax: UInt64 = 300_000
    /// How long a text is looked at.
    package static let textBytesMax = 3_200

    /// - Parameter key: see `key(of:)`.
    package init(
        id: HandOffID, seconds: Int64, until: UInt64, run: [UInt8], key: [UInt8]
    ) {
        self.id = id
        keyID = Self.keyID(of: key)
        self.seconds = seconds
        self.until = until
        self.run = run
        code = ""
        code = Self.code(message, key)
    }

    /// What a phone signs with: the SHA-256 of its token, which the server keeps in its place.
    package static func key(of token: String) -> [UInt8] { SHA256.digest(Array(token.utf8)) }

    private static func keyID(of key: [UInt8]) -> UInt64 {
        key.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// `TOTE.H1.<id>.<key id>.<seconds>.<until>.<run in base 45>`, upper-case.
    private var message: String {
        let parts =
            Self.prefix + [
                id.text.uppercased(), Hex.string(keyID).uppercased(), String(seconds),
                String(until), Base45.string(run),
            ]
        return parts.joined(separator: ".")
    }

    private static func code(_ message: String, _ key: [UInt8]) -> String {
        Hex.string(
            HMACSHA256.code(key: key, message: Array(message.utf8))
                .prefix(RotatingCode.codeBytes)
        ).uppercased()
    }

    /// Reads what was scanned; `nil` when it is no such code, or not written as it would be here.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.textBytesMax else { return nil }
        // Base 45 has dots of its own: the parts before it are counted, the one behind it is last.
        let parts = text.split(separator: ".", maxSplits: 6, omittingEmptySubsequences: false)
            .map(String.init)
        guard parts.count == 7, Array(parts.prefix(2)) == Self.prefix,
            let id = HandOffID(parts[2].lowercased()), let keyID = Hex.id(parts[3].lowercased()),
            let seconds = Int64(parts[4]), HandOff.secondsRange.contains(seconds),
            let until = UInt64(parts[5]), until <= Timestamp.millisecondsMax,
            let dot = parts[6].utf8.lastIndex(of: UInt8(ascii: ".")),
            let run = Base45.bytes(String(parts[6][..<dot])), run.count <= Self.runBytesMax
        else { return nil }
        self.id = id
        self.keyID = keyID
        self.seconds = seconds
        self.until = until
        self.run = run
        code = String(parts[6][parts[6].utf8.index(after: dot)...])
        guard self.text == text else { return nil }
    }

    /// What a scanner reads: the alphanumeric characters of QR codes.
    package var text: String { "\(message).\(code)" }

    /// Whether it is taken now: not past its time, and not from a clock far ahead.
    package func isCurrent(at now: UInt64) -> Bool {
        now < until && until <= now + HandOff.offerMilliseconds + Self.aheadMillisecondsMax
    }

    /// Whether this key made it.
    package func isMade(with key: [UInt8]) -> Bool {
        keyID == Self.keyID(of: key) && RotatingCode.isEqual(code, Self.code(message, key))
    }
}
