internal import ToteCore
internal import ToteSQLite

/// What was issued of offers, and whom they are for: tables of their own.
extension ServerStore {
    /// How many uses of an offer were issued, to all customers together.
    func issued(_ offer: String) throws -> Int64 {
        try database.row("SELECT issued FROM offers WHERE id = ?", .text(offer)) { $0.int(0) } ?? 0
    }

    /// How many uses were issued, by offer.
    func issuedByOffer() throws -> [(offer: String, issued: Int64)] {
        try database.rows("SELECT id, issued FROM offers ORDER BY id") { ($0.text(0), $0.int(1)) }
    }

    func save(_ pool: OfferPool, of offer: String) throws {
        try database.run(
            """
            INSERT INTO offers VALUES (?1, ?2, ?3) ON CONFLICT (id)
            DO UPDATE SET issued = ?2, ceiling = max(ceiling, ?3)
            """, .text(offer), .int(pool.issued), .int(pool.total))
    }

    /// Whether a customer is on the list of an offer.
    func isListed(_ space: UInt64, for offer: String) throws -> Bool {
        try database.row(
            "SELECT 1 FROM offer_customers WHERE offer = ?1 AND space = ?2", .text(offer),
            .bits(space)
        ) { _ in true } ?? false
    }

    func list(_ space: UInt64, for offer: String) throws {
        try database.run(
            "INSERT OR IGNORE INTO offer_customers VALUES (?1, ?2)", .text(offer), .bits(space))
    }

    func listed(for offer: String) throws -> Int64 {
        try database.row(
            "SELECT count(*) FROM offer_customers WHERE offer = ?", .text(offer)
        ) { $0.int(0) } ?? 0
    }
}
