import Testing
import ProtocolChecks
import ToteCore
import ToteServer

struct HorizonTests {
    private static let day: UInt64 = 24 * 3_600 * 1_000

    private func later(_ server: TestServer, days: UInt64) throws {
        server.now += days * Self.day
        try server.inGroup { try server.server.sweepAll(at: server.now) }
    }

    @Test func `a device behind the horizon gets a snapshot, and what was deleted stays deleted`()
        throws
    {
        let server = try TestServer()
        var (old, busy) = (TestDevice(1), TestDevice(2))
        try old.push([Make.add(nonce: 1)], to: server)
        let left = old
        try busy.push([Make.erase([Make.dot(1, 1)], nonce: 2), Make.add(0, nonce: 3)], to: server)
        try later(server, days: 60)
        try busy.push(
            [Make.add(5, nonce: 4, at: server.now), Make.add(0, nonce: 5, at: server.now)],
            to: server)
        try later(server, days: 40)
        // Its outbox, made long ago, is judged like any other; it names a cell that is gone.
        var back = left
        let answer = try back.push(
            [Make.add(2, nonce: 6, replaces: [Make.dot(1, 1)])], to: server)
        #expect(answer.reply?.fates == [Fate(position: 6)])
        let snapshot = try #require(answer.reply?.snapshot)
        #expect(Fold.counter(snapshot.documents.cells(Make.key)) == 7)
        #expect(snapshot.documents.cells(Make.key).allSatisfy { $0.dot != Make.dot(1, 1) })
        // The rejections of the last 90 days are in it, older ones are gone.
        #expect(snapshot.rejections.map(\.nonce) == [5])
        #expect(snapshot.rejections.map(\.dot) == [Make.dot(2, 4)])
        #expect(try server.faults() == [])
        // Who is within the horizon gets events still.
        var reader = TestDevice(3)
        reader.cursor = Cursor(epoch: server.epoch, position: 3)
        #expect(try reader.pull(server).map(\.change.nonce) == [4, 5, 6])
        reader.cursor?.position = 2
        let pull = SyncRequest(replica: reader.replica, cursor: reader.cursor)
        #expect(try server.send(pull).reply?.snapshot != nil)
    }

