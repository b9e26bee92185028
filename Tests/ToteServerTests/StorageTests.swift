import Foundation
import Testing
import ToteCore
import ToteSQLite
import ToteServer

struct StorageTests {
    /// A file with a server's history in it: two spaces' worth of batches, a rejection, an alias.
    private func history() throws -> TestServer {
        let server = try TestServer()
        var (one, two) = (TestDevice(1), TestDevice(2))
        try one.push([Make.add(nonce: 1), Make.add(0, nonce: 2)], to: server)
        try one.push([Make.add(3, nonce: 3)], to: server)
        two.formerly = [ReplicaID(1)]
        try two.push([Make.add(3, nonce: 3), Make.add(nonce: 4)], to: server)
        try two.push([Make.erase([Make.dot(1, 1)], nonce: 5)], to: server)
        return server
    }

    private func write(_ server: TestServer, to path: String) throws {
        try Data(server.store.image()).write(to: URL(fileURLWithPath: path))
    }

    private func edited(_ server: TestServer, _ edit: (Database) throws -> Void) throws -> [String]
    {
        try TemporaryDirectory.with { directory in
            let path = directory + "/t.sqlite"
            try write(server, to: path)
            do {
                var options = Database.Options()
                options.syncsEveryCommit = false
                let database = try Database(path: path, options: options)
                try edit(database)
                try database.checkpoint(truncating: true)
            }
            return try Verifier.verify(path: path).faults
        }
    }

    /// What a server answers to a script of pushes and retries.
    private func transcript(reopening: Bool) throws -> [String] {
        var server = try TestServer()
        var devices = [TestDevice(1), TestDevice(2), TestDevice(3)]
        devices[2].formerly = [ReplicaID(1)]
        let random = TestRandom(seed: 4)
        var lines: [String] = []
        for step in 0..<60 as Range<UInt64> {
            let index = random.below(3)
            let cells = try server.documents().cells(Make.key).map(\.dot).sorted()
            let change =
                random.below(3) == 0
                ? Make.erase(Array(cells.prefix(2)), nonce: 100 + step)
                : Make.add(Int64(random.below(4)), nonce: 100 + step)
            let answer = try devices[index].push([change], to: server)
            var reply = try #require(answer.reply)
            // Of the tickets, which are random, only that there is one.
            reply.ticket = reply.ticket.map { _ in 1 }
            lines.append("\(reply)")
            if reopening { server = try server.reopened() }
            if step % 7 == 0, let last = devices[index].last {
                #expect(try server.send(last).reply?.fates == reply.fates)
            }
        }
        return lines
    }

    @Test func `a server that is opened again after every request answers the same`() throws {
        let once = try transcript(reopening: false)
        #expect(try transcript(reopening: true) == once)
    }

    @Test func `the verifier says nothing on a clean file`() throws {
        let server = try history()
        #expect(try server.faults() == [])
        try server.inGroup { try server.server.sweepAll(at: server.now) }
        #expect(try server.faults() == [])
        var device = TestDevice(7)
        try device.push([Make.add(nonce: 70)], to: server)
        #expect(try server.faults() == [])
        #expect(try edited(server) { _ in } == [])
    }

    @Test func `a client that uses a nonce twice does not make a file faulty`() throws {
        let server = try TestServer()
        var (one, two) = (TestDevice(1), TestDevice(2))
        try one.push([Make.add(nonce: 1), Make.add(nonce: 1)], to: server)
        try two.push([Make.add(nonce: 1)], to: server)
        #expect(try server.faults() == [], "or every backup of everybody would fail from now on")
    }

    @Test(arguments: [
        "DELETE FROM log WHERE id = (SELECT max(id) FROM log)",
        "DELETE FROM log WHERE id = (SELECT min(id) FROM log)",
        "DELETE FROM log WHERE replica = 2 AND counter = 1",
        "UPDATE log SET position = position + 1 WHERE id = (SELECT max(id) FROM log)",
        "UPDATE log SET replica = 9 WHERE id = (SELECT max(id) FROM log)",
        "UPDATE log SET body = substr(body, 1, length(body) - 1) "
            + "WHERE id = (SELECT max(id) FROM log)",
        "UPDATE log SET body = x'00' WHERE id = (SELECT min(id) FROM log)",
        "DELETE FROM replicas WHERE replica = 2", "DELETE FROM meta WHERE name = 'epoch'",
        "UPDATE spaces SET number = 5; UPDATE replicas SET space = 5",
        "UPDATE tokens SET grants = 'x'", "UPDATE tokens SET role = 'root'",
    ])
    func `the verifier finds what was changed behind the server's back`(sql: String) throws {
        let server = try history()
        let faults = try edited(server) {
            try $0.execute("PRAGMA foreign_keys=OFF")
            try $0.execute(sql)
        }
        #expect(!faults.isEmpty)
    }

