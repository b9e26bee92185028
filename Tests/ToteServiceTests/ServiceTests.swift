import Foundation
import Testing
import ProtocolChecks
import ToteCore
import ToteHTTP
import ToteService

@Suite(.timeLimit(.minutes(5))) struct ServiceTests {
    private func parked(
        _ service: TestService, _ secret: String, in space: String = "customer:c-1"
    ) throws -> HTTPConnection {
        let first = try service.sync(
            SyncRequest(replica: ReplicaID(7)), secret: secret, in: space)
        var wait = SyncRequest(replica: ReplicaID(7), cursor: first.cursor)
        wait.waitSeconds = 25
        let connection = try service.connect()
        try connection.write(connection.encoded(service.request(wait, secret: secret, in: space)))
        return connection
    }

    @Test func `a parked pull is answered by another device's push`() throws {
        let service = try TestService()
        let (_, secret) = try service.mint()
        let waiting = try parked(service, secret)
        _ = try service.sync(pushOfOne(replica: 1, nonce: 1), secret: secret)
        let response = try waiting.readResponse(timeout: .seconds(10))
        let reply = try Encoding.cbor.reply(response.body)
        #expect(reply.snapshot?.documents.cellCount == 1 || reply.events.count == 1)
    }

    @Test func `revoking a token answers what waits with it`() throws {
        let service = try TestService()
        let (id, secret) = try service.mint()
        let waiting = try parked(service, secret)
        _ = try service.operate("DELETE", "/v1/admin/tokens/\(id)")
        let response = try waiting.readResponse(timeout: .seconds(10))
        #expect(response.status == 401)
        #expect(
            try service.connect().sendToAPI(
                service.request(SyncRequest(replica: ReplicaID(7)), secret: secret)
            ).status == 401)
    }

    @Test func `a token may wait in many spaces at once`() throws {
        let service = try TestService()
        let spaces = (0..<8).map { "customer:c\($0)" }
        let grants = spaces.map { #"{"space":"\#($0)"}"# }.joined(separator: ",")
        let minted = try service.operate(
            "POST", "/v1/admin/tokens", #"{"spaces":[\#(grants)]}"#)
        let secret = try #require(minted["token"]?.textValue)
        var waiting: [HTTPConnection] = []
        for space in spaces { waiting.append(try parked(service, secret, in: space)) }
        for connection in waiting {
            #expect(throws: (any Error).self) {
                try connection.readResponse(timeout: .milliseconds(100))
            }
        }
    }

    @Test func `a token may wait twice at once and not three times`() throws {
        let service = try TestService()
        let (_, secret) = try service.mint()
        var waiting: [HTTPConnection] = []
        for _ in 0..<3 { waiting.append(try parked(service, secret)) }
        // Whichever of them came last is refused.
        var refused: HTTPClientResponse?
        for round in 0..<300 where refused == nil {
            refused = try? waiting[round % 3].readResponse(timeout: .milliseconds(50))
            if refused != nil { waiting.remove(at: round % 3) }
        }
        #expect(refused?.status == 429)
        #expect(refused?.header("retry-after") != nil)
        let body = try Encoding.json.value(refused?.body ?? [])
        #expect(body["code"]?.textValue == "too_many_waiting")
        // One that goes away gives its place back.
        waiting[0].close()
        var isParked = false
        for _ in 0..<100 where !isParked {
            let again = try parked(service, secret)
            isParked = (try? again.readResponse(timeout: .milliseconds(50))) == nil
        }
        #expect(isParked)
        waiting[1].close()
    }

    @Test func `stopping answers what waits and what is under way`() throws {
        let service = try TestService()
        let (_, secret) = try service.mint()
        let waiting = try parked(service, secret)
        // Answered after the parked request was read: the commit thread takes them in order.
        _ = try service.sync(SyncRequest(replica: ReplicaID(8)), secret: secret)
        service.stop()
        #expect(try waiting.readResponse(timeout: .seconds(10)).status == 200)
    }

    @Test func `what was answered is there after a start on the same directory`() throws {
        let service = try TestService()
        let (_, secret) = try service.mint()
        let pushed = try service.sync(pushOfOne(replica: 1, nonce: 1), secret: secret)
        service.stop()
        let again = try Service(ServiceOptions(directory: service.directory))
        defer { again.stop(within: .zero) }
        let connection = try HTTPConnection(to: .tcp(host: "127.0.0.1", port: again.port))
        let response = try connection.sendToAPI(
            service.request(SyncRequest(replica: ReplicaID(2)), secret: secret))
        let reply = try Encoding.cbor.reply(response.body)
        #expect(reply.cursor == pushed.cursor)
        #expect(reply.snapshot?.documents.cellCount == 1)
    }

    @Test func `health says live, ready, and not ready when nothing can be written`() throws {
        let service = try TestService()
        func get(_ target: String) throws -> HTTPClientResponse {
            try service.connect().sendToAPI(
                HTTPClientRequest(method: "GET", target: target, headers: [], body: []))
        }
        #expect(try get("/livez").status == 200)
        #expect(try get("/readyz").status == 200)
        // A directory in the probe's place: no file can be opened there, not even by root.
        let probe = service.directory.path + "/.probe"
        try FileManager.default.createDirectory(
            atPath: probe + "/full", withIntermediateDirectories: true)
        let unready = try get("/readyz")
        #expect(unready.status == 503)
        #expect(try Encoding.json.value(unready.body)["code"]?.textValue == "unready")
        try FileManager.default.removeItem(atPath: probe)
        #expect(try get("/readyz").status == 200)
    }

    @Test func `a second service on the same directory is refused`() throws {
        let service = try TestService()
        #expect(throws: ServiceError.self) {
            try Service(ServiceOptions(directory: service.directory))
        }
        #expect(try service.operate("GET", "/v1/admin/status")["spaces"]?.intValue == 0)
    }

    @Test func `the operator's socket is its owner's alone`() throws {
        let service = try TestService()
        let attributes = try FileManager.default.attributesOfItem(
            atPath: service.directory.socketPath)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        // The same request over TCP, without a token, is refused.
        let response = try service.connect().sendToAPI(
            HTTPClientRequest(
                method: "POST", target: "/v1/admin/tokens",
                headers: [("Content-Type", "application/json")], body: []))
        #expect(response.status == 401)
        let backup = try service.connect().sendToAPI(
            HTTPClientRequest(
                method: "POST", target: "/v1/operator/backup", headers: [], body: []))
        #expect(backup.status == 404)
    }

    @Test func `HTTP's own refusals are problem documents too`() throws {
        let service = try TestService()
        let connection = try service.connect()
        try connection.write(Array("GET / HTTP/1.1\nHost: x\r\n\r\n".utf8))
        let response = try connection.readResponse()
        #expect(response.status == 400)
        #expect(response.header("content-type") == "application/problem+json")
        let problem = try Encoding.json.value(response.body)
        #expect(problem["code"]?.textValue == "bad_request")
        #expect(problem["did_not_happen"] == .bool(true))
        let id = try #require(problem["request_id"]?.textValue)
        #expect(!id.isEmpty && response.header("x-request-id") == id)
        service.stop()
        #expect(service.lines.text.contains(id))
    }

    @Test func `a query that says a thing twice is refused, and what was sent is not repeated`()
        throws
    {
        let service = try TestService()
        for query in ["limit=1&limit=2", "limt=1", "limit=1&hello-from-me"] {
            let answer = try service.operate("GET", "/v1/admin/tokens?\(query)")
            #expect(answer["code"]?.textValue == "bad_query", "\(answer)")
            #expect(answer["detail"]?.textValue == "each at most once: after, limit")
        }
        #expect(try service.operate("GET", "/v1/admin/tokens?limit=1")["tokens"] != nil)
        // What was asked for and refused can be found in the log.
        let refusal = try service.operate("GET", "/v1/admin/tokens?limt=1")
        let id = try #require(refusal["request_id"]?.textValue)
        service.stop()
        let line = service.lines.text.split(separator: "\n").first { $0.contains(id) }
        #expect(line?.contains(#""route":"GET /v1/admin/tokens""#) == true, "\(line ?? "")")
    }

    @Test func `no secret and no customer reaches the log`() throws {
        let service = try TestService()
        let (_, secret) = try service.mint("customer:ada-lovelace")
        let other = service.request(SyncRequest(replica: ReplicaID(1)), secret: secret)
        #expect(try service.connect().sendToAPI(other).status == 404)
        let (_, mine) = try service.mint()
        _ = try service.sync(pushOfOne(replica: 1, nonce: 1), secret: mine)
        service.stop()
        let text = service.lines.text
        #expect(text.contains("request_id"))
        // With its quote: a request's own id may hold the letters, one time in sixteen.
        for planted in [secret, mine, "ada-lovelace", "customer:", "\"c-1", "latte"] {
            #expect(!text.contains(planted))
        }
    }

    @Test func `a backup of a working service starts a new epoch elsewhere`() throws {
        let service = try TestService()
        let (_, secret) = try service.mint()
        let pushed = try service.sync(pushOfOne(replica: 1, nonce: 1), secret: secret)
        let file = service.directory.path + "/copy.db"
        let report = try service.operate(
            "POST", "/v1/operator/backup", #"{"path":"\#(file)"}"#)
        #expect(report["events"]?.intValue == 1)
        #expect(report["faults"] == .array([]))
        let covered = try service.sync(
            SyncRequest(replica: ReplicaID(2), cursor: pushed.cursor), secret: secret)
        #expect(covered.covered == 1)
        let target = DataDirectory(path: service.directory.path + "/restored")
        _ = try BackupFile.restore(file, into: target)
        let restored = try Service(ServiceOptions(directory: target))
        defer { restored.stop(within: .zero) }
        let response = try HTTPConnection(to: .tcp(host: "127.0.0.1", port: restored.port))
            .sendToAPI(
                service.request(
                    SyncRequest(replica: ReplicaID(1), cursor: pushed.cursor), secret: secret))
        #expect(response.status == 409)
        #expect(try Encoding.json.value(response.body)["code"]?.textValue == "epoch_changed")
    }
}
