import Foundation
import Testing
import ToteClient
import ToteSQLite

@Suite(.timeLimit(.minutes(5))) struct StoreTests {
    private func path(_ bed: TestBed, _ prefix: String) throws -> String {
        let file = try #require(
            try bed.files("a").first { $0.hasPrefix(prefix) && $0.hasSuffix(".sqlite") })
        return bed.directory("a") + "/" + file
    }

    @Test(arguments: ["guest", "installation"])
    func `a file that is no database is refused and left as it is`(name: String) async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        try await tote.cart().add("latte")
        await tote.close()
        let path = try path(bed, name)
        let noise = Data((0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) })
        for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
        }
        try noise.write(to: URL(filePath: path))
        #expect { try bed.open() } throws: { ($0 as? ToteError)?.code == .storeUnusable }
        #expect(try Data(contentsOf: URL(filePath: path)) == noise)
    }

    @Test(arguments: ["guest", "installation"])
    func `a file of a newer version is refused and left as it is`(name: String) async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        try await tote.cart().add("latte")
        await tote.close()
        let path = try path(bed, name)
        do {
            let database = try Database(path: path)
            try database.execute("PRAGMA user_version=99")
            try database.checkpoint(truncating: true)
        }
        let before = try Data(contentsOf: URL(filePath: path))
        #expect { try bed.open() } throws: { ($0 as? ToteError)?.code == .storeTooNew }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
    }

    @Test func `a file of version 1 goes on with all that it has`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        try await tote.cart().add("latte")
        await tote.close()
        let path = try path(bed, "guest")
        do {
            let database = try Database(path: path)
            try database.execute("DROP TABLE redeemer; DROP TABLE taken; PRAGMA user_version=1")
        }
        let again = try bed.open()
        #expect(await again.cart().value.quantity("latte") == 1)
        #expect(await again.unsentCount == 1)
        await again.close()
        let database = try Database(path: path)
        #expect(try database.schemaVersion() == 2)
        #expect(try database.row("SELECT count(*) FROM taken") { $0.int(0) } == 0)
    }

    @Test func `an account's damaged file leaves the guest's documents showing`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await tote.signOut()
        try await tote.cart().add("tea")
        let path = try path(bed, "account")
        for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
        }
        try Data(repeating: 0x55, count: 8_192).write(to: URL(filePath: path))
        await #expect { try await bed.signIn(tote) } throws: {
            ($0 as? ToteError)?.code == .storeUnusable
        }
        #expect(await !tote.isSignedIn)
        #expect(await tote.cart().value.quantity("tea") == 1)
    }

    @Test func `a change beyond a limit is refused with the rule, and nothing is saved`()
        async throws
    {
        let bed = try TestBed()
        let tote = try bed.open()
        await #expect {
            try await tote.cart().setNote(String(repeating: "x", count: 5_000))
        } throws: {
            ($0 as? ToteError)?.rejection?.code == "value_too_large"
        }
        await #expect(throws: ToteError.self) {
            try await tote.cart().add("latte", quantity: 1_000_000_001)
        }
        #expect(await tote.unsentCount == 0)
        #expect(try await tote.receipts().isEmpty)
    }
}
