import Testing
import ToteCore
import ToteSQLite
import ToteServer

/// What tills and redeemers do with a customer's points, over the server's own requests.
struct TillTests {
    private let shop: Shop
    private var phone = TestDevice(1)
    private var till = TestDevice(0x71)
    private var nonce: UInt64 = 1_000
    private let redeemerID: String

    init() throws {
        shop = try Shop()
        try shop.useProgramme()
        let tokens = try shop.server.value(shop.server.admin("GET", "v1/admin/tokens"))["tokens"]
        guard case .array(let list)? = tokens,
            let id = list.first(where: { $0["label"] == .text("till-1") })?["id"]?.textValue
        else { throw TestFailure("no till") }
        redeemerID = id
    }

    private mutating func push(_ intent: Intent) throws -> Rejection? {
        nonce += 1
        guard
            let reply = try phone.push([shop.change(intent, nonce: nonce)], to: shop.server).reply
        else { throw TestFailure("refused") }
        return reply.fates[0].rejection
    }

    /// What the store's redeemer says in the store's stream.
    private mutating func say(_ intent: Intent, token: String? = nil) throws -> Rejection? {
        nonce += 1
        let request = till.batch([shop.change(intent, nonce: nonce)])
        let answer = try shop.server.send(
            request, token: token ?? shop.staff, space: "store:s-1")
        guard let reply = answer.reply else { throw TestFailure("\(answer)") }
        till.counter += 1
        till.take(reply)
        return reply.fates[0].rejection
    }

    private func summary(_ name: AccountName = .points) throws -> AccountSummary? {
        LedgerDocuments.accounts(in: try shop.server.documents()).first { $0.name == name }
    }

