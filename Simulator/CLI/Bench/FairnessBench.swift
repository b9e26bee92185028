import CLinux
import Glibc
import ToteConcurrency
import ToteHTTP
import ToteService

/// How much one customer who asks without end slows another down: the other's p99 beside it against
/// the p99 without it, in alternating stretches on one server with the limits of `tote serve`.
enum FairnessBench {
    /// Connections on which the noisy customer asks again as soon as it is answered.
    static let noisyConnections = 4
    /// Customers who push at a pace, in turn, and microseconds between two pushes.
    static let quietCustomers = 8
    static let paceMicros: UInt64 = 5_000
    static let ratePerToken = 100

    static func run(directory: String, seconds: Double, rounds: Int) throws -> [BenchRow] {
        var options = ServiceOptions(directory: DataDirectory(path: directory + "/shared"))
        options.http.requestsPerConnectionAtMost = .max
        options.log = Log(least: .error)
        options.rates.perToken = ratePerToken
        let service = try Service(options)
        defer { service.stop(within: .zero) }
        let admin = try BenchAdmin(options.directory)
        var quiet = try (0..<quietCustomers).map { index in
            let space = "customer:quiet-\(index)"
            return Quiet(
                client: SyncClient(space: space, secret: try admin.mint([space])),
                line: try BenchLine(port: service.port))
        }
        defer { for customer in quiet { customer.line.close() } }
        let noisy = "customer:noisy"
        let secret = try admin.mint([noisy])
        var ratios: [Double] = []
        var alone: [Double] = []
        var beside: [Double] = []
        var refused: [Double] = []
        for _ in 0..<rounds {
            let before = try measure(&quiet, seconds)
            let noise = try Noise(
                port: service.port, space: noisy, secret: secret, seconds: seconds + 0.2)
            let during = try measure(&quiet, seconds)
            refused.append(try noise.end() / (seconds + 0.2))
            alone.append(before)
            beside.append(during)
            ratios.append(during / before)
        }
        let ratio = median(ratios)
        return [
            BenchRow(
                name: "noisy_neighbour_p99", unit: "us", value: median(beside),
                floor: median(alone), ratio: ratio, goal: "<= 1.5", isMet: ratio <= 1.5,
                details: [("refused_per_s", median(refused))])
        ]
    }

    private struct Quiet {
        var client: SyncClient
        let line: BenchLine
    }

    /// The p99 of pushes, microseconds. One that is late does not put off the next.
    private static func measure(_ customers: inout [Quiet], _ seconds: Double) throws -> Double {
        var latencies: [Double] = []
        let began = BenchClock.nowNanos()
        let count = max(20, Int(seconds * 1e6) / Int(paceMicros))
        for number in 0..<count {
            let due = began + UInt64(number) * paceMicros * 1_000
            let now = BenchClock.nowNanos()
            if due > now { usleep(UInt32((due - now) / 1_000)) }
            let index = number % customers.count
            let sent = min(BenchClock.nowNanos(), max(due, began))
            let answer = try customers[index].line.send(customers[index].client.request())
            latencies.append(Double(BenchClock.nowNanos() - sent) / 1_000)
            customers[index].client.answered(answer.status, answer.body[...], isBare: false)
            if let failure = customers[index].client.failure { throw BenchError(failure) }
        }
        latencies.sort()
        return latencies[min(latencies.count - 1, latencies.count * 99 / 100)]
    }

    /// The noisy customer, on a thread of its own.
    private final class Noise: Sendable {
        private let thread: JoinableThread
        private let outcome = Lock<Result<Int, BenchError>>(.success(0))

        init(port: UInt16, space: String, secret: String, seconds: Double) throws {
            let outcome = outcome
            thread = startThread(named: "noise") {
                let refused = Counter()
                let pull = SyncClient.pull(space: space, secret: secret)
                let generator = LoadGenerator(
                    port: port, connections: noisyConnections, request: { _ in pull },
                    answered: { _, status, _ in if status == 429 { refused.count += 1 } })
                do throws(BenchError) {
                    _ = try generator.run(seconds: seconds, warmUp: 0)
                    let count = refused.count
                    outcome.withLock { $0 = .success(count) }
                } catch {
                    outcome.withLock { $0 = .failure(error) }
                }
            }
        }

        /// Waits for its end; how often it was told to wait.
        func end() throws -> Double {
            thread.join()
            return Double(try outcome.withLock { $0 }.get())
        }
    }

    private final class Counter { var count = 0 }
}
