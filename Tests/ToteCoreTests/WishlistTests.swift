import Testing
import ToteCore

/// Two devices with one wishlist, which sync by the log.
private struct Lists {
    static let list = "w"
    var views = [LocalView(), LocalView()]
    var counters: [UInt64] = [0, 0]
    var time: UInt64 = 1_000
    var random = SeededGenerator(seed: 5)

    init(_ items: [Name] = []) {
        for item in items { wish(item, on: 0) }
        sync()
    }

    mutating func commit(_ writes: [Write], on device: Int) {
        guard !writes.isEmpty else { return }
        counters[device] += 1
        time += 1
        let change = Change(
            nonce: random.next(), time: Timestamp(milliseconds: time), writes: writes)
        #expect(change.refusal() == nil)
        let dot = Dot(ReplicaID(UInt64(device + 1)), counters[device])
        views[device].append(LocalView.Pending(dot: dot, change: change))
        views[device].checkInvariants()
    }

    mutating func wish(_ item: Name, on device: Int) {
        commit(views[device].wishing(Self.list, item, tail: random.next()), on: device)
    }

    mutating func move(_ item: Name, to index: Int, on device: Int) {
        let tail = random.next()
        commit(views[device].moving(Self.list, item, to: index, tail: tail), on: device)
    }

    mutating func remove(_ item: Name, on device: Int) {
        let collection = Wishlist.collection(Self.list)
        commit(views[device].erasing(collection: collection, item: item), on: device)
    }

    /// Both send, device 0 first, and both pull.
    mutating func sync() {
        var confirmed = views[0].confirmed
        for entry in views[0].pending + views[1].pending {
            confirmed.apply(entry.change, dot: entry.dot)
        }
        views = [LocalView(confirmed: confirmed), LocalView(confirmed: confirmed)]
    }

    func order(_ device: Int = 0) -> [String] {
        Wishlist(views[device].merged, id: Self.list).entries.map(\.name.sku)
    }
}

struct WishlistTests {
    @Test func `entries stand in the order in which they were added`() {
        let lists = Lists(["c", "a", "b"])
        #expect(lists.order() == ["c", "a", "b"])
        #expect(lists.order(1) == ["c", "a", "b"])
    }

    @Test func `adding one that is there leaves it where it is, and keeps its note`() {
        var lists = Lists(["a", "b"])
        let note = Key(Wishlist.collection("w"), "a", Fields.note)
        lists.commit(lists.views[0].registering(.text("blue"), note), on: 0)
        lists.wish("a", on: 0)
        lists.sync()
        #expect(lists.order() == ["a", "b"])
        #expect(Wishlist(lists.views[1].merged, id: "w").entries[0].note == "blue")
    }

    @Test func `a removal against adding again keeps the entry`() {
        var lists = Lists(["a", "b"])
        lists.remove("a", on: 0)
        lists.wish("a", on: 1)
        #expect(lists.order(0) == ["b"])
        lists.sync()
        #expect(Set(lists.order()) == ["a", "b"])
    }

    @Test func `a removal that has seen everything removes, and the list goes with its last`() {
        var lists = Lists(["a"])
        lists.remove("a", on: 1)
        lists.sync()
        #expect(lists.order() == [])
        #expect(!Wishlist.shows(lists.views[0].merged, id: "w"))
        #expect(lists.views[0].confirmed.cellCount == 0)
        lists.wish("a", on: 0)
        #expect(lists.order() == ["a"])
    }

    @Test(arguments: 0..<5) func `an entry moves to each index`(index: Int) {
        var lists = Lists(["a", "b", "c", "d", "e"])
        for item in ["a", "c", "e"] as [Name] {
            var expected = lists.order(1)
            expected.removeAll { $0 == item.text }
            expected.insert(item.text, at: index)
            lists.move(item, to: index, on: 1)
            #expect(lists.order(1) == expected)
            lists.sync()
            #expect(lists.order(0) == expected)
        }
    }

    @Test func `indices beyond the ends are the ends, and what is not there does not move`() {
        var lists = Lists(["a", "b", "c"])
        lists.move("a", to: 99, on: 0)
        #expect(lists.order() == ["b", "c", "a"])
        lists.move("a", to: -5, on: 0)
        #expect(lists.order() == ["a", "b", "c"])
        #expect(lists.views[0].moving("w", "nope", to: 0, tail: 1) == [])
    }

