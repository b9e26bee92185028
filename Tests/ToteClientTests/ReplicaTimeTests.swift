import Testing
import ToteClient
import ToteCore

/// What a device makes of the server's time: replies are past by as long as they were on their way.
@Suite struct ReplicaTimeTests {
    private let replica: Replica

    init() throws {
        var drawn: UInt64 = 6
        replica = try Replica(image: nil) {
            drawn += 1
            return drawn
        }
    }

    private func reading(_ uptime: UInt64, wall: UInt64? = nil, boot: UInt64 = 1) -> ClockReading {
        ClockReading(
            wallMilliseconds: wall ?? 50 + uptime, uptimeMilliseconds: uptime, bootID: boot)
    }

    /// A reply that the server made at a time of its own, and that came when the device's uptime
    /// was this.
    private func hear(_ server: UInt64, at uptime: UInt64, boot: UInt64 = 1) throws {
        let reply = SyncReply(
            cursor: Cursor(epoch: 3, position: 1), serverTime: Timestamp(milliseconds: server))
        let outgoing = try replica.pullRequest()
        _ = try replica.receive(
            status: 200, body: Encoding.cbor.encode(reply), isProblem: false, to: outgoing,
            at: reading(uptime, boot: boot))
    }

    private func time(_ uptime: UInt64, boot: UInt64 = 1) -> UInt64? {
        replica.serverTime(at: reading(uptime, boot: boot))?.milliseconds
    }

    @Test func `a reply that was long on its way does not set the time back`() throws {
        try hear(1_000_000, at: 100)
        #expect(time(200) == 1_000_100)
        // Made at 1,010,000, and 23 s on its way.
        try hear(1_010_000, at: 33_100)
        #expect(time(33_200) == 1_033_100)
        // One that tells a later time was quicker than the first.
        try hear(1_040_050, at: 40_100)
        #expect(time(40_100) == 1_040_050)
    }

    @Test func `an uptime is held against the server's clock again after ten minutes`() throws {
        try hear(1_000_000, at: 0)
        try hear(1_599_000, at: 599_999)
        #expect(time(599_999) == 1_599_999)
        try hear(1_599_900, at: 600_000)
        #expect(time(600_000) == 1_599_900)
    }

    @Test func `a server whose clock was set back is believed`() throws {
        try hear(1_000_000, at: 100)
        try hear(900_000, at: 200)
        #expect(time(200) == 900_000)
    }

    @Test func `a device that was started anew goes by the first reply`() throws {
        try hear(1_000_000, at: 100_000)
        try hear(1_000_500, at: 300, boot: 2)
        #expect(time(400, boot: 2) == 1_000_600)
    }

    /// Found by a simulated day: a slow answer to a parked request set the device's time back by
    /// 23 s, and an order was stamped before the line that it ordered. No test saw it: what a
    /// stamp is worth was judged by nobody.
    @Test func `a change is stamped later than all that its author had seen`() throws {
        try hear(1_000_000, at: 100)
        let key = Key("cart:main", "tea", Fields.note)
        func push(_ text: String, at uptime: UInt64) throws -> (Outgoing, Timestamp) {
            _ = try replica.commit(
                replica.view.registering(.text(text), key), at: reading(uptime))
            let push = try #require(
                try replica.nextRequest(at: reading(uptime), pullsAnyway: false))
            return (push, try #require(push.request.changes.first).change.time)
        }
        let (first, stamp) = try push("hot", at: 599_000)
        #expect(stamp.milliseconds == 1_598_900)
        var reply = SyncReply(
            cursor: Cursor(epoch: 3, position: 1), serverTime: Timestamp(milliseconds: 1_598_950))
        reply.fates = [Fate(position: 2)]
        reply.ticket = 5
        _ = try replica.receive(
            status: 200, body: Encoding.cbor.encode(reply), isProblem: false, to: first,
            at: reading(599_200))
        // Half a minute on its way, when the uptime is to be held against the server's clock again.
        try hear(1_570_000, at: 600_200)
        #expect(time(600_200) == 1_570_000)
        let (_, later) = try push("cold", at: 600_300)
        #expect(later > stamp)
        #expect(later.milliseconds <= 1_599_000, "and no later than what the server allows")
    }

    @Test func `a wall clock that was set between two replies counts after the next start`() throws
    {
        let early = SyncReply(
            cursor: Cursor(epoch: 3, position: 1), serverTime: Timestamp(milliseconds: 1_000_000))
        let wall: UInt64 = 900_000_000
        _ = try replica.receive(
            status: 200, body: Encoding.cbor.encode(early), isProblem: false,
            to: try replica.pullRequest(), at: reading(100))
        var slow = early
        slow.serverTime = Timestamp(milliseconds: 1_000_950)
        _ = try replica.receive(
            status: 200, body: Encoding.cbor.encode(slow), isProblem: false,
            to: try replica.pullRequest(), at: reading(1_100, wall: wall))
        #expect(time(1_100) == 1_001_000)
        let started = replica.serverTime(at: reading(10_000, wall: wall + 60_000, boot: 2))
        #expect(started?.milliseconds == 1_061_000)
    }

    @Test func `what waits for a second batch is stamped after all of the first`() throws {
        try hear(1_000_000, at: 100)
        for index in 0...UInt64(Limits.changesPerBatchMax) {
            let key = Key("cart:main", Name("item\(index)"), Fields.note)
            _ = try replica.commit(
                replica.view.registering(.text("x"), key), at: reading(600_000 + index))
        }
        let first = try #require(try replica.nextRequest(at: reading(600_500), pullsAnyway: false))
        let last = try #require(first.request.changes.last).change.time
        #expect(first.request.changes.count == Limits.changesPerBatchMax)
        // Its reply is half a minute on its way, and tells the time from now on.
        var reply = SyncReply(
            cursor: Cursor(epoch: 3, position: 1), serverTime: Timestamp(milliseconds: 1_600_400))
        reply.fates = (1...Limits.changesPerBatchMax).map { Fate(position: 1 + UInt64($0)) }
        reply.ticket = 5
        _ = try replica.receive(
            status: 200, body: Encoding.cbor.encode(reply), isProblem: false, to: first,
            at: reading(630_000))
        let second = try #require(try replica.nextRequest(at: reading(630_001), pullsAnyway: false))
        #expect(try #require(second.request.changes.first).change.time > last)
    }
}
