import Testing
import ToteCore

struct SizeTests {
    private let key = Key("cart:main", "latte|milk=oat|size=L", Fields.quantity)

    @Test func `10 times +1 to a line take at most 48 bytes of CBOR each, the request's all`() {
        var random = SeededGenerator(seed: 1)
        var request = SyncRequest(
            replica: ReplicaID(random.next()),
            cursor: Cursor(epoch: random.next(), position: 90_000))
        request.ticket = random.next()
        request.counter = 70_000
        for index in 0..<10 as Range<UInt64> {
            let change = Change(
                nonce: random.next(),
                time: Timestamp(milliseconds: 1_900_000_000_000 + index * 700, count: 1_000),
                writes: [Write(key: key, payload: .delta(1))])
            request.changes.append(
                Event(
                    dot: Dot(request.replica, request.counter + index), change: change,
                    outcome: .accepted))
        }
        #expect(Encoding.cbor.encode(request).count <= 480)
    }

    /// Three phones that add, take away, set, remove and note 10 lines, and sync after a few edits.
    private struct Family {
        var random = SeededGenerator(seed: 11)
        let cart = Cart.collection("main")
        let items = (0..<10).map { number in
            LineName("sku-\(number)", options: ["size": ["S", "M", "L"][number % 3]]).item
        }
        var replicas: [ReplicaID] = []
        var counters: [UInt64] = [0, 0, 0]
        var documents = Documents()
        var time: UInt64 = 1_900_000_000_000
        var operations = 0

        init() { replicas = (0..<3).map { _ in ReplicaID(random.next()) } }

        /// Each device makes a few edits on what it has seen, then all sync.
        mutating func round() {
            var views = [LocalView](repeating: LocalView(confirmed: documents), count: 3)
            for device in 0..<3 {
                for _ in 0..<1 + random.below(3) { edit(device, &views[device]) }
            }
            for view in views {
                for entry in view.pending { documents.apply(entry.change, dot: entry.dot) }
            }
        }

        private mutating func edit(_ device: Int, _ view: inout LocalView) {
            operations += 1
            let item = random.pick(items)
            let writes: [Write]
            switch random.below(20) {
            case 0..<9: writes = view.adding(1, collection: cart, item: item)
            case 9..<15: writes = view.adding(-1, collection: cart, item: item)
            case 15, 16:
                writes = view.setting(Int64(1 + random.below(4)), collection: cart, item: item)
            case 17: writes = view.erasing(collection: cart, item: item)
            default:
                let text = Value.text("note \(random.below(10))")
                writes = view.registering(text, Key(cart, item, Fields.note))
            }
            guard !writes.isEmpty else { return }
            counters[device] += 1
            time += 997
            let change = Change(
                nonce: random.next(), time: Timestamp(milliseconds: time), writes: writes)
            let dot = Dot(replicas[device], counters[device])
            view.append(LocalView.Pending(dot: dot, change: change))
        }

        /// The bytes of a snapshot with all 10 lines in the cart.
        var snapshotBytes: Int {
            var full = documents
            let view = LocalView(confirmed: documents)
            for item in items where view.quantity(cart, item) <= 0 {
                let writes = view.adding(1, collection: cart, item: item)
                let change = Change(
                    nonce: 1, time: Timestamp(milliseconds: time), writes: writes)
                full.apply(change, dot: Dot(replicas[0], counters[0] + 1))
            }
            #expect(Cart(full, name: "main").lines.count == 10)
            let snapshot = Snapshot(position: counters.reduce(0, +), documents: full)
            return Encoding.cbor.encode(snapshot).count
        }

        /// The sizes after each round around a number of operations: one alone would be luck.
        mutating func sizes(around middle: Int) -> [Int] {
            var sizes: [Int] = []
            while operations < middle + 300 {
                round()
                if operations >= middle - 300 { sizes.append(snapshotBytes) }
            }
            return sizes
        }
    }

    @Test func `a cart of 10 lines stays small under churn`() throws {
        var family = Family()
        let young = family.sizes(around: 1_000)
        let old = family.sizes(around: 10_000)
        #expect((old.max() ?? .max) <= 1_500, "after 10,000 operations")
        let means = [young, old].map { Double($0.reduce(0, +)) / Double($0.count) }
        #expect(means[1] <= 1.1 * means[0])
    }
}
