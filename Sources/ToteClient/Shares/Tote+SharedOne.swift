internal import ToteCore

// What the `Tote` of a share is told by the one that it is within.
extension Tote {
    func noteEnded() { hasEnded = true }

    func setShareMember(_ member: String) { shareMember = Name(member) }

    /// - Throws: `shareRefused` where one only looks: the server would refuse it, without a word
    ///   that anybody sees.
    func checkMayWrite() throws(ToteError) {
        guard let shareMember,
            Fold.register(documents.cells(Share.key(shareMember)))?.value["role"]
                == .text(Share.Role.viewer.rawValue)
        else { return }
        throw ToteError(
            .shareRefused, "a viewer only looks: ask an owner for another role",
            rejection: Rejection(code: "not_allowed"))
    }

    /// The catalogue in this file.
    var catalogBytes: [UInt8]? { (try? openReplica?.store.bytes("catalog")) ?? nil }

    /// Takes over the catalogue that another file of this device has: it is the same for everybody.
    func takeOver(catalog bytes: [UInt8]) {
        guard let openReplica, openReplica.catalog == nil else { return }
        // Legal to fail: it is fetched then.
        try? openReplica.keepCatalog(bytes)
    }
}
