/// A list on its way from one customer to another: as text that people read, as JSON, or as a link
/// that carries it whole (Protocol/lists.md section 31.3). Reading it needs no network.
public struct ListText: Hashable, Sendable {
    public var title: String?
    /// Each item once.
    public var lines: [CartLine]

    public static let linesMax = 200
    /// Bytes of any form.
    public static let bytesMax = 65_536
    package static let titleBytesMax = 256
    package static let noteBytesMax = 512
    private static let quantityMax: Int64 = 1_000_000
    private static let linkPrefix = "tote:list:"

    public init(title: String? = nil, lines: [CartLine] = []) {
        self.title = title
        self.lines = lines
    }

    /// What a cart shows; its first 200 lines.
    public init(_ cart: Cart) {
        self.init(
            title: cart.title.flatMap { Self.line($0, Self.titleBytesMax) },
            lines: cart.lines.prefix(Self.linesMax).map { line in
                var line = line
                line.quantity = min(line.quantity, Self.quantityMax)
                line.note = line.note.flatMap { Self.line($0, Self.noteBytesMax) }
                return line
            })
    }

    /// What there is to order of a cart that others gather: not what is ticked off or missing, and
    /// what lies there in an item's place instead of it.
    package init(toOrder cart: Cart) {
        var lines: [CartLine] = []
        for var line in ListText(cart).lines where !line.isTicked && line.pick != .missing {
            if case .substituted(let name)? = line.pick { line.name = name }
            if let index = lines.firstIndex(where: { $0.name == line.name }) {
                lines[index].quantity += line.quantity
            } else {
                lines.append(line)
            }
        }
        self.init(lines: lines)
    }

