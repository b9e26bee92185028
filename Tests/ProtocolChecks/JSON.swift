internal import Foundation
package import ToteCore

/// A file of vectors as plain values. Keeps the order of members, which JSON parsers lose.
package indirect enum JSON: Equatable {
    case null, bool(Bool), int(Int64), text(String)
    case array([JSON])
    case object([(name: String, value: JSON)])

    package static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)):
            a.count == b.count && a.allSatisfy { entry in b.contains { $0 == entry } }
        default: false
        }
    }

    package subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var int: Int64? { if case .int(let int) = self { int } else { nil } }
    package var array: [JSON] { if case .array(let values) = self { values } else { [] } }
    package var members: [(name: String, value: JSON)] {
        if case .object(let members) = self { members } else { [] }
    }
    package var isNull: Bool { self == .null }

    /// Compact JSON text, members in the order in which they stand.
    package var encoded: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .int(let int): String(int)
        case .text(let text):
            String(decoding: Encoding.json.encode(.text(text)), as: UTF8.self)
        case .array(let values): "[" + values.map(\.encoded).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.map { "\(JSON.text($0.name).encoded):\($0.value.encoded)" }
                .joined(separator: ",") + "}"
        }
    }

    package var bytes: [UInt8] { Array(encoded.utf8) }

    /// With `$text`, `$list` and their like written out, as `expand` in check.py does.
    package func expanded(_ index: Int64 = 0) -> JSON {
        switch self {
        case .array(let values): return .array(values.map { $0.expanded(index) })
        case .object(let members):
            if members.count == 1, let made = Self.made(members[0], index) { return made }
            return .object(members.map { ($0.name, $0.value.expanded(index)) })
        default: return self
        }
    }

    private static func made(_ member: (name: String, value: JSON), _ index: Int64) -> JSON? {
        let content = member.value
        switch member.name {
        case "$text":
            let count = Int(content.array[1].int ?? 0)
            return .text(String(repeating: content.array[0].text ?? "", count: count))
        case "$list":
            return .array((0..<(content.array[0].int ?? 0)).map { content.array[1].expanded($0) })
        case "$i": return .int(index + (content.int ?? 0))
        case "$id": return .text(Hex.string(UInt64(index + (content.int ?? 0))))
        case "$name": return .text((content.text ?? "") + String(index))
        default: return nil
        }
    }

    /// The values of a file in Protocol/vectors.
    package static func vectors(_ topic: String) throws -> [JSON] {
        try file("vectors/\(topic).json").array
    }

    package static func file(_ name: String) throws -> JSON {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: root.appending(path: "Protocol/\(name)"))
        return parsed(Array(data))
    }

    /// Reads JSON that is known to be well-formed.
    package static func parsed(_ bytes: [UInt8]) -> JSON {
        var parser = JSONParser(bytes: bytes)
        return parser.value()
    }
}

extension JSON {
    /// With the members of the protocol in the order of their numbers.
    package var ordered: JSON {
        switch self {
        case .array(let values): return .array(values.map(\.ordered))
        case .object(let members):
            let known = Member.allCases.compactMap { member in
                members.first { $0.name == member.name }
            }
            let others = members.filter { entry in
                !Member.allCases.contains { $0.name == entry.name }
            }
            return .object((known + others).map { ($0.name, $0.value.ordered) })
        default: return self
        }
    }

    /// As values of the protocol, whose own reader takes none that nest so deep.
    package var value: Value {
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

/// Reads JSON that is known to be well-formed: our own files.
private struct JSONParser {
    let bytes: [UInt8]
    var offset = 0

    private mutating func next() -> UInt8 {
        while [0x20, 0x0A, 0x0D, 0x09, 0x2C, 0x3A].contains(bytes[offset]) { offset += 1 }
        return bytes[offset]
    }

    mutating func value() -> JSON {
        switch next() {
        case UInt8(ascii: "{"):
            offset += 1
            var members: [(name: String, value: JSON)] = []
            while next() != UInt8(ascii: "}") {
                let name = value().text ?? ""
                members.append((name, value()))
            }
            offset += 1
            return .object(members)
        case UInt8(ascii: "["):
            offset += 1
            var values: [JSON] = []
            while next() != UInt8(ascii: "]") { values.append(value()) }
            offset += 1
            return .array(values)
        case UInt8(ascii: "\""): return text()
        default:
            let start = offset
            while offset < bytes.count, ![0x2C, 0x5D, 0x7D, 0x20, 0x0A].contains(bytes[offset]) {
                offset += 1
            }
            switch String(decoding: bytes[start..<offset], as: UTF8.self) {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            case let number: return .int(Int64(number) ?? 0)
            }
        }
    }

    private mutating func text() -> JSON {
        let start = offset
        offset += 1
        while bytes[offset] != UInt8(ascii: "\"") {
            offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
        }
        offset += 1
        let literal = Data(bytes[start..<offset])
        let options = JSONSerialization.ReadingOptions.fragmentsAllowed
        let parsed = try? JSONSerialization.jsonObject(with: literal, options: options)
        return .text(parsed as? String ?? "")
    }
}
