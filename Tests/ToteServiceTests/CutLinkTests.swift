import Testing
import ToteCore
import ToteHTTP

/// Commit, lose the reply, send again: over real sockets, with the link cut after every byte.
@Suite(.timeLimit(.minutes(5))) struct CutLinkTests {
    private func quantity(_ service: TestService, _ secret: String) throws -> Int64 {
        let reply = try service.sync(SyncRequest(replica: ReplicaID(0xFFFF)), secret: secret)
        let documents = reply.snapshot?.documents ?? Documents()
        return Fold.counter(documents.cells(Key("cart:main", "latte", Fields.quantity)))
    }

    @Test func `a push cut after any byte of its request counts once`() throws {
        let service = try TestService()
        let (_, secret) = try service.mint()
        let connection = try service.connect()
        let length = connection.encoded(
            service.request(pushOfOne(replica: 1, nonce: 1), secret: secret)
        ).count
        for cut in 1..<length {
            let push = pushOfOne(replica: UInt64(cut), nonce: UInt64(cut))
            let request = service.request(push, secret: secret)
            let broken = try service.connect()
            try broken.write(Array(connection.encoded(request).prefix(cut)))
            broken.close()
            // What the device does next: the same bytes again, until there is an answer.
            let reply = try service.sync(push, secret: secret)
            #expect(reply.ticket != nil && reply.fates.first?.rejection == nil, "cut at \(cut)")
        }
        #expect(try quantity(service, secret) == Int64(length - 1))
    }

    @Test func `a push cut after any byte of its reply counts once`() throws {
        let service = try TestService()
        let (_, secret) = try service.mint()
        // Replies to pushes of one change differ by a few bytes of numbers only.
        let whole = try service.connect()
        try whole.write(
            whole.encoded(service.request(pushOfOne(replica: 9, nonce: 9), secret: secret)))
        var length = 0
        while (try? whole.readBytes(1, timeout: .milliseconds(100))) != nil { length += 1 }
        #expect(length > 200)
        for cut in 0..<length {
            let id = UInt64(100 + cut)
            let push = pushOfOne(replica: id, nonce: id)
            let broken = try service.connect()
            try broken.write(broken.encoded(service.request(push, secret: secret)))
            if cut > 0 { _ = try broken.readBytes(cut) }
            broken.close()
            let reply = try service.sync(push, secret: secret)
            #expect(reply.ticket != nil && reply.fates.first?.rejection == nil, "cut at \(cut)")
            // The ticket of the answer that arrived is good for the next push.
            let next = pushOfOne(replica: id, nonce: id + 10_000, ticket: reply.ticket, counter: 2)
            #expect(try service.sync(next, secret: secret).ticket != nil)
        }
        #expect(try quantity(service, secret) == Int64(1 + 2 * length))
    }
}
