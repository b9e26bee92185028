/// One message that must be refused, and how.
struct Rejection: Sendable, CustomStringConvertible {
    let status: Int
    let name: String
    let bytes: [UInt8]

    init(_ status: Int, _ name: String, _ text: String) {
        self.status = status
        self.name = name
        bytes = latin1(text)
    }

    var description: String { "\(status) \(name)" }

    /// A POST whose header has these lines behind Host.
    private static func post(_ lines: String, body: String = "") -> String {
        "POST /a HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n\(body)"
    }

    /// A chunked POST with this body.
    private static func chunked(_ body: String) -> String {
        post("Transfer-Encoding: chunked", body: body)
    }

    private static func get(_ target: String) -> String {
        "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n"
    }

    private static func host(_ lines: String) -> String { "GET / HTTP/1.1\r\n\(lines)\r\n\r\n" }

    static let all = lines + startLines + targets + hosts + lengths + codings + chunks + smuggling

    static let lines = [
        Rejection(400, "bare CR in a value", post("X: a\rb")),
        Rejection(400, "bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "bare CR before CR LF", post("X: a\r")),
        Rejection(400, "bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
        Rejection(400, "bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n"),
        Rejection(400, "bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        Rejection(400, "only bare LFs", "GET / HTTP/1.1\nHost: a\n\n"),
        Rejection(400, "a folded line with a space", post("X: a\r\n b")),
        Rejection(400, "a folded line with a tab", post("X: a\r\n\tb")),
        Rejection(400, "a space before the colon", post("X : a")),
        Rejection(400, "a tab before the colon", post("X\t: a")),
        Rejection(400, "a blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        Rejection(400, "a line of blanks", post("  ")),
        Rejection(400, "an empty name", post(": a")),
        Rejection(400, "an invalid name", post("X(y): a")),
        Rejection(400, "a name with a space inside", post("X y: a")),
        Rejection(400, "a name that is not ASCII", post("X\u{E9}: a")),
        Rejection(400, "no colon", post("X")),
        Rejection(400, "NUL in a value", post("X: a\0b")),
        Rejection(400, "a control character in a value", post("X: a\u{1}b")),
        Rejection(400, "DEL in a value", post("X: a\u{7F}b")),
        Rejection(400, "VT in a value", post("X: \u{B}a")),
        Rejection(400, "NUL in a name", post("X\0: a")),
    ]

    static let startLines = [
        Rejection(400, "an empty first line", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "a blank first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "HTTP/0.9 without a version", "GET /\r\n\r\n"),
        Rejection(400, "HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
        Rejection(400, "a lowercase version", "GET / http/1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "a version with a space", "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "a version with two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
        Rejection(400, "a version without a dot", "GET / HTTP/11\r\nHost: a\r\n\r\n"),
        Rejection(400, "a version with letters", "GET / HTTP/1.x\r\nHost: a\r\n\r\n"),
        Rejection(400, "a blank behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
        Rejection(400, "two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "a tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "a method that is no token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "a method that is not ASCII", "G\u{C9}T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "NUL first", "\0GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(400, "a TLS hello", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0"),
        Rejection(400, "an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Rejection(505, "HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        Rejection(505, "HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        Rejection(505, "HTTP/9.9", "GET / HTTP/9.9\r\nHost: a\r\n\r\n"),
        Rejection(501, "an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(501, "a lowercase method", "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(405, "TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Rejection(405, "CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    ]

    static let targets = [
        Rejection(400, "a space in the target", get("/a b")),
        Rejection(400, "a fragment", get("/a#b")),
        Rejection(400, "a target that is not ASCII", get("/caf\u{E9}")),
        Rejection(400, "a target without a slash", get("a")),
        Rejection(400, "a star for GET", get("*")),
        Rejection(400, "a backslash", get("/a\\b")),
        Rejection(400, "a quote", get("/a\"b")),
        Rejection(400, "an encoded NUL", get("/a%00")),
        Rejection(400, "an encoded line break", get("/a%0d%0aX:%20b")),
        Rejection(400, "an encoded DEL", get("/a%7F")),
        Rejection(400, "an overlong slash", get("/a%c0%afb")),
        Rejection(400, "an overlong dot", get("/%c0%ae%c0%ae/b")),
        Rejection(400, "an overlong NUL", get("/%e0%80%80")),
        Rejection(400, "an encoded surrogate", get("/%ed%a0%80")),
        Rejection(400, "broken UTF-8", get("/%ff")),
        Rejection(400, "a percent sign at the end", get("/a%")),
        Rejection(400, "half a percent code", get("/a%2")),
        Rejection(400, "a percent code of letters", get("/a%zz")),
        Rejection(400, "dot dot", get("/a/../b")),
        Rejection(400, "dot dot at the end", get("/a/..")),
        Rejection(400, "a single dot", get("/./a")),
        Rejection(400, "encoded dots", get("/%2e%2e/b")),
        Rejection(400, "an encoded dot and a plain one", get("/.%2E/b")),
        Rejection(400, "dots between encoded slashes", get("/a%2f..%2fb")),
        Rejection(400, "dots behind an encoded backslash", get("/a%5c..%5cb")),
        Rejection(400, "an encoded NUL in the query", get("/a?b=%00")),
        Rejection(400, "broken UTF-8 in the query", get("/a?b=%ff")),
        Rejection(400, "another scheme", get("ftp://a/")),
        Rejection(400, "an absolute target with a user", get("http://u@a/")),
        Rejection(400, "an absolute target of another host", get("http://b/")),
        Rejection(400, "an absolute target without a path", get("http://a")),
        Rejection(414, "a long target", get("/" + String(repeating: "a", count: 8192))),
        Rejection(414, "a first line without end", "GET /" + String(repeating: "a", count: 9000)),
    ]

    static let hosts = [
        Rejection(400, "no Host", host("X: y")),
        Rejection(400, "two equal Hosts", host("Host: a\r\nHost: a")),
        Rejection(400, "two Hosts", host("Host: a\r\nhost: b")),
        Rejection(400, "an empty Host", host("Host: ")),
        Rejection(400, "a list of Hosts", host("Host: a, b")),
        Rejection(400, "a Host with a user", host("Host: u@a")),
        Rejection(400, "a Host with a path", host("Host: a/b")),
        Rejection(400, "a Host with a space", host("Host: a b")),
        Rejection(400, "a Host with an empty port", host("Host: a:")),
        Rejection(400, "a Host with a named port", host("Host: a:http")),
        Rejection(400, "a Host with too high a port", host("Host: a:65536")),
        Rejection(400, "a Host that is only a port", host("Host: :80")),
        Rejection(400, "an unclosed bracket", host("Host: [::1")),
        Rejection(400, "text behind a bracket", host("Host: [::1]x")),
        Rejection(400, "a Host with a scheme", host("Host: http://a")),
    ]

    static let lengths: [Rejection] =
        [
            "", "+5", "-0", "-5", "0x5", "5_0", "4 2", "5, 6", "5, 5", "5,", "05", "00", "5.0",
            "5e1", "5;", "\"5\"", "99999999999999999999", "9999999999999999999", "five",
        ].map { value in
            Rejection(400, "the length '\(value)'", post("Content-Length: \(value)", body: "hello"))
        } + [
            Rejection(
                400, "two equal lengths", post("Content-Length: 5\r\nContent-Length: 5")),
            Rejection(400, "two lengths", post("Content-Length: 5\r\nContent-Length: 6")),
            Rejection(413, "a long body", post("Content-Length: 1048577")),
            Rejection(413, "a very long body", post("Content-Length: 9223372036854775807")),
            Rejection(
                413, "a long body that is expected",
                post("Content-Length: 1048577\r\nExpect: 100-continue")),
            Rejection(
                417, "another expectation", post("Expect: 200-ok\r\nContent-Length: 0")),
            Rejection(
                431, "too many fields",
                post((0..<64).map { "X-\($0): y" }.joined(separator: "\r\n"))),
            Rejection(
                431, "a long field", post("X: " + String(repeating: "a", count: 16 * 1024))),
            Rejection(
                431, "a field without end",
                "GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 16 * 1024)),
        ]

    static let codings: [Rejection] =
        [
            "", "identity", "xchunked", "chunkedx", "chunked, chunked", "gzip, chunked",
            "chunked, gzip", "chunked,", ", chunked", "identity, chunked", "\"chunked\"",
            "chunked;q=1", "chun ked", "'chunked'",
        ].map { value in
            Rejection(
                400, "the coding '\(value)'", post("Transfer-Encoding: \(value)", body: "0\r\n\r\n")
            )
        } + [
            Rejection(400, "VT before a coding", post("Transfer-Encoding: \u{B}chunked")),
            Rejection(400, "FF before a coding", post("Transfer-Encoding: \u{C}chunked")),
            Rejection(400, "NUL before a coding", post("Transfer-Encoding: \0chunked")),
            Rejection(
                400, "two codings",
                post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
            Rejection(
                400, "a second coding that is odd",
                post("Transfer-Encoding: chunked\r\nTransfer-encoding: x")),
            Rejection(
                400, "a coding in HTTP/1.0",
                "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            Rejection(501, "gzip", post("Transfer-Encoding: gzip")),
            Rejection(
                400, "a length, then a coding",
                post("Content-Length: 5\r\nTransfer-Encoding: chunked", body: "0\r\n\r\n")),
            Rejection(
                400, "a coding, then a length",
                post("Transfer-Encoding: chunked\r\nContent-Length: 5", body: "0\r\n\r\n")),
        ]

    static let chunks = [
        Rejection(400, "a chunk without a size", chunked("\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a chunk size with a sign", chunked("+5\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a negative chunk size", chunked("-5\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a chunk size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a chunk size with _", chunked("5_\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a blank before a chunk size", chunked(" 5\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a blank behind a chunk size", chunked("5 \r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a tab behind a chunk size", chunked("5\t\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a chunk size too long", chunked("10000000000000005\r\nhello\r\n")),
        Rejection(400, "a chunk size of zeros", chunked("0000000000000005\r\nhello\r\n")),
        Rejection(413, "a chunk too large", chunked("fffffffffffffff\r\nhello\r\n")),
        Rejection(413, "chunks too large", chunked("5\r\nhello\r\n100000\r\n")),
        Rejection(400, "a chunk size with LF", chunked("5\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a chunk size with a bare CR", chunked("5\rhello\r\n0\r\n\r\n")),
        Rejection(400, "chunk data too long", chunked("5\r\nhello!\r\n0\r\n\r\n")),
        Rejection(400, "chunk data that LF ends", chunked("5\r\nhello\n0\r\n\r\n")),
        Rejection(400, "chunk data that CR ends", chunked("5\r\nhello\rX0\r\n\r\n")),
        Rejection(400, "an extension without a name", chunked("5;\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "an extension that is =", chunked("5;=a\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "an extension without a value", chunked("5;a=\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "an extension with LF", chunked("5;a\nhello\r\n0\r\n\r\n")),
        Rejection(400, "an extension with a bare CR", chunked("5;a\rb\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "a blank in an extension", chunked("5; a\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "an unclosed quote", chunked("5;a=\"b\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "text behind a quote", chunked("5;a=\"b\"c\r\nhello\r\n0\r\n\r\n")),
        Rejection(
            400, "a long extension",
            chunked("5;" + String(repeating: "a", count: 256) + "\r\nhello\r\n0\r\n\r\n")),
        Rejection(
            400, "many extensions",
            chunked(
                String(
                    repeating: "1;" + String(repeating: "a", count: 200) + "\r\nx\r\n", count: 21)
            )),
        Rejection(400, "a trailer with LF", chunked("0\r\nX: a\n\r\n")),
        Rejection(400, "a trailer without a colon", chunked("0\r\nX\r\n\r\n")),
        Rejection(400, "a folded trailer", chunked("0\r\nX: a\r\n b\r\n\r\n")),
        Rejection(
            431, "too many trailers",
            chunked("0\r\n" + String(repeating: "X: y\r\n", count: 65) + "\r\n")),
        Rejection(
            431, "a long trailer",
            chunked("0\r\nX: " + String(repeating: "a", count: 16 * 1024) + "\r\n\r\n")),
    ]

    /// The classes by which one proxy's request is another server's two.
    static let smuggling = [
        Rejection(
            400, "CL.TE",
            post("Content-Length: 30\r\nTransfer-Encoding: chunked", body: "0\r\n\r\n")),
        Rejection(
            400, "TE.CL",
            post(
                "Transfer-Encoding: chunked\r\nContent-Length: 3",
                body: "8\r\nSMUGGLED\r\n0\r\n\r\n")),
        Rejection(
            400, "TE.TE", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow")),
        Rejection(400, "TE with a blank before the colon", post("Transfer-Encoding : chunked")),
        Rejection(400, "TE on a folded line", post("Transfer-Encoding:\r\n chunked")),
        Rejection(400, "TE behind a bare LF", post("X: y\nTransfer-Encoding: chunked")),
        Rejection(400, "CL.CL", post("Content-Length: 5\r\nContent-Length: 0")),
        Rejection(
            400, "a chunk that spills", chunked("5\r\nhelloGET /smuggled HTTP/1.1\r\n\r\n")),
        Rejection(400, "TERM.EXT", chunked("5;\nGET /smuggled HTTP/1.1\r\nhello\r\n0\r\n\r\n")),
        Rejection(400, "EXT.TERM", chunked("5;a\rb\nhello\r\n0\r\n\r\n")),
        Rejection(
            417, "a list of expectations",
            post("Expect: 100-continue, x\r\nContent-Length: 0")),
    ]
}
