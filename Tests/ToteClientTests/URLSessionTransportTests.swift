import Foundation
import ToteConcurrency
import Testing
import ToteClient
import ToteTesting
import ToteURLSession

@Suite(.timeLimit(.minutes(5))) struct URLSessionTransportTests {
    private func request(timeout: Duration = .seconds(30)) -> TransportRequest {
        TransportRequest(
            method: "POST", path: "/v1/spaces/customer:%C3%A9/sync",
            headers: ["Authorization": "Bearer t", "Content-Type": "application/cbor"],
            body: [1, 0, 255], timeout: timeout)
    }

    @Test func `a request goes out as it is, behind the server's own path`() async throws {
        let seen = Lock<LoopbackServer.Request?>(nil)
        let server = try LoopbackServer { request in
            seen.withLock { $0 = request }
            return LoopbackServer.response(
                503, headers: ["content-type": "application/problem+json", "retry-after": "7"],
                body: [9, 0, 200])
        }
        let answer = try await URLSessionTransport(server: server.url).send(request())
        #expect(answer.status == 503)
        #expect(answer.header("Content-Type") == "application/problem+json")
        #expect(answer.header("Retry-After") == "7")
        #expect(answer.body == [9, 0, 200])
        let arrived = try #require(seen.withLock { $0 })
        #expect(arrived.line == "POST /api/v1/spaces/customer:%C3%A9/sync HTTP/1.1")
        #expect(arrived.headers["authorization"] == "Bearer t")
        #expect(arrived.headers["content-type"] == "application/cbor")
        #expect(arrived.body == [1, 0, 255])
    }

    @Test func `no redirect is followed`() async throws {
        let count = Lock(0)
        let other = try LoopbackServer { _ in
            count.withLock { $0 += 1 }
            return LoopbackServer.response(200)
        }
        let target = other.url.absoluteString
        let server = try LoopbackServer { _ in
            LoopbackServer.response(302, headers: ["Location": target])
        }
        let answer = try? await URLSessionTransport(server: server.url).send(request())
        #expect(answer == nil || answer?.status == 302)
        #expect(count.withLock { $0 } == 0)
    }

    @Test func `an answer that never comes is given up in time`() async throws {
        let server = try LoopbackServer { _ in nil }
        let transport = URLSessionTransport(server: server.url)
        await #expect(throws: URLError.self) {
            try await transport.send(request(timeout: .milliseconds(50)))
        }
    }

    @Test func `an answer that is cut off is no answer`() async throws {
        let server = try LoopbackServer { _ in
            Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".utf8)
        }
        let transport = URLSessionTransport(server: server.url)
        await #expect(throws: (any Error).self) { try await transport.send(request()) }
    }

    @Test func `an answer that is too large is given up`() async throws {
        let body = [UInt8](repeating: 7, count: TransportResponse.bodyBytesMax + 1)
        let server = try LoopbackServer { _ in LoopbackServer.response(200, body: body) }
        let transport = URLSessionTransport(server: server.url)
        await #expect(throws: URLError.self) { try await transport.send(request()) }
    }

    @Test func `nobody there is an error`() async throws {
        let url = try #require(URL(string: "http://127.0.0.1:1"))
        let transport = URLSessionTransport(server: url)
        await #expect(throws: URLError.self) { try await transport.send(request()) }
    }

    @Test func `a task that is cancelled ends its request`() async throws {
        let server = try LoopbackServer { _ in nil }
        let transport = URLSessionTransport(server: server.url)
        let task = Task { try await transport.send(request()) }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
    }

    /// A task that is cancelled while it ends once took the process with it.
    @Test func `a request may be cancelled at any moment of its answer`() async throws {
        let server = try LoopbackServer { _ in LoopbackServer.response(200, body: [7]) }
        let clock = ContinuousClock()
        let begun = clock.now
        for _ in 0..<10 {
            let whole = try await URLSessionTransport(server: server.url).send(request())
            #expect(whole.body == [7])
        }
        // Where the machine is busy it says nothing of the next one, and would take minutes.
        let usual = min((clock.now - begun) / 10, .milliseconds(10))
        for round in 0..<300 {
            let transport = URLSessionTransport(server: server.url)
            let task = Task { try await transport.send(request()) }
            // From at once to half as long again as an answer takes here.
            try await Task.sleep(for: usual * round / 200)
            task.cancel()
            if case .success(let response) = await task.result { #expect(response.body == [7]) }
        }
    }
}
