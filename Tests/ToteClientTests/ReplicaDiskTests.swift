import Testing
import ToteClient
import ToteCore
import ToteSQLite
import ToteTesting

/// A device whose disk fails under it: what was saved is there, and what was not is nowhere.
@Suite(.timeLimit(.minutes(5))) struct ReplicaDiskTests {
    private static let path = "device"

    private static func replica(
        _ disk: SimulatedDisk, _ server: isolated TestServer
    ) throws -> Replica {
        try Replica(disk: disk, path: path, random: { [clock = server.clock] in clock.draw() })
    }

    private static func add(_ replica: Replica, _ server: isolated TestServer) throws {
        let writes = replica.view.adding(1, collection: "cart:main", item: "tea")
        _ = try replica.commit(writes, at: server.reading)
    }

    /// Found by a simulated day: a reply that could not be saved, on a disk that could not be read
    /// then either, left the memory half-changed, and the next request was cut from that. The
    /// server took the device for the copy of another. Nothing failed twice in a row before.
    @Test(arguments: 1...6)
    func `a reply that cannot be saved changes nothing, and is asked for again`(
        reads: Int
    ) async throws {
        let bed = try TestBed()
        try await bed.server.inside { server in
            let disk = SimulatedDisk()
            let replica = try Self.replica(disk, server)
            let secret = try server.mint("ada")
            try Self.add(replica, server)
            try server.settle(replica, secret, at: server.reading)
            try Self.add(replica, server)
            disk.failures[.sync] = .init(after: 1)
            disk.failures[.read] = .init(count: reads)
            for round in 0..<40 {
                try? Self.add(replica, server)
                _ = try? server.exchange(replica, secret, at: server.reading)
                if round == 20 { disk.failures = [:] }
            }
            let id = replica.id
            try server.settle(replica, secret, at: server.reading)
            #expect(replica.id == id, "nobody takes it for a copy")
            #expect(replica.outstandingCount == 0)
            let shown = replica.view.quantity("cart:main", "tea")
            #expect(shown > 30)
            // The server says so, and so does the file to the next start of the app.
            let other = try Replica(
                image: nil, random: { [clock = server.clock] in clock.draw() })
            try server.settle(other, secret, at: server.reading)
            #expect(other.view.quantity("cart:main", "tea") == shown)
            let again = try Self.replica(disk.restarted(), server)
            #expect(again.view.quantity("cart:main", "tea") == shown)
        }
    }

    /// Apps are killed, not closed: nobody wrote back their WAL.
    @Test func `the file of an app that is never closed does not grow without end`() async throws {
        let bed = try TestBed()
        try await bed.server.inside { server in
            var disk = SimulatedDisk()
            var largest = 0
            for _ in 0..<3 {
                let replica = try Self.replica(disk, server)
                for _ in 0..<900 {
                    let text = Value.text(String(repeating: "x", count: 200))
                    let writes = replica.view.registering(
                        text, Key("cart:main", "tea", Fields.note))
                    let nonce = try replica.commit(writes, at: server.reading)
                    if let nonce { _ = try replica.withdraw(nonce) }
                    largest = max(largest, disk.bytes(of: Self.path + "-wal")?.count ?? 0)
                }
                disk = disk.restarted()
            }
            #expect(largest > 1_000_000 && largest < 6_000_000)
            _ = try Self.replica(disk, server)
            #expect(disk.bytes(of: Self.path + "-wal")?.isEmpty ?? true)
        }
    }
}
