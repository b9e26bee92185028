import ToteClient
import ToteCore
import ToteSQLite

/// Puts a directory's record back to where a sign-in has begun and not finished.
func unfinish(_ record: String, customer: String, guest: Int64 = 1) async throws {
    let database = try Database(path: record)
    let digest = SHA256.digest(Array(customer.utf8)).prefix(8)
    try database.run(
        "INSERT OR REPLACE INTO adoptions VALUES (?1, ?2, 'union')", .int(guest),
        .text(Hex.string(digest)))
}
