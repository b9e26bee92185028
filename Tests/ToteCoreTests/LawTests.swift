import Testing
import ToteCore

struct LawTests {
    /// A log of changes made by three devices that sync now and then.
    private static func log(seed: UInt64) -> [Event] {
        var random = SeededGenerator(seed: seed)
        var world = TestWorld(devices: 3)
        for _ in 0..<60 {
            let device = random.below(3)
            let edit: TestWorld.Edit = random.pick([
                .add(1), .add(2), .add(-1), .set(4), .remove, .note("n"), .add(1),
            ])
            world.edit(edit, item: random.pick(["a", "b"]), on: device)
            if random.chance(30) { world.sync(device) }
        }
        world.settle()
        return world.log
    }

    private static func bytes(_ documents: Documents) -> [UInt8] {
        Encoding.cbor.encode(Snapshot(position: 1, documents: documents))
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `the same changes make the same bytes, however the pulls are cut`(seed: UInt64) throws {
        let log = Self.log(seed: seed)
        var random = SeededGenerator(seed: ~seed)
        var expected = Documents()
        for event in log { expected.apply(event.change, dot: event.dot) }
        for _ in 0..<4 {
            var documents = Documents()
            var next = 0
            while next < log.count {
                let count = min(1 + random.below(9), log.count - next)
                for event in log[next..<next + count] {
                    documents.apply(event.change, dot: event.dot)
                }
                next += count
                documents.checkInvariants()
                // Some devices go on from a snapshot in between, in either encoding.
                guard random.chance(30) else { continue }
                let encoding = random.pick(Encoding.allCases)
                let snapshot = Snapshot(position: UInt64(next), documents: documents)
                let back = try encoding.snapshot(encoding.encode(snapshot))
                #expect(back == snapshot)
                documents = back.documents
            }
            #expect(Self.bytes(documents) == Self.bytes(expected))
            #expect(documents == expected)
            #expect(documents.cellCount == expected.cellCount)
            #expect(documents.hashValue == expected.hashValue)
        }
    }

    @Test func `changes that did not see each other commute`() {
        let key = Key("cart:main", "tea", Fields.quantity)
        var start = Documents()
        start.apply(
            Change(nonce: 1, time: .zero, writes: [Write(key: key, payload: .delta(2))]),
            dot: Dot(ReplicaID(1), 1))
        let changes = (2...4).map { replica in
            (
                Change(
                    nonce: UInt64(replica), time: Timestamp(milliseconds: 5),
                    writes: [
                        Write(
                            key: key, payload: replica == 4 ? nil : .base(Int64(replica)),
                            replaces: [Dot(ReplicaID(1), 1)])
                    ]), Dot(ReplicaID(UInt64(replica)), 1)
            )
        }
        var ends: Set<Documents> = []
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            var documents = start
            for index in order { documents.apply(changes[index].0, dot: changes[index].1) }
            ends.insert(documents)
        }
        #expect(ends.count == 1)
        #expect(ends.first?.cells(key).count == 2)
    }

    @Test func `naming a dot that is not there, or is elsewhere, is harmless`() {
        let (one, two) = (Key("c", "a", "q"), Key("c", "b", "q"))
        var documents = Documents()
        let dot = Dot(ReplicaID(1), 1)
        documents.apply(
            Change(nonce: 1, time: .zero, writes: [Write(key: one, payload: .delta(1))]), dot: dot)
        let before = documents
        for key in [two, Key("none", "", "q")] {
            documents.apply(
                Change(
                    nonce: 2, time: .zero,
                    writes: [Write(key: key, payload: nil, replaces: [dot, Dot(ReplicaID(9), 9)])]),
                dot: Dot(ReplicaID(2), 1))
        }
        #expect(documents == before)
        documents.checkInvariants()
    }

    @Test func `a change may write and replace at several keys at once`() {
        let keys = [Key("c", "a", "q"), Key("c", "a", "n"), Key("d", "a", "q")]
        var documents = Documents()
        documents.apply(
            Change(
                nonce: 1, time: .zero, writes: keys.map { Write(key: $0, payload: .delta(1)) }),
            dot: Dot(ReplicaID(1), 1))
        #expect(documents.cellCount == 3)
        documents.apply(
            Change(
                nonce: 2, time: .zero,
                writes: [
                    Write(key: keys[0], payload: .delta(5), replaces: [Dot(ReplicaID(1), 1)]),
                    Write(key: keys[2], payload: nil, replaces: [Dot(ReplicaID(1), 1)]),
                ]), dot: Dot(ReplicaID(2), 1))
        #expect(documents.cellCount == 2)
        #expect(documents.collections.keys.sorted() == ["c"])
        #expect(Fold.counter(documents.cells(keys[0])) == 5)
        documents.checkInvariants()
    }

    @Test func `a withdrawn change changes nothing`() {
        var documents = Documents()
        documents.apply(Change(nonce: 1, time: .zero), dot: Dot(ReplicaID(1), 1))
        #expect(documents == Documents())
    }

    @Test func `a view is the confirmed state with the visible outbox on top`() {
        let key = Key("c", "a", "q")
        var confirmed = Documents()
        confirmed.apply(
            Change(nonce: 1, time: .zero, writes: [Write(key: key, payload: .delta(1))]),
            dot: Dot(ReplicaID(1), 1))
        var view = LocalView(confirmed: confirmed)
        let writes = view.adding(2, collection: "c", item: "a", field: "q")
        let change = Change(nonce: 2, time: .zero, writes: writes)
        view.append(LocalView.Pending(dot: Dot(ReplicaID(2), 1), change: change))
        #expect(Fold.counter(view.merged.cells(key)) == 3)
        #expect(Fold.counter(view.confirmed.cells(key)) == 1)
        #expect(view.seen(key) == [Dot(ReplicaID(1), 1), Dot(ReplicaID(2), 1)])
        view.append(
            LocalView.Pending(dot: Dot(ReplicaID(2), 2), change: change, isVisible: false))
        #expect(Fold.counter(view.merged.cells(key)) == 3)
        #expect(view.seen(key).count == 2)
        view.checkInvariants()
    }
}
