import Testing
import ToteCore
import ToteSQLite
import ToteServer

struct OrderTests {
    private func cell(_ dot: Dot) -> CellReference { CellReference(dot, Fields.quantity) }

    @Test func `placing an order takes exactly its cells out of the cart and shows the order`()
        throws
    {
        let shop = try Shop()
        var (phone, tablet) = (TestDevice(1), TestDevice(2))
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
        try tablet.push([Make.add(1, nonce: 2)], to: shop.server)
        let place = shop.tea(2, cells: [cell(Make.dot(1, 1))])
        #expect(try shop.place(place, by: &phone, nonce: 3) == nil)
        #expect(try shop.server.quantity() == 1, "what was added meanwhile stays")
        let order = try #require(try shop.documentsOrder(place.order))
        #expect(order.state == .placed && order.total == 600 && order.version == 1)
        #expect(order.taxes == [Order.Tax(category: "food", rate: 100_000, amount: 55)])
        #expect(order.code?.utf8.count == 4)
        #expect(try shop.server.faults() == [])
        let events = try tablet.pull(shop.server)
        #expect(events.contains { $0.change.nonce == 3 }, "the other device gets it too")
    }

    @Test func `a lost reply places one order`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let place = shop.tea()
        try shop.place(place, by: &phone, nonce: 1)
        let again = try shop.server.send(try #require(phone.last))
        #expect(again.reply?.fates.count == 1 && again.reply?.fates[0].rejection == nil)
        let (_, value, _) = try shop.call("GET", "s-1/orders")
        guard case .array(let orders)? = value["orders"] else { throw TestFailure("\(value)") }
        #expect(orders.count == 1)
    }

    @Test func `the same cart ordered on two devices is ordered once`() throws {
        let shop = try Shop()
        var (phone, tablet) = (TestDevice(1), TestDevice(2))
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
        let first = shop.tea(2, cells: [cell(Make.dot(1, 1))])
        #expect(try shop.place(first, by: &phone, nonce: 2) == nil)
        let second = shop.tea(2, cells: [cell(Make.dot(1, 1))])
        let rejection = try shop.place(second, by: &tablet, nonce: 3)
        #expect(rejection?.code == "cart_already_ordered")
        #expect(rejection?.details["order"] == .text(first.order.text))
        let reopened = try shop.server.reopened()
        var third = TestDevice(3)
        let late = shop.tea(2, cells: [cell(Make.dot(1, 1))])
        let answer = try third.push([shop.change(.place(late), nonce: 9)], to: reopened)
        #expect(answer.reply?.fates[0].rejection?.code == "cart_already_ordered")
    }

