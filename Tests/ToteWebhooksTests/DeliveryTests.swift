import Testing
import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteServer
import ToteWebhooks

/// A service, a sender and a receiver, over real sockets.
@Suite(.serialized) struct DeliveryTests {
    @Test func `a test arrives at once, signed`() throws {
        let receiver = try TestReceiver()
        let world = try TestWorld()
        let (id, secret) = try world.add(receiver.url)
        let message = try world.test(id)
        let received = try #require(receiver.wait(for: 1, atMost: .seconds(5)).first)
        #expect(received.id == message)
        #expect(received.isSigned(with: secret))
        let body = try Encoding.json.value(received.body)
        #expect(body["type"]?.textValue == "test.ping")
        #expect(body["timestamp"]?.textValue?.hasSuffix("Z") == true)
        let delivery = try world.delivery(message, of: id, is: "delivered")
        #expect(delivery["status"]?.intValue == 204)
        #expect(delivery["attempts"]?.intValue == 1)
    }

    @Test func `a receiver that fails twice is tried again with the same id and body`() throws {
        let receiver = try TestReceiver { number, _ in
            HTTPResponse(status: number < 2 ? 500 : 200, body: Array("hello".utf8))
        }
        let world = try TestWorld()
        let (id, secret) = try world.add(receiver.url)
        let message = try world.test(id)
        let delivery = try world.delivery(message, of: id, is: "delivered")
        #expect(delivery["attempts"]?.intValue == 3)
        let received = receiver.received
        #expect(received.map(\.id) == [message, message, message])
        #expect(Set(received.map(\.body)).count == 1)
        #expect(received.allSatisfy { $0.isSigned(with: secret) })
    }

    @Test func `a receiver that asks for a second is given one`() throws {
        let receiver = try TestReceiver { number, _ in
            number == 0
                ? HTTPResponse(status: 429, headers: [("Retry-After", "1")])
                : HTTPResponse(status: 200)
        }
        let world = try TestWorld()
        let (id, _) = try world.add(receiver.url)
        let begun = ContinuousClock.now
        let delivery = try world.delivery(try world.test(id), of: id, is: "delivered")
        #expect(delivery["attempts"]?.intValue == 2)
        #expect(ContinuousClock.now - begun >= .seconds(1))
    }

    @Test func `after the last retry it is given up, and can be sent again`() throws {
        let isUp = Lock(false)
        let receiver = try TestReceiver { _, _ in
            HTTPResponse(status: isUp.withLock { $0 } ? 200 : 503)
        }
        let world = try TestWorld()
        let (id, _) = try world.add(receiver.url)
        let message = try world.test(id)
        let failed = try world.delivery(message, of: id, is: "failed")
        #expect(failed["attempts"]?.intValue == 4)
        #expect(failed["status"]?.intValue == 503)
        isUp.withLock { $0 = true }
        try world.operate(
            "POST", "/v1/admin/webhooks/\(id)/deliveries/\(message)/redeliver")
        let delivery = try world.delivery(message, of: id, is: "delivered")
        #expect(delivery["attempts"]?.intValue == 1)
        #expect(receiver.received.last?.id == message)
    }

    /// A task that is cancelled while it ends once took the process with it.
    @Test func `a sender may stop at any moment of an answer`() throws {
        let receiver = try TestReceiver()
        for round in 0..<20 {
            let world = try TestWorld()
            let (id, _) = try world.add(receiver.url)
            for _ in 0..<3 { _ = try world.test(id) }
            _ = receiver.wait(for: 3 * round + 1, atMost: .seconds(5))
            world.sender.stop(within: .microseconds(100 * round))
        }
        #expect(receiver.received.count >= 20)
    }

    @Test func `an event goes to those who asked for its type, once`() throws {
        let all = try TestReceiver()
        let some = try TestReceiver()
        let world = try TestWorld()
        _ = try world.add(all.url)
        _ = try world.add(some.url, types: #""order.ready""#)
        world.enqueue("order.placed", "o-1:1")
        world.enqueue("order.ready", "o-1:2")
        world.enqueue("order.ready", "o-1:2")
        let types = { (messages: [TestReceiver.Message]) in
            try messages.compactMap { try Encoding.json.value($0.body)["type"]?.textValue }.sorted()
        }
        #expect(try types(all.wait(for: 2)) == ["order.placed", "order.ready"])
        #expect(try types(some.wait(for: 1)) == ["order.ready"])
        let orders = try all.received.compactMap {
            try Encoding.json.value($0.body)["data"]?["order"]?.textValue
        }
        #expect(orders.sorted() == ["o-1:1", "o-1:2"])
    }

    @Test func `an endpoint that answers 410 is disabled until it is enabled`() throws {
        let receiver = try TestReceiver { number, _ in
            HTTPResponse(status: number == 0 ? 410 : 200)
        }
        let world = try TestWorld()
        let (id, _) = try world.add(receiver.url)
        let message = try world.test(id)
        #expect(
            try world.delivery(message, of: id, is: "failed")["status"]?.intValue == 410)
        let refused = try world.operate("POST", "/v1/admin/webhooks/\(id)/test")
        #expect(refused["code"]?.textValue == "webhook_disabled")
        try world.operate("POST", "/v1/admin/webhooks/\(id)/enable")
        try world.operate("POST", "/v1/admin/webhooks/\(id)/redeliver")
        #expect(try world.delivery(message, of: id, is: "delivered")["attempts"]?.intValue == 1)
    }

