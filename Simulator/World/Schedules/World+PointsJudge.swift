internal import ToteClient
internal import ToteCore
internal import ToteServer

// What the ledger must say at the end, from the history alone.
extension World {
    private func entries() throws -> [LedgerEntry] {
        var request = ServerRequest(
            method: "GET", path: ["v1", "spaces", Self.space, "ledger"], requestID: "r")
        request.authorization = "Bearer \(secret)"
        request.query["limit"] = "500"
        guard case .answer(let answer) = try inGroup({ try server.handle(request, at: now) }),
            case .array(let values)? = (try? Encoding.json.value(answer.body))?["entries"]
        else { throw fail(.wrong, "the ledger cannot be read") }
        return try values.map {
            guard let entry = LedgerEntry($0) else { throw fail(.wrong, "no entry: \($0)") }
            return entry
        }
    }

    /// Judges points and stored value: nothing overspent, every unit accounted for.
    func judgePoints(_ accepted: Set<Nonce>) throws {
        guard options.points > 0 else { return }
        let entries = try entries()
        // A schedule has fewer entries than one page.
        guard entries.count < 500 else { throw fail(.wrong, "too many entries to judge") }
        var names: Set<String> = []
        for entry in entries
        where !names.insert("\(entry.account) \(entry.kind) \(entry.reference)").inserted {
            throw fail(.wrong, "\(entry.kind) \(entry.reference) is there twice")
        }
        var sums: [String: [LedgerEntry.Kind: Int64]] = [:]
        for entry in entries {
            sums[entry.source, default: [:]][entry.kind, default: 0] += entry.units
        }
        try judgeGifts(sums)
        try judgeSpends(sums, accepted)
        try judgeRedemptions(sums)
        try judgePromises()
        for entry in entries { ledgerUnits[entry.kind, default: 0] += entry.units }
        redeemedCutOff += history.given.values.count { $0.nonce != nil }
    }

    private func judgeGifts(_ sums: [String: [LedgerEntry.Kind: Int64]]) throws {
        for gift in history.gifts {
            let kind: LedgerEntry.Kind = gift.account == "points" ? .grant : .topUp
            let source = LedgerEntry.source(
                kind == .topUp ? "payment" : "correction", gift.reference)
            guard sums[source]?[kind] == gift.units else {
                throw fail(
                    .wrong, "\(gift.reference) gave \(sums[source]?[kind] ?? 0) of \(gift.units)")
            }
        }
    }

    private func judgeSpends(
        _ sums: [String: [LedgerEntry.Kind: Int64]], _ accepted: Set<Nonce>
    ) throws {
        for (id, nonce) in history.orders.sorted(by: { $0.key < $1.key }) {
            let sum = sums[LedgerEntry.source("order", id.text)] ?? [:]
            let net = (sum[.spend] ?? 0) - (sum[.refund] ?? 0)
            guard accepted.contains(nonce) else {
                if net != 0 || sum[.earn] ?? 0 != 0 {
                    throw fail(.wrong, "order \(id) was refused and cost \(net)")
                }
                continue
            }
            guard let order = devices[0].replica.orders.first(where: { $0.id == id }) else {
                continue
            }
            let due = order.tenders.reduce(Int64(0)) { $0 + ($1.spend?.units ?? 0) }
            let expected = order.state == .cancelled || order.state == .declined ? 0 : due
            let isRight =
                history.broughtBack.contains(id) ? (0...due).contains(net) : net == expected
            // What a counter did after the backup is not done on a restored server.
            guard isRight || options.restores > 0 else {
                throw fail(
                    .wrong, "order \(id) is \(order.state), cost \(net) and should \(expected)")
            }
        }
    }

    private func judgeRedemptions(_ sums: [String: [LedgerEntry.Kind: Int64]]) throws {
        for (id, given) in history.given.sorted(by: { $0.key < $1.key }) {
            let sum = sums[LedgerEntry.source("redemption", id.text)] ?? [:]
            let booked = (sum[.spend] ?? 0) + (sum[.loss] ?? 0)
            if options.restores > 0, given.nonce == nil { continue }
            guard booked == given.units || (given.isLost && booked == 0) else {
                throw fail(.wrong, "redemption \(id) gave \(given.units), \(booked) are booked")
            }
            let isBack = history.broughtBack.contains(id)
            if sum[.refund] ?? 0 > (isBack ? sum[.spend] ?? 0 : 0), options.restores == 0 {
                throw fail(.wrong, "redemption \(id) came back \(sum[.refund] ?? 0)")
            }
            let isExplained = given.lease.map { history.writtenOff.contains($0) } ?? false
            if sum[.loss] ?? 0 > 0, !isExplained, options.restores == 0 {
                throw fail(
                    .wrong,
                    "redemption \(id) by lease \(given.lease?.text.suffix(4) ?? "") "
                        + "is a loss of \(sum[.loss] ?? 0), and no write-off explains it")
            }
        }
    }

    private func judgePromises() throws {
        guard copiesMade == 0, options.restores == 0 else { return }
        for device in devices {
            for receipt in try device.replica.receipts() {
                guard case .rejected(let rejection) = receipt.state,
                    ["balance_too_low", "lease_expired"].contains(rejection.code),
                    let nonce = Hex.id(receipt.id), let promise = history.promises[nonce],
                    let served = history.served[nonce], served <= promise.until,
                    history.revoked.isDisjoint(with: promise.leases),
                    history.writtenOff.isDisjoint(with: promise.leases)
                else { continue }
                throw fail(
                    .wrong,
                    "an honest device's order \(receipt.id.prefix(4)) was refused: "
                        + "\(rejection.code)")
            }
        }
    }
}
