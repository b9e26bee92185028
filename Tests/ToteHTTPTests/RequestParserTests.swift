import Testing
import ToteHTTP

@Suite(.timeLimit(.minutes(5)))
struct RequestParserTests {
    /// What follows a refused message: it must never be taken for a request.
    static let smuggled = latin1("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")

    @Test(arguments: Rejection.all)
    func `a refusal does not depend on how the bytes are cut`(_ row: Rejection) {
        let bytes = row.bytes + Self.smuggled
        let whole = Verdict(bytes, cutAt: [])
        #expect(whole.failure?.status == row.status, "\(whole)")
        #expect(whole.requests.isEmpty)
        #expect(Verdict(bytes, cutAt: Array(1..<bytes.count)) == whole, "byte by byte")
        // Long rows are long in a run of one letter: cuts inside it are all alike.
        let offsets = bytes.count < 1000 ? Array(1..<bytes.count) : Array(1..<80)
        for cut in offsets { #expect(Verdict(bytes, cutAt: [cut]) == whole, "cut at \(cut)") }
    }

    static let accepted: [(name: String, text: String, requests: Int)] = [
        ("two requests", "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n", 2),
        ("a body", "POST /a?b=c HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello", 1),
        ("a body on GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", 1),
        (
            "a length of zero, then a request",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
                + "GET /b HTTP/1.1\r\nHost: a\r\n\r\n", 2
        ),
        (
            "chunks",
            "POST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: Chunked \r\n\r\n"
                + "5;a;b=c;d=\"e\\\"f\"\r\nhello\r\n0A\r\n world....\r\n0\r\n\r\n"
                + "GET /b HTTP/1.1\r\nHost: a\r\n\r\n", 2
        ),
        (
            "a trailer",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "1\r\nx\r\n0\r\nContent-Length: 9\r\nX: y\r\n\r\n"
                + "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            2
        ),
        ("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 1),
        ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ("an absolute target", "GET http://A/b?c HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ("blanks around a value", "GET / HTTP/1.1\r\nHost:\t a \t\r\nX:\r\n\r\n", 1),
        ("a value that is not ASCII", "GET / HTTP/1.1\r\nHost: a\r\nX: caf\u{E9}\r\n\r\n", 1),
        ("dots that are no segment", "GET /.well-known/a..b/... HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ("encoding of encoding", "GET /%252e%252e/ HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ]

    @Test(arguments: accepted.indices)
    func `a good message is read alike however it is cut`(_ index: Int) {
        let row = Self.accepted[index]
        let bytes = latin1(row.text)
        let whole = Verdict(bytes, cutAt: [])
        #expect(whole.failure == nil, "\(row.name)")
        #expect(whole.requests.count == row.requests, "\(row.name)")
        #expect(!whole.isInside, "\(row.name)")
        #expect(Verdict(bytes, cutAt: Array(1..<bytes.count)) == whole, "\(row.name)")
        for cut in 1..<bytes.count { #expect(Verdict(bytes, cutAt: [cut]) == whole, "\(row.name)") }
    }

    /// Random damage to good and bad messages: the verdict stays a function of the bytes.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func `damaged bytes are judged alike however they are cut`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let sources =
            Rejection.all.map(\.bytes).filter { $0.count < 600 }
            + Self.accepted.map { latin1($0.text) }
        let alphabet = latin1("\r\n\t :;,=\"\\0 5aAfX/%.?\0\u{7F}\u{80}\u{FF}")
        for _ in 0..<50 {
            var bytes = sources.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let byte = alphabet.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = byte
                case 1: bytes.insert(byte, at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            let whole = Verdict(bytes, cutAt: [])
            let cuts = (0..<4).map { _ in Int.random(in: 0...bytes.count, using: &random) }
            #expect(Verdict(bytes, cutAt: cuts.sorted()) == whole, "seed \(seed): \(bytes)")
            #expect(
                Verdict(bytes, cutAt: Array(0..<bytes.count)) == whole, "seed \(seed): \(bytes)")
        }
    }

    @Test func `limits hold at the byte`() {
        var limits = HTTPMessageLimits()
        limits.targetBytesAtMost = 10
        limits.headerBytesAtMost = 30
        limits.fieldsAtMost = 2
        limits.bodyBytesAtMost = 5
        func status(_ text: String) -> Int? {
            Verdict(latin1(text), cutAt: [], limits: limits).failure?.status
        }
        #expect(status("GET /123456789 HTTP/1.1\r\nHost: a\r\n\r\n") == nil)
        #expect(status("GET /1234567890 HTTP/1.1\r\nHost: a\r\n\r\n") == 414)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nX: 34567890123456\r\n\r\n") == nil)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nX: 345678901234567\r\n\r\n") == 431)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n") == nil)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n") == 431)
        #expect(status("GET / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello") == nil)
        #expect(status("GET / HTTP/1.0\r\nContent-Length: 6\r\n\r\nhello!") == 413)
    }

    @Test func `a request tells its parts, decoded once`() throws {
        let request = try HTTPRequest(
            method: .get, target: "/v1/a%2Fb/caf%C3%A9/%252e/?x=1%202&y=a+b&z&x=3",
            headers: [("X-A", " one "), ("x-a", "two"), ("Authorization", "Bearer t")])
        #expect(request.path == "/v1/a%2Fb/caf%C3%A9/%252e/")
        #expect(request.pathSegments == ["v1", "a/b", "café", "%2e", ""])
        #expect(request.query == "x=1%202&y=a+b&z&x=3")
        #expect(request.queryValue("x") == "1 2")
        #expect(request.queryValue("y") == "a+b")
        #expect(request.queryValue("z") == "")
        #expect(request.queryValue("w") == nil)
        #expect(request.queryItems.map(\.name) == ["x", "y", "z", "x"])
        #expect(request.header("x-a") == "one, two")
        #expect(request.header("authorization") == "Bearer t")
        #expect(request.header("auth") == nil)
        #expect(request.headers.map(\.name) == ["Host", "X-A", "x-a", "Authorization"])
    }

    @Test func `a target without a query has none, and the root has no segments`() throws {
        let root = try HTTPRequest(method: .get, target: "/")
        #expect(root.query == nil)
        #expect(root.pathSegments.isEmpty)
        #expect(try HTTPRequest(method: .get, target: "/a?").query == "")
        #expect(try HTTPRequest(method: .options, target: "*").pathSegments.isEmpty)
        #expect(throws: HTTPFailure.self) { try HTTPRequest(method: .get, target: "/../a") }
    }

    @Test func `dates are written as the protocol wants them`() {
        #expect(DateField.text(unixSeconds: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(DateField.text(unixSeconds: 0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(DateField.text(unixSeconds: 951_827_696) == "Tue, 29 Feb 2000 12:34:56 GMT")
        #expect(DateField.text(unixSeconds: 4_107_542_399) == "Sun, 28 Feb 2100 23:59:59 GMT")
        #expect(DateField.text(unixSeconds: 4_107_542_400) == "Mon, 01 Mar 2100 00:00:00 GMT")
    }
}
