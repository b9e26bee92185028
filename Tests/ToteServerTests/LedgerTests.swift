import Testing
import ToteCore
import ToteServer

/// Points and stored value as a customer and a till see them, over the server's own requests.
struct LedgerTests {
    private let shop: Shop
    private var phone = TestDevice(1)
    private var nonce: UInt64 = 1_000

    init() throws {
        shop = try Shop()
        try shop.useProgramme()
    }

    private mutating func push(_ intent: Intent) throws -> Rejection? {
        nonce += 1
        let change = shop.change(intent, nonce: nonce)
        guard let reply = try phone.push([change], to: shop.server).reply else {
            throw TestFailure("refused")
        }
        return reply.fates[0].rejection
    }

    private func summary(_ name: AccountName = .points) throws -> AccountSummary? {
        LedgerDocuments.accounts(in: try shop.server.documents()).first { $0.name == name }
    }

    private func leases() throws -> [LeaseRecord] {
        LedgerDocuments.leases(in: try shop.server.documents())
    }

    private func amount(_ units: Int64) throws -> Amount { try #require(Amount(units)) }

    /// An order of teas of which rewards and the card pay a part.
    private func order(
        _ quantity: Int64, rewards: [(id: String, points: Int64, value: Int64)] = [],
        card: Int64 = 0, right: LeaseRight? = nil, id: OrderID? = nil
    ) -> PlaceIntent {
        var place = shop.tea(quantity, id: id)
        place.tenders = rewards.map { reward in
            var tender = Tender(.points, reward.value)
            tender.reward = reward.id
            tender.points = reward.points
            tender.right = right
            return tender
        }
        if card > 0 {
            var tender = Tender(.card, card)
            tender.right = right
            place.tenders.append(tender)
        }
        let rest = place.total - place.tenders.reduce(0) { $0 + $1.amount }
        if rest > 0 { place.tenders.append(Tender(.atCounter, rest)) }
        return place
    }

    private func right(_ record: LeaseRecord) -> LeaseRight {
        LeaseRight(
            lease: record.id, granted: record.granted, stopAt: record.stopAt,
            certificate: record.certificate ?? "")
    }

    @Test mutating func `an order earns once, a minute after its hand-over`() throws {
        let place = order(2)
        #expect(try push(.place(place)) == nil)
        try shop.step(place.order, "ready")
        _ = try shop.call("POST", "s-1/handover", "{\"order\":\"\(place.order)\"}")
        try shop.server.runDue()
        #expect(try summary() == nil || summary()?.available == 0)
        shop.server.now += OrderState.undoMilliseconds + 2
        try shop.server.runDue()
        try shop.server.runDue()
        #expect(try summary()?.available == 60)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `a hand-over undone within the minute earns nothing`() throws {
        let place = order(2)
        #expect(try push(.place(place)) == nil)
        try shop.step(place.order, "ready")
        _ = try shop.call("POST", "s-1/handover", "{\"order\":\"\(place.order)\"}")
        _ = try shop.call("POST", "s-1/orders/\(place.order)/undo", "{}")
        shop.server.now += OrderState.undoMilliseconds + 2
        try shop.server.runDue()
        #expect(try summary()?.available ?? 0 == 0)
    }

    @Test mutating func `points pay for a reward, and come back once when it is cancelled`()
        throws
    {
        try shop.grant(120, reference: "g-1")
        let place = order(1, rewards: [("free-tea", 100, 300)])
        #expect(try push(.place(place)) == nil)
        #expect(try summary()?.available == 20)
        #expect(try push(.cancel(place.order)) == nil)
        #expect(try summary()?.available == 120)
        #expect(try push(.cancel(place.order))?.code == "step_not_allowed")
        #expect(try summary()?.available == 120)
        let entries = LedgerDocuments.entries(in: try shop.server.documents())
        #expect(entries.map(\.kind) == [.refund, .spend, .grant])
        #expect(Set(entries.prefix(2).map(\.source)) == ["order:\(place.order)"])
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `a spend beyond the balance is refused, with what there is`() throws {
        try shop.grant(99, reference: "g-1")
        let refusal = try push(.place(order(1, rewards: [("free-tea", 100, 300)])))
        #expect(refusal?.code == "balance_too_low")
        #expect(refusal?.details["available"] == .int(99))
        #expect(try summary()?.available == 99)
    }

    @Test mutating func `two tenders are paid both, or neither`() throws {
        try shop.grant(50, reference: "g-1")
        try shop.grant(100, account: "card:EUR", reference: "pay-1")
        let place = order(2, rewards: [("euro", 50, 100)], card: 200)
        #expect(try push(.place(place))?.code == "balance_too_low")
        #expect(try summary()?.available == 50)
        #expect(try push(.place(order(2, rewards: [("euro", 50, 100)], card: 100))) == nil)
        #expect(try summary()?.available == 0)
        #expect(try summary(.card("EUR"))?.available == 0)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `a reward that costs more than was named is refused with its terms`()
        throws
    {
        try shop.grant(500, reference: "g-1")
        let refusal = try push(.place(order(1, rewards: [("free-tea", 99, 300)])))
        #expect(refusal?.code == "reward_changed" && refusal?.details["points"] == .int(100))
        let dear = try push(.place(order(2, rewards: [("free-tea", 100, 301)])))
        #expect(dear?.code == "reward_changed" && dear?.details["value"] == .int(300))
        #expect(try push(.place(order(1, rewards: [("gone", 1, 300)])))?.code == "reward_unknown")
        // Named too high: only what it costs is posted.
        #expect(try push(.place(order(1, rewards: [("free-tea", 400, 300)]))) == nil)
        #expect(try summary()?.available == 400)
    }

    @Test mutating func `a lease is granted once, holds at most half, and pays`() throws {
        try shop.grant(400, reference: "g-1")
        let lease = LeaseID(high: 1, low: 1)
        let ask = LeaseIntent(lease: lease, account: .points, amount: try amount(300))
        #expect(try push(.lease(ask)) == nil)
        #expect(try push(.lease(ask)) == nil)
        #expect(try summary()?.available == 200)
        #expect(try leases().map(\.left) == [200])
        let record = try leases()[0]
        let place = order(1, rewards: [("free-tea", 100, 300)], right: right(record))
        #expect(try push(.place(place)) == nil)
        #expect(try summary()?.available == 200)
        #expect(try leases()[0].left == 100)
        // Online, one change draws on both.
        let more = order(2, rewards: [("free-tea", 100, 300)], right: right(record))
        #expect(try push(.place(more)) == nil)
        #expect(try leases()[0].left == 0 && summary()?.available == 200)
        #expect(try push(.release(lease)) == nil)
        #expect(try leases() == [] && summary()?.available == 200)
        #expect(try push(.release(lease)) == nil)
        #expect(try push(.lease(ask))?.code == "lease_expired")
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `a lease is another customer's to nobody`() throws {
        try shop.grant(400, reference: "g-1")
        let lease = LeaseID(high: 1, low: 1)
        let ask = LeaseIntent(lease: lease, account: .points, amount: try amount(100))
        #expect(try push(.lease(ask)) == nil)
        let record = try leases()[0]
        let other = try shop.server.mint(#"{"spaces":[{"space":"customer:c-2"}]}"#)
        try shop.grant(400, customer: "c-2", reference: "g-2")
        func fate(_ intent: Intent, _ counter: UInt64, _ ticket: UInt64?) throws -> (
            String?, UInt64?
        ) {
            var push = SyncRequest(replica: ReplicaID(9))
            push.ticket = ticket
            push.counter = counter
            push.changes = [
                Event(
                    dot: Make.dot(9, counter), change: shop.change(intent, nonce: 5_000 + counter),
                    outcome: .accepted)
            ]
            let answer = try shop.server.send(push, token: other, space: "customer:c-2")
            guard let reply = answer.reply else { throw TestFailure("\(answer)") }
            return (reply.fates[0].rejection?.code, reply.ticket)
        }
        let spend = order(1, rewards: [("free-tea", 100, 300)], right: right(record))
        var (code, ticket) = try fate(.place(spend), 1, nil)
        #expect(code == "lease_unknown")
        (code, ticket) = try fate(.release(lease), 2, ticket)
        #expect(code == "lease_unknown")
        (code, ticket) = try fate(.lease(ask), 3, ticket)
        #expect(code == "lease_unknown")
        #expect(try leases()[0].left == 100)
    }

    @Test(
        arguments: [
            (-1, nil), (0, nil), (14 * 86_400_000 - 1, nil),
            (14 * 86_400_000 + 1, "lease_expired"),
        ] as [(Int64, String?)])
    mutating func `what arrives late is paid until the grace is over`(
        late: Int64, code: String?
    ) throws {
        try shop.grant(200, reference: "g-1")
        let lease = LeaseID(high: 1, low: 1)
        let ask = LeaseIntent(lease: lease, account: .points, amount: try amount(100))
        #expect(try push(.lease(ask)) == nil)
        let record = try leases()[0]
        shop.server.now = UInt64(Int64(record.stopAt) + late)
        try shop.server.runDue()
        // The rest, and what came back, is spent by somebody else.
        let rest = try summary()?.available ?? 0
        try shop.use(
            stores: [
                Shop.store("s-1", open: [[1_700_000_000_000, 1_990_000_000_000]]),
                Shop.store("s-2"),
            ], programme: Shop.programme)
        for _ in 0..<(rest / 100) {
            #expect(try push(.place(order(1, rewards: [("free-tea", 100, 300)]))) == nil)
        }
        let spend = order(1, rewards: [("free-tea", 100, 300)], right: right(record))
        #expect(try push(.place(spend))?.code == code)
        #expect(try summary()?.available == 0)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `a top-up counts once for its payment, whoever repeats it`() throws {
        try shop.grant(500, account: "card:EUR", reference: "pay-1")
        try shop.grant(500, account: "card:EUR", reference: "pay-1")
        #expect(try summary(.card("EUR"))?.available == 500)
        #expect(throws: TestFailure.self) {
            try shop.grant(501, account: "card:EUR", reference: "pay-1")
        }
        #expect(throws: TestFailure.self) {
            try shop.grant(500, account: "card:USD", reference: "pay-1")
        }
        #expect(throws: TestFailure.self) {
            try shop.grant(0, account: "card:EUR", reference: "pay-2")
        }
        #expect(throws: TestFailure.self) {
            try shop.grant(1_000_000_001, account: "card:EUR", reference: "pay-3")
        }
        #expect(try summary(.card("EUR"))?.available == 500)
    }
}
