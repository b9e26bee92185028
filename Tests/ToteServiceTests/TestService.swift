import Foundation
import Testing
import ProtocolChecks
import ToteCore
import ToteHTTP
import ToteService

/// A service on a directory of its own and a free port of loopback; it ends with the test.
final class TestService {
    let directory: DataDirectory
    let service: Service
    private(set) var isStopped = false
    let lines = LogLines()
    private var secrets: [String] = []

    init(_ change: (inout ServiceOptions) -> Void = { _ in }) throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("tote-\(UInt64.random(in: 0 ... .max))").path
        directory = DataDirectory(path: path)
        var options = ServiceOptions(directory: directory)
        let lines = lines
        options.log = Log(least: .debug) { lines.append($0) }
        change(&options)
        service = try Service(options)
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: directory.path)
    }

    func stop() {
        guard !isStopped else { return }
        isStopped = true
        service.stop(within: .milliseconds(500))
        // Whatever a test does: no secret and no customer is in the log.
        for word in secrets + ["customer:"] where lines.text.contains(word) {
            Issue.record("the log tells \(word): \(lines.text)")
        }
    }

    func connect() throws -> HTTPConnection {
        try HTTPConnection(to: .tcp(host: "127.0.0.1", port: service.port))
    }

    /// Sends one request of an operator.
    func operate(_ method: String, _ target: String, _ body: String = "") throws -> Value {
        let connection = try HTTPConnection(to: .unix(path: directory.socketPath))
        let response = try connection.sendToAPI(
            HTTPClientRequest(
                method: method, target: target, headers: [("Content-Type", "application/json")],
                body: Array(body.utf8)))
        return try Encoding.json.value(response.body)
    }

    /// A token for a customer: its id and its secret.
    func mint(_ space: String = "customer:c-1") throws -> (id: String, secret: String) {
        let value = try operate("POST", "/v1/admin/tokens", #"{"spaces":[{"space":"\#(space)"}]}"#)
        let secret = value["token"]?.textValue ?? ""
        if !secret.isEmpty { secrets.append(secret) }
        return (value["id"]?.textValue ?? "", secret)
    }

    /// What `/metrics` answers on its own port.
    func metrics(accept: String = "text/plain") throws -> HTTPClientResponse {
        guard let port = service.metricsPort else { throw CancellationError() }
        let connection = try HTTPConnection(to: .tcp(host: "127.0.0.1", port: port))
        defer { connection.close() }
        return try connection.send(
            HTTPClientRequest(
                method: "GET", target: "/metrics", headers: [("Accept", accept)], body: []))
    }

    /// The value of a measure, named with its labels; `nil` when there is none yet.
    func sample(_ name: String) throws -> Double? {
        String(decoding: try metrics().body, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix(name + " ") }
            .flatMap { Double($0.dropFirst(name.utf8.count + 1)) }
    }

    /// A sync request as it goes over the wire.
    func request(
        _ sync: SyncRequest, secret: String, in space: String = "customer:c-1"
    ) -> HTTPClientRequest {
        HTTPClientRequest(
            method: "POST", target: "/v1/spaces/\(space)/sync",
            headers: [
                ("Authorization", "Bearer \(secret)"), ("Content-Type", "application/cbor"),
            ], body: Encoding.cbor.encode(sync))
    }

    func sync(
        _ sync: SyncRequest, secret: String, in space: String = "customer:c-1"
    ) throws -> SyncReply {
        let response = try connect().send(request(sync, secret: secret, in: space))
        return try Encoding.cbor.reply(response.body)
    }
}

/// What a service has logged.
final class LogLines: @unchecked Sendable {
    // Guarded by the lock.
    private var lines: [[UInt8]] = []
    private let lock = NSLock()

    func append(_ line: [UInt8]) { lock.withLock { lines.append(line) } }

    var text: String {
        lock.withLock { String(decoding: lines.joined(), as: UTF8.self) }
    }
}

/// A push of one `+1`, as its device sends it.
func pushOfOne(
    replica: UInt64, nonce: UInt64, ticket: UInt64? = nil, counter: UInt64 = 1
) -> SyncRequest {
    var request = SyncRequest(replica: ReplicaID(replica))
    request.ticket = ticket
    request.counter = counter
    let key = Key("cart:main", "latte", Fields.quantity)
    request.changes = [
        Event(
            dot: Dot(request.replica, counter),
            change: Change(
                nonce: nonce, time: Timestamp(milliseconds: SystemClock.nowMilliseconds()),
                writes: [Write(key: key, payload: .delta(1))]),
            outcome: .accepted)
    ]
    return request
}
