// The README shows the lines between the markers.
// snippet:begin
import Testing
import ToteClient
import ToteTesting

@Test func `an order placed in a dead spot arrives once`() async throws {
    let world = try await TestWorld()
    let phone = try await world.device("phone", customer: "ada")
    phone.network.isUp = false
    try await phone.tote.cart().add("croissant", quantity: 2)
    let order = try await phone.tote.cart().place(OrderRequest(store: TestWorld.store))
    #expect(try await phone.sync().unsentCount == 2)
    phone.network.isUp = true
    phone.network.fail(.replyLost)  // it arrives, and the phone is not told
    #expect(try await phone.sync().isComplete)
    try await world.counter.ready(order.order)
    try await phone.sync()
    #expect(await phone.tote.orders.map(\.state) == [.ready])
}
// snippet:end
