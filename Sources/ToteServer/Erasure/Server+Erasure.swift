internal import ToteCore
internal import ToteSQLite

// A customer is erased: Protocol/erasure.md.
extension Server {
    /// What the space of an erased customer is called from then on, before 16 digits.
    static let erasedKind = "erased:"

    /// `POST /v1/admin/customers/{customer}/erase`. Asked again, it says that it is done.
    func eraseCustomer(_ request: ServerRequest) throws -> ServerResponse {
        let name = "customer:\(request.path[3])"
        let isKnown = try store.spaceNumber(name) != nil || !tokens.tokens(of: name).isEmpty
        guard isKnown || erasures.contains(space: name) else { throw Problem.notFound }
        if let number = try store.spaceNumber(name) {
            let open = try store.orders(
                space: number, before: UInt64(Limits.integerMax), most: .max
            ).filter(\.state.isOpen)
            guard open.isEmpty else {
                throw Problem(
                    409, "customer_has_open_orders",
                    "\(open.count) orders are open: let the store hand them over or cancel them",
                    members: [Value.Entry("orders", .array(open.map { .text($0.id.text) }))])
            }
        }
        var counts = Erased()
        if isKnown {
            counts = try erase(name, as: erasures.entry(for: name, at: clock, random: randomBits))
            let admin = request.isOperator ? nil : try authenticate(request)
            try audit(admin, store: "", counts.pseudonym, "customer erased", "")
        }
        return json(
            .map([
                "new": .bool(isKnown), "orders": .int(Int64(counts.orders)),
                "tokens": .int(Int64(counts.tokens)),
            ]))
    }

    /// What was done.
    struct Erased {
        var pseudonym = ""
        var orders = 0
        var tokens = 0
    }

    /// Erases a customer: what is left is a ledger, and what stores sold, of nobody.
    ///
    /// The list beside the file is written before the group is committed: whatever happens then,
    /// they are erased soon, or at the next start.
    private func erase(_ name: String, as entry: ErasureList.Entry) throws -> Erased {
        unkept.append(entry)
        erasures.insert(entry)
        try store.add(entry)
        var erased = Erased(pseudonym: Self.erasedKind + Hex.string(randomBits()))
        let id = String(name.dropFirst("customer:".count))
        let quoted = String(decoding: Encoding.json.encode(.text(id)), as: UTF8.self)
        var words = ["\"customer\":\(quoted)"]
        if let number = try store.spaceNumber(name) {
            try leaveShares(name)
            try closeLedger(of: name)
            for row in try store.leases(space: number, store: nil, withClosed: true, most: .max) {
                try store.forgetReasons(of: row.lease.id.text)
            }
            try store.scrubReferences(of: number)
            try store.removeDocuments(of: number)
            try store.scrubReturns(of: try store.returnSources(space: number))
            let orders = try store.scrubOrders(of: number)
            words += orders.map(\.text)
            erased.orders = orders.count
            try store.renameSpace(number, to: erased.pseudonym)
        }
        try store.removeAnswers(with: words)
        try store.forgetReasons(of: name, calling: erased.pseudonym)
        for token in try tokens.tokens(of: name) {
            guard try tokens.erase(token, of: name, as: erased.pseudonym, at: clock) else {
                continue
            }
            try store.forgetLabel(ofToken: token.id)
            noteRevoked(token.id)
            erased.tokens += 1
        }
        forgetSpace(name)
        wantsTruncation = true
        return erased
    }

    /// Gives back what devices hold, and writes off what is left: nobody can spend it. What a store
    /// holds stays, for goods that it may have given.
    private func closeLedger(of name: String) throws {
        _ = try changeLedger(of: try space(name)) { book in
            try book.settleAll()
            for account in book.ledger.accounts.keys.sorted() {
                for lease in try book.account(account).leases where lease.holder.store == nil {
                    try book.close(lease.id, account, reason: "erased")
                }
                var rest = try book.account(account).available.total - book.withheld(account)
                while let amount = Amount(min(rest, Amount.range.upperBound)) {
                    try book.change(account) { try $0.writeOff(amount) }
                    book.enter(
                        .writeOff, account, amount.units,
                        try book.fresh(LedgerEntry.source("erased", "rest"), .writeOff, account))
                    rest -= amount.units
                }
            }
        }
    }

    /// What a restored file brought back.
    package struct TakenAgain: Sendable {
        package var customers = 0
        package var rights = 0

        package init() {}
    }

    /// Erases again who was erased before, and whom a restored file has, and takes away again what
    /// rights it brought back; in a group of its own.
    ///
    /// - Parameters:
    ///   - list: the list beside the file.
    ///   - isWhole: whether it is all of it: what the file knows beyond it is put there then.
    /// - Returns: how much was there.
    @discardableResult
    package func eraseAgain(
        _ list: ErasureList, isWhole: Bool = true, at now: UInt64
    ) throws -> TakenAgain {
        let missing = list.entries.filter { !erasures.contains($0) }
        if isWhole {
            for entry in erasures.entries where !list.contains(entry) { try keepErasure(entry) }
        }
        let rights = isWhole ? try newRights(in: list) : []
        var taken = TakenAgain()
        guard !missing.isEmpty || !rights.isEmpty else { return taken }
        advance(to: now)
        var wanted = ErasureList()
        for entry in missing { wanted.insert(entry) }
        try begin()
        // First: whom somebody was taken out with is no heir of theirs.
        taken.rights = try takeAgain(rights)
        var names = Set(try store.spaceNames().map { Name($0.name) })
        names.formUnion(try tokens.spaces())
        for name in names.sorted() where wanted.contains(space: name.text) {
            _ = try erase(
                name.text, as: wanted.entry(for: name.text, at: clock, random: randomBits))
            taken.customers += 1
        }
        for entry in missing {
            erasures.insert(entry)
            try store.add(entry)
        }
        // They are on the list already.
        unkept = []
        try commit()
        return taken
    }

    /// Puts who is erased in the open group on the list beside the file; `commit` does so, too.
    ///
    /// - Throws: what `keepErasure` throws; the group is to be rolled back then.
    package func keepErasures() throws {
        while let entry = unkept.first {
            try keepErasure(entry)
            unkept.removeFirst()
            kept.append(entry)
        }
    }

    /// Erases whom a group was to erase that was not committed; in a group of its own.
    package func eraseOwed(at now: UInt64) throws {
        guard !owed.isEmpty else { return }
        try eraseAgain(owed, isWhole: false, at: now)
        owed = ErasureList()
    }

    /// Empties the WAL, so that nothing that was erased is in it; call it when no group is open.
    ///
    /// Waits for nobody: a backup that reads just now keeps it from being emptied.
    package func truncateLog() throws {
        // Pages that an earlier release wrote may have copies of rows in what they do not use.
        if try store.meta("clear_pages") == nil {
            try store.database.rewrite()
            try store.setMeta("clear_pages", 1)
        }
        if try store.database.truncateLog() { wantsTruncation = false }
    }
}

extension Problem {
    static let customerErased = Problem(
        410, "customer_erased",
        "this customer was erased: remove all that is here of them; nobody gets this id again")
}
