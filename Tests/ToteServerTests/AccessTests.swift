import Testing
import ToteCore
import ToteServer

struct AccessTests {
    private func sync(
        _ server: TestServer, space: String = TestServer.space, authorization: String?
    ) throws -> ServerResponse {
        var request = server.request(
            Encoding.cbor.encode(SyncRequest(replica: ReplicaID(1))), space: space)
        request.authorization = authorization
        return try server.answer(request)
    }

    @Test func `another customer's space answers as one that is not there`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1)], to: server)
        let foreign = try server.mint(#"{"spaces":[{"space":"customer:c-2"}]}"#)
        let before = try server.dump()
        let theirs = try sync(server, authorization: "Bearer \(foreign)")
        let missing = try sync(server, space: "customer:none", authorization: "Bearer \(foreign)")
        var path = ServerRequest(method: "GET", path: ["v1", "nothing"], requestID: "r")
        path.authorization = "Bearer \(foreign)"
        let nowhere = try server.answer(path)
        for answer in [theirs, missing, nowhere] {
            #expect(answer.status == 404)
            #expect(answer.body == theirs.body)
            #expect(answer.headers.isEmpty && answer.contentType == theirs.contentType)
        }
        var push = SyncRequest(replica: ReplicaID(7))
        push.changes = [
            Event(dot: Make.dot(7, 1), change: Make.add(nonce: 9), outcome: .accepted)
        ]
        #expect(try server.send(push, token: foreign) == .problem(404, "not_found"))
        // Garbage is not even looked at.
        var garbage = server.request([0xFF, 0x00], token: foreign)
        garbage.contentType = "x/y"
        #expect(try server.answer(garbage).body == theirs.body)
        #expect(try server.dump() == before)
    }

    @Test func `what differs from a space only by Unicode equivalence is another space`() throws {
        let server = try TestServer()
        let token = try server.mint("{\"spaces\":[{\"space\":\"customer:caf\u{E9}\"}]}")
        for (space, status) in [("customer:caf\u{E9}", 200), ("customer:cafe\u{301}", 404)] {
            let answer = try sync(server, space: space, authorization: "Bearer \(token)")
            #expect(answer.status == status)
        }
    }

    @Test func `a token that is missing, misspelt, expired or revoked is 401`() throws {
        let server = try TestServer()
        let short = try server.mint(#"{"spaces":[{"space":"customer:c-1"}],"expires_in_s":60}"#)
        let lost = try server.mint(#"{"spaces":[{"space":"customer:c-1"}],"label":"lost"}"#)
        #expect(try sync(server, authorization: "bearer \(short)").status == 200)
        server.now += 60_000
        let tokens = try server.value(try server.admin("GET", "v1/admin/tokens"))["tokens"]
        guard case .array(let list)? = tokens,
            let id = list.first(where: { $0["label"] == .text("lost") })?["id"]?.textValue
        else { throw TestFailure("\(String(describing: tokens))") }
        #expect(try server.admin("DELETE", "v1/admin/tokens/\(id)").status == 200)
        // What is on the list beside the file leaves it with the next group.
        try server.inGroup {}
        let before = try server.dump()
        let authorizations = [
            nil, "", "Bearer", "Bearer ", "Basic \(server.token)", server.token,
            "Bearer \(server.token)x", "Bearer  \(server.token)", "Bearer \(short)",
            "Bearer \(lost)", "Bearer \(server.token.uppercased())",
        ]
        for authorization in authorizations {
            let answer = try sync(server, authorization: authorization)
            #expect(
                answer.status == 401 && answer.code == "invalid_token", "\(authorization ?? "")")
            #expect(answer.headers.map(\.name) == ["WWW-Authenticate"])
        }
        #expect(try server.dump() == before)
        #expect(try sync(server, authorization: "BEARER \(server.token)").status == 200)
    }

    @Test func `tokens are listed page by page, each once, in the order of their making`() throws {
        let server = try TestServer()
        let secrets = try (0..<7).map { number in
            server.now += number % 2 == 0 ? 0 : 5
            return try server.mint(
                "{\"spaces\":[{\"space\":\"customer:c-1\"}],\"label\":\"n-\(number)\"}")
        }
        func page(_ query: [String: String]) throws -> (status: Int, value: Value) {
            var request = ServerRequest(
                method: "GET", path: ["v1", "admin", "tokens"], requestID: "r")
            request.isOperator = true
            request.query = query
            let answer = try server.answer(request)
            return (answer.status, try server.value(answer))
        }
        var labels: [String] = []
        var times: [Int64] = []
        var query = ["limit": "3"]
        while true {
            let value = try page(query).value
            guard case .array(let tokens)? = value["tokens"] else { throw TestFailure("\(value)") }
            labels += tokens.compactMap { $0["label"]?.textValue }
            times += tokens.compactMap { $0["created_ms"]?.intValue }
            #expect(tokens.count <= 3)
            guard value["more"] == .bool(true) else { break }
            query["after"] = tokens.last?["id"]?.textValue
        }
        #expect(labels.filter { $0.hasPrefix("n-") }.sorted() == (0..<7).map { "n-\($0)" })
        #expect(times == times.sorted())
        for query in [
            ["limit": "0"], ["limit": "501"], ["limit": "x"], ["after": "tok_none"], ["x": "1"],
        ] {
            let answer = try page(query)
            #expect(answer.status == 400 && answer.value["code"] == .text("bad_query"))
        }
        for secret in secrets {
            #expect(try sync(server, authorization: "Bearer \(secret)").status == 200)
        }
    }

    @Test func `a token goes at once, whether it is in memory or only in the file`() throws {
        var server = try TestServer()
        for isReopened in [false, true] {
            let minted = try server.admin(
                "POST", "v1/admin/tokens", #"{"spaces":[{"space":"customer:c-1"}]}"#)
            let value = try server.value(minted)
            let secret = try #require(value["token"]?.textValue)
            let id = try #require(value["id"]?.textValue)
            #expect(try sync(server, authorization: "Bearer \(secret)").status == 200)
            if isReopened { server = try server.reopened() }
            #expect(try server.admin("DELETE", "v1/admin/tokens/\(id)").status == 200)
            #expect(try sync(server, authorization: "Bearer \(secret)").status == 401)
        }
    }

    @Test func `what is kept in memory of many is what was used lately`() {
        var recent = RecentEntries<Int, String>(atMost: 10)
        recent[1] = "one"
        for key in 2..<1_000 {
            recent[key] = "\(key)"
            #expect(recent[1] == "one", "it is used all the time")
            #expect(recent[key] == "\(key)")
        }
        #expect(recent[500] == nil)
        #expect((2..<1_000).filter { recent[$0] != nil }.count < 20)
        recent[1] = nil
        #expect(recent[1] == nil)
    }

    @Test(arguments: ["customer", "staff", "manager"])
    func `admin routes are not there for other roles`(role: String) throws {
        let server = try TestServer()
        let token = try server.mint(
            "{\"spaces\":[{\"space\":\"customer:c-1\"}],\"role\":\"\(role)\"}")
        for (method, path) in [
            ("GET", "tokens"), ("POST", "tokens"), ("DELETE", "tokens/x"), ("GET", "status"),
        ] {
            var request = ServerRequest(
                method: method,
                path: ["v1", "admin"] + path.split(separator: "/").map(String.init),
                requestID: "r")
            #expect(try server.answer(request).status == 401)
            request.authorization = "Bearer \(token)"
            #expect(try server.answer(request).code == "not_found")
        }
    }

    @Test func `an admin's token mints, lists and revokes, but opens no space`() throws {
        let server = try TestServer()
        let admin = try server.mint(#"{"role":"admin"}"#)
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "tokens"], requestID: "r")
        request.authorization = "Bearer \(admin)"
        request.body = Array(#"{"spaces":[{"space":"customer:c-9"}],"label":"till-2"}"#.utf8)
        let minted = try server.answer(request)
        #expect(minted.status == 201)
        let id = try #require(try server.value(minted)["id"]?.textValue)
        #expect(try sync(server, authorization: "Bearer \(admin)").status == 404)
        request.method = "DELETE"
        request.path.append(id)
        let revoked = try server.answer(request)
        let again = try server.answer(request)
        #expect(revoked.status == 200 && revoked.body == again.body)
        #expect(try server.value(revoked)["revoked_ms"] == .int(Int64(server.now)))
    }

    @Test(arguments: [
        "", "[]", "{\"spaces\":[]}", "{\"spaces\":5}", "{\"spaces\":[{}]}",
        "{\"spaces\":[{\"space\":\"c-1\"}]}", "{\"spaces\":[{\"space\":\"other:c-1\"}]}",
        "{\"spaces\":[{\"space\":\"customer:\"}]}", "{\"spaces\":[{\"space\":\"customer:a/b\"}]}",
        "{\"spaces\":[{\"space\":\"customer:a b\"}]}",
        "{\"spaces\":[{\"space\":\"customer:c\",\"read\":\"*\"}]}",
        "{\"spaces\":[{\"space\":\"customer:c\",\"write\":[1]}]}",
        "{\"spaces\":[{\"space\":\"customer:c\"}],\"role\":\"root\"}",
        "{\"spaces\":[{\"space\":\"customer:c\"}],\"role\":5}",
        "{\"spaces\":[{\"space\":\"customer:c\"}],\"label\":5}",
        "{\"spaces\":[{\"space\":\"customer:c\"}],\"expires_in_s\":0}",
        "{\"spaces\":[{\"space\":\"customer:c\"}],\"expires_in_s\":\"1\"}",
        "{\"spaces\":[{\"space\":\"customer:c\"}],\"granted\":1}",
        "{\"spaces\":[{\"space\":\"customer:c\",\"raed\":[]}]}",
    ])
    func `a token request that cannot be meant is refused`(body: String) throws {
        let server = try TestServer()
        let before = try server.dump()
        let answer = try server.admin("POST", "v1/admin/tokens", body)
        #expect(answer.status == 400)
        #expect(["malformed", "invalid_token_request"].contains(answer.code ?? ""))
        #expect(try server.dump() == before)
    }

    @Test func `a token's secret is stored nowhere`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        try device.push([Make.add(nonce: 1)], to: server)
        let secret = Array(server.token.utf8)
        let raw = try #require(Hex.bytes(String(server.token.dropFirst(5))))
        #expect(raw.count == 32, "256 bits")
        let image = try server.store.image()
        for needle in [secret, raw, Array(secret.dropFirst(5).prefix(16))] {
            let isThere = image.indices.dropLast(needle.count).contains { start in
                image[start] == needle[0]
                    && image[start..<start + needle.count].elementsEqual(needle)
            }
            #expect(!isThere)
        }
        let list = String(
            decoding: try server.admin("GET", "v1/admin/tokens").body, as: UTF8.self)
        #expect(!list.contains(server.token) && list.contains("customer:c-1"))
    }

    @Test func `a limited reader gets what it may see, and its cursor moves all the same`() throws {
        let server = try TestServer()
        let limited = try server.mint(
            #"{"spaces":[{"space":"customer:c-1","read":["cart:*","recent"],"write":["recent"]}]}"#)
        var device = TestDevice(1)
        let secret = Key("journey", "", "store")
        var both = Make.add(nonce: 1)
        both.writes.append(Write(key: secret, payload: .register(.text("s"))))
        let hidden = Change(
            nonce: 2, time: Timestamp(milliseconds: server.now),
            writes: [Write(key: Key("cart", "x", "quantity"), payload: .delta(1))])
        try device.push([both, hidden], to: server)
        var reader = TestDevice(2)
        reader.cursor = Cursor(epoch: server.epoch, position: 0)
        let snapshot = try server.documents(token: limited)
        #expect(snapshot.collections.keys.sorted() == ["cart:main"])
        try device.push(
            [both, hidden].map { change in
                var change = change
                change.nonce += 10
                return change
            }, to: server)
        reader.cursor?.position = 2
        let events = try reader.pull(server, token: limited)
        #expect(events.map { $0.change.writes.map(\.key) } == [[Make.key], []])
        #expect(reader.cursor?.position == 4)
    }

    @Test func `a limited writer is told not_allowed, erasing included`() throws {
        let server = try TestServer()
        let limited = try server.mint(
            #"{"spaces":[{"space":"customer:c-1","write":["cart:*"]}]}"#)
        var device = TestDevice(1)
        let other = Key("cart", "tea", "quantity")
        var mixed = Make.add(nonce: 3)
        mixed.writes.append(Write(key: other, payload: nil, replaces: [Make.dot(9, 9)]))
        let fates = try device.push(
            [Make.add(nonce: 1), Make.add(nonce: 2, key: other), mixed], to: server,
            token: limited
        ).reply?.fates
        #expect(fates?.map(\.rejection?.code) == [nil, "not_allowed", "not_allowed"])
        #expect(fates?[1].rejection?.details["collection"] == .text("cart"))
        #expect(try server.documents().cellCount == 1)
    }

    @Test func `other methods are told which there are`() throws {
        let server = try TestServer()
        for (method, path, allow) in [
            ("PUT", "v1/admin/tokens", "GET, POST"), ("GET", "v1/spaces/customer:c-1/sync", "POST"),
        ] {
            let answer = try server.admin(method, path)
            #expect(answer.status == 405 && answer.code == "method_not_allowed")
            #expect(answer.headers.first { $0.name == "Allow" }?.value == allow)
        }
        #expect(try server.admin("HEAD", "v1/handshake").status == 200)
    }

    @Test func `a group that is rolled back minted and revoked nothing`() throws {
        let server = try TestServer()
        let before = try server.dump()
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "tokens"], requestID: "r")
        request.isOperator = true
        request.body = Array(#"{"spaces":[{"space":"customer:c-1"}]}"#.utf8)
        try server.server.begin()
        guard case .answer(let minted) = try server.server.handle(request, at: server.now),
            let secret = try server.value(minted)["token"]?.textValue
        else { throw TestFailure("no token") }
        try server.server.rollBack()
        #expect(try server.dump() == before)
        #expect(try sync(server, authorization: "Bearer \(secret)").status == 401)
        let tokens = try server.value(try server.admin("GET", "v1/admin/tokens"))["tokens"]
        guard case .array(let list)? = tokens else { throw TestFailure("no list") }
        #expect(list.count == 1)
    }
}
