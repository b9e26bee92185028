import ToteClient
import ToteConcurrency
import ToteCore

// What a counter does with its customers' points and stored value.
extension Counter {
    /// Spends by the code that a phone shows, the server being asked.
    func redemption(_ code: String, _ what: RedeemedFor, _ currency: String) -> CounterState.Deed {
        var members: [String: Value?] = ["code": .text(code), "currency": .text(currency)]
        let words: String
        switch what {
        case .amount(let units):
            members["amount"] = .int(units)
            words = Currency.text(units, currency)
        case .reward(let id, let price):
            members["reward"] = .text(id)
            members["price"] = price.map { .int($0) }
            words = id
        }
        return deed(to: "redemptions", members, "redeem \(words)")
    }

    /// One use of an offer, for who is in touch.
    func redemption(
        _ code: String, offer: String, _ currency: String, _ price: Int64?
    ) -> CounterState.Deed {
        let members: [String: Value?] = [
            "code": .text(code), "currency": .text(currency), "offer": .text(offer),
            "price": price.map { .int($0) },
        ]
        return deed(to: "redemptions", members, "redeem offer \(offer)")
    }

    /// A purchase that earns points.
    func receipt(
        _ id: String, code: String, _ currency: String, total: Int64,
        _ lines: [(sku: String, quantity: Int64, amount: Int64)]
    ) -> CounterState.Deed {
        let bought: [Value] = lines.map {
            .map([
                "sku": .text($0.sku), "quantity": .int($0.quantity), "amount": .int($0.amount),
            ])
        }
        // When it was bought: the till may be cut off, and the code would be too old by then.
        return deed(
            to: "receipts",
            [
                "receipt": .text(id), "code": .text(code), "currency": .text(currency),
                "total": .int(total), "lines": .array(bought),
                "at": .int(Int64(SystemClock.nowMilliseconds())),
            ], "receipt \(id)")
    }

    /// Goods that come back.
    func goodsBack(
        _ source: [String: Value], _ lines: [(item: String, quantity: Int64)], reason: String?
    ) -> CounterState.Deed {
        var members: [String: Value?] = source.mapValues { $0 }
        members["reason"] = reason.map { .text($0) }
        if !lines.isEmpty {
            members["lines"] = .array(
                lines.map { .map(["item": .text($0.item), "quantity": .int($0.quantity)]) })
        }
        return deed(to: "returns", members, "return")
    }

    private func deed(
        to route: String, _ members: [String: Value?], _ what: String
    ) -> CounterState.Deed {
        CounterState.Deed(
            key: Self.freshKey(), path: "\(path)/\(route)", ifMatch: nil,
            body: Self.body(members), order: "", what: what)
    }

    // The redeemer: what takes reservations while the store is cut off.

    /// Opens the client core that takes reservations offline, and keeps it in sync.
    func openRedeemer() throws(ToteError) {
        let (directory, store) = (options.directory, options.store)
        let redeemer = try Blocking.wait { () async -> Result<Redeemer, ToteError> in
            do throws(ToteError) {
                return .success(
                    try await Redeemer(
                        directory: directory + "/redeemer", store: store,
                        record: directory + "/incarnation", clock: SystemClock.device))
            } catch {
                return .failure(error)
            }
        }.get()
        let transport = NetworkTransport(over: link)
        Blocking.wait { [self] in
            try? await redeemer.connect(transport: transport) { [weak self] in
                self.map { AccessToken($0.secret()) }
            }
            await redeemer.start()
        }
        till.withLock { $0 = (redeemer, transport) }
    }

    var redeemer: Redeemer? { till.withLock { $0?.redeemer } }

    /// Ends the redeemer; what it has taken stays in its file.
    func closeRedeemer() {
        let open = till.withLock { till in
            defer { till = nil }
            return till
        }
        guard let (redeemer, transport) = open else { return }
        Blocking.wait { await redeemer.close() }
        transport.close()
    }

    /// Spends by a reservation without asking the server.
    func redeemOffline(_ code: String, _ what: RedeemedFor) throws(ToteError) -> Redemption {
        guard let redeemer else {
            throw ToteError(
                .ledgerRefused, "the counter is cut off, and was not started with --redeemer",
                rejection: Rejection(code: "not_redeemer", details: .map([])))
        }
        return try Blocking.wait { () async -> Result<Redemption, ToteError> in
            do throws(ToteError) {
                return .success(try await redeemer.redeem(code, for: what))
            } catch {
                return .failure(error)
            }
        }.get()
    }
}
