import Foundation
import Testing
import ToteCore
import ToteServer

/// Holds every answer that a test gets against the API's document.
enum APICheck {
    /// Notes as issues what an answer is not documented to be.
    static func check(_ request: ServerRequest, _ response: ServerResponse) {
        for fault in faults(request, response) {
            Issue.record("\(request.method) \(request.path): \(fault)")
        }
    }

    static func faults(_ request: ServerRequest, _ response: ServerResponse) -> [String] {
        guard let operation = operation(request) else {
            let isSaid = [404, 405].contains(response.status)
            return isSaid ? problemFaults(response) : ["\(response.status) of no operation"]
        }
        guard var described = operation["responses"]?[String(response.status)] else {
            return ["status \(response.status) (\(response.code ?? "")) is not documented"]
        }
        if let name = described["$ref"]?.textValue { described = resolve(name) }
        guard let content = described["content"] else {
            return response.body.isEmpty ? [] : ["\(response.status) has a body"]
        }
        let type = response.contentType
        guard let media = content[type] else { return ["\(type) is not documented"] }
        // CBOR has a schema of its own, which vectors and decoders are held against.
        guard type != Encoding.cbor.rawValue, let schema = media["schema"] else { return [] }
        let value = JSON.parsed(response.body).value
        return SchemaCheck(document: OpenAPIDocument.value).faults(value, schema)
    }

    private static func problemFaults(_ response: ServerResponse) -> [String] {
        let value = JSON.parsed(response.body).value
        return SchemaCheck(document: OpenAPIDocument.value).faults(
            value, .map(["$ref": .text("#/components/schemas/Problem")]))
    }

    private static func resolve(_ name: String) -> Value {
        SchemaCheck(document: OpenAPIDocument.value).resolve(name)
    }

    /// The operation of the document that a request is one of.
    private static func operation(_ request: ServerRequest) -> Value? {
        let method = request.method == "HEAD" ? "get" : request.method.lowercased()
        guard case .map(let paths)? = OpenAPIDocument.value["paths"] else { return nil }
        let matching = paths.filter { entry in
            let parts = entry.name.split(separator: "/").map(String.init)
            return parts.count == request.path.count
                && zip(parts, request.path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        return matching.lazy.compactMap { $0.value[method] }.first
    }
}

extension JSON {
    /// As values of the protocol, whose own reader takes none that nest so deep.
    var value: Value {
        switch self {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let int): .int(int)
        case .text(let text): .text(text)
        case .array(let elements): .array(elements.map(\.value))
        case .object(let members): .map(members.map { Value.Entry($0.name, $0.value.value) })
        }
    }
}

/// JSON Schema 2020-12, as much of it as the document uses; a keyword that it does not know is a
/// fault, so that none is believed to be checked that is not.
///
/// Members that a schema neither names nor allows in so many words are faults, too: the document
/// must tell of everything that the server says.
struct SchemaCheck {
    let document: Value

    func resolve(_ reference: String) -> Value {
        reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] ?? .null }
    }

    func faults(_ value: Value, _ schema: Value, at path: String = "$") -> [String] {
        guard case .map(let keywords) = schema else {
            return schema == .bool(true) ? [] : ["\(path) must not be there"]
        }
        return keywords.flatMap { keyword -> [String] in
            faults(value, keyword.name, keyword.value, schema).map { fault in
                fault.hasPrefix("$") ? path + fault.dropFirst() : "\(path) \(fault)"
            }
        }
    }

    /// What is wrong by one keyword. Faults of something inside begin with `$`.
    private func faults(
        _ value: Value, _ keyword: String, _ argument: Value, _ schema: Value
    ) -> [String] {
        switch keyword {
        case "$ref": return faults(value, resolve(argument.textValue ?? ""))
        case "type": return Self.isOf(value, argument) ? [] : ["is no \(argument)"]
        case "enum":
            guard case .array(let words) = argument else { return ["has a broken schema"] }
            return words.contains(value) ? [] : ["is \(value), not one of \(words)"]
        case "minimum": return (value.intValue ?? .max) >= argument.intValue! ? [] : ["is too low"]
        case "maximum": return (value.intValue ?? .min) <= argument.intValue! ? [] : ["is too high"]
        case "minLength", "maxLength":
            guard let count = value.textValue?.unicodeScalars.count, let limit = argument.intValue
            else { return [] }
            let isFit = keyword == "minLength" ? count >= limit : count <= limit
            return isFit ? [] : ["has \(count) characters"]
        case "pattern":
            guard let text = value.textValue, let pattern = argument.textValue else { return [] }
            let isMatch = text.range(of: pattern, options: .regularExpression) != nil
            return isMatch ? [] : ["does not match \(pattern)"]
        case "minItems", "maxItems":
            guard case .array(let elements) = value, let limit = argument.intValue else {
                return []
            }
            let isFit = keyword == "minItems" ? elements.count >= limit : elements.count <= limit
            return isFit ? [] : ["has \(elements.count) elements"]
        case "allOf", "anyOf": return choiceFaults(value, keyword, argument)
        default: return partFaults(value, keyword, argument, schema)
        }
    }

    private func choiceFaults(_ value: Value, _ keyword: String, _ choices: Value) -> [String] {
        guard case .array(let schemas) = choices else { return ["has a broken schema"] }
        // A part of a whole names some members only.
        let all = schemas.map { faults(value, keyword == "allOf" ? Self.open($0) : $0) }
        if keyword == "allOf" { return all.flatMap { $0 } }
        return all.contains([]) ? [] : ["fits none: \(all)"]
    }

    /// The keywords that look into objects and arrays.
    private func partFaults(
        _ value: Value, _ keyword: String, _ argument: Value, _ schema: Value
    ) -> [String] {
        switch (keyword, value) {
        case ("properties", .map(let members)):
            return members.flatMap { member -> [String] in
                if let inner = argument[member.name] {
                    return faults(member.value, inner, at: "$.\(member.name)")
                }
                return schema["additionalProperties"] == nil ? ["has \(member.name)"] : []
            }
        case ("additionalProperties", .map(let members)):
            return members.flatMap { member -> [String] in
                guard schema["properties"]?[member.name] == nil else { return [] }
                return faults(member.value, argument, at: "$.\(member.name)")
            }
        case ("required", .map):
            guard case .array(let names) = argument else { return ["has a broken schema"] }
            return names.compactMap { name in
                value[name.textValue ?? ""] == nil ? "has no \(name)" : nil
            }
        case ("items", .array(let elements)):
            return elements.enumerated().flatMap { faults($1, argument, at: "$[\($0)]") }
        case ("properties", _), ("additionalProperties", _), ("required", _), ("items", _):
            return []
        default: return ["has a schema with \(keyword), which this check does not know"]
        }
    }

    private static func open(_ schema: Value) -> Value {
        guard case .map(let members) = schema, schema["properties"] != nil,
            schema["additionalProperties"] == nil
        else { return schema }
        return .map(members + [Value.Entry("additionalProperties", .bool(true))])
    }

    private static func isOf(_ value: Value, _ type: Value) -> Bool {
        switch (type.textValue, value) {
        case ("object", .map), ("array", .array), ("string", .text), ("integer", .int),
            ("boolean", .bool), ("null", .null):
            true
        default: false
        }
    }
}