    @Test(arguments: [
        "UPDATE snapshots SET position = position - 1",
        "UPDATE replicas SET counter = counter + 1 WHERE replica = 1",
        "UPDATE replicas SET counter = counter - 1 WHERE replica = 1",
        "UPDATE snapshots SET body = (SELECT body FROM log LIMIT 1)",
    ])
    func `the verifier finds a snapshot that is not the log's`(sql: String) throws {
        let server = try history()
        try server.inGroup { try server.server.sweepAll(at: server.now) }
        #expect(try !edited(server) { try $0.execute(sql) }.isEmpty)
    }

    @Test func `the verifier finds a snapshot in which one quantity is another`() throws {
        let server = try history()
        try server.inGroup { try server.server.sweepAll(at: server.now) }
        let faults = try edited(server) { database in
            let body = try #require(
                try database.row("SELECT body FROM snapshots") { $0.blob(0) })
            var snapshot = try Encoding.cbor.snapshot(body)
            let cell = Cell(dot: Make.dot(9, 1), time: .zero, payload: .delta(9))
            snapshot.documents.insert(cell, at: Make.key)
            try database.run(
                "UPDATE snapshots SET body = ?", .blob(Encoding.cbor.encode(snapshot)))
        }
        #expect(!faults.isEmpty)
    }

    /// Puts another run in the place of a stored one, as whoever forges knows how to.
    private func forge(in server: TestServer, _ edit: @Sendable (inout Run) -> Void) throws
        -> [String]
    {
        try edited(server) { database in
            let body = try #require(
                try database.row("SELECT body FROM log WHERE replica = 1 AND counter = 3") {
                    $0.blob(0)
                })
            var run = try Encoding.cbor.run(body)
            edit(&run)
            try database.run(
                "UPDATE log SET body = ? WHERE replica = 1 AND counter = 3",
                .blob(Encoding.cbor.encode(run)))
        }
    }

    @Test func `the verifier finds another amount in the log`() throws {
        let faults = try forge(in: history()) { $0.events[0].change.writes[0].payload = .delta(4) }
        #expect(!faults.isEmpty)
    }

    @Test func `the verifier finds a fate that was forged`() throws {
        let server = try history()
        try server.inGroup { try server.server.sweepAll(at: server.now) }
        let faults = try forge(in: server) {
            $0.events[0].outcome = .rejected(Rejection(code: "not_allowed"))
            $0.events[0].change.writes = []
        }
        #expect(!faults.isEmpty)
    }

    @Test func `the verifier finds a flipped bit anywhere in a stored batch`() throws {
        var missed: [Int] = []
        let server = try history()
        let length = try #require(
            try server.store.database.row("SELECT length(body) FROM log WHERE counter = 3") {
                Int($0.int(0))
            })
        for index in 0..<length {
            let faults = try edited(server) { database in
                var body = try #require(
                    try database.row("SELECT body FROM log WHERE counter = 3") { $0.blob(0) })
                body[index] ^= 1
                try database.run("UPDATE log SET body = ? WHERE counter = 3", .blob(body))
            }
            if faults.isEmpty { missed.append(index) }
        }
        #expect(missed == [])
    }

    @Test func `a file of the first schema is brought forward and answers retries as before`()
        throws
    {
        try TemporaryDirectory.with { directory in
            let path = directory + "/t.sqlite"
            let server = try history()
            try server.inGroup { try server.server.sweepAll(at: server.now) }
            try write(server, to: path)
            do {
                // What the first schema did not have; a replica's row was always up to date.
                let database = try Database(path: path)
                let first = ["meta", "spaces", "log", "places", "snapshots", "replicas", "tokens"]
                let tables = try database.rows(
                    "SELECT name FROM sqlite_schema WHERE type = 'table'"
                ) { $0.text(0) }
                for table in tables where !first.contains(table) && !table.hasPrefix("sqlite_") {
                    try database.execute("DROP TABLE \(table)")
                }
                try database.execute("DROP INDEX tokens_by_time")
                try database.execute("ALTER TABLE log DROP COLUMN ticket")
                try database.execute("ALTER TABLE replicas DROP COLUMN position")
                try database.execute("PRAGMA user_version = 1")
                try database.checkpoint(truncating: true)
            }
            let store = try ServerStore(path: path)
            #expect(try store.database.schemaVersion() == Schema.currentVersion)
            #expect(try Verifier.verify(path: path).faults == [])
            // A file in memory has no WAL.
            try store.database.execute("PRAGMA journal_mode=DELETE")
            let migrated = try TestServer(image: store.image())
            migrated.adopt(server)
            var two = TestDevice(2)
            two.formerly = [ReplicaID(1)]
            let again = try two.push(
                [Make.add(3, nonce: 3), Make.add(nonce: 4)], to: migrated)
            #expect(again.reply?.fates.map(\.position) == [4, 5], "\(again)")
        }
    }

    @Test func `a replica's record survives in the log's rows alone`() throws {
        var server = try TestServer()
        var device = TestDevice(1)
        for nonce in 1...5 as ClosedRange<UInt64> {
            try device.push([Make.add(nonce: nonce)], to: server)
            let rows = try server.store.database.row("SELECT count(*) FROM replicas") { $0.int(0) }
            #expect(rows == 0, "nothing but the log was written")
            let last = try #require(device.last)
            server = try server.reopened()
            #expect(try server.send(last).reply?.ticket == device.ticket, "answered again")
        }
        try server.inGroup { try server.server.sweepAll(at: server.now) }
        server = try server.reopened()
        #expect(try server.send(try #require(device.last)).reply?.ticket == device.ticket)
        try device.push([Make.add(nonce: 6)], to: server)
        #expect(try server.quantity() == 6)
    }

    @Test func `a file of a newer schema is refused and left as it is`() throws {
        try TemporaryDirectory.with { directory in
            let path = directory + "/t.sqlite"
            try write(history(), to: path)
            do {
                let database = try Database(path: path)
                try database.execute("PRAGMA user_version = 99")
                try database.checkpoint(truncating: true)
            }
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            let refusal = StoreError.newerSchema(
                path: path, version: 99, known: Schema.currentVersion)
            #expect(throws: refusal) { try ServerStore(path: path) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        }
    }

    @Test func `a database of somebody else is refused and left as it is`() throws {
        try TemporaryDirectory.with { directory in
            for (name, sql) in [
                ("other", "PRAGMA application_id = 7"), ("plain", "CREATE TABLE t (a)"),
                ("versioned", "PRAGMA user_version = 1"),
            ] {
                let path = directory + "/\(name).sqlite"
                do {
                    let database = try Database(path: path)
                    try database.execute(sql)
                    try database.checkpoint(truncating: true)
                    try database.execute("PRAGMA journal_mode=DELETE")
                }
                let before = try Data(contentsOf: URL(fileURLWithPath: path))
                #expect(throws: StoreError.foreignFile(path: path)) { try ServerStore(path: path) }
                #expect(
                    try Data(contentsOf: URL(fileURLWithPath: path)) == before, "\(name) changed")
            }
            let path = directory + "/text"
            try Data("this is a diary, not a database, and longer than a header".utf8)
                .write(to: URL(fileURLWithPath: path))
            #expect(throws: StoreError.foreignFile(path: path)) { try ServerStore(path: path) }
            let after = try String(contentsOfFile: path, encoding: .utf8)
            #expect(after.hasPrefix("this is a diary"))
        }
    }

    @Test func `a backup of a live file is whole, marked, and opens as a new epoch`() throws {
        try TemporaryDirectory.with { directory in
            let path = directory + "/live.sqlite"
            let random = TestRandom(seed: 3)
            let store = try ServerStore(path: path)
            let server = try Server(store: store, random: { random.next() })
            try server.begin()
            var request = ServerRequest(
                method: "POST", path: ["v1", "admin", "tokens"], requestID: "r")
            request.isOperator = true
            request.body = Array(#"{"spaces":[{"space":"customer:c-1"}]}"#.utf8)
            _ = try server.handle(request, at: 5)
            try server.commit()
            try server.begin()
            // A group is under way: it is not in the backup.
            _ = try server.handle(request, at: 6)
            let target = directory + "/copy.sqlite"
            let report = try Backup.make(of: path, at: target)
            #expect(report.faults == [] && report.tokens == 1)
            try server.commit()
            #expect(try store.meta("is_backup") == 0)
            let copy = try ServerStore(path: target)
            #expect(try copy.meta("is_backup") == 1)
            let restored = try Server(store: copy, random: { random.next() })
            #expect(restored.epoch != server.epoch)
            #expect(try copy.meta("is_backup") == 0)
            #expect(throws: (any Error).self) { try Backup.make(of: path, at: target) }
        }
    }

    @Test func `a refused push on a space that was never used leaves no space behind`() throws {
        let server = try TestServer()
        let before = try server.dump()
        var gap = TestDevice(1)
        gap.counter = 5
        #expect(try gap.push([Make.add(nonce: 1)], to: server).code == "replica_forked")
        let after = try server.dump()
        #expect(after == before)
    }
}
