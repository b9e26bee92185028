import Foundation
import ToteConcurrency
import Testing
import ToteClient
import ToteTesting

@Suite(.timeLimit(.minutes(5))) struct TokenTests {
    /// Counts the calls of an app's token closure and says what they return.
    final class Backend: Sendable {
        struct Failure: Error {}
        private let state = Lock((calls: 0, running: 0, most: 0))
        private let tokens: Lock<[Result<AccessToken?, Failure>]>

        init(_ tokens: Result<AccessToken?, Failure>...) { self.tokens = Lock(tokens) }

        var calls: Int { state.withLock { $0.calls } }
        /// The most calls that were under way at once.
        var most: Int { state.withLock { $0.most } }

        /// The last token again when there are no more.
        @Sendable func token() async throws -> AccessToken? {
            state.withLock {
                $0.calls += 1
                $0.running += 1
                $0.most = max($0.most, $0.running)
            }
            defer { state.withLock { $0.running -= 1 } }
            await Task.yield()
            return try tokens.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }.get()
        }
    }

    private func signIn(_ tote: Tote, _ bed: TestBed, _ backend: Backend) async throws {
        try await tote.signIn(customer: "ada", transport: bed.server, token: backend.token)
    }

    @Test func `a refused token is replaced once, and the change arrives`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let good = try await bed.server.mint("ada")
        let backend = Backend(.success(AccessToken("bad")), .success(AccessToken(good)))
        try await signIn(tote, bed, backend)
        try await tote.cart().add("latte")
        #expect(try await tote.syncOnce().isComplete)
        #expect(backend.calls == 2)
        #expect(backend.most == 1)
        #expect(await bed.server.seen.first?.secret == "bad")
    }

    @Test func `a token refused twice signs out, and nothing is lost`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let backend = Backend(.success(AccessToken("bad")))
        try await signIn(tote, bed, backend)
        try await tote.cart().add("latte")
        await #expect { try await tote.syncOnce() } throws: {
            ($0 as? ToteError)?.code == .signedOut
        }
        #expect(backend.calls == 2)
        #expect(await tote.status == .signedOut)
        #expect(await tote.unsentCount == 1)
        try await bed.signIn(tote)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await bed.server.judged("ada").count == 1)
    }

    @Test func `live sync that a refused token had ended goes on with the next`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let bad = AccessToken("bad")
        let good = AccessToken(try await bed.server.mint("ada"))
        try await signIn(tote, bed, Backend(.success(bad), .success(bad), .success(good)))
        await tote.start()
        _ = await first(of: tote.statusUpdates) { $0 == .signedOut }
        #expect(try await tote.syncOnce().isComplete)
        let other = try await bed.device("b")
        try await other.cart().add("latte")
        #expect(try await other.syncOnce().isComplete)
        // Nobody asks: it is told.
        _ = await first(of: tote.cart().updates) { $0.quantity("latte") == 1 }
    }

    @Test func `no token means signed out, and documents still show`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        try await signIn(tote, bed, Backend(.success(nil)))
        try await tote.cart().add("latte")
        await tote.start()
        _ = await first(of: tote.statusUpdates) { $0 == .signedOut }
        #expect(await bed.server.seen.isEmpty)
        #expect(await tote.cart().value.quantity("latte") == 1)
    }

    @Test func `a closure that throws is asked again after a wait`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let good = AccessToken(try await bed.server.mint("ada"))
        let backend = Backend(.failure(Backend.Failure()), .success(good))
        try await signIn(tote, bed, backend)
        await tote.start()
        let offline = await first(of: tote.statusUpdates) { $0.isOffline }
        guard case .offline(_, let retryAt?, .noToken) = offline else {
            Issue.record("not offline for want of a token: \(String(describing: offline))")
            return
        }
        let wait = retryAt.timeIntervalSince1970 * 1_000 - Double(bed.clock.milliseconds)
        #expect((0...500).contains(wait))
        await tote.networkMayBeBack()
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        #expect(backend.calls == 2)
    }

    @Test func `a token that will expire is replaced 30 s before`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let secrets = [try await bed.server.mint("ada"), try await bed.server.mint("ada")]
        let end = Date(timeIntervalSince1970: Double(bed.clock.milliseconds) / 1_000 + 100)
        let backend = Backend(
            .success(AccessToken(secrets[0], expires: end)),
            .success(AccessToken(secrets[1])))
        try await signIn(tote, bed, backend)
        await tote.start()
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        #expect(backend.calls == 1)
        while bed.clock.sleeperCount < 2 { await Task.yield() }
        bed.clock.advance(by: .seconds(71))
        var secret: String?
        while secret != secrets[1] {
            try await tote.cart().add("latte")
            while await tote.unsentCount > 0 { await Task.yield() }
            secret = await bed.server.seen.last { $0.lane == .exchange }?.secret
        }
        #expect(backend.calls == 2)
        #expect(await tote.status != .signedOut)
    }

    @Test func `a description of a token does not show its secret`() {
        let token = AccessToken("tote_sesame")
        var dumped = ""
        dump(token, to: &dumped)
        for text in ["\(token)", String(reflecting: token), dumped] {
            #expect(!text.contains("sesame"))
        }
    }
}
