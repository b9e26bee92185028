import Testing
import ToteCore
import ToteServer

struct JudgeTests {
    private func fork(_ answer: TestServer.Answer) -> Bool { answer.code == "replica_forked" }

    /// A device that has pushed twice, its first batch, and its tickets after each.
    private func twice() throws -> (TestServer, TestDevice, SyncRequest, [UInt64?]) {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1)], to: server)
        let first = try #require(device.last)
        let ticket = device.ticket
        try device.push([Make.add(nonce: 2)], to: server)
        return (server, device, first, [nil, ticket, device.ticket])
    }

    @Test func `the current ticket makes a new batch, and the next ticket is another`() throws {
        let (server, device, _, tickets) = try twice()
        #expect(Set(tickets.compactMap { $0 }).count == 2)
        var next = device
        let answer = try next.push([Make.add(nonce: 3)], to: server)
        #expect(answer.reply?.fates == [Fate(position: 3)])
        #expect(try server.quantity() == 3)
    }

    @Test func `the previous ticket with the same batch is answered again`() throws {
        let (server, device, _, tickets) = try twice()
        let last = try #require(device.last)
        let before = try server.dump()
        let again = try server.send(last)
        #expect(again.reply?.fates == [Fate(position: 2)])
        #expect(again.reply?.ticket == tickets[2])
        #expect(try server.dump() == before)
    }

    @Test func `the previous ticket with the batch stamped anew is the same retry`() throws {
        let (server, device, _, tickets) = try twice()
        var restamped = try #require(device.last)
        restamped.changes[0].change.time = Timestamp(milliseconds: 1_800_000_000_001)
        let again = try server.send(restamped)
        #expect(again.reply?.fates == [Fate(position: 2)])
        #expect(again.reply?.ticket == tickets[2])
        // The author does not know which stamp the log has: it gets the change in full.
        let events = again.reply?.events.flatMap(\.events) ?? []
        #expect(events.last?.change.writes.count == 1)
        #expect(try server.quantity() == 2)
    }

    @Test func `an older ticket whose changes are known gets fates and no ticket`() throws {
        let (server, _, first, _) = try twice()
        let again = try server.send(first)
        #expect(again.reply?.fates == [Fate(position: 1)])
        #expect(again.reply?.ticket == nil)
        #expect(try server.quantity() == 2)
    }

    @Test func `a ticket that is not known, missing or old with new changes is a fork`() throws {
        let (server, device, _, tickets) = try twice()
        let before = try server.dump()
        for ticket in [nil, 77, tickets[1]] as [UInt64?] {
            var copy = device
            copy.ticket = ticket
            #expect(fork(try copy.push([Make.add(nonce: 9)], to: server)), "\(ticket ?? 0)")
        }
        #expect(try server.dump() == before)
    }

    @Test func `a gap is a fork, and so are other nonces at used counters`() throws {
        let (server, device, first, _) = try twice()
        let before = try server.dump()
        var gap = device
        gap.counter += 1
        #expect(fork(try gap.push([Make.add(nonce: 9)], to: server)))
        var used = device
        used.counter = 1
        #expect(fork(try used.push([Make.add(nonce: 9)], to: server)))
        var other = first
        other.changes[0].change.nonce = 99
        #expect(fork(try server.send(other)))
        #expect(try server.dump() == before)
    }

    @Test func `a first push shows no ticket and begins with 1`() throws {
        let server = try TestServer()
        for (counter, ticket) in [(0, 5), (1, nil), (4, nil)] as [(UInt64, UInt64?)] {
            var device = TestDevice(8)
            device.counter = counter
            device.ticket = ticket
            #expect(fork(try device.push([Make.add(nonce: 1)], to: server)))
        }
    }

    @Test func `with the current ticket known and new changes may overlap`() throws {
        let (server, device, first, _) = try twice()
        var overlap = device
        overlap.counter = 0
        let batch = [first.changes[0].change, Make.add(nonce: 2), Make.add(nonce: 3)]
        let answer = try overlap.push(batch, to: server)
        #expect(answer.reply?.fates.map(\.position) == [1, 2, 3])
        #expect(try server.quantity() == 3)
        #expect(try server.faults() == [])
    }

    @Test func `a pull neither shows nor gets a ticket`() throws {
        let (server, device, _, _) = try twice()
        var pull = SyncRequest(
            replica: device.replica, cursor: Cursor(epoch: server.epoch, position: 1))
        #expect(try server.send(pull).reply?.ticket == nil)
        pull.ticket = 12345
        let before = try server.dump()
        #expect(try server.send(pull).reply?.ticket == nil)
        #expect(try server.dump() == before)
    }

    @Test func `a copy that pulled is a fork when it pushes`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1)], to: server)
        var copy = device
        try device.push([Make.add(nonce: 2)], to: server)
        let seen = try copy.pull(server)
        #expect(
            seen.map(\.change.nonce) == [2],
            "the copy sees a nonce of its own id that it never made")
        #expect(fork(try copy.push([Make.add(nonce: 3)], to: server)))
    }

    @Test func `after a fork the outbox is sent under a new id, once, and aliases resolve`() throws
    {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1)], to: server)
        var copy = TestDevice(2)
        copy.formerly = [ReplicaID(1)]
        // Its outbox held the change that the original had sent, a new one, and one that erases
        // both.
        let answer = try copy.push(
            [
                Make.add(nonce: 1), Make.add(5, nonce: 2),
                Make.erase([Make.dot(2, 1), Make.dot(2, 2)], nonce: 3),
            ], to: server)
        #expect(
            answer.reply?.fates == [
                Fate(position: 2, sameAs: Make.dot(1, 1)), Fate(position: 3), Fate(position: 4),
            ])
        #expect(try server.quantity() == 0)
        // The log carries the resolved dot.
        var reader = TestDevice(3)
        reader.cursor = Cursor(epoch: server.epoch, position: 1)
        let events = try reader.pull(server)
        #expect(events.last?.change.writes[0].replaces == [Make.dot(1, 1), Make.dot(2, 2)])
        #expect(events[0].outcome == .sameAs(Make.dot(1, 1), rejection: nil))
        #expect(events[0].change.writes == [])
        #expect(try server.faults() == [])
    }

    @Test func `an alias is known in the next batch too, and on the old id's path`() throws {
        let server = try TestServer()
        var copy = TestDevice(2)
        copy.formerly = [ReplicaID(1)]
        try copy.push([Make.add(nonce: 7)], to: server)
        copy.formerly = []
        // The original, which had it in its outbox as well, has not heard of any fork.
        var device = TestDevice(1)
        let answer = try device.push([Make.add(nonce: 7), Make.add(nonce: 8)], to: server)
        #expect(
            answer.reply?.fates == [Fate(position: 2, sameAs: Make.dot(2, 1)), Fate(position: 3)])
        try device.push([Make.erase([Make.dot(1, 1), Make.dot(1, 2)], nonce: 9)], to: server)
        #expect(try server.quantity() == 0)
        #expect(try server.faults() == [])
    }

    @Test func `a chain of forks is one family`() throws {
        let server = try TestServer()
        var devices = (1...4).map { TestDevice(UInt64($0)) }
        try devices[0].push([Make.add(nonce: 1)], to: server)
        for index in 1..<4 {
            devices[index].formerly = [ReplicaID(UInt64(index))]
            let answer = try devices[index].push(
                [Make.add(nonce: 1), Make.add(nonce: UInt64(10 + index))], to: server)
            #expect(answer.reply?.fates[0].sameAs == Make.dot(1, 1))
        }
        #expect(try server.quantity() == 4)
        // Two families that turn out to be one are united.
        var lone = TestDevice(9)
        try lone.push([Make.add(nonce: 20)], to: server)
        var heir = TestDevice(10)
        heir.formerly = [ReplicaID(9), ReplicaID(4)]
        let answer = try heir.push([Make.add(nonce: 20), Make.add(nonce: 13)], to: server)
        #expect(answer.reply?.fates.map(\.sameAs) == [Make.dot(9, 1), Make.dot(4, 2)])
        #expect(try server.quantity() == 5)
        #expect(try server.faults() == [])
    }

    @Test func `the rejection of what an alias stands for comes with it`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(0, nonce: 1)], to: server)
        var copy = TestDevice(2)
        copy.formerly = [ReplicaID(1)]
        let fate = try copy.push([Make.add(0, nonce: 1)], to: server).reply?.fates[0]
        #expect(fate?.sameAs == Make.dot(1, 1))
        #expect(fate?.rejection?.code == "counter_out_of_range")
    }

    @Test func `clock_ahead applies nothing, and the ticket stays valid`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1)], to: server)
        let before = try server.dump()
        let late = server.now + Limits.clockAheadMillisecondsMax + 1
        var ahead = device
        let refused = try ahead.push(
            [Make.add(nonce: 2), Make.add(nonce: 3, at: late)], to: server)
        #expect(refused == .problem(409, "clock_ahead"))
        #expect(try server.dump() == before)
        let exact = try device.push(
            [Make.add(nonce: 2), Make.add(nonce: 3, at: late - 1)], to: server)
        #expect(exact.reply?.fates.map(\.position) == [2, 3])
        // The server's own time is hybrid: it has seen that stamp.
        #expect(exact.reply?.serverTime.milliseconds == late - 1)
    }

    @Test func `the ticket is judged before the clock`() throws {
        let (server, device, first, _) = try twice()
        let late = server.now + 60_000
        var copy = device
        copy.ticket = 5
        #expect(fork(try copy.push([Make.add(nonce: 9, at: late)], to: server)))
        // A retry of what is known is answered, whatever its stamps are now.
        var retry = first
        retry.changes[0].change.time = Timestamp(milliseconds: late)
        #expect(try server.send(retry).reply?.fates == [Fate(position: 1)])
    }

    @Test func `a rejected change in the middle stops nothing behind it`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        let answer = try device.push(
            [Make.add(nonce: 1), Make.add(0, nonce: 2), Make.add(3, nonce: 3)], to: server)
        #expect(answer.reply?.fates.map(\.position) == [1, 2, 3])
        #expect(answer.reply?.fates[1].rejection?.code == "counter_out_of_range")
        #expect(try server.quantity() == 4)
        // Every device learns of it; a retry is told the same.
        var other = TestDevice(2)
        other.cursor = Cursor(epoch: server.epoch, position: 1)
        let events = try other.pull(server)
        #expect(events.compactMap(\.rejection?.code) == ["counter_out_of_range"])
        let again = try server.send(try #require(device.last))
        #expect(again.reply?.fates == answer.reply?.fates)
        #expect(try server.faults() == [])
    }

    @Test func `a withdrawn change consumes its counter and does nothing`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        let empty = Change(nonce: 1, time: Timestamp(milliseconds: server.now))
        let answer = try device.push([empty, Make.add(nonce: 2)], to: server)
        #expect(answer.reply?.fates == [Fate(position: 1), Fate(position: 2)])
        #expect(try server.quantity() == 1)
    }

    @Test func `the author gets its nonces, others the whole change`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        device.cursor = Cursor(epoch: server.epoch, position: 0)
        try device.push([Make.add(nonce: 1)], to: server)
        let answer = try device.push([Make.add(nonce: 2), Make.add(0, nonce: 3)], to: server)
        let run = try #require(answer.reply?.events.first)
        let digest = SHA256.digest(Encoding.cbor.encode(try #require(device.last).run))
        #expect(run.digest == Run.shortDigest(digest))
        #expect(run.events.map(\.change.writes.count) == [0, 0])
        #expect(run.events.map(\.change.nonce) == [2, 3])
        #expect(run.events[1].rejection?.code == "counter_out_of_range")
        var pull = SyncRequest(
            replica: device.replica, cursor: Cursor(epoch: server.epoch, position: 1))
        pull.wantsWhole = true
        let whole = try #require(try server.send(pull).reply?.events.first)
        #expect(whole.digest == nil)
        #expect(whole.events.map(\.change.writes.count) == [1, 0])
    }
}
