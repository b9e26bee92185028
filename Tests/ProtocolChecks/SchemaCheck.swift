internal import Foundation
package import ToteCore

/// JSON Schema 2020-12, as much of it as the document uses; a keyword that it does not know is a
/// fault, so that none is believed to be checked that is not.
///
/// Members that a schema neither names nor allows in so many words are faults, too: the document
/// must tell of everything that the server says.
package struct SchemaCheck {
    private let document: Value

    package init(document: Value) { self.document = document }

    /// What a `$ref` names.
    package func resolve(_ reference: String) -> Value {
        reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] ?? .null }
    }

    /// What of a value its schema does not allow, each with where.
    package func faults(_ value: Value, _ schema: Value, at path: String = "$") -> [String] {
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
