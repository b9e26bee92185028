import Testing
import ToteCore
import ToteServer

/// Requests that cannot be meant: a problem document with a code, and the database as it was.
struct RefusalTests {
    /// A server with some history, and a request in which every member occurs.
    private func fixture() throws -> (TestServer, SyncRequest, TestDevice) {
        let server = try TestServer()
        var device = TestDevice(0x0102_0304_0506_0708)
        device.cursor = Cursor(epoch: server.epoch, position: 0)
        try device.push([Make.add(nonce: 1), Make.add(0, nonce: 2)], to: server)
        var other = TestDevice(2)
        try other.push([Make.add(nonce: 3)], to: server)
        let note = Key("cart:main", "tea", Fields.note)
        var change = Change(
            nonce: 4, time: Timestamp(milliseconds: server.now),
            writes: [
                Write(key: Make.key, payload: .delta(1), replaces: [Make.dot(2, 1)]),
                Write(key: note, payload: .register(.array([.text("n"), .map([])]))),
            ])
        change.extensions = [Value.Entry("x_new", .int(1))]
        return (server, device.batch([change, Make.add(nonce: 5)]), device)
    }

    /// Sends bytes and checks what must hold whatever they are. Returns the code.
    private func send(
        _ bytes: [UInt8], _ encoding: Encoding, to server: TestServer, before: [String]
    ) throws -> String? {
        let answer = try server.answer(server.request(bytes, encoding: encoding))
        guard answer.status != 200 else {
            _ = try encoding.reply(answer.body)
            return nil
        }
        let problem = try server.value(answer)
        guard answer.contentType == "application/problem+json",
            let code = problem["code"]?.textValue, code == answer.code, !code.isEmpty,
            problem["status"] == .int(Int64(answer.status)),
            problem["did_not_happen"] == .bool(true), problem["request_id"] == .text("r"),
            problem["type"] == .text("urn:tote:error:\(code)")
        else { throw TestFailure("\(answer.status) \(problem)") }
        if try server.dump() != before {
            throw TestFailure("\(code) changed the database: \(Hex.string(bytes))")
        }
        return code
    }

    @Test(arguments: Encoding.allCases)
    func `a request cut at any byte is refused and changes nothing`(encoding: Encoding) throws {
        let (server, request, _) = try fixture()
        let before = try server.dump()
        let bytes = encoding.encode(request)
        for count in 0..<bytes.count {
            let code = try send(Array(bytes[..<count]), encoding, to: server, before: before)
            #expect(code == "malformed", "cut at \(count)")
        }
    }

    @Test(arguments: Encoding.allCases)
    func `a request with any byte changed is refused without a trace, or taken`(
        encoding: Encoding
    ) throws {
        let (server, request, _) = try fixture()
        let image = try server.store.image()
        let before = try server.dump()
        let bytes = encoding.encode(request)
        var current = server
        var codes: Set<String> = []
        var taken = 0
        let values: [UInt8] =
            encoding == .cbor
            ? [0, 1, 0x17, 0x18, 0x3B, 0x40, 0x60, 0x80, 0xA0, 0xF6, 0xFF]
            : Array("09\"{[a-".utf8)
        for index in bytes.indices {
            for value in values + [bytes[index] ^ 1, bytes[index] &+ 7] where value != bytes[index]
            {
                var mutated = bytes
                mutated[index] = value
                if let code = try send(mutated, encoding, to: current, before: before) {
                    codes.insert(code)
                    continue
                }
                taken += 1
                let fresh = try TestServer(image: image)
                fresh.adopt(server)
                current = fresh
            }
        }
        #expect(codes.isSuperset(of: ["malformed", "replica_forked", "epoch_changed"]))
        #expect(taken > 10)
    }

