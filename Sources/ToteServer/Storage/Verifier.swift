internal import ToteCore
internal import ToteSQLite

/// Reads a whole data file and checks every promise that it must keep.
package enum Verifier {
    /// What was looked at, and what was wrong.
    package struct Report: Sendable {
        package var spaces = 0
        package var batches = 0
        package var events = 0
        package var tokens = 0
        package var orders = 0
        package var accounts = 0
        package var entries = 0
        /// One sentence each; empty when all is well.
        package var faults: [String] = []
        /// What no promise forbids, and a sound client does not do.
        package var notices: [String] = []
    }

    /// How many faults are listed; one is enough to restore a backup.
    static let faultsMax = 100

    /// Checks the file at `path`, read-only.
    ///
    /// - Parameter erased: the list beside it: nobody on it may be there.
    /// - Throws: when the file cannot be opened or is not a data file.
    package static func verify(
        path: String, erased: ErasureList = ErasureList(),
        progress: (_ space: Int, _ of: Int) -> Void = { _, _ in }
    ) throws -> Report {
        var options = Database.Options()
        options.access = .readOnly
        let store = try ServerStore(path: path, options: options)
        return try verify(store, erased: erased, progress: progress)
    }

    /// What is wrong in the file of a server.
    package static func faults(of store: ServerStore) throws -> [String] {
        try verify(store, erased: ErasureList()) { _, _ in }.faults
    }

    private static func verify(
        _ store: ServerStore, erased list: ErasureList,
        progress: (_ space: Int, _ of: Int) -> Void
    ) throws -> Report {
        var report = Report()
        do {
            report.faults += try store.database.integrityFaults().map { "SQLite: \($0)" }
            if !store.database.isInMemory, !store.database.hasPageChecksums {
                report.notices.append("the pages have no checksums: the next start adds them")
            }
            if try store.meta("epoch") == nil { report.faults.append("the file has no epoch") }
            let names = try store.spaceNames()
            var erased = try store.erasures()
            for entry in list.entries { erased.insert(entry) }
            if names.contains(where: { erased.contains(space: $0.name) }) {
                report.faults.append("a customer who was erased is there")
            }
            for (index, space) in names.enumerated() {
                progress(index, names.count)
                try verify(space.number, space.name, store, &report)
                report.spaces += 1
                if report.faults.count >= faultsMax { break }
            }
            try verifyNothingStrays(store, &report)
            try verifyEntries(store, &report)
            let wasRestored = (try store.meta("was_restored") ?? 0) > 0
            let documents = { (number: UInt64) in
                try store.spaceName(number).map {
                    try Space(number: number, name: $0, store: store, wasRestored: wasRestored)
                        .documents
                }
            }
            try verifyOrders(store, documents: documents, &report)
            try verifyHandOffs(store, documents: documents, &report)
            report.tokens = try TokenBook(store: store).readAll()
            report.faults += try CatalogBook.faults(store)
        } catch let error as StoreError {
            report.faults.append(error.description)
        } catch let error as SQLiteError where error.isCorrupt {
            report.faults.append(error.description)
        }
        return report
    }

    /// One space: its log has no gap, every change was judged once, snapshot and log agree.
    private static func verify(
        _ number: UInt64, _ name: String, _ store: ServerStore, _ report: inout Report
    ) throws {
        let space = try Space(
            number: number, name: name, store: store,
            wasRestored: (try store.meta("was_restored") ?? 0) > 0)
        var faults: [String] = []
        var context: [ReplicaID: CausalContext] = [:]
        var nonces: [Nonce: Dot] = [:]
        var replayed = Documents()
        var snapshotAgrees = false
        let snapshot = try store.snapshot(space: number)
        var first: UInt64?
        var last: UInt64 = 0
        var next: UInt64 = 0
        while true {
            let rows = try store.rows(space: number, from: next, most: 128)
            for row in rows {
                if first != nil, row.position != last + 1 {
                    faults.append("\(name): S1: position \(last + 1) is missing")
                }
                first = first ?? row.position
                last = row.lastPosition
                next = last + 1
                report.batches += 1
                let run = try row.run()
                if let fault = fault(row, run) {
                    faults.append("\(name): the row at \(row.position) \(fault)")
                }
                for event in run.events {
                    if last <= space.trimmed, !event.change.writes.isEmpty {
                        faults.append("\(name): the log is said to be trimmed where it is not")
                    }
                    report.events += 1
                    check(event, &context, &nonces, name, &faults, &report.notices)
                    // What a log that was trimmed makes is not the whole.
                    if space.trimmed == 0, event.outcome == .accepted {
                        replayed.apply(event.change, dot: event.dot)
                    }
                }
                if let snapshot, last == snapshot.position, space.trimmed == 0 {
                    let stored = try? Encoding.cbor.snapshot(snapshot.body)
                    snapshotAgrees = stored?.documents == replayed
                    if !snapshotAgrees { faults.append("\(name): the snapshot is not the log's") }
                }
            }
            if rows.count < 128 { break }
        }
        if space.trimmed == 0, space.documents != replayed, faults.isEmpty {
            faults.append("\(name): the documents are not what the log makes")
        }
        faults += bounds(space, snapshot?.position ?? 0, first: first, last: last)
        for (replica, judged) in context {
            let recorded = space.replicas[replica]?.context ?? CausalContext()
            let missing = judged.ranges.contains { range in
                !recorded.contains(range.lowerBound) || !recorded.contains(range.upperBound)
            }
            if missing { faults.append("\(name): S2: a judged counter is not on record") }
            // Nothing is judged that has no fate; the latest of those that are kept is kept.
            if recorded.last != judged.last {
                faults.append("\(name): a counter on record has no fate")
            }
        }
        for record in space.replicas.values where space.trimmed == 0 {
            if context[record.id] == nil, record.context.last > 0 {
                faults.append("\(name): a replica's fates are gone")
            }
        }
        report.faults += faults
        // What is left of an erased customer is shown to nobody.
        guard !name.hasPrefix(Server.erasedKind) else { return }
        try verifyLedger(number, name, space.documents, store, &report)
        try verifyShare(number, name, space.documents, store, &report)
    }

    /// What is wrong with a row's bytes.
    private static func fault(_ row: LogRow, _ run: Run) -> String? {
        // A batch that was accepted as it was sent is stored with the digest of its bytes.
        if let digest = row.digest, run.events.allSatisfy({ $0.outcome == .accepted }) {
            return Run.shortDigest(SHA256.digest(row.body)) == digest ? nil : "is not what was sent"
        }
        return Encoding.cbor.encode(run.withoutPosition) == row.body ? nil : "is not canonical"
    }

    /// Where a log may begin and end: what was trimmed is in the snapshot, all behind it is there.
    private static func bounds(
        _ space: Space, _ snapshot: UInt64, first: UInt64?, last: UInt64
    ) -> [String] {
        let name = space.name
        var faults: [String] = []
        if space.trimmed > snapshot {
            faults.append("\(name): the log is trimmed to \(space.trimmed), behind the snapshot")
        }
        if let first, first > space.trimmed + 1 {
            faults.append("\(name): S1: position \(space.trimmed + 1) is missing")
        }
        if max(last, space.trimmed) < snapshot {
            faults.append("\(name): the log ends before the snapshot's \(snapshot)")
        }
        for record in space.replicas.values where record.position > space.position {
            faults.append("\(name): a replica's record knows more than the log has")
        }
        return faults
    }

    private static func check(
        _ event: Event, _ context: inout [ReplicaID: CausalContext],
        _ nonces: inout [Nonce: Dot], _ name: String, _ faults: inout [String],
        _ notices: inout [String]
    ) {
        if context[event.dot.replica]?.contains(event.dot.counter) ?? false {
            faults.append("\(name): counter \(event.dot.counter) was judged twice")
        }
        context[event.dot.replica, default: CausalContext()].insert(event.dot.counter)
        switch event.outcome {
        case .accepted, .rejected:
            // No fault of the file: any client may use a nonce twice, and must not break backups
            // so.
            if nonces[event.change.nonce] != nil {
                notices.append("\(name): a nonce was used for two changes")
            } else {
                nonces[event.change.nonce] = event.dot
            }
            if event.outcome == .accepted, let refusal = event.change.refusal() {
                faults.append("\(name): an accepted change is not acceptable: \(refusal.code)")
            }
        case .sameAs(let dot, _):
            if nonces[event.change.nonce] != dot {
                faults.append("\(name): an alias names a change that is not its own")
            }
        }
    }

    /// Rows of spaces that do not exist.
    private static func verifyNothingStrays(
        _ store: ServerStore, _ report: inout Report
    ) throws {
        let strays = try store.database.row(
            "SELECT count(*) FROM log WHERE space NOT IN (SELECT number FROM spaces)"
        ) { $0.int(0) }
        if let strays, strays > 0 { report.faults.append("\(strays) log rows belong to no space") }
        let astray = try store.database.row(
            """
            SELECT count(*) FROM places LEFT JOIN log ON log.id = places.id
            WHERE log.space IS NOT places.space OR log.position IS NOT places.position
            """
        ) { $0.int(0) }
        if let astray, astray > 0 {
            report.faults.append("\(astray) places do not lead to their log row")
        }
        // Later rows are found without.
        let lost = try store.database.row(
            """
            SELECT count(*) FROM log LEFT JOIN places
                ON places.space = log.space AND places.position = log.position
            WHERE places.id IS NOT log.id
                AND log.id <= ifnull((SELECT value FROM meta WHERE name = 'settled'), 0)
            """
        ) { $0.int(0) }
        if let lost, lost > 0 { report.faults.append("\(lost) log rows have no place") }
    }
}

extension Run {
    fileprivate var withoutPosition: Run {
        var run = self
        run.position = 0
        return run
    }
}
