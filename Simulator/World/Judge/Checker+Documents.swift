internal import ToteCore

// Rules of what devices show at the end.
extension Checker {
    static func allShowTheSame(_ facts: Facts) -> DayFailure? {
        var shown: [Int: (device: Int, digest: [UInt8], orders: [Record.Shown])] = [:]
        for case .shows(let device, let customer, let digest, _, let orders)
            in facts.history.map(\.record)
        {
            guard let first = shown[customer] else {
                shown[customer] = (device, digest, orders)
                continue
            }
            guard first.digest == digest else {
                return broken(
                    "diverged", "device \(device) shows another state than device \(first.device)")
            }
            guard first.orders == orders else {
                return broken(
                    "orders_diverged",
                    "device \(device) shows other orders than device \(first.device)")
            }
            if let waiting = orders.first(where: { $0.state == "queued" }) {
                return broken("queued", "order \(waiting.id.text) is queued, and all is settled")
            }
        }
        return nil
    }

    /// A quantity on a screen is what is live of it, added up: one of the absolute values that
    /// stand there, whichever is the latest, and every addition once.
    static func countsAddUp(_ facts: Facts) -> DayFailure? {
        var cells: [Int: [Key: [Dot]]] = [:]
        for case .shows(let device, _, _, let shown, _) in facts.history.map(\.record) {
            for cell in shown {
                cells[device, default: [:]][cell.key, default: []].append(cell.dot)
            }
        }
        for stamped in facts.history {
            guard case .counts(let device, let customer, let quantities) = stamped.record
            else { continue }
            var dots: [Dot: Nonce] = [:]
            for seen in facts.log[customer] ?? [] { dots[seen.dot] = seen.nonce }
            for (key, quantity) in quantities.sorted(by: { $0.key < $1.key }) {
                var bases: Set<Int64> = []
                var sum: Int64 = 0
                for dot in cells[device]?[key] ?? [] {
                    let change = dots[dot].flatMap { facts.changes[$0] }
                    switch change?.writes.first(where: { $0.key == key })?.counted {
                    case .base(let amount): bases.insert(amount)
                    case .delta(let amount): sum += amount
                    case nil: break
                    }
                }
                if bases.isEmpty { bases = [0] }
                guard bases.contains(where: { $0 + sum == quantity }) else {
                    return broken(
                        "miscounted",
                        "device \(device) shows \(quantity) of \(key.item.text), which are "
                            + "\(bases.sorted().map { "\($0 + sum)" }.joined(separator: " or "))",
                        [stamped])
                }
            }
        }
        return nil
    }

    /// What is there is what accepted changes wrote and no accepted change that had seen it
    /// replaced: a plain function of what users did. No order, no positions, no dots.
    static func nothingIsLostOrDoubled(_ facts: Facts) -> DayFailure? {
        for (customer, log) in facts.log.sorted(by: { $0.key < $1.key }) {
            var dots: [Dot: Nonce] = [:]
            var accepted: Set<Nonce> = []
            for seen in log {
                dots[seen.dot] = seen.nonce
                if seen.outcome == "accepted" { accepted.insert(seen.nonce) }
            }
            var replaced: Set<LiveCell> = []
            for nonce in accepted {
                for write in facts.changes[nonce]?.writes ?? [] {
                    for seen in write.saw {
                        replaced.insert(LiveCell(nonce: seen, key: write.key))
                    }
                }
            }
            // What had replaced these was accepted, and then the server went back: the change is on
            // no disk any more, or it is an order that the restored server refuses. What was under
            // it was brought back as it was known last: replaced. (Protocol §6.4)
            var open: Set<LiveCell> = []
            for (nonce, change) in facts.changes
            where !accepted.contains(nonce) && !facts.restores.isEmpty
                && (facts.mayBeLost(change) || facts.onceAccepted.contains(nonce))
            {
                for write in change.writes {
                    for seen in write.saw { open.insert(LiveCell(nonce: seen, key: write.key)) }
                }
            }
            var expected: Set<LiveCell> = []
            for nonce in accepted {
                for write in facts.changes[nonce]?.writes ?? [] where write.isCell {
                    let cell = LiveCell(nonce: nonce, key: write.key)
                    if !replaced.contains(cell) { expected.insert(cell) }
                }
            }
            var live: Set<LiveCell> = []
            for case .shows(_, customer, _, let cells, _) in facts.history.map(\.record) {
                for cell in cells {
                    guard let nonce = dots[cell.dot] else {
                        return broken(
                            "made_up", "a cell of \(cell.key.item.text) was written by nobody")
                    }
                    live.insert(LiveCell(nonce: nonce, key: cell.key))
                }
                break
            }
            if let lost = expected.subtracting(live).subtracting(open).min() {
                return broken(
                    "lost", "\(Hex.string(lost.nonce)) at \(lost.key.item.text) is gone",
                    facts.proof(of: lost.nonce))
            }
            if let extra = live.subtracting(expected).min() {
                return broken(
                    "resurrected",
                    "\(Hex.string(extra.nonce)) at \(extra.key.item.text) should be gone",
                    facts.proof(of: extra.nonce))
            }
        }
        return nil
    }
}
