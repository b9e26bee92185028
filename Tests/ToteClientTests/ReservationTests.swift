import Testing
import ToteClient
import ToteTesting
import ToteCore

/// Reservations of devices: their end, their return, and what copies of a device make of them.
@Suite(.timeLimit(.minutes(5))) struct ReservationTests {
    private static let hour = Duration.seconds(3_600)

    @Test func `the same place again raises one reservation`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        let first = try await tote.reserved(100)
        #expect(try await tote.reserved(250) == first)
        #expect(await tote.points.here == 250)
        #expect(await tote.points.heldHere.count == 1)
        await bed.server.setDown(true)
        let other = try await tote.reserve(10, of: .card("EUR"))
        #expect(other.lease != first)
        #expect(try await tote.reserve(20, of: .card("EUR")).lease == other.lease)
        await #expect(throws: ToteError.self) { try await tote.reserve(0) }
    }

    @Test func `a reservation beyond the programme's share gives what it allows`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await tote.reserved(5_000)
        #expect(await tote.points.here == 800)
        #expect(await tote.points.available == 200)
        let more = try await tote.reserve(100, at: "s-1")
        _ = try await tote.syncOnce()
        #expect(try await tote.settled(more.receipt).state.code == "no_redeemer")
    }

    @Test func `a cautious device spends nothing near a reservation's end`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await tote.reserved(500)
        await bed.server.setDown(true)
        bed.clock.advance(by: Self.hour * 72 - .seconds(300))
        #expect(await tote.points.here == 500)
        try await tote.order(rewards: ["free-tea"])
        bed.clock.advance(by: .seconds(200))
        #expect(await tote.points.here == 0, "the last two minutes may be over at the server")
        try await tote.cart().add("tea")
        await #expect { try await tote.order(rewards: ["free-tea"]) } throws: {
            ToteError.code(of: $0) == "lease_expired"
        }
        // The order that was made in time is accepted within the grace.
        bed.clock.advance(by: Self.hour)
        await bed.server.setDown(false)
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.points.total == 900)
        #expect(await tote.points.here == 0)
        // Asked for again it is prolonged.
        _ = try await tote.reserved(400)
        #expect(await tote.points.here == 400)
    }

    @Test func `a wall clock that is set back or ahead changes nothing`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await tote.reserved(500)
        await bed.server.setDown(true)
        for years in [-10, 10] {
            bed.clock.wallSkewMilliseconds = Int64(years) * 365 * 86_400_000
            #expect(await tote.points.here == 500)
        }
        bed.clock.advance(by: Self.hour * 73)
        for years in [-10, 10] {
            bed.clock.wallSkewMilliseconds = Int64(years) * 365 * 86_400_000
            #expect(await tote.points.here == 0)
        }
    }

    @Test func `after a start without contact a device refuses near the end`() async throws {
        let bed = try TestBed()
        var tote = try await bed.member()
        _ = try await tote.reserved(500)
        await bed.server.setDown(true)
        bed.clock.advance(by: Self.hour * 40)
        await tote.close()
        bed.clock.reboot()
        tote = try bed.open()
        #expect(await tote.points.here == 500)
        try await tote.order(rewards: ["free-tea"])
        // 25 hours before the end by a wall clock that tells the truth.
        bed.clock.advance(by: Self.hour * 7)
        #expect(await tote.points.here == 400)
        // Twelve hours that nobody can vouch for.
        bed.clock.advance(by: Self.hour * 14)
        #expect(await tote.points.here == 0)
        // Set back, the wall clock does not make it earlier than was known.
        await tote.close()
        bed.clock.reboot()
        bed.clock.wallSkewMilliseconds = -10 * 365 * 86_400_000
        tote = try bed.open()
        bed.clock.advance(by: Self.hour * 61)
        #expect(await tote.points.here == 0, "61 h after the last contact at the least")
        bed.clock.wallSkewMilliseconds = 0
        await bed.server.setDown(false)
        try await bed.signIn(tote)
        #expect(try await tote.syncOnce().isComplete)
    }

    @Test func `what the server asks back is returned when nothing spends it`() async throws {
        let bed = try TestBed()
        let phone = try await bed.member(points: 1_000)
        _ = try await phone.reserved(800)
        let tablet = try await bed.device("tablet")
        _ = try await tablet.syncOnce()
        try await tablet.refreshCatalog()
        await tablet.start()
        _ = await first(of: tablet.statusUpdates) { $0.isUpToDate }
        #expect(await tablet.points.available == 200)
        try await tablet.cart().setQuantity(4, of: "tea")
        await #expect { try await tablet.order(rewards: ["dear"]) } throws: {
            ToteError.code(of: $0) == "balance_too_low"
        }
        // The tablet does not know yet that the rest was spent elsewhere.
        await tablet.stop()
        await phone.keepReady(points: 500)
        await phone.start()
        _ = await first(of: phone.statusUpdates) { $0.isUpToDate }
        let order = try await bed.server.spendBeyond(900)
        #expect(order == "balance_too_low")
        _ = await first(of: phone.pointsUpdates) { $0.available == 1_000 }
        #expect(await phone.points.here == 0, "another device needs them now")
        #expect(try await bed.server.ledgerFaults() == [])
        await phone.close()
        await tablet.close()
    }

    @Test func `points are kept ready while in touch, and no more is asked for than there is`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.member()
        await tote.keepReady(points: 300)
        await tote.start()
        _ = await first(of: tote.pointsUpdates) { $0.here == 300 }
        #expect(await tote.points.available == 700)
        try await tote.cart().setQuantity(4, of: "tea")
        bed.clock.advance(by: .seconds(700))
        // 200 are left, which is more than half.
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        let placed = try await tote.order(rewards: ["free-tea"])
        #expect(try await tote.settled(placed.receipt).state == .accepted)
        _ = await first(of: tote.pointsUpdates) { $0.total == 900 }
        #expect(await tote.points.here == 200)
        try await tote.cart().setQuantity(4, of: "tea")
        try await tote.order(rewards: ["free-tea"])
        _ = await first(of: tote.pointsUpdates) { $0.here == 300 && $0.total == 800 }
        #expect(try await tote.receipts().allSatisfy { $0.state.code == nil })
        await tote.close()
    }

    @Test func `what is kept ready is prolonged before it ends, once`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        await tote.keepReady(points: 300)
        await tote.start()
        _ = await first(of: tote.pointsUpdates) { $0.here == 300 }
        let until = await tote.points.heldHere[0].until
        await tote.stop()
        bed.clock.advance(by: Self.hour * 49)
        await tote.start()
        let points = await first(of: tote.pointsUpdates) { ($0.heldHere.first?.until ?? 0) > until }
        #expect(points?.here == 300)
        let asked = try await tote.receipts().count { $0.label == "keep points ready" }
        #expect(asked == 2)
        await tote.close()
    }

    @Test func `a device's copy seals what it holds when it takes a new id`() async throws {
        let bed = try TestBed()
        let phone = try await bed.member()
        _ = try await phone.reserved(500)
        let queued = try await phone.order(rewards: ["free-tea"])
        await phone.close()
        try bed.copy("a", to: "b")
        let original = try bed.open("a")
        try await bed.signIn(original)
        #expect(try await original.syncOnce().isComplete)
        let copy = try bed.open("b")
        #expect(await copy.points.here == 400, "nobody knows yet that it is a copy")
        try await copy.cart().add("tea")
        let other = try await copy.order(rewards: ["free-tea"])
        try await bed.signIn(copy)
        #expect(try await copy.syncOnce().isComplete)
        #expect(await copy.points.here == 0)
        #expect(try await copy.settled(queued.receipt).state == .accepted)
        #expect(try await copy.settled(other.receipt).state == .accepted, "the lease still pays")
        try await copy.cart().add("tea")
        await #expect(throws: ToteError.self) { try await copy.order(rewards: ["free-tea"]) }
        #expect(try await bed.server.ledgerFaults() == [])
        _ = try await original.syncOnce()
        #expect(await original.points.total == 800)
    }

    @Test func `a lost device's reservation is given back from another`() async throws {
        let bed = try TestBed()
        let phone = try await bed.member()
        let lease = try await phone.reserved(500)
        await phone.close()
        let tablet = try await bed.device("tablet")
        _ = try await tablet.syncOnce()
        #expect(await tablet.points.heldElsewhere.map(\.id) == [lease])
        let receipt = try await tablet.release(lease)
        _ = try await tablet.syncOnce()
        #expect(try await tablet.settled(receipt).state == .accepted)
        #expect(await tablet.points.available == 1_000)
        await #expect { try await tablet.release(lease) } throws: {
            ToteError.code(of: $0) == "lease_unknown"
        }
    }

    @Test func `what has ended is given back while in touch`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await tote.reserved(500)
        bed.clock.advance(by: Self.hour * 73)
        await tote.start()
        _ = await first(of: tote.pointsUpdates) { $0.available == 1_000 }
        #expect(await tote.points.heldHere.isEmpty)
        await tote.close()
    }

    @Test func `a reservation that waits to be given back is not spent`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        let lease = try await tote.reserved(500)
        await bed.server.setDown(true)
        try await tote.release(lease)
        #expect(await tote.points.here == 0)
        await #expect(throws: ToteError.self) { try await tote.order(rewards: ["free-tea"]) }
        await bed.server.setDown(false)
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.points.available == 1_000)
    }
}
