internal import ToteCore
internal import ToteSQLite

/// A hand-off as the file has it: what documents tell of it, and what only the server knows.
struct HandOffRow {
    var handOff: HandOff
    let space: UInt64
    /// Six characters; `nil` where the phone carried it over itself.
    let code: String?
    /// When the code, or what was carried, is no longer taken.
    let codeUntil: UInt64
    /// How long a device may go on that takes it, seconds.
    let seconds: Int64
    /// The token of the device that joined, and what that one calls itself.
    var token: String?
    var claimant: UInt64?
}

// The table of hand-offs.
extension ServerStore {
    /// How long one that is over is kept: whoever asks is told that it was, and not that it never
    /// was.
    private static let handOffMilliseconds: UInt64 = 86_400_000

    private static func handOff(_ row: Statement) throws -> HandOffRow {
        guard let id = HandOffID(Hex.string(row.blob(0))),
            let state = HandOff.State(rawValue: row.text(5))
        else { throw StoreError.corrupt("a hand-off cannot be read") }
        let end = row.isNull(10) ? nil : row.text(10)
        return HandOffRow(
            handOff: HandOff(
                id: id, state: state, until: row.bits(6), allowsPoints: row.int(7) == 1,
                store: row.optionalText(8), device: row.optionalText(9),
                end: end.flatMap(HandOff.End.init(rawValue:))),
            space: row.bits(1), code: row.optionalText(2), codeUntil: row.bits(3),
            seconds: row.int(4), token: row.optionalText(11), claimant: row.optionalBits(12))
    }

    func handOff(_ id: HandOffID) throws -> HandOffRow? { try handOff(id: id, code: nil) }

    func handOff(code: String) throws -> HandOffRow? { try handOff(id: nil, code: code) }

    private func handOff(id: HandOffID?, code: String?) throws -> HandOffRow? {
        try database.row(
            """
            SELECT id, space, code, code_until, seconds, state, until, points, store, device,
                ended, token, claimant
            FROM handoffs WHERE id = ?1 OR code = ?2
            """, .optional(id.flatMap { Hex.bytes($0.text) }), .optional(code)
        ) { row in Result { try Self.handOff(row) } }?.get()
    }

    /// All that are kept.
    func handOffs() throws -> [HandOffRow] {
        try database.rows(
            """
            SELECT id, space, code, code_until, seconds, state, until, points, store, device,
                ended, token, claimant
            FROM handoffs ORDER BY id
            """
        ) { row in Result { try Self.handOff(row) } }.map { try $0.get() }
    }

    /// Writes a hand-off, new or changed.
    func save(_ row: HandOffRow) throws {
        let handOff = row.handOff
        try database.run(
            """
            INSERT INTO handoffs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
                ?14)
            ON CONFLICT (id) DO UPDATE SET state = ?6, until = ?7, points = ?8, store = ?9,
                device = ?10, ended = ?11, token = ?12, claimant = ?13, kept_until = ?14
            """,
            .blob(Hex.bytes(handOff.id.text) ?? []), .bits(row.space),
            .optional(row.code), .bits(row.codeUntil), .int(row.seconds),
            .text(handOff.state.rawValue), .bits(handOff.until),
            .int(handOff.allowsPoints ? 1 : 0), .optional(handOff.store),
            .optional(handOff.device), .optional(handOff.end?.rawValue),
            .optional(row.token), .optional(bits: row.claimant),
            .bits(max(handOff.until, row.codeUntil) + Self.handOffMilliseconds))
    }

    /// Drops those that were over long ago, with their tokens.
    ///
    /// - Returns: whether there were any.
    func forgetHandOffs(at now: UInt64) throws -> Bool {
        let before = database.totalChangedRowCount
        try database.run(
            """
            DELETE FROM tokens WHERE id IN (SELECT token FROM handoffs WHERE kept_until < ?)
            """, .bits(now))
        try database.run("DELETE FROM handoffs WHERE kept_until < ?", .bits(now))
        return database.totalChangedRowCount > before
    }

    /// Drops all, with their tokens: what was ended since the backup that this file comes from must
    /// not begin again.
    func forgetHandOffs() throws {
        try database.execute("DELETE FROM tokens WHERE id IN (SELECT token FROM handoffs)")
        try database.execute("DELETE FROM handoffs")
    }
}
