import Foundation
import Testing
import ToteClient
import ToteSQLite
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

    /// An account's file is there, and is to be removed: as when a process ended between.
    private func leave(_ bed: TestBed, _ files: String, in device: String) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: bed.directory(files))
        let name = try #require(
            names.first { $0.hasPrefix("account-") && $0.hasSuffix(".sqlite") })
        for suffix in ["", "-wal"] where names.contains(name + suffix) {
            try FileManager.default.copyItem(
                atPath: "\(bed.directory(files))/\(name)\(suffix)",
                toPath: "\(bed.directory(device))/\(name)\(suffix)")
        }
        try Database(path: bed.directory(device) + "/installation.sqlite").run(
            "INSERT INTO removals VALUES (?)",
            .text(String(name.dropFirst("account-".count).dropLast(".sqlite".count))))
    }

    @Test func `what could not be removed is removed at the next start, and nobody else's`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await write(tote)
        await tote.close()
        try bed.copy("a", to: "kept")
        let again = try bed.open()
        try await again.eraseAccount()
        try await bed.signIn(again, "bob")
        try await again.cart().add("tea")
        await again.close()
        try leave(bed, "kept", in: "a")
        #expect(try holds(bed, "a", "Kanarie"))
        let last = try bed.open()
        #expect(try !holds(bed, "a", "Kanarie"))
        #expect(await last.isSignedIn)
        #expect(await last.cart().value.quantity("tea") == 1)
    }

    @Test func `an account that is given up begins anew when it signs in`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await write(tote)
        await tote.close()
        try bed.copy("a", to: "kept")
        let again = try bed.open()
        try await again.eraseAccount()
        try await bed.signIn(again)
        #expect(await again.cart().value.lines.isEmpty, "what was here before is gone")
        try await again.cart().add("tea")
        await again.close()
        let last = try bed.open()
        #expect(await last.isSignedIn)
        #expect(await last.cart().value.quantity("tea") == 1)
    }

    @Test func `a look-up and the app's own backend tell it as well`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await write(tote)
        #expect(try await tote.syncOnce().isComplete)
        let other = try await bed.device("b")
        try await write(other)
        #expect(try await bed.server.erase("ada"))
        let error = await #expect(throws: ToteError.self) {
            _ = try await tote.olderOrders(before: 1_900_000_000_000)
        }
        #expect(error?.code == .customerErased)
        #expect(await tote.wasErased)
        #expect(await !tote.isSignedIn)
        #expect(try !holds(bed, "a", "Kanarie"))
        // After a relaunch the backend is asked for a token first, and is told itself.
        await other.close()
        let again = try bed.open("b")
        try await again.signIn(customer: "ada", transport: bed.server) {
            throw ToteError.customerErased
        }
        let second = await #expect(throws: ToteError.self) { try await again.syncOnce() }
        #expect(second?.code == .customerErased)
        #expect(await again.wasErased)
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
