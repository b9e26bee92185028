// The README shows the lines between the markers; the test runs them against a server on a real
// socket.
import Foundation
import Testing
import ToteTesting
// snippet:begin
import ToteClient
import ToteURLSession

func firstSync(directory: String, server: URL, token: String) async throws -> Receipt {
    let tote = try Tote(directory: directory)
    try await tote.signIn(customer: "ada", transport: URLSessionTransport(server: server)) {
        AccessToken(token)  // ask your backend here; called again before it expires
    }
    await tote.start()  // live sync from here on, with or without a network
    let id = try await tote.cart().add("latte", quantity: 2, options: ["size": "L"])  // durable
    return try await tote.settled(id ?? "")  // accepted, or rejected with what to do
}
// snippet:end

@Suite(.timeLimit(.minutes(5))) struct ReadmeSnippetTests {
    @Test func `the README's snippet syncs over a real socket`() async throws {
        let bed = try TestBed()
        let server = try LoopbackServer.serving(bed.server)
        let secret = try await bed.server.mint("ada")
        let receipt = try await firstSync(
            directory: bed.directory("phone"), server: server.url, token: secret)
        #expect(receipt.state == .accepted)
        let other = try await bed.device("tablet")
        #expect(try await other.syncOnce().isComplete)
        #expect(await other.cart().value.lines.map(\.quantity) == [2])
    }
}
