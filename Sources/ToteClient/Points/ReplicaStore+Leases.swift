internal import ToteCore
internal import ToteSQLite

/// A store's redeemer as its file has it.
struct RedeemerState: Hashable {
    var register: LeaseRegister
    /// What codes of this incarnation are made with; `nil` before the server has given it.
    var key: [UInt8]?
    /// How often something was taken in this incarnation: what tells that the file was rolled back.
    var takes: UInt64
}

// The register of leases: tables of version 2.
extension ReplicaStore {
    static func makeRedeemerTables(_ database: Database) throws {
        try database.execute(
            """
            CREATE TABLE redeemer (
                one INTEGER PRIMARY KEY CHECK (one = 1), incarnation INTEGER NOT NULL, key BLOB,
                watermark INTEGER NOT NULL, takes INTEGER NOT NULL
            ) STRICT;
            CREATE TABLE taken (
                lease TEXT PRIMARY KEY, units INTEGER NOT NULL CHECK (units > 0)
            ) STRICT, WITHOUT ROWID;
            """)
    }

    func redeemer() throws -> RedeemerState? {
        let row = try database.row("SELECT incarnation, key, watermark, takes FROM redeemer") {
            ($0.bits(0), $0.blob(1), $0.bits(2), $0.bits(3))
        }
        guard let (incarnation, key, watermark, takes) = row else { return nil }
        let rows = try database.rows("SELECT lease, units FROM taken") { ($0.text(0), $0.int(1)) }
        var taken: [LeaseID: Int64] = [:]
        for (text, units) in rows {
            guard let id = LeaseID(text) else {
                throw ToteError(.storeUnusable, "a lease of the register cannot be read")
            }
            taken[id] = units
        }
        return RedeemerState(
            register: LeaseRegister(incarnation: incarnation, watermark: watermark, taken: taken),
            key: key.isEmpty ? nil : key, takes: takes)
    }

    /// Writes all but what was taken.
    func setRedeemer(_ state: RedeemerState) throws {
        try database.run(
            "INSERT OR REPLACE INTO redeemer VALUES (1, ?1, ?2, ?3, ?4)",
            .bits(state.register.incarnation), state.key.map { .blob($0) } ?? .null,
            .bits(state.register.watermark), .bits(state.takes))
    }

    /// Notes all that was taken of a lease; none of it is forgotten within an incarnation, since a
    /// customer may prolong a lease that has ended here.
    func setTaken(_ lease: LeaseID, _ units: Int64?) throws {
        guard let units else {
            return try database.run("DELETE FROM taken WHERE lease = ?", .text(lease.text))
        }
        try database.run(
            "INSERT INTO taken VALUES (?1, ?2) ON CONFLICT DO UPDATE SET units = ?2",
            .text(lease.text), .int(units))
    }

    func forgetAllTaken() throws { try database.run("DELETE FROM taken") }
}

extension ReplicaStore {
    /// Leases that the server would not raise, because nobody holds them any more.
    func refusedLeases() throws -> Set<LeaseID> {
        let rows = try database.rows(
            """
            SELECT body FROM changes
            WHERE state = 3 AND code IN ('lease_not_held', 'lease_expired') AND body IS NOT NULL
            """
        ) { $0.blob(0) }
        var refused: Set<LeaseID> = []
        for row in rows {
            let change = try Encoding.cbor.run(row).events.first?.change
            if case .lease(let intent)? = change?.readableIntent { refused.insert(intent.lease) }
        }
        return refused
    }
}
