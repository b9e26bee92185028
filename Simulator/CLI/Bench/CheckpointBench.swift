import Glibc
import ToteHTTP
import ToteService

/// What writing the WAL back costs those who sync meanwhile.
enum CheckpointBench {
    /// Checkpoints that a run must see.
    private static let checkpointsAtLeast: UInt64 = 3
    private static let roundsAtMost = 60
    private static let walBytesAtMost = 256.0 * 1_048_576

    static func run(
        directory: String, seconds: Double, rounds: Int, isCheck: Bool
    ) throws -> [BenchRow] {
        let spaces = (0..<SyncBench.connections).map { "customer:c-\($0)" }
        var options = ServiceOptions(directory: DataDirectory(path: directory + "/checked"))
        options.http.requestsPerConnectionAtMost = .max
        options.log = Log(least: .error)
        let service = try Service(options)
        defer { service.stop(within: .zero) }
        let admin = try BenchAdmin(options.directory)
        let clients = SyncClients(
            try spaces.map { SyncClient(space: $0, secret: try admin.mint([$0])) })
        let before = service.checkpointCount
        var ratios: [Double] = []
        var (tails, middles): ([Double], [Double]) = ([], [])
        var wal = 0.0
        repeat {
            let report = try clients.load(of: service.port).run(seconds: seconds)
            try clients.check()
            tails.append(report.percentile(0.99))
            middles.append(report.percentile(0.5))
            ratios.append(report.percentile(0.99) / report.percentile(0.5))
            wal = max(wal, fileSize(options.directory.filePath + "-wal"))
        } while !isCheck && ratios.count < roundsAtMost
            && (ratios.count < rounds || service.checkpointCount - before < checkpointsAtLeast)
        let (ratio, count) = (median(ratios), service.checkpointCount - before)
        return [
            BenchRow(
                name: "checkpoint_p99", unit: "us", value: median(tails), floor: median(middles),
                ratio: ratio, goal: "<= 4", isMet: ratio <= 4 && count >= checkpointsAtLeast,
                details: [("checkpoints", Double(count)), ("rounds", Double(ratios.count))]),
            BenchRow(
                name: "wal", unit: "bytes", value: wal, floor: nil, ratio: wal / walBytesAtMost,
                goal: "<= 256 MiB", isMet: wal <= walBytesAtMost, details: []),
        ]
    }

    private static func fileSize(_ path: String) -> Double {
        var status = stat()
        return stat(path, &status) == 0 ? Double(status.st_size) : 0
    }
}
