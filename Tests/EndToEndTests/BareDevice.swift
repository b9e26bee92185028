import Foundation
import ProtocolChecks
import ToteClient
import ToteCore
import ToteHTTP

/// A device in memory, of customer 7 if nothing else is said: the core that apps embed, and a
/// connection for each exchange.
final class BareDevice {
    private let replica: Replica
    private let customer: Int

    init(customer: Int = 7) throws {
        self.customer = customer
        replica = try Replica(image: Replica.emptyImage(), random: { .random(in: 1 ... .max) })
    }

    private static let reading = ClockReading(
        wallMilliseconds: UInt64(Date().timeIntervalSince1970 * 1_000), uptimeMilliseconds: 1,
        bootID: 1)

    /// Puts one of an item into the cart `main`.
    func add(_ item: String) throws {
        let event = replica.view.adding(1, collection: "cart:main", item: Name(item))
        _ = try replica.commit(event, at: Self.reading)
    }

    /// How many of an item are in the cart `main`, as far as it knows.
    func quantity(_ item: String) -> Int64 { replica.view.quantity("cart:main", Name(item)) }

    /// Sends what is to be sent, in at most so many exchanges, of which any may fail.
    ///
    /// - Returns: whether all of it was answered.
    func push(to port: UInt16, secret: String, tries: Int) throws -> Bool {
        for _ in 0..<tries {
            guard let outgoing = try replica.nextRequest(at: Self.reading, pullsAnyway: false)
            else { return true }
            try exchange(outgoing, port, secret)
        }
        return try replica.nextRequest(at: Self.reading, pullsAnyway: false) == nil
    }

    /// Asks for what there is, page by page.
    ///
    /// - Returns: what the last request was answered; `nil` for nothing.
    @discardableResult
    func pull(from port: UInt16, secret: String) throws -> Int? {
        var status: Int?
        repeat {
            guard
                let outgoing = try replica.nextRequest(
                    at: Self.reading, pullsAnyway: status == nil)
            else { break }
            status = try exchange(outgoing, port, secret)
        } while status == 200
        return status
    }

    @discardableResult
    private func exchange(_ outgoing: Outgoing, _ port: UInt16, _ secret: String) throws -> Int? {
        let request = HTTPClientRequest(
            method: "POST", target: "/v1/spaces/customer:\(customer)/sync",
            headers: [
                ("Authorization", "Bearer \(secret)"), ("Content-Type", Encoding.cbor.rawValue),
            ], body: outgoing.body)
        guard let line = try? HTTPConnection(to: .tcp(host: "127.0.0.1", port: port)),
            let answer = try? line.sendToAPI(request)
        else { return nil }
        _ = try replica.receive(
            status: answer.status, body: answer.body, isProblem: answer.status != 200,
            to: outgoing, at: Self.reading)
        return answer.status
    }
}

/// The operator's socket of a server, by its data directory.
struct OperatorSocket {
    let data: String

    /// What a GET or, with a body, a POST is answered with; `nil` when it is not done.
    func send(_ target: String, _ body: String? = nil) -> Value? {
        let request = HTTPClientRequest(
            method: body == nil ? "GET" : "POST", target: target,
            headers: body == nil ? [] : [("Content-Type", "application/json")],
            body: Array((body ?? "").utf8))
        guard let line = try? HTTPConnection(to: .unix(path: "\(data)/operator.sock")),
            let answer = try? line.sendToAPI(request), answer.status < 300
        else { return nil }
        return try? Encoding.json.value(answer.body)
    }

    /// A new token's secret.
    func mint(customer: Int = 7) -> String? {
        send("/v1/admin/tokens", #"{"spaces":[{"space":"customer:\#(customer)"}]}"#)?["token"]?
            .textValue
    }
}
