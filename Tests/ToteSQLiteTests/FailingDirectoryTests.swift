import CSQLite
import FoundationEssentials
import Testing
import ToteSQLite

/// The real SQLite on this machine's files, in a directory whose disk fails as told.
struct FailingDirectoryTests {
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.path + "/tote-\(UUID().uuidString)"
        let disk: FailingDirectory
        var file: String { path + "/file" }

        init() throws {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            disk = FailingDirectory(path)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        /// The power goes, and comes back.
        func losePower(_ random: () -> UInt64) throws {
            let unsynced = disk.unsynced
            var there: [String: [UInt8]] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: path) {
                let file = path + "/" + name
                let bytes = try [UInt8](Data(contentsOf: URL(filePath: file)))
                there[file] = unsynced[file]?.remains(of: bytes, random) ?? bytes
            }
            // What an end in good order would write back is undone.
            close()
            for (file, bytes) in there { try Data(bytes).write(to: URL(filePath: file)) }
            disk.unsynced = [:]
        }

        private var handle: OpaquePointer?

        func close() {
            sqlite3_close(handle)
            handle = nil
        }

        func open(syncs: Bool) {
            let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            sqlite3_open_v2(file, &handle, flags, FailingDirectory.name)
            run("PRAGMA journal_mode=WAL")
            run("PRAGMA wal_autocheckpoint=0")
            run("PRAGMA synchronous=\(syncs ? "FULL" : "OFF")")
            run("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, value)")
        }

        @discardableResult
        func run(_ sql: String) -> Int32 { sqlite3_exec(handle, sql, nil, nil, nil) }

        /// How many rows there are; `nil` in a file that is not sound.
        var count: Int? {
            guard text("PRAGMA integrity_check") == "ok" else { return nil }
            return text("SELECT count(*) FROM t").flatMap { Int($0) }
        }

        private func text(_ sql: String) -> String? {
            var statement: OpaquePointer?
            sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
            defer { sqlite3_finalize(statement) }
            guard sqlite3_step(statement) == SQLITE_ROW else { return nil }
            return sqlite3_column_text(statement, 0).map { String(cString: $0) }
        }
    }

    private static func insert(_ id: Int, _ bits: inout UInt64) -> String {
        bits ^= bits << 13
        bits ^= bits >> 7
        bits ^= bits << 17
        return "INSERT INTO t VALUES (\(id), zeroblob(\(bits % 9_000)))"
    }

    @Test(arguments: 1...12)
    func `what was committed is there after the power failed`(seed: UInt64) throws {
        var bits = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        var random = SystemRandomNumberGenerator()
        let folder = try Folder()
        var kept = 0
        for _ in 0..<6 {
            folder.open(syncs: true)
            #expect(folder.count == kept)
            for _ in 0..<6 {
                #expect(folder.run(Self.insert(kept, &bits)) == SQLITE_OK)
                kept += 1
                if bits % 5 == 0 { folder.run("PRAGMA wal_checkpoint(TRUNCATE)") }
            }
            folder.run("BEGIN; \(Self.insert(kept, &bits))")
            try folder.losePower { random.next() }
        }
        folder.open(syncs: true)
        #expect(folder.count == kept)
        folder.close()
    }

    /// Shows that it does lose.
    @Test func `what was never synced is lost`() throws {
        var random = SystemRandomNumberGenerator()
        var bits: UInt64 = 77
        var losses = 0
        for _ in 0..<12 {
            let folder = try Folder()
            folder.open(syncs: false)
            for id in 0..<20 { folder.run(Self.insert(id, &bits)) }
            try folder.losePower { random.next() }
            folder.open(syncs: false)
            if folder.count != 20 { losses += 1 }
            folder.close()
        }
        #expect(losses >= 10)
    }

    @Test func `a full disk refuses, and goes on when there is room`() throws {
        var bits: UInt64 = 5
        let folder = try Folder()
        folder.open(syncs: true)
        folder.run(Self.insert(0, &bits))
        folder.disk.failures[.write] = .init(count: .max, isFull: true)
        #expect(folder.run(Self.insert(1, &bits)) == SQLITE_FULL)
        folder.disk.failures = [:]
        #expect(folder.run(Self.insert(1, &bits)) == SQLITE_OK)
        #expect(folder.count == 2)
        folder.close()
    }

    /// Every operation of a run fails in turn, here alone.
    @Test(arguments: SimulatedDisk.Operation.allCases)
    func `a commit that succeeded stays, whichever operation fails`(
        operation: SimulatedDisk.Operation
    ) throws {
        var random = SystemRandomNumberGenerator()
        let other = try Folder()
        var failed = 0
        for after in 0..<200 {
            var bits: UInt64 = 9
            let folder = try Folder()
            folder.open(syncs: true)
            folder.disk.failures[operation] = .init(after: after)
            var kept = 0
            for id in 0..<8 where folder.run(Self.insert(id, &bits)) == SQLITE_OK { kept += 1 }
            guard folder.disk.failureCount > 0 else { break }
            failed += 1
            folder.disk.failures = [:]
            try folder.losePower { random.next() }
            folder.open(syncs: true)
            let found = try #require(folder.count)
            #expect(kept <= found && found <= kept + 1, "after \(after)")
            folder.close()
        }
        #expect(operation == .read || failed > 4)
        #expect(other.disk.failureCount == 0)
    }
}
