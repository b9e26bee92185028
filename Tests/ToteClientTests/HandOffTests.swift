import Foundation
import Testing
import ToteClient
import ToteTesting
import ToteCore
import ToteSQLite

/// A customer goes on at a store's tablet: their phone, the tablet, and what is between them.
@Suite(.timeLimit(.minutes(5))) struct HandOffTests {
    private let bed: TestBed
    private let phone: Tote
    private let tablet: Tote

    init() async throws {
        bed = try TestBed()
        phone = try await bed.member("phone")
        tablet = try bed.open("tablet")
    }

    /// A network that loses the answer to the first request.
    private actor LosesOne: Transport {
        let server: TestServer
        var hasLost = false

        init(_ server: TestServer) { self.server = server }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            let response = try await server.send(request)
            guard hasLost else {
                hasLost = true
                throw TestServer.Offline()
            }
            return response
        }
    }

    @discardableResult
    private func join(
        _ code: String, _ device: Tote? = nil, over transport: (any Transport)? = nil
    ) async throws -> JoinedHandOff {
        let secret = try await bed.server.staff()
        return try await (device ?? tablet).joinHandOff(
            code, at: "s-1", transport: transport ?? bed.server
        ) { AccessToken(secret) }
    }

    /// Offers and joins, and has the cart.
    @discardableResult
    private func joined(for duration: Duration = .seconds(1_800)) async throws -> HandOff.ID {
        let offer = try await phone.offerHandOff(for: duration)
        try await join(offer.text)
        #expect(try await tablet.syncOnce().isComplete)
        return offer.id
    }

    private func syncAll() async throws {
        for tote in [phone, tablet, phone] { _ = try? await tote.syncOnce() }
    }

    @Test func `both see what either does, and the guest's own stays the guest's`() async throws {
        try await tablet.cart().add("cake", quantity: 9)
        let id = try await joined()
        #expect(await tablet.cart().value.quantity("tea") == 2)
        #expect(await tablet.cart().value.quantity("cake") == 0, "what a guest left on the tablet")
        try await tablet.cart().add("tea", quantity: 3)
        try await tablet.wishlist("friends").add("cake")
        try await phone.cart().add("tea")
        try await syncAll()
        for tote in [phone, tablet] {
            #expect(await tote.cart().value.quantity("tea") == 6)
            #expect(await tote.wishlist("friends").value.entries.count == 1)
        }
        let seen = try #require(await phone.handOffs.first)
        #expect(seen.id == id && seen.state == .joined)
        #expect(seen.store == "s-1" && seen.device == "till")
        #expect(await tablet.points.total == 0)
        #expect(await tablet.memberCode() == nil, "the customer's codes are their own")
        #expect(
            try await tablet.leaveHandOff() == EndedHandOff(id: id, reason: .left, lostCount: 0))
        #expect(await tablet.cart().value.quantity("cake") == 9)
        _ = try await phone.syncOnce()
        #expect(await phone.cart().value.quantity("tea") == 6)
        #expect(await phone.handOffs.first?.end == .left)
        #expect(try await bed.server.ledgerFaults() == [])
    }

    @Test func `live on both, and gone at once when the customer ends it`() async throws {
        let id = try await joined()
        await phone.start()
        await tablet.start()
        try await phone.cart().add("cake", quantity: 4)
        _ = await first(of: tablet.cart().updates) { $0.quantity("cake") == 4 }
        #expect(try bed.isOn("tablet", "cake"))
        try await phone.endHandOff(id)
        let end = await first(of: tablet.endedHandOffUpdates) { $0 != nil }
        #expect(end == EndedHandOff(id: id, reason: .revoked, lostCount: 0))
        #expect(await tablet.joinedHandOff == nil)
        #expect(await tablet.cart().value.lines.isEmpty)
        #expect(try !bed.isOn("tablet", "cake") && !bed.isOn("tablet", "customer:ada"))
        await phone.stop()
    }

    @Test func `what it holds is erased when its time is over, also without a network`()
        async throws
    {
        let id = try await joined(for: .seconds(600))
        await bed.server.setDown(true)
        try await tablet.cart().add("cake")
        // Nobody gets more time by setting a clock.
        bed.clock.wallSkewMilliseconds = -86_400_000
        bed.clock.advance(by: .seconds(599))
        #expect(await tablet.joinedHandOff?.id == id)
        #expect(try bed.isOn("tablet", "tea"))
        bed.clock.advance(by: .seconds(1))
        let end = await first(of: tablet.endedHandOffUpdates) { $0 != nil }
        #expect(end == EndedHandOff(id: id, reason: .over, lostCount: 1))
        #expect(try !bed.isOn("tablet", "tea") && !bed.isOn("tablet", "customer:ada"))
        #expect(try bed.files("tablet").allSatisfy { !$0.hasPrefix("account-") })
    }

    @Test func `it goes on after a restart of the app, and not after its time`() async throws {
        let id = try await joined(for: .seconds(600))
        try await tablet.cart().add("cake")
        await tablet.close()
        var again = try bed.open("tablet")
        #expect(await again.joinedHandOff?.id == id)
        #expect(await again.cart().value.quantity("cake") == 1)
        try await again.resumeHandOff(transport: bed.server)
        #expect(try await again.syncOnce().isComplete)
        _ = try await phone.syncOnce()
        #expect(await phone.cart().value.quantity("cake") == 1)
        try await again.cart().add("cake")
        await again.close()
        bed.clock.advance(by: .seconds(600))
        again = try bed.open("tablet")
        #expect(await again.endedHandOff == EndedHandOff(id: id, reason: .over, lostCount: 1))
        #expect(await again.joinedHandOff == nil)
        #expect(await again.cart().value.lines.isEmpty)
        #expect(try !bed.isOn("tablet", "tea"))
        #expect(
            await refusal { try await again.resumeHandOff(transport: bed.server) } == "not_found")
    }

    @Test func `a tablet that was started anew holds nothing`() async throws {
        try await joined()
        await tablet.close()
        bed.clock.reboot()
        let again = try bed.open("tablet")
        #expect(await again.joinedHandOff == nil)
        #expect(try !bed.isOn("tablet", "tea"))
    }

    @Test func `an end that a crash cut off is brought to its end`() async throws {
        try await joined()
        await tablet.close()
        // As it stands between giving back and removing the file.
        let path = bed.directory("tablet") + "/installation.sqlite"
        try Database(path: path).execute(
            "UPDATE borrowed SET ended = 1; UPDATE state SET account = ''")

        #expect(try bed.isOn("tablet", "tea"))
        let again = try bed.open("tablet")
        #expect(await again.joinedHandOff == nil)
        #expect(try !bed.isOn("tablet", "tea"))
    }

    @Test func `points and orders once the customer allows it on the phone`() async throws {
        let id = try await joined()
        try await tablet.refreshCatalog()
        var request = OrderRequest(store: "s-1")
        request.name = "Ada"
        let refused = try await tablet.cart().place(request)
        try await syncAll()
        let receipt = try await tablet.settled(refused.receipt)
        guard case .rejected(let rejection) = receipt.state else {
            Issue.record("\(receipt)")
            return
        }
        #expect(rejection.code == "not_allowed")
        try await phone.allowPoints(in: id)
        _ = try await tablet.syncOnce()
        #expect(await tablet.joinedHandOff?.allowsPoints == true)
        #expect(await tablet.points.available == 1_000)
        let placed = try await tablet.cart().place(request)
        try await syncAll()
        #expect(try await tablet.settled(placed.receipt).state == .accepted)
        #expect(await phone.orders.first?.id == placed.order)
        #expect(await phone.cart().value.lines.isEmpty)
    }

    @Test func `an answer that was lost is asked for again`() async throws {
        let offer = try await phone.offerHandOff()
        let transport = LosesOne(bed.server)
        let refused1 = await refusal { try await join(offer.text, over: transport) }
        #expect(refused1 == "server")
        #expect(await tablet.joinedHandOff == nil)
        try await join(offer.text, over: transport)
        #expect(try await tablet.syncOnce().isComplete)
        #expect(await tablet.cart().value.quantity("tea") == 2)
        // And by another tablet it is not to be had.
        let other = try bed.open("other")
        let refused2 = await refusal { try await join(offer.text, other) }
        #expect(refused2 == "handoff_taken")
    }

    @Test func `what cannot be is said, and nothing is lost of it`() async throws {
        let refused3 = await refusal { try await join("ACDEFG") }
        #expect(refused3 == "wrong_code")
        #expect(
            await refusal { try await phone.offerHandOff(for: .seconds(59)) } == "invalid_argument")
        let refused4 = await refusal { try await tablet.offerHandOff() }
        #expect(refused4 == "signed_out")
        let refused5 = await refusal { try await tablet.leaveHandOff() }
        #expect(refused5 == "not_found")
        let offer = try await phone.offerHandOff()
        let refused6 = await refusal { try await join(offer.text, phone) }
        #expect(refused6 == "invalid_argument")
        let refused7 = await refusal { try await phone.allowPoints(in: offer.id) }
        #expect(refused7 == "handoff_ended")
        try await join(offer.text)
        let refused8 = await refusal { try await join(offer.text) }
        #expect(refused8 == "invalid_argument")
        let refused9 = await refusal { try await bed.signIn(tablet, "bob") }
        #expect(refused9 == "invalid_argument")
        let refused10 = await refusal { try await tablet.offerHandOff() }
        #expect(refused10 == "signed_out")
        #expect(await tablet.joinedHandOff?.id == offer.id)
        // Signing out of a hand-off is leaving it.
        try await tablet.signOut()
        #expect(await tablet.joinedHandOff == nil)
        try await bed.signIn(tablet, "bob")
    }

    @Test func `leaving without a network says what was lost`() async throws {
        let id = try await joined()
        await bed.server.setDown(true)
        try await tablet.cart().add("cake")
        try await tablet.cart().add("cake")
        let left = try await bed.passing {
            try await tablet.leaveHandOff(deadline: .milliseconds(100))
        }
        #expect(left == EndedHandOff(id: id, reason: .left, lostCount: 2))
        #expect(try !bed.isOn("tablet", "tea"))
    }

    /// A network that lets so many requests through, and then none.
    private actor Fades: Transport {
        let server: TestServer
        var left: Int

        init(_ server: TestServer, after count: Int) {
            self.server = server
            left = count
        }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            guard left > 0 else { throw TestServer.Offline() }
            left -= 1
            return try await server.send(request)
        }
    }

    @Test func `one refusal is enough to erase, with no second contact`() async throws {
        let offer = try await phone.offerHandOff()
        // Joins, pulls, and hears of the end: after that nothing comes through.
        try await join(offer.text, over: Fades(bed.server, after: 3))
        #expect(try await tablet.syncOnce().isComplete)
        try await phone.endHandOff(offer.id)
        _ = try? await tablet.syncOnce()
        #expect(await tablet.endedHandOff?.reason == .revoked)
        #expect(try !bed.isOn("tablet", "tea") && !bed.isOn("tablet", "customer:ada"))
    }

    @Test func `an end that is told beside the sync erases, too`() async throws {
        let id = try await joined()
        try await phone.endHandOff(id)
        try? await tablet.refreshCatalog()
        #expect(await tablet.endedHandOff?.reason == .revoked)
        #expect(try !bed.isOn("tablet", "tea"))
    }

    /// A network on which the catalogue is answered when a test says so.
    private actor HoldsCatalog: Transport {
        let server: TestServer
        var held: CheckedContinuation<Void, Never>?

        init(_ server: TestServer) { self.server = server }

        var isHeld: Bool { held != nil }

        func release() {
            held?.resume()
            held = nil
        }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            if request.path == "/v1/catalog" {
                await withCheckedContinuation { held = $0 }
            }
            return try await server.send(request)
        }
    }

    @Test func `the late end of one hand-off leaves the next alone`() async throws {
        let slow = HoldsCatalog(bed.server)
        let first = try await phone.offerHandOff()
        try await join(first.text, over: slow)
        let asking = Task { [tablet] in try? await tablet.refreshCatalog() }
        while await !slow.isHeld { await Task.yield() }
        try await phone.endHandOff(first.id)
        _ = try? await tablet.syncOnce()
        #expect(await tablet.endedHandOff?.id == first.id)
        let second = try await joined()
        try await tablet.cart().add("cake")
        // Now the first one's token is refused.
        await slow.release()
        _ = await asking.value
        #expect(await tablet.joinedHandOff?.id == second)
        #expect(await tablet.cart().value.quantity("cake") == 1)
    }

    @Test func `a scanner that reads twice joins once`() async throws {
        let offer = try await phone.offerHandOff()
        async let first = refusal { try await join(offer.text) }
        async let second = refusal { try await join(offer.text) }
        #expect(Set([await first, await second]) == [nil, "invalid_argument"])
        #expect(try await tablet.syncOnce().isComplete)
        #expect(await tablet.cart().value.quantity("tea") == 2)
    }

    @Test func `who was leaving when the app was killed has left`() async throws {
        try await joined()
        await bed.server.setDown(true)
        try await tablet.cart().add("cake")
        // It tries to send first; the process ends meanwhile.
        let leaving = Task { [tablet] in try await tablet.leaveHandOff(deadline: .seconds(10)) }
        while bed.clock.sleeperCount < 2 { await Task.yield() }
        try bed.copy("tablet", to: "killed")
        let again = try bed.open("killed")
        #expect(await again.joinedHandOff == nil)
        #expect(await again.cart().value.lines.isEmpty)
        #expect(try !bed.isOn("killed", "tea"))
        bed.clock.advance(by: .seconds(20))
        _ = try await leaving.value
    }

    @Test func `a code is asked for again in another spelling`() async throws {
        let offer = try await phone.offerHandOff()
        let typed = offer.text.prefix(3).lowercased() + " " + offer.text.suffix(3)
        let transport = LosesOne(bed.server)
        let lost = await refusal { try await join(typed, over: transport) }
        #expect(lost == "server")
        try await join(offer.text, over: transport)
        #expect(await tablet.joinedHandOff?.id == offer.id)
    }

    @Test func `a directory of an earlier release opens, and can borrow`() async throws {
        try await tablet.cart().add("cake")
        await tablet.close()
        let path = bed.directory("tablet") + "/installation.sqlite"
        try Database(path: path).execute(
            "DROP TABLE borrowed; DROP TABLE claims; DROP TABLE keys; DROP TABLE removals; "
                + "DROP TABLE shares; "
                + "ALTER TABLE adoptions DROP COLUMN policy; "
                + "PRAGMA user_version=1")

        let again = try bed.open("tablet")
        #expect(await again.cart().value.quantity("cake") == 1)
        let offer = try await phone.offerHandOff()
        try await join(offer.text, again)
        #expect(try await again.syncOnce().isComplete)
        #expect(await again.cart().value.quantity("tea") == 2)
    }
}
