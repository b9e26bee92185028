internal import ToteCore

// What moves in the ledger beside the exchange: what is due, what a redeemer says.
extension Server {
    /// Notes on record what somebody with a special right did; without a token it was the operator.
    func audit(
        _ token: Token?, store name: String, _ object: String, _ what: String, _ reason: String
    ) throws {
        try store.audit(
            at: clock, token: token?.id ?? "operator", label: token?.label ?? "", store: name,
            object: object, what: what, reason: reason)
    }

    /// Changes a customer's ledger and writes what came of it into their documents.
    func changeLedger<Result>(
        of space: Space, _ body: (LedgerBook) throws -> Result
    ) throws -> Result {
        let judge = judge(space, Grant(space: space.name))
        let book = try judge.ledger()
        let result = try body(book)
        let writes = try book.flush()
        if !writes.isEmpty {
            try space.writeOwn(writes, by: judge)
            try noteWritten(space)
            noteDue()
        }
        return result
    }

    func space(numbered number: UInt64) throws -> Space {
        guard let name = try store.spaceName(number) else {
            throw StoreError.corrupt("an account belongs to no space")
        }
        return try space(name)
    }

    /// Lets everything that is due come about: orders expire and earn, points mature and expire,
    /// leases come back. Call it within a group.
    package func runDue(at now: UInt64) throws {
        advance(to: now)
        guard let due = try nextDue(), due <= clock else { return }
        for var row in try store.dueOrders(at: clock, most: 100) {
            if row.order.state == .collected {
                try changeLedger(of: try space(numbered: row.space)) { try $0.earn(row.order) }
                row.due = nil
                try store.update(row, at: clock)
            } else {
                row.order.take(.expired, at: clock, by: "system")
                _ = try record(row, after: nil)
            }
        }
        for number in Set(try store.dueAccounts(at: clock, most: 100)).sorted() {
            try changeLedger(of: try space(numbered: number)) { try $0.settleAll() }
        }
        try endDueShares()
        noteDue()
    }

    /// Judges what comes in a store's stream: only its redeemer says such things.
    func judge(
        _ intent: Intent, of name: String, by token: String?, _ nonce: Nonce
    ) throws -> Rejection? {
        let redeemer = try store.redeemer(name).flatMap { $0.token == token ? $0 : nil }
        // Goods are gone, whatever became of the device that handed them out.
        if case .redeem(let redeem) = intent, let token,
            try redeemer != nil || store.wasRedeemer(token, of: name)
        {
            return try judge(redeem, of: name)
        }
        guard let redeemer else {
            return Rejection(code: "not_redeemer", details: .map(["store": .text(name)]))
        }
        switch intent {
        case .release(let id):
            guard let row = try store.lease(id) else { return Rejection(code: "lease_unknown") }
            return try changeLedger(of: try space(numbered: row.space)) {
                try $0.release(id, redeemer: redeemer)
            }
        case .watermark(let until):
            guard until <= clock else { return Rejection(code: "watermark_ahead") }
            try take(watermark: until, of: redeemer)
            return nil
        case .place, .cancel, .checkIn, .rate, .post, .join, .lease, .activate, .redeem:
            return Rejection(code: "not_allowed")
        }
    }

    /// Takes back a store's leases that its redeemer will accept no more.
    private func take(watermark until: UInt64, of redeemer: Redeemer) throws {
        guard let incarnation = redeemer.incarnation, until > redeemer.watermark else { return }
        let rows = try store.leases(
            store: redeemer.store, incarnation: incarnation, endingBy: until)
        for (number, rows) in Dictionary(grouping: rows, by: \.space).sorted(by: { $0.key < $1.key }
        ) {
            try changeLedger(of: try space(numbered: number)) { book in
                for row in rows {
                    try book.close(row.lease.id, row.account, reason: "watermark")
                }
            }
        }
        var redeemer = redeemer
        redeemer.watermark = until
        try store.save(redeemer)
    }

    /// Books what a redeemer gave goods for: it is never refused for want of points.
    private func judge(_ redeem: RedeemIntent, of storeName: String) throws -> Rejection? {
        let certificate = redeem.certificate
        let row = try store.lease(certificate.lease)
        guard let number = try row?.space ?? store.space(ofMember: certificate.member) else {
            return Rejection(code: "lease_unknown")
        }
        let customer = try space(numbered: number)
        return try changeLedger(of: customer) { book -> Rejection? in
            let reference = LedgerEntry.source("redemption", redeem.redemption.text)
            let name = certificate.account
            // No store holds any of an offer (M-OFF-5).
            guard name.kind != "offer" else { return Rejection(code: "lease_unknown") }
            guard try store.redemption(redeem.redemption) == nil else { return nil }
            if let row {
                // Of somebody who was erased since nobody is a member: the lease itself says whose
                // it was, and the goods are gone.
                let isTheirs =
                    book.ledger.member == certificate.member
                    || customer.name.hasPrefix(Self.erasedKind)
                guard row.account == name, isTheirs, row.lease.holder.store == storeName
                else { return Rejection(code: "lease_unknown") }
            } else {
                // A lease of before a restore: the store's own key certified it.
                guard book.wasRestored, let granted = Amount(certificate.granted),
                    book.ledger.member == certificate.member
                else { return Rejection(code: "lease_unknown") }
                let holder = Lease.Holder.store(
                    storeName, incarnation: certificate.incarnation)
                try book.adopt(
                    certificate.lease, name, to: holder, granted: granted,
                    stopAt: certificate.stopAt)
            }
            let closed = row.flatMap { $0.isClosed ? $0 : nil }
            let (parts, lease, loss) = try book.change(name) {
                $0.spendGiven(redeem.amount, by: certificate.lease, closed: closed?.lease)
            }
            book.enter(.spend, name, parts.total, reference, parts: parts)
            book.enter(.loss, name, loss, reference)
            book.note(
                lease.id, of: name, reason: closed?.reason ?? "spent",
                closed: closed == nil ? nil : lease)
            try store.insertRedemption(
                redeem.redemption, space: number, store: storeName,
                account: name.description, at: clock)
            return nil
        }
    }
}
