import Testing
import ToteClient
import ToteTesting

/// The world that apps test against: it does what it says, and the same again.
struct TestWorldTests {
    @Test func `the same seed draws the same ids, another one others`() async throws {
        func order(_ seed: UInt64) async throws -> OrderID {
            let world = try await TestWorld(seed: seed)
            let phone = try await world.device("phone")
            try await phone.tote.cart().add("croissant")
            return try await phone.tote.cart().place(OrderRequest(store: TestWorld.store)).order
        }
        let first = try await order(7)
        #expect(try await order(7) == first)
        #expect(try await order(8) != first)
    }

    @Test func `two devices of a customer agree, another customer sees nothing`() async throws {
        let world = try await TestWorld()
        let phone = try await world.device("phone")
        let tablet = try await world.device("tablet")
        let other = try await world.device("other", customer: "bob")
        try await phone.tote.cart().add("croissant", quantity: 2)
        try await phone.sync()
        try await tablet.sync()
        try await other.sync()
        #expect(await tablet.tote.cart().value.lines.map(\.quantity) == [2])
        #expect(await other.tote.cart().value.lines.isEmpty)
    }

    @Test(arguments: [
        LocalServer.Fault.lost, .replyLost, .answer(TransportResponse(status: 502)),
        .answer(TransportResponse(status: 200, body: Array("<html>sign in</html>".utf8))),
    ])
    func `whatever a network does, an edit arrives once`(fault: LocalServer.Fault) async throws {
        let world = try await TestWorld()
        let phone = try await world.device("phone")
        try await phone.tote.cart().add("croissant")
        phone.network.fail(fault, fault)
        #expect(try await phone.sync().isComplete)
        let tablet = try await world.device("tablet")
        #expect(await tablet.tote.cart().value.lines.map(\.quantity) == [1])
    }

    @Test func `an order is handed over once, and the counter hears why not`() async throws {
        let world = try await TestWorld()
        let phone = try await world.device("phone")
        try await phone.tote.cart().add("croissant")
        let order = try await phone.tote.cart().place(OrderRequest(store: TestWorld.store)).order
        try await phone.sync()
        try await world.counter.ready(order)
        try await world.counter.handOver(order)
        let refusal = await #expect(throws: LocalServer.Refusal.self) {
            try await world.counter.handOver(order)
        }
        #expect(refusal?.code == "already_collected")
        try await phone.sync()
        #expect(await phone.tote.orders.map(\.state) == [.collected])
    }

    @Test func `an order that nobody collects expires when its time is over`() async throws {
        let world = try await TestWorld()
        let phone = try await world.device("phone")
        try await phone.tote.cart().add("croissant")
        let order = try await phone.tote.cart().place(OrderRequest(store: TestWorld.store)).order
        try await phone.sync()
        try await world.counter.ready(order)
        try await world.advance(by: .seconds(86_400))
        try await phone.sync()
        #expect(await phone.tote.orders.map(\.state) == [.expired])
    }
}
