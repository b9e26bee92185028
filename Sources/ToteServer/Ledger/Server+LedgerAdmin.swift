internal import ToteCore

// What operators and the app's backend do with ledgers: Protocol §22.
extension Server {
    /// Answers the routes of the ledger that are not a counter's; `nil` for others.
    func ledger(_ route: Route, _ request: ServerRequest) throws -> ServerResponse? {
        switch (route.method, route.path) {
        case ("GET", "/v1/spaces/{space}/ledger"):
            return try ledgerHistory(request, space: request.path[2])
        case ("GET", "/v1/admin/ledger"): return try showLedger(request)
        case ("POST", "/v1/admin/ledger"): return try enterByHand(request)
        case ("GET", "/v1/admin/leases"): return try listLeases(request)
        case ("POST", "/v1/admin/leases/{lease}/write-off"): return try writeOffLease(request)
        case ("GET", "/v1/admin/stores/{store}/redeemer"):
            return json(try value(redeemer(request)))
        case ("POST", "/v1/admin/stores/{store}/redeemer"): return try setRedeemer(request)
        case ("POST", "/v1/admin/stores/{store}/redeemer/write-off"):
            return try writeOffRedeemer(request)
        default: return nil
        }
    }

    private func admin(_ request: ServerRequest) throws -> Token? {
        request.isOperator ? nil : try authenticate(request)
    }

    private func text(_ body: Value, _ name: String, _ most: Int) throws -> String {
        guard let text = body[name]?.textValue, (1...most).contains(text.utf8.count) else {
            throw Problem(400, "malformed", "\(name) is a text of 1 to \(most) bytes")
        }
        return text
    }

    private func customerSpace(_ customer: String) throws -> Space {
        let name = "customer:\(customer)"
        guard Self.isSpaceName(name), !customer.isEmpty else {
            throw Problem(400, "malformed", "customer is the app's id of a customer")
        }
        return try space(name)
    }

    /// `GET /v1/spaces/{space}/ledger`: older entries than the documents hold.
    private func ledgerHistory(
        _ request: ServerRequest, space name: String
    ) throws -> ServerResponse {
        let token = try authenticate(request)
        guard let grant = token.grant(for: name), grant.mayRead(Reserved.ledger) else {
            throw Problem.notFound
        }
        let before = request.query["before"].map { Int64($0) } ?? Limits.integerMax
        let limit = request.query["limit"].map { Int($0) } ?? 50
        guard let before, (1...Limits.integerMax).contains(before), let limit,
            (1...500).contains(limit)
        else {
            throw Problem(400, "bad_query", "before is an entry's id, limit is 1 to 500")
        }
        let number = try store.spaceNumber(name) ?? 0
        let entries = try store.entries(space: number, before: before, most: limit + 1)
        return json(
            .map([
                "entries": .array(entries.prefix(limit).map(\.value)),
                "more": .bool(entries.count > limit),
            ]))
    }

    private static func kindsByHand(_ name: AccountName) -> [LedgerEntry.Kind] {
        switch name {
        case .points: [.grant, .writeOff]
        case .card: [.topUp, .grant, .writeOff]
        // Nobody gets of an offer but by activating it: it would be issued beyond its total.
        case .offer: [.writeOff]
        }
    }

