package import ToteCore

/// A change of what somebody may, in the list beside the data file: a restored file, which knows
/// nothing of what changed since its backup, is held against it.
///
/// Nobody is named: who a member is, is told by a digest that only somebody who has their id can
/// make.
package struct Right: Hashable, Sendable {
    package enum What: Hashable, Sendable {
        /// A token was revoked.
        case token(String)
        /// A list or a tote was ended.
        case share(String)
        case member(Membership)
    }

    /// What somebody became in a share.
    package struct Membership: Hashable, Sendable {
        package var space: String
        package var member: UInt64
        /// `nil` for who is none any more.
        package var role: Share.Role?
        /// Who it is, see `Right.digest`.
        package var who: UInt64
        /// The first bytes of the digest of the invitation that they came by.
        package var invitation: UInt64?
    }

    package let what: What
    /// Milliseconds since 1970; no two have the same.
    package let at: UInt64

    init(_ what: What, at: UInt64) { (self.what, self.at) = (what, at) }

    /// Tells who a member of a share is, to who knows it.
    static func digest(_ principal: String, _ member: UInt64, of space: String) -> UInt64 {
        head(SHA256.digest(Array("\(Hex.string(member)) \(space) \(principal)".utf8)))
    }

    /// The first eight bytes.
    static func head(_ digest: [UInt8]) -> UInt64 {
        digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads `text` with a time behind it; `nil` when it says nothing.
    package init?(_ words: [String]) {
        guard let at = words.last.flatMap({ UInt64($0) }) else { return nil }
        self.at = at
        switch (words[0], words.count) {
        case ("token", 3) where words[1].utf8.allSatisfy(Self.isPlain): what = .token(words[1])
        case ("share", 3) where Share.kind(of: words[1]) != nil: what = .share(words[1])
        case ("member", 6...7) where Share.kind(of: words[1]) != nil:
            let role = Share.Role(rawValue: words[3])
            guard let member = Hex.id(words[2]), role != nil || words[3] == "none",
                let who = Hex.id(words[4])
            else { return nil }
            var invitation: UInt64?
            if words.count == 7 {
                guard let id = Hex.id(words[5]) else { return nil }
                invitation = id
            }
            what = .member(
                Membership(
                    space: words[1], member: member, role: role, who: who, invitation: invitation))
        default: return nil
        }
    }

    /// The words that its line begins with.
    package static let kinds = ["token", "share", "member"]

    /// Of its line, but for the time.
    package var text: String {
        switch what {
        case .token(let id): "token \(id)"
        case .share(let space): "share \(space)"
        case .member(let membership):
            "member \(membership.space) \(Hex.string(membership.member)) "
                + "\(membership.role?.rawValue ?? "none") \(Hex.string(membership.who))"
                + (membership.invitation.map { " \(Hex.string($0))" } ?? "")
        }
    }

    /// A line of the list beside the data file.
    package var line: String { "\(text) \(at)\n" }

    /// What a word of a line has.
    static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "_"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}

/// What changed in shares since the backup that a file was restored from: who asks is answered by
/// it where the file knows nothing of them.
struct RestoredRights {
    /// Of each share, what its members became, the latest of each.
    private var members: [String: [UInt64: Right.Membership]] = [:]
    private var spent: Set<UInt64> = []
    private var ended: Set<String> = []

    init() {}

    init(_ rights: [Right]) {
        for right in rights.sorted(by: { $0.at < $1.at }) {
            switch right.what {
            case .token: break
            case .share(let space): ended.insert(space)
            case .member(let membership):
                var membership = membership
                if let invitation = membership.invitation { spent.insert(invitation) }
                membership.invitation = nil
                members[membership.space, default: [:]][membership.member] = membership
            }
        }
    }

    func hasEnded(_ space: String) -> Bool { ended.contains(space) }

    func hasSpent(_ invitation: [UInt8]) -> Bool { spent.contains(Right.head(invitation)) }

    /// Shares of which something changed.
    var spaces: [String] { ended.union(members.keys).sorted() }

    func members(of space: String) -> [UInt64: Right.Membership] { members[space] ?? [:] }

    /// What somebody was in a share at last: memberships of one count up.
    func last(of principal: String, in space: String) -> Right.Membership? {
        members(of: space).values.filter {
            $0.who == Right.digest(principal, $0.member, of: space)
        }.max { Int64(bitPattern: $1.member &- $0.member) > 0 }
    }
}
