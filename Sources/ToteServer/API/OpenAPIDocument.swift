package import ToteCore

/// The API as an OpenAPI 3.1 document, made from the table of routes.
package enum OpenAPIDocument {
    package static let value: Value = .map([
        "openapi": .text("3.1.0"),
        "info": .map([
            "title": .text("Tote"), "version": .text("1"),
            "summary": .text("Carts, wishlists, points and pre-orders, the same everywhere."),
            "description": .text(
                "Made from the server's table of routes. What the messages mean, and in which "
                    + "order things are refused, is written in the protocol. A refusal is a "
                    + "problem document (RFC 9457) with a stable `code`; `did_not_happen` says "
                    + "whether nothing was applied. Members may be added to answers: ignore those "
                    + "that you do not know."),
            "license": .map(["name": .text("Apache-2.0"), "identifier": .text("Apache-2.0")]),
        ]),
        "servers": .array([.map(["url": .text("/")])]),
        "paths": .map(paths),
        "components": .map([
            "schemas": .map(Schemas.all.mapValues(\.value)),
            "responses": .map(commonResponses),
            "securitySchemes": .map([
                "token": .map([
                    "type": .text("http"), "scheme": .text("bearer"),
                    "description": .text("A token of the admin API, or of `tote token mint`."),
                ])
            ]),
        ]),
    ])

    /// The document as it is served, and kept beside the protocol.
    package static let bytes: [UInt8] = Array((lines(value, depth: 0) + "\n").utf8)

    /// How deep the text has a line for each member: as deep as the operations.
    private static let linesDepth = 4

    private static func lines(_ value: Value, depth: Int) -> String {
        guard case .map(let entries) = value, !entries.isEmpty, depth < linesDepth else {
            return String(decoding: Encoding.json.encode(value), as: UTF8.self)
        }
        let indent = String(repeating: " ", count: depth + 1)
        let members = entries.sorted { $0.name < $1.name }.map { entry in
            let name = String(decoding: Encoding.json.encode(.text(entry.name)), as: UTF8.self)
            return "\(indent)\(name): \(lines(entry.value, depth: depth + 1))"
        }
        return "{\n" + members.joined(separator: ",\n") + "\n"
            + String(repeating: " ", count: depth) + "}"
    }

    private static var paths: [String: Value] {
        let byPath = Dictionary(grouping: Server.frontRoutes + Server.routes, by: \.path)
        return byPath.mapValues { routes in
            .map(
                Dictionary(
                    uniqueKeysWithValues: routes.map { ($0.method.lowercased(), operation($0)) }))
        }
    }

    private static func operation(_ route: Route) -> Value {
        let words = route.path.split { !$0.isLetter }.map(String.init)
        var members: [String: Value] = [
            "operationId": .text(([route.method.lowercased()] + words).joined(separator: "_")),
            "summary": .text(route.summary),
            "security": .array(
                route.access == .open ? [] : [.map(["token": .array([])])]),
            "responses": .map(responses(route)),
        ]
        let places = route.places.map { name -> Value in
            .map([
                "name": .text(name), "in": .text("path"), "required": .bool(true),
                "schema": JSONSchema.text.value,
            ])
        }
        let parameters =
            places
            + route.parameters.map { parameter -> Value in
                .map([
                    "name": .text(parameter.name),
                    "in": .text(parameter.isHeader ? "header" : "query"),
                    "required": .bool(parameter.isRequired),
                    "description": .text(parameter.about), "schema": parameter.schema.value,
                ])
            }
        if !parameters.isEmpty { members["parameters"] = .array(parameters) }
        if let body = route.body {
            members["requestBody"] = .map([
                "required": .bool(true), "content": .map(content(body, route)),
            ])
        }
        return .map(members)
    }

    /// A body in JSON and, where it may be, in CBOR, which no JSON Schema tells of.
    private static func content(_ schema: JSONSchema, _ route: Route) -> [String: Value] {
        var content: [String: Value] = [
            Encoding.json.rawValue: .map(["schema": schema.value])
        ]
        if route.speaksCBOR { content[Encoding.cbor.rawValue] = .map([:]) }
        return content
    }

    private static func responses(_ route: Route) -> [String: Value] {
        var responses: [String: Value] = [:]
        for (status, schema) in route.answers {
            var response: [String: Value] = ["description": .text(words(status))]
            if let schema {
                response["content"] =
                    .map(
                        route.answerTypes.isEmpty
                            ? content(schema, route)
                            : .init(
                                uniqueKeysWithValues: route.answerTypes.map {
                                    ($0, .map(["schema": schema.value]))
                                }))
            }
            responses[String(status)] = .map(response)
        }
        for status in Route.everywhere.keys where route.refusals[status] == nil {
            responses[String(status)] = .map([
                "$ref": .text("#/components/responses/\(status)")
            ])
        }
        for (status, codes) in route.refusals {
            responses[String(status)] = refusal(status, codes + (Route.everywhere[status] ?? []))
        }
        return responses
    }

    private static let commonResponses: [String: Value] = Dictionary(
        uniqueKeysWithValues: Route.everywhere.map { (String($0), refusal($0, $1)) })

    private static func refusal(_ status: Int, _ codes: [String]) -> Value {
        let codes = Set(codes).sorted()
        return .map([
            "description": .text(codes.map { "`\($0)`" }.joined(separator: ", ")),
            "content": .map([
                "application/problem+json": .map([
                    "schema": .map([
                        "allOf": .array([
                            JSONSchema.named("Problem").value,
                            .map([
                                "properties": .map([
                                    "code": .map(["enum": .array(codes.map { .text($0) })])
                                ])
                            ]),
                        ])
                    ])
                ])
            ]),
        ])
    }

    private static func words(_ status: Int) -> String {
        switch status {
        case 201: "Made."
        case 202: "Queued."
        case 304: "Nothing is new."
        default: "Done."
        }
    }
}