    /// `POST /v1/admin/ledger`: a top-up, a gift or a correction, once for its reference.
    private func enterByHand(_ request: ServerRequest) throws -> ServerResponse {
        let body = try request.members([
            "customer", "account", "kind", "amount", "reference", "reason",
        ])
        let space = try customerSpace(try text(body, "customer", 128))
        guard let name = AccountName(try text(body, "account", AccountName.bytesMax)) else {
            throw Problem(
                400, "malformed", "account is points, card:<currency> or offer:<id>")
        }
        guard let amount = body["amount"]?.intValue.flatMap({ Amount($0) }) else {
            throw Problem(
                400, "malformed",
                "amount is a whole number from 1 to \(Amount.range.upperBound)")
        }
        let kinds = Self.kindsByHand(name)
        guard let kind = LedgerEntry.Kind(rawValue: try text(body, "kind", 16)),
            kinds.contains(kind)
        else {
            throw Problem(
                400, "malformed",
                "kind is one of \(kinds.map(\.rawValue).joined(separator: ", "))")
        }
        let payment = try text(body, "reference", 128)
        let reference = LedgerEntry.source(kind == .topUp ? "payment" : "correction", payment)
        let reason = body["reason"]?.textValue ?? ""
        guard kind == .topUp || !reason.isEmpty, reason.utf8.count <= 256 else {
            throw Problem(400, "malformed", "a gift or a correction needs a reason")
        }
        if kind == .topUp, let payer = try store.space(ofPayment: reference) {
            guard payer == space.number else {
                throw Problem(409, "reference_used", "this reference is another customer's payment")
            }
        }
        let isNew = try changeLedger(of: space) { book -> Bool in
            // One reference stands for one payment, whatever account it names.
            for (other, stored) in book.ledger.accounts where stored.number != 0 {
                for (entry, _) in try book.entries(other, of: reference)
                where entry.kind == kind {
                    guard other == name, entry.units == amount.units else {
                        throw Problem(
                            409, "reference_used", "this reference stands for another amount")
                    }
                    return false
                }
            }
            do {
                guard kind == .writeOff else {
                    try book.join()
                    return try book.grant(kind, name, amount, reference, due: book.now)
                }
                try book.change(name) { try $0.writeOff(amount) }
            } catch let refusal as LedgerRefusal {
                throw Problem(
                    409, refusal.rawValue, "the account cannot take this: \(refusal.rawValue)")
            }
            book.enter(.writeOff, name, amount.units, reference)
            return true
        }
        if isNew, kind != .topUp {
            try audit(
                try admin(request), store: "", space.name, "\(kind.rawValue) \(amount.units)",
                reason)
        }
        let account = space.ledger?.accounts[name]?.account ?? Account()
        return json(
            .map([
                "account": .text(name.description), "new": .bool(isNew),
                "available": .int(account.available.total), "held": .int(account.held),
            ]), status: isNew ? 201 : 200)
    }

    /// `GET /v1/admin/ledger`: a customer's accounts and latest entries.
    private func showLedger(_ request: ServerRequest) throws -> ServerResponse {
        guard let customer = request.query["customer"] else {
            throw Problem(400, "bad_query", "name the customer: ?customer=ID")
        }
        guard let number = try store.spaceNumber("customer:\(customer)") else {
            throw Problem.notFound
        }
        let ledger = try store.ledger(space: number)
        let accounts = ledger.accounts.sorted { $0.key < $1.key }.map { name, stored -> Value in
            guard case .map(let members) = AccountSummary(stored.account, name: name).value else {
                return .null
            }
            return .map([Value.Entry("account", .text(name.description))] + members)
        }
        let entries = try store.entries(space: number, before: Limits.integerMax, most: 50)
        return json(
            .map(["accounts": .array(accounts), "entries": .array(entries.map(\.value))]))
    }

    private func value(_ row: LeaseRow) throws -> Value {
        var members: [String: Value] = [
            "id": .text(row.lease.id.text), "account": .text(row.account.description),
            "customer": .text(try space(numbered: row.space).id),
            "granted": .int(row.lease.granted), "left": .int(row.lease.rest.total),
            "stop_at": .int(Int64(row.lease.stopAt)), "opened": .int(Int64(row.opened)),
            "state": .text(row.isClosed ? "closed" : row.lease.isSealed ? "sealed" : "open"),
            "reason": .text(row.reason),
        ]
        switch row.lease.holder {
        case .device(let replica): members["replica"] = .text(Hex.string(replica.rawValue))
        case .store(let name, let incarnation):
            members["store"] = .text(name)
            members["incarnation"] = .text(Hex.string(incarnation))
        }
        return .map(members)
    }

