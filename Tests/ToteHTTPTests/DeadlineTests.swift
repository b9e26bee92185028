import Testing
import ToteConcurrency
import ToteHTTP

/// Each test waits for the server to act; none looks at a clock.
@Suite(.timeLimit(.minutes(5)))
struct DeadlineTests {
    private static let short = Duration.milliseconds(60)
    /// Long enough for a busy machine to get from connecting to sending.
    private static let idle = Duration.milliseconds(400)

    @Test(arguments: ["G", "GET / HTTP/1.1\r\nHost: a\r\nX", "GET / HTTP/1.1\r\nHost: a\r\n"])
    func `a header that does not end is answered with 408`(text: String) throws {
        var options = TestServer.options
        options.headerDeadline = Self.short
        let test = try TestServer(options)
        defer { test.stop() }
        #expect(try test.connect().exchange(text).hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
    }

    @Test func `a byte now and then does not move the deadline of a header`() throws {
        var options = TestServer.options
        options.headerDeadline = Self.short
        let test = try TestServer(options)
        defer { test.stop() }
        let connection = try test.connect()
        let feeder = startThread(named: "slowloris") {
            // Ends when a connection is closed. Were the deadline moved, the header would end up
            // too large, which is another status.
            let pause = Mailbox<Int>()
            for byte in latin1("GET / HTTP/1.1\r\nX: ") + [UInt8](repeating: 0x61, count: 20_000) {
                guard (try? connection.write([byte])) != nil else { return }
                _ = pause.drain(waitingAtMost: .milliseconds(1))
                guard connection.isOpen else { return }
            }
        }
        let answer = try connection.readResponse()
        #expect(answer.status == 408)
        connection.close()
        feeder.join()
    }

    @Test func `a body that does not end is answered with 408`() throws {
        var options = TestServer.options
        options.bodyDeadline = Self.short
        let test = try TestServer(options)
        defer { test.stop() }
        let text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"
        #expect(try test.connect().exchange(text).hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        #expect(test.server.statistics.requests == 0)
    }

    @Test func `a body that comes too slowly is answered with 408`() throws {
        var options = TestServer.options
        options.bodyGrace = Self.short
        let test = try TestServer(options)
        defer { test.stop() }
        let text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
        let answer = try test.connect().exchange(text)
        #expect(answer.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        #expect(answer.contains("request_timeout: the body came too slowly"))
    }

    @Test func `an idle connection is closed without a word`() throws {
        var options = TestServer.options
        options.idleDeadline = Self.idle
        let test = try TestServer(options)
        defer { test.stop() }
        #expect(try test.connect().readToEnd() == [])
        let used = try test.connect()
        #expect(try used.send(HTTPClientRequest(target: "/")).status == 200)
        #expect(try used.readToEnd() == [])
    }

    @Test func `a request that waits for its answer is not idle`() throws {
        var options = TestServer.options
        options.idleDeadline = Self.idle
        let parked = Mailbox<HTTPResponder>()
        let test = try TestServer(options) { _, responder in parked.post(responder) }
        defer { test.stop() }
        let (waiting, idle) = (try test.connect(), try test.connect())
        try waiting.write(waiting.encoded(HTTPClientRequest(target: "/")))
        let responder = try #require(parked.drain(waitingAtMost: nil).first)
        #expect(try idle.readToEnd() == [])
        responder.respond(HTTPResponse(status: 204))
        #expect(try waiting.readResponse().status == 204)
    }

    @Test func `a handler that does not answer is answered for with 504`() throws {
        var options = TestServer.options
        options.answerDeadline = Self.short
        let parked = Mailbox<HTTPResponder>()
        let given = Mailbox<Bool>()
        let test = try TestServer(options) { _, responder in
            responder.onDisconnect { given.post(true) }
            parked.post(responder)
        }
        defer { test.stop() }
        let answer = try test.connect().exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 504 Gateway Timeout\r\n"))
        #expect(answer.contains("answer_timeout"))
        #expect(given.drain(waitingAtMost: nil) == [true])
        for responder in parked.drain(waitingAtMost: nil) {
            responder.respond(HTTPResponse(status: 200))
        }
    }

    @Test func `a reader that takes nothing is cut`() throws {
        var options = TestServer.options
        options.writeGrace = Self.short
        let big = Mailbox<HTTPResponder>()
        let parked = Mailbox<HTTPResponder>()
        let gone = Mailbox<Bool>()
        let test = try TestServer(options) { request, responder in
            if request.path == "/big" {
                big.post(responder)
            } else {
                responder.onDisconnect { gone.post(true) }
                parked.post(responder)
            }
        }
        defer { test.stop() }
        let connection = try test.connect()
        try connection.write(
            latin1("GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /park HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(parked.drain(waitingAtMost: nil).count == 1)
        let size = 32 * 1024 * 1024
        for responder in big.drain(waitingAtMost: nil) {
            responder.respond(HTTPResponse(status: 200, body: [UInt8](repeating: 0, count: size)))
        }
        #expect(gone.drain(waitingAtMost: nil) == [true])
        #expect(test.server.statistics.slowReadersCut == 1)
        #expect(throws: HTTPClientError.self) { try connection.readResponse() }
    }

    @Test func `a connection that is closed on our side does not wait for the client's`() throws {
        var options = TestServer.options
        options.lingerDeadline = Self.short
        options.connectionsAtMost = 1
        let test = try TestServer(options)
        defer { test.stop() }
        let first = try test.connect()
        try first.write(latin1("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
        #expect(try first.readBytes(15) == latin1("HTTP/1.1 200 OK"))
        // The first stays open on the client's side; its place is free once the server lets go.
        var statuses: [Int] = []
        repeat {
            statuses.append(try test.connect().send(HTTPClientRequest(target: "/")).status)
        } while statuses.last == 503
        #expect(statuses.last == 200)
        first.close()
    }
}