    @Test func `a receiver without TLS gets nothing of what was meant for one with it`() throws {
        let receiver = try TestReceiver()
        let world = try TestWorld(waits: [])
        let (id, _) = try world.add("https://127.0.0.1:\(receiver.port)/")
        let delivery = try world.delivery(try world.test(id), of: id, is: "failed")
        #expect(delivery["reason"]?.textValue == "tls_failed")
        #expect(receiver.received.isEmpty)
    }

    @Test func `a redirect is not followed and is no success`() throws {
        let other = try TestReceiver()
        let target = other.url
        let receiver = try TestReceiver { _, _ in
            HTTPResponse(status: 307, headers: [("Location", target)])
        }
        let world = try TestWorld(waits: [])
        let (id, _) = try world.add(receiver.url)
        let delivery = try world.delivery(try world.test(id), of: id, is: "failed")
        #expect(delivery["status"]?.intValue == 307)
        #expect(other.received.isEmpty)
    }

    @Test func `a receiver that says nothing is given up in time`() throws {
        let receiver = try TestReceiver { _, _ in nil }
        let world = try TestWorld(waits: [], timeout: .milliseconds(300))
        let (id, _) = try world.add(receiver.url)
        let delivery = try world.delivery(try world.test(id), of: id, is: "failed")
        #expect(delivery["reason"]?.textValue == "timeout")
    }

    @Test func `an endless answer is read no further than need be`() throws {
        let receiver = try TestReceiver { _, _ in
            HTTPResponse(status: 200, body: [UInt8](repeating: 0x61, count: 8 * 1_024 * 1_024))
        }
        let world = try TestWorld()
        let (id, _) = try world.add(receiver.url)
        let delivery = try world.delivery(try world.test(id), of: id, is: "delivered")
        #expect(delivery["status"]?.intValue == 200)
    }

    @Test func `a rotated secret signs beside the old one`() throws {
        let receiver = try TestReceiver()
        let world = try TestWorld()
        let (id, old) = try world.add(receiver.url)
        let rotated = try world.operate("POST", "/v1/admin/webhooks/\(id)/rotate")
        let new = try #require(rotated["secret"]?.textValue)
        #expect(new != old)
        _ = try world.test(id)
        let message = try #require(receiver.wait(for: 1).first)
        #expect(message.isSigned(with: old))
        #expect(message.isSigned(with: new))
        #expect(message.signature.split(separator: " ").count == 2)
    }

    @Test func `a name that leads to a private address is refused at each attempt`() throws {
        let receiver = try TestReceiver()
        var policy = WebhookPolicy.open
        policy.allowsPrivate = false
        let port = receiver.port
        let world = try TestWorld(policy: policy, waits: []) { _ in
            [.v4(0x0808_0808), .v4(0x7F00_0001)]
        }
        let (id, _) = try world.add("http://localhost:\(port)/")
        // Accepted by a server that allows it; the sender, which does not, looks at the addresses.
        let delivery = try world.delivery(try world.test(id), of: id, is: "failed")
        #expect(delivery["reason"]?.textValue == "url_refused")
        let (named, _) = try world.add("http://hooks.example.com:\(port)/")
        let other = try world.delivery(try world.test(named), of: named, is: "failed")
        #expect(other["reason"]?.textValue == "address_refused")
        #expect(receiver.received.isEmpty)
    }

    @Test func `the system's resolver knows loopback, and no name that cannot be`() {
        let addresses = HostResolver.addresses(of: "localhost")
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { $0.reach == .loopback })
        #expect(HostResolver.addresses(of: "nothing.invalid").isEmpty)
        // What the C library takes for an address, whatever its spelling.
        for host in ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"] {
            #expect(HostResolver.addresses(of: host).allSatisfy { $0.reach == .loopback })
        }
    }

    @Test func `a slow endpoint does not hold up another`() throws {
        let slow = try TestReceiver { _, _ in nil }
        let quick = try TestReceiver()
        let world = try TestWorld(waits: [60_000], timeout: .seconds(3))
        let (first, _) = try world.add(slow.url, types: #""order.placed""#)
        _ = try world.add(quick.url, types: #""order.ready""#)
        for number in 0..<20 { world.enqueue("order.placed", "o-\(number)") }
        #expect(slow.wait(for: 4).count == 4)
        world.enqueue("order.ready", "o-1")
        #expect(quick.wait(for: 1, atMost: .seconds(2)).count == 1)
        // What is under way at one endpoint is bounded.
        #expect(slow.received.count == 4)
        try world.operate("DELETE", "/v1/admin/webhooks/\(first)")
    }
}
