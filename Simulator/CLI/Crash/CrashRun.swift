import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteHTTP
import ToteService

/// A server that is ended again and again while devices push.
final class CrashRun {
    /// What the run tells its devices, and they tell it.
    final class Shared: Sendable {
        enum End: Sendable { case killed, stopped }

        private struct State {
            var isOver = false
            var hasGivenUp = false
            var lastEnd = End.killed
            var answers = 0
        }

        private let state = Lock(State())

        var isOver: Bool { state.withLock { $0.isOver } }
        var hasGivenUp: Bool { state.withLock { $0.hasGivenUp } }
        /// How the server ended last.
        var lastEnd: End { state.withLock { $0.lastEnd } }
        var answers: Int { state.withLock { $0.answers } }

        func noteAnswer() { state.withLock { $0.answers += 1 } }
        func note(end: End) { state.withLock { $0.lastEnd = end } }
        /// - Parameter givesUp: whether the server is not coming back.
        func finish(givesUp: Bool) {
            state.withLock {
                $0.isOver = true
                $0.hasGivenUp = givesUp
            }
        }
    }

    struct Report {
        var kills = 0
        var stops = 0
        var requests = 0
        var cutOff = 0
        var changes: Int64 = 0
        /// Requests a second while the server ran.
        var rate = 0.0
        /// Milliseconds from the start of the process to its first answer.
        var readyMedian: UInt64 = 0
        var readyLongest: UInt64 = 0

        var json: JSONText {
            let counts: [(String, Int64)] = [
                ("kills", Int64(kills)), ("stops", Int64(stops)),
                ("requests", Int64(requests)), ("cut_off", Int64(cutOff)), ("changes", changes),
                ("requests_per_second", Int64(rate)), ("ready_median_ms", Int64(readyMedian)),
                ("ready_longest_ms", Int64(readyLongest)),
            ]
            return .versioned(counts.map { ($0.0, .int(Int($0.1))) })
        }
    }

    /// Answers between two ends, at least.
    private static let answersBetween = 40

    private let server: ServerProcess
    private let clients: [CrashClient]
    private let shared = Shared()
    private var upMilliseconds: UInt64 = 0
    private var ready: [UInt64] = []
    private var report = Report()

    init(in directory: String, clients count: Int) throws {
        server = try ServerProcess(in: directory)
        let admin = try BenchAdmin(DataDirectory(path: directory + "/server"))
        let address = server.address
        let shared = shared
        clients = try (0..<count).map { index in
            CrashClient(
                "crash-\(index)", secret: try admin.mint(["customer:crash-\(index)"]),
                endpoint: .tcp(host: address.host, port: address.port), shared: shared)
        }
    }

    /// Ends the server so often, in a random order, and judges at the end.
    ///
    /// - Throws: `RunFailure` when a promise is broken or the server does not come back.
    func run(kills: Int, stops: Int, progress: (String) -> Void) throws -> Report {
        defer { server.end() }
        var ends = [Bool](repeating: true, count: kills) + [Bool](repeating: false, count: stops)
        ends.shuffle()
        let threads = clients.map { client in
            startThread(named: client.space) { client.run() }
        }
        var failure: (any Error)?
        do {
            for (index, isKill) in ends.enumerated() {
                progress("\(index) of \(ends.count) ends, \(shared.answers) answers")
                try endOnce(isKill: isKill)
            }
            try work()
        } catch {
            failure = error
        }
        shared.finish(givesUp: failure != nil)
        for thread in threads { thread.join() }
        if let fault = clients.compactMap(\.result.fault).first {
            throw RunFailure(.expectation, fault)
        }
        if let failure { throw failure }
        try server.verify()
        return summed()
    }

    private func summed() -> Report {
        for result in clients.map(\.result) {
            report.requests += result.answers
            report.cutOff += result.cutOff
            report.changes += result.edits
        }
        report.rate = Double(report.requests) * 1_000 / Double(max(1, upMilliseconds))
        report.readyMedian = ready.sorted()[safe: ready.count / 2] ?? 0
        report.readyLongest = ready.max() ?? 0
        return report
    }

    /// Lets the devices work for a while.
    private func work() throws {
        let began = SystemClock.monotonicMilliseconds()
        let (before, pause) = (shared.answers, 20 + SystemClock.random() % 200)
        while shared.answers < before + Self.answersBetween
            || SystemClock.monotonicMilliseconds() < began + pause
        {
            if let fault = clients.compactMap(\.result.fault).first {
                throw RunFailure(.expectation, fault)
            }
            guard SystemClock.monotonicMilliseconds() < began + 60_000 else {
                throw RunFailure(.unavailable, "nothing was answered for a minute")
            }
            SystemClock.pause(.milliseconds(2))
        }
        upMilliseconds += SystemClock.monotonicMilliseconds() - began
    }

    private func endOnce(isKill: Bool) throws {
        try work()
        // Before it ends: a device that meets the end must know which it was.
        shared.note(end: isKill ? .killed : .stopped)
        if isKill { try server.kill() } else { try server.stop() }
        if isKill { report.kills += 1 } else { report.stops += 1 }
        let began = SystemClock.monotonicMilliseconds()
        try server.start()
        let connection = try HTTPConnection(
            to: .tcp(host: server.address.host, port: server.address.port))
        _ = try connection.send(HTTPClientRequest(method: "GET", target: "/v1/handshake"))
        ready.append(SystemClock.monotonicMilliseconds() - began)
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? {
        indices.contains(index) ? self[index] : nil
    }
}
