import Foundation
import Testing
import ProtocolChecks
import ToteCore
import ToteHTTP
import ToteService

@Suite(.timeLimit(.minutes(5))) struct RateLimitTests {
    /// So many that no test waits for one to come back.
    private static let burst = RateOptions.burstSeconds

    private func get(
        _ service: TestService, _ secret: String?, _ target: String = "/v1/catalog",
        more: [(name: String, value: String)] = []
    ) throws -> HTTPClientResponse {
        let token = secret.map { [(name: "Authorization", value: "Bearer \($0)")] } ?? []
        let connection = try service.connect()
        defer { connection.close() }
        return try connection.sendToAPI(
            HTTPClientRequest(method: "GET", target: target, headers: token + more, body: []))
    }

    private func statuses(_ count: Int, _ ask: () throws -> HTTPClientResponse) throws -> [Int] {
        try (0..<count).map { _ in try ask().status }
    }

    @Test func `a token that asks too often is told to wait, and no other with it`() throws {
        let service = try TestService { $0.rates.perToken = 1 }
        let (_, noisy) = try service.mint()
        let (_, quiet) = try service.mint()
        let answered = try statuses(Self.burst + 10) { try get(service, noisy) }
        #expect(Set(answered.prefix(Self.burst)) == [404])
        #expect(answered.contains(429))
        let refused = try get(service, noisy)
        #expect(refused.status == 429)
        #expect(try Encoding.json.value(refused.body)["code"] == .text("rate_limited"))
        #expect(try Encoding.json.value(refused.body)["did_not_happen"] == .bool(true))
        #expect(refused.header("retry-after").flatMap { Int($0) } ?? 0 >= 1)
        #expect(try get(service, quiet).status == 404)
        // Health has no limit, and the operator has none.
        #expect(try statuses(20) { try get(service, noisy, "/livez") }.allSatisfy { $0 == 200 })
        for _ in 0..<20 {
            #expect(try service.operate("GET", "/v1/admin/status")["epoch"] != nil)
        }
    }

    @Test func `what is not new, and what waits, takes nothing`() throws {
        let service = try TestService {
            $0.rates.perToken = 1
            $0.metricsAddress = ("127.0.0.1", 0)
        }
        let catalog = #"{"categories":[],"groups":[],"products":[],"stores":[]}"#
        _ = try service.operate("POST", "/v1/admin/catalog", catalog)
        let (_, secret) = try service.mint()
        let tag = [(name: "If-None-Match", value: "\"1\"")]
        let unchanged = try statuses(40) { try get(service, secret, more: tag) }
        #expect(Set(unchanged) == [304])
        var cursor = try service.sync(SyncRequest(replica: ReplicaID(7)), secret: secret).cursor
        for number in 0..<20 {
            var wait = SyncRequest(replica: ReplicaID(7), cursor: cursor)
            wait.waitSeconds = 25
            let connection = try service.connect()
            defer { connection.close() }
            try connection.write(connection.encoded(service.request(wait, secret: secret)))
            while try service.sample("tote_parked_requests") != 1 {}
            _ = try service.operate(
                "POST", "/v1/admin/ledger",
                #"{"customer":"c-1","account":"points","kind":"grant","amount":1,"#
                    + "\"reference\":\"r-\(number)\",\"reason\":\"test\"}")
            let response = try connection.readResponse(timeout: .seconds(10))
            #expect(response.status == 200)
            cursor = try Encoding.cbor.reply(response.body).cursor
        }
        #expect(try get(service, secret).status == 200)
    }

    @Test func `an address has a limit of its own, and a proxy speaks for others`() throws {
        let direct = try TestService { $0.rates.perAddress = 1 }
        #expect(try statuses(Self.burst + 10) { try get(direct, nil) }.contains(429))
        // Without a proxy that is known nobody believes the field.
        #expect(
            try get(direct, nil, more: [("X-Forwarded-For", "198.51.100.7")]).status == 429)

        let proxied = try TestService {
            $0.rates.perAddress = 1
            $0.http.exemptAddresses = ["127.0.0.1"]
        }
        func from(_ addresses: String) throws -> HTTPClientResponse {
            try get(proxied, nil, more: [("X-Forwarded-For", addresses)])
        }
        // The first addresses are what a client claims; the last is what the proxy has seen.
        let claims = try (0..<Self.burst + 10).map {
            try from("203.0.113.\($0), 198.51.100.7").status
        }
        #expect(claims.contains(429))
        #expect(try from("198.51.100.7, 198.51.100.8").status == 401)
        // Of IPv6 one line's network counts as one.
        let network = try (0..<Self.burst + 10).map { try from("2001:db8::\($0)").status }
        #expect(network.contains(429))
        #expect(try from("2001:db8:0:1::1").status == 401)
    }
}
