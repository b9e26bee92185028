import Foundation
import Testing
import ToteClient
import ToteTesting

@Suite(.timeLimit(.minutes(5))) struct SyncTests {
    @Test func `two devices that edited offline agree`() async throws {
        let bed = try TestBed()
        let (a, b) = (try await bed.device("a"), try await bed.device("b"))
        try await a.cart().setQuantity(2, of: "latte")
        try await a.cart().add("muffin")
        for tote in [a, b] { _ = try await tote.syncOnce() }
        try await a.cart().remove("latte")
        try await b.cart().add("latte")
        try await b.cart().setNote("extra hot", of: "muffin")
        for tote in [a, b, a] { #expect(try await tote.syncOnce().isComplete) }
        #expect(await a.cart().value == b.cart().value)
        #expect(await a.cart().value.quantity("latte") == 1)
        #expect(await a.cart().value.lines.last?.note == "extra hot")
    }

    @Test func `live devices see each other's edits without asking`() async throws {
        let bed = try TestBed()
        let (a, b) = (try await bed.device("a"), try await bed.device("b"))
        try await a.cart().add("latte")
        for tote in [a, b] {
            await tote.start()
            _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        }
        async let seen = first(of: b.cart().updates) { $0.quantity("latte") == 3 }
        try await a.cart().add("latte", quantity: 2)
        #expect(await seen?.quantity("latte") == 3)
        for tote in [a, b] { await tote.close() }
    }

    @Test func `a live device of a customer who has nothing asks at a bounded rate`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        await tote.start()
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        // Time for a loop without a wait to go round thousands of times.
        try await Task.sleep(for: .milliseconds(500))
        #expect(await bed.server.seen.count <= 8)
        await tote.close()
    }

    @Test func `a lost reply makes a change take effect once`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        _ = try await tote.syncOnce()
        await bed.server.fail(.replyLost, .lost, .replyLost)
        try await tote.cart().add("latte")
        await tote.start()
        for _ in 0..<3 {
            _ = await first(of: tote.statusUpdates) { $0.isOffline }
            await tote.networkMayBeBack()
        }
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        #expect(try await bed.server.judged("ada").values.sorted() == [1])
        #expect(await tote.cart().value.quantity("latte") == 1)
    }

    @Test(arguments: [200, 302, 403, 511])
    func `a captive portal harms nothing`(status: Int) async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        let page = TransportResponse(
            status: status, headers: ["Content-Type": "text/html", "Location": "http://portal/"],
            body: Array("<html>Please log in".utf8))
        await bed.server.fail(.answer(page), .answer(page))
        let id = try #require(try await tote.cart().add("latte"))
        await tote.start()
        for _ in 0..<2 {
            _ = await first(of: tote.statusUpdates) { $0.isOffline }
            #expect(try await tote.receipt(id)?.state.isFinal == false)
            await tote.networkMayBeBack()
        }
        #expect(try await tote.settled(id).state == .accepted)
    }

    @Test(arguments: [(429, "rate_limited"), (503, "too_busy")])
    func `the server's wish for a pause is the least that is waited`(
        httpStatus: Int, code: String
    ) async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        let busy = TransportResponse(
            status: httpStatus,
            headers: ["Content-Type": "application/problem+json", "retry-after": "120"],
            body: Array("{\"code\":\"\(code)\"}".utf8))
        await bed.server.fail(.answer(busy))
        await tote.start()
        let status = await first(of: tote.statusUpdates) { $0.isOffline }
        guard case .offline(let since, let retryAt?, .serverBusy(code)) = status else {
            Issue.record("unexpected status \(String(describing: status))")
            return
        }
        #expect(retryAt.timeIntervalSince(since) >= 120)
        #expect(retryAt.timeIntervalSince(since) <= 120.5)
    }

    @Test func `a background slot ends at its deadline and is taken up again`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        let id = try #require(try await tote.cart().add("latte"))
        await bed.server.fail(.held)
        async let slot = tote.syncOnce(deadline: .seconds(5))
        await bed.server.arrived(1)
        while bed.clock.sleeperCount < 2 { await Task.yield() }
        bed.clock.advance(by: .seconds(5))
        let report = try await slot
        #expect(!report.isComplete)
        #expect(report.unsentCount == 1)
        #expect(await tote.status.isOffline)
        await bed.server.releaseHeld()
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.settled(id).state == .accepted)
        #expect(try await bed.server.judged("ada").values.sorted() == [1])
    }

    @Test func `nothing is parked in a background slot`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await tote.cart().add("latte")
        #expect(try await tote.syncOnce().isComplete)
        #expect(await bed.server.seen.allSatisfy { $0.lane == .exchange })
        #expect(await tote.status.isUpToDate)
    }

    @Test(arguments: [Int64(-315_360_000_000), 315_360_000_000])
    func `a clock ten years off neither wins nor loses`(skew: Int64) async throws {
        let bed = try TestBed()
        let (a, b) = (try await bed.device("a"), try await bed.device("b"))
        for tote in [a, b] { _ = try await tote.syncOnce() }
        bed.clock.wallSkewMilliseconds = skew
        try await a.cart().setTitle("first")
        bed.clock.wallSkewMilliseconds = 0
        bed.clock.advance(by: .seconds(5))
        try await b.cart().setTitle("second")
        for tote in [a, b, a] { #expect(try await tote.syncOnce().isComplete) }
        for tote in [a, b] {
            #expect(await tote.cart().value.title == "second")
            let others = try await tote.conflicts(of: .cartTitle(cart: "main"))
            #expect(others == [.text("first")])
        }
    }

    @Test func `a token for another customer halts, and nothing is lost`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let secret = try await bed.server.mint("bob")
        try await tote.signIn(customer: "ada", transport: bed.server) { AccessToken(secret) }
        try await tote.cart().add("latte")
        await #expect { try await tote.syncOnce() } throws: {
            ($0 as? ToteError)?.code == .server
        }
        try await bed.signIn(tote)
        #expect(try await tote.syncOnce().isComplete)
    }
}
