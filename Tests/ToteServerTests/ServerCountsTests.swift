import Foundation
import Testing
import ToteCore
import ToteServer

/// What a server counts of its own work, for whoever watches it.
struct ServerCountsTests {
    @Test func `orders, points and rejections are counted once they are committed`() throws {
        let shop = try Shop()
        try shop.useProgramme()
        try shop.grant(60, reference: "g")
        try shop.grant(500, account: "card:EUR", reference: "p")
        var phone = TestDevice(1)
        let order = shop.tea()
        try shop.place(order, by: &phone, nonce: 1)
        let refused = try shop.place(shop.tea(total: 1), by: &phone, nonce: 2)
        try shop.step(order.order, "confirmed", "preparing", "ready")
        let counts = shop.server.server.counts
        #expect(counts.batches == 2)
        #expect(counts.acceptedChanges == 1)
        #expect(counts.rejectedChanges == [try #require(refused?.code): 1])
        #expect(counts.orderSteps == [.placed: 1, .confirmed: 1, .preparing: 1, .ready: 1])
        #expect(counts.points[.grant] == .init(count: 1, units: 60))
        #expect(counts.card[.topUp] == .init(count: 1, units: 500))
    }

    @Test func `what is rolled back is not counted`() throws {
        let server = try TestServer()
        var phone = TestDevice(1)
        let bytes = Encoding.cbor.encode(phone.batch([Make.add(nonce: 1)]))
        let (_, _) = try server.attempt(server.request(bytes))
        #expect(server.server.counts == ServerCounts())
        try phone.push([Make.add(nonce: 1)], to: server)
        #expect(server.server.counts.acceptedChanges == 1)
    }

    @Test func `leases and what they hold are read from the file`() throws {
        let shop = try Shop()
        try shop.useProgramme()
        try shop.grant(100, reference: "g")
        var phone = TestDevice(1)
        let intent = Intent.lease(
            LeaseIntent(
                lease: LeaseID(high: 1, low: 1), account: .points, amount: try #require(Amount(40))
            ))
        try phone.push([shop.change(intent, nonce: 1)], to: shop.server)
        try TemporaryDirectory.with { directory in
            let path = directory + "/tote.db"
            try Data(shop.server.store.image()).write(to: URL(fileURLWithPath: path))
            let figures = try FileFigures.read(path: path)
            #expect(figures.deviceLeases == .init(open: 1, held: 40))
            #expect(figures.storeLeases == .init())
            #expect(figures.webhookQueue == 0)
        }
    }
}