    @Test func `every field beyond what is possible is refused by name`() throws {
        let (server, request, _) = try fixture()
        let before = try server.dump()
        let id = "\"0102030405060708\""
        let nonce = "\"nonce\":\"0000000000000001\""
        let change = "{\(nonce),\"time\":[1,0]}"
        let members: [(String, String)] = [
            ("not an object", "[]"), ("no replica", "{}"), ("null replica", "{\"replica\":null}"),
            ("number for an id", "{\"replica\":5}"),
            ("cursor", "{\"replica\":\(id),\"cursor\":[]}"),
            ("cursor of 3", "{\"replica\":\(id),\"cursor\":[\(id),1,1]}"),
            ("cursor below 0", "{\"replica\":\(id),\"cursor\":[\(id),-1]}"),
            ("ticket", "{\"replica\":\(id),\"ticket\":1}"),
            ("formerly", "{\"replica\":\(id),\"formerly\":{}}"),
            ("wait", "{\"replica\":\(id),\"wait\":26}"),
            ("wait text", "{\"replica\":\(id),\"wait\":\"1\"}"),
            ("page", "{\"replica\":\(id),\"page\":[1]}"),
            ("whole", "{\"replica\":\(id),\"whole\":1}"),
            ("resend", "{\"replica\":\(id),\"resend\":[{}]}"),
            ("no counter", "{\"replica\":\(id),\"changes\":[\(change)]}"),
            ("counter 0", "{\"replica\":\(id),\"counter\":0,\"changes\":[\(change)]}"),
            ("float", "{\"replica\":\(id),\"counter\":1.0,\"changes\":[\(change)]}"),
            ("2^53", "{\"replica\":\(id),\"counter\":9007199254740992,\"changes\":[\(change)]}"),
            (
                "a member of a reply",
                "{\"replica\":\(id),\"counter\":1,\"changes\":[{\(nonce),\"fates\":[]}]}"
            ),
            (
                "a time beyond 48 bits",
                "{\"replica\":\(id),\"counter\":1,"
                    + "\"changes\":[{\(nonce),\"time\":[281474976710656,0]}]}"
            ),
            (
                "a dot with counter 0",
                "{\"replica\":\(id),\"counter\":1,\"keys\":[[\"c\",\"i\",\"f\"]],\"changes\":"
                    + "[{\(nonce),\"writes\":[{\"key\":0,\"replaces\":[[\(id),0]]}]}]}"
            ),
            (
                "a key that is not listed",
                "{\"replica\":\(id),\"counter\":1,"
                    + "\"changes\":[{\(nonce),\"writes\":[{\"key\":0}]}]}"
            ),
        ]
        for (name, text) in members {
            let code = try send(Array(text.utf8), .json, to: server, before: before)
            #expect(code == "malformed", "\(name)")
        }
        let huge = [UInt8](repeating: 0x20, count: Limits.requestBytesMax + 1)
        #expect(try send(huge, .json, to: server, before: before) == "body_too_large")
        var waiting = request
        waiting.waitSeconds = 1
        #expect(
            try send(Encoding.cbor.encode(waiting), .cbor, to: server, before: before)
                == "wait_with_changes")
    }

    @Test func `a batch beyond 256 KiB is refused whole, one at it is taken`() throws {
        let (server, _, device) = try fixture()
        let before = try server.dump()
        func batch(_ extra: Int) -> SyncRequest {
            device.batch(
                (0..<65).map { index in
                    let text = String(repeating: "x", count: index == 0 ? extra : 3_900)
                    let key = Key("c", Name("i\(index)"), "note")
                    return Change(
                        nonce: UInt64(100 + index), time: Timestamp(milliseconds: server.now),
                        writes: [Write(key: key, payload: .register(.text(text)))])
                })
        }
        let rest = Limits.batchBytesMax - Encoding.cbor.encode(batch(3_000).run).count + 3_000
        let over = Encoding.cbor.encode(batch(rest + 1))
        #expect(try send(over, .cbor, to: server, before: before) == "batch_too_large")
        let most = Encoding.cbor.encode(batch(rest))
        #expect(try send(most, .cbor, to: server, before: before) == nil)
    }

    @Test func `types that are not spoken are refused, parameters and case are not`() throws {
        let (server, request, _) = try fixture()
        let before = try server.dump()
        for type in [nil, "", "text/plain", "application/xml", "application/cborx"] {
            var message = server.request(Encoding.cbor.encode(request))
            message.contentType = type
            let answer = try server.answer(message)
            #expect(answer.status == 415 && answer.code == "unsupported_media_type")
        }
        #expect(try server.dump() == before)
        var message = server.request(Encoding.cbor.encode(request))
        message.contentType = "Application/CBOR ; q=1"
        message.accept = "text/html, application/json"
        let answer = try server.answer(message)
        #expect(answer.status == 200 && answer.contentType == "application/json")
        let reply = try Encoding.json.reply(answer.body)
        #expect(reply.fates.count == 2)
    }

    @Test func `both encodings are answered alike`() throws {
        for encoding in Encoding.allCases {
            let (server, request, _) = try fixture()
            let reply = try #require(try server.send(request, encoding: encoding).reply)
            #expect(reply.fates == [Fate(position: 4), Fate(position: 5)])
            let events = reply.events.flatMap(\.events)
            #expect(events.map(\.change.nonce) == [3, 4, 5])
            #expect(events[0].change.writes.count == 1 && events[1].change.writes.isEmpty)
            #expect(reply.cursor == Cursor(epoch: server.epoch, position: 5))
        }
    }

    @Test func `a cursor ahead of the log is refused, never guessed`() throws {
        let (server, _, _) = try fixture()
        let pull = SyncRequest(
            replica: ReplicaID(9), cursor: Cursor(epoch: server.epoch, position: 4))
        #expect(try server.send(pull).code == "cursor_ahead")
    }

    @Test func `a push with a cursor ahead of the log changes nothing`() throws {
        let (server, request, _) = try fixture()
        let before = try server.dump()
        var ahead = request
        ahead.cursor = Cursor(epoch: server.epoch, position: 1_000)
        let code = try send(Encoding.cbor.encode(ahead), .cbor, to: server, before: before)
        #expect(code == "cursor_ahead")
    }

    @Test func `a refused resend changes nothing, wherever its fault lies`() throws {
        let (old, _, _) = try fixture()
        let server = try old.reopened(isBackup: true)
        let before = try server.dump()
        func run(_ replica: UInt64, _ changes: [Change]) -> Run {
            Run(
                replica: ReplicaID(replica), counter: 50,
                events: changes.enumerated().map { index, change in
                    Event(
                        dot: Make.dot(replica, 50 + UInt64(index)), change: change,
                        outcome: .accepted)
                })
        }
        let late = Make.add(nonce: 71, at: server.now + 60_000)
        var rejected = run(6, [Make.add(nonce: 72)])
        rejected.events[0].outcome = .rejected(Rejection(code: "x"))
        for bad in [run(6, [late]), run(6, [Make.add(nonce: 73), late]), rejected] {
            var request = SyncRequest(replica: ReplicaID(9))
            request.resend = [run(5, [Make.add(nonce: 70)]), bad]
            let code = try send(Encoding.cbor.encode(request), .cbor, to: server, before: before)
            #expect(code != nil)
        }
        // A resend comes alone: beside a push neither happens.
        var both = SyncRequest(replica: ReplicaID(9))
        both.resend = [run(5, [Make.add(nonce: 70)])]
        both.changes = [Event(dot: Make.dot(9, 1), change: late, outcome: .accepted)]
        #expect(
            try send(Encoding.cbor.encode(both), .cbor, to: server, before: before)
                == "resend_with_changes")
        #expect(try server.faults() == [])
    }
}