    private func amount(_ units: Int64) throws -> Amount { try #require(Amount(units)) }

    /// What the customer's phone shows now.
    private func memberCode(at time: UInt64? = nil) throws -> MemberCode {
        let value = LedgerDocuments.value(LedgerDocuments.member, in: try shop.server.documents())
        return MemberCode(
            member: try #require(value?["number"]?.textValue.flatMap(Hex.id)),
            secret: try #require(value?["secret"]?.textValue.flatMap(Hex.bytes)),
            at: time ?? shop.server.now)
    }

    private func receipt(
        _ id: String, code: String, total: Int64 = 900, more: String = "", token: String? = nil
    ) throws -> (status: Int, value: Value) {
        let answer = try shop.call(
            "POST", "s-1/receipts",
            "{\"receipt\":\"\(id)\",\"code\":\"\(code)\",\"currency\":\"EUR\",\"total\":\(total),"
                + "\"lines\":[{\"sku\":\"tea\",\"quantity\":3,\"amount\":\(total)}]\(more)}",
            token: token)
        return (answer.status, answer.value)
    }

    @Test mutating func `a receipt earns once, for the customer whose code was shown`() throws {
        try shop.grant(1, reference: "g")
        let code = try memberCode().text
        let first = try receipt("r-1", code: code)
        #expect(first.status == 201 && first.value["earned"] == .int(90))
        #expect(try summary()?.available == 91)
        // The same again, also by a code that is old by now.
        shop.server.now += 3_600_000
        let again = try receipt("r-1", code: code)
        #expect(again.status == 200 && again.value["earned"] == .int(90))
        #expect(try summary()?.available == 91)
        let other = try receipt("r-1", code: code, total: 901)
        #expect(other.status == 409 && other.value["code"] == .text("receipt_exists"))
        let late = try receipt("r-2", code: code)
        #expect(late.status == 422 && late.value["code"] == .text("code_expired"))
        // A till that was cut off says when the code was shown.
        let then = shop.server.now - 3_600_000
        #expect(try receipt("r-3", code: code, more: ",\"at\":\(then)").status == 201)
        let old = try receipt("r-4", code: code, more: ",\"at\":1")
        #expect(old.value["code"] == .text("receipt_too_old"))
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `a code that was altered, or is another's, is nobody's`() throws {
        try shop.grant(1, reference: "g")
        let code = try memberCode().text
        let before = try shop.server.dump().filter { !$0.hasPrefix("answers") }
        var tried = 0
        for index in code.indices where code[index] != "." {
            var altered = code
            let other = code[index] == "0" ? "1" : "0"
            altered.replaceSubrange(index...index, with: other)
            guard altered != code else { continue }
            let answer = try receipt("r-1", code: altered)
            #expect(answer.status == 422, "\(altered)")
            tried += 1
        }
        #expect(tried > 40)
        for text in ["", "TOTE", "TOTE.M1.1.2.3", String(repeating: "9", count: 256)] {
            #expect([400, 422].contains(try receipt("r-1", code: text).status), "\(text)")
        }
        #expect(try shop.server.dump().filter { !$0.hasPrefix("answers") } == before)
    }

    @Test mutating func `the counter redeems online, and takes back`() throws {
        try shop.grant(150, reference: "g")
        try shop.grant(700, account: "card:EUR", reference: "p")
        let code = try memberCode().text
        let tea = try shop.call(
            "POST", "s-1/redemptions",
            "{\"code\":\"\(code)\",\"reward\":\"free-tea\",\"currency\":\"EUR\",\"price\":300}",
            key: "k-1")
        #expect(tea.status == 200 && tea.value["value"] == .int(300))
        let same = try shop.call(
            "POST", "s-1/redemptions",
            "{\"code\":\"\(code)\",\"reward\":\"free-tea\",\"currency\":\"EUR\",\"price\":300}",
            key: "k-1")
        #expect(same.value == tea.value)
        #expect(try summary()?.available == 50)
        let card = try shop.call(
            "POST", "s-1/redemptions",
            "{\"code\":\"\(code)\",\"amount\":701,\"currency\":\"EUR\"}")
        #expect(card.status == 409 && card.value["code"] == .text("balance_too_low"))
        let id = try #require(tea.value["redemption"]?.textValue)
        // In another store as well as in the one where it was.
        let back = try shop.call(
            "POST", "s-2/returns", "{\"redemption\":\"\(id)\"}", token: shop.otherStaff)
        #expect(back.status == 200)
        #expect(try summary()?.available == 150)
        let twice = try shop.call("POST", "s-1/returns", "{\"redemption\":\"\(id)\"}")
        #expect(twice.status == 409 && twice.value["code"] == .text("already_returned"))
        #expect(try summary()?.available == 150)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `goods come back by line, with what they earned and were paid with`()
        throws
    {
        try shop.grant(100, reference: "g")
        var place = shop.tea(4)
        var reward = Tender(.points, 300)
        reward.reward = "free-tea"
        reward.points = 100
        place.tenders = [reward, Tender(.atCounter, 900)]
        #expect(try push(.place(place)) == nil)
        try shop.step(place.order, "ready")
        _ = try shop.call("POST", "s-1/handover", "{\"order\":\"\(place.order)\"}")
        shop.server.now += 61_000
        try shop.server.runDue()
        // 12.00 less 3.00 paid with points.
        #expect(try summary()?.available == 90)
        let one = try shop.call(
            "POST", "s-2/returns",
            "{\"order\":\"\(place.order)\",\"lines\":[{\"item\":\"tea\",\"quantity\":1}]}",
            token: shop.otherStaff)
        #expect(one.status == 200)
        #expect(one.value["refund_at_counter"] == .int(225))
        // A quarter of 100 points back, a quarter of the 90 earned gone.
        #expect(try summary()?.available == 90 + 25 - 22)
        let many = try shop.call(
            "POST", "s-1/returns",
            "{\"order\":\"\(place.order)\",\"lines\":[{\"item\":\"tea\",\"quantity\":4}]}")
        #expect(many.value["code"] == .text("already_returned"))
        let rest = try shop.call("POST", "s-1/returns", "{\"order\":\"\(place.order)\"}")
        #expect(rest.value["refund_at_counter"] == .int(675))
        #expect(try summary()?.available == 100)
        let again = try shop.call("POST", "s-1/returns", "{\"order\":\"\(place.order)\"}")
        #expect(again.value["code"] == .text("already_returned"))
        let order = try #require(try shop.documentsOrder(place.order))
        #expect(order.returned == [0: 4])
        #expect(try shop.server.faults() == [])
    }

    @Test(arguments: [
        ("only_pending", 0, 0), ("within_balance", 0, 0), ("debt", 0, 90),
    ])
    mutating func `points that were spent are taken back as the policy says`(
        policy: String, available: Int64, debt: Int64
    ) throws {
        try shop.useProgramme(["refund_policy": policy])
        try shop.grant(10, reference: "g")
        let code = try memberCode().text
        #expect(try receipt("r-1", code: code).status == 201)
        var place = shop.tea(1)
        var reward = Tender(.points, 300)
        reward.reward = "free-tea"
        reward.points = 100
        place.tenders = [reward]
        #expect(try push(.place(place)) == nil)
        let back = try shop.call(
            "POST", "s-1/returns", #"{"receipt":{"store":"s-1","id":"r-1"}}"#)
        #expect(back.status == 200)
        #expect(try summary()?.available == available)
        #expect(try summary()?.debt == debt)
        // Later earnings pay the debt.
        #expect(try receipt("r-2", code: try memberCode().text).status == 201)
        #expect(try summary()?.available == 90 - debt)
        #expect(try summary()?.debt == 0)
        #expect(try shop.server.faults() == [])
    }

    // The redeemer.

    private func enrol(_ incarnation: String = "00000000000000aa") throws -> [UInt8] {
        _ = try shop.server.admin(
            "POST", "v1/admin/stores/s-1/redeemer", "{\"token\":\"\(redeemerID)\"}")
        let answer = try shop.call(
            "POST", "s-1/redeemer", "{\"incarnation\":\"\(incarnation)\"}")
        return try #require(answer.value["key"]?.textValue.flatMap(Hex.bytes))
    }

    private mutating func storeLease(_ units: Int64) throws -> (LeaseRecord, LeaseCode) {
        let lease = LeaseID(high: 3, low: nonce)
        let ask = LeaseIntent(
            lease: lease, account: .points, amount: try amount(units), store: "s-1")
        let refusal = try push(.lease(ask))
        guard refusal == nil else { throw TestFailure("\(String(describing: refusal))") }
        let documents = try shop.server.documents()
        let record = try #require(
            LedgerDocuments.leases(in: documents).first { $0.id == lease })
        let member = LedgerDocuments.value(LedgerDocuments.member, in: documents)
        let certificate = LeaseCertificate(
            lease: lease, member: try #require(member?["number"]?.textValue.flatMap(Hex.id)),
            account: .points, granted: record.granted, stopAt: record.stopAt,
            incarnation: 0xAA)
        let code = LeaseCode(
            certificate, secret: try #require(record.secret.flatMap(Hex.bytes)),
            at: shop.server.now)
        return (record, code)
    }

    private func redeem(_ code: LeaseCode, _ units: Int64, id: UInt64) throws -> Intent {
        .redeem(
            RedeemIntent(
                redemption: OrderID(high: 5, low: id), certificate: code.certificate,
                amount: try amount(units), reward: "free-tea", at: shop.server.now))
    }

    @Test mutating func `a store's lease is redeemed, late too, and comes back by the watermark`()
        throws
    {
        try shop.grant(400, reference: "g")
        #expect(throws: TestFailure.self) { try storeLease(100) }
        let key = try enrol()
        let (record, code) = try storeLease(200)
        #expect(code.isMade(with: key))
        #expect(try say(redeem(code, 100, id: 1)) == nil)
        #expect(try say(redeem(code, 100, id: 1)) == nil)
        #expect(try summary()?.available == 200)
        #expect(LedgerDocuments.leases(in: try shop.server.documents())[0].left == 100)
        // The server frees nothing by its own clock.
        shop.server.now = record.stopAt + 30 * 86_400_000
        try shop.server.runDue()
        #expect(try summary()?.held == 100)
        #expect(try say(.watermark(shop.server.now + 1))?.code == "watermark_ahead")
        #expect(try say(.watermark(record.stopAt - 1)) == nil)
        #expect(try summary()?.held == 100)
        #expect(try say(.watermark(record.stopAt)) == nil)
        #expect(try summary()?.held == 0 && summary()?.available == 300)
        #expect(try shop.server.faults() == [])
    }

    /// Found by a reading of the code: the member was looked for, who is nobody since.
    @Test mutating func `what a store gave to somebody who was erased since is booked`() throws {
        try shop.grant(400, reference: "g")
        _ = try enrol()
        let (record, code) = try storeLease(200)
        var place = shop.tea(2)
        place.tenders = [Tender(.atCounter, 600)]
        #expect(try push(.place(place)) == nil)
        try shop.step(place.order, "ready")
        _ = try shop.call("POST", "s-1/handover", "{\"order\":\"\(place.order)\"}")
        let erased = try shop.server.admin("POST", "v1/admin/customers/c-1/erase")
        #expect(erased.status == 200)
        let server = shop.server
        let rows = {
            try server.dump().filter { $0.hasPrefix("members") || $0.hasPrefix("accounts") }
        }
        #expect(try say(redeem(code, 100, id: 1)) == nil)
        #expect(try say(redeem(code, 100, id: 1)) == nil, "once")
        #expect(try rows().count == 1 && rows()[0].contains("\"points\""))
        let held = try shop.server.store.database.row("SELECT held, spent FROM accounts") {
            [$0.int(0), $0.int(1)]
        }
        #expect(held == [100, 100])
        #expect(try say(.watermark(record.stopAt))?.code == "watermark_ahead")
        // Goods come back, and what the order earns comes due: nobody becomes a member again.
        let back = try shop.call(
            "POST", "s-1/returns",
            "{\"order\":\"\(place.order)\",\"lines\":[{\"item\":\"tea\",\"quantity\":1}],"
                + "\"reason\":\"cold\"}")
        #expect(back.status == 200)
        shop.server.now += 90 * 86_400_000
        try shop.server.runDue()
        #expect(try rows().count == 1)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `what a store gave after its lease was written off is the retailer's loss`()
        throws
    {
        try shop.grant(200, reference: "g")
        _ = try enrol()
        let (record, code) = try storeLease(100)
        let off = try shop.server.admin(
            "POST", "v1/admin/leases/\(record.id)/write-off", #"{"reason":"lost"}"#)
        #expect(off.status == 200)
        #expect(try summary()?.available == 200)
        var place = shop.tea(1)
        var reward = Tender(.points, 300)
        reward.reward = "free-tea"
        reward.points = 100
        place.tenders = [reward]
        #expect(try push(.place(place)) == nil)
        var second = shop.tea(1)
        reward.reward = "euro"
        reward.points = 50
        reward.amount = 100
        second.tenders = [reward, Tender(.atCounter, 200)]
        #expect(try push(.place(second)) == nil)
        #expect(try summary()?.available == 50)
        #expect(try say(redeem(code, 100, id: 1)) == nil)
        #expect(try summary()?.available == 0)
        let entries = LedgerDocuments.entries(in: try shop.server.documents())
        #expect(entries.first { $0.kind == .loss }?.units == 50)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `nobody but the redeemer speaks for a store, and for no other`() throws {
        try shop.grant(400, reference: "g")
        _ = try enrol()
        let (_, code) = try storeLease(100)
        #expect(try say(redeem(code, 100, id: 1), token: shop.manager)?.code == "not_redeemer")
        #expect(
            try push(redeem(code, 100, id: 1))?.code == "not_allowed", "a customer cannot redeem")
        let second = try shop.server.admin(
            "POST", "v1/admin/stores/s-1/redeemer", #"{"token":"tok_0"}"#)
        #expect(second.status == 422)
        let foreign = try shop.call(
            "POST", "s-2/redeemer", #"{"incarnation":"00000000000000aa"}"#,
            token: shop.otherStaff)
        #expect(foreign.status == 404)
        // Another store's key makes other codes.
        let other = DerivedKey.store([1, 2, 3], "s-2", incarnation: 0xAA)
        #expect(!code.isMade(with: other))
        #expect(try summary()?.held == 100)
    }

    @Test mutating func `a redeemer that starts anew gets another key, and frees nothing of old`()
        throws
    {
        try shop.grant(400, reference: "g")
        let key = try enrol()
        let (record, code) = try storeLease(100)
        let next = try enrol("00000000000000bb")
        #expect(next != key)
        #expect(!code.isMade(with: next))
        shop.server.now = record.stopAt + 1
        #expect(try say(.watermark(record.stopAt)) == nil)
        #expect(try summary()?.held == 100)
        let off = try shop.server.admin(
            "POST", "v1/admin/stores/s-1/redeemer/write-off", #"{"reason":"disk lost"}"#)
        #expect(off.status == 200)
        #expect(try summary()?.held == 0 && summary()?.available == 400)
    }
}
