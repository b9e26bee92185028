import Testing
import ToteConcurrency
import ToteHTTP

/// What the parser refuses, seen from the other end of a socket.
@Suite(.timeLimit(.minutes(5)))
struct RefusalTests {
    /// Sends bytes in pieces and answers with all that came back.
    private func answer(
        _ bytes: [UInt8], cutAt cuts: [Int] = [], from test: TestServer
    ) throws -> String {
        let connection = try test.connect()
        connection.write(bytes, cutAt: cuts)
        return String(decoding: try connection.readToEnd(), as: UTF8.self)
    }

    @Test func `a refusal is one answer, then the end, and no request is seen`() throws {
        let seen = Lock([String]())
        let test = try TestServer { request, responder in
            seen.withLock { $0.append(request.target) }
            responder.respond(HTTPResponse(status: 200))
        }
        defer { test.stop() }
        var asked = 0
        for row in Rejection.all {
            let bytes = row.bytes + RequestParserTests.smuggled
            for cuts in Pieces.ways(of: bytes) {
                let text = try answer(bytes, cutAt: cuts, from: test)
                #expect(text.hasPrefix("HTTP/1.1 \(row.status) "), "\(row): \(text)")
                #expect(text.split(separator: "\r\nDate: ").count == 2, "\(row): \(text)")
                #expect(text.contains("\r\nConnection: close\r\n"), "\(row)")
                asked += 1
            }
        }
        #expect(seen.withLock { $0 } == [])
        #expect(test.server.statistics.failures == asked)
    }

    @Test func `a request behind a good one is answered behind it, however both are cut`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let last = latin1("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for row in RequestParserTests.accepted where !row.text.contains("HTTP/1.0") {
            let bytes = latin1(row.text) + last
            var whole: [String]?
            for cuts in Pieces.ways(of: bytes) {
                let connection = try test.connect()
                connection.write(bytes, cutAt: cuts)
                var answers: [String] = []
                while connection.isOpen { answers.append(try connection.readResponse().text) }
                #expect(answers.count == row.requests + 1, "\(row.name): \(answers)")
                #expect(answers.last == "GET /last\n", "\(row.name): \(answers)")
                #expect(answers == whole ?? answers, "\(row.name), cut at \(cuts)")
                whole = answers
            }
        }
    }

    @Test func `a good request before a refused one is answered first`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let bytes = latin1("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b\r\n\r\nGET /c HTTP/1.1\r\n")
        let text = try answer(bytes, from: test)
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(text.contains("GET /a\nHTTP/1.1 400 Bad Request\r\n"))
        #expect(text.split(separator: "HTTP/1.1 ").count == 2)
    }

    @Test func `the embedder words the refusals`() throws {
        var options = TestServer.options
        options.errorBody = { failure in
            HTTPResponse(
                status: failure.status, headers: [("Content-Type", "application/problem+json")],
                body: Array("{\"code\":\"\(failure.code)\"}".utf8))
        }
        let test = try TestServer(options)
        defer { test.stop() }
        let text = try answer(latin1("TRACE / HTTP/1.1\r\n\r\n"), from: test)
        #expect(text.hasPrefix("HTTP/1.1 405 Method Not Allowed\r\n"))
        #expect(text.contains("\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"))
        #expect(text.contains("\r\nContent-Type: application/problem+json\r\n"))
        #expect(text.hasSuffix("\r\n\r\n{\"code\":\"method_not_allowed\"}"))
    }

    @Test func `a refused HEAD has no body`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let text = try answer(latin1("HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), from: test)
        #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(text.hasSuffix("\r\n\r\n"))
    }

    @Test func `every code is listed once, in snake case`() {
        let codes = HTTPFailure.Code.all
        #expect(codes == codes.sorted())
        #expect(Set(codes).count == codes.count)
        for code in codes {
            #expect(code.allSatisfy { $0.isLowercase || $0 == "_" }, "\(code)")
        }
    }
}
