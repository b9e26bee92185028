package import ToteCore
internal import ToteSQLite

/// All that a data file holds of one customer, for the customer (`Protocol/export.md`): read
/// without changing anything, at one moment, also while a server writes.
package enum CustomerExport {
    /// - Parameter now: when it is made: milliseconds since 1970.
    /// - Returns: `nil` when the file knows no such customer.
    /// - Throws: `StoreError`, and what SQLite says of a file that cannot be read.
    package static func value(path: String, customer: String, at now: UInt64) throws -> Value? {
        guard let history = try SpaceHistory(path: path, space: "customer:\(customer)") else {
            return nil
        }
        return try history.atOneMoment {
            let file = File(store: history.store, number: history.number, name: history.name)
            var members = try file.members()
            members["customer"] = .text(customer)
            members["exported_at"] = .int(Int64(now))
            members["format"] = .int(1)
            return .map(members)
        }
    }
}

/// One customer's rows.
private struct File {
    let store: ServerStore
    let number: UInt64
    let name: String

    func members() throws -> [String: Value] {
        let space = try Space(number: number, name: name, store: store, wasRestored: false)
        let orders = try store.orders(
            space: number, before: UInt64(Limits.integerMax), most: .max)
        let entries = try store.entries(
            space: number, before: Limits.integerMax, most: .max)
        let leases = try store.leases(space: number, store: nil, withClosed: true, most: .max)
        let objects = Set(orders.map(\.id.text) + leases.map(\.lease.id.text) + [name])
        return [
            "documents": .array(documents(space.documents)),
            "changes": .array(try changes()),
            "devices": .array(devices(space)),
            "tokens": .array(try TokenBook(store: store).tokens(of: name).map(\.value)),
            "orders": .array(orders.map { Self.with(["id": .text($0.id.text)], $0.value) }),
            "accounts": .array(try accounts()),
            "entries": .array(entries.map(\.value)),
            "leases": .array(leases.map(Self.value)),
            "receipts": .array(try store.receipts(space: number)),
            "returns": .array(try store.returns(of: try store.returnSources(space: number))),
            "redemptions": .array(try store.redemptions(space: number)),
            "member": try store.member(space: number).map { .text(Hex.string($0)) } ?? .null,
            "shares": .array(try shares()),
            "audit": .array(
                try store.auditEntries(most: .max).filter {
                    $0["order"]?.textValue.map(objects.contains) ?? false
                }),
        ]
    }

    private static func with(_ members: [String: Value], _ value: Value) -> Value {
        guard case .map(let others) = value else { return .map(members) }
        return .map(
            (members.map { Value.Entry($0.key, $0.value) } + others).sorted {
                Name($0.name) < Name($1.name)
            })
    }

    /// What the customer sees: every item, with what its fields amount to. What codes are made
    /// with is the device's alone.
    private func documents(_ documents: Documents) -> [Value] {
        documents.sortedItems().map { collection, item in
            let fields = documents.items(collection)[item]?.sortedFields ?? []
            // In entries: a dictionary takes another spelling of a customer's word for the same.
            let values = Value.map(
                fields.map { Value.Entry($0.name.text, Self.folded($0.cells)) })
            return .map([
                "collection": .text(collection.text), "item": .text(item.text),
                "fields": collection == Reserved.ledger ? values.hidingSecrets : values,
            ])
        }
    }

    private static func folded(_ cells: [Cell]) -> Value {
        if let register = Fold.register(cells) { return register.value }
        if Fold.flag(cells) { return .bool(true) }
        return .int(max(0, Fold.counter(cells)))
    }

    /// What the customer shares, with all that shows in it.
    private func shares() throws -> [Value] {
        try store.shares(of: name).compactMap { number in
            guard let member = try store.member(of: number, name),
                let share = try store.spaceName(number)
            else { return nil }
            let space = try Space(number: number, name: share, store: store, wasRestored: false)
            return .map([
                "space": .text(share), "role": .text(member.role.rawValue),
                "member": .text(Hex.string(member.member)),
                "documents": .array(documents(space.documents)),
            ])
        }
    }

    /// The log, as far as it goes back: each change as the protocol writes it.
    private func changes() throws -> [Value] {
        var changes: [Value] = []
        var next: UInt64 = 0
        while true {
            let rows = try store.rows(space: number, from: next, most: 256)
            for row in rows {
                let run = try row.run()
                let text = Encoding.json.encode(run)
                guard let value = try? Encoding.json.value(text, depth: Limits.messageDepthMax)
                else {
                    throw StoreError.corrupt("the log row at \(row.position) cannot be written")
                }
                let isOfLedger = run.events.contains { event in
                    event.change.writes.contains { $0.key.collection == Reserved.ledger }
                }
                changes.append(
                    Self.with(
                        ["judged_at": .int(Int64(row.time))],
                        isOfLedger ? value.hidingSecrets : value))
                next = row.lastPosition + 1
            }
            if rows.count < 256 { return changes }
        }
    }

    private func devices(_ space: Space) -> [Value] {
        space.replicas.values.filter { $0.ticket != 0 }.sorted { $0.id < $1.id }.map { record in
            .map([
                "replica": .text(Hex.string(record.id.rawValue)),
                "family": .text(Hex.string(record.family.rawValue)),
                "last_push": .int(Int64(record.seen)),
            ])
        }
    }

    private func accounts() throws -> [Value] {
        try store.ledger(space: number).accounts.sorted { $0.key < $1.key }.map { name, stored in
            Self.with(
                ["account": .text(name.description)],
                AccountSummary(stored.account, name: name).value)
        }
    }

    private static func value(_ row: LeaseRow) -> Value {
        var members: [String: Value] = [
            "id": .text(row.lease.id.text), "account": .text(row.account.description),
            "granted": .int(row.lease.granted), "left": .int(row.lease.rest.total),
            "stop_at": .int(Int64(row.lease.stopAt)), "opened": .int(Int64(row.opened)),
            "closed": .bool(row.isClosed), "reason": .text(row.reason),
        ]
        switch row.lease.holder {
        case .device(let replica): members["replica"] = .text(Hex.string(replica.rawValue))
        case .store(let name, _): members["store"] = .text(name)
        }
        return .map(members)
    }
}

extension Value {
    /// The same, without the keys that codes are made with.
    package var hidingSecrets: Value {
        switch self {
        case .array(let values): .array(values.map(\.hidingSecrets))
        case .map(let entries):
            .map(
                entries.map { entry in
                    Value.Entry(
                        entry.name,
                        entry.name == "secret" ? .text("(hidden)") : entry.value.hidingSecrets)
                })
        case .null, .bool, .int, .text: self
        }
    }
}
