import Testing
import ToteClient
import ToteTesting

/// Which store an app is told to go to, by what its device has.
@Suite(.timeLimit(.minutes(5))) struct StoreChoiceTests {
    private let paris = GeoPoint(latitude: 48_860_000, longitude: 2_350_000)
    private let tokyo = GeoPoint(latitude: 35_680_000, longitude: 139_760_000)

    @Test func `the nearest store that has the cart is chosen without a network`() async throws {
        let world = try await TestWorld()
        let phone = try await world.device("phone")
        try await phone.tote.refreshSlots()
        try await phone.tote.cart().add("croissant")
        phone.network.isUp = false
        let near = try await phone.tote.stores(near: paris)
        #expect(
            near.map(\.store.id) == ["paris-republique", "new-york-bleecker", "tokyo-daikanyama"])
        #expect(near[0].metres.map { (500..<2_000).contains($0) } == true)
        #expect(near.allSatisfy { $0.obstacle == nil && $0.pickupAt != nil })
        let far = try await phone.tote.stores(near: tokyo)
        #expect(far.first?.store.id == "tokyo-daikanyama")
        // Not to be had there: behind those that are farther, with what is in the way.
        try await phone.tote.cart().add("quiche")
        let last = try #require(try await phone.tote.stores(near: tokyo).last)
        #expect(last.store.id == "tokyo-daikanyama" && last.pickupAt == nil)
        #expect(last.obstacle?.code == "sold_out" && last.obstacle?.lines == [LineName("quiche")])
    }

    @Test func `no point is off the earth, and a distance is the same both ways`() throws {
        #expect(GeoPoint(latitude: 90_000_001, longitude: 0) == nil)
        #expect(GeoPoint(latitude: 0, longitude: -180_000_001) == nil)
        let (a, b) = (try #require(paris), try #require(tokyo))
        #expect(a.metres(to: b) == b.metres(to: a) && a.metres(to: a) == 0)
        // 9,713 km by other sources for these cities.
        #expect((9_650_000...9_780_000).contains(a.metres(to: b)))
    }
}
