import ToteCore

/// Changes applied one at a time to a cart of 20 lines, against a bare dictionary update.
enum CoreBench {
    static let lines = 20
    static let operations = 400_000

    static func run(rounds: Int) -> [BenchRow] {
        var pairs: [(Double, Double)] = []
        for round in 0..<rounds {
            pairs.append((applied(seed: UInt64(round)), updated(seed: UInt64(round))))
        }
        let ratio = median(pairs.map { $0.0 / $0.1 })
        return [
            BenchRow(
                name: "core_apply", unit: "changes/s", value: median(pairs.map(\.0)),
                floor: median(pairs.map(\.1)), ratio: ratio, goal: ">= 0.15",
                isMet: ratio >= 0.15, details: []),
            sizeOfBatch(), sizeOfChurn(),
        ]
    }

    private static let names = (0..<lines).map { "latte|milk=oat|size=\($0)" }

    /// Changes per second: sets that replace the cell before, as a customer's taps do.
    private static func applied(seed: UInt64) -> Double {
        let replica = ReplicaID(1)
        var random = SeededBits(seed: seed + 1)
        var last = [UInt64](repeating: 0, count: lines)
        var changes: [Change] = []
        for counter in 1...UInt64(operations) {
            let line = Int(random.next() % UInt64(lines))
            let key = Key("cart:main", Name(names[line]), Fields.quantity)
            let replaces = last[line] == 0 ? [] : [Dot(replica, last[line])]
            last[line] = counter
            changes.append(
                Change(
                    nonce: counter, time: Timestamp(milliseconds: counter),
                    writes: [Write(key: key, payload: .base(3), replaces: replaces)]))
        }
        var documents = Documents()
        let start = BenchClock.nowNanos()
        for (index, change) in changes.enumerated() {
            documents.apply(change, dot: Dot(replica, UInt64(index) + 1))
        }
        let nanos = BenchClock.nowNanos() - start
        precondition(documents.cellCount <= lines, "each set replaces the one before")
        return Double(operations) / Double(nanos) * 1e9
    }

    /// Updates per second of a dictionary with the same keys.
    private static func updated(seed: UInt64) -> Double {
        var random = SeededBits(seed: seed + 1)
        let keys = (0..<operations).map { _ in names[Int(random.next() % UInt64(lines))] }
        var quantities: [String: Int] = [:]
        let start = BenchClock.nowNanos()
        for key in keys { quantities[key, default: 0] += 1 }
        let nanos = BenchClock.nowNanos() - start
        precondition(quantities.values.reduce(0, +) == operations, "every update counts")
        return Double(operations) / Double(nanos) * 1e9
    }

    /// The request of 10 changes that the size goal names.
    static func batchOfTen() -> SyncRequest {
        var request = SyncRequest(
            replica: ReplicaID(0x1234_5678_9ABC_DEF0),
            cursor: Cursor(epoch: 0xFEDC_BA98_7654_3210, position: 1_234))
        request.ticket = 0x0F1E_2D3C_4B5A_6978
        request.counter = 321
        request.changes = (0..<10).map { index in
            let key = Key("cart:main", "latte|milk=oat|size=L", Fields.quantity)
            let nonce = 0xA5A5_0000_1111_2222 &+ UInt64(index)
            let time = Timestamp(milliseconds: 1_800_000_000_000 + UInt64(index) * 900)
            return Event(
                dot: Dot(request.replica, 321 + UInt64(index)),
                change: Change(
                    nonce: nonce, time: time, writes: [Write(key: key, payload: .delta(1))]),
                outcome: .accepted)
        }
        return request
    }

    private static func sizeOfBatch() -> BenchRow {
        let bytes = Double(Encoding.cbor.encode(batchOfTen()).count) / 10
        return BenchRow(
            name: "change_bytes", unit: "bytes", value: bytes, floor: nil, ratio: bytes,
            goal: "<= 48", isMet: bytes <= 48, details: [])
    }

    /// The snapshot of a cart of 10 lines after churn by 3 replicas that see each other.
    static func churned(operations: Int) -> [UInt8] {
        var views = [LocalView](repeating: LocalView(), count: 3)
        var counters = [UInt64](repeating: 0, count: 3)
        var random = SeededBits(seed: 99)
        var documents = Documents()
        var waiting: [[(Dot, Change)]] = [[], [], []]
        for step in 0..<operations {
            let who = Int(random.next() % 3)
            let item = Name("latte|milk=oat|size=\(random.next() % 10)")
            let draw = random.next() % 10
            let view = views[who]
            let writes: [Write] =
                switch draw {
                case 0..<4: view.adding(1, collection: "cart:main", item: item)
                case 4..<6: view.adding(-1, collection: "cart:main", item: item)
                case 6..<9:
                    view.setting(
                        Int64(1 + random.next() % 5), collection: "cart:main", item: item)
                default: view.erasing(collection: "cart:main", item: item)
                }
            guard !writes.isEmpty else { continue }
            counters[who] += 1
            let dot = Dot(ReplicaID(UInt64(who) + 1), counters[who])
            let time = Timestamp(milliseconds: 1_800_000_000_000 + UInt64(step))
            let change = Change(nonce: random.next(), time: time, writes: writes)
            views[who].append(LocalView.Pending(dot: dot, change: change))
            waiting[who].append((dot, change))
            // Every few operations one of them syncs: what waits is confirmed in the log's order.
            if random.next() % 4 == 0 {
                for (dot, change) in waiting[who] { documents.apply(change, dot: dot) }
                waiting[who] = []
                for index in 0..<3 {
                    views[index] = LocalView(
                        confirmed: documents,
                        pending: waiting[index].map { LocalView.Pending(dot: $0.0, change: $0.1) })
                }
            }
        }
        for entries in waiting {
            for (dot, change) in entries { documents.apply(change, dot: dot) }
        }
        return Encoding.cbor.encode(Snapshot(position: UInt64(operations), documents: documents))
    }

    private static func sizeOfChurn() -> BenchRow {
        let many = Double(churned(operations: 10_000).count)
        let few = Double(churned(operations: 1_000).count)
        return BenchRow(
            name: "snapshot_bytes", unit: "bytes", value: many, floor: few, ratio: many / few,
            goal: "<= 1500, <= 1.1", isMet: many <= 1_500 && many / few <= 1.1, details: [])
    }
}
