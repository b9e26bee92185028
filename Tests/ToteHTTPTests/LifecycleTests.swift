import Glibc
import Testing
import ToteConcurrency
import ToteHTTP

/// Limits on connections, draining, disconnects, the Unix socket.
@Suite(.timeLimit(.minutes(5)))
struct LifecycleTests {
    @Test(arguments: [true, false])
    func `a connection too many gets 503 and the end`(perAddress: Bool) throws {
        var options = TestServer.options
        if perAddress {
            options.connectionsPerAddressAtMost = 2
        } else {
            options.connectionsAtMost = 2
        }
        let test = try TestServer(options)
        defer { test.stop() }
        let kept = try (0..<2).map { _ in try test.connect() }
        for connection in kept {
            #expect(try connection.send(HTTPClientRequest(target: "/")).status == 200)
        }
        let answer = String(decoding: try test.connect().readToEnd(), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(answer.contains("\r\nRetry-After: 5\r\n"))
        #expect(answer.contains("too_many_connections"))
        #expect(test.server.statistics.connectionsRefused == 1)
        #expect(test.server.statistics.connectionsOpen == 2)
        #expect(try kept[0].send(HTTPClientRequest(target: "/")).status == 200)
    }

    @Test func `the proxy's address is exempt from the limit per address`() throws {
        var options = TestServer.options
        options.connectionsPerAddressAtMost = 1
        options.exemptAddresses = ["127.0.0.1"]
        let test = try TestServer(options)
        defer { test.stop() }
        let connections = try (0..<5).map { _ in try test.connect() }
        for connection in connections {
            #expect(try connection.send(HTTPClientRequest(target: "/")).status == 200)
        }
    }

    @Test func `a drain answers what is due, says close, and lets go of the idle`() throws {
        let parked = Mailbox<HTTPResponder>()
        let test = try TestServer { request, responder in
            if request.path == "/park" {
                parked.post(responder)
            } else {
                TestServer.echo(request, responder)
            }
        }
        defer { test.stop() }
        let (waiting, idle, half) = (try test.connect(), try test.connect(), try test.connect())
        #expect(try idle.send(HTTPClientRequest(target: "/")).status == 200)
        try half.write(latin1("POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"))
        try waiting.write(waiting.encoded(HTTPClientRequest(target: "/park")))
        let responder = try #require(parked.drain(waitingAtMost: nil).first)
        test.server.beginDrain()
        #expect(try idle.readToEnd() == [])
        #expect(throws: HTTPClientError.self) { try test.connect() }
        responder.respond(HTTPResponse(status: 200, body: [0x31]))
        let last = try waiting.readResponse()
        #expect(last.text == "1")
        #expect(last.closesConnection)
        try half.write(latin1("\r\nhi"))
        let answer = try half.readResponse()
        #expect(answer.text == "POST /half\nhi")
        #expect(answer.closesConnection)
    }

    @Test func `a stop cuts what is parked and tells its owner`() throws {
        let parked = Mailbox<Bool>()
        let gone = Mailbox<Bool>()
        let test = try TestServer { _, responder in
            responder.onDisconnect { gone.post(true) }
            parked.post(true)
        }
        let connection = try test.connect()
        try connection.write(connection.encoded(HTTPClientRequest(target: "/")))
        #expect(parked.drain(waitingAtMost: nil) == [true])
        test.server.stop(within: .zero)
        #expect(gone.drain(waitingAtMost: .zero) == [true])
        #expect(throws: HTTPClientError.self) { try connection.readResponse() }
        test.server.stop(within: .zero)
    }

    @Test func `an answer after the end goes nowhere, a notice comes at once`() throws {
        let parked = Mailbox<HTTPResponder>()
        let test = try TestServer { _, responder in parked.post(responder) }
        let connection = try test.connect()
        try connection.write(connection.encoded(HTTPClientRequest(target: "/")))
        let responder = try #require(parked.drain(waitingAtMost: nil).first)
        test.stop()
        responder.respond(HTTPResponse(status: 200))
        let gone = Mailbox<Bool>()
        responder.onDisconnect { gone.post(true) }
        #expect(gone.drain(waitingAtMost: .zero) == [true])
    }

    @Test(arguments: [true, false])
    func `who waits for an answer learns that the client went away`(fromLoop: Bool) throws {
        let parked = Mailbox<HTTPResponder>()
        let gone = Mailbox<Bool>()
        let test = try TestServer { request, responder in
            if fromLoop { responder.onDisconnect { gone.post(true) } }
            parked.post(responder)
        }
        defer { test.stop() }
        let connection = try test.connect()
        try connection.write(connection.encoded(HTTPClientRequest(target: "/")))
        let responder = try #require(parked.drain(waitingAtMost: nil).first)
        if !fromLoop { responder.onDisconnect { gone.post(true) } }
        connection.close()
        #expect(gone.drain(waitingAtMost: nil) == [true])
        let late = Mailbox<Bool>()
        responder.onDisconnect { late.post(true) }
        #expect(late.drain(waitingAtMost: nil) == [true])
    }

    @Test func `a client that only ends its sending is still answered`() throws {
        let parked = Mailbox<HTTPResponder>()
        let test = try TestServer { _, responder in parked.post(responder) }
        defer { test.stop() }
        let connection = try test.connect()
        try connection.write(connection.encoded(HTTPClientRequest(target: "/")))
        connection.endOutput()
        let responder = try #require(parked.drain(waitingAtMost: nil).first)
        responder.respond(HTTPResponse(status: 200, body: [0x31]))
        #expect(try connection.readResponse().text == "1")
    }

    @Test func `a request cut short is never handed on`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let connection = try test.connect()
        try connection.write(latin1("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell"))
        connection.endOutput()
        #expect(try connection.readToEnd() == [])
        #expect(test.server.statistics.requests == 0)
    }

