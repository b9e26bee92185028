import Testing
import ToteConcurrency
import ToteHTTP

@Suite(.timeLimit(.minutes(5)))
struct PipeliningTests {
    @Test func `answers keep the order of the requests, whichever is ready first`() throws {
        let parked = Mailbox<(Int, HTTPResponder)>()
        let test = try TestServer { request, responder in
            parked.post((Int(request.pathSegments[0]) ?? -1, responder))
        }
        defer { test.stop() }
        let connection = try test.connect()
        let count = 10
        try connection.write(
            (0..<count).flatMap { connection.encoded(HTTPClientRequest(target: "/\($0)")) })
        var waiting: [(Int, HTTPResponder)] = []
        while waiting.count < count { waiting += parked.drain(waitingAtMost: nil) }
        for (index, responder) in waiting.reversed() {
            responder.respond(HTTPResponse(status: 200, body: Array("\(index)".utf8)))
        }
        for index in 0..<count { #expect(try connection.readResponse().text == "\(index)") }
    }

    @Test func `no more than sixteen requests of a connection wait for answers`() throws {
        let parked = Mailbox<HTTPResponder>()
        let test = try TestServer { _, responder in parked.post(responder) }
        defer { test.stop() }
        let connection = try test.connect()
        let count = 100
        try connection.write(
            (0..<count).flatMap { connection.encoded(HTTPClientRequest(target: "/\($0)")) })
        connection.endOutput()
        var waiting: [HTTPResponder] = []
        var answered = 0
        while answered < count {
            let limit = min(16, count - answered)
            while waiting.count < limit { waiting += parked.drain(waitingAtMost: nil) }
            #expect(waiting.count == limit)
            waiting.removeFirst().respond(HTTPResponse(status: 204))
            answered += 1
            #expect(try connection.readResponse().status == 204)
        }
        #expect(test.server.statistics.requests == count)
    }

    @Test func `an answer that is held comes in its turn, and keeps no other connection waiting`()
        throws
    {
        let test = try TestServer { request, responder in
            let response = HTTPResponse(status: 200, body: Array(request.path.utf8))
            if request.path == "/held" {
                responder.respondHeld(response)
            } else {
                responder.respond(response)
            }
        }
        defer { test.stop() }
        let held = try test.connect()
        try held.write(
            ["/held", "/behind"].flatMap { held.encoded(HTTPClientRequest(target: $0)) })
        let other = try test.connect()
        #expect(try other.send(HTTPClientRequest(target: "/other")).text == "/other")
        #expect(try held.readResponse().text == "/held")
        #expect(try held.readResponse().text == "/behind")
    }

    @Test func `requests in one packet are answered at once`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let connection = try test.connect()
        let count = 500
        try connection.write(
            (0..<count).flatMap {
                connection.encoded(
                    HTTPClientRequest(method: "POST", target: "/\($0)", body: [0x78]))
            })
        for index in 0..<count {
            #expect(try connection.readResponse().text == "POST /\(index)\nx")
        }
    }

    @Test func `large answers behind one another come whole and in order`() throws {
        let test = try TestServer { request, responder in
            let byte = UInt8(request.pathSegments[0]) ?? 0
            responder.respond(
                HTTPResponse(status: 200, body: [UInt8](repeating: byte, count: 300_000)))
        }
        defer { test.stop() }
        let connection = try test.connect()
        try connection.write(
            (0..<20).flatMap { connection.encoded(HTTPClientRequest(target: "/\($0)")) })
        for index in 0..<20 as Range<UInt8> {
            let body = try connection.readResponse().body
            #expect(body.count == 300_000)
            #expect(body.allSatisfy { $0 == index })
        }
    }

    @Test func `100 Continue waits behind the answers that are due`() throws {
        let parked = Mailbox<HTTPResponder>()
        let test = try TestServer { request, responder in
            if request.path == "/park" {
                parked.post(responder)
            } else {
                TestServer.echo(request, responder)
            }
        }
        defer { test.stop() }
        let connection = try test.connect()
        try connection.write(
            latin1(
                "GET /park HTTP/1.1\r\nHost: a\r\n\r\nPOST /a HTTP/1.1\r\nHost: a\r\n"
                    + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"))
        let responder = try #require(parked.drain(waitingAtMost: nil).first)
        responder.respond(HTTPResponse(status: 204))
        #expect(try connection.readResponse().status == 204)
        #expect(try connection.readBytes(25) == latin1("HTTP/1.1 100 Continue\r\n\r\n"))
        try connection.write(latin1("hi"))
        #expect(try connection.readResponse().text == "POST /a\nhi")
    }
}
