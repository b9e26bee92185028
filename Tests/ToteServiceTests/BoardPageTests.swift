import Foundation
import Testing
import ProtocolChecks
import ToteBoard
import ToteHTTP

@Suite(.timeLimit(.minutes(5))) struct BoardPageTests {
    private func get(
        _ service: TestService, _ target: String, method: String = "GET",
        headers: [(name: String, value: String)] = []
    ) throws -> HTTPClientResponse {
        try service.connect().sendToAPI(
            HTTPClientRequest(method: method, target: target, headers: headers, body: []))
    }

    private var files: [(name: String, text: String)] {
        let assets = Board.assetNames.map { ($0, ["board-assets", $0]) }
        return ([("board.html", ["board", "s-17"])] + assets).map { name, path in
            (name, String(decoding: Board.response(path: path)?.body ?? [], as: UTF8.self))
        }
    }

    @Test func `the page of every store is the same and needs no token`() throws {
        let service = try TestService()
        let page = try get(service, "/board/s-17")
        #expect(page.status == 200)
        #expect(page.header("content-type") == "text/html; charset=utf-8")
        #expect(try get(service, "/board/Other_store.2").body == page.body)
        for target in ["/board", "/board/", "/board/a/b", "/board/a%2Fb", "/board/%3Cb%3E"] {
            #expect(try get(service, target).status == 404, "\(target)")
        }
    }

    @Test func `every file that the page names is there and typed`() throws {
        let service = try TestService()
        let page = String(decoding: try get(service, "/board/s-17").body, as: UTF8.self)
        let expression = try NSRegularExpression(pattern: #"(?:src|href)="([^"]+)""#)
        let names = expression.matches(in: page, range: NSRange(page.startIndex..., in: page))
            .compactMap { Range($0.range(at: 1), in: page).map { String(page[$0]) } }
        #expect(names.count >= 6)
        for name in names {
            let file = try get(service, name)
            #expect(file.status == 200, "\(name)")
            let isTyped = ["text/css", "text/javascript", "image/svg"].contains { type in
                file.header("content-type")?.hasPrefix(type) ?? false
            }
            #expect(isTyped, "\(name)")
        }
    }

    @Test func `the browser may load nothing but the board's own files`() throws {
        let service = try TestService()
        for target in ["/board/s-17"] + Board.assetNames.map({ "/board-assets/" + $0 }) {
            let file = try get(service, target)
            let policy = try #require(file.header("content-security-policy"))
            let parts = Set(policy.components(separatedBy: "; "))
            #expect(
                parts == [
                    "default-src 'none'", "script-src 'self'", "style-src 'self'",
                    "connect-src 'self'", "img-src 'self'", "worker-src 'self'",
                    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
                ])
            #expect(file.header("x-content-type-options") == "nosniff")
            #expect(file.header("referrer-policy") == "no-referrer")
        }
    }

    @Test func `nothing is inline and nothing comes from elsewhere`() {
        for (name, text) in files {
            #expect(!text.isEmpty, "\(name)")
            // The namespace of a drawing is a name, not an address.
            let rest = text.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
            for banned in ["http://", "https://", "javascript:", "eval(", "innerHTML", "@import"] {
                #expect(!rest.contains(banned), "\(banned) in \(name)")
            }
            let inline = #"\son\w+\s*=\s*["']|\sstyle\s*=\s*["']|<style|<script(?![^>]*\ssrc=)"#
            #expect(text.range(of: inline, options: .regularExpression) == nil, "\(name)")
        }
    }

    @Test func `all files together stay light`() {
        let bytes = files.map(\.text.utf8.count).reduce(0, +)
        #expect(bytes <= Board.bytesAtMost, "\(bytes) bytes")
        #expect(bytes > 20_000, "files are missing")
    }

    @Test func `what is served is the source without comments and indentation`() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/ToteBoard/Page")
        for (name, text) in files {
            let source = try String(
                contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            // Text that spans lines would be changed: there must be none.
            let spansLines = text.contains("`") || text.contains("\\\n")
            #expect(!spansLines, "\(name)")
            let lines = Set(source.split(separator: "\n").map(Self.trimmed))
            let served = text.split(separator: "\n")
            for line in served { #expect(lines.contains(String(line)), "\(name): \(line)") }
            let isCode = { (line: String) in
                !line.isEmpty && !line.hasPrefix("//") && !line.hasPrefix("/*")
                    && !line.hasSuffix("*/")
            }
            #expect(served.count >= lines.filter(isCode).count, "\(name) has lost lines")
        }
    }

    private static func trimmed(_ line: Substring) -> String {
        line.trimmingCharacters(in: CharacterSet(charactersIn: " "))
    }

    @Test func `a file that the browser has is not sent again`() throws {
        let service = try TestService()
        for target in ["/board/s-17", "/board-assets/board.js"] {
            let first = try get(service, target)
            let tag = try #require(first.header("etag"))
            let again = try get(service, target, headers: [("If-None-Match", tag)])
            #expect(again.status == 304)
            #expect(again.body.isEmpty)
            let other = try get(service, target, headers: [("If-None-Match", "\"0\"")])
            #expect(other.body == first.body)
        }
    }

    @Test func `a page is read and nothing else`() throws {
        let service = try TestService()
        for target in ["/board/s-17", "/board-assets/board.css"] {
            let refusal = try get(service, target, method: "POST")
            #expect(refusal.status == 405)
            #expect(refusal.header("allow") == "GET, HEAD")
        }
    }
}
