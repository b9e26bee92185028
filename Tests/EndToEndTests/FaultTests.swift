import Foundation
import Testing
import ToteClient
import ToteCore
import ToteHTTP

/// A server on a disk that fails: it never says that something is done which is not, and starts
/// again on what is there.
@Suite(.serialized) struct FaultTests {
    /// `TOTE_FAULTS=all` fails every write and sync of the script, one after the other.
    private static let isDeep = ProcessInfo.processInfo.environment["TOTE_FAULTS"] == "all"
    /// How many of them otherwise, spread over the script.
    private static let slice = 24

    enum Fault: Int32, CaseIterable, CustomStringConvertible {
        case inputOutput = 5
        case noSpace = 28

        var description: String { self == .noSpace ? "ENOSPC" : "EIO" }
    }

    @Test(.enabled(if: Tools.areThere("clang"), "clang is missing"), arguments: Fault.allCases)
    func `a disk that fails loses nothing that was answered`(fault: Fault) async throws {
        let shim = try await FaultShim()
        defer { shim.remove() }
        let calls = try await shim.play(failing: fault, at: 0).calls
        #expect(calls > 20, "the script writes too little: \(calls)")
        let step = Self.isDeep ? 1 : max(1, calls / Self.slice)
        let first = Self.isDeep ? 1 : Int.random(in: 1...step)
        var failures = 0
        for place in stride(from: first, through: calls, by: step) {
            failures += try await shim.play(failing: fault, at: place).failures > 0 ? 1 : 0
        }
        print("\(fault): \(calls) writes and syncs, \(failures) runs in which one failed")
        #expect(failures > calls / step / 2, "hardly anything failed")
    }
}

/// Plays a script against a server whose writes fail, and judges what the next one has.
private struct FaultShim {
    private let library: String
    private let scratch: URL

