import Foundation
import Testing
import ToteClient
import ToteTesting
import ToteCore

/// Orders of devices that lose their network, their process and their replies.
@Suite(.timeLimit(.minutes(5))) struct OrderTests {
    @Test func `an order made offline is placed when the network is back`() async throws {
        let bed = try TestBed()
        let tote = try await bed.customer()
        await bed.server.setDown(true)
        #expect(try await tote.cart().quote(at: "s-1").total == 600)
        let queued = try await tote.order()
        var orders = await tote.orders
        #expect(orders.map(\.state) == [.queued] && orders[0].id == queued.order)
        #expect(orders[0].total == 600 && orders[0].code == nil)
        #expect(await tote.cart().value.lines.isEmpty)
        await #expect(throws: ToteError.self) { try await tote.order() }
        await bed.server.setDown(false)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.settled(queued.receipt).state == .accepted)
        orders = await tote.orders
        #expect(orders.map(\.state) == [.placed] && orders[0].code?.utf8.count == 4)
        #expect(await tote.cart().value.lines.isEmpty)
        #expect(try await bed.server.counter() == [queued.order: "placed"])
    }

    @Test func `a catalogue of the same version is another after a restore`() async throws {
        let bed = try TestBed()
        let tote = try await bed.customer()
        #expect(try await tote.syncOnce().isComplete)
        let backup = try await bed.server.backup()
        try await bed.server.sell(teaAt: 350)
        try await tote.refreshCatalog()
        #expect(try await tote.cart().quote(at: "s-1").total == 700)
        try await bed.server.restore(backup)
        try await bed.server.sell(teaAt: 280)
        #expect(try await tote.syncOnce().isComplete)
        try await tote.refreshCatalog()
        #expect(await tote.catalog?.version == 2)
        #expect(try await tote.cart().quote(at: "s-1").total == 560)
    }

    @Test(arguments: [false, true])
    func `an order survives a kill before it was sent, and while it was`(
        isSent: Bool
    ) async throws {
        let bed = try TestBed()
        var tote = try await bed.customer()
        let queued = try await tote.order()
        if isSent {
            await bed.server.fail(.replyLost)
            await tote.start()
            _ = await first(of: tote.statusUpdates) { $0.isOffline }
        }
        await tote.close()
        tote = try bed.open()
        #expect(await tote.orders.map(\.id) == [queued.order])
        #expect(await tote.orders.map(\.state) == [.queued])
        #expect(await tote.teas == 0)
        try await bed.signIn(tote)
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.orders.map(\.state) == [.placed])
        #expect(try await bed.server.counter() == [queued.order: "placed"])
        #expect(try await bed.server.judged("ada").values.allSatisfy { $0 == 1 })
    }

    @Test func `lost replies place one order`() async throws {
        let bed = try TestBed()
        let tote = try await bed.customer()
        #expect(try await tote.syncOnce().isComplete)
        let queued = try await tote.order()
        await bed.server.fail(.replyLost, .lost, .replyLost)
        await tote.start()
        for _ in 0..<3 {
            _ = await first(of: tote.statusUpdates) { $0.isOffline }
            await tote.networkMayBeBack()
        }
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        #expect(try await bed.server.counter() == [queued.order: "placed"])
        #expect(await tote.orders.map(\.state) == [.placed])
        await tote.close()
    }

    @Test func `an order that waits is withdrawn and its lines are back`() async throws {
        let bed = try TestBed()
        let tote = try await bed.customer()
        let queued = try await tote.order()
        let receipt = try await tote.cancel(queued.order)
        #expect(receipt == queued.receipt)
        #expect(try await tote.receipt(receipt)?.state == .withdrawn)
        #expect(await tote.orders.isEmpty)
        #expect(await tote.teas == 2)
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.teas == 2)
        #expect(try await bed.server.counter().isEmpty)
        // The same lines can be ordered now.
        let again = try await tote.order()
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await bed.server.counter() == [again.order: "placed"])
    }

    @Test func `an order that was placed is cancelled by the server until the store begins`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.customer()
        let first = try await tote.order()
        #expect(try await tote.syncOnce().isComplete)
        let receipt = try await tote.cancel(first.order)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.settled(receipt).state == .accepted)
        #expect(await tote.orders.map(\.state) == [.cancelled])
        #expect(await tote.teas == 0, "what was ordered is not in the cart again")
        try await tote.cart().add("tea")
        let second = try await tote.order()
        #expect(try await tote.syncOnce().isComplete)
        try await bed.server.step(second.order, to: "preparing", version: 1)
        // The device has not heard of it yet.
        let late = try await tote.cancel(second.order)
        #expect(try await tote.syncOnce().isComplete)
        guard case .rejected(let why) = try await tote.settled(late).state else {
            Issue.record("cancelled")
            return
        }
        #expect(why.code == "step_not_allowed" && why.details["state"] == .text("preparing"))
        let shown = await tote.orders.first { $0.id == second.order }
        #expect(shown?.state == .preparing)
        await #expect { try await tote.cancel(second.order) } throws: {
            ($0 as? ToteError)?.rejection?.code == "step_not_allowed"
        }
        try await tote.checkIn(second.order, spot: "lot 3")
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.orders.first { $0.id == second.order }?.spot == "lot 3")
    }

    @Test func `a cancel made while the order waits on its way follows it`() async throws {
        let bed = try TestBed()
        let tote = try await bed.customer()
        let queued = try await tote.order()
        await bed.server.fail(.lost)
        await tote.start()
        _ = await first(of: tote.statusUpdates) { $0.isOffline }
        await tote.stop()
        let receipt = try await tote.cancel(queued.order)
        #expect(receipt != queued.receipt, "it may be with the server already")
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.settled(receipt).state == .accepted)
        #expect(try await bed.server.counter() == [queued.order: "cancelled"])
    }

    @Test func `a price that rose refuses the order, the lines are back, the catalogue is new`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.customer()
        #expect(try await tote.syncOnce().isComplete)
        try await bed.server.sell(teaAt: 350)
        let queued = try await tote.order()
        #expect(await tote.teas == 0)
        await tote.start()
        guard case .rejected(let why) = try await tote.settled(queued.receipt).state else {
            Issue.record("placed at the old price")
            return
        }
        #expect(why.code == "price_changed" && why.details["total"] == .int(700))
        #expect(await tote.teas == 2)
        #expect(await tote.orders.isEmpty)
        let catalog = await first(of: tote.catalogUpdates) { $0?.version == 2 }
        #expect(catalog != nil)
        #expect(try await tote.cart().quote(at: "s-1").total == 700)
        let again = try await tote.order()
        #expect(try await tote.settled(again.receipt).state == .accepted)
        #expect(try await bed.server.counter() == [again.order: "placed"])
        await tote.close()
    }

    @Test func `what is added after an offline order stays in the cart`() async throws {
        let bed = try TestBed()
        let (a, b) = (try await bed.customer("a"), try await bed.customer("b", teas: 0))
        for tote in [a, b] { #expect(try await tote.syncOnce().isComplete) }
        let queued = try await a.order()
        try await a.cart().add("tea")
        #expect(await a.teas == 1)
        // Row 9: the other device adds one at the same time.
        try await b.cart().add("tea")
        #expect(await b.teas == 3)
        for tote in [a, b, a] { #expect(try await tote.syncOnce().isComplete) }
        for tote in [a, b] {
            #expect(await tote.teas == 2)
            let order = try #require(await tote.orders.first)
            #expect(order.id == queued.order && order.state == .placed)
            #expect(order.lines.map(\.quantity) == [2])
        }
    }

    @Test(arguments: [false, true])
    func `a quantity that is set after an offline order stands beside what was ordered`(
        isRefused: Bool
    ) async throws {
        let bed = try TestBed()
        let tote = try await bed.customer()
        #expect(try await tote.syncOnce().isComplete)
        let queued = try await tote.order()
        try await tote.cart().setQuantity(3, of: "tea")
        #expect(await tote.teas == 3)
        try await tote.cart().setQuantity(4, of: "tea")
        #expect(await tote.teas == 4)
        if isRefused { try await bed.server.sell(teaAt: 350) }
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.orders.map(\.id) == (isRefused ? [] : [queued.order]))
        #expect(await tote.teas == (isRefused ? 6 : 4), "what was ordered is not lost")
    }

    @Test func `removing a line after an offline order keeps what comes back`() async throws {
        let bed = try TestBed()
        let tote = try await bed.customer()
        try await tote.cart().setNote("hot", of: "tea")
        #expect(try await tote.syncOnce().isComplete)
        try await tote.order()
        try await tote.cart().add("tea")
        try await tote.cart().remove("tea")
        #expect(await tote.teas == 0)
        try await bed.server.sell(teaAt: 350)
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.cart().value.lines.map(\.quantity) == [2])
        #expect(await tote.cart().value.lines.map(\.note) == ["hot"])
    }

    @Test func `another device sees the order, its steps, and orders the same again`()
        async throws
    {
        let bed = try TestBed()
        let (a, b) = (try await bed.customer("a"), try await bed.customer("b", teas: 0))
        let queued = try await a.order()
        #expect(try await a.syncOnce().isComplete)
        try await bed.server.step(queued.order, to: "confirmed", version: 1)
        try await bed.server.step(queued.order, to: "ready", version: 2)
        #expect(try await b.syncOnce().isComplete)
        let order = try #require(await b.orders.first)
        #expect(order.id == queued.order && order.state == .ready && order.version == 3)
        #expect(order.steps.map(\.state) == [.placed, .confirmed, .ready])
        #expect(order.steps.map(\.by) == ["customer", "till", "till"])
        #expect(try await b.reorder(queued.order) != nil)
        #expect(await b.teas == 2)
        let again = try await b.order()
        #expect(try await b.syncOnce().isComplete)
        #expect(try await a.syncOnce().isComplete)
        #expect(Set(await a.orders.map(\.id)) == [queued.order, again.order])
        await #expect { try await b.reorder(OrderID(high: 1, low: 1)) } throws: {
            ($0 as? ToteError)?.rejection?.code == "order_unknown"
        }
    }

    @Test func `two devices that order the same cart offline place it once`() async throws {
        let bed = try TestBed()
        let (a, b) = (try await bed.customer("a"), try await bed.customer("b", teas: 0))
        for tote in [a, b] { #expect(try await tote.syncOnce().isComplete) }
        let (first, second) = (try await a.order(), try await b.order())
        try await b.cart().add("cake")
        for tote in [a, b] { #expect(try await tote.syncOnce().isComplete) }
        guard case .rejected(let why) = try await b.settled(second.receipt).state else {
            Issue.record("ordered twice")
            return
        }
        #expect(why.code == "cart_already_ordered")
        #expect(why.details["order"] == .text(first.order.text))
        #expect(await b.cart().value.lines.map(\.name.sku) == ["cake"])
        #expect(try await bed.server.counter() == [first.order: "placed"])
    }

    @Test func `a guest's order joins the account once, with its id`() async throws {
        let bed = try TestBed()
        var tote = try await bed.customer("a", teas: 0)
        try await tote.signOut()
        #expect(await tote.catalog?.version == 1, "a guest orders by what the device knows")
        try await tote.cart().add("tea", quantity: 2)
        let queued = try await tote.order()
        await tote.close()
        tote = try bed.open()
        #expect(await tote.orders.map(\.id) == [queued.order])
        try await bed.signIn(tote)
        #expect(await tote.orders.map(\.state) == [.queued])
        #expect(await tote.teas == 0)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.settled(queued.receipt).state == .accepted)
        #expect(await tote.orders.map(\.state) == [.placed])
        #expect(await tote.teas == 0, "the guest's cells went with the order")
        try await tote.signOut()
        #expect(await tote.orders.isEmpty)
        try await bed.signIn(tote)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await bed.server.counter() == [queued.order: "placed"])
    }

    @Test func `a crash while a guest's order is taken in orders once`() async throws {
        let bed = try TestBed()
        var tote = try await bed.customer("a", teas: 0)
        try await tote.signOut()
        try await tote.cart().add("tea")
        let queued = try await tote.order()
        await tote.close()
        let name = try #require(bed.files("a").first { $0.hasPrefix("guest") })
        let guest = URL(filePath: bed.directory("a") + "/" + name)
        let kept = try Data(contentsOf: guest)
        tote = try bed.open()
        try await bed.signIn(tote)
        #expect(try await tote.syncOnce().isComplete)
        await tote.close()
        try kept.write(to: guest)
        let number = try #require(Int64(name.filter(\.isNumber)))
        try await unfinish(
            bed.directory("a") + "/installation.sqlite", customer: "ada", guest: number)
        tote = try bed.open()
        try await bed.signIn(tote)
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.orders.map(\.id) == [queued.order])
        #expect(try await bed.server.counter() == [queued.order: "placed"])
    }

    /// A copy sends the same change under the same name, or under another one after other edits.
    @Test(arguments: [false, true])
    func `a device that was copied with an order that waits places it once`(
        hasDiverged: Bool
    ) async throws {
        let bed = try TestBed()
        let tote = try await bed.customer()
        if hasDiverged { #expect(try await tote.syncOnce().isComplete) }
        let queued = try await tote.order()
        await tote.close()
        try FileManager.default.copyItem(atPath: bed.directory("a"), toPath: bed.directory("b"))
        let (a, b) = (try bed.open("a"), try bed.open("b"))
        for device in [a, b] { try await bed.signIn(device) }
        if hasDiverged {
            try await a.cart().add("cake")
            try await b.cart().add("cake", quantity: 2)
        }
        for device in [a, b, a, b] { #expect(try await device.syncOnce().isComplete) }
        for device in [a, b] {
            #expect(await device.orders.map(\.id) == [queued.order])
            #expect(await device.orders.map(\.state) == [.placed])
            #expect(await device.cart().value.quantity("cake") == (hasDiverged ? 3 : 0))
            #expect(await device.teas == 0)
        }
        #expect(try await bed.server.counter() == [queued.order: "placed"])
    }

    @Test func `a copy that orders lines under their former names orders none twice`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.customer()
        await tote.close()
        try FileManager.default.copyItem(atPath: bed.directory("a"), toPath: bed.directory("b"))
        let (a, b) = (try bed.open("a"), try bed.open("b"))
        for device in [a, b] { try await bed.signIn(device) }
        let first = try await a.order()
        #expect(try await a.syncOnce().isComplete)
        // The line has another name on the copy once it was told that it is one.
        let second = try await b.order()
        #expect(try await b.syncOnce().isComplete)
        guard case .rejected(let why) = try await b.settled(second.receipt).state else {
            Issue.record("ordered twice")
            return
        }
        #expect(why.code == "cart_already_ordered")
        #expect(why.details["order"] == .text(first.order.text))
        #expect(await b.teas == 0)
        #expect(try await bed.server.counter() == [first.order: "placed"])
    }

    @Test func `older orders are paged for, latest first, none lost and none twice`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.customer("a", teas: 0)
        for index in 0..<7 {
            try await tote.cart().add("tea")
            try await tote.order()
            // Some are placed at one moment.
            if index % 3 != 0 {
                #expect(try await tote.syncOnce().isComplete)
                bed.clock.advance(by: .seconds(60))
            }
        }
        #expect(try await tote.syncOnce().isComplete)
        var found: [Order] = []
        var before = bed.clock.milliseconds + 1
        while true {
            let page = try await tote.olderOrders(before: before, limit: 2)
            found += page.orders
            guard page.hasMore, let last = page.orders.last else { break }
            before = last.placedAt
        }
        #expect(found.count == 7 && Set(found.map(\.id)).count == 7)
        #expect(found.map(\.placedAt) == found.map(\.placedAt).sorted(by: >))
        #expect(Set(found) == Set(await tote.orders))
        try await tote.signOut()
        await #expect { try await tote.olderOrders(before: before) } throws: {
            ($0 as? ToteError)?.code == .signedOut
        }
    }

    @Test func `what cannot be ordered is refused on the device, with why`() async throws {
        let bed = try TestBed()
        let tote = try await bed.customer("a", teas: 0)
        func code(_ request: OrderRequest) async -> String? {
            do {
                _ = try await tote.cart().place(request)
                return nil
            } catch {
                return error.rejection?.code
            }
        }
        #expect(await code(OrderRequest(store: "s-1")) == "cart_empty")
        try await tote.cart().add("tea")
        #expect(await code(OrderRequest(store: "s-9")) == "store_unknown")
        let half = OrderRequest(store: "s-1", tenders: [Tender(.atCounter, 150)])
        #expect(await code(half) == "tenders_mismatch")
        let name = OrderRequest(store: "s-1", name: String(repeating: "x", count: 65))
        #expect(await code(name) == "intent_malformed")
        try await bed.server.sell(soldOut: ["tea"])
        try await tote.refreshCatalog()
        #expect(await code(OrderRequest(store: "s-1")) == "sold_out")
        #expect(await tote.unsentCount == 1)
        #expect(await tote.orders.isEmpty)
        #expect(await tote.teas == 1)
    }
}