    @Test func `fates outlive the horizon, so a retry is still answered`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1), Make.add(0, nonce: 2)], to: server)
        let batch = try #require(device.last)
        try later(server, days: 100)
        for current in [server, try server.reopened()] {
            let again = try current.send(batch).reply
            #expect(again?.fates.map(\.position) == [1, 2])
            #expect(again?.fates[1].rejection?.code == "counter_out_of_range")
        }
        var copy = TestDevice(2)
        copy.formerly = [ReplicaID(1)]
        let fate = try copy.push([Make.add(nonce: 1)], to: server).reply?.fates[0]
        #expect(fate?.sameAs == Make.dot(1, 1))
        #expect(try server.quantity() == 1)
        #expect(try server.faults() == [])
    }

    @Test func `beyond 400 days a resend is too old, and applies nothing twice`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1)], to: server)
        let batch = try #require(device.last)
        try later(server, days: 401)
        let late = try server.send(batch).reply?.fates
        #expect(late?.map(\.rejection?.code) == ["too_old"])
        var next = TestDevice(2)
        next.formerly = [ReplicaID(1)]
        let fate = try next.push([Make.add(nonce: 1)], to: server).reply?.fates[0]
        #expect(fate?.rejection?.code == "too_old")
        #expect(try server.quantity() == 1)
        #expect(try server.faults() == [])
        #expect(try server.reopened().quantity() == 1)
    }

    /// More than two replies can carry.
    private func big() throws -> (TestServer, Documents) {
        let server = try TestServer()
        var device = TestDevice(1)
        let text = Value.text(String(repeating: "x", count: 3_500))
        for batch in 0..<4 as Range<UInt64> {
            let changes = (0..<60).map { index in
                Change(
                    nonce: batch * 60 + index + 1, time: Timestamp(milliseconds: server.now),
                    writes: [
                        Write(
                            key: Key("c", Name("i\(batch)-\(index)"), "note"),
                            payload: .register(text))
                    ])
            }
            try device.push(changes, to: server)
        }
        var expected = Documents()
        for event in try server.server.judgedEvents(space: TestServer.space) {
            expected.apply(event.change, dot: event.dot)
        }
        return (server, expected)
    }

    @Test func `a snapshot is paged, pinned to one position while others write`() throws {
        let (server, expected) = try big()
        var other = TestDevice(2)
        var request = SyncRequest(replica: ReplicaID(9))
        var documents = Documents()
        var pages = 0
        var cursor: Cursor?
        while true {
            let reply = try #require(try server.send(request).reply)
            let snapshot = try #require(reply.snapshot)
            pages += 1
            for (key, cell) in snapshot.documents.sortedCells() { documents.insert(cell, at: key) }
            #expect(snapshot.position == 240)
            #expect(reply.hasMore)
            cursor = reply.cursor
            try other.push(
                [
                    Change(
                        nonce: UInt64(1_000 + pages), time: Timestamp(milliseconds: server.now),
                        writes: [
                            Write(
                                key: Key("c", "i3-59", "note"), payload: nil,
                                replaces: [Make.dot(1, 240)]),
                            Write(key: Key("a", Name("n\(pages)"), "f"), payload: .flag),
                        ])
                ], to: server)
            guard let next = snapshot.next else { break }
            request.page = SyncRequest.Page(position: snapshot.position, next: next)
        }
        #expect(pages >= 3)
        #expect(documents == expected)
        // What was written meanwhile comes as events behind the pinned position.
        var reader = TestDevice(9)
        reader.cursor = cursor
        let events = try reader.pull(server)
        #expect(events.map(\.change.nonce) == (1...pages).map { UInt64(1_000 + $0) })
        for event in events { documents.apply(event.change, dot: event.dot) }
        let live = try server.server.judgedEvents(space: TestServer.space)
            .reduce(into: Documents()) { $0.apply($1.change, dot: $1.dot) }
        #expect(documents == live)
    }

    @Test func `a page whose pin is gone begins again at a new position`() throws {
        let (server, _) = try big()
        let first = try #require(try server.send(SyncRequest(replica: ReplicaID(9))).reply)
        let snapshot = try #require(first.snapshot)
        var other = TestDevice(2)
        try other.push([Make.add(nonce: 999)], to: server)
        let restarted = try server.reopened()
        var request = SyncRequest(replica: ReplicaID(9))
        request.page = SyncRequest.Page(
            position: snapshot.position, next: try #require(snapshot.next))
        let again = try #require(try restarted.send(request).reply?.snapshot)
        #expect(again.position == 241)
        #expect(again.documents.items("c").keys.contains("i0-0") || again.next != nil)
        #expect(again.documents.sortedCells().first?.key.collection == "c" || again.next != nil)
        for odd in [(0, 0), (1, 5), (240, .max >> 11), (9_999_999, 0)] as [(UInt64, UInt64)] {
            request.page = SyncRequest.Page(position: odd.0, next: odd.1)
            #expect(try restarted.send(request).reply?.snapshot != nil)
        }
    }

    @Test(arguments: [1, 59, 60, 61, 119, 120, 200, 239] as [UInt64])
    func `events are paged from any position, in order, none twice`(from: UInt64) throws {
        let (server, _) = try big()
        for current in [server, try server.reopened()] {
            var reader = TestDevice(9)
            reader.cursor = Cursor(epoch: server.epoch, position: from)
            let nonces = try reader.pull(current).map(\.change.nonce)
            // A row is never split: what is known already may come again at the front.
            #expect(nonces.suffix(Int(240 - from)) == Array(from + 1...240)[...])
            #expect(nonces == Array((nonces.first ?? 0)...240))
            #expect(reader.cursor?.position == 240)
        }
    }

    @Test func `a pull that waits is parked, and answered by a change, the deadline or revocation`()
        throws
    {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1)], to: server)
        let secret = try server.mint(#"{"spaces":[{"space":"customer:c-1"}],"label":"w"}"#)
        var wait = SyncRequest(
            replica: ReplicaID(2), cursor: Cursor(epoch: server.epoch, position: 1))
        wait.waitSeconds = 10
        func park() throws -> Parked {
            let request = server.request(Encoding.cbor.encode(wait), token: secret)
            guard case .park(let parked) = try server.handle(request) else {
                throw TestFailure("answered")
            }
            return parked
        }
        func resume(_ parked: Parked) throws -> ServerResponse? {
            let handled = try server.inGroup { try server.server.resume(parked, at: server.now) }
            guard case .answer(let answer) = handled else { return nil }
            APICheck.check(server.request(Encoding.cbor.encode(wait), token: secret), answer)
            return answer
        }
        let parked = try park()
        #expect(parked.space == TestServer.space && parked.deadline == server.now + 10_000)
        #expect(try resume(parked) == nil)
        server.now += 9_999
        #expect(try resume(parked) == nil)
        server.now += 1
        let timeout = try Encoding.cbor.reply(try #require(try resume(parked)).body)
        #expect(timeout.events == [] && timeout.cursor.position == 1)
        let second = try park()
        try server.server.begin()
        _ = try server.server.handle(
            server.request(Encoding.cbor.encode(device.batch([Make.add(nonce: 2)]))),
            at: server.now)
        #expect(server.server.touchedSpaces == [TestServer.space])
        try server.server.commit()
        let news = try Encoding.cbor.reply(try #require(try resume(second)).body)
        #expect(news.events.flatMap(\.events).map(\.change.nonce) == [2])
        wait.cursor?.position = 2
        let third = try park()
        guard
            case .array(let list)? = try server.value(try server.admin("GET", "v1/admin/tokens"))[
                "tokens"],
            let id = list.first(where: { $0["label"] == .text("w") })?["id"]?.textValue
        else { throw TestFailure("no token") }
        _ = try server.admin("DELETE", "v1/admin/tokens/\(id)")
        #expect(server.server.revokedTokens == [id])
        #expect(third.tokenID == id)
        #expect(try resume(third)?.status == 401)
    }

    @Test func `a pull that has something to get, or no cursor, is never parked`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1), Make.add(nonce: 2)], to: server)
        for cursor in [nil, Cursor(epoch: server.epoch, position: 1)] {
            var wait = SyncRequest(replica: ReplicaID(2), cursor: cursor)
            wait.waitSeconds = 25
            #expect(try server.send(wait).reply != nil)
        }
    }
}
