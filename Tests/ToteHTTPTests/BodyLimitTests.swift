import Testing
import ToteHTTP

@Suite struct BodyLimitTests {
    private static let limits = {
        var limits = HTTPMessageLimits()
        limits.bodyBytesAtMost = 10
        limits.largerBodiesAtMost = ["/big": 20]
        return limits
    }()

    @Test(arguments: [
        ("/big", 20, 200), ("/big?page=1", 20, 200), ("/big", 21, 413), ("/other", 10, 200),
        ("/other", 11, 413), ("/big/", 11, 413), ("/BIG", 11, 413), ("/other?/big", 11, 413),
    ])
    func `one path takes a larger body, with a length or in chunks`(
        target: String, count: Int, status: Int
    ) {
        let body = String(repeating: "x", count: count)
        let chunks = body.map { "1\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
        for text in [
            "POST \(target) HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n\(body)",
            "POST \(target) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)",
        ] {
            let bytes = latin1(text)
            let verdict = Verdict(bytes, cutAt: [], limits: Self.limits)
            #expect((verdict.failure?.status ?? 200) == status, "\(verdict)")
            #expect(verdict.requests.count == (status == 200 ? 1 : 0))
            let cut = Verdict(bytes, cutAt: Array(1..<bytes.count), limits: Self.limits)
            #expect(cut == verdict)
        }
    }
}
