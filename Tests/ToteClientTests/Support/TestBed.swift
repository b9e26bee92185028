import Foundation
import Synchronization
import Testing
import ProtocolChecks
import ToteClient
import ToteTesting

typealias TestClock = VirtualClock
typealias TestServer = LocalServer

/// A server, a clock, and devices with directories of their own that go away with it.
final class TestBed: Sendable {
    let clock = TestClock()
    let server: TestServer
    let root: URL

    init() throws {
        server = try TestServer(clock, answered: APICheck.check)
        root = FileManager.default.temporaryDirectory.appending(path: "tote-\(UUID().uuidString)")
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func directory(_ device: String) -> String { root.appending(path: device).path }

    func open(_ device: String = "a") throws -> Tote {
        try Tote(directory: directory(device), clock: clock.device())
    }

    func signIn(_ tote: Tote, _ customer: String = "ada", write: [String] = ["*"]) async throws {
        let secret = try await server.mint(customer, write: write)
        try await tote.signIn(customer: customer, transport: server) { AccessToken(secret) }
    }

    /// A device of a customer, signed in and not syncing yet.
    func device(_ name: String, _ customer: String = "ada") async throws -> Tote {
        let tote = try open(name)
        try await signIn(tote, customer)
        return tote
    }

    /// Lets time pass in small steps until a call has returned that waits for it.
    func passing<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let isDone = Mutex(false)
        let task = Task {
            defer { isDone.withLock { $0 = true } }
            return try await body()
        }
        while !isDone.withLock({ $0 }) {
            clock.advance(by: .milliseconds(2))
            await Task.yield()
        }
        return try await task.value
    }

    /// Copies a device's directory, as a backup does; what was there is replaced.
    func copy(_ device: String, to other: String) throws {
        try? FileManager.default.removeItem(atPath: directory(other))
        try FileManager.default.copyItem(atPath: directory(device), toPath: directory(other))
    }

    /// Whether any file of a device, in whatever folder, holds these bytes.
    func isOn(_ device: String, _ text: String) throws -> Bool {
        let root = directory(device)
        return try FileManager.default.subpathsOfDirectory(atPath: root).contains { name in
            var isFolder: ObjCBool = false
            let path = root + "/" + name
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
                !isFolder.boolValue
            else { return false }
            return try Data(contentsOf: URL(filePath: path)).range(of: Data(text.utf8)) != nil
        }
    }

    func files(_ device: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory(device)).sorted()
    }
}

/// The next value of a sequence that a test waits for.
func first<Element>(
    of updates: Updates<Element>, where matches: (Element) -> Bool
) async -> Element? {
    for await element in updates where matches(element) { return element }
    return nil
}

extension SyncStatus {
    var isUpToDate: Bool { if case .upToDate = self { true } else { false } }
    var isOffline: Bool { if case .offline = self { true } else { false } }
}

extension Cart {
    /// The quantity of a SKU without options.
    func quantity(_ sku: String) -> Int64 {
        lines.first { $0.name == LineName(sku) }?.quantity ?? 0
    }
}

/// Why something was refused: the code of the rejection, or of the error; `nil` when it was not.
func refusal<Result>(_ body: () async throws -> Result) async -> String? {
    do {
        _ = try await body()
        return nil
    } catch let error as ToteError {
        return error.rejection?.code ?? error.code.rawValue
    } catch {
        return "\(error)"
    }
}