    @Test func `the Unix socket is its owner's alone and says where it is`() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        var options = TestServer.options
        options.host = nil
        options.unixSocketPath = directory.path + "/operator"
        let handler = { @Sendable (request: HTTPRequest, responder: HTTPResponder) in
            let text = "\(request.arrivedOnUnixSocket) \(request.remoteAddress)"
            responder.respond(HTTPResponse(status: 200, body: Array(text.utf8)))
        }
        let test = try TestServer(options, handler: handler)
        #expect(test.port == 0)
        var status = stat()
        #expect(stat(directory.path + "/operator", &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        let connection = try HTTPConnection(to: .unix(path: directory.path + "/operator"))
        #expect(try connection.send(HTTPClientRequest(target: "/")).text == "true unix")
        #expect(throws: HTTPServerError.self) { try TestServer(options, handler: handler) }
        test.stop()
        #expect(stat(directory.path + "/operator", &status) != 0)
    }

    @Test func `a socket left by a dead server is replaced, another file is not`() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        var options = TestServer.options
        options.unixSocketPath = directory.path + "/operator"
        let stale = directory.bindSocket(named: "operator")
        close(stale)
        let test = try TestServer(options)
        #expect(test.port != 0)
        test.stop()
        close(creat(directory.path + "/operator", 0o600))
        #expect(throws: HTTPServerError.self) { try TestServer(options) }
    }

    @Test func `without a descriptor left a connection is accepted and closed`() async {
        await #expect(processExitsWith: .success) {
            var options = TestServer.options
            options.acceptPause = .milliseconds(20)
            options.lingerDeadline = .milliseconds(40)
            let test = try TestServer(options)
            let first = try test.connect()
            #expect(try first.send(HTTPClientRequest(target: "/")).status == 200)
            let waiting = DescriptorFamine.sockets(3)
            DescriptorFamine.begin(at: (waiting.max() ?? 0) + 1)
            try DescriptorFamine.connect(waiting, port: test.port)
            // Each is accepted on the spare descriptor, one per pause.
            for socket in waiting { #expect(DescriptorFamine.readsEnd(socket)) }
            #expect(test.server.statistics.acceptPauses >= 3)
            #expect(try first.send(HTTPClientRequest(target: "/")).status == 200)
            DescriptorFamine.end()
            #expect(try test.connect().send(HTTPClientRequest(target: "/")).status == 200)
            test.stop()
        }
    }

    @Test func `without even a spare descriptor the loop rests, and then goes on`() async {
        await #expect(processExitsWith: .success) {
            var options = TestServer.options
            options.acceptPause = .milliseconds(20)
            options.lingerDeadline = .milliseconds(40)
            options.idleDeadline = .milliseconds(500)
            let test = try TestServer(options)
            let idle = try test.connect()
            #expect(try idle.send(HTTPClientRequest(target: "/")).status == 200)
            let waiting = DescriptorFamine.sockets(3)
            DescriptorFamine.begin(at: 3)
            try DescriptorFamine.connect(waiting, port: test.port)
            // The idle connection's end is the clock: a loop that spins wakes thousands of times.
            #expect(try idle.readToEnd() == [])
            let statistics = test.server.statistics
            #expect(statistics.acceptPauses >= 1)
            #expect(statistics.wakeUps < 200, "\(statistics.wakeUps)")
            DescriptorFamine.end()
            #expect(try test.connect().send(HTTPClientRequest(target: "/")).status == 200)
            test.stop()
        }
    }
}
