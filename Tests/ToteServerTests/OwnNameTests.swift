import Testing
import ToteCore
import ToteServer

/// The server's replica id is its epoch, which anybody can read in the handshake.
struct OwnNameTests {
    @Test func `nobody pushes under the server's own id`() throws {
        let server = try TestServer()
        let before = try server.dump()
        var device = TestDevice(server.epoch)
        #expect(try device.push([Make.add(nonce: 1)], to: server).code == "replica_forked")
        #expect(try server.dump() == before)
    }

    @Test func `nobody resends under the server's own id, at the end of counters least of all`()
        throws
    {
        let old = try TestServer()
        var device = TestDevice(1)
        _ = try device.push([Make.add(nonce: 1)], to: old)
        let server = try old.reopened(isBackup: true)
        let before = try server.dump()
        for counter in [1, UInt64(Limits.integerMax) - 1] {
            var request = SyncRequest(
                replica: ReplicaID(9), cursor: Cursor(epoch: server.epoch, position: 0))
            let dot = Make.dot(server.epoch, counter)
            request.resend = [
                Run(
                    replica: dot.replica, counter: counter,
                    events: [
                        Event(dot: dot, change: Make.add(nonce: 77), outcome: .accepted)
                    ])
            ]
            #expect(try server.send(request).code == "malformed")
        }
        #expect(try server.dump() == before)
        #expect(try server.faults() == [])
    }
}
