import Testing
import ToteClient
import ToteTesting
import ToteCore

/// Points and stored value that a device spends with orders, with and without a network.
@Suite(.timeLimit(.minutes(5))) struct SpendTests {
    @Test func `a balance tells what is available, held here and held elsewhere`() async throws {
        let bed = try TestBed()
        let phone = try await bed.member(card: 700)
        #expect(await phone.points.available == 1_000)
        #expect(await phone.card("EUR").available == 700)
        let lease = try await phone.reserved(300)
        let tablet = try await bed.device("tablet")
        _ = try await tablet.reserved(200)
        _ = try await bed.server.nameRedeemer()
        let till = try await Redeemer(
            directory: bed.directory("till"), store: "s-1", clock: bed.clock.device())
        await till.close()
        _ = try await phone.syncOnce()
        let points = await phone.points
        #expect(points.available == 500 && points.here == 300 && points.spendable == 800)
        #expect(points.heldHere.map(\.id) == [lease] && points.heldHere[0].units == 300)
        #expect(points.heldElsewhere.map(\.place) == [.otherDevice])
        #expect(points.heldElsewhere[0].units == 200 && points.total == 1_000)
        #expect(points.heldHere[0].until > bed.clock.milliseconds)
        #expect(points.pending == 0 && points.debt == 0)
        #expect(await phone.ledger.first?.kind == .lease)
        let grants = await phone.ledger.filter { $0.kind == .grant }
        #expect(grants.map(\.units).sorted() == [700, 1_000])
    }

    @Test func `points are spent offline within what is reserved, and no further`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await tote.reserved(250)
        await bed.server.setDown(true)
        let queued = try await tote.order(rewards: ["free-tea"])
        #expect(await tote.points.here == 150)
        #expect(await tote.orders[0].tenders.map(\.kind) == [.points, .atCounter])
        #expect(await tote.orders[0].tenders.map(\.amount) == [300, 300])
        try await tote.cart().add("tea", quantity: 2)
        // Both together would need 250, and 100 of them are spoken for.
        await #expect { try await tote.order(rewards: ["two-off", "free-tea"]) } throws: {
            ToteError.code(of: $0) == "balance_too_low"
        }
        #expect(await tote.points.here == 150, "a refused order spends nothing")
        let second = try await tote.order(rewards: ["two-off"])
        #expect(await tote.points.here == 0)
        await bed.server.setDown(false)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.settled(queued.receipt).state == .accepted)
        #expect(try await tote.settled(second.receipt).state == .accepted)
        #expect(await tote.points.total == 750)
        #expect(await tote.points.available == 750)
        #expect(try await bed.server.account().available == 750)
        #expect(try await bed.server.ledgerFaults() == [])
    }

    @Test func `without a reservation nothing is spent offline, and all of it in touch`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.member()
        await #expect { try await tote.order(rewards: ["free-tea"]) } throws: {
            ToteError.code(of: $0) == "balance_too_low"
        }
        await tote.start()
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        let queued = try await tote.order(rewards: ["free-tea"])
        #expect(try await tote.settled(queued.receipt).state == .accepted)
        _ = await first(of: tote.pointsUpdates) { $0.available == 900 }
        await tote.close()
    }

    @Test func `in touch a spend draws on the reservation and on what is available`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.member(points: 1_000)
        _ = try await tote.reserved(60)
        await tote.start()
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        try await tote.cart().setQuantity(4, of: "tea")
        let queued = try await tote.order(rewards: ["dear"])
        #expect(try await tote.settled(queued.receipt).state == .accepted)
        _ = await first(of: tote.pointsUpdates) { $0.total == 100 }
        #expect(await tote.points.here == 0)
        #expect(try await bed.server.ledgerFaults() == [])
        await tote.close()
    }

    @Test func `a lost reply spends once`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await tote.reserved(250)
        let queued = try await tote.order(rewards: ["free-tea"])
        await bed.server.fail(.replyLost, .lost, .replyLost)
        await tote.start()
        for _ in 0..<3 {
            _ = await first(of: tote.statusUpdates) { $0.isOffline }
            #expect(await tote.points.here == 150)
            await tote.networkMayBeBack()
        }
        #expect(try await tote.settled(queued.receipt).state == .accepted)
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        #expect(await tote.points.here == 150)
        #expect(await tote.points.total == 900)
        #expect(try await bed.server.account().available == 750)
        await tote.close()
    }

    @Test func `a rejected, a withdrawn and a cancelled order give the points back`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await tote.reserved(300)
        let withdrawn = try await tote.order(rewards: ["free-tea"])
        #expect(await tote.points.here == 200)
        try await tote.cancel(withdrawn.order)
        #expect(await tote.points.here == 300)
        // The price rises before the next one arrives.
        let rejected = try await tote.order(rewards: ["free-tea"])
        try await bed.server.sell(teaAt: 400, programme: TestServer.programme)
        _ = try await tote.syncOnce()
        #expect(try await tote.settled(rejected.receipt).state.code == "price_changed")
        #expect(await tote.points.here == 300)
        #expect(await tote.points.total == 1_000)
        try await tote.refreshCatalog()
        let placed = try await tote.order(rewards: ["free-tea"])
        _ = try await tote.syncOnce()
        #expect(await tote.points.here == 200)
        #expect(await tote.points.total == 900)
        try await tote.cancel(placed.order)
        _ = try await tote.syncOnce()
        #expect(await tote.points.total == 1_000)
        #expect(try await bed.server.ledgerFaults() == [])
    }

    @Test func `the card pays what is asked for, all of it, and no more than is due`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.member(card: 1_000)
        _ = try await tote.reserved(500, of: .card("EUR"))
        await bed.server.setDown(true)
        try await tote.order(card: .all)
        #expect(await tote.orders[0].tenders.map(\.amount) == [500, 100])
        #expect(await tote.orders[0].tenders.map(\.kind) == [.card, .atCounter])
        #expect(await tote.card("EUR").here == 0)
        #expect(await tote.card("EUR").available == 500)
        try await tote.cart().add("tea")
        await #expect { try await tote.order(card: 200) } throws: {
            ToteError.code(of: $0) == "balance_too_low"
        }
        await bed.server.setDown(false)
        #expect(try await tote.syncOnce().isComplete)
        _ = try await tote.reserved(400, of: .card("EUR"))
        try await tote.order(rewards: [], card: 9_999)
        #expect(await tote.orders.first { $0.state == .queued }?.tenders.map(\.amount) == [300])
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await bed.server.account(.card("EUR")).available == 100)
        #expect(try await bed.server.ledgerFaults() == [])
    }

    @Test func `a reward that is not there, or has nothing to pay, is refused`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member(teas: 0)
        _ = try await tote.reserved(500)
        try await tote.cart().add("cake")
        for reward in ["no-such", "free-tea"] {
            await #expect { try await tote.order(rewards: [reward]) } throws: {
                ToteError.code(of: $0) == "reward_unknown"
            }
        }
        try await tote.cart().clear()
        try await tote.cart().add("tea")
        await #expect { try await tote.order(rewards: ["free-tea", "two-off"]) } throws: {
            ToteError.code(of: $0) == "tenders_mismatch"
        }
        #expect(await tote.points.here == 500)
        let own = OrderRequest(store: "s-1", tenders: [Tender(.card, 300)])
        await #expect { try await tote.cart().place(own) } throws: {
            ($0 as? ToteError)?.code == .invalidArgument
        }
    }

    @Test func `what an order earns and which rewards are in reach is known offline`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.member(points: 160)
        _ = try await tote.reserved(120)
        await bed.server.setDown(true)
        #expect(try await tote.willEarn(at: "s-1") == 6)
        #expect(try await tote.willEarn(at: "s-1", rewards: ["free-tea"]) == 3)
        let rewards = try await tote.rewardsInReach(at: "s-1")
        #expect(rewards.map(\.reward.id) == ["free-tea", "two-off"])
        #expect(rewards.map(\.isReadyOffline) == [true, false])
        #expect(rewards.map(\.value) == [300, 200])
        #expect(await tote.tier == nil)
        #expect(await tote.programme?.rewards.count == 3)
    }

    @Test func `an account that is switched to spends nothing of the former one`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await tote.reserved(500)
        try await bed.signIn(tote, "bob")
        _ = try await tote.syncOnce()
        try await tote.refreshCatalog()
        #expect(await tote.points.total == 0)
        #expect(await tote.ledger.isEmpty)
        try await tote.cart().add("tea")
        await #expect { try await tote.order(rewards: ["free-tea"]) } throws: {
            ToteError.code(of: $0) == "balance_too_low"
        }
        try await bed.signIn(tote, "ada")
        #expect(await tote.points.here == 500)
    }

    @Test func `older entries are asked for`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await tote.reserved(100)
        let shown = await tote.ledger
        #expect(shown.map(\.kind) == [.lease, .grant])
        let older = try await tote.olderEntries(before: shown[0].id)
        #expect(older.entries == [shown[1]] && !older.hasMore)
    }
}
