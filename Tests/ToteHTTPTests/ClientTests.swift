import Testing
import ToteConcurrency
import ToteHTTP

@Suite(.timeLimit(.minutes(5)))
struct ClientTests {
    @Test func `nobody at the address is an error before anything was sent`() throws {
        let test = try TestServer()
        test.stop()
        let error = #expect(throws: HTTPClientError.self) { try test.connect() }
        #expect(error?.reason == .cannotConnect)
        #expect(error?.sentAnything == false)
        let unknown = #expect(throws: HTTPClientError.self) {
            try HTTPConnection(to: .unix(path: "/nowhere/at/all"))
        }
        #expect(unknown?.reason == .cannotConnect)
    }

    @Test func `a name is resolved`() throws {
        let test = try TestServer()
        defer { test.stop() }
        let connection = try HTTPConnection(to: .tcp(host: "localhost", port: test.port))
        #expect(try connection.send(HTTPClientRequest(target: "/")).status == 200)
    }

    @Test func `an answer that does not come in time is an error, and the end`() throws {
        let test = try TestServer { _, _ in }
        defer { test.stop() }
        let connection = try test.connect()
        let error = #expect(throws: HTTPClientError.self) {
            try connection.send(HTTPClientRequest(target: "/"), timeout: .milliseconds(30))
        }
        #expect(error?.reason == .timedOut)
        #expect(error?.sentAnything == true)
        #expect(!connection.isOpen)
        let later = #expect(throws: HTTPClientError.self) {
            try connection.send(HTTPClientRequest(target: "/"))
        }
        #expect(later?.reason == .notConnected)
        #expect(later?.sentAnything == false)
    }

    @Test func `another thread may cancel what waits`() throws {
        let parked = Mailbox<Bool>()
        let test = try TestServer { _, _ in parked.post(true) }
        defer { test.stop() }
        let connection = try test.connect()
        let thread = startThread(named: "cancels") {
            _ = parked.drain(waitingAtMost: nil)
            connection.cancel()
        }
        let error = #expect(throws: HTTPClientError.self) {
            try connection.send(HTTPClientRequest(target: "/"))
        }
        thread.join()
        #expect(error?.reason == .cancelled)
        #expect(!connection.isOpen)
    }

    @Test func `an answer larger than the connection takes is an error`() throws {
        let test = try TestServer { _, responder in
            responder.respond(HTTPResponse(status: 200, body: [UInt8](repeating: 0, count: 101)))
        }
        defer { test.stop() }
        let connection = try HTTPConnection(
            to: .tcp(host: "127.0.0.1", port: test.port), bodyBytesAtMost: 100)
        let error = #expect(throws: HTTPClientError.self) {
            try connection.send(HTTPClientRequest(target: "/"))
        }
        #expect(error?.reason == .responseTooLarge)
        #expect(!connection.isOpen)
    }

    @Test func `a header field of a request cannot end the header`() throws {
        let test = try TestServer { request, responder in
            let text = request.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
            responder.respond(HTTPResponse(status: 200, body: Array(text.utf8)))
        }
        defer { test.stop() }
        let connection = try test.connect()
        let response = try connection.send(
            HTTPClientRequest(target: "/", headers: [("X", "a\r\nY: b")]))
        #expect(response.text == "Host=127.0.0.1:\(test.port)&X=a  Y: b")
    }
}

@Suite(.timeLimit(.minutes(5)))
struct ResponseParserTests {
    private static func parse(
        _ bytes: [UInt8], cutAt cuts: [Int], isForHEAD: Bool = false
    ) -> String {
        var parser = ResponseParser()
        var unread: [UInt8] = []
        var result: [String] = []
        var start = 0
        for end in cuts + [bytes.count] {
            unread += bytes[start..<end]
            start = end
            while !unread.isEmpty {
                var consumed = 0
                let step = Array(unread).withUnsafeBufferPointer { bytes in
                    Result { () throws(HTTPFailure) in
                        try parser.parse(bytes, consumed: &consumed, isForHEAD: isForHEAD)
                    }
                }
                unread.removeFirst(consumed)
                switch step {
                case .failure: return (result + ["refused"]).joined(separator: ", ")
                case .success(nil): break
                case .success(let response?):
                    result.append("\(response.status) \(response.text)")
                    continue
                }
                break
            }
        }
        return result.joined(separator: ", ") + (parser.isInside ? "…" : "")
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi"),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 "),
        ("HTTP/1.1 200 \r\ncontent-length:2\r\n\r\nhi", "200 hi"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", "201 "),
        (
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n",
            "204 , 304 "
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "2;a=b\r\nhi\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n",
            "200 hi!"
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", "…"),
        ("HTTP/1.1 200 OK\r\n\r\n", "refused"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "refused"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "refused"),
        ("HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi", "refused"),
        ("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", "refused"),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "refused"),
        ("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "refused"),
        ("HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", "refused"),
        ("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", "refused"),
        ("HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n", "refused"),
        ("ICY 200 OK\r\nContent-Length: 0\r\n\r\n", "refused"),
    ])
    func `an answer is read strictly and alike however it is cut`(
        text: String, expected: String
    ) {
        let bytes = latin1(text)
        #expect(Self.parse(bytes, cutAt: []) == expected)
        #expect(Self.parse(bytes, cutAt: Array(1..<bytes.count)) == expected)
        for cut in 1..<bytes.count { #expect(Self.parse(bytes, cutAt: [cut]) == expected) }
    }

    @Test func `an answer to HEAD has no body whatever its length says`() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        #expect(Self.parse(latin1(text + text), cutAt: [], isForHEAD: true) == "200 , 200 ")
    }
}
