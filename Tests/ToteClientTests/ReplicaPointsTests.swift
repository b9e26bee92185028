import Testing
import ToteClient
import ToteTesting
import ToteCore

/// What a replica itself counts, promises and seals, exchange by exchange.
@Suite(.timeLimit(.minutes(5))) struct ReplicaPointsTests {
    /// A customer's replica with 1,000 points, 500 of them reserved, and teas in its cart.
    private static func member(_ server: isolated TestServer) throws -> (Replica, String) {
        try server.sell(programme: TestServer.programme)
        try server.give("ada", 1_000)
        let replica = try Replica(image: nil, random: { [clock = server.clock] in clock.draw() })
        try replica.keepCatalog(server.catalog?.bytes ?? [])
        let secret = try server.mint("ada")
        _ = try replica.reserve(500, of: .points, at: nil, reading: server.reading)
        let writes = replica.view.setting(4, collection: "cart:main", item: "tea")
        try replica.commit(writes, at: server.reading)
        try server.settle(replica, secret, at: server.reading)
        return (replica, secret)
    }

    private static func here(_ replica: Replica, _ server: isolated TestServer) -> Int64 {
        replica.balance(.points, at: server.reading).here
    }

    @Test func `what an order spends counts until the lease's own event has come`() async throws {
        let bed = try TestBed()
        try await bed.server.inside { server in
            let (replica, secret) = try Self.member(server)
            _ = try replica.place(
                cart: "main", OrderRequest(store: "s-1", rewards: ["free-tea"]),
                at: server.reading)
            #expect(Self.here(replica, server) == 400)
            // The reply is cut behind the order's event, before what the server wrote of it.
            try server.exchange(replica, secret, at: server.reading) { reply in
                let own = reply.events.prefix { $0.digest != nil }
                reply.events = Array(own)
                reply.cursor.position = own.last?.position ?? reply.cursor.position
                reply.hasMore = true
            }
            #expect(replica.unsentCount == 0, "its fate is known")
            #expect(Self.here(replica, server) == 400, "and its units are not spent twice")
            try server.settle(replica, secret, at: server.reading)
            #expect(Self.here(replica, server) == 400 && replica.outstandingCount == 0)
            replica.checkInvariants()
        }
    }

    @Test func `what an order spends is known again after a start`() async throws {
        let bed = try TestBed()
        try await bed.server.inside { server in
            let (replica, _) = try Self.member(server)
            _ = try replica.place(
                cart: "main", OrderRequest(store: "s-1", rewards: ["free-tea"]),
                at: server.reading)
            let again = try Replica(image: replica.image(), random: { 1 })
            #expect(Self.here(again, server) == 400)
            #expect(again.orders[0].tenders == replica.orders[0].tenders)
        }
    }

    @Test func `a copied redeemer takes a new incarnation, and its promise is not sent`()
        async throws
    {
        let bed = try TestBed()
        let token = try await bed.server.nameRedeemer()
        try await bed.server.inside { server in
            let (phone, secret) = try Self.member(server)
            let till = try server.rawRedeemer(token)
            _ = try till.openRedeemer(outside: nil)
            try server.enrol(till, token)
            let made = try phone.reserve(300, of: .points, at: "s-1", reading: server.reading)
            try server.settle(phone, secret, at: server.reading)
            let now = server.reading
            func code() throws -> String {
                try #require(phone.leaseCode(made.lease, at: now)).text
            }
            // Both are taken for the original: their records were copied, too.
            let copy = try Replica(
                image: till.image(), random: { [clock = server.clock] in clock.draw() })
            let mark = try #require(copy.redeemerMark)
            #expect(try copy.openRedeemer(outside: mark) == mark)
            let what = RedeemedFor.reward("two-off")
            _ = try till.redeem(try code(), what, at: "s-1", reading: server.reading)
            _ = try copy.redeem(try code(), what, at: "s-1", reading: server.reading)
            _ = try copy.redeem(try code(), what, at: "s-1", reading: server.reading)
            let promise = try #require(try copy.promiseWatermark(at: now))
            try server.settle(till, token, space: "store:s-1", at: server.reading)
            // The copy is found out when it sends, and sends all but its promise under a new id.
            try server.settle(copy, token, space: "store:s-1", at: server.reading)
            #expect(copy.redeemerMark?.incarnation != mark.incarnation && copy.lacksKey)
            #expect(try copy.receipts().first { $0.id == promise }?.state == .withdrawn)
            let states = try copy.receipts().filter { $0.label == "redeem" }.map(\.state)
            #expect(states == [.accepted, .accepted])
            #expect(throws: ToteError.self) {
                try copy.redeem(try code(), what, at: "s-1", reading: server.reading)
            }
            try server.settle(phone, secret, at: server.reading)
            // Goods were given for 450, and 300 were reserved: the rest is the retailer's loss.
            #expect(phone.balance(.points, at: server.reading).total == 700)
            #expect(try server.ledgerFaults() == [])
        }
    }

    @Test func `what could not be noted outside the file is taken back`() async throws {
        let bed = try TestBed()
        let token = try await bed.server.nameRedeemer()
        try await bed.server.inside { server in
            let (phone, secret) = try Self.member(server)
            let till = try server.rawRedeemer(token)
            _ = try till.openRedeemer(outside: nil)
            try server.enrol(till, token)
            let made = try phone.reserve(300, of: .points, at: "s-1", reading: server.reading)
            try server.settle(phone, secret, at: server.reading)
            let now = server.reading
            let code = try #require(phone.leaseCode(made.lease, at: now)).text
            let before = till.redeemerMark
            let what = RedeemedFor.reward("two-off")
            let taken = try till.redeem(code, what, at: "s-1", reading: server.reading)
            #expect(till.redeemerMark != before)
            try till.takeBack(taken, of: code)
            #expect(till.redeemerMark == before)
            for kept in [till, try Replica(image: till.image(), random: { 3 })] {
                let receipt = try kept.receipts().first { $0.id == taken.receipt }
                #expect(receipt?.state == .withdrawn)
            }
            let again = try till.redeem(code, what, at: "s-1", reading: server.reading)
            #expect(again.left == 150, "nothing of the first is taken")
            try server.settle(till, token, space: "store:s-1", at: server.reading)
            try server.settle(phone, secret, at: server.reading)
            #expect(phone.balance(.points, at: server.reading).total == 850)
        }
    }

    @Test func `a mark that is behind its file is the file's, one that is ahead is not`()
        async throws
    {
        let bed = try TestBed()
        try await bed.server.inside { server in
            func till() throws -> Replica {
                try Replica(image: nil, random: { [clock = server.clock] in clock.draw() })
            }
            let first = try till()
            let mark = try first.openRedeemer(outside: nil)
            #expect(mark.takes == 0 && mark.incarnation != 0)
            #expect(try first.openRedeemer(outside: mark) == mark)
            let ahead = RedeemerMark(incarnation: mark.incarnation, takes: 1)
            let second = try first.openRedeemer(outside: ahead)
            #expect(second.incarnation != mark.incarnation, "the file was rolled back by a take")
            #expect(try first.openRedeemer(outside: nil).incarnation != second.incarnation)
            #expect(try till().openRedeemer(outside: mark).incarnation != mark.incarnation)
        }
    }
}
