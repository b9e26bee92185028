import Testing
import ToteCore
import ToteServer

/// A hand-off whose code carries what a phone without a network has not sent (Protocol §24.3).
struct CarriedHandOffTests {
    private let shop: Shop
    private var phone = TestDevice(1)

    init() throws {
        shop = try Shop()
        try shop.useProgramme()
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
    }

    /// What the phone shows that has these changes unsent.
    private func carried(
        _ changes: [Change], id: UInt64 = 1, from counter: UInt64? = nil, token: String? = nil,
        until: UInt64? = nil
    ) -> CarriedHandOff {
        let first = counter ?? phone.counter + 1
        let events = changes.enumerated().map { index, change in
            Event(
                dot: Dot(phone.replica, first + UInt64(index)), change: change, outcome: .accepted)
        }
        let run = Run(replica: phone.replica, counter: first, events: events)
        return CarriedHandOff(
            id: HandOffID(high: 0xAB, low: id), seconds: 600,
            until: until ?? shop.server.now + HandOff.offerMilliseconds,
            run: events.isEmpty ? [] : Encoding.cbor.encode(run),
            key: CarriedHandOff.key(of: token ?? shop.server.token))
    }

    private func join(
        _ text: String, device: UInt64 = 0xFFFF
    ) throws -> (status: Int, code: String?, value: Value) {
        let body: Value = .map(["code": .text(text), "device": .text(Hex.string(device))])
        let answer = try shop.call(
            "POST", "s-1/handoffs", String(decoding: Encoding.json.encode(body), as: UTF8.self))
        return (answer.status, answer.response.code, answer.value)
    }

    @Test mutating func `the tablet has the cart, and nothing doubles when the phone syncs`()
        throws
    {
        let waiting = [Make.add(3, nonce: 2), Make.add(4, nonce: 3)]
        let code = carried(waiting)
        let answer = try join(code.text)
        #expect(answer.status == 200)
        let token = try #require(answer.value["token"]?.textValue)
        let seen = try shop.server.documents(token: token)
        #expect(Fold.counter(seen.cells(Key("cart:main", "tea", Fields.quantity))) == 9)
        // The phone is back, with the ticket that it had, and one change more.
        let pushed = try phone.push(waiting + [Make.add(1, nonce: 4)], to: shop.server)
        #expect(pushed.reply?.fates.map(\.rejection) == [nil, nil, nil])
        #expect(try shop.server.quantity() == 10)
        // And sends it once more, for an answer that was lost.
        #expect(try shop.server.send(try #require(phone.last)).reply?.fates.count == 3)
        #expect(try shop.server.quantity() == 10)
        // What is carried is known by then: the code, shown again, changes nothing.
        #expect(try join(code.text).status == 200)
        #expect(try join(code.text, device: 8).code == "handoff_taken")
        #expect(try shop.server.quantity() == 10)
        #expect(try shop.server.faults() == [])
    }

    @Test mutating func `a phone that never sent anything is known by its code`() throws {
        phone = TestDevice(9)
        let answer = try join(carried([Make.add(3, nonce: 2)]).text)
        #expect(answer.status == 200)
        #expect(try shop.server.quantity() == 5)
        let pushed = try phone.push(
            [Make.add(3, nonce: 2), Make.add(1, nonce: 3)], to: shop.server)
        #expect(pushed.reply?.fates.map(\.rejection) == [nil, nil])
        #expect(try shop.server.quantity() == 6)
    }

    @Test mutating func `what was sent already and what was not may be in one code`() throws {
        // The phone's push came in, and its answer did not.
        let sent = [Make.add(3, nonce: 2)]
        _ = try shop.server.send(phone.batch(sent))
        #expect(try join(carried(sent + [Make.add(4, nonce: 3)]).text).status == 200)
        #expect(try shop.server.quantity() == 9)
        let retried = try phone.push(sent, to: shop.server)
        #expect(retried.reply?.fates.first?.rejection == nil)
        let rest = try phone.push([Make.add(4, nonce: 3)], to: shop.server)
        #expect(rest.reply?.fates.first?.rejection == nil)
        #expect(try shop.server.quantity() == 9)
    }

    @Test mutating func `an order that is carried is placed once`() throws {
        let place = shop.tea(2, cells: [CellReference(Make.dot(1, 1), Fields.quantity)])
        let waiting = [shop.change(.place(place), nonce: 2)]
        #expect(try join(carried(waiting).text).status == 200)
        #expect(try shop.documentsOrder(place.order)?.state == .placed)
        let pushed = try phone.push(waiting, to: shop.server)
        #expect(pushed.reply?.fates.first?.rejection == nil)
        #expect(try shop.server.quantity() == 0)
        #expect(try shop.server.faults() == [])
    }

