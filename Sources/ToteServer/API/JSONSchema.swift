package import ToteCore

/// A JSON Schema (2020-12), as the document of the API writes it.
package struct JSONSchema: Sendable, Hashable {
    package let value: Value

    private init(_ members: [String: Value]) { value = .map(members) }

    static let text = JSONSchema(["type": .text("string")])
    static let int = JSONSchema(["type": .text("integer")])
    static let bool = JSONSchema(["type": .text("boolean")])
    static let anything = JSONSchema([:])
    /// Milliseconds since 1970, UTC.
    static let milliseconds = int(0...281_474_976_710_655)

    static func int(_ range: ClosedRange<Int64>) -> JSONSchema {
        JSONSchema([
            "type": .text("integer"), "minimum": .int(range.lowerBound),
            "maximum": .int(range.upperBound),
        ])
    }

    /// A text of so many bytes: a schema can only count its characters.
    static func text(_ bytes: ClosedRange<Int>) -> JSONSchema {
        JSONSchema([
            "type": .text("string"), "minLength": .int(min(1, Int64(bytes.lowerBound))),
            "maxLength": .int(Int64(bytes.upperBound)),
        ])
    }

    /// A text that a regular expression matches in full.
    static func pattern(_ expression: String) -> JSONSchema {
        JSONSchema(["type": .text("string"), "pattern": .text("^(\(expression))$")])
    }

    static func hex(_ digits: Int) -> JSONSchema { pattern("[0-9a-f]{\(digits)}") }

    static func words(_ words: [String]) -> JSONSchema {
        JSONSchema(["enum": .array(words.map { .text($0) })])
    }

    static func list(_ element: JSONSchema, _ count: ClosedRange<Int>? = nil) -> JSONSchema {
        var members: [String: Value] = ["type": .text("array"), "items": element.value]
        if let count {
            members["minItems"] = .int(Int64(count.lowerBound))
            members["maxItems"] = .int(Int64(count.upperBound))
        }
        return JSONSchema(members)
    }

    /// An array of just these, in their order. `prefixItems` would tell which is where, but tools
    /// that check answers stumble over it.
    static func tuple(_ elements: JSONSchema...) -> JSONSchema {
        let kinds = elements.reduce(into: [JSONSchema]()) { kinds, element in
            if !kinds.contains(element) { kinds.append(element) }
        }
        let any = JSONSchema(["anyOf": .array(kinds.map(\.value))])
        return .list(kinds.count == 1 ? kinds[0] : any, elements.count...elements.count)
    }

    /// An object with any names.
    static func map(of element: JSONSchema) -> JSONSchema {
        JSONSchema(["type": .text("object"), "additionalProperties": element.value])
    }

    /// What further members an object may have.
    enum Others {
        /// None are known: a later server may have more.
        case later
        /// The server refuses any.
        case none
        /// There are more than the schema tells.
        case any
    }

    static func object(
        _ required: [String: JSONSchema], optional: [String: JSONSchema] = [:],
        others: Others = .later
    ) -> JSONSchema {
        let all = required.merging(optional) { $1 }
        var members: [String: Value] = [
            "type": .text("object"), "properties": .map(all.mapValues(\.value)),
            "required": .array(required.keys.sorted().map { .text($0) }),
        ]
        switch others {
        case .later: break
        case .none: members["additionalProperties"] = .bool(false)
        case .any: members["additionalProperties"] = .bool(true)
        }
        return JSONSchema(members)
    }

    /// One of the document's own schemas.
    static func named(_ name: String) -> JSONSchema {
        JSONSchema(["$ref": .text("#/components/schemas/\(name)")])
    }

    static func any(of choices: JSONSchema...) -> JSONSchema {
        JSONSchema(["anyOf": .array(choices.map(\.value))])
    }

    var orNull: JSONSchema { .any(of: self, JSONSchema(["type": .text("null")])) }
}
