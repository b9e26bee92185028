import Testing
import ToteCore
import ToteSQLite
import ToteServer

/// The queue of webhooks: no socket, no thread, the clock in the test's hands.
@Suite struct WebhookTests {
    private let world: TestServer

    init() throws { world = try TestServer() }

    private func add(_ body: String = #"{"url":"https://hooks.example.com/tote"}"#) throws -> String
    {
        let answer = try world.admin("POST", "v1/admin/webhooks", body)
        guard answer.status == 201, let id = try world.value(answer)["id"]?.textValue else {
            throw TestFailure("\(answer.status) \(answer.code ?? "")")
        }
        return id
    }

    private func enqueue(_ type: String = "order.ready", _ id: String? = nil) throws {
        // A request moves the server's clock to the test's.
        _ = try world.admin("GET", "v1/handshake")
        try world.inGroup {
            try world.server.enqueueWebhook(type: type, id: id, data: .map([:]))
        }
    }

    private func due(_ most: Int = 8) throws -> [WebhookAttempt] {
        try world.inGroup { try world.server.dueWebhooks(at: world.now, most: most) }
    }

    private func note(_ attempt: WebhookAttempt, _ outcome: WebhookOutcome) throws {
        try world.inGroup {
            try world.server.noteWebhook(attempt.id, outcome: outcome, at: world.now)
        }
    }

    private func deliveries(_ id: String) throws -> [Value] {
        let value = try world.value(try world.admin("GET", "v1/admin/webhooks/\(id)/deliveries"))
        guard case .array(let deliveries)? = value["deliveries"] else { return [] }
        return deliveries
    }

    @Test func `without an endpoint nothing is queued`() throws {
        try enqueue()
        #expect(try due().isEmpty)
        #expect(try world.server.nextWebhookTime() == nil)
        #expect(!world.server.takeNewWebhooks())
    }

    @Test func `an event is due at once, thin, and told of once`() throws {
        let id = try add()
        try enqueue()
        #expect(world.server.takeNewWebhooks())
        #expect(!world.server.takeNewWebhooks())
        let attempt = try #require(try due().first)
        #expect(attempt.webhook == id)
        #expect(attempt.url == "https://hooks.example.com/tote")
        #expect(
            String(decoding: attempt.body, as: UTF8.self)
                == #"{"data":{},"type":"order.ready","timestamp":"2027-01-15T08:00:00.000Z"}"#)
        // Under way: not taken twice, not waited for.
        #expect(try due().isEmpty)
        #expect(try world.server.nextWebhookTime() == nil)
        try note(attempt, .answered(204))
        #expect(try deliveries(id).first?["state"]?.textValue == "delivered")
    }

    @Test func `ten attempts follow the schedule, then it is kept as failed`() throws {
        let id = try add()
        try enqueue()
        let waits: [UInt64] = [
            5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
        ].map { $0 * 1_000 }
        for (number, wait) in waits.enumerated() {
            try note(try #require(try due().first, "attempt \(number + 1)"), .answered(500))
            let next = try #require(try world.server.nextWebhookTime())
            #expect((wait...wait + wait / 10).contains(next - world.now))
            world.now = next - 1
            #expect(try due().isEmpty)
            world.now = next
        }
        try note(try #require(try due().first), .unanswered("timeout"))
        #expect(try world.server.nextWebhookTime() == nil)
        let failed = try #require(try deliveries(id).first)
        #expect(failed["state"]?.textValue == "failed")
        #expect(failed["attempts"]?.intValue == 10)
        #expect(failed["reason"]?.textValue == "timeout")
        let message = try #require(failed["id"]?.textValue)
        let again = try world.admin(
            "POST", "v1/admin/webhooks/\(id)/deliveries/\(message)/redeliver")
        #expect(again.status == 202)
        #expect(try due().first?.id.message == message)
    }

    @Test(
        arguments: [
            (429, 60, 60), (503, 60, 60), (503, 86_400, 3_600), (429, 1, 5), (500, 60, 5),
        ] as [(Int, UInt64, UInt64)])
    func `an endpoint that asks for a rest is left alone, for an hour at most`(
        status: Int, asked: UInt64, rest: UInt64
    ) throws {
        _ = try add()
        try enqueue("order.ready", "o-1")
        try enqueue("order.ready", "o-2")
        for attempt in try due() {
            try note(attempt, .answered(status, retryAfterSeconds: asked))
        }
        let next = try #require(try world.server.nextWebhookTime())
        let wait = next - world.now
        #expect((rest * 1_000...rest * 1_100).contains(wait))
        // What is new waits as well, where a rest was asked for.
        try enqueue("order.ready", "o-3")
        #expect(try due().isEmpty == (status != 500))
        guard status != 500 else { return }
        world.now = next
        #expect(try !due().isEmpty)
    }

    @Test func `what was under way at a restart is due again, under the same id`() throws {
        _ = try add()
        try enqueue("order.ready", "o-1:7")
        let before = try #require(try due().first)
        let next = try world.reopened()
        let again = try next.inGroup { try next.server.dueWebhooks(at: next.now, most: 8) }
        #expect(again.map(\.id.message) == [before.id.message])
        #expect(again.first?.body == before.body)
    }

    @Test func `one key is queued once, and a group that is rolled back not at all`() throws {
        let id = try add()
        try enqueue("order.ready", "o-1:7")
        try enqueue("order.ready", "o-1:7")
        try enqueue("order.ready", "o-1:8")
        #expect(try deliveries(id).count == 2)
        try world.server.begin()
        try world.server.enqueueWebhook(type: "order.ready", id: "o-2", data: .null)
        try world.server.rollBack()
        #expect(try deliveries(id).count == 2)
    }

    @Test func `an endpoint that fails for five days is disabled; a success begins anew`() throws {
        let id = try add()
        let day: UInt64 = 86_400_000
        for days in [4, 4] as [UInt64] {
            try enqueue()
            try note(try #require(try due().first), .answered(500))
            world.now += days * day
            try note(try #require(try due().first), .answered(200))
        }
        try enqueue()
        try note(try #require(try due().first), .answered(500))
        try enqueue()
        world.now += 5 * day
        try note(try #require(try due().first), .unanswered("connection_failed"))
        #expect(try due().isEmpty)
        #expect(world.server.takeWebhookNotices().map(\.code) == ["webhook_disabled"])
        try enqueue()
        // Those two, and what was delivered in the last seven days.
        #expect(try deliveries(id).count == 3)
        #expect(
            try deliveries(id).prefix(2).allSatisfy { $0["state"]?.textValue == "failed" })
        #expect(try world.admin("POST", "v1/admin/webhooks/\(id)/test").code == "webhook_disabled")
        #expect(try world.admin("POST", "v1/admin/webhooks/\(id)/enable").status == 200)
        let count = try world.value(try world.admin("POST", "v1/admin/webhooks/\(id)/redeliver"))
        #expect(count["count"]?.intValue == 2)
    }

    @Test func `an endpoint that fails gets one attempt at a time, and a sound one four`() throws {
        _ = try add()
        for _ in 0..<6 { try enqueue() }
        let four = try due()
        #expect(four.count == 4)
        for attempt in four { try note(attempt, .answered(500)) }
        let one = try due()
        #expect(one.count == 1)
        #expect(try due().isEmpty)
        try note(one[0], .answered(200))
        world.now += 6_000
        #expect(try due().count == 4)
    }

    @Test func `what was delivered is forgotten after seven days`() throws {
        let id = try add()
        try enqueue()
        try note(try #require(try due().first), .answered(200))
        world.now += 7 * 86_400_000 + 1
        try world.inGroup { try world.server.sweep(at: world.now) }
        #expect(try deliveries(id).isEmpty)
        let list = try world.value(try world.admin("GET", "v1/admin/webhooks"))
        guard case .array(let all)? = list["webhooks"] else { return }
        #expect(all.first?["deliveries"]?.intValue == 0)
    }

    @Test func `a full queue loses the oldest that failed, and says so`() throws {
        let id = try add()
        try enqueue("order.ready", "first")
        try note(try #require(try due().first), .answered(410))
        _ = try world.admin("POST", "v1/admin/webhooks/\(id)/enable")
        try enqueue("order.ready", "second")
        _ = world.server.takeWebhookNotices()
        try world.store.database.execute("UPDATE webhooks SET held = 100000")
        try enqueue("order.ready", "third")
        #expect(world.server.takeWebhookNotices().map(\.code) == ["webhook_dropped"])
        #expect(try deliveries(id).map { $0["state"]?.textValue } == ["pending", "pending"])
    }

    @Test func `a removed endpoint takes its queue with it`() throws {
        let id = try add()
        try enqueue()
        let attempt = try #require(try due().first)
        #expect(try world.admin("DELETE", "v1/admin/webhooks/\(id)").status == 200)
        try note(attempt, .answered(200))
        #expect(try world.admin("GET", "v1/admin/webhooks/\(id)/deliveries").status == 404)
        #expect(try world.faults() == [])
    }

    @Test func `the secret before the newest signs for a day`() throws {
        let id = try add()
        _ = try world.admin("POST", "v1/admin/webhooks/\(id)/rotate")
        try enqueue()
        let both = try #require(try due().first)
        #expect(both.secrets.count == 2)
        try note(both, .answered(200))
        world.now += 24 * 3_600_000
        try enqueue()
        #expect(try due().first?.secrets == [both.secrets[0]])
    }

    @Test func `only admins see webhooks, and no answer but the first shows a secret`() throws {
        let id = try add()
        for (method, path) in [
            ("GET", "v1/admin/webhooks"), ("POST", "v1/admin/webhooks"),
            ("DELETE", "v1/admin/webhooks/\(id)"), ("POST", "v1/admin/webhooks/\(id)/test"),
            ("GET", "v1/admin/webhooks/\(id)/deliveries"),
        ] {
            var request = ServerRequest(
                method: method, path: path.split(separator: "/").map(String.init), requestID: "r")
            request.authorization = "Bearer \(world.token)"
            #expect(try world.answer(request).status == 404, "\(method) \(path)")
        }
        let list = try world.admin("GET", "v1/admin/webhooks")
        #expect(!String(decoding: list.body, as: UTF8.self).contains("whsec_"))
    }

    @Test(arguments: [
        (#"{"url":"http://hooks.example.com/"}"#, "webhook_url_refused"),
        (#"{"url":"https://127.0.0.1/"}"#, "webhook_url_refused"),
        (#"{"url":"https://h.example/","types":["order.eaten"]}"#, "invalid_webhook_request"),
        (#"{"url":"https://h.example/","types":"order.ready"}"#, "invalid_webhook_request"),
        (#"{"url":"https://h.example/","secret":"x"}"#, "invalid_webhook_request"),
        (#"{"url":7}"#, "invalid_webhook_request"), ("[]", "invalid_webhook_request"),
        ("{", "malformed"),
    ])
    func `a wrong request adds nothing`(body: String, code: String) throws {
        let answer = try world.admin("POST", "v1/admin/webhooks", body)
        #expect(answer.status == 400)
        #expect(answer.code == code)
        #expect(try world.admin("GET", "v1/admin/webhooks").body == Array(#"{"webhooks":[]}"#.utf8))
    }

    @Test func `there are sixteen endpoints at most`() throws {
        for _ in 0..<16 { _ = try add() }
        let answer = try world.admin(
            "POST", "v1/admin/webhooks", #"{"url":"https://hooks.example.com/"}"#)
        #expect(answer.code == "too_many_webhooks")
    }
}
