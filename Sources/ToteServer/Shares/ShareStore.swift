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
    let space: UInt64
    /// When it ends by itself, milliseconds.
    let until: UInt64?
    let isEnded: Bool
}

/// An invitation as the file has it: its secret is not.
struct InvitationRow {
    let digest: [UInt8]
    let code: String?
    let space: UInt64
    let role: Share.Role
    let until: UInt64
    var taken: String?
}

/// Shared spaces, their members and invitations: tables of their own.
extension ServerStore {
    func share(_ space: UInt64) throws -> ShareRow? {
        try database.row("SELECT until, ended FROM shares WHERE space = ?", .bits(space)) {
            ShareRow(space: space, until: $0.optionalBits(0), isEnded: $0.int(1) == 1)
        }
    }

    func insertShare(_ space: UInt64, until: UInt64?) throws {
        try database.run(
            "INSERT INTO shares VALUES (?1, ?2, 0)", .bits(space), .optional(bits: until))
    }

    func members(of space: UInt64) throws -> [ShareMember] {
        try database.rows(
            "SELECT principal, member, role FROM share_members WHERE space = ? ORDER BY member",
            .bits(space), map: Self.member
        ).map(Self.sound)
    }

    func member(of space: UInt64, _ principal: String) throws -> ShareMember? {
        let row = try database.row(
            """
            SELECT principal, member, role FROM share_members WHERE space = ?1 AND principal = ?2
            """, .bits(space), .text(principal), map: Self.member)
        return try row.map(Self.sound)
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
            "SELECT space FROM share_members WHERE principal = ? ORDER BY space", .text(principal)
        ) { $0.bits(0) }
    }

    func save(_ member: ShareMember, of space: UInt64) throws {
        try database.run(
            """
            INSERT INTO share_members VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (space, principal) DO UPDATE SET role = ?4
            """, .bits(space), .text(member.principal), .bits(member.member),
            .text(member.role.rawValue))
    }

    func remove(_ member: ShareMember, of space: UInt64) throws {
        try database.run(
            "DELETE FROM share_members WHERE space = ?1 AND principal = ?2", .bits(space),
            .text(member.principal))
    }

    /// Marks a share as ended, with nobody in it.
    func endShare(_ space: UInt64) throws {
        try database.run("DELETE FROM share_members WHERE space = ?", .bits(space))
        try database.run("DELETE FROM invitations WHERE space = ?", .bits(space))
        try database.run("UPDATE shares SET ended = 1, until = NULL WHERE space = ?", .bits(space))
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

    // Invitations.

    private static func invitation(_ row: Statement) -> InvitationRow? {
        Share.Role(rawValue: row.text(3)).map {
            InvitationRow(
                digest: row.blob(0), code: row.optionalText(1), space: row.bits(2), role: $0,
                until: row.bits(4), taken: row.optionalText(5))
        }
    }

    /// An invitation by the digest of its secret, or by its code.
    func invitation(digest: [UInt8]? = nil, code: String? = nil) throws -> InvitationRow? {
        let row = try database.row(
            """
            SELECT secret, code, space, role, until, taken FROM invitations
            WHERE secret = ?1 OR code = ?2
            """, .optional(digest), .optional(code), map: Self.invitation)
        guard let row else { return nil }
        guard let row else { throw StoreError.corrupt("an invitation cannot be read") }
        return row
    }

    func save(_ row: InvitationRow) throws {
        try database.run(
            """
            INSERT INTO invitations VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (secret) DO UPDATE SET taken = ?6
            """, .blob(row.digest), .optional(row.code), .bits(row.space),
            .text(row.role.rawValue), .bits(row.until), .optional(row.taken))
    }

    /// How many invitations of a share may still be taken.
    func openInvitations(of space: UInt64, at time: UInt64) throws -> Int64 {
        try database.row(
            """
            SELECT count(*) FROM invitations WHERE space = ?1 AND taken IS NULL AND until > ?2
            """, .bits(space), .bits(time)
        ) { $0.int(0) } ?? 0
    }

    /// Leaves of who took invitations that they were taken.
    func forgetTaker(_ principal: String) throws {
        try database.run("UPDATE invitations SET taken = '' WHERE taken = ?", .text(principal))
    }

    /// Drops invitations that were over a day ago.
    func forgetInvitations(at time: UInt64) throws {
        try database.run(
            "DELETE FROM invitations WHERE until < ?", .bits(time - min(time, 86_400_000)))
    }
}