    @Test func `moves of different entries on two devices both survive`() {
        var lists = Lists(["a", "b", "c", "d"])
        lists.move("d", to: 0, on: 0)
        lists.move("a", to: 3, on: 1)
        lists.sync()
        #expect(lists.order() == ["d", "b", "c", "a"])
        #expect(lists.order(1) == lists.order())
    }

    @Test func `two entries moved to one spot stand there side by side`() {
        var lists = Lists(["a", "b", "c", "d"])
        lists.move("c", to: 1, on: 0)
        lists.move("d", to: 1, on: 1)
        lists.sync()
        #expect(lists.order().first == "a" && lists.order().last == "b")
        #expect(Set(lists.order()[1...2]) == ["c", "d"])
        lists.move("b", to: 2, on: 1)
        #expect(lists.order(1)[2] == "b")
    }

    @Test func `one entry moved on both devices stands once, where the later one put it`() {
        var lists = Lists(["a", "b", "c", "d"])
        lists.move("d", to: 0, on: 0)
        lists.move("d", to: 2, on: 1)
        lists.sync()
        #expect(lists.order() == ["a", "b", "d", "c"])
    }

    @Test func `a move against a removal leaves the entry removed`() {
        var lists = Lists(["a", "b", "c"])
        lists.remove("b", on: 0)
        lists.move("b", to: 0, on: 1)
        lists.sync()
        #expect(lists.order() == ["a", "c"])
    }

    /// Places as another client may write them: the same twice, none at all, and what is no place.
    @Test(
        arguments: [
            ["M1", "M1", "M1", "M1"], [nil, nil, nil, nil], ["M1", nil, "M1", nil],
            ["M0", "", "x y", "~"], ["A1", "A1", "B1", "B1"],
        ] as [[String?]])
    func `any entry moves anywhere among ties, missing and odd places`(places: [String?]) {
        let items: [Name] = ["a", "b", "c", "d"]
        for item in items {
            for index in 0..<4 {
                var lists = Lists()
                var writes: [Write] = []
                for (item, place) in zip(items, places) {
                    let collection = Wishlist.collection("w")
                    writes.append(Write(key: Key(collection, item, Fields.member), payload: .flag))
                    guard let place else { continue }
                    writes.append(
                        Write(
                            key: Key(collection, item, Fields.position),
                            payload: .register(.text(place))))
                }
                lists.commit(writes, on: 0)
                lists.sync()
                var expected = lists.order()
                expected.removeAll { $0 == item.text }
                expected.insert(item.text, at: index)
                lists.move(item, to: index, on: 1)
                #expect(lists.order(1) == expected, "\(places) \(item.text) to \(index)")
            }
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `a single mover always gets the order that was asked for`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var lists = Lists(["a", "b", "c", "d", "e", "f"])
        for _ in 0..<12 {
            // The other device's moves make ties and crossings.
            lists.move(Name(random.pick(lists.order())), to: random.below(6), on: 1)
            let item = random.pick(lists.order())
            let index = random.below(6)
            var expected = lists.order()
            expected.removeAll { $0 == item }
            expected.insert(item, at: index)
            lists.move(Name(item), to: index, on: 0)
            #expect(lists.order() == expected, "seed \(seed)")
            lists.sync()
            #expect(lists.order(0) == lists.order(1))
            #expect(lists.order().sorted() == ["a", "b", "c", "d", "e", "f"])
        }
    }

    @Test func `lists stand in the customer's order, then by id`() {
        var lists = Lists()
        for id in ["b", "a", "c"] {
            lists.commit(lists.views[0].wishing(id, "x", tail: 1), on: 0)
        }
        #expect(Wishlist.ids(lists.views[0].merged) == ["a", "b", "c"])
        let place = Key(Wishlist.collection("c"), Fields.itself, Fields.position)
        lists.commit(lists.views[0].registering(.text("A1"), place), on: 0)
        #expect(Wishlist.ids(lists.views[0].merged) == ["c", "a", "b"])
    }
}
