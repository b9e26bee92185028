/// Leaves out of the board's files what only their readers need, as they are made into pages.
///
/// Indentation, empty lines, and lines that are a comment as a whole go; a comment of a style sheet
/// may go over several such lines. The files hold no text that spans lines, so that nothing else
/// changes.
enum SourceTrimming {
    /// What a file is; the value is its media type.
    enum Kind: String {
        case html = "text/html; charset=utf-8"
        case css = "text/css; charset=utf-8"
        case script = "text/javascript; charset=utf-8"
        case picture = "image/svg+xml"
    }

    static func trimmed(_ source: [UInt8], _ kind: Kind) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(source.count)
        var isInComment = false
        for line in source.split(separator: UInt8(ascii: "\n")) {
            let text = line.drop { $0 == UInt8(ascii: " ") }
            guard !text.isEmpty else { continue }
            switch kind {
            case .script where text.starts(with: "//".utf8): continue
            case .css where isInComment || text.starts(with: "/*".utf8):
                isInComment = !text.reversed().starts(with: "/*".utf8)
                continue
            default: break
            }
            result += text
            result.append(UInt8(ascii: "\n"))
        }
        return result
    }
}
