import Foundation
import ProtocolChecks
import ToteConcurrency
import ToteCore
import ToteHTTP
import ToteServer
import ToteService
import ToteWebhooks

/// A service with a sender of webhooks, on a directory of its own; it ends with the test.
final class TestWorld {
    let directory: DataDirectory
    let service: Service
    let sender: WebhookSender
    private var isStopped = false

    init(
        policy: WebhookPolicy = .open, waits: [UInt64] = [20, 20, 20],
        failingMilliseconds: UInt64 = 5 * 86_400_000, timeout: Duration = .seconds(15),
        resolve: (@Sendable (String) -> [NetworkAddress])? = nil
    ) throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("tote-\(UInt64.random(in: 0 ... .max))").path
        directory = DataDirectory(path: path)
        var options = ServiceOptions(directory: directory)
        options.log = Log(least: .error)
        options.webhookPolicy = .open
        options.webhookSchedule = WebhookSchedule(
            waits: waits, failingMillisecondsMax: failingMilliseconds)
        let service = try Service(options)
        self.service = service
        var sending = WebhookSenderOptions { service.inGroup($0, done: $1) }
        sending.policy = policy
        sending.timeout = timeout
        if let resolve { sending.resolve = resolve }
        let sender = WebhookSender(sending)
        service.onNewWebhooks { sender.wake() }
        self.sender = sender
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: directory.path)
    }

    func stop() {
        guard !isStopped else { return }
        isStopped = true
        sender.stop(within: .seconds(1))
        service.stop(within: .milliseconds(500))
    }

    /// Sends one request of an operator.
    @discardableResult
    func operate(_ method: String, _ target: String, _ body: String = "") throws -> Value {
        let connection = try HTTPConnection(to: .unix(path: directory.socketPath))
        let response = try connection.sendToAPI(
            HTTPClientRequest(
                method: method, target: target, headers: [("Content-Type", "application/json")],
                body: Array(body.utf8)))
        return try Encoding.json.value(response.body)
    }

    /// Adds an endpoint: its id and its secret.
    func add(_ url: String, types: String = "") throws -> (id: String, secret: String) {
        let value = try operate(
            "POST", "/v1/admin/webhooks", #"{"url":"\#(url)","types":[\#(types)]}"#)
        return (value["id"]?.textValue ?? "\(value)", value["secret"]?.textValue ?? "")
    }

    /// Queues a test; returns its webhook-id.
    func test(_ id: String) throws -> String {
        let value = try operate("POST", "/v1/admin/webhooks/\(id)/test")
        return value["id"]?.textValue ?? "\(value)"
    }

    /// Queues an event as a step of an order does, within a group.
    func enqueue(_ type: String, _ id: String) {
        let done = Mailbox<Bool>()
        _ = service.inGroup(
            { server, _ in
                try server.enqueueWebhook(
                    type: type, id: id, data: .map([Value.Entry("order", .text(id))]))
            }, done: { done.post($0) })
        _ = done.drain(waitingAtMost: .seconds(10))
        sender.wake()
    }

    /// Waits until a delivery is in a state; returns it as it is then.
    func delivery(_ message: String, of id: String, is state: String) throws -> Value {
        var found = Value.null
        for _ in 0..<1_000 {
            let list = try operate("GET", "/v1/admin/webhooks/\(id)/deliveries")
            guard case .array(let deliveries)? = list["deliveries"] else { return list }
            found = deliveries.first { $0["id"]?.textValue == message } ?? .null
            if found["state"]?.textValue == state { break }
            usleep(10_000)
        }
        return found
    }
}

extension WebhookPolicy {
    /// Everything that can be allowed is.
    static var open: WebhookPolicy {
        var policy = WebhookPolicy()
        policy.allowsPrivate = true
        policy.allowsInsecure = true
        return policy
    }
}