    /// `GET /v1/admin/leases`.
    private func listLeases(_ request: ServerRequest) throws -> ServerResponse {
        var number: UInt64?
        if let customer = request.query["customer"] {
            // A customer who is not there has no leases.
            number = try store.spaceNumber("customer:\(customer)") ?? UInt64(Int64.max)
        }
        guard ["1", nil].contains(request.query["closed"]) else {
            throw Problem(400, "bad_query", "closed is 1, or left out")
        }
        let rows = try store.leases(
            space: number, store: request.query["store"],
            withClosed: request.query["closed"] == "1", most: 1_000)
        return json(.map(["leases": .array(try rows.map { try value($0) })]))
    }

    private func reason(_ request: ServerRequest) throws -> String {
        try text(try request.members(["reason"]), "reason", 256)
    }

    /// `POST /v1/admin/leases/{lease}/write-off`: the rest goes back to the customer.
    private func writeOffLease(_ request: ServerRequest) throws -> ServerResponse {
        let reason = try reason(request)
        guard let id = LeaseID(request.path[3]), let row = try store.lease(id) else {
            throw Problem.notFound
        }
        if !row.isClosed {
            try changeLedger(of: try space(numbered: row.space)) {
                try $0.close(id, row.account, reason: "written off")
            }
            try audit(
                try admin(request), store: row.lease.holder.store ?? "", id.text,
                "lease written off", reason)
        }
        guard let closed = try store.lease(id) else { throw Problem.notFound }
        return json(try value(closed))
    }

    private func redeemer(_ request: ServerRequest) throws -> Redeemer {
        guard let redeemer = try store.redeemer(request.path[3]) else { throw Problem.notFound }
        return redeemer
    }

    private func value(_ redeemer: Redeemer) throws -> Value {
        .map([
            "store": .text(redeemer.store), "token": .text(redeemer.token),
            "label": .text(try tokens.token(id: redeemer.token)?.label ?? ""),
            "since": .int(Int64(redeemer.since)),
            "incarnation": redeemer.incarnation.map { .text(Hex.string($0)) } ?? .null,
            "watermark": .int(Int64(redeemer.watermark)),
        ])
    }

    /// `POST /v1/admin/stores/{store}/redeemer`: names the one device that accepts offline.
    private func setRedeemer(_ request: ServerRequest) throws -> ServerResponse {
        let name = request.path[3]
        let id = try text(try request.members(["token"]), "token", 64)
        guard let token = try tokens.token(id: id), token.isValid(at: clock),
            token.role == .staff || token.role == .manager,
            let grant = token.grant(for: "store:\(name)"), grant.mayWrite(Reserved.ledger)
        else {
            throw Problem(
                422, "token_unfit", "token is the id of a valid staff token of this store")
        }
        if let redeemer = try store.redeemer(name) {
            guard redeemer.token == id else {
                throw Problem(
                    409, "redeemer_exists",
                    "the store has a redeemer: write it off first, or use its device",
                    members: [Value.Entry("token", .text(redeemer.token))])
            }
            return json(try value(redeemer))
        }
        let redeemer = Redeemer(store: name, token: id, since: clock, incarnation: nil)
        try store.save(redeemer)
        try audit(try admin(request), store: name, id, "redeemer named", "")
        return json(try value(redeemer), status: 201)
    }

    /// `POST …/redeemer/write-off`: a redeemer that is lost; what its leases held goes back.
    private func writeOffRedeemer(_ request: ServerRequest) throws -> ServerResponse {
        let reason = try reason(request)
        let redeemer = try redeemer(request)
        let rows = try store.leases(
            space: nil, store: redeemer.store, withClosed: false, most: .max)
        for row in rows {
            try changeLedger(of: try space(numbered: row.space)) {
                try $0.close(row.lease.id, row.account, reason: "written off")
            }
        }
        try store.writeOff(redeemer)
        try audit(
            try admin(request), store: redeemer.store, redeemer.token, "redeemer written off",
            reason)
        return json(
            .map(["store": .text(redeemer.store), "leases": .int(Int64(rows.count))]))
    }
}
