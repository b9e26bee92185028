/// A JSON value to print; members keep the order they were given in.
///
/// Wire form: RFC 8259. Literals work: `["seed": 7, "passed": true, "faults": []]`.
package enum JSONText: Sendable {
    /// Members in order. The names should differ; nothing here checks it.
    case object([(name: String, value: JSONText)])
    /// Elements in order.
    case array([JSONText])
    /// Text; escaped when printed.
    case string(String)
    /// A whole number.
    case int(Int)
    /// A whole number beyond `Int.max`: a seed, a hash.
    case unsigned(UInt64)
    /// The shortest digits that read back as the same number; `null` for infinities and NaN.
    case double(Double)
    /// `true` or `false`.
    case bool(Bool)
    /// `null`.
    case null

    /// The text without any white space.
    package var compact: String {
        var writer = Writer(indents: false)
        writer.write(self, depth: 0)
        return writer.text
    }

    /// The text with a line per member and two spaces a level; no line break at the end.
    package var pretty: String {
        var writer = Writer(indents: true)
        writer.write(self, depth: 0)
        return writer.text
    }
}

extension JSONText: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A string.
    package init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    package init(integerLiteral value: Int) { self = .int(value) }
    /// A number.
    package init(floatLiteral value: Double) { self = .double(value) }
    /// A truth value.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// `null`.
    package init(nilLiteral: ()) { self = .null }
    /// An array.
    package init(arrayLiteral elements: JSONText...) { self = .array(elements) }
    /// An object, in the order written.
    package init(dictionaryLiteral members: (String, JSONText)...) {
        self = .object(members.map { (name: $0.0, value: $0.1) })
    }
}

private struct Writer {
    let indents: Bool
    private(set) var text = ""

    init(indents: Bool) { self.indents = indents }

    mutating func write(_ value: JSONText, depth: Int) {
        switch value {
        case .object(let members):
            list(members, "{", "}", depth: depth) { writer, member in
                writer.write(member.name)
                writer.text += writer.indents ? ": " : ":"
                writer.write(member.value, depth: depth + 1)
            }
        case .array(let elements):
            list(elements, "[", "]", depth: depth) { writer, element in
                writer.write(element, depth: depth + 1)
            }
        case .string(let string): write(string)
        case .int(let number): text += String(number)
        case .unsigned(let number): text += String(number)
        case .double(let number): text += number.isFinite ? String(number) : "null"
        case .bool(let truth): text += truth ? "true" : "false"
        case .null: text += "null"
        }
    }

    private mutating func list<Element>(
        _ elements: [Element], _ open: String, _ close: String, depth: Int,
        _ writeElement: (inout Writer, Element) -> Void
    ) {
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            breakLine(depth: depth + 1)
            writeElement(&self, element)
        }
        if !elements.isEmpty { breakLine(depth: depth) }
        text += close
    }

    private mutating func breakLine(depth: Int) {
        if indents { text += "\n" + String(repeating: "  ", count: depth) }
    }

    private mutating func write(_ string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // RFC 8259 only asks for the first 32; DEL and the C1 controls would steer a terminal.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
