/// The pickup board: a page that holds no data and asks the server for it with a counter's token.
///
/// `/board/{store}` is the same page for every store; its parts lie in `/board-assets/`. Everything
/// is part of the executable, and nothing of it comes from elsewhere.
package enum Board {
    /// One file as it is served.
    package struct Page: Sendable {
        /// The media type, `ETag` and what the browser may do with it.
        package let headers: [(name: String, value: String)]
        /// The bytes, without comments and indentation.
        package let body: [UInt8]
        /// Changes when the bytes do; with its quotes.
        package let entityTag: String
    }

    /// The first segments of the paths that are the board's.
    package static let folders = ["board", "board-assets"]

    /// What all files weigh together at most, in bytes: a tablet at the edge of the shop's network
    /// has the page within seconds.
    package static let bytesAtMost = 60_000

    /// The names in `/board-assets/`.
    package static let assetNames = assets.keys.sorted()

    /// What stands at a path, each segment percent-decoded; `nil` where there is nothing.
    package static func response(path: [String]) -> Page? {
        guard path.count == 2 else { return nil }
        switch path[0] {
        case "board": return isStore(path[1]) ? page : nil
        case "board-assets": return assets[path[1]]
        default: return nil
        }
    }

    private static let page = Page(
        PackageResources.board_html, .html,
        more: [
            ("X-Frame-Options", "DENY"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ])

    private static let assets: [String: Page] = [
        "board.css": Page(PackageResources.board_css, .css),
        "strings.js": Page(PackageResources.strings_js, .script),
        "link.js": Page(PackageResources.link_js, .script),
        "view.js": Page(PackageResources.view_js, .script),
        "board.js": Page(PackageResources.board_js, .script),
        // It keeps the page for a start without a network, and lies outside of what it is for.
        "worker.js": Page(
            PackageResources.worker_js, .script, more: [("Service-Worker-Allowed", "/board/")]),
        "icon.svg": Page(PackageResources.icon_svg, .picture),
    ]

    /// Ids of stores: 1 to 64 of `a–z A–Z 0–9 - _ .`.
    private static func isStore(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: byte == 0x2D || byte == 0x5F || byte == 0x2E
                }
            }
    }
}

extension Board.Page {
    /// Only the page's own files, nothing inline, nothing from or to anywhere else.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
        "img-src 'self'", "worker-src 'self'", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'",
    ].joined(separator: "; ")

    fileprivate init(
        _ source: [UInt8], _ kind: SourceTrimming.Kind,
        more: [(name: String, value: String)] = []
    ) {
        body = SourceTrimming.trimmed(source, kind)
        entityTag = "\"\(String(Self.fingerprint(body), radix: 16))\""
        headers =
            [
                ("Content-Type", kind.rawValue), ("Content-Security-Policy", Self.policy),
                ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
                // Asked for each time, answered 304: after an update no screen runs a mixture.
                ("Cache-Control", "no-cache"), ("ETag", entityTag),
            ] + more
    }

    /// FNV-1a, 64 bits: tells versions of our own files apart, no more.
    private static func fingerprint(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
