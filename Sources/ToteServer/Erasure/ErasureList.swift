package import ToteCore

/// What was taken away for good: the customers who were erased, and the rights that somebody lost.
/// What a backup of before brings back of it is taken away again.
///
/// No customer is named. An entry of one is a salt and the SHA-256 of salt and space name, of which
/// 16 bytes are kept: whoever has an id can ask whether it is there, and nobody can list them. Kept
/// in the data file and beside it, since a restored file knows only what was before its backup.
package struct ErasureList: Hashable, Sendable {
    package enum What: Hashable, Sendable {
        /// Who was erased. The digest has 16 bytes.
        case customer(salt: UInt64, digest: [UInt8])
        /// A token that was revoked, by its id.
        case token(String)
        /// A list or a tote that was ended.
        case share(String)
        /// What a member of one became; `nil` for one who is none any more.
        case member(String, UInt64, Share.Role?)
        /// An invitation, by the digest of its secret, that whoever took it lost the right of, or
        /// whoever made it.
        case invitation([UInt8])
    }

    package struct Entry: Hashable, Sendable {
        package let what: What
        /// Milliseconds since 1970; of a customer, of the day: no more, or what else has that time
        /// would say whose ledger it is.
        package let at: UInt64

        private static let dayMilliseconds: UInt64 = 86_400_000

        init(_ what: What, at: UInt64) { (self.what, self.at) = (what, at) }

        init(salt: UInt64, space: String, at: UInt64) {
            what = .customer(salt: salt, digest: Self.digest(salt, space))
            self.at = at - at % Self.dayMilliseconds
        }

        /// Reads `text`; `nil` when it says nothing.
        init?(_ text: String, at: UInt64) {
            let words = text.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("token", 2) where words[1].utf8.allSatisfy(Self.isPlain): what = .token(words[1])
            case ("share", 2) where Share.kind(of: words[1]) != nil: what = .share(words[1])
            case ("invitation", 2):
                guard let digest = Hex.bytes(words[1]), digest.count == 32 else { return nil }
                what = .invitation(digest)
            case ("member", 4) where Share.kind(of: words[1]) != nil:
                let role = Share.Role(rawValue: words[3])
                guard let member = Hex.id(words[2]), role != nil || words[3] == "none" else {
                    return nil
                }
                what = .member(words[1], member, role)
            case (let first?, 2):
                guard let salt = Hex.id(first), let digest = Hex.bytes(words[1]),
                    digest.count == 16
                else { return nil }
                what = .customer(salt: salt, digest: digest)
            default: return nil
            }
            self.at = at
        }

        /// A line of the list beside the data file but for the time, and the name of a row in it.
        package var text: String {
            switch what {
            case .customer(let salt, let digest): "\(Hex.string(salt)) \(Hex.string(digest))"
            case .token(let id): "token \(id)"
            case .share(let space): "share \(space)"
            case .member(let space, let member, let role):
                "member \(space) \(Hex.string(member)) \(role?.rawValue ?? "none")"
            case .invitation(let digest): "invitation \(Hex.string(digest))"
            }
        }

        /// What no two entries of a list are about.
        fileprivate var subject: String {
            if case .member(let space, let member, _) = what {
                Self.subject(member, space)
            } else {
                text
            }
        }

        fileprivate static func subject(_ member: UInt64, _ space: String) -> String {
            "member \(space) \(Hex.string(member))"
        }

        fileprivate static func isPlain(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "_"), UInt8(ascii: ":"):
                true
            default: false
            }
        }

        static func digest(_ salt: UInt64, _ space: String) -> [UInt8] {
            let name = withUnsafeBytes(of: salt.bigEndian) { Array($0) } + Array(space.utf8)
            return Array(SHA256.digest(name).prefix(16))
        }
    }

    /// One of each subject, the newest.
    package private(set) var entries: [Entry] = []
    private var places: [String: Int] = [:]
    private var bySalt: [UInt64: Set<[UInt8]>] = [:]

    package init() {}

    /// Reads the list beside a data file: a line each, an entry's text and `MILLISECONDS`.
    ///
    /// - Parameter forgivesTail: whether the last line may be the beginning of one, which was being
    ///   written when a process ended.
    /// - Throws: `Damaged` at a line that is none: one that is overlooked would bring somebody
    ///   back.
    package init(_ bytes: [UInt8], forgivesTail: Bool = true) throws(Damaged) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            if let entry = Self.entry(line) {
                insert(entry)
                continue
            }
            let isTail = index == lines.count - 1
            guard isTail, line.isEmpty || forgivesTail && Self.isBeginning(line) else {
                throw Damaged(line: index + 1)
            }
        }
    }

    /// What a line says, whatever ends it; `nil` when it says nothing.
    package static func entry(_ line: ArraySlice<UInt8>) -> Entry? {
        let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        guard let space = line.lastIndex(of: UInt8(ascii: " ")),
            let at = UInt64(String(decoding: line[(space + 1)...], as: UTF8.self))
        else { return nil }
        return Entry(String(decoding: line[..<space], as: UTF8.self), at: at)
    }

    /// The longest line, its end included, is shorter.
    package static let lineBytesMax = 128

    private static func isBeginning(_ line: ArraySlice<UInt8>) -> Bool {
        guard line.count < lineBytesMax,
            line.allSatisfy({ $0 == UInt8(ascii: " ") || Entry.isPlain($0) })
        else { return false }
        let word = String(decoding: line.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
        let isWhole = line.count > word.utf8.count
        return ["token", "share", "member", "invitation"].contains {
            isWhole ? $0 == word : $0.hasPrefix(word)
        } || word.allSatisfy { $0.isHexDigit }
    }

    /// A line that cannot be read.
    package struct Damaged: Error, Hashable {
        /// From 1.
        package let line: Int
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// Whether what an entry says is known, or something newer of the same subject.
    package func contains(_ entry: Entry) -> Bool {
        guard let place = places[entry.subject] else { return false }
        if case .customer = entry.what { return true }
        return entries[place].at >= entry.at
    }

    /// Whether the customer of a space was erased.
    package func contains(space name: String) -> Bool {
        bySalt.contains { salt, digests in digests.contains(Entry.digest(salt, name)) }
    }

    /// What is known of a subject.
    private func entry(about subject: String) -> Entry? { places[subject].map { entries[$0] } }

    /// Whether a list or a tote was ended.
    func hasEnded(_ space: String) -> Bool { places[Entry(.share(space), at: 0).subject] != nil }

    /// Whether a member's role was ever lowered.
    func knows(_ member: UInt64, of space: String) -> Bool {
        places[Entry.subject(member, space)] != nil
    }

    /// Whether somebody was a member who is none any more.
    func hasRemoved(_ member: UInt64, of space: String) -> Bool {
        guard case .member(_, _, nil)? = entry(about: Entry.subject(member, space))?.what else {
            return false
        }
        return true
    }

    /// Whether nobody may take an invitation any more.
    func hasSpent(_ invitation: [UInt8]) -> Bool {
        places[Entry(.invitation(invitation), at: 0).subject] != nil
    }

    package mutating func insert(_ entry: Entry) {
        guard !contains(entry) else { return }
        if case .customer(let salt, let digest) = entry.what {
            bySalt[salt, default: []].insert(digest)
        }
        if let place = places[entry.subject] {
            entries[place] = entry
        } else {
            places[entry.subject] = entries.count
            entries.append(entry)
        }
    }

    /// The entry of a space. One salt serves for all that were made here.
    package func entry(for space: String, at now: UInt64, random: () -> UInt64) -> Entry {
        Entry(salt: bySalt.keys.max() ?? random(), space: space, at: now)
    }

    /// The entry of a right that is taken away now: newer than what is known of the same.
    func entry(_ what: What, at now: UInt64) -> Entry {
        let known = entry(about: Entry(what, at: 0).subject)?.at ?? 0
        return Entry(what, at: max(now, known + 1))
    }

    /// A line of the list beside the data file.
    package static func line(_ entry: Entry) -> String { "\(entry.text) \(entry.at)\n" }
}
