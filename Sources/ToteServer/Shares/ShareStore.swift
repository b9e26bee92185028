internal import ToteCore
internal import ToteSQLite

/// Who shares a space, in which role.
struct ShareMember: Hashable {
    /// `customer:<id>`, or `token:<id>` of a store's device.
    let principal: String
    /// What the others know of them.
    let member: UInt64
    var role: Share.Role
}

/// A shared space as the file has it.
struct ShareRow {
    /// When it ends by itself, milliseconds.
    let until: UInt64?
    /// When it was ended.
    let ended: UInt64?

    func isOpen(at now: UInt64) -> Bool { ended == nil && now < until ?? .max }
}

/// An invitation as the file has it: its secret is not.
struct InvitationRow {
    let digest: [UInt8]
    let code: String?
    let space: UInt64
    /// The owner who made it: it goes with their role.
    let inviter: UInt64
    let role: Share.Role
    let until: UInt64
    var taken: String?
}

/// Shared spaces, their members and invitations: tables of their own.
extension ServerStore {
    func share(_ space: UInt64) throws -> ShareRow? {
        try database.row("SELECT until, ended FROM shares WHERE space = ?", .bits(space)) {
            ShareRow(until: $0.optionalBits(0), ended: $0.optionalBits(1))
        }
    }

    func insertShare(_ space: UInt64, made: UInt64, until: UInt64?) throws {
        try database.run(
            "INSERT INTO shares VALUES (?1, ?2, ?3, NULL)", .bits(space), .bits(made),
            .optional(bits: until))
    }

    /// How many of the spaces that somebody was ever a member of were made since a moment.
    func sharesMade(with principal: String, since time: UInt64) throws -> Int64 {
        try database.row(
            """
            SELECT count(*) FROM share_members JOIN shares USING (space)
            WHERE principal = ?1 AND made > ?2
            """, .text(principal), .bits(time)
        ) { $0.int(0) } ?? 0
    }

    func members(of space: UInt64) throws -> [ShareMember] {
        try database.rows(
            """
            SELECT principal, member, role FROM share_members
            WHERE space = ? AND role <> 'none' ORDER BY member
            """, .bits(space), map: Self.member
        ).map(Self.sound)
    }

    /// What all are known as who ever were members, as far as the file tells.
    func memberNumbers(of space: UInt64) throws -> [UInt64] {
        try database.rows("SELECT member FROM share_members WHERE space = ?", .bits(space)) {
            $0.bits(0)
        }
    }

    func member(of space: UInt64, _ principal: String) throws -> ShareMember? {
        let row = try database.row(
            """
            SELECT principal, member, role FROM share_members
            WHERE space = ?1 AND principal = ?2 AND role <> 'none'
            """, .bits(space), .text(principal), map: Self.member)
        return try row.map(Self.sound)
    }

    /// What somebody was known as who was a member, and is not any more.
    func leftMember(of space: UInt64, _ principal: String) throws -> UInt64? {
        try database.row(
            """
            SELECT member FROM share_members
            WHERE space = ?1 AND principal = ?2 AND role = 'none'
            """, .bits(space), .text(principal)
        ) { $0.bits(0) }
    }

    private static func member(_ row: Statement) -> ShareMember? {
        Share.Role(rawValue: row.text(2)).map {
            ShareMember(principal: row.text(0), member: row.bits(1), role: $0)
        }
    }

    private static func sound(_ member: ShareMember?) throws -> ShareMember {
        guard let member else { throw StoreError.corrupt("a member of a share cannot be read") }
        return member
    }

    /// The spaces that somebody shares.
    func shares(of principal: String) throws -> [UInt64] {
        try database.rows(
            """
            SELECT space FROM share_members WHERE principal = ? AND role <> 'none' ORDER BY space
            """, .text(principal)
        ) { $0.bits(0) }
    }

    func save(_ member: ShareMember, of space: UInt64) throws {
        try database.run(
            """
            INSERT INTO share_members VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (space, principal) DO UPDATE SET member = ?3, role = ?4
            """, .bits(space), .text(member.principal), .bits(member.member),
            .text(member.role.rawValue))
    }

    /// Leaves of a member that there was one.
    func remove(_ member: ShareMember, of space: UInt64) throws {
        try database.run(
            "UPDATE share_members SET role = 'none' WHERE space = ?1 AND principal = ?2",
            .bits(space), .text(member.principal))
    }

