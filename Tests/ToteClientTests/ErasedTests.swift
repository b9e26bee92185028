import Foundation
import Testing
import ToteClient
import ToteTesting

/// A customer is erased at the server: their devices are told, and hold nothing of them.
@Suite(.timeLimit(.minutes(5))) struct ErasedTests {
    /// Whether a word is in any file of a device.
    private func holds(_ bed: TestBed, _ device: String, _ word: String) throws -> Bool {
        let files = try #require(FileManager.default.enumerator(atPath: bed.directory(device)))
        for case let name as String in files {
            let bytes = try Data(
                contentsOf: URL(fileURLWithPath: bed.directory(device) + "/" + name))
            if bytes.range(of: Data(word.utf8)) != nil { return true }
        }
        return false
    }

    private func write(_ tote: Tote) async throws {
        try await tote.cart().add("latte")
        try await tote.cart().setNote("Kanarie", of: "latte")
    }

    @Test func `a device in touch holds nothing as soon as it is told`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await write(tote)
        await tote.start()
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        #expect(try holds(bed, "a", "Kanarie"))
        #expect(try await bed.server.erase("ada"))
        _ = await first(of: tote.statusUpdates) { $0 == .signedOut }
        #expect(await tote.wasErased)
        #expect(await !tote.isSignedIn)
        #expect(await tote.cart().value.lines.isEmpty)
        #expect(try !holds(bed, "a", "Kanarie"))
        // Somebody else goes on here.
        try await bed.signIn(tote, "bob")
        #expect(await !tote.wasErased)
        try await tote.cart().add("tea")
        #expect(try await tote.syncOnce().isComplete)
    }

    @Test func `one that was offline is told when it next asks`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await write(tote)
        #expect(try await tote.syncOnce().isComplete)
        try await tote.cart().setNote("Kanarie, unsent", of: "latte")
        #expect(try await bed.server.erase("ada"))
        #expect(await tote.cart().value.lines.count == 1, "it cannot know")
        let error = await #expect(throws: ToteError.self) { try await tote.syncOnce() }
        #expect(error?.code == .customerErased)
        #expect(await tote.wasErased)
        #expect(try !holds(bed, "a", "Kanarie"))
        #expect(try await bed.server.judged("ada").isEmpty)
    }

    @Test func `what a guest made that was to join goes as well, another's stays`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        try await bed.signIn(tote, "bob")
        try await tote.cart().add("tea")
        try await tote.cart().setNote("Bob's own", of: "tea")
        try await tote.signOut()
        try await write(tote)
        #expect(try holds(bed, "a", "Kanarie"))
        let secret = try await bed.server.mint("ada")
        #expect(try await bed.server.erase("ada"))
        try await tote.signIn(customer: "ada", transport: bed.server) { AccessToken(secret) }
        await #expect(throws: ToteError.self) { try await tote.syncOnce() }
        #expect(try !holds(bed, "a", "Kanarie"))
        #expect(try holds(bed, "a", "Bob's own"))
        try await bed.signIn(tote, "bob")
        #expect(try await tote.syncOnce().isComplete)
    }

    @Test func `an app that was ended between erases when it is next opened`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await write(tote)
        let files = try FileManager.default.contentsOfDirectory(atPath: bed.directory("a"))
        let account = try #require(
            files.first { $0.hasPrefix("account-") && $0.hasSuffix("sqlite") })
        // The file cannot be removed just now: there is a directory in its place.
        await tote.close()
        try bed.copy("a", to: "b")
        let again = try bed.open("b")
        try await bed.signIn(again)
        let path = bed.directory("b") + "/" + account
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try "Kanarie".write(toFile: path + "/x", atomically: true, encoding: .utf8)
        try await again.eraseAccount()
        #expect(await !again.isSignedIn)
        await again.close()
        let last = try bed.open("b")
        #expect(await !last.isSignedIn)
        #expect(try !holds(bed, "b", "Kanarie"))
    }

    @Test func `a user is forgotten on one device alone`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        let other = try await bed.device("other")
        try await write(tote)
        #expect(try await tote.syncOnce().isComplete)
        try await tote.eraseAccount()
        #expect(await !tote.wasErased)
        #expect(try !holds(bed, "a", "Kanarie"))
        #expect(try await other.syncOnce().isComplete)
        #expect(await other.cart().value.lines.count == 1)
        let error = await #expect(throws: ToteError.self) { try await tote.eraseAccount() }
        #expect(error?.code == .signedOut)
    }
}
