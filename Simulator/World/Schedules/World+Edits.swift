internal import ToteClient
internal import ToteCore
internal import ToteServer

extension World {
    /// A random edit by the production rules, recorded with what its author had seen.
    func edit(_ device: Device) throws {
        let isForbidden = random.chance(options.forbiddenEdits)
        let view = device.replica.view
        let collection: Name = isForbidden ? "app:secret" : "cart:main"
        let item = Name(["latte|size=L", "muffin", "tea"][random.below(3)])
        let writes = EditDraw.writes(in: view, collection: collection, item: item, &random)
        for entry in view.pending where entry.isVisible {
            for (key, dots) in entry.consumes {
                guard
                    !writes.contains(where: {
                        $0.key == key && !Set($0.replaces).isDisjoint(with: dots)
                    })
                else { throw fail(.wrong, "an edit names a cell that a queued order took") }
            }
        }
        var known: [Dot: Nonce] = [:]
        if writes.contains(where: { $0.replaces.contains { dotNonces[$0] == nil } }) { try learn() }
        for entry in view.pending { known[entry.dot] = entry.change.nonce }
        guard let nonce = try device.replica.commit(writes, at: reading(device)) else { return }
        history.edits[nonce] = History.Edit(
            writes: writes.map { write in
                (
                    write.key, write.payload,
                    Set(write.replaces.compactMap { known[$0] ?? dotNonces[$0] })
                )
            }, isForbidden: isForbidden)
        history.note(
            "device \(device.name) edit \(Hex.string(nonce).prefix(4)): "
                + writes.map { write in
                    let what = write.payload.map { "\($0)" } ?? "erase"
                    return "\(write.key.item.text).\(write.key.field.text) \(what)"
                        + " saw \(write.replaces.count)"
                }.joined(separator: "; "))
        device.replica.checkInvariants()
    }
}

/// Empty files, made once: a world begins with images of them.
enum WorldImages {
    static let server: [UInt8] = (try? ServerStore(image: nil).image()) ?? []
    static let device: [UInt8] = (try? Replica.emptyImage()) ?? []
}
