import Foundation
import Testing
import ProtocolChecks
import ToteCore
import ToteServer

/// The API's document against the table of routes, its kept copy and the codes of the protocol.
/// That answers are as it says is checked by `TestServer`, in every test.
struct OpenAPITests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private var operations: [(path: String, method: String, value: Value)] {
        guard case .map(let paths)? = OpenAPIDocument.value["paths"] else { return [] }
        return paths.flatMap { path -> [(String, String, Value)] in
            guard case .map(let methods) = path.value else { return [] }
            return methods.map { (path.name, $0.name.uppercased(), $0.value) }
        }
    }

    @Test func `the copy beside the protocol is the document`() throws {
        let kept = try Data(
            contentsOf: Self.root.appendingPathComponent("Protocol/openapi.json"))
        #expect(
            kept == Data(OpenAPIDocument.bytes),
            "write it anew: .build/debug/tote openapi > Protocol/openapi.json")
        let read = JSON.parsed(OpenAPIDocument.bytes).value
        #expect(Encoding.json.encode(read) == Encoding.json.encode(OpenAPIDocument.value))
    }

    @Test func `it has every route, and the security of each`() {
        let routes = Server.routes + Server.frontRoutes
        #expect(
            Set(operations.map { "\($0.method) \($0.path)" })
                == Set(routes.map { "\($0.method) \($0.path)" }))
        for operation in operations {
            let isOpen = ["/v1/handshake", "/v1/openapi.json", "/livez", "/readyz"]
                .contains(operation.path)
            #expect(
                (operation.value["security"] == .array([])) == isOpen, "\(operation.path)")
        }
        let ids = operations.compactMap { $0.value["operationId"]?.textValue }
        #expect(Set(ids).count == operations.count)
    }

    @Test func `its codes are the protocol's, with their statuses`() throws {
        let errors = try Encoding.json.value(
            Array(Data(contentsOf: Self.root.appendingPathComponent("Protocol/errors.json"))))
        guard case .array(let entries) = errors else { throw TestFailure("no errors") }
        var problems: Set<String> = []
        for entry in entries {
            let isProblem =
                entry["kind"] == .text("problem") || entry["also"] == .text("problem")
            if isProblem, let code = entry["code"]?.textValue { problems.insert(code) }
        }
        let text = String(decoding: OpenAPIDocument.bytes, as: UTF8.self)
        // Those of the operator's socket alone are none of the API.
        let local: Set = ["bad_path", "backup_running", "backup_failed"]
        let missing = problems.filter { !text.contains("`\($0)`") }.subtracting(local)
        #expect(missing == [])
        let said = text.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }
            .map { String($0.element) }.filter { $0.contains("_") }
        #expect(Set(said).subtracting(problems) == ["did_not_happen"])
    }

    @Test func `an answer that the document does not tell of is found`() throws {
        let server = try TestServer()
        var request = ServerRequest(method: "GET", path: ["v1", "handshake"], requestID: "r")
        let good = try server.answer(request)
        #expect(APICheck.faults(request, good) == [])
        let more = ServerResponse(
            status: 200, body: Array(#"{"product":"tote","secret":1}"#.utf8))
        let faults = APICheck.faults(request, more)
        #expect(faults.contains("$ has secret"))
        #expect(faults.contains { $0.hasPrefix("$ has no") })
        #expect(
            APICheck.faults(request, ServerResponse(status: 418, body: [])).first?
                .hasPrefix("status 418") == true)
        request.path = ["v1", "catalog"]
        let unknown = ServerResponse(Problem(404, "order_unknown", ""), requestID: "r")
        #expect(APICheck.faults(request, unknown).contains { $0.contains("order_unknown") })
    }
}
