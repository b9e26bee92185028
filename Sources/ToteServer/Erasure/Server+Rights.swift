internal import ToteCore

// What changed of rights is on a list beside the file, and holds when the server goes back to a
// backup: Protocol/erasure.md, 25.2.
extension Server {
    private static let untilName = "rights_until"
    private static let fromName = "rights_from"

    /// Notes a change of rights in the open group. The file has it until the list does, which is
    /// written when the group is committed, before it is answered.
    func note(_ what: Right.What) throws {
        let last = try store.meta(Self.untilName) ?? 0
        let right = Right(what, at: max(clock, last + 1))
        try store.setMeta(Self.untilName, right.at)
        try store.add(right)
        openRights.append(right)
    }

    /// Drops from the file, within a group, what is on the list.
    func dropListedRights() throws {
        for right in listedRights { try store.remove(listed: right) }
    }

    /// Puts on the list what was committed.
    ///
    /// Legal to fail, on a full disk: the file has it, and it is tried again with the next group
    /// and at the next start.
    func listRights() {
        listedRights = []
        unlistedRights += openRights
        openRights = []
        guard !unlistedRights.isEmpty, (try? keepRights(unlistedRights)) != nil else { return }
        (listedRights, unlistedRights) = (unlistedRights, [])
    }

    /// What a list has that this file does not know: it was restored.
    func newRights(in list: ErasureList) throws -> [Right] {
        let known = Set(list.rights)
        unlistedRights = try store.unlistedRights().filter { !known.contains($0) }
        listedRights = try store.unlistedRights().filter { known.contains($0) }
        let until = try store.meta(Self.untilName) ?? 0
        let new = list.rights.filter { $0.at > until }.sorted { $0.at < $1.at }
        let from = min(try store.meta(Self.fromName) ?? .max, new.isEmpty ? .max : until)
        restoredRights = RestoredRights(list.rights.filter { $0.at > from })
        return new
    }

    /// Takes away again, in the open group, what a restored file brought back.
    ///
    /// - Returns: how much it was.
    func takeAgain(_ rights: [Right]) throws -> Int {
        guard let last = rights.last else { return 0 }
        let until = try store.meta(Self.untilName) ?? 0
        try store.setMeta(Self.fromName, min(try store.meta(Self.fromName) ?? .max, until))
        try store.setMeta(Self.untilName, last.at)
        var count = 0
        for case .token(let id) in rights.map(\.what) {
            guard let token = try tokens.token(id: id), token.revoked == nil else { continue }
            _ = try tokens.revoke(id: id, at: clock)
            noteRevoked(id)
            count += 1
        }
        for space in RestoredRights(rights).spaces where try changeAgain(space) { count += 1 }
        return count
    }
}