    /// A text as a line of the text form can hold it: no line breaks, not longer than allowed,
    /// nothing at its ends; `nil` for what is nothing then.
    private static func line(_ text: String, _ most: Int) -> String? {
        var scalars = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            let isBreak = isControl || scalar.value == 0x2028 || scalar.value == 0x2029
            let plain: Unicode.Scalar = isBreak ? " " : scalar
            bytes += UTF8.width(plain)
            guard bytes <= most else { break }
            scalars.append(plain)
        }
        let trimmed = trim(Substring(String(scalars)))
        return trimmed.isEmpty ? nil : String(trimmed)
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text.unicodeScalars
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return Substring(text)
    }

    // Text.

    /// A title behind `#`, then a line for each: `- [ ] 2 x latte|size=L # extra hot`; `[x]` is
    /// ticked off.
    public var text: String {
        let head = title.map { ["# \($0)"] } ?? []
        return
            (head
            + lines.map { line in
                let note = line.note.map { " # \($0)" } ?? ""
                return "- [\(line.isTicked ? "x" : " ")] \(line.quantity) x "
                    + line.name.item.text + note
            }).joined(separator: "\n")
    }

    /// Why a text is no list.
    public struct Refusal: Error, Hashable, CustomStringConvertible {
        /// From 1 on; 0 for the whole.
        public var line: Int
        public var what: String

        public var description: String { line == 0 ? what : "line \(line): \(what)" }
    }

    /// Reads any of the three forms; of the text also lines without box, number or both.
    public init(reading text: String) throws(Refusal) {
        guard text.utf8.count <= Self.bytesMax else {
            throw Refusal(line: 0, what: "a list has at most \(Self.bytesMax) bytes")
        }
        let trimmed = Self.trim(Substring(text))
        if trimmed.utf8.starts(with: Self.linkPrefix.utf8) {
            try self.init(link: trimmed)
        } else if trimmed.utf8.first == UInt8(ascii: "{") {
            try self.init(json: trimmed)
        } else {
            try self.init(plain: text)
        }
        guard !lines.isEmpty else { throw Refusal(line: 0, what: "the list has no lines") }
        guard lines.count <= Self.linesMax else {
            throw Refusal(line: 0, what: "a list has at most \(Self.linesMax) lines")
        }
        guard Set(lines.map(\.name.item)).count == lines.count else {
            throw Refusal(line: 0, what: "an item stands in two lines")
        }
    }

    private init(plain text: String) throws(Refusal) {
        self.init()
        let rows = text.unicodeScalars.split(omittingEmptySubsequences: false) {
            $0 == "\n" || $0 == "\r"
        }
        for (index, row) in rows.enumerated() {
            let row = Self.trim(Substring(row))
            if row.isEmpty { continue }
            if row.hasPrefix("# "), title == nil, lines.isEmpty {
                title = String(Self.trim(row.dropFirst(2)))
                guard title?.utf8.count ?? 0 <= Self.titleBytesMax else {
                    throw Refusal(line: index + 1, what: "the title is too long")
                }
                continue
            }
            do throws(Refusal) { lines.append(try Self.read(row)) } catch {
                throw Refusal(line: index + 1, what: error.what)
            }
        }
    }

    private static func read(_ row: Substring) throws(Refusal) -> CartLine {
        var rest = row
        var isTicked = false
        if rest.hasPrefix("- ") || rest.hasPrefix("* ") { rest = trim(rest.dropFirst(2)) }
        for (box, ticks) in [("[ ]", false), ("[x]", true), ("[X]", true)]
        where rest.hasPrefix(box) {
            isTicked = ticks
            rest = trim(rest.dropFirst(3))
            break
        }
        var quantity: Int64 = 1
        let digits = rest.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let behind = trim(rest[digits.endIndex...])
        if !digits.isEmpty, let sign = ["x ", "× "].first(where: { behind.hasPrefix($0) }) {
            guard let number = Int64(String(Substring(digits))) else {
                throw Refusal(line: 0, what: "the quantity is too large")
            }
            quantity = number
            rest = trim(behind.dropFirst(sign.count))
        }
        var note: String?
        // A line's name has no blanks but in a SKU: what stands behind " # " is the note.
        if let mark = range(of: " # ", in: rest) {
            note = String(trim(rest[mark.upperBound...]))
            rest = trim(rest[..<mark.lowerBound])
        }
        return try line(String(rest), quantity, note, isTicked)
    }

    private static func range(
        of mark: String, in text: Substring
    ) -> Range<Substring.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix(mark) {
                return index..<text.index(index, offsetBy: mark.count)
            }
            index = text.index(after: index)
        }
        return nil
    }

    /// A line whose parts are within the limits.
    private static func line(
        _ item: String, _ quantity: Int64, _ note: String?, _ isTicked: Bool
    ) throws(Refusal) -> CartLine {
        guard (1...Limits.itemBytesMax).contains(item.utf8.count) else {
            throw Refusal(line: 0, what: "an item has 1 to \(Limits.itemBytesMax) bytes")
        }
        guard (1...quantityMax).contains(quantity) else {
            throw Refusal(line: 0, what: "a quantity is 1 to \(quantityMax)")
        }
        guard (1...noteBytesMax).contains(note?.utf8.count ?? 1) else {
            throw Refusal(line: 0, what: "a note has 1 to \(noteBytesMax) bytes")
        }
        return CartLine(
            name: LineName(item: Name(item)), quantity: quantity, note: note, isTicked: isTicked)
    }

    // JSON and the link: the same value.

    private var value: Value {
        var members: [String: Value] = [
            "lines": .array(
                lines.map { line in
                    var members: [String: Value] = [
                        "item": .text(line.name.item.text), "quantity": .int(line.quantity),
                    ]
                    if let note = line.note { members["note"] = .text(note) }
                    if line.isTicked { members["ticked"] = .bool(true) }
                    return .map(members)
                })
        ]
        if let title { members["title"] = .text(title) }
        return .map(members)
    }

    private init(_ value: Value) throws(Refusal) {
        guard case .array(let rows)? = value["lines"] else {
            throw Refusal(line: 0, what: "this is no list: it has no `lines`")
        }
        self.init(title: value["title"]?.textValue)
        guard (1...Self.titleBytesMax).contains(title?.utf8.count ?? 1) else {
            throw Refusal(line: 0, what: "the title has 1 to \(Self.titleBytesMax) bytes")
        }
        for (index, row) in rows.enumerated() {
            guard let item = row["item"]?.textValue, let quantity = row["quantity"]?.intValue else {
                throw Refusal(line: index + 1, what: "it has no `item` and `quantity`")
            }
            do throws(Refusal) {
                lines.append(
                    try Self.line(
                        item, quantity, row["note"]?.textValue, row["ticked"] == .bool(true)))
            } catch {
                throw Refusal(line: index + 1, what: error.what)
            }
        }
    }

    /// `{title?, lines: [{item, quantity, note?, ticked?}]}`.
    public var json: String { String(decoding: Encoding.json.encode(value), as: UTF8.self) }

    private init(json text: Substring) throws(Refusal) {
        guard let value = try? Encoding.json.value(Array(text.utf8)) else {
            throw Refusal(line: 0, what: "this is no JSON that can be read in one way only")
        }
        try self.init(value)
    }

    /// `tote:list:`, then the value in deterministic CBOR in base64url (RFC 4648 §5), unpadded.
    public var link: String {
        let digits = Base64.string(Encoding.cbor.encode(value)).utf8.compactMap { digit in
            switch digit {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: digit
            }
        }
        return Self.linkPrefix + String(decoding: digits, as: UTF8.self)
    }

    private init(link text: Substring) throws(Refusal) {
        let refusal = Refusal(line: 0, what: "the link is cut off, or was changed")
        var digits: [UInt8] = []
        for digit in text.utf8.dropFirst(Self.linkPrefix.utf8.count) {
            switch digit {
            case UInt8(ascii: "-"): digits.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): digits.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): throw refusal
            default: digits.append(digit)
            }
        }
        while digits.count % 4 != 0 { digits.append(UInt8(ascii: "=")) }
        guard let bytes = Base64.bytes(String(decoding: digits, as: UTF8.self)),
            let value = try? Encoding.cbor.value(bytes)
        else { throw refusal }
        try self.init(value)
    }
}
