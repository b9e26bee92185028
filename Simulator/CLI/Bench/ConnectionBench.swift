import CLinux
import Glibc
import ToteCore

/// What connections cost that wait, and what a change does to those that do not wait for it.
enum ConnectionBench {
    static let connections = 5_000
    private static let checkedConnections = 400
    /// Devices of a customer that wait.
    private static let devices = 2
    private static let changes = 20
    /// Seconds that a parked request waits: the most that a client may ask for.
    private static let waitSeconds: UInt64 = 25

    static func run(directory: String, isCheck: Bool) throws -> [BenchRow] {
        let count = isCheck ? checkedConnections : connections
        try makeRoom(for: count)
        let server = try BenchServer(directory: directory + "/connected")
        defer { server.end() }
        let idle = try measureIdle(server, count)
        return [idle] + (try measureParked(server, count))
    }

    /// Lets this process, and the server that it starts, open so many connections.
    private static func makeRoom(for count: Int) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard limit.rlim_cur > rlim_t(count * 10 / 8) else {
            throw BenchError("\(count) connections need more files: raise `ulimit -n`")
        }
    }

    private static func measureIdle(_ server: BenchServer, _ count: Int) throws -> BenchRow {
        let request = Array("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        func open(_ count: Int) throws -> [BenchLine] {
            try (0..<count).map { _ in
                let line = try BenchLine(port: server.port)
                guard try line.send(request).status == 200 else {
                    throw BenchError("/livez is not answered")
                }
                return line
            }
        }
        // What the first connections of a process make once is not theirs.
        for line in try open(100) { line.close() }
        try server.wait(for: "tote_http_connections") { $0 <= 2 }
        let before = try server.memory()
        let lines = try open(count)
        usleep(500_000)
        let bytes = (try server.memory() - before) / Double(count)
        for line in lines { line.close() }
        try server.wait(for: "tote_http_connections") { $0 <= 2 }
        return BenchRow(
            name: "idle_connection", unit: "B each", value: bytes, floor: nil, ratio: bytes / 2_048,
            goal: "<= 2 KiB", isMet: bytes <= 2_048, details: [("connections", Double(count))])
    }

    private static func measureParked(_ server: BenchServer, _ count: Int) throws -> [BenchRow] {
        let customers = try (0..<count / devices).map { number in
            let space = "customer:parked-\(number)"
            return (space: space, secret: try server.admin.mint([space]))
        }
        // Their spaces are in memory before, as those of devices that have just synced.
        let first = try BenchLine(port: server.port)
        defer { first.close() }
        let waits = try customers.map { customer in
            let answer = try first.send(
                SyncClient.pull(space: customer.space, secret: customer.secret))
            return SyncClient.pull(
                space: customer.space, secret: customer.secret,
                cursor: try Encoding.cbor.reply(answer.body).cursor, waitSeconds: waitSeconds)
        }
        usleep(500_000)
        let before = try server.memory()
        let crowd = try Crowd(port: server.port, waits: waits.flatMap { [$0, $0] })
        defer { crowd.close() }
        try server.wait(for: "tote_parked_requests") { $0 == Double(count) }
        let bytes = (try server.memory() - before) / Double(count)
        let looks = try server.metric("tote_parked_looks_total")
        for customer in customers.prefix(changes) {
            var client = SyncClient(space: customer.space, secret: customer.secret)
            let answer = try first.send(client.request())
            client.answered(answer.status, answer.body[...], isBare: false)
            if let failure = client.failure { throw BenchError(failure) }
        }
        let woken = try crowd.countAnswered(atLeast: changes * devices)
        let perChange = (try server.metric("tote_parked_looks_total") - looks) / Double(changes)
        guard woken == changes * devices else {
            throw BenchError("\(changes) changes answered \(woken) parked requests")
        }
        return [
            BenchRow(
                name: "parked_sync", unit: "B each", value: bytes, floor: nil,
                ratio: bytes / 4_096, goal: "<= 4 KiB", isMet: bytes <= 4_096,
                details: [("parked", Double(count))]),
            BenchRow(
                name: "parked_looks", unit: "per change", value: perChange,
                floor: Double(devices), ratio: perChange / Double(devices), goal: "<= 1",
                isMet: perChange <= Double(devices), details: [("answered", Double(woken))]),
        ]
    }

    /// Connections of which each has sent one request that waits.
    private struct Crowd {
        private let epoll = clinux_epoll_create()
        private var descriptors: [Int32] = []

        init(port: UInt16, waits: [[UInt8]]) throws {
            for bytes in waits {
                let descriptor = try LoadGenerator.connect(port)
                let sent = bytes.withUnsafeBytes {
                    clinux_send(descriptor, $0.baseAddress, $0.count)
                }
                guard sent == bytes.count else { throw BenchError("a request was not taken whole") }
                _ = clinux_epoll_add(epoll, descriptor, UInt32(EPOLLIN.rawValue), 0)
                descriptors.append(descriptor)
            }
        }

        func close() {
            for descriptor in descriptors { Glibc.close(descriptor) }
            Glibc.close(epoll)
        }

        /// How many have an answer, once enough have and a moment is over.
        func countAnswered(atLeast least: Int) throws -> Int {
            var events = [epoll_event](repeating: epoll_event(), count: descriptors.count)
            for _ in 0..<500 {
                // Level-triggered and unread: those that have one are told again each time.
                let count = Int(clinux_epoll_wait(epoll, &events, Int32(events.count), 10))
                guard count >= least else { continue }
                usleep(200_000)
                return Int(clinux_epoll_wait(epoll, &events, Int32(events.count), 10))
            }
            throw BenchError("parked requests are not answered")
        }
    }
}
