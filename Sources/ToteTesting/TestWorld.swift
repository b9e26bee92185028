#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif
public import ToteClient
internal import ToteCore
internal import ToteServer

/// A server, a café and devices for the tests of an app: the production code of all of them, in
/// this process, in virtual time, over networks that fail as the test says.
///
/// Nothing passes by itself: no time, until `advance(by:)`. The same seed draws the same ids. The
/// devices' files are in a temporary directory that goes away with the world.
public final class TestWorld: Sendable {
    /// The one clock of everything.
    public let clock: VirtualClock
    /// The server. Its own faults strike every device; a device's network is `TestDevice.network`.
    public let server: LocalServer
    /// A store of the café that `tote serve --demo` has too, always open.
    public static let store = "paris-republique"
    /// A counter of that store.
    public let counter: TestCounter
    private let root: URL

    /// A world whose café sells what `tote catalog show` of the demo lists.
    ///
    /// - Throws: when the files cannot be made.
    public init(seed: UInt64 = 1) async throws {
        clock = VirtualClock(seed: seed)
        server = try LocalServer(clock)
        root = FileManager.default.temporaryDirectory
            .appending(path: "tote-testing-\(UUID().uuidString)")
        try await server.openDemoCafe()
        counter = TestCounter(server: server, token: try await server.mintCounter(of: Self.store))
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    /// A customer's device: signed in, with the menu, and not syncing by itself until `start()`.
    public func device(_ name: String, customer: String = "ada") async throws -> TestDevice {
        let network = TestNetwork(server)
        let tote = try Tote(directory: root.appending(path: name).path, clock: clock.device())
        let secret = try await server.mint(customer)
        try await tote.signIn(customer: customer, transport: network) { AccessToken(secret) }
        let device = TestDevice(tote: tote, network: network, clock: clock)
        try await device.sync()
        try await tote.refreshCatalog()
        return device
    }

    /// Lets time pass, for the devices and for the server.
    public func advance(by duration: Duration) async throws {
        clock.advance(by: duration)
        try await server.runDue()
    }
}

/// A device of a `TestWorld`.
public struct TestDevice: Sendable {
    /// What the app holds.
    public let tote: Tote
    /// What is between it and the server.
    public let network: TestNetwork

    let clock: VirtualClock

    /// Sends and receives what there is, and lets the time pass that retries take: 25 s at most.
    ///
    /// - Returns: how far it came; a device without a network reports that nothing is complete.
    /// - Throws: as `Tote.syncOnce`.
    @discardableResult
    public func sync() async throws -> SyncReport {
        try await withThrowingTaskGroup(of: SyncReport?.self) { group in
            group.addTask { [tote] in try await tote.syncOnce() }
            group.addTask { [clock, network] in
                // Time stands while a request is under way: in here all are answered at once.
                while (try? await Task.sleep(for: .milliseconds(1))) != nil {
                    if !network.isBusy { clock.advance(by: .milliseconds(500)) }
                }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}

/// The counter of a store in a `TestWorld`.
public struct TestCounter: Sendable {
    let server: LocalServer
    let token: String

    /// Says that an order is ready; hands it over when that is said before.
    ///
    /// - Throws: `LocalServer.Refusal` when the store may not do that to the order now.
    public func ready(_ order: OrderID) async throws {
        try await server.step(order, to: "ready", token: token, store: TestWorld.store)
    }

    /// Hands a ready order over to the customer.
    ///
    /// - Throws: `LocalServer.Refusal`, `already_collected` at the second time.
    public func handOver(_ order: OrderID) async throws {
        try await server.handOver(order, token: token, store: TestWorld.store)
    }
}
