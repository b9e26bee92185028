public import ToteCore

extension CartReference {
    /// What the cart costs at a store, priced on this device as the server will price it.
    ///
    /// - Throws: `orderRefused` with a `rejection` that says why it cannot be ordered there.
    public func quote(at store: String) async throws(ToteError) -> Quote {
        try await tote.quote(cart: name, at: store)
    }

    /// Orders what the cart shows. Durable when it returns, with or without a network; the lines
    /// leave the cart at once, and come back if the server refuses the order.
    ///
    /// Points and stored value are spent with it: in touch with the server what the account has,
    /// without a network what this device has reserved. What a queued order spends no other can.
    ///
    /// - Throws: `orderRefused` when it cannot be ordered; `limit`, `outboxFull`, `storage`.
    ///   Nothing is saved then.
    public func place(_ request: OrderRequest) async throws(ToteError) -> QueuedOrder {
        try await tote.place(cart: name, request)
    }
}

extension Tote {
    /// The catalogue that this device keeps for when there is no network; `nil` before the first
    /// one has come.
    public var catalog: Catalog? { openReplica?.catalog }

    /// The catalogue now, and again whenever a new one has come.
    public nonisolated var catalogUpdates: Updates<Catalog?> { Updates(self) { $0.catalog } }

    /// The customer's orders, those that wait to be sent among them, latest first: all open ones,
    /// and the last 50 others at least.
    public var orders: [Order] { openReplica?.orders ?? [] }

    /// The orders now, and again whenever one changes.
    public nonisolated var ordersUpdates: Updates<[Order]> { Updates(self) { $0.orders } }

    /// How guests' carts have joined the account's, line by line, the last one first: what the
    /// server has decided by now.
    public var joins: [CartJoin] { openReplica?.joins ?? [] }

    func quote(cart: String, at store: String) throws(ToteError) -> Quote {
        try replica().quote(cart: cart, at: store)
    }

    func place(cart: String, _ request: OrderRequest) throws(ToteError) -> QueuedOrder {
        let queued = try replica().place(
            cart: cart, request, isOnline: machine.isOnline, at: clock.reading())
        handle(.localChange)
        return queued
    }

    /// Cancels an order. One that was not sent yet is withdrawn; for another the server is asked,
    /// which refuses once the store has begun.
    ///
    /// - Returns: the receipt that tells what became of it.
    /// - Throws: `orderRefused` when it is too late already; `storage`.
    @discardableResult
    public func cancel(_ order: OrderID) throws(ToteError) -> Receipt.ID {
        let receipt = try replica().cancel(order, at: clock.reading())
        handle(.localChange)
        return receipt
    }

    /// Tells the store that the customer has arrived, and where: at most 64 bytes.
    ///
    /// - Throws: as `cancel`.
    @discardableResult
    public func checkIn(_ order: OrderID, spot: String? = nil) throws(ToteError) -> Receipt.ID {
        let receipt = try replica().checkIn(order, spot: spot, at: clock.reading())
        handle(.localChange)
        return receipt
    }

    /// Says what the customer thought of an order, from any of their devices; the last one counts.
    /// Durable when it returns, with or without a network.
    ///
    /// - Parameters:
    ///   - rating: 1 to 5.
    ///   - comment: at most 1,000 bytes.
    /// - Throws: `invalidArgument`; `orderRefused` for an order that is not here or is queued;
    ///   `outboxFull`, `storage`.
    @discardableResult
    public func rate(
        _ order: OrderID, _ rating: Int, comment: String? = nil
    ) throws(ToteError) -> Receipt.ID {
        let receipt = try replica().rate(
            order, Int64(rating), comment: comment, at: clock.reading())
        handle(.localChange)
        return receipt
    }

    /// Writes to the store about an order; the store answers on the same `thread`.
    ///
    /// - Parameter text: 1 to 1,000 bytes.
    /// - Throws: as `rate`; `orderRefused` with `thread_full`.
    @discardableResult
    public func ask(_ order: OrderID, _ text: String) throws(ToteError) -> Receipt.ID {
        let receipt = try replica().post(order, text, at: clock.reading())
        handle(.localChange)
        return receipt
    }

    /// The digital receipt of an order that is here; `nil` for another, and for one that the
    /// server has not taken yet. Asks nobody.
    public func salesReceipt(of order: OrderID) -> SalesReceipt? {
        orders.first { $0.id == order && $0.state != .queued }
            .map { SalesReceipt($0, catalog: catalog) }
    }

    /// The digital receipt with a number: of the orders that are here, or of any that the customer
    /// ever placed, for which the server is asked.
    ///
    /// - Throws: `notFound` when the customer has none; `signedOut`, `server` when it is not here
    ///   and the server cannot be asked.
    public func salesReceipt(numbered number: SalesNumber) async throws(ToteError) -> SalesReceipt {
        if let order = orders.first(where: { number.isOf($0.id) }),
            let receipt = salesReceipt(of: order.id)
        {
            return receipt
        }
        guard let order = try await order(numbered: number) else {
            throw ToteError(.notFound, "no order of this customer has the number \(number)")
        }
        return SalesReceipt(order, catalog: catalog)
    }

    /// Puts the lines of an order into a cart again, at today's prices.
    ///
    /// - Throws: `orderRefused` when there is no such order; what `edit` throws.
    @discardableResult
    public func reorder(
        _ order: OrderID, into cart: String = "main"
    ) throws(ToteError) -> Receipt.ID? {
        let replica = try replica()
        let writes = try replica.reorderWrites(order, cart: cart)
        let nonce = try replica.commit(writes, label: "order again", at: clock.reading())
        handle(.localChange)
        return nonce.map { Hex.string($0) }
    }
}
