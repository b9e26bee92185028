import Testing
import ToteCore
import ToteServer

/// Offers and challenges over the server's own requests.
struct OfferTests {
    private let shop: Shop
    private var nonce: UInt64 = 1_000

    private static let from = 1_700_000_000_000
    private static let until = 1_890_000_000_000

    init() throws {
        shop = try Shop()
        try use(total: 3, each: 2)
    }

    private func use(total: Int, each: Int, _ more: [String: Any] = [:]) throws {
        let spring: [String: Any] = [
            "id": "spring", "names": ["en": "Spring"], "discount": ["EUR": 100], "total": total,
            "each": each, "from": Self.from, "until": Self.until,
        ]
        let challenge: [String: Any] = [
            "id": "two-days", "names": ["en": "Two days"], "days": 2, "from": Self.from,
            "until": Self.until, "offset_minutes": 60, "offer": "spring",
        ]
        try shop.useProgramme([
            "offers": [
                spring.merging(more) { $1 },
                [
                    "id": "tea", "names": ["en": "Tea"], "product": "tea", "total": 10,
                    "listed": true,
                ] as [String: Any],
            ], "challenges": [challenge],
        ])
    }

    /// One device of one customer.
    private struct Customer {
        let space: String
        let token: String
        var device: TestDevice
    }

    private func customer(_ id: String, device: UInt64) throws -> Customer {
        let space = "customer:\(id)"
        return Customer(
            space: space,
            token: try shop.server.mint("{\"spaces\":[{\"space\":\"\(space)\"}]}"),
            device: TestDevice(device))
    }

    private mutating func push(_ intent: Intent, by customer: inout Customer) throws -> Rejection? {
        nonce += 1
        let request = customer.device.batch([shop.change(intent, nonce: nonce)])
        guard
            let reply = try shop.server.send(
                request, token: customer.token, space: customer.space
            ).reply
        else { throw TestFailure("refused") }
        customer.device.counter += 1
        customer.device.take(reply)
        return reply.fates[0].rejection
    }

    private func documents(_ customer: Customer) throws -> Documents {
        let request = SyncRequest(replica: ReplicaID(0xFFFF))
        let answer = try shop.server.send(request, token: customer.token, space: customer.space)
        return try #require(answer.reply?.snapshot).documents
    }

    private func account(_ customer: Customer, of id: String = "spring") throws -> AccountSummary? {
        LedgerDocuments.accounts(in: try documents(customer)).first { $0.name == .offer(id) }
    }

    private func order(_ quantity: Int64, offers: [(String, Int64)]) -> PlaceIntent {
        var place = shop.tea(quantity)
        place.tenders = offers.map { id, value in
            var tender = Tender(.offer, value)
            tender.offer = id
            return tender
        }
        let rest = place.total - place.tenders.reduce(0) { $0 + $1.amount }
        if rest > 0 { place.tenders.append(Tender(.atCounter, rest)) }
        return place
    }

