import Foundation
import ProtocolChecks
import ToteCore
import ToteSQLite
import ToteServer

/// A server on a file of its own, with a clock and random bits that a transcript decides.
final class VectorServer {
    static let start: UInt64 = 1_800_000_000_000

    private let folder: URL
    /// The data file in use: a restored server works on the backup.
    private var file = "tote.db"
    private(set) var server: Server
    private let random: RandomBits
    var now = VectorServer.start
    private var secrets: [String: String] = ["bad": "tote_0000"]
    private var tokenIDs: [String: String] = [:]
    private var requests = 0
    /// What is kept beside the file.
    private var erased = ErasureList()

    private var parkedRequest: ServerRequest?

    /// Bits that never repeat within a test.
    final class RandomBits {
        private var state: UInt64 = 0x5eed
        func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var bits = state
            bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
            return bits ^ bits >> 31
        }
    }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tote-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let random = RandomBits()
        self.random = random
        server = try Self.open(folder.appending(path: "tote.db"), random)
        keepErasures()
        try mint("owner", "customer:7", ["*"])
        try mint("other", "customer:8", ["*"])
        try mint("till", "customer:7", ["cart:*"])
        try mint("counter", "store:s-1", ["*"], role: "staff", label: "till-1")
        try mint("manager", "store:s-1", ["*"], role: "manager", label: "boss")
        try mint("other_counter", "store:s-2", ["*"], role: "staff", label: "till-9")
        try mint("reader", "customer:7", ["orders"])
        try mint("admin", "tote:ops", ["*"], role: "admin")
    }

    /// The tokens' ids, and the tokens themselves, by the texts that stand for them.
    var tokenNames: [String: JSON] {
        let ids = tokenIDs.map { ("$id:\($0)", JSON.text($1)) }
        let tokens = secrets.map { ("$token:\($0)", JSON.text($1)) }
        return Dictionary(uniqueKeysWithValues: ids + tokens)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private static func open(_ file: URL, _ random: RandomBits) throws -> Server {
        var options = Database.Options()
        options.syncsEveryCommit = false
        let store = try ServerStore(path: file.path(), options: options)
        return try Server(store: store, random: { random.next() })
    }

    private func mint(
        _ name: String, _ space: String, _ collections: [String], role: String = "customer",
        label: String = ""
    ) throws {
        let patterns = JSON.array(collections.map { .text($0) })
        let body = JSON.object([
            (
                "spaces",
                .array([
                    .object([("space", .text(space)), ("read", patterns), ("write", patterns)])
                ])
            ), ("role", .text(role)), ("label", .text(label)),
        ])
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "tokens"], requestID: "mint")
        request.isOperator = true
        request.body = body.bytes
        guard case .answer(let response) = try handle(request) else { return }
        let answer = JSON.parsed(response.body)
        secrets[name] = answer["token"]?.text
        tokenIDs[name] = answer["id"]?.text
    }

    /// One request in a group of its own.
    func handle(_ request: ServerRequest) throws -> Handled {
        try server.begin()
        let handled = try server.handle(request, at: now)
        switch handled {
        case .answer(let response): APICheck.check(request, response)
        case .park: parkedRequest = request
        }
        try server.commit()
        return handled
    }

    /// Looks again at what was parked last.
    func resume(_ parked: Parked) throws -> Handled {
        try server.begin()
        let handled = try server.resume(parked, at: now)
        if case .answer(let response) = handled, let parkedRequest {
            APICheck.check(parkedRequest, response)
        }
        try server.commit()
        return handled
    }

    /// A request as a step of a transcript describes it.
    func request(_ step: JSON, body: [UInt8]) -> ServerRequest {
        requests += 1
        let space = step["space"]?.text ?? "customer:7"
        let path = step["path"]?.array.compactMap(\.text) ?? ["v1", "spaces", space, "sync"]
        var request = ServerRequest(
            method: step["method"]?.text ?? "POST", path: path, requestID: "r\(requests)")
        let type = step["type"]?.text ?? "application/json"
        request.contentType = type.isEmpty ? nil : type
        // By its name, or as the server gave it out in the transcript.
        let token = step["token"]?.text ?? "owner"
        request.authorization = (secrets[token] ?? (token.hasPrefix("tote_") ? token : nil))
            .map { "Bearer \($0)" }
        request.ifMatch = step["if_match"]?.text
        request.ifNoneMatch = step["if_none_match"]?.text
        request.idempotencyKey = step["key"]?.text
        for (name, value) in step["query"]?.members ?? [] { request.query[name] = value.text }
        request.body = body
        if step["as"]?.text == "cbor", let message = try? Encoding.json.request(body) {
            request.contentType = Encoding.cbor.rawValue
            request.body = Encoding.cbor.encode(message)
        }
        return request
    }

    /// Puts a catalogue in force.
    func use(catalog: JSON) throws {
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "catalog"], requestID: "catalog")
        request.isOperator = true
        request.body = catalog.bytes
        guard case .answer(let answer) = try handle(request), answer.status < 300 else {
            throw TestFailure("no catalogue: \(catalog.encoded)")
        }
    }

    /// Lets expire what is due.
    func expire() throws {
        try server.begin()
        try server.runDue(at: now)
        try server.commit()
    }

    func revoke(_ name: String) throws {
        var request = ServerRequest(
            method: "DELETE", path: ["v1", "admin", "tokens", tokenIDs[name] ?? ""],
            requestID: "revoke")
        request.isOperator = true
        _ = try handle(request)
    }

    /// Ends the server and starts one on the same file.
    func restart() throws {
        server = try Self.open(folder.appending(path: file), random)
        keepErasures()
    }

    private func keepErasures() {
        server.keepErasure = { [unowned self] in erased.insert($0) }
        server.keepRights = { [unowned self] in for right in $0 { erased.insert(right) } }
    }

    func backUp() throws {
        let moment = try server.markBackup(at: now)
        let path = folder.appending(path: "tote.db").path()
        _ = try Backup.make(of: path, at: folder.appending(path: "backup.db").path())
        try server.noteBackupAlone(begunAt: moment)
    }

    func restore() throws {
        file = "backup.db"
        try restart()
        try server.eraseAgain(erased, at: now)
    }

    /// Trims what is behind the horizon.
    func trim() throws {
        try server.begin()
        try server.sweepAll(at: now)
        try server.commit()
    }
}
