import Testing
import ToteConcurrency
import ToteHTTP

@Suite(.timeLimit(.minutes(5)))
struct ServerTests {
    @Test func `a request is answered and the connection kept`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let connection = try test.connect()
        for round in 0..<3 {
            let response = try connection.send(
                HTTPClientRequest(method: "POST", target: "/a/\(round)?x=1", body: [0x68, 0x69]))
            #expect(response.status == 200)
            #expect(response.text == "POST /a/\(round)\nhi")
            #expect(response.header("content-length") == "\(response.body.count)")
            #expect(response.header("date")?.hasSuffix("GMT") == true)
            #expect(response.header("connection") == nil)
        }
        #expect(connection.isOpen)
        #expect(test.server.statistics.connectionsAccepted == 1)
        #expect(test.server.statistics.requests == 3)
    }

    @Test func `a client that says close, or speaks 1.0, is answered and closed`() throws {
        let test = try TestServer()
        defer { test.stop() }
        for head in ["GET / HTTP/1.1\r\nHost: a\r\nConnection: X, Close\r\n", "GET / HTTP/1.0\r\n"]
        {
            let text = try test.connect().exchange(
                head + "\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(text.hasSuffix("\r\n\r\nGET /\n"))
            #expect(text.contains("\r\nConnection: close\r\n"))
        }
        #expect(test.server.statistics.requests == 2)
    }

    @Test func `the last request that a connection may send is answered with close`() throws {
        var options = TestServer.options
        options.requestsPerConnectionAtMost = 3
        let test = try TestServer(options)
        defer { test.stop() }
        let text = try test.connect().exchange(
            String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 5))
        #expect(text.split(separator: "HTTP/1.1 200 OK").count == 3)
        #expect(text.split(separator: "Connection: close").count == 2)
        #expect(test.server.statistics.requests == 3)
    }

    @Test(arguments: [(200, true), (204, false), (304, false)])
    func `HEAD, 204 and 304 have no body`(status: Int, tellsLength: Bool) throws {
        let test = try TestServer { request, responder in
            responder.respond(HTTPResponse(status: status, body: [0x68, 0x69]))
        }
        defer { test.stop() }
        let method = status == 200 ? "HEAD" : "GET"
        let text = try test.connect().exchange(
            "\(method) / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(text.hasPrefix("HTTP/1.1 \(status) "))
        #expect(text.hasSuffix("\r\n\r\n"))
        #expect(text.contains("\r\nContent-Length: 2\r\n") == tellsLength)
    }

    @Test func `a header value cannot end the header, and the layer's own fields are its own`()
        throws
    {
        let test = try TestServer { _, responder in
            responder.respond(
                HTTPResponse(
                    status: 200,
                    headers: [
                        ("X", "a\r\nSet-Cookie: b"), ("content-length", "9"),
                        ("Transfer-Encoding", "chunked"), ("CONNECTION", "x"), ("Date", "y"),
                    ], body: [0x68]))
        }
        defer { test.stop() }
        let response = try test.connect().send(HTTPClientRequest(target: "/"))
        #expect(response.header("x") == "a  Set-Cookie: b")
        #expect(response.header("set-cookie") == nil)
        #expect(response.header("content-length") == "1")
        #expect(response.headers.map(\.name) == ["Date", "X", "Content-Length"])
    }

    @Test func `a body that is expected is asked for once`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let connection = try test.connect()
        let head = "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n"
        try connection.write(latin1(head + "Content-Length: 2\r\n\r\n"))
        // The client's parser passes over interim answers, so the raw bytes are looked at.
        try connection.write(latin1("hi"))
        let text = String(decoding: try connection.readToEnd(), as: UTF8.self)
        let answer = text.split(separator: "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(answer.count == 1)
        #expect(answer.last?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
        #expect(text.hasSuffix("POST /a\nhi"))
    }

    @Test func `a client that waits for 100 Continue gets it`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let connection = try test.connect()
        let head =
            "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
        try connection.write(latin1(head))
        #expect(try connection.readBytes(25) == latin1("HTTP/1.1 100 Continue\r\n\r\n"))
        try connection.write(latin1("hi"))
        #expect(try connection.readResponse().text == "POST /a\nhi")
    }

    @Test(arguments: [
        "POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n",
    ])
    func `no interim answer goes to 1.0, without a body, or before a refusal`(text: String) throws {
        let test = try TestServer()
        defer { test.stop() }
        #expect(try !test.connect().exchange(text).contains("HTTP/1.1 100"))
    }

    @Test func `large bodies pass in both directions`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let connection = try test.connect()
        var random = SeededGenerator(seed: 1)
        let body = (0..<1024 * 1024).map { _ in UInt8.random(in: 0...255, using: &random) }
        for _ in 0..<3 {
            let request = HTTPClientRequest(method: "PUT", target: "/a", body: body)
            #expect(try connection.send(request).body == Array("PUT /a\n".utf8) + body)
        }
    }

    @Test func `an early refusal of a long body can be read`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let connection = try test.connect()
        let request = HTTPClientRequest(
            method: "PUT", target: "/a", body: [UInt8](repeating: 0, count: 2 * 1024 * 1024))
        let response = try connection.send(request)
        #expect(response.status == 413)
        #expect(response.closesConnection)
        #expect(!connection.isOpen)
    }

    @Test func `an answer may come from any thread, and only the first counts`() throws {
        let parked = Mailbox<HTTPResponder>()
        let test = try TestServer { _, responder in parked.post(responder) }
        defer { test.stop() }
        let thread = startThread(named: "answers") {
            for _ in 0..<2 {
                for responder in parked.drain(waitingAtMost: nil) {
                    responder.respond(HTTPResponse(status: 200, body: [0x31]))
                    responder.respond(HTTPResponse(status: 500, body: [0x32]))
                }
            }
        }
        let connection = try test.connect()
        for _ in 0..<2 {
            let response = try connection.send(HTTPClientRequest(target: "/"))
            #expect(response.status == 200)
            #expect(response.text == "1")
        }
        thread.join()
    }

    @Test func `one handler may answer another connection's request`() throws {
        let parked = Lock<HTTPResponder?>(nil)
        let test = try TestServer { request, responder in
            if request.path == "/park" {
                parked.withLock { $0 = responder }
            } else {
                parked.withLock { $0 }?.respond(HTTPResponse(status: 200, body: [0x31]))
                responder.respond(HTTPResponse(status: 204))
            }
        }
        defer { test.stop() }
        let (first, second) = (try test.connect(), try test.connect())
        try first.write(first.encoded(HTTPClientRequest(target: "/park")))
        // On another connection; only the loop's order of events says which came first.
        while parked.withLock({ $0 == nil }) {
            #expect(try second.send(HTTPClientRequest(target: "/wake")).status == 204)
        }
        #expect(try second.send(HTTPClientRequest(target: "/wake")).status == 204)
        #expect(try first.readResponse().text == "1")
    }

    @Test func `several loops serve one port`() throws {
        var options = TestServer.options
        options.loops = 3
        let test = try TestServer(options)
        defer { test.stop() }
        let connections = try (0..<20).map { _ in try test.connect() }
        for connection in connections {
            #expect(try connection.send(HTTPClientRequest(target: "/a")).text == "GET /a\n")
        }
        #expect(test.server.statistics.connectionsOpen == 20)
    }

    @Test func `a port that is taken is an error, and so is an address of another machine`() throws
    {
        let test = try TestServer()
        defer { test.stop() }
        var options = TestServer.options
        options.port = test.port
        #expect(throws: HTTPServerError.self) { try TestServer(options) }
        options.host = "192.0.2.1"
        #expect(throws: HTTPServerError.self) { try TestServer(options) }
        options.host = "example"
        #expect(throws: HTTPServerError.self) { try TestServer(options) }
        options = TestServer.options
        options.exemptAddresses = ["10.0.0.1", "proxy"]
        #expect(throws: HTTPServerError.self) { try TestServer(options) }
    }

    @Test func `IPv6 clients have their address`() throws {
        var options = TestServer.options
        options.host = "::"
        let test = try TestServer(options) { request, responder in
            responder.respond(HTTPResponse(status: 200, body: Array(request.remoteAddress.utf8)))
        }
        defer { test.stop() }
        for host in ["::1", "127.0.0.1"] {
            let connection = try HTTPConnection(to: .tcp(host: host, port: test.port))
            #expect(try connection.send(HTTPClientRequest(target: "/")).text == host)
        }
    }
}