    @Test mutating func `three devices activate once, others get the rest, then nobody`() throws {
        var first = try customer("a", device: 1)
        var second = try customer("a", device: 2)
        var other = try customer("b", device: 3)
        var late = try customer("c", device: 4)
        #expect(try push(.activate("spring"), by: &first) == nil)
        #expect(try push(.activate("spring"), by: &second) == nil)
        #expect(try push(.activate("spring"), by: &first) == nil)
        #expect(try account(first)?.available == 2)
        #expect(try push(.activate("spring"), by: &other) == nil)
        #expect(try account(other)?.available == 1)
        // One who has a part is not refused for want of the other.
        #expect(try push(.activate("spring"), by: &other) == nil)
        let refusal = try push(.activate("spring"), by: &late)
        #expect(refusal?.code == "offer_exhausted" && refusal?.details["offer"] == .text("spring"))
        #expect(try account(late) == nil)
        // More of it comes into force.
        try use(total: 4, each: 2)
        #expect(try push(.activate("spring"), by: &late) == nil)
        #expect(try account(late)?.available == 1)
        // Less of it takes nothing away, and gives nothing.
        try use(total: 1, each: 5)
        #expect(try push(.activate("spring"), by: &first) == nil)
        #expect(try account(first)?.available == 2)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `an order uses it, a cancelled one gives it back, a third is refused`()
        throws
    {
        var ada = try customer("a", device: 1)
        #expect(
            try push(.place(order(1, offers: [("spring", 100)])), by: &ada)?.code
                == "balance_too_low")
        #expect(try push(.activate("spring"), by: &ada) == nil)
        let place = order(2, offers: [("spring", 100), ("spring", 100)])
        #expect(try push(.place(place), by: &ada) == nil)
        #expect(try account(ada)?.available == 0)
        #expect(
            try push(.place(order(1, offers: [("spring", 100)])), by: &ada)?.code
                == "balance_too_low")
        #expect(try push(.cancel(place.order), by: &ada) == nil)
        #expect(try account(ada)?.available == 2)
        let dear = try push(.place(order(1, offers: [("spring", 101)])), by: &ada)
        #expect(dear?.code == "offer_changed" && dear?.details["value"] == .int(100))
        #expect(
            try push(.place(order(1, offers: [("gone", 100)])), by: &ada)?.code
                == "offer_unknown")
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `a till takes a use by the member code, in full or not at all`() throws {
        var ada = try customer("a", device: 1)
        #expect(try push(.activate("spring"), by: &ada) == nil)
        let member = LedgerDocuments.value(LedgerDocuments.member, in: try documents(ada))
        let number = try #require(member?["number"]?.textValue.flatMap(Hex.id))
        let secret = try #require(member?["secret"]?.textValue.flatMap(Hex.bytes))
        let code = MemberCode(member: number, secret: secret, at: shop.server.now).text
        func redeem(_ what: String, key: String) throws -> (Int, Value) {
            let body = "{\"code\":\"\(code)\",\"currency\":\"EUR\",\(what)}"
            let answer = try shop.call("POST", "s-1/redemptions", body, key: key)
            return (answer.status, answer.value)
        }
        let (status, value) = try redeem(#""offer":"spring""#, key: "1")
        #expect(status == 200 && value["units"] == .int(1) && value["value"] == .int(100))
        #expect(try redeem(#""offer":"spring""#, key: "1").1 == value)
        #expect(try account(ada)?.available == 1)
        #expect(try redeem(#""offer":"gone""#, key: "2").1["code"] == .text("offer_unknown"))
        #expect(try redeem(#""offer":"tea""#, key: "3").1["code"] == .text("offer_unknown"))
        #expect(
            try redeem(#""offer":"tea","price":300"#, key: "4").1["code"]
                == .text("balance_too_low"))
        #expect(try redeem(#""offer":"spring","amount":1"#, key: "5").0 == 400)
        let id = try #require(value["redemption"]?.textValue)
        let back = try shop.call("POST", "s-1/returns", "{\"redemption\":\"\(id)\"}")
        #expect(back.status == 200)
        #expect(try account(ada)?.available == 2)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `what is on a list is for those on it, and shows there`() throws {
        var ada = try customer("a", device: 1)
        var ben = try customer("b", device: 2)
        let unlisted = try push(.activate("tea"), by: &ada)
        #expect(
            unlisted
                == (try push(.activate("gone"), by: &ada)).map { gone in
                    Rejection(code: gone.code, details: .map(["offer": .text("tea")]))
                })
        let path = "v1/admin/offers/tea/customers"
        let listed = try shop.server.admin("POST", path, #"{"customers":["a","a"]}"#)
        #expect(try shop.server.value(listed) == .map(["listed": .int(1), "new": .int(1)]))
        let item = LedgerDocuments.item(listedFor: "tea")
        #expect(LedgerDocuments.value(item, in: try documents(ada)) != nil)
        #expect(LedgerDocuments.value(item, in: try documents(ben)) == nil)
        #expect(try push(.activate("tea"), by: &ada) == nil)
        #expect(try push(.activate("tea"), by: &ben)?.code == "offer_unknown")
        // A product is given as often as it was ordered.
        let twice = order(1, offers: [("tea", 300), ("tea", 0)])
        #expect(twice.tenders.count == 2)
        #expect(try push(.place(order(1, offers: [("tea", 300)])), by: &ada) == nil)
        for (body, status) in [
            (#"{"customers":[]}"#, 400), (#"{"customers":[""]}"#, 400), ("{}", 400),
            (#"{"customers":["a/b"]}"#, 400),
        ] {
            #expect(try shop.server.admin("POST", path, body).status == status)
        }
        #expect(
            try shop.server.admin(
                "POST", "v1/admin/offers/spring/customers", #"{"customers":["a"]}"#
            ).code == "offer_not_listed")
        #expect(
            try shop.server.admin(
                "POST", "v1/admin/offers/gone/customers", #"{"customers":["a"]}"#
            ).status == 404)
        let use = try shop.server.value(try shop.server.admin("GET", "v1/admin/offers"))
        guard case .array(let rows)? = use["offers"] else { throw TestFailure("\(use)") }
        #expect(rows.map { $0["issued"] } == [.int(0), .int(1)])
        #expect(rows[1]["listed"] == .int(1))
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `before, after, and for those who bought nothing it is not on`() throws {
        var ada = try customer("a", device: 1)
        try use(total: 3, each: 1, ["needs": ["orders": 1, "days": 30, "sku": "tea"]])
        let refusal = try push(.activate("spring"), by: &ada)
        #expect(refusal?.code == "offer_not_earned")
        #expect(refusal?.details["orders"] == .int(0) && refusal?.details["needs"] == .int(1))
        try collect(&ada)
        #expect(try push(.activate("spring"), by: &ada) == nil)
        shop.server.now += 31 * 86_400_000
        var ben = try customer("b", device: 2)
        try use(total: 3, each: 1, ["from": Int(shop.server.now) + 1])
        #expect(try push(.activate("spring"), by: &ben)?.code == "offer_not_on")
        try use(total: 3, each: 1, ["until": Int(shop.server.now)])
        let over = try push(.activate("spring"), by: &ben)
        #expect(over?.code == "offer_not_on" && over?.details["until"] != nil)
        #expect(try shop.server.faults() == [])
    }

    private mutating func collect(_ customer: inout Customer) throws {
        let place = shop.tea(1)
        #expect(try push(.place(place), by: &customer) == nil)
        _ = try shop.call(
            "POST", "s-1/orders/\(place.order)/steps", "{\"to\":\"ready\"}", version: 1)
        let answer = try shop.call("POST", "s-1/handover", "{\"order\":\"\(place.order)\"}")
        #expect(answer.status == 200)
        shop.server.now += OrderState.undoMilliseconds + 2
        try shop.server.runDue()
    }

    @Test mutating func `what was not used is gone when the offer ends`() throws {
        var ada = try customer("a", device: 1)
        let end = Int(shop.server.now) + 3_600_000
        try use(total: 3, each: 2, ["until": end])
        #expect(try push(.activate("spring"), by: &ada) == nil)
        shop.server.now = UInt64(end)
        try shop.server.runDue()
        #expect(try account(ada)?.available == 0)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `orders on two days win the prize, once`() throws {
        var ada = try customer("a", device: 1)
        let item = LedgerDocuments.item(challenge: "two-days")
        func progress() throws -> ChallengeProgress? {
            LedgerDocuments.value(item, in: try documents(ada)).flatMap { ChallengeProgress($0) }
        }
        try collect(&ada)
        try collect(&ada)
        #expect(try progress()?.days.count == 1 && progress()?.doneAt == nil)
        #expect(try account(ada) == nil)
        shop.server.now += 86_400_000
        try collect(&ada)
        #expect(try progress()?.days.count == 2 && progress()?.doneAt != nil)
        #expect(try account(ada)?.available == 2)
        shop.server.now += 86_400_000
        try collect(&ada)
        #expect(try progress()?.days.count == 2)
        // The prize is the customer's share: activating gives nothing more.
        #expect(try push(.activate("spring"), by: &ada) == nil)
        #expect(try account(ada)?.available == 2)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `a challenge whose prize others had before says so`() throws {
        var ada = try customer("a", device: 1)
        var ben = try customer("b", device: 2)
        let item = LedgerDocuments.item(challenge: "two-days")
        try use(total: 2, each: 2)
        #expect(try push(.activate("spring"), by: &ben) == nil)
        try collect(&ada)
        shop.server.now += 86_400_000
        try collect(&ada)
        let progress = try #require(
            LedgerDocuments.value(item, in: try documents(ada)).flatMap { ChallengeProgress($0) })
        #expect(progress.doneAt != nil && progress.missed == "offer_exhausted")
        #expect(ChallengeProgress(progress.value) == progress)
        #expect(try account(ada) == nil)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `nobody gets of an offer by hand, nor by another's lease`() throws {
        var ada = try customer("a", device: 1)
        var ben = try customer("b", device: 2)
        #expect(try push(.activate("spring"), by: &ada) == nil)
        for kind in ["grant", "top_up"] {
            let answer = try shop.server.admin(
                "POST", "v1/admin/ledger",
                "{\"customer\":\"b\",\"account\":\"offer:spring\",\"kind\":\"\(kind)\","
                    + "\"amount\":1,\"reference\":\"r\",\"reason\":\"r\"}")
            #expect(answer.status == 400)
        }
        let amount = try #require(Amount(2))
        let id = LeaseID(high: 1, low: 1)
        let lease = LeaseIntent(lease: id, account: .offer("spring"), amount: amount)
        #expect(try push(.lease(lease), by: &ada) == nil)
        // All of it: half of one use would be none.
        #expect(try account(ada)?.held == 2)
        #expect(try push(.lease(lease), by: &ben)?.code == "lease_unknown")
        let record = try #require(LedgerDocuments.leases(in: try documents(ada)).first)
        var stolen = order(1, offers: [("spring", 100)])
        stolen.tenders[0].right = LeaseRight(
            lease: id, granted: record.granted, stopAt: record.stopAt,
            certificate: record.certificate ?? "")
        #expect(try push(.place(stolen), by: &ben)?.code == "lease_unknown")
        let atStore = LeaseIntent(
            lease: LeaseID(high: 1, low: 2), account: .offer("spring"), amount: amount,
            store: "s-1")
        #expect(try push(.lease(atStore), by: &ada)?.code == "intent_malformed")
        // Who may not write the ledger activates nothing.
        let narrow = try shop.server.mint(
            #"{"spaces":[{"space":"customer:d","write":["cart:*","orders"]}]}"#)
        var dan = Customer(space: "customer:d", token: narrow, device: TestDevice(9))
        #expect(try push(.activate("spring"), by: &dan)?.code == "not_allowed")
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `an erased customer's share stays issued`() throws {
        var ada = try customer("a", device: 1)
        #expect(try push(.activate("spring"), by: &ada) == nil)
        _ = try shop.server.admin(
            "POST", "v1/admin/offers/tea/customers", #"{"customers":["a"]}"#)
        #expect(try shop.server.admin("POST", "v1/admin/customers/a/erase").status == 200)
        var ben = try customer("b", device: 2)
        #expect(try push(.activate("spring"), by: &ben) == nil)
        #expect(try account(ben)?.available == 1)
        #expect(try shop.server.faults() == [])
    }

    @Test(arguments: 1...20)
    mutating func `whoever races, no more is issued than there is`(seed: Int) throws {
        let random = TestRandom(seed: UInt64(seed))
        let (total, each) = (1 + random.below(12), 1 + random.below(3))
        try use(total: total, each: each)
        var customers = try (0..<18).map { number in
            try customer("race-\(number / 3)", device: UInt64(100 + number))
        }
        var unanswered: [Int: SyncRequest] = [:]
        for _ in 0..<150 {
            let index = random.below(customers.count)
            var one = customers[index]
            // A device sends the same again until it is answered.
            nonce += 1
            let isUse = random.below(3) == 0
            let intent: Intent =
                isUse
                ? .place(order(1, offers: [("spring", 100)])) : .activate("spring")
            let request =
                unanswered[index] ?? one.device.batch([shop.change(intent, nonce: nonce)])
            let answer = try shop.server.send(request, token: one.token, space: one.space)
            guard random.below(4) > 0 else {
                unanswered[index] = request
                continue
            }
            unanswered[index] = nil
            guard let reply = answer.reply else { throw TestFailure("\(answer)") }
            one.device.counter += 1
            one.device.take(reply)
            customers[index] = one
        }
        var granted: Int64 = 0
        for number in stride(from: 0, to: 18, by: 3) {
            let number = number
            let entries = LedgerDocuments.entries(in: try documents(customers[number]))
            let got = entries.filter { $0.kind == .issue }.reduce(0) { $0 + $1.units }
            let used = entries.filter { $0.kind == .spend }.reduce(0) { $0 + $1.units }
            #expect(got <= Int64(each) && used <= got)
            granted += got
        }
        #expect(granted == Int64(min(total, 6 * each)), "of \(total), \(each) for each")
        #expect(try shop.server.faults() == [])
    }
}
