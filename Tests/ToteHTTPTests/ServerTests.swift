import Testing
import ToteConcurrency
import ToteHTTP

@Suite(.timeLimit(.minutes(1)))
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
    }
}