    @Test func `an order from a copied phone is placed once`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
        var copy = phone
        let place = shop.tea(2, cells: [cell(Make.dot(1, 1))])
        #expect(try shop.place(place, by: &phone, nonce: 2) == nil)
        #expect(
            try copy.push(
                [Make.add(1, nonce: 7), shop.change(.place(place), nonce: 2)], to: shop.server
            ).code == "replica_forked")
        copy = TestDevice(5)
        copy.formerly = [ReplicaID(1)]
        let answer = try copy.push([shop.change(.place(place), nonce: 2)], to: shop.server)
        #expect(answer.reply?.fates[0].sameAs == Make.dot(1, 2))
        #expect(answer.reply?.fates[0].rejection == nil)
        #expect(try shop.server.faults() == [])
    }

    @Test func `an order that names an alias takes the cell of the first name`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
        var copy = TestDevice(5)
        copy.formerly = [ReplicaID(1)]
        // The copy sends the add again, under its own name, and orders what it names.
        let place = shop.tea(2, cells: [cell(Make.dot(5, 1))])
        let answer = try copy.push(
            [Make.add(2, nonce: 1), shop.change(.place(place), nonce: 2)], to: shop.server)
        #expect(answer.reply?.fates.map { $0.rejection?.code } == [nil, nil])
        #expect(try shop.server.quantity() == 0)
    }

    @Test func `a price that rose is refused with the new lines and one that fell is taken`()
        throws
    {
        let shop = try Shop()
        var phone = TestDevice(1)
        try shop.use(stores: [Shop.store("s-1")], prices: ["tea": 350])
        let dear = try shop.place(shop.tea(2), by: &phone, nonce: 1)
        #expect(dear?.code == "price_changed" && dear?.details["total"] == .int(700))
        guard case .array(let lines)? = dear?.details["lines"] else {
            throw TestFailure("no lines")
        }
        #expect(lines[0]["price"] == .int(350) && lines[0]["item"] == .text("tea"))
        try shop.use(stores: [Shop.store("s-1")], prices: ["tea": 200])
        var place = shop.tea(2)
        place.tenders = [Tender(.external, 100, reference: "pay-1"), Tender(.atCounter, 500)]
        #expect(try shop.place(place, by: &phone, nonce: 2) == nil)
        let order = try #require(try shop.documentsOrder(place.order))
        #expect(order.total == 400 && order.lines[0].price == 200)
        #expect(
            order.tenders == [Tender(.external, 100, reference: "pay-1"), Tender(.atCounter, 300)])
    }

    /// One row per refusal, in the order in which they are given.
    @Test func `an order that cannot be is refused with its reason and leaves nothing`() throws {
        let rows: [(String, (inout PlaceIntent) -> Void)] = [
            ("order_exists", { $0.order = OrderID(high: 1, low: 1) }),
            ("store_unknown", { $0.store = "s-9" }),
            ("currency_mismatch", { $0.currency = "USD" }),
            ("pickup_time_passed", { $0.pickupAt = 1_799_999_000_000 }),
            ("pickup_time_passed", { $0.pickupAt = 1_800_000_060_000 }),
            ("store_closed", { $0.pickupAt = 1_900_000_000_001 }),
            ("product_unknown", { $0.lines[0].item = "mud" }),
            ("options_invalid", { $0.lines[0].item = "latte" }),
            ("option_unknown", { $0.lines[0].item = "latte|size=XXL" }),
            (
                "price_changed",
                {
                    $0.total = 299
                    $0.tenders = [Tender(.atCounter, 299)]
                }
            ),
            ("tenders_mismatch", { $0.tenders = [Tender(.atCounter, 299)] }),
        ]
        for (code, edit) in rows {
            let shop = try Shop()
            var phone = TestDevice(1)
            try shop.place(shop.tea(id: OrderID(high: 1, low: 1)), by: &phone, nonce: 1)
            var place = shop.tea()
            edit(&place)
            #expect(try shop.place(place, by: &phone, nonce: 2)?.code == code)
            let (_, value, _) = try shop.call("GET", "s-1/orders")
            guard case .array(let orders)? = value["orders"] else { throw TestFailure("\(value)") }
            #expect(orders.count == 1)
            #expect(
                try shop.place(shop.tea(), by: &phone, nonce: 3) == nil, "it blocks nothing")
        }
    }

    @Test func `a malformed intent and a write to the orders are refused`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        var bad = shop.change(.cancel(shop.newID()), nonce: 1)
        bad.intent = .map(["kind": .text("cancel"), "order": .text("x")])
        var unknown = shop.change(.cancel(shop.newID()), nonce: 2)
        unknown.intent = .map(["kind": .text("fly")])
        let forged = Make.add(nonce: 3, key: Key("orders", "x", "state"))
        var both = shop.change(.cancel(shop.newID()), nonce: 4)
        both.writes = Make.add(nonce: 4).writes
        let answer = try phone.push([bad, unknown, forged, both], to: shop.server)
        #expect(
            answer.reply?.fates.map { $0.rejection?.code } == [
                "intent_malformed", "unsupported", "field_not_writable", "intent_malformed",
            ])
    }

    @Test func `a slot is never oversold and the next one is offered`() throws {
        let shop = try Shop(capacity: 3)
        let wanted: UInt64 = 1_800_001_200_000
        var accepted = 0
        var refusals: [Rejection] = []
        for index in 1...8 as ClosedRange<UInt64> {
            var device = TestDevice(index)
            var place = shop.tea()
            place.pickupAt = wanted
            if let rejection = try shop.place(place, by: &device, nonce: index) {
                refusals.append(rejection)
            } else {
                accepted += 1
            }
        }
        #expect(accepted == 3 && refusals.count == 5)
        #expect(refusals.allSatisfy { $0.code == "slot_full" })
        #expect(refusals[0].details["next"]?.intValue.map { $0 > Int64(wanted) } == true)
        // As soon as possible goes to the next slot that has room.
        for index in 11...14 as ClosedRange<UInt64> {
            var device = TestDevice(index)
            #expect(try shop.place(shop.tea(), by: &device, nonce: index) == nil)
        }
    }

    @Test func `a cancelled order gives its slot back`() throws {
        let shop = try Shop(capacity: 1)
        var phone = TestDevice(1)
        var first = shop.tea()
        first.pickupAt = 1_800_001_200_000
        #expect(try shop.place(first, by: &phone, nonce: 1) == nil)
        var second = shop.tea()
        second.pickupAt = first.pickupAt
        #expect(try shop.place(second, by: &phone, nonce: 2)?.code == "slot_full")
        try phone.push([shop.change(.cancel(first.order), nonce: 3)], to: shop.server)
        #expect(try shop.documentsOrder(first.order)?.state == .cancelled)
        var third = shop.tea()
        third.pickupAt = first.pickupAt
        #expect(try shop.place(third, by: &phone, nonce: 4) == nil)
    }

    @Test func `cancelling is too late once the store prepares and checking in is told`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let place = shop.tea()
        try shop.place(place, by: &phone, nonce: 1)
        try shop.step(place.order, "preparing")
        let answer = try phone.push(
            [
                shop.change(.cancel(place.order), nonce: 2),
                shop.change(.checkIn(place.order, spot: "lot 3"), nonce: 3),
            ], to: shop.server)
        let fates = try #require(answer.reply?.fates)
        #expect(fates[0].rejection?.code == "step_not_allowed")
        #expect(fates[0].rejection?.details["state"] == .text("preparing"))
        #expect(fates[1].rejection == nil)
        let order = try #require(try shop.documentsOrder(place.order))
        #expect(order.spot == "lot 3" && order.arrivedAt != nil && order.version == 3)
    }

    @Test func `somebody else's order is as one that is not there`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let place = shop.tea()
        try shop.place(place, by: &phone, nonce: 1)
        let other = try shop.server.mint(#"{"spaces":[{"space":"customer:c-2"}]}"#)
        var request = SyncRequest(replica: ReplicaID(9))
        request.changes = [
            Event(
                dot: Make.dot(9, 1), change: shop.change(.cancel(place.order), nonce: 5),
                outcome: .accepted)
        ]
        let answer = try shop.server.send(request, token: other, space: "customer:c-2")
        #expect(answer.reply?.fates[0].rejection?.code == "order_unknown")
        #expect(try shop.documentsOrder(place.order)?.state == .placed)
    }

    @Test func `a token that may not write orders places none`() throws {
        let shop = try Shop()
        let till = try shop.server.mint(
            #"{"spaces":[{"space":"customer:c-1","read":["cart:*"],"write":["cart:*"]}]}"#)
        var device = TestDevice(4)
        let answer = try device.push(
            [shop.change(.place(shop.tea()), nonce: 1)], to: shop.server, token: till)
        #expect(answer.reply?.fates[0].rejection?.code == "not_allowed")
    }

    @Test func `open orders of a customer are bounded`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        for nonce in 1...20 as ClosedRange<UInt64> {
            #expect(try shop.place(shop.tea(), by: &phone, nonce: nonce) == nil)
        }
        let rejection = try shop.place(shop.tea(), by: &phone, nonce: 21)
        #expect(rejection?.code == "too_many_open_orders")
    }

    @Test func `a restored server takes its accepted orders back from the devices`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
        let restored = try shop.server.reopened(isBackup: true)
        let place = shop.tea(2, cells: [cell(Make.dot(1, 1))])
        #expect(try shop.place(place, by: &phone, nonce: 2) == nil)
        restored.now += 40 * 60_000
        let run = Run(
            replica: ReplicaID(1), counter: 2,
            events: [
                Event(
                    dot: Make.dot(1, 2), change: shop.change(.place(place), nonce: 2),
                    outcome: .accepted)
            ])
        var request = SyncRequest(
            replica: ReplicaID(1), cursor: Cursor(epoch: restored.epoch, position: 0))
        request.resend = [run]
        #expect(try restored.send(request).reply != nil)
        let order = try #require(
            Order(try restored.documents(), item: Name(place.order.text)))
        #expect(order.state == .placed && order.total == 600)
        #expect(try restored.quantity() == 0, "the cart is empty again")
        #expect(try restored.faults() == [])
    }

    private func resend(
        _ change: Change, _ counter: UInt64, to server: TestServer
    ) throws -> TestServer.Answer {
        var request = SyncRequest(
            replica: ReplicaID(1), cursor: Cursor(epoch: server.epoch, position: 0))
        request.resend = [
            Run(
                replica: ReplicaID(1), counter: counter,
                events: [Event(dot: Make.dot(1, counter), change: change, outcome: .accepted)])
        ]
        return try server.send(request)
    }

    @Test func `orders are brought back for 30 days, other changes after that too`() throws {
        let shop = try Shop()
        let day: UInt64 = 86_400_000
        let restored = try shop.server.reopened(isBackup: true)
        // The time runs from the first push, whatever the clock in the backup says.
        restored.now += 100 * day
        let (early, late) = (shop.tea(1, total: 1), shop.tea(1, total: 1))
        _ = try resend(Make.add(nonce: 4), 4, to: restored)
        restored.now += 30 * day
        _ = try resend(shop.change(.place(early), nonce: 1), 1, to: restored)
        let reopened = try restored.reopened()
        reopened.now += 1
        let answer = try resend(shop.change(.place(late), nonce: 2), 2, to: reopened)
        #expect(answer.reply != nil, "\(answer)")
        _ = try resend(Make.add(7, nonce: 3), 3, to: reopened)
        let documents = try reopened.documents()
        #expect(Order(documents, item: Name(early.order.text)) != nil)
        #expect(Order(documents, item: Name(late.order.text)) == nil)
        #expect(try reopened.quantity() == 8)
        #expect(try reopened.faults() == [])
    }

    @Test func `slots that are over are forgotten, and give nothing back`() throws {
        let shop = try Shop()
        var phone = TestDevice(1)
        let old = shop.tea()
        #expect(try shop.place(old, by: &phone, nonce: 1) == nil)
        shop.server.now += 3 * 86_400_000
        let new = shop.tea()
        #expect(try shop.place(new, by: &phone, nonce: 2) == nil)
        let slots = {
            try shop.server.store.database.rows("SELECT used FROM slots") { $0.int(0) }
        }
        #expect(try slots() == [1])
        // Cancelled long after its slot.
        #expect(
            try phone.push([shop.change(.cancel(old.order), nonce: 3)], to: shop.server)
                .reply?.fates[0].rejection == nil)
        #expect(try slots() == [1])
        #expect(try shop.server.faults() == [])
    }

    @Test func `as soon as possible finds the one slot of a day that has room`() throws {
        let shop = try Shop(capacity: 1)
        var phone = TestDevice(1)
        let slot: UInt64 = 600_000
        let earliest = shop.server.now + slot
        for number in 0...144 as ClosedRange<UInt64> where number != 100 {
            try shop.server.store.database.run(
                "INSERT INTO slots VALUES ('s-1', ?1, 1, 1)", .bits(earliest + number * slot))
        }
        let order = shop.tea()
        #expect(try shop.place(order, by: &phone, nonce: 1) == nil)
        #expect(try shop.documentsOrder(order.order)?.pickupAt == earliest + 100 * slot)
        #expect(try shop.place(shop.tea(), by: &phone, nonce: 2)?.code == "slot_full")
    }

    /// A device that has the order without what the server wrote for it would show the lines twice:
    /// in the order and in the cart.
    @Test func `no reply ends between an order and what the server wrote for it`() throws {
        let shop = try Shop()
        var (writer, phone) = (TestDevice(1), TestDevice(2))
        try writer.push([Make.add(2, nonce: 1)], to: shop.server)
        var nonce: UInt64 = 10
        func fill() throws {
            for _ in 0..<75 {
                nonce += 1
                let note = Write(
                    key: Key("cart:main", "tea", "note"),
                    payload: .register(.text(String(repeating: "x", count: 4_000))), replaces: [])
                try writer.push(
                    [
                        Change(
                            nonce: nonce, time: Timestamp(milliseconds: shop.server.now),
                            writes: [note])
                    ], to: shop.server)
            }
        }
        try fill()
        // Larger than what fills the pages, so that some page is full with it.
        let others = (1...1_000 as ClosedRange<UInt64>).map { cell(Make.dot(9, $0)) }
        let place = shop.tea(2, cells: [cell(Make.dot(1, 1))] + others)
        #expect(try shop.place(place, by: &writer, nonce: 2) == nil)
        let placed = UInt64(77)
        let written = try #require(writer.cursor?.position)
        try fill()
        phone.cursor = writer.cursor
        var ends: Set<UInt64> = []
        for start in 1..<placed {
            let cursor = Cursor(epoch: shop.server.epoch, position: start)
            let reply = try shop.server.send(SyncRequest(replica: phone.replica, cursor: cursor))
            ends.insert(try #require(reply.reply?.cursor.position))
        }
        #expect(ends.isDisjoint(with: placed..<written), "\(ends.sorted())")
        #expect(ends.isSuperset(of: [placed - 1, written]), "\(ends.sorted())")
    }
}
