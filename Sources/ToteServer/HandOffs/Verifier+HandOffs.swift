internal import ToteCore
internal import ToteSQLite

extension Verifier {
    /// Hand-offs: what the table says is what the customer sees, and a device that joined has a
    /// token for that customer alone, which ends with it.
    static func verifyHandOffs(
        _ store: ServerStore, documents: (UInt64) throws -> Documents?, _ report: inout Report
    ) throws {
        let tokens = TokenBook(store: store)
        var read: [UInt64: Documents] = [:]
        for row in try store.handOffs() {
            let id = row.handOff.id
            guard let name = try store.spaceName(row.space) else {
                report.faults.append("hand-off \(id) belongs to no space")
                continue
            }
            if read[row.space] == nil { read[row.space] = try documents(row.space) }
            let shown = HandOff.all(in: read[row.space] ?? Documents())
            // Legal without: those that were over long ago left the documents.
            if let seen = shown.first(where: { $0.id == id }), seen != row.handOff {
                report.faults.append("\(name): the customer sees hand-off \(id) otherwise")
            }
            guard let tokenID = row.token else { continue }
            guard let token = try tokens.token(id: tokenID), token.role == .customer,
                token.grants.map(\.space) == [name],
                row.handOff.state != .joined || token.expires == row.handOff.until,
                row.handOff.state != .ended || token.revoked != nil
            else {
                report.faults.append("\(name): the token of hand-off \(id) is another")
                continue
            }
        }
    }
}
