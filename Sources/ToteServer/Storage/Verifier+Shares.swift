internal import ToteCore

/// Checks shares: who shares a space is who its members see.
extension Verifier {
    static func verifyShare(
        _ number: UInt64, _ name: String, _ documents: Documents, _ store: ServerStore,
        _ report: inout Report
    ) throws {
        guard Share.kind(of: name) != nil else { return }
        var roles: [Name: String] = [:]
        for member in try store.members(of: number) {
            roles[Name(Hex.string(member.member))] = member.role.rawValue
        }
        var shown: [Name: String] = [:]
        for item in documents.items(Reserved.shares).keys {
            shown[item] =
                Fold.register(documents.cells(Share.key(item)))?.value["role"]?.textValue
        }
        if shown != roles { report.faults.append("\(name): the members see other members") }
        let share = try store.share(number)
        if share?.ended != nil, !documents.collections.isEmpty {
            report.faults.append("\(name): something is left of a share that was ended")
        }
        let hasOwner = roles.values.contains(Share.Role.owner.rawValue)
        // Legal after a restore: the owner may be somebody who comes back.
        let wasRestored = try store.meta("was_restored") ?? 0 > 0
        if let share, share.ended == nil, !hasOwner, !wasRestored {
            report.faults.append("\(name): the share has no owner")
        }
    }
}