    /// Marks a share as ended, with nobody in it.
    func endShare(_ space: UInt64, at time: UInt64) throws {
        try database.run("UPDATE share_members SET role = 'none' WHERE space = ?", .bits(space))
        try database.run("DELETE FROM invitations WHERE space = ?", .bits(space))
        try database.run(
            "UPDATE shares SET ended = ?2, until = NULL WHERE space = ?1", .bits(space),
            .bits(time))
    }

    /// Leaves nothing of who was a member, or took an invitation.
    func forgetPrincipal(_ principal: String) throws {
        try database.run("DELETE FROM share_members WHERE principal = ?", .text(principal))
        try database.run("UPDATE invitations SET taken = '' WHERE taken = ?", .text(principal))
    }

    /// Shares whose time is over.
    func dueShares(at time: UInt64, most: Int) throws -> [UInt64] {
        try database.rows(
            "SELECT space FROM shares WHERE until <= ?1 ORDER BY until LIMIT ?2", .bits(time),
            .int(Int64(most))
        ) { $0.bits(0) }
    }

    func nextDueShare() throws -> UInt64? {
        try database.row("SELECT min(until) FROM shares WHERE until IS NOT NULL") {
            $0.optionalBits(0)
        } ?? nil
    }

    /// Drops what is left of shares that ended before a moment.
    ///
    /// - Returns: their names.
    func forgetShares(ofKind kind: Share.Kind, endedBefore time: UInt64) throws -> [String] {
        let ended = try database.rows(
            """
            SELECT number, name FROM shares JOIN spaces ON number = space
            WHERE ended < ?1 AND name GLOB ?2 || ':*' LIMIT 100
            """, .bits(time), .text(kind.rawValue)
        ) { ($0.bits(0), $0.text(1)) }
        for (space, _) in ended {
            try removeDocuments(of: space)
            try database.run("DELETE FROM share_members WHERE space = ?", .bits(space))
            try database.run("DELETE FROM shares WHERE space = ?", .bits(space))
            try database.run("DELETE FROM spaces WHERE number = ?", .bits(space))
        }
        return ended.map(\.1)
    }

    // Invitations.

    private static func invitation(_ row: Statement) -> InvitationRow? {
        Share.Role(rawValue: row.text(4)).map {
            InvitationRow(
                digest: row.blob(0), code: row.optionalText(1), space: row.bits(2),
                inviter: row.bits(3), role: $0, until: row.bits(5), taken: row.optionalText(6))
        }
    }

    /// An invitation by the digest of its secret, or by its code.
    func invitation(digest: [UInt8]? = nil, code: String? = nil) throws -> InvitationRow? {
        let row = try database.row(
            """
            SELECT secret, code, space, inviter, role, until, taken FROM invitations
            WHERE secret = ?1 OR code = ?2
            """, .optional(digest), .optional(code), map: Self.invitation)
        guard let row else { return nil }
        guard let row else { throw StoreError.corrupt("an invitation cannot be read") }
        return row
    }

    func save(_ row: InvitationRow) throws {
        try database.run(
            """
            INSERT INTO invitations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT (secret) DO UPDATE SET taken = ?7
            """, .blob(row.digest), .optional(row.code), .bits(row.space), .bits(row.inviter),
            .text(row.role.rawValue), .bits(row.until), .optional(row.taken))
    }

    /// Drops the invitations of a member that nobody has taken.
    func withdrawInvitations(of member: ShareMember, to space: UInt64) throws {
        try database.run(
            "DELETE FROM invitations WHERE space = ?1 AND inviter = ?2 AND taken IS NULL",
            .bits(space), .bits(member.member))
    }

    /// How many invitations of a share may still be taken.
    func openInvitations(of space: UInt64, at time: UInt64) throws -> Int64 {
        try database.row(
            """
            SELECT count(*) FROM invitations WHERE space = ?1 AND taken IS NULL AND until > ?2
            """, .bits(space), .bits(time)
        ) { $0.int(0) } ?? 0
    }

    /// Drops invitations that nobody took and that were over a day ago. Those that were taken stay
    /// as long as the share: none is taken twice.
    func forgetInvitations(at time: UInt64) throws {
        try database.run(
            "DELETE FROM invitations WHERE taken IS NULL AND until < ?",
            .bits(time - min(time, 86_400_000)))
    }
}
