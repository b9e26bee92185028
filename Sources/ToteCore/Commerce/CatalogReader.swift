/// Reads a catalogue strictly and notes every fault, so that whoever wrote it mends all at once.
struct CatalogReader {
    /// Which form is read.
    enum Form {
        /// As the server serves it: with its version. Members of later servers are passed over.
        case served
        /// As it is imported: without a version, and with nothing that is not known.
        case imported
    }

    let form: Form
    private(set) var faults: [CatalogError] = []
    var steps: [CatalogError.Step] = []

    init(_ form: Form) { self.form = form }

    mutating func fault(_ code: String, _ message: String, known: [String] = []) {
        guard faults.count < Catalog.faultsMax else { return }
        faults.append(CatalogError(steps, code, message, known: known))
    }

    /// Runs `body` with the place moved to one inside.
    mutating func at<Result>(
        _ step: CatalogError.Step, _ body: (inout CatalogReader) -> Result
    ) -> Result {
        steps.append(step)
        defer { steps.removeLast() }
        return body(&self)
    }

    static func kind(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool: "true or false"
        case .int: "a number"
        case .text: "a text"
        case .array: "a list"
        case .map: "an object"
        }
    }

    private mutating func mismatch(_ value: Value, _ wanted: String) {
        fault("wrong_type", "this is \(Self.kind(value)), \(wanted) belongs here")
    }

    /// The members of an object that are known. Notes those that are not, and what is missing.
    mutating func members(
        _ value: Value, _ shape: CatalogShape
    ) -> [Name: Value]? {
        guard case .map(let entries) = value else {
            mismatch(value, shape.what)
            return nil
        }
        var members: [Name: Value] = [:]
        for entry in entries {
            if shape.members.contains(where: { Name($0.name) == Name(entry.name) }) {
                members[Name(entry.name)] = entry.value
            } else if form == .imported {
                let names = shape.members.map(\.name)
                at(.member(entry.name)) {
                    $0.fault(
                        "unknown_member", "`\(entry.name)` is no member of \(shape.what)",
                        known: names)
                }
            }
        }
        let missing = shape.members.filter { $0.isRequired && members[Name($0.name)] == nil }
        for member in missing {
            fault("missing_member", "`\(member.name)` of \(shape.what) is missing")
        }
        return members
    }

    /// A list's elements, each read at its place; those that cannot be read are left out.
    mutating func list<Element>(
        _ value: Value?, _ name: String, most: Int,
        _ read: (inout CatalogReader, Value) -> Element?
    ) -> [Element] {
        guard let value else { return [] }
        return at(.member(name)) { reader in
            guard case .array(let values) = value else {
                reader.mismatch(value, "a list")
                return []
            }
            guard values.count <= most else {
                reader.fault("too_many", "\(values.count) elements, at most \(most) are allowed")
                return []
            }
            var elements: [Element] = []
            elements.reserveCapacity(values.count)
            for (index, value) in values.enumerated() {
                reader.steps.append(.index(index))
                if let element = read(&reader, value) { elements.append(element) }
                reader.steps.removeLast()
            }
            return elements
        }
    }

    /// An object whose names are data.
    mutating func dictionary<Element>(
        _ value: Value?, _ name: String, most: Int,
        _ read: (inout CatalogReader, String, Value) -> Element?
    ) -> [String: Element] {
        guard let value else { return [:] }
        return at(.member(name)) { reader in
            guard case .map(let entries) = value else {
                reader.mismatch(value, "an object")
                return [:]
            }
            guard entries.count <= most else {
                reader.fault("too_many", "\(entries.count) members, at most \(most) are allowed")
                return [:]
            }
            var elements: [String: Element] = [:]
            for entry in entries {
                reader.steps.append(.member(entry.name))
                if let element = read(&reader, entry.name, entry.value) {
                    elements[entry.name] = element
                }
                reader.steps.removeLast()
            }
            return elements
        }
    }

    mutating func text(_ value: Value) -> String? {
        guard case .text(let text) = value else {
            mismatch(value, "a text")
            return nil
        }
        return text
    }

    mutating func integer(_ value: Value, _ range: ClosedRange<Int64>) -> Int64? {
        guard case .int(let int) = value else {
            mismatch(value, "a whole number")
            return nil
        }
        guard range.contains(int) else {
            fault(
                "out_of_range",
                "\(int) is not within \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return int
    }

    mutating func integer(
        _ members: [Name: Value], _ name: String, _ range: ClosedRange<Int64>
    ) -> Int64? {
        guard let value = members[Name(name)] else { return nil }
        return at(.member(name)) { $0.integer(value, range) }
    }

    /// The id of something: `a–z A–Z 0–9 - _ .` only.
    mutating func id(_ text: String, most: Int) -> String? {
        let isAllowed = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isAllowed, (1...most).contains(text.utf8.count) else {
            fault("bad_id", "an id is 1 to \(most) of a-z A-Z 0-9 - _ . and not \"\(text)\"")
            return nil
        }
        return text
    }

    mutating func id(_ members: [Name: Value], _ name: String, most: Int) -> String? {
        guard let value = members[Name(name)] else { return nil }
        return at(.member(name)) { reader in
            reader.text(value).flatMap { reader.id($0, most: most) }
        }
    }

    /// A text for people, or a code that people gave: no control characters, not empty.
    mutating func label(_ value: Value, most: Int) -> String? {
        guard let text = text(value) else { return nil }
        guard (1...most).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            fault("bad_text", "a text here has 1 to \(most) bytes and no control characters")
            return nil
        }
        return text
    }

    /// `names`: language to text, at least one.
    mutating func names(_ members: [Name: Value]) -> [String: String]? {
        guard members["names"] != nil else { return nil }
        let before = faults.count
        let names = dictionary(members["names"], "names", most: Catalog.languagesMax) {
            reader, language, value in
            reader.language(language) ? reader.label(value, most: Catalog.nameBytesMax) : nil
        }
        if names.isEmpty, faults.count == before {
            at(.member("names")) {
                $0.fault("bad_text", "a name in at least one language is needed")
            }
        }
        return names.isEmpty ? nil : names
    }

    private mutating func language(_ text: String) -> Bool {
        let isTag = text.utf8.allSatisfy { byte in
            switch byte | 0x20 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): true
            default: byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte)
            }
        }
        guard isTag, (2...35).contains(text.utf8.count) else {
            fault("bad_id", "\"\(text)\" is no language, like en or pt-BR")
            return false
        }
        return true
    }

    mutating func currency(_ text: String) -> String? {
        guard Currency.exponent(text) != nil else {
            fault("bad_currency", "\"\(text)\" is no currency of ISO 4217, like EUR")
            return nil
        }
        return text
    }

    /// An object from currency to amount.
    mutating func prices(
        _ value: Value?, _ name: String, least: Int64
    ) -> [String: Int64] {
        dictionary(value, name, most: 200) { reader, code, value in
            let amount = reader.integer(value, least...Catalog.amountMax)
            return reader.currency(code) == nil ? nil : amount
        }
    }
}
