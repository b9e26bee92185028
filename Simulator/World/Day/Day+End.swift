internal import ToteClient
internal import ToteCore
internal import ToteServer

// What everybody shows at the end, as records.
extension Day {
    func readTheEnd() throws {
        for customer in 0..<options.customers {
            try readLog(of: customer)
            try readLedger(of: customer)
        }
        for phone in phones {
            let documents = phone.replica.view.merged
            documents.checkInvariants()
            let bytes = Encoding.cbor.encode(Snapshot(position: 1, documents: documents))
            let counted = Set(documents.sortedCells().map(\.key)).filter {
                $0.field == Fields.quantity
            }
            note(
                .counts(
                    device: phone.number, customer: phone.customer,
                    Dictionary(
                        uniqueKeysWithValues: counted.map {
                            ($0, phone.replica.view.quantity($0.collection, $0.item))
                        })))
            note(
                .shows(
                    device: phone.number, customer: phone.customer,
                    digest: SHA256.digest(bytes),
                    cells: documents.sortedCells().filter {
                        !Reserved.isReserved($0.key.collection)
                    }.map { Record.Cell(key: $0.key, dot: $0.cell.dot) },
                    orders: phone.replica.orders.map { order in
                        Record.Shown(
                            id: order.id, state: order.state.rawValue, total: order.total,
                            points: order.tenders.reduce(0) { $0 + ($1.spend?.units ?? 0) })
                    }))
        }
        if let fault = try Verifier.faults(of: site.server.store).first {
            throw DayFailure(kind: .wrong, code: "file_fault", message: "the file: \(fault)")
        }
    }

    /// The log as a device would read it that was there for its first event only. (From 0 it would
    /// be given a snapshot.) That one is the server's welcome to the programme, or what a device
    /// sent again to a server that went back to before it: then it is read from the file.
    private func readLog(of customer: Int) throws {
        // Nothing ever happened: there is not even a first event.
        if try site.pull(customer, nil, at: now)?.cursor.position == 0 { return }
        var cursor = Cursor(epoch: site.server.epoch, position: 1)
        var log: [Record.Seen] = []
        var hasMore = true
        while hasMore {
            guard let reply = try site.pull(customer, cursor, at: now), reply.snapshot == nil else {
                throw DayFailure(
                    kind: .wrong, code: "no_log",
                    message: "the log of customer \(customer) cannot be read from its beginning")
            }
            log += reply.events.flatMap(Record.Seen.all)
            (cursor, hasMore) = (reply.cursor, reply.hasMore)
        }
        if let first = try site.server.judgedEvents(space: "customer:c-\(customer)").first,
            known.contains(first.change.nonce), !log.contains(where: { $0.dot == first.dot })
        {
            log.insert(Record.Seen(first, at: 1, isShort: false), at: 0)
        }
        for event in log { note(.logged(customer: customer, event)) }
    }

    private func readLedger(of customer: Int) throws {
        var before: Int64?
        while true {
            var query = ["limit": "500"]
            if let before { query["before"] = String(before) }
            let page = try site.inGroup {
                try site.handle(
                    "GET", "v1/spaces/customer:c-\(customer)/ledger",
                    token: site.tokens[customer].secret, query: query, at: now)
            }
            guard case .array(let values)? = page.value["entries"], !values.isEmpty else { return }
            for value in values {
                guard let entry = LedgerEntry(value) else { continue }
                note(
                    .entry(
                        customer: customer, account: "\(entry.account)", kind: entry.kind.rawValue,
                        reference: entry.reference, source: entry.source, units: entry.units))
                before = entry.id
            }
            guard values.count == 500 else { return }
        }
    }

    /// Whether nobody would be told anything new.
    func isUpToDate(_ phone: Phone) -> Bool {
        guard let cursor = phone.replica.cursor,
            let reply = try? site.pull(phone.customer, cursor, at: now)
        else { return false }
        return reply.cursor == cursor && !reply.hasMore
    }
}
