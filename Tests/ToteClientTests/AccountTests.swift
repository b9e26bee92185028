import Testing
import ToteClient
import ToteTesting

@Suite(.timeLimit(.minutes(5))) struct AccountTests {
    @Test func `one account's outbox is never sent under another`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        try await bed.signIn(tote, "ada")
        try await tote.cart().add("latte")
        try await bed.signIn(tote, "bob")
        #expect(await tote.cart().value.lines.isEmpty)
        try await tote.cart().add("muffin")
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await bed.server.judged("ada").isEmpty)
        #expect(try await bed.server.judged("bob").count == 1)
        // Ada's change has waited in her file.
        try await bed.signIn(tote, "ada")
        #expect(await tote.cart().value.quantity("latte") == 1)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await bed.server.judged("ada").count == 1)
    }

    @Test func `an answer that comes after the switch changes nothing`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        try await bed.signIn(tote, "ada")
        try await tote.cart().add("latte")
        await bed.server.fail(.held)
        await tote.start()
        await bed.server.arrived(1)
        try await bed.signIn(tote, "bob")
        await bed.server.releaseHeld()
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        #expect(await tote.cart().value.lines.isEmpty)
        let paths = await bed.server.seen.dropFirst().map(\.path)
        #expect(paths.allSatisfy { $0 == "/v1/spaces/customer:bob/sync" })
        await tote.stop()
        try await bed.signIn(tote, "ada")
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await bed.server.judged("ada").values.allSatisfy { $0 == 1 })
        #expect(await tote.cart().value.quantity("latte") == 1)
    }

    @Test func `signing out shows an empty guest and keeps the account's changes`() async throws {
        let bed = try TestBed()
        var tote = try bed.open()
        try await bed.signIn(tote)
        try await tote.cart().add("latte")
        try await tote.signOut()
        #expect(await tote.status == .signedOut)
        #expect(await tote.cart().value.lines.isEmpty)
        try await tote.cart().add("tea")
        await tote.close()
        tote = try bed.open()
        #expect(await tote.cart().value.quantity("tea") == 1)
        try await bed.signIn(tote)
        #expect(await tote.cart().value.quantity("latte") == 1)
        #expect(await tote.cart().value.quantity("tea") == 1)
    }

    @Test func `after a relaunch the account's documents show without a network`() async throws {
        let bed = try TestBed()
        var tote = try bed.open()
        try await bed.signIn(tote)
        try await tote.cart().add("latte")
        await tote.close()
        tote = try bed.open()
        #expect(await tote.isSignedIn)
        #expect(await tote.status == .starting)
        #expect(await tote.cart().value.quantity("latte") == 1)
        await #expect(throws: ToteError.self) { try await tote.syncOnce() }
    }

    @Test func `the space in the path is percent-encoded`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        try await bed.signIn(tote, "é")
        #expect(try await tote.syncOnce().isComplete)
        #expect(await bed.server.seen.first?.path == "/v1/spaces/customer:%C3%A9/sync")
    }

    @Test func `a directory that is open is refused`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        #expect { try bed.open() } throws: { ($0 as? ToteError)?.code == .storage }
        await tote.close()
        _ = try bed.open()
        await #expect(throws: ToteError.self) { try await tote.cart().add("latte") }
    }
}
