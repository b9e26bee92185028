internal import ToteConcurrency
internal import ToteServer

/// Counts of answered requests: each event loop has its own, which nobody else waits for but a
/// scrape.
final class RequestTallies: Sendable {
    private struct Shard {
        /// By route, then by status: of a size that no request changes.
        var answers = Array(
            repeating: UInt64(0), count: RequestTallies.names.count * RequestTallies.statuses.count)
        var durations = Array(
            repeating: Histogram(bounds: Histogram.seconds), count: RequestTallies.names.count)
        var problems: [String: UInt64] = [:]
    }

    private let shards = (0..<RequestTallies.shardCount).map { _ in Lock(Shard()) }
    private let failures = Lock([String: UInt64]())

    private static let shardCount = 64
    /// Statuses that are told apart; the last stands for every other.
    private static let statuses = [
        200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 428, 429,
        500, 503, 0,
    ]

    /// What is not in the server's table of routes, behind it.
    enum Place: Int, CaseIterable {
        case live, ready, metrics, board, backup
        /// A path that there is none of, or a method that it does not know.
        case other

        var index: Int { Server.routes.count + rawValue }

        fileprivate var name: (method: String, route: String) {
            switch self {
            case .live: ("GET", "/livez")
            case .ready: ("GET", "/readyz")
            case .metrics: ("GET", "/metrics")
            case .board: ("GET", "/board")
            case .backup: ("POST", "/v1/operator/backup")
            case .other: ("other", "other")
            }
        }
    }

    private static let names =
        Server.routes.map { ($0.method, $0.path) } + Place.allCases.map(\.name)

    /// What a route is called in the log: `POST /v1/spaces/{space}/sync`.
    static func name(ofRoute route: Int) -> String {
        let (method, path) = names[route]
        return method == path ? path : "\(method) \(path)"
    }

    /// Counts one answer. For the thread of the loop that has the request.
    ///
    /// - Parameters:
    ///   - loop: the loop's number.
    ///   - route: an index into the server's routes, or a place's.
    ///   - seconds: how long it took; `nil` when it was parked.
    func note(loop: Int, route: Int, status: Int, code: String?, seconds: Double?) {
        let slot = Self.statuses.firstIndex(of: status) ?? Self.statuses.count - 1
        shards[loop % Self.shardCount].withLock { shard in
            shard.answers[route * Self.statuses.count + slot] += 1
            if let seconds { shard.durations[route].observe(seconds) }
            if let code { shard.problems[code, default: 0] += 1 }
        }
    }

    /// Counts a refusal of the HTTP layer.
    func note(failure code: String) { failures.withLock { $0[code, default: 0] += 1 } }

    /// Adds everything to a page.
    func add(to page: inout MetricsPage) {
        var sum = Shard()
        for shard in shards {
            let shard = shard.withLock { $0 }
            for index in sum.answers.indices { sum.answers[index] += shard.answers[index] }
            for index in sum.durations.indices { sum.durations[index].add(shard.durations[index]) }
            sum.problems.merge(shard.problems, uniquingKeysWith: +)
        }
        for (index, count) in sum.answers.enumerated() where count > 0 {
            let (route, slot) = index.quotientAndRemainder(dividingBy: Self.statuses.count)
            let status = Self.statuses[slot]
            let (method, path) = Self.names[route]
            page.add(.requests, count, [method, path, status == 0 ? "other" : String(status)])
        }
        for (name, histogram) in zip(Self.names, sum.durations) where histogram.count > 0 {
            page.add(.requestDuration, histogram, [name.0, name.1])
        }
        for (code, count) in sum.problems.sorted(by: { $0.key < $1.key }) {
            page.add(.problems, count, [code])
        }
        for (code, count) in failures.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            page.add(.failures, count, [code])
        }
    }
}
