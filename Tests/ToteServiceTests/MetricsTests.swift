import Foundation
import TestPrograms
import Testing
import ProtocolChecks
import ToteCore
import ToteHTTP
import ToteService

@Suite(.timeLimit(.minutes(5))) struct MetricsTests {
    /// Where continuous integration runs, a missing reader is a failure and no reason to skip.
    private static let mustRun = ProcessInfo.processInfo.environment["TOTE_CI"] == "1"

    private static let promtool: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/promtool" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    private func service() throws -> TestService {
        try TestService { $0.metricsAddress = ("127.0.0.1", 0) }
    }

    /// What `/metrics` answers on its own port.
    private func page(
        _ service: TestService, accept: String = "text/plain"
    ) throws -> HTTPClientResponse {
        try service.metrics(accept: accept)
    }

    private func lines(_ service: TestService) throws -> [String] {
        String(decoding: try page(service).body, as: UTF8.self).split(separator: "\n")
            .map(String.init)
    }

    private func value(_ sample: String, _ service: TestService) throws -> Double? {
        try service.sample(sample)
    }

    /// Gives every part of a service something to count.
    private func work(_ service: TestService) throws {
        let (_, secret) = try service.mint()
        let first = pushOfOne(replica: 1, nonce: 1)
        _ = try service.sync(first, secret: secret)
        // The reply was lost: the same bytes again.
        _ = try service.sync(first, secret: secret)
        var refused = pushOfOne(replica: 2, nonce: 2)
        refused.changes[0].change.writes[0].key = Key("ledger", "points", "value")
        _ = try service.sync(refused, secret: secret)
        _ = try service.operate("GET", "/v1/nothing")
    }

    @Test func `an operator reads what was answered, committed and refused`() throws {
        let service = try service()
        try work(service)
        let sync = #"method="POST",route="/v1/spaces/{space}/sync""#
        #expect(try value("tote_http_requests_total{\(sync),status=\"200\"}", service) == 3)
        #expect(try value("tote_http_request_duration_seconds_count{\(sync)}", service) == 3)
        #expect(try value("tote_http_problems_total{code=\"not_found\"}", service) == 1)
        #expect(try value("tote_sync_batches_total", service) == 2)
        #expect(try value("tote_sync_changes_total{outcome=\"accepted\"}", service) == 1)
        #expect(try value("tote_sync_changes_total{outcome=\"repeated\"}", service) == 1)
        #expect(
            try value("tote_sync_rejected_changes_total{code=\"field_not_writable\"}", service) == 1
        )
        #expect(try value("tote_commit_duration_seconds_count", service) ?? 0 >= 5)
        #expect(try value("tote_wal_bytes", service) ?? 0 > 0)
        #expect(try value("tote_leases_open{holder=\"device\"}", service) == 0)
        #expect(try value("tote_backup_last_success_timestamp_seconds", service) == 0)
        #expect(try value("process_resident_memory_bytes", service) ?? 0 > 1_000_000)
        let target = service.directory.path + "/backup.db"
        _ = try service.operate("POST", "/v1/operator/backup", #"{"path":"\#(target)"}"#)
        #expect(try value("tote_backups_total{outcome=\"made\"}", service) == 1)
        // The note of it is committed behind the answer at the latest.
        #expect(
            try value("tote_backup_last_success_timestamp_seconds", service) ?? 0 > 1_600_000_000)
    }

    @Test func `a parked request is counted and does not slow the histogram down`() throws {
        let service = try service()
        let (_, secret) = try service.mint()
        let first = try service.sync(SyncRequest(replica: ReplicaID(7)), secret: secret)
        var wait = SyncRequest(replica: ReplicaID(7), cursor: first.cursor)
        wait.waitSeconds = 25
        let connection = try service.connect()
        try connection.write(connection.encoded(service.request(wait, secret: secret)))
        while try value("tote_parked_requests", service) != 1 {}
        _ = try service.sync(pushOfOne(replica: 1, nonce: 1), secret: secret)
        _ = try connection.readResponse(timeout: .seconds(10))
        let sync = #"method="POST",route="/v1/spaces/{space}/sync""#
        #expect(try value("tote_http_requests_total{\(sync),status=\"200\"}", service) == 3)
        #expect(try value("tote_http_request_duration_seconds_count{\(sync)}", service) == 2)
    }

    @Test func `ten thousand paths and devices make no further series`() throws {
        let service = try service()
        let (_, secret) = try service.mint()
        let connection = try service.connect()
        func ask(_ numbers: Range<UInt64>) throws {
            for number in numbers {
                let target = "/v1/spaces/customer:c-\(number)/sync"
                var request = service.request(
                    SyncRequest(replica: ReplicaID(number)), secret: secret)
                request.target = number % 2 == 0 ? target : "/nothing/\(number)"
                try connection.write(connection.encoded(request))
                _ = try connection.readResponse(timeout: .seconds(10))
            }
        }
        try ask(1..<10)
        let before = try lines(service).count
        // One connection has at most 10,000 requests.
        try ask(10..<9_990)
        #expect(try lines(service).count == before)
    }

    @Test(arguments: ["text/plain", "application/openmetrics-text; version=1.0.0"])
    func `the format is as it was asked for`(accept: String) throws {
        let service = try service()
        try work(service)
        let response = try page(service, accept: accept)
        let text = String(decoding: response.body, as: UTF8.self)
        let isOpen = accept.hasPrefix("application")
        #expect(response.header("content-type")?.hasPrefix(isOpen ? "application" : "text") == true)
        #expect(text.hasSuffix("# EOF\n") == isOpen)
        #expect(text.contains("# TYPE tote_http_requests\(isOpen ? "" : "_total") counter\n"))
        #expect(text.contains("\ntote_http_requests_total{"))
    }

    @Test(.enabled(if: mustRun || promtool != nil, "promtool is missing"))
    func `promtool finds nothing to say`() throws {
        let service = try service()
        try work(service)
        let text = String(decoding: try page(service).body, as: UTF8.self)
        let done = try TestProgram(
            try #require(Self.promtool), ["check", "metrics"], input: .text(text)
        ).waitForOutcome()
        #expect(done.exit == 0)
        #expect(done.said == "")
    }

    @Test func `on the API's port a token of the role reads the metrics and nothing else`() throws {
        let service = try TestService()
        func get(_ target: String, _ secret: String?) throws -> HTTPClientResponse {
            try service.connect().sendToAPI(
                HTTPClientRequest(
                    method: "GET", target: target,
                    headers: secret.map { [("Authorization", "Bearer \($0)")] } ?? [], body: []))
        }
        let minted = try service.operate("POST", "/v1/admin/tokens", #"{"role":"metrics"}"#)
        let secret = try #require(minted["token"]?.textValue)
        #expect(try get("/metrics", secret).status == 200)
        #expect(try get("/v1/catalog", secret).status == 404)
        #expect(try get("/v1/admin/status", secret).status == 404)
        #expect(try get("/metrics", nil).status == 401)
        let (_, customer) = try service.mint()
        #expect(try get("/metrics", customer).status == 404)
        let refused = try service.operate(
            "POST", "/v1/admin/tokens",
            #"{"role":"metrics","spaces":[{"space":"customer:c-1"}]}"#)
        #expect(refused["code"]?.textValue == "invalid_token_request")
    }

    @Test func `the dashboard asks for metrics that there are, and for every one but five`() throws
    {
        let text = String(decoding: Encoding.json.encode(MetricsDashboard.value), as: UTF8.self)
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
        let asked = Set(words.filter { $0.hasPrefix("tote_") || $0.hasPrefix("process_") })
        let known = Metric.all.flatMap { metric in
            metric.kind == .histogram
                ? ["bucket", "sum", "count"].map { "\(metric.name)_\($0)" }
                : [metric.name]
        }
        #expect(asked.subtracting(known) == [])
        let shown = Metric.all.filter { metric in asked.contains { $0.hasPrefix(metric.name) } }
        #expect(
            Set(Metric.all.map(\.name)).subtracting(shown.map(\.name)) == [
                "tote_build_info", "process_virtual_memory_bytes", "process_max_fds",
                "process_threads", "process_start_time_seconds",
            ])
    }

    @Test func `names keep the rules of Prometheus`() {
        for metric in Metric.all {
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter), "\(metric.name)")
            #expect(metric.unit == "1" || metric.name.contains("_\(metric.unit)"), "\(metric.name)")
            #expect(!metric.help.isEmpty)
        }
        #expect(Set(Metric.all.map(\.name)).count == Metric.all.count)
    }
}
