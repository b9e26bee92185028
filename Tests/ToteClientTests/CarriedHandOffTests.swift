import Testing
import ToteClient
import ToteTesting
import ToteCore

/// Hand-offs of phones without a network: the code carries the cart.
@Suite(.timeLimit(.minutes(5))) struct CarriedHandOffTests {
    private let bed: TestBed
    private let phone: Tote
    private let tablet: Tote

    init() async throws {
        bed = try TestBed()
        phone = try await bed.member("phone")
        tablet = try bed.open("tablet")
    }

    private func join(_ code: String, _ device: Tote? = nil) async throws {
        let secret = try await bed.server.staff()
        try await (device ?? tablet).joinHandOff(code, at: "s-1", transport: bed.server) {
            AccessToken(secret)
        }
    }

    @Test func `in a dead spot the code carries the cart, and nothing doubles afterwards`()
        async throws
    {
        await bed.server.setDown(true)
        let receipt = try #require(try await phone.cart().add("tea", quantity: 3))
        try await phone.wishlist("friends").add("cake")
        let offer = try await phone.offerHandOff()
        #expect(offer.code == nil && offer.text.hasPrefix("TOTE.H1."))
        #expect(offer.qrCode.size > 20)
        // It may be on its way now.
        await #expect(throws: ToteError.self) { try await phone.withdraw(receipt) }
        await bed.server.setDown(false)
        try await join(offer.text)
        #expect(try await tablet.syncOnce().isComplete)
        #expect(await tablet.cart().value.quantity("tea") == 5)
        try await tablet.cart().add("tea")
        _ = try await tablet.syncOnce()
        // The phone adds one more in its dead spot, and then comes back.
        try await phone.cart().add("tea")
        #expect(try await phone.syncOnce().unsentCount == 0)
        _ = try await tablet.syncOnce()
        #expect(await phone.cart().value.quantity("tea") == 7)
        #expect(await tablet.cart().value.quantity("tea") == 7)
        #expect(try await phone.settled(receipt).state == .accepted)
        #expect(try await bed.server.judged("ada").values.allSatisfy { $0 == 1 })
        #expect(try await phone.receipts().allSatisfy { $0.state == .accepted })
        // It is no copy of itself for that.
        #expect(await phone.handOffs.first?.state == .joined)
    }

    @Test
    func `an app that was just started offers without a network, though nobody gives a token`()
        async throws
    {
        try await phone.cart().add("tea")
        await phone.close()
        let again = try bed.open("phone")
        await bed.server.setDown(true)
        try await again.signIn(customer: "ada", transport: bed.server) {
            throw TestServer.Offline()
        }
        let offer = try await again.offerHandOff()
        #expect(offer.code == nil)
        await bed.server.setDown(false)
        try await join(offer.text)
        _ = try await tablet.syncOnce()
        #expect(await tablet.cart().value.quantity("tea") == 3)
    }

    @Test func `an order that was queued is placed through the tablet, once`() async throws {
        try await phone.refreshCatalog()
        await bed.server.setDown(true)
        let order = try await phone.cart().place(OrderRequest(store: "s-1"))
        let offer = try await phone.offerHandOff()
        await bed.server.setDown(false)
        try await join(offer.text)
        #expect(try await bed.server.counter()[order.order] == "placed")
        #expect(try await phone.syncOnce().unsentCount == 0)
        #expect(try await phone.settled(order.receipt).state == .accepted)
        #expect(await phone.orders.count == 1)
        #expect(await phone.cart().value.lines.isEmpty)
        #expect(try await bed.server.counter().count == 1)
    }

    @Test func `a batch under way and what came behind it fit into one code`() async throws {
        // The first came in, and the phone was not told.
        await bed.server.fail(.replyLost)
        try await phone.cart().add("tea")
        let report = try await bed.passing { try await phone.syncOnce(deadline: .milliseconds(40)) }
        #expect(!report.isComplete)
        await bed.server.setDown(true)
        try await phone.cart().add("tea", quantity: 4)
        let offer = try await phone.offerHandOff()
        await bed.server.setDown(false)
        try await join(offer.text)
        _ = try await tablet.syncOnce()
        #expect(await tablet.cart().value.quantity("tea") == 7)
        #expect(try await phone.syncOnce().unsentCount == 0)
        #expect(await phone.cart().value.quantity("tea") == 7)
        #expect(try await bed.server.judged("ada").values.allSatisfy { $0 == 1 })
    }

    @Test func `too much for a code, a guest's phone and one that does not know the time`()
        async throws
    {
        func refusal(_ tote: Tote) async -> String? {
            do {
                _ = try await tote.carryHandOff()
                return nil
            } catch { return error.code.rawValue }
        }
        #expect(await refusal(tablet) == "signed_out")
        let stranger = try await bed.device("b", "bob")
        #expect(await refusal(stranger) == "not_found")
        for number in 0..<60 {
            try await phone.cart().add("tea", options: ["a": "\(number)"])
        }
        let before = try await phone.receipts()
        #expect(await refusal(phone) == "limit")
        #expect(try await phone.receipts() == before, "what was not carried can be withdrawn")
        _ = try await phone.syncOnce()
        #expect(await refusal(phone) == nil)
        await phone.close()
        bed.clock.reboot()
        let again = try bed.open("phone")
        try await bed.signIn(again)
        #expect(await refusal(again) == "not_found")
    }

    /// Phones that edit, sync over a bad network and hand off again and again.
    @Test(arguments: 1..<41 as Range<UInt64>)
    func `whatever is carried, sent and lost in between, each change counts once`(
        seed: UInt64
    ) async throws {
        let clock = TestClock(seed: seed)
        let random = Draws(clock: clock)
        var expected: Int64 = 2
        var tablets: [Tote] = []
        for step in 0..<12 {
            switch random.below(5) {
            case 0, 1:
                let amount = 1 + Int64(random.below(3))
                try await phone.cart().add("tea", quantity: Int(amount))
                expected += amount
            case 2:
                await bed.server.fail([.lost, .replyLost][random.below(2)])
                _ = try await bed.passing {
                    try await phone.syncOnce(deadline: .milliseconds(10))
                }
            case 3:
                let offer = try await phone.carryHandOff()
                guard tablets.count < 4 else { continue }
                let device = try bed.open("tablet-\(step)")
                try await join(offer.text, device)
                tablets.append(device)
                // Shown again, to the same and to another.
                let other = try bed.open("other-\(step)")
                await #expect(throws: ToteError.self) { try await join(offer.text, other) }
            default:
                guard let device = tablets.last else { continue }
                try await device.cart().add("tea")
                expected += 1
                _ = try await device.syncOnce()
            }
        }
        #expect(try await phone.syncOnce().unsentCount == 0)
        _ = try await phone.syncOnce()
        #expect(await phone.cart().value.quantity("tea") == expected)
        for device in tablets {
            _ = try await device.syncOnce()
            #expect(await device.cart().value.quantity("tea") == expected)
        }
        #expect(try await bed.server.judged("ada").values.allSatisfy { $0 == 1 })
        #expect(try await bed.server.ledgerFaults() == [])
    }

    private struct Draws {
        let clock: TestClock

        func below(_ bound: Int) -> Int { Int(clock.draw() % UInt64(bound)) }
    }
}
