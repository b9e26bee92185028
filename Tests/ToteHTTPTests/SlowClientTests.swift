import Testing
import ToteConcurrency
import ToteHTTP

/// Clients that hold on to what they were given, beside one that does not.
@Suite(.timeLimit(.minutes(5)))
struct SlowClientTests {
    /// Of each kind.
    private static let slowClients = 20
    /// So many megabytes are asked for and not read that fewer will do.
    private static let slowReaders = 4
    private static let large = [UInt8](repeating: 0x78, count: 16 * 1024 * 1024)

    private static var options: HTTPServerOptions {
        var options = TestServer.options
        options.headerDeadline = .seconds(1)
        options.bodyDeadline = .seconds(1)
        options.bodyGrace = .milliseconds(500)
        options.writeGrace = .seconds(1)
        options.idleDeadline = .seconds(3)
        return options
    }

    /// What a slow client begins with; the rest comes a byte at a time, or never.
    private enum Kind: String, CaseIterable {
        case header = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        case body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
        case chunks = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"
        case idle = ""
        case usedThenIdle = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        /// Its end of the line is dead: it says no more and takes nothing.
        case halfOpen = "POST /half HTTP/1.1\r\nHost: a\r\n"

        var dribbles: Bool { self == .header || self == .body || self == .chunks }
    }

    private static func handler(_ request: HTTPRequest, _ responder: HTTPResponder) {
        let body = request.path == "/large" ? large : latin1("ok")
        responder.respond(HTTPResponse(status: 200, body: body))
    }

    @Test func `slow clients are closed in time and keep nobody waiting`() throws {
        let test = try TestServer(Self.options, handler: Self.handler)
        defer { test.stop() }
        let isOver = Lock(false)
        let failures = Lock<(asked: Int, failed: [String])>((0, []))
        let honest = startThread(named: "honest") {
            do {
                let line = try test.connect()
                while !isOver.withLock({ $0 }) {
                    let answer = try line.send(
                        HTTPClientRequest(method: "POST", target: "/", body: latin1("honest")))
                    failures.withLock {
                        $0.asked += 1
                        if answer.text != "ok" { $0.failed.append("\(answer.status)") }
                    }
                    _ = Mailbox<Int>().drain(waitingAtMost: .milliseconds(1))
                }
            } catch { failures.withLock { $0.failed.append("\(error)") } }
        }
        var slow: [(kind: Kind, line: HTTPConnection)] = []
        for kind in Kind.allCases {
            for _ in 0..<Self.slowClients {
                let line = try test.connect()
                try line.write(latin1(kind.rawValue))
                slow.append((kind, line))
            }
        }
        let readers = try (0..<Self.slowReaders).map { _ in
            let line = try test.connect()
            try line.write(latin1("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"))
            return line
        }
        try dribble(slow.filter { $0.kind.dribbles }.map(\.line))
        for (kind, line) in slow {
            let said = String(decoding: try line.readToEnd(), as: UTF8.self)
            let answer = kind == .usedThenIdle ? "HTTP/1.1 200 " : "HTTP/1.1 408 "
            #expect(kind == .idle ? said.isEmpty : said.hasPrefix(answer), "\(kind): \(said)")
        }
        while test.server.statistics.connectionsOpen > 1 {
            _ = Mailbox<Int>().drain(waitingAtMost: .milliseconds(10))
        }
        #expect(test.server.statistics.slowReadersCut == Self.slowReaders)
        for reader in readers {
            #expect(throws: HTTPClientError.self) { try reader.readResponse() }
        }
        isOver.withLock { $0 = true }
        honest.join()
        let told = failures.withLock { $0 }
        #expect(told.failed == [])
        #expect(told.asked > 100)
    }

    /// A byte to each now and then, beyond every deadline.
    private func dribble(_ lines: [HTTPConnection]) throws {
        for _ in 0..<75 {
            for line in lines { try line.write([0x61]) }
            _ = Mailbox<Int>().drain(waitingAtMost: .milliseconds(20))
        }
    }

    @Test func `a client that ends its half in the middle of a request gets no answer to it`()
        throws
    {
        let test = try TestServer()
        defer { test.stop() }
        for text in [
            "G", "GET / HTTP/1.1\r\nHost: a\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\n"
                + "Content-Length: 5\r\n\r\nhel",
        ] {
            let line = try test.connect()
            try line.write(latin1(text))
            line.endOutput()
            let said = String(decoding: try line.readToEnd(), as: UTF8.self)
            #expect(said == "" || said.hasPrefix("HTTP/1.1 400 "), "\(said)")
        }
        #expect(test.server.statistics.requests == 0)
    }
}
