internal import ToteClient
internal import ToteCore
internal import ToteServer

extension World {
    /// How many rounds without faults may pass until everything is settled.
    static let roundsMax = 60

    /// Phase two: every device syncs in turn until nothing is left to do.
    func settle() throws {
        messages = []
        history.note("faults end")
        for _ in 0..<Self.roundsMax {
            var isQuiet = true
            for device in devices + (till.map { [$0] } ?? []) {
                now += 100
                guard
                    let outgoing = try device.replica.nextRequest(
                        at: reading(device), pullsAnyway: true)
                else { continue }
                let position = device.replica.cursor
                try take(try serve(device.name, outgoing))
                if device.replica.hasWork || device.replica.outstandingCount > 0
                    || device.replica.cursor != position || outgoing.kind != .pull
                {
                    isQuiet = false
                }
            }
            if isQuiet { return }
        }
        let waiting = devices.map { "\($0.name): \($0.replica.outstandingCount)" }
        throw fail(.stuck, "not settled after \(Self.roundsMax) rounds: \(waiting)")
    }

    /// Judges the end: every edit has one fate, all devices show the same, and it is what the
    /// history says.
    func judge() throws {
        let log = try server.judgedEvents(space: Self.space)
        var accepted: Set<Nonce> = []
        var judged: Set<Nonce> = []
        var dots: [Dot: Nonce] = [:]
        for event in log {
            let nonce = event.change.nonce
            switch event.outcome {
            case .accepted:
                guard judged.insert(nonce).inserted else {
                    throw fail(.wrong, "\(Hex.string(nonce)) was judged twice")
                }
                accepted.insert(nonce)
                dots[event.dot] = nonce
            case .rejected:
                guard judged.insert(nonce).inserted else {
                    throw fail(.wrong, "\(Hex.string(nonce)) was judged twice")
                }
            case .sameAs:
                guard judged.contains(nonce) else {
                    throw fail(.wrong, "\(Hex.string(nonce)) is an alias of nothing")
                }
            }
        }
        for (nonce, edit) in history.edits.sorted(by: { $0.key < $1.key }) {
            // What has no effect is not resent to a restored server; its fate is on the device.
            let isIdle =
                (edit.isForbidden || edit.isWithdrawn || edit.isIntent) && options.restores > 0
            if !judged.contains(nonce), !edit.mayBeLost, !isIdle {
                throw fail(.wrong, "nothing vanishes: \(Hex.string(nonce)) has no fate")
            }
            if edit.isForbidden, !edit.isWithdrawn, accepted.contains(nonce) {
                throw fail(.wrong, "\(Hex.string(nonce)) was accepted and may not be")
            }
            if !edit.isForbidden, !edit.isIntent, !edit.mayBeLost, judged.contains(nonce),
                !accepted.contains(nonce)
            {
                throw fail(.wrong, "\(Hex.string(nonce)) was rejected without a reason")
            }
        }
        let effective = accepted.filter { !(history.edits[$0]?.isWithdrawn ?? true) }
        try judgeOrders(effective)
        try judgePoints(effective)
        try compare(effective, dots)
    }

    private func compare(_ effective: Set<Nonce>, _ dots: [Dot: Nonce]) throws {
        guard let first = devices.first else { return }
        let documents = first.replica.view.confirmed
        documents.checkInvariants()
        for device in devices {
            let bytes = Encoding.cbor.encode(
                Snapshot(position: 1, documents: device.replica.view.merged))
            let expected = Encoding.cbor.encode(Snapshot(position: 1, documents: documents))
            guard bytes == expected else {
                throw fail(.wrong, "device \(device.name) shows another state than device 0")
            }
        }
        let expected = history.liveCells(accepted: effective)
        var live: Set<LiveCell> = []
        for (key, cell) in documents.sortedCells()
        where !Reserved.isReserved(key.collection) {
            guard let nonce = dots[cell.dot] ?? dotNonces[cell.dot] else {
                throw fail(.wrong, "a cell of \(key.item.text) was written by nobody")
            }
            live.insert(LiveCell(nonce: nonce, key: key))
        }
        if let lost = expected.subtracting(live).min() {
            throw fail(
                .wrong,
                "lost: \(Hex.string(lost.nonce)) at \(lost.key.item.text) "
                    + lost.key.field.text)
        }
        if let extra = live.subtracting(expected).min() {
            throw fail(
                .wrong,
                "doubled or resurrected: \(Hex.string(extra.nonce)) at "
                    + "\(extra.key.item.text) \(extra.key.field.text)")
        }
    }
}
