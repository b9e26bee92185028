import Testing
import ToteCore

/// The rows of the counter table of the design, orders excepted: both devices start alike, and are
/// offline.
struct CounterTableTests {
    /// Devices that hold a quantity in sync, made of as many deltas.
    private func world(_ deltas: Int, devices: Int = 2) -> TestWorld {
        var world = TestWorld(devices: devices)
        for _ in 0..<deltas { world.edit(.add(1), on: 0) }
        world.settle()
        return world
    }

    private func expect(
        _ quantity: Int64, _ world: TestWorld, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for index in world.devices.indices {
            #expect(world.quantity(on: index) == quantity, sourceLocation: sourceLocation)
        }
        #expect(world.finalFault(items: ["latte"]) == nil, sourceLocation: sourceLocation)
    }

    private func lines(_ world: TestWorld, _ index: Int = 0) -> [CartLine] {
        Cart(world.devices[index].view.merged, name: "main").lines
    }

    @Test func `start 0, +1 and +1 make 2`() {
        var world = world(0)
        world.edit(.add(1), on: 0)
        world.edit(.add(1), on: 1)
        world.settle()
        expect(2, world)
    }

    @Test func `start 2, remove against +1 leaves 1`() {
        var world = world(2)
        world.edit(.remove, on: 0)
        world.edit(.add(1), on: 1)
        world.settle()
        expect(1, world)
    }

    @Test func `start 5, remove then +1 on one device makes 1`() {
        var world = world(5)
        world.edit(.remove, on: 0)
        world.edit(.add(1), on: 0)
        #expect(world.quantity(on: 0) == 1)
        world.settle()
        expect(1, world)
    }

    @Test func `start 2, −1 and −1 take the line away, and a later +1 gives 1`() {
        var world = world(2)
        world.edit(.add(-1), on: 0)
        world.edit(.add(-1), on: 1)
        world.settle()
        expect(0, world)
        #expect(lines(world) == [])
        world.edit(.add(1), on: 1)
        world.settle()
        expect(1, world)
    }

    @Test func `start 1, −1 and −1 take the line away, then +1 on both gives 2`() {
        var world = world(1)
        world.edit(.add(-1), on: 0)
        world.edit(.add(-1), on: 1)
        world.settle()
        #expect(lines(world) == [] && lines(world, 1) == [])
        world.edit(.add(1), on: 0)
        world.edit(.add(1), on: 1)
        world.settle()
        expect(2, world)
    }

    @Test(arguments: [true, false])
    func `start 2, of two sets the later wins whichever arrives first`(laterFirst: Bool) {
        var world = world(2)
        world.edit(.set(3), on: 0)
        world.edit(.set(5), on: 1)
        if laterFirst { world.push(1) } else { world.push(0) }
        world.settle()
        expect(5, world)
    }

    @Test func `start 2, set 5 against +1 makes 6`() {
        var world = world(2)
        world.edit(.set(5), on: 0)
        world.edit(.add(1), on: 1)
        world.settle()
        expect(6, world)
    }

    @Test func `start 2, remove against a note: the line is gone, and starts again without it`() {
        var world = world(2)
        world.edit(.remove, on: 0)
        world.edit(.note("no sugar"), on: 1)
        world.settle()
        #expect(lines(world) == [])
        world.edit(.add(1), on: 0)
        world.settle()
        expect(1, world)
        #expect(lines(world) == [CartLine(name: LineName("latte"), quantity: 1, note: nil)])
    }

    @Test(arguments: [8, 64, 100])
    func `many deltas, remove against +1 leaves 1`(deltas: Int) {
        let (view, other) = Self.deltas(deltas)
        let removal = view.erasing(collection: TestWorld.cart, item: "latte")
        #expect(removal.map(\.replaces.count) == [deltas])
        #expect(Self.merged(view, removal, other) == 1)
    }

    @Test(arguments: [8, 64, 100])
    func `many deltas, set against +1 keeps both`(deltas: Int) {
        let (view, other) = Self.deltas(deltas)
        let base = view.setting(5, collection: TestWorld.cart, item: "latte")
        #expect(base.map(\.replaces.count) == [deltas])
        #expect(Self.merged(view, base, other) == 6)
    }

    @Test func `start 2, remove against −1 and +1 shows nothing, and the next +1 gives 1`() {
        var world = world(2, devices: 3)
        world.edit(.remove, on: 0)
        world.edit(.add(-1), on: 1)
        world.edit(.add(1), on: 2)
        world.settle()
        expect(0, world)
        #expect(lines(world) == [])
        world.edit(.add(1), on: 0)
        world.settle()
        expect(1, world)
    }

    @Test func `start 2, remove against −1 shows nothing, and the next +1 gives 1`() {
        var world = world(2)
        world.edit(.remove, on: 0)
        world.edit(.add(-1), on: 1)
        world.settle()
        #expect(lines(world) == [])
        world.edit(.add(1), on: 1)
        world.settle()
        expect(1, world)
    }

    @Test func `−1 at 0 writes nothing, and taking more than there is takes what there is`() {
        var world = world(2)
        let view = world.devices[0].view
        #expect(view.adding(-1, collection: TestWorld.cart, item: "tea") == [])
        let writes = view.adding(-9, collection: TestWorld.cart, item: "latte")
        #expect(writes.map(\.payload) == [.delta(-2)])
        #expect(writes.map(\.replaces) == [[]])
        world.edit(.add(-9), on: 0)
        world.settle()
        expect(0, world)
        let next = world.devices[0].view.adding(-1, collection: TestWorld.cart, item: "latte")
        #expect(next == [])
    }

    @Test func `a write replaces own unconfirmed cells that a later own write hides`() {
        // Of +1, set, remove: if the set in the middle is refused, the +1 must not come back.
        var world = TestWorld(devices: 2)
        world.edit(.add(1), on: 0)
        world.edit(.set(4), on: 0, isForbidden: true)
        world.edit(.remove, on: 0)
        world.settle()
        expect(0, world)
        #expect(world.devices[0].view.confirmed.cellCount == 0)
    }

    /// A device that has confirmed so many deltas, and a +1 that another one made from the same
    /// state.
    private static func deltas(_ count: Int) -> (LocalView, Change) {
        var confirmed = Documents()
        let key = Key(TestWorld.cart, "latte", Fields.quantity)
        for counter in 1...count {
            let change = Change(
                nonce: 1, time: .zero, writes: [Write(key: key, payload: .delta(1))])
            confirmed.apply(change, dot: Dot(ReplicaID(1), UInt64(counter)))
        }
        let view = LocalView(confirmed: confirmed)
        let adding = view.adding(1, collection: TestWorld.cart, item: "latte")
        return (view, Change(nonce: 2, time: .zero, writes: adding))
    }

    /// The quantity after both changes, which must not depend on their order.
    private static func merged(_ view: LocalView, _ writes: [Write], _ other: Change) -> Int64? {
        let time = Timestamp(milliseconds: 9)
        let changes = [
            (Change(nonce: 3, time: time, writes: writes), Dot(ReplicaID(2), 1)),
            (other, Dot(ReplicaID(3), 1)),
        ]
        let ends = [changes, changes.reversed()].map { order -> Documents in
            var documents = view.confirmed
            for (change, dot) in order { documents.apply(change, dot: dot) }
            return documents
        }
        guard ends[0] == ends[1] else { return nil }
        return Fold.counter(ends[0].cells(Key(TestWorld.cart, "latte", Fields.quantity)))
    }
}
