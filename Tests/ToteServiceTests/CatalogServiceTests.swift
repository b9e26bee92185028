import Testing
import ProtocolChecks
import ToteCore
import ToteHTTP
import ToteServer
import ToteService

@Suite(.timeLimit(.minutes(5))) struct CatalogServiceTests {
    private func get(
        _ service: TestService, _ secret: String, tag: String? = nil
    ) throws -> HTTPClientResponse {
        let fields = [("Authorization", "Bearer \(secret)")]
        return try service.connect().sendToAPI(
            HTTPClientRequest(
                target: "/v1/catalog",
                headers: fields + (tag.map { [("If-None-Match", $0)] } ?? [])))
    }

    @Test func `a catalogue travels with its entity tag, and once`() throws {
        let service = try TestService()
        let (_, secret) = try service.mint()
        #expect(try get(service, secret).status == 404)
        let said = try service.operate("POST", "/v1/admin/catalog", DemoCatalog.json)
        #expect(said["version"] == .int(1))
        let first = try get(service, secret)
        #expect(first.status == 200 && first.header("etag") == "\"1\"")
        #expect(first.header("cache-control") == "private, no-cache")
        #expect(try Catalog(Encoding.json.value(first.body)).version == 1)
        let again = try get(service, secret, tag: "\"1\"")
        #expect(again.status == 304 && again.body.isEmpty && again.header("etag") == "\"1\"")
    }

    @Test func `a catalogue may be larger than other bodies, up to 4 MiB`() throws {
        let service = try TestService()
        let space = String(repeating: " ", count: 2 * 1_024 * 1_024)
        let said = try service.operate("POST", "/v1/admin/catalog", space + DemoCatalog.json)
        #expect(said["version"] == .int(1))
        #expect(
            try service.operate("POST", "/v1/admin/tokens", space)["code"]
                == .text("body_too_large"))
        #expect(
            try service.operate("POST", "/v1/admin/catalog", space + space + DemoCatalog.json)[
                "code"]
                == .text("body_too_large"))
    }
}
