internal import ToteCore

// Rights that are taken away, and stay so when the server goes back: Protocol/erasure.md, 25.2.
extension Server {
    /// Notes that a right is taken away in the open group. It is on the list beside the file before
    /// the group is committed, as who is erased.
    func note(_ what: ErasureList.What) throws {
        let entry = erasures.entry(what, at: clock)
        unkept.append(entry)
        erasures.insert(entry)
        try store.add(entry)
    }

    /// Takes away again what a restored file brought back; within a group.
    ///
    /// - Returns: whether it was there.
    func takeAgain(_ what: ErasureList.What) throws -> Bool {
        switch what {
        case .token(let id):
            guard let token = try tokens.token(id: id), token.revoked == nil else { return false }
            _ = try tokens.revoke(id: id, at: clock)
            noteRevoked(id)
            return true
        case .share(let name): return try endAgain(name)
        case .member(let name, let member, let role): return try lowerAgain(member, of: name, role)
        // Whoever comes with one is answered by the list.
        case .customer, .invitation: return false
        }
    }
}
