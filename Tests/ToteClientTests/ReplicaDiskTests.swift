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

    /// Found by a simulated day: a guest's first change was in, the next ones were not, and named
    /// one that had been sent by the time they were.
    @Test func `a guest is taken in as a whole or not at all, wherever the disk fails`()
        async throws
    {
        let bed = try TestBed()
        try await bed.server.inside { server in
            let random: () -> UInt64 = { [clock = server.clock] in clock.draw() }
            let guest = try Replica(image: nil, random: random)
            for _ in 0..<5 { try Self.add(guest, server) }
            var whole = 0
            for operation in SimulatedDisk.Operation.allCases {
                for after in 0..<40 {
                    let disk = SimulatedDisk()
                    let replica = try Self.replica(disk, server)
                    try Self.add(replica, server)
                    disk.failures[operation] = .init(after: after, count: 1)
                    try? replica.adopt(guest, carts: .union)
                    disk.failures = [:]
                    // Its user goes on, and the app starts anew.
                    let again = try Self.replica(disk.restarted(), server)
                    #expect([1, 6].contains(again.view.quantity("cart:main", "tea")))
                    if again.outstandingCount > 1 { whole += 1 }
                    try again.adopt(guest, carts: .union)
                    #expect(again.view.quantity("cart:main", "tea") == 6)
                }
            }
            #expect(whole > 0)
        }
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

    /// The pages that came are in memory alone, and go with a transaction that fails: the last one
    /// must not be taken for all of them.
    @Test func `a page of a snapshot whose others are lost is not taken for the whole`() throws {
        let disk = SimulatedDisk()
        let replica = try Replica(disk: disk, path: Self.path, random: { 7 })
        let reading = ClockReading(wallMilliseconds: 1_000, uptimeMilliseconds: 1_000, bootID: 1)
        func page(_ item: Name, next: UInt64?) -> [UInt8] {
            var documents = Documents()
            documents.insert(
                Cell(dot: Dot(ReplicaID(9), next ?? 5), time: .zero, payload: .delta(1)),
                at: Key("cart:main", item, Fields.quantity))
            var reply = SyncReply(
                cursor: Cursor(epoch: 3, position: 10), serverTime: Timestamp(milliseconds: 2_000))
            reply.snapshot = Snapshot(position: 10, documents: documents, next: next)
            reply.hasMore = next != nil
            return Encoding.cbor.encode(reply)
        }
        @discardableResult
        func receive(_ body: [UInt8], to outgoing: Outgoing) throws -> ReplyOutcome {
            try replica.receive(
                status: 200, body: body, isProblem: false, to: outgoing, at: reading)
        }
        try receive(page("tea", next: 1), to: try replica.pullRequest())
        let second = try replica.pullRequest()
        #expect(second.request.page != nil)
        disk.failures[.write] = .init(count: 1)
        let writes = replica.view.adding(1, collection: "cart:main", item: "mug")
        #expect(throws: ToteError.self) { try replica.commit(writes, at: reading) }
        let outcome = try receive(page("latte", next: nil), to: second)
        #expect(outcome == .progress(isCurrent: false), "nobody is told that all is there")
        #expect(replica.view.quantity("cart:main", "latte") == 0)
        // All of it is asked for anew, and is there then.
        try receive(page("tea", next: 1), to: try replica.pullRequest())
        try receive(page("latte", next: nil), to: try replica.pullRequest())
        #expect(replica.view.quantity("cart:main", "latte") == 1)
        #expect(replica.view.quantity("cart:main", "tea") == 1)
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
