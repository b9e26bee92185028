/// What names a cart line: the SKU and the chosen options. Equal lines have equal names.
///
/// Wire form: the item `SKU|group=value|…`, options sorted bytewise, with `|`, `=` and `%`
/// percent-encoded (Protocol §2.7).
public struct LineName: Hashable, Sendable {
    public var sku: String
    /// Group to value, for example `"size": "L"`.
    public var options: [String: String]
    /// The item's name where another client wrote it in a form of its own: such a line keeps it.
    private var verbatim: Name?

    public init(_ sku: String, options: [String: String] = [:]) {
        self.sku = sku
        self.options = options
    }

    /// The item's name in a document.
    package var item: Name {
        if let verbatim { return verbatim }
        let parts = options.map { "\(Self.escape($0.key))=\(Self.escape($0.value))" }
            .map { Name($0) }.sorted()
        return Name(([Self.escape(sku)] + parts.map(\.text)).joined(separator: "|"))
    }

    /// Reads an item's name. What is not well-formed is taken as a SKU without options, as it
    /// stands.
    package init(item: Name) {
        // Bytewise: as Characters, a separator and a combining mark behind it would be one.
        var parts = Self.split(item.text[...], at: UInt8(ascii: "|"))[...]
        let sku = parts.popFirst().flatMap { Self.unescape($0) }
        var options: [String: String] = [:]
        for part in parts {
            let pair = Self.split(part, at: UInt8(ascii: "="))
            guard pair.count == 2, let group = Self.unescape(pair[0]),
                let value = Self.unescape(pair[1]),
                options.updateValue(value, forKey: group) == nil
            else {
                self.init(item.text)
                verbatim = item
                return
            }
        }
        self.init(sku ?? item.text, options: sku == nil ? [:] : options)
        if self.item != item { verbatim = item }
    }

    private static func split(_ text: Substring, at separator: UInt8) -> [Substring] {
        text.utf8.split(separator: separator, omittingEmptySubsequences: false)
            .map { Substring($0) }
    }

    private static func escape(_ text: String) -> String {
        var escaped: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "|"): escaped.append(contentsOf: "%7C".utf8)
            case UInt8(ascii: "="): escaped.append(contentsOf: "%3D".utf8)
            case UInt8(ascii: "%"): escaped.append(contentsOf: "%25".utf8)
            default: escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    private static func unescape(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let code = rest.prefix(2)
            rest = rest.dropFirst(2)
            if code.elementsEqual("7C".utf8) {
                bytes.append(UInt8(ascii: "|"))
            } else if code.elementsEqual("3D".utf8) {
                bytes.append(UInt8(ascii: "="))
            } else if code.elementsEqual("25".utf8) {
                bytes.append(UInt8(ascii: "%"))
            } else {
                return nil
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