    init() async throws {
        scratch = try SimulatorProgram.makeDirectory()
        library = scratch.appendingPathComponent("faults.so").path
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Faults/faults.c").standardized.path
        let built = try await Tools.run(
            "clang", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"])
        try #require(built.exit == 0, "the shim cannot be built: \(built.error)")
    }

    func remove() { try? FileManager.default.removeItem(at: scratch) }

    /// What was said to be done.
    private final class Told {
        var pushed: Int64 = 0
        var edits: Int64 = 0
        var toppedUp: Set<Int64> = []
        var asked: Int64 = 0
        var secret: String?
        /// The device goes on with what it could not send.
        let replica: Replica

        init() throws { replica = try FaultShim.makeReplica() }
    }

    /// - Parameter place: which write or sync fails; 0 for none.
    /// - Returns: how many there were, and how many failed.
    func play(failing fault: FaultTests.Fault, at place: Int) async throws
        -> (calls: Int, failures: Int)
    {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let data = directory.appendingPathComponent("data").path
        let count = directory.appendingPathComponent("count").path
        let told = try Told()
        let place = place == 0 ? Int.max : place
        do {
            let server = try RunningProgram(
                "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"],
                environment: [
                    "LD_PRELOAD": library, "TOTE_FAULT_DIRECTORY": data,
                    "TOTE_FAULT_AT": "\(place)", "TOTE_FAULT_ERROR": "\(fault.rawValue)",
                    "TOTE_FAULT_COUNT": count,
                ])
            // One that cannot start says so and ends.
            if let port = Self.port(server.readLine()) {
                try act(told, port: port, data)
                if fault == .noSpace {
                    // Room again: the same server goes on by itself.
                    try Data().write(to: directory.appendingPathComponent("healed"))
                    try act(told, port: port, data)
                    let isWhole = told.pushed == told.edits && told.toppedUp.count == told.asked
                    // What became of a sync that failed nobody knows: then it ends.
                    #expect(
                        isWhole || server.endsByItself(),
                        "\(fault) at \(place): it neither goes on with room again nor ends")
                }
            }
            server.end(SIGTERM)
        }
        try await judge(told, data, "\(fault) at \(place)")
        let said = (try? String(contentsOfFile: count, encoding: .utf8)) ?? "0 0"
        let numbers = said.split { " \n".contains($0) }.compactMap { Int($0) }
        return (numbers.first ?? 0, numbers.last ?? 0)
    }

    private static func port(_ line: String?) -> UInt16? {
        guard let line,
            let said = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
            let url = said["url"] as? String
        else { return nil }
        return url.split(separator: ":").last.flatMap { UInt16($0) }
    }

    private static let reading = ClockReading(
        wallMilliseconds: UInt64(Date().timeIntervalSince1970 * 1_000), uptimeMilliseconds: 1,
        bootID: 1)

    /// A token, changes and payments, some of which are not answered.
    private func act(_ told: Told, port: UInt16, _ data: String) throws {
        let line = { try? HTTPConnection(to: .unix(path: "\(data)/operator.sock")) }
        let tries = 3
        for _ in 0..<tries where told.secret == nil {
            told.secret =
                Self.post(
                    line(), "/v1/admin/tokens", #"{"spaces":[{"space":"customer:7"}]}"#)?["token"]?
                .textValue
        }
        guard let secret = told.secret else { return }
        let replica = told.replica
        for round in 1...4 {
            told.edits += 1
            let item = Name("tea|round=\(told.edits)")
            _ = try replica.commit(
                replica.view.adding(1, collection: "cart:main", item: item), at: Self.reading)
            for _ in 0..<tries {
                guard
                    let outgoing = try replica.nextRequest(at: Self.reading, pullsAnyway: false)
                else { break }
                try Self.exchange(replica, outgoing, port, secret)
            }
            if try replica.nextRequest(at: Self.reading, pullsAnyway: false) == nil {
                told.pushed = told.edits
            }
            if round % 2 == 0 {
                told.asked += 1
                // Those that were not answered are paid in again, by the same reference.
                for payment in 1...told.asked where !told.toppedUp.contains(payment) {
                    let body =
                        #"{"customer":"7","account":"card:EUR","kind":"top_up","amount":1,"#
                        + #""reference":"p-\#(payment)"}"#
                    if Self.post(line(), "/v1/admin/ledger", body)?["new"] != nil {
                        told.toppedUp.insert(payment)
                    }
                }
            }
        }
    }

    private static func makeReplica() throws -> Replica {
        try Replica(image: Replica.emptyImage(), random: { .random(in: 1 ... .max) })
    }

    private static func post(_ line: HTTPConnection?, _ path: String, _ body: String) -> Value? {
        let request = HTTPClientRequest(
            method: "POST", target: path, headers: [("Content-Type", "application/json")],
            body: Array(body.utf8))
        guard let answer = try? line?.send(request), answer.status < 300 else { return nil }
        return try? Encoding.json.value(answer.body)
    }

    private static func exchange(
        _ replica: Replica, _ outgoing: Outgoing, _ port: UInt16, _ secret: String
    ) throws {
        let request = HTTPClientRequest(
            method: "POST", target: "/v1/spaces/customer:7/sync",
            headers: [
                ("Authorization", "Bearer \(secret)"), ("Content-Type", Encoding.cbor.rawValue),
            ], body: outgoing.body)
        guard let line = try? HTTPConnection(to: .tcp(host: "127.0.0.1", port: port)),
            let answer = try? line.send(request)
        else { return }
        _ = try replica.receive(
            status: answer.status, body: answer.body, isProblem: answer.status != 200,
            to: outgoing, at: reading)
    }

    /// What a server on a sound disk makes of what the other left.
    private func judge(_ told: Told, _ data: String, _ place: String) async throws {
        let server = try RunningProgram(
            "tote", ["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        let port = try #require(
            Self.port(server.readLine()), "\(place): it does not start on what is there")
        if let secret = told.secret {
            let reader = try Self.makeReplica()
            let outgoing = try #require(
                try reader.nextRequest(at: Self.reading, pullsAnyway: true))
            try Self.exchange(reader, outgoing, port, secret)
            let has = (1...max(1, told.edits)).filter {
                reader.view.quantity("cart:main", Name("tea|round=\($0)")) == 1
            }.count
            #expect(
                has >= told.pushed && has <= told.edits,
                "\(place): \(told.pushed) of \(told.edits) were answered, it has \(has)")
            let line = try HTTPConnection(to: .unix(path: "\(data)/operator.sock"))
            let answer = try line.send(
                HTTPClientRequest(method: "GET", target: "/v1/admin/ledger?customer=7"))
            let accounts = try? Encoding.json.value(answer.body)["accounts"]
            var paid: Int64 = 0
            if case .array(let values)? = accounts {
                paid = values.first?["available"]?.intValue ?? 0
            }
            #expect(
                paid >= told.toppedUp.count && paid <= told.asked,
                "\(place): \(told.toppedUp.count) of \(told.asked) payments, it has \(paid)")
        }
        server.end(SIGTERM)
        let verified = try await SimulatorProgram.run("tote", ["verify", "--data", data])
        #expect(verified.exit == 0, "\(place): \(verified.out) \(verified.error)")
    }
}
