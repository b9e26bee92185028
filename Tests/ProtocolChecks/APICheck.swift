internal import Foundation
internal import Testing
internal import ToteCore
package import ToteHTTP
package import ToteServer

/// Holds every answer that a test gets against the API's document.
package enum APICheck {
    /// Notes as issues what an answer is not documented to be.
    package static func check(_ request: ServerRequest, _ response: ServerResponse) {
        note(faults(request, response), request.method, request.path)
    }

    /// What an answer is not documented to be.
    package static func faults(_ request: ServerRequest, _ response: ServerResponse) -> [String] {
        Answer(
            status: response.status, contentType: response.contentType, body: response.body
        ).faults(to: request.method, request.path)
    }

    /// Notes as issues what an answer that came over a connection is not documented to be. Pages
    /// of the board and what the operator's socket alone takes are no part of the API.
    package static func check(_ request: HTTPClientRequest, _ response: HTTPClientResponse) {
        let path = request.target.prefix { $0 != "?" }.split(separator: "/").map(String.init)
        guard !["board", "board-assets"].contains(path.first),
            !path.starts(with: ["v1", "operator"])
        else { return }
        let answer = Answer(
            status: response.status, contentType: response.header("content-type") ?? "",
            body: response.body)
        note(answer.faults(to: request.method, path), request.method, path)
    }

    private static func note(_ faults: [String], _ method: String, _ path: [String]) {
        for fault in faults { Issue.record("\(method) \(path): \(fault)") }
    }
}

extension HTTPConnection {
    /// Sends a request to a server of Tote, and holds the answer against the API's document.
    package func sendToAPI(_ request: HTTPClientRequest) throws -> HTTPClientResponse {
        let response = try send(request)
        APICheck.check(request, response)
        return response
    }
}

/// What a server said, whatever carried it.
private struct Answer {
    let status: Int
    let contentType: String
    let body: [UInt8]

    func faults(to method: String, _ path: [String]) -> [String] {
        guard let operation = Self.operation(method, path) else {
            return [404, 405].contains(status) ? problemFaults : ["\(status) of no operation"]
        }
        guard var described = operation["responses"]?[String(status)] else {
            return ["status \(status) is not documented: \(String(decoding: body, as: UTF8.self))"]
        }
        if let name = described["$ref"]?.textValue { described = schemas.resolve(name) }
        // Over a connection, the answer to HEAD is without the body that it describes.
        guard let content = described["content"], method != "HEAD" || !body.isEmpty else {
            return body.isEmpty ? [] : ["\(status) has a body"]
        }
        // The document names types without their parameters.
        let type = contentType.prefix { $0 != ";" }
        guard let media = content[String(type)] else { return ["\(contentType) is not documented"] }
        // CBOR has a schema of its own, which vectors and decoders are held against.
        guard type == Encoding.json.rawValue || type.hasSuffix("+json"),
            let schema = media["schema"]
        else { return [] }
        return schemas.faults(JSON.parsed(body).value, schema)
    }

    private var schemas: SchemaCheck { SchemaCheck(document: OpenAPIDocument.value) }

    private var problemFaults: [String] {
        schemas.faults(
            JSON.parsed(body).value, .map(["$ref": .text("#/components/schemas/Problem")]))
    }

    /// The operation of the document that a request is one of.
    private static func operation(_ method: String, _ path: [String]) -> Value? {
        let method = method == "HEAD" ? "get" : method.lowercased()
        guard case .map(let paths)? = OpenAPIDocument.value["paths"] else { return nil }
        let matching = paths.filter { entry in
            let parts = entry.name.split(separator: "/").map(String.init)
            return parts.count == path.count
                && zip(parts, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        return matching.lazy.compactMap { $0.value[method] }.first
    }
}