    @Test func `a phone that has sent all shows a code that carries nothing`() throws {
        let answer = try join(carried([]).text)
        #expect(answer.status == 200)
        #expect(try shop.server.quantity() == 2)
    }

    @Test func `nobody else's, no old and no altered code`() throws {
        let change = [Make.add(3, nonce: 2)]
        let text = carried(change).text
        for place in [10, 45, 60, 70, text.utf8.count - 40, text.utf8.count - 1] {
            var bytes = Array(text.utf8)
            bytes[place] = bytes[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let altered = try join(String(decoding: bytes, as: UTF8.self))
            #expect(altered.status == 422, "\(place): \(altered.code ?? "")")
        }
        #expect(try join(carried(change, token: "tote_guess").text).code == "code_unknown")
        let old = carried(change, until: shop.server.now)
        #expect(try join(old.text).code == "code_expired")
        let ahead = carried(change, until: shop.server.now + 16 * 60_000)
        #expect(try join(ahead.text).code == "code_expired")
        #expect(try shop.server.quantity() == 2)
    }

    @Test func `only a token that opens all of a customer's space signs one`() throws {
        let change = [Make.add(3, nonce: 2)]
        func mint(_ more: String, expires: Int? = nil) throws -> String {
            let life = expires.map { ",\"expires_in_s\":\($0)" } ?? ""
            return try shop.server.mint("{\"spaces\":[{\"space\":\(more)}]\(life)}")
        }
        for limited in [
            #""customer:c-1","write":["cart:*"]"#, #""customer:c-1","read":["cart:*"]"#,
            #""store:s-1""#,
        ] {
            let refused = try join(carried(change, token: try mint(limited)).text)
            #expect(refused.status == 422 && refused.code == "code_unknown", "\(limited)")
        }
        #expect(try join(carried(change, token: shop.staff).text).code == "code_unknown")
        // Another customer's token brings the phone's changes into their own space.
        let other = try mint(#""customer:c-2""#)
        let theirs = try join(carried([], id: 2, token: other).text)
        #expect(theirs.value["space"] == .text("customer:c-2"))
        #expect(try shop.server.quantity() == 2)
        // One that has expired signs for a day more; one that was revoked does not.
        let short = try mint(#""customer:c-1""#, expires: 60)
        shop.server.now += 61_000
        #expect(try join(carried([], id: 3, token: short).text).status == 200)
        shop.server.now += 86_400_000
        #expect(try join(carried([], id: 4, token: short).text).code == "code_unknown")
        let lost = try mint(#""customer:c-1""#)
        let list = try shop.server.value(shop.server.admin("GET", "v1/admin/tokens"))["tokens"]
        guard case .array(let tokens)? = list, let id = tokens.last?["id"]?.textValue else {
            throw TestFailure("no tokens")
        }
        _ = try shop.server.admin("DELETE", "v1/admin/tokens/\(id)")
        #expect(try join(carried(change, id: 5, token: lost).text).code == "code_unknown")
    }

    @Test mutating func `a copy of the phone is told apart, and a gap is not filled`() throws {
        // The other copy has used the counter for something else.
        try phone.push([Make.add(5, nonce: 50)], to: shop.server)
        let fork = carried([Make.add(3, nonce: 2)], from: 2)
        #expect(try join(fork.text).code == "replica_forked")
        let gap = carried([Make.add(3, nonce: 2)], from: 5)
        #expect(try join(gap.text).code == "replica_forked")
        #expect(try shop.server.quantity() == 7)
        // A stamp from the future is refused as in a push.
        var ahead = Make.add(3, nonce: 3)
        ahead.time = Timestamp(milliseconds: shop.server.now + 10_000)
        #expect(try join(carried([ahead], id: 2).text).code == "clock_ahead")
        #expect(try shop.server.faults() == [])
    }

    @Test func `a code that is one too many takes nothing in`() throws {
        for id in 1...UInt64(HandOff.openMax) {
            #expect(try join(carried([], id: id).text, device: id).status == 200)
        }
        let before = try shop.server.dump()
        let last = try join(carried([Make.add(3, nonce: 2)], id: 99).text)
        #expect(last.status == 409 && last.code == "too_many_handoffs")
        #expect(try shop.server.dump() == before)
    }

    @Test mutating func `bytes that are no run are refused, and leave nothing`() throws {
        let made = carried([])
        for bytes in [[0xFF], [0xA0], Array(repeating: 0x80, count: 1_800)] as [[UInt8]] {
            let code = CarriedHandOff(
                id: made.id, seconds: 600, until: made.until, run: bytes,
                key: CarriedHandOff.key(of: shop.server.token))
            let answer = try join(code.text)
            #expect(answer.status == 400 && answer.code == "malformed")
        }
        #expect(try shop.server.faults() == [])
    }
}
