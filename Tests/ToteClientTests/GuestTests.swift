import Foundation
import Testing
import ToteClient
import ToteTesting

@Suite(.timeLimit(.minutes(5))) struct GuestTests {
    @Test func `a guest's documents survive a relaunch`() async throws {
        let bed = try TestBed()
        var tote = try bed.open()
        try await tote.cart().add("latte", quantity: 2, options: ["size": "L"])
        #expect(await tote.status == .signedOut)
        await tote.close()
        tote = try bed.open()
        let lines = await tote.cart().value.lines
        #expect(lines == [CartLine(name: LineName("latte", options: ["size": "L"]), quantity: 2)])
        #expect(await tote.unsentCount == 1)
    }

    @Test func `signing in takes in what the guest made, once, with its receipts`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let id = try #require(try await tote.cart().add("latte"))
        try await tote.cart().add("muffin")
        try await bed.signIn(tote)
        #expect(await tote.cart().value.lines.count == 2)
        #expect(try await tote.receipt(id)?.label == "add 1 latte")
        #expect(try bed.files("a").filter { $0.hasPrefix("guest") }.isEmpty)
        let report = try await tote.syncOnce()
        #expect(report.isComplete)
        #expect(try await tote.settled(id).state == .accepted)
        #expect(try await bed.server.judged("ada").values.sorted() == [1, 1, 1, 1])
        let joined = try #require(await tote.joins.first)
        #expect(joined.policy == .union && joined.lines.map(\.brought) == [1, 1])
        #expect(joined.lines.allSatisfy { $0.had == 0 && $0.kept == 1 && $0.limit == nil })
        // A second sign-in has nothing to take in.
        try await bed.signIn(tote)
        #expect(await tote.cart().value.quantity("latte") == 1)
    }

    @Test(arguments: [false, true])
    func `a crash between taking in and removing doubles nothing`(
        hasSynced: Bool
    ) async throws {
        let bed = try TestBed()
        var tote = try bed.open()
        try await tote.cart().add("latte", quantity: 3)
        try await tote.cart().setQuantity(5, of: "latte")
        await tote.close()
        // What the directory would hold had the device died before the guest's file was removed.
        let guest = bed.directory("a") + "/guest-1.sqlite"
        let kept = try Data(contentsOf: URL(filePath: guest))
        let record = bed.directory("a") + "/installation.sqlite"
        tote = try bed.open()
        try await bed.signIn(tote)
        if hasSynced { _ = try await tote.syncOnce() }
        await tote.close()
        try kept.write(to: URL(filePath: guest))
        try await unfinish(record, customer: "ada")

        tote = try bed.open()
        #expect(await tote.cart().value.quantity("latte") == 5)
        #expect(!FileManager.default.fileExists(atPath: guest))
        try await bed.signIn(tote)
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.cart().value.quantity("latte") == 5)
        #expect(try await bed.server.judged("ada").values.sorted() == [1, 1, 1, 1])
    }

    @Test func `what one account took in goes to no other after a crash`() async throws {
        let bed = try TestBed()
        var tote = try bed.open()
        try await tote.cart().add("latte")
        await tote.close()
        let guest = bed.directory("a") + "/guest-1.sqlite"
        let kept = try Data(contentsOf: URL(filePath: guest))
        tote = try bed.open()
        try await bed.signIn(tote, "ada")
        await tote.close()
        try kept.write(to: URL(filePath: guest))
        try await unfinish(bed.directory("a") + "/installation.sqlite", customer: "ada")
        tote = try bed.open()
        try await bed.signIn(tote, "bob")
        #expect(await tote.cart().value.lines.isEmpty)
    }

    @Test func `a guest who made more than fits waits until the account has sent`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        for _ in 0..<300 { try await tote.cart().add("latte") }
        try await tote.signOut()
        for _ in 0..<300 { try await tote.cart().add("latte") }
        try await bed.signIn(tote)
        #expect(await tote.cart().value.quantity("latte") == 300)
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.cart().value.quantity("latte") == 600)
        #expect(try await bed.server.judged("ada").count == 602)
        #expect(try bed.files("a").filter { $0.hasPrefix("guest") }.isEmpty)
    }

    @Test func `a guest who waits for one account is taken in by no other`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        for _ in 0..<300 { try await tote.cart().add("latte") }
        try await tote.signOut()
        for _ in 0..<300 { try await tote.cart().add("latte") }
        try await bed.signIn(tote, "ada")
        try await bed.signIn(tote, "bob")
        #expect(await tote.cart().value.lines.isEmpty)
        try await bed.signIn(tote, "ada")
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.cart().value.quantity("latte") == 600)
    }

    @Test func `file names tell nothing about customers`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        try await bed.signIn(tote, "ada-lovelace")
        for file in try bed.files("a") { #expect(!file.contains("ada")) }
        let hex = try bed.files("a").first { $0.hasPrefix("account-") }
        #expect(hex?.hasPrefix("account-") == true)
    }

    @Test(arguments: ["", "a b", "a/b", "a\n", String(repeating: "x", count: 152)])
    func `an id that no space can have is refused, and the guest stays`(id: String) async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        await #expect {
            try await tote.signIn(customer: id, transport: bed.server) { nil }
        } throws: {
            ($0 as? ToteError)?.code == .invalidArgument
        }
        #expect(await !tote.isSignedIn)
    }
}
