import Glibc
internal import ToteConcurrency
internal import ToteCore
internal import ToteHTTP
internal import ToteServer

/// Everything that is measured of a service, gathered when it is asked for.
final class Metrics: Sendable {
    let tallies: RequestTallies
    private let commits: CommitThread
    private let options: ServiceOptions
    private let state = Lock(State())
    private let started = SystemClock.nowMilliseconds()

    private struct State {
        var servers: [HTTPServer] = []
        var backupsMade: UInt64 = 0
        var backupsFailed: UInt64 = 0
    }

    init(_ options: ServiceOptions, commits: CommitThread, tallies: RequestTallies) {
        self.options = options
        self.commits = commits
        self.tallies = tallies
    }

    /// Names the servers whose connections count.
    func watch(_ servers: [HTTPServer]) { state.withLock { $0.servers = servers } }

    func noteBackup(succeeded: Bool) {
        state.withLock { state in
            if succeeded { state.backupsMade += 1 } else { state.backupsFailed += 1 }
        }
    }

    /// Answers `GET /metrics`. Reads files: not for the loops of the API.
    func response(accept: String?) -> ServerResponse {
        let format = MetricsPage.Format(accept: accept)
        var page = MetricsPage()
        tallies.add(to: &page)
        addConnections(to: &page)
        addCommits(to: &page)
        addFiles(to: &page)
        ProcessFigures.add(to: &page, started: started)
        page.add(.buildInfo, 1, [options.version])
        return ServerResponse(
            status: 200, contentType: format.contentType, body: Array(page.text(format).utf8))
    }

    private func addConnections(to page: inout MetricsPage) {
        let all = state.withLock { $0.servers }.map(\.statistics)
        func sum(_ figure: (HTTPServerStatistics) -> Int) -> Int {
            all.reduce(0) { $0 + figure($1) }
        }
        page.add(.connections, sum(\.connectionsOpen))
        page.add(.connectionsAccepted, sum(\.connectionsAccepted))
        page.add(.connectionsRefused, sum(\.refusedForTotal), ["total"])
        page.add(.connectionsRefused, sum(\.refusedForAddress), ["address"])
        page.add(.connectionsRefused, sum(\.refusedForDescriptors), ["descriptors"])
        page.add(.slowReadersCut, sum(\.slowReadersCut))
    }

    private func addCommits(to page: inout MetricsPage) {
        let statistics = commits.statistics.withLock { $0 }
        page.add(.groupRequests, statistics.groupRequests)
        page.add(.commitDuration, statistics.commits)
        page.add(.groupDuration, statistics.groups)
        page.add(.checkpointDuration, statistics.checkpoints)
        page.add(.rowsWritten, statistics.rows)
        page.add(.parked, statistics.parked)
        page.add(.parkedLooks, statistics.parkedLooks)
        page.add(.cachedSpaces, statistics.cachedSpaces)
        page.add(.lastBackup, Double(statistics.backupTime) / 1_000)
        let counts = statistics.counts
        page.add(.batches, counts.batches)
        page.add(.changes, counts.acceptedChanges, ["accepted"])
        page.add(.changes, counts.repeatedChanges, ["repeated"])
        page.add(.changes, counts.resentChanges, ["resent"])
        page.add(.changes, counts.rejectedChanges.values.reduce(0, +), ["rejected"])
        for (code, count) in counts.rejectedChanges.sorted(by: { $0.key < $1.key }) {
            page.add(.rejectedChanges, count, [code])
        }
        for state in OrderState.allCases {
            if let count = counts.orderSteps[state] {
                page.add(.orderSteps, count, [state.rawValue])
            }
        }
        for kind in LedgerEntry.Kind.allCases {
            if let entries = counts.points[kind] {
                page.add(.ledgerEntries, entries.count, ["points", kind.rawValue])
                page.add(.ledgerPoints, entries.units, [kind.rawValue])
            }
            if let entries = counts.card[kind] {
                page.add(.ledgerEntries, entries.count, ["card", kind.rawValue])
            }
            if let entries = counts.offer[kind] {
                page.add(.ledgerEntries, entries.count, ["offer", kind.rawValue])
            }
        }
        for end in ServerCounts.WebhookEnd.allCases {
            if let count = counts.webhookAttempts[end] {
                page.add(.webhookAttempts, count, [end.rawValue])
            }
            if let count = counts.webhookDeliveries[end] {
                page.add(.webhookDeliveries, count, [end.rawValue])
            }
        }
    }

    private func addFiles(to page: inout MetricsPage) {
        let (made, failed) = state.withLock { ($0.backupsMade, $0.backupsFailed) }
        page.add(.backups, made, ["made"])
        page.add(.backups, failed, ["failed"])
        let path = options.directory.filePath
        page.add(.dataFile, Self.size(path))
        page.add(.wal, Self.size(path + "-wal"))
        do {
            let figures = try FileFigures.read(path: path)
            let holders = [("device", figures.deviceLeases), ("store", figures.storeLeases)]
            for (holder, leases) in holders {
                page.add(.leases, leases.open, [holder])
                page.add(.leasedPoints, leases.held, [holder])
            }
            page.add(.webhookQueue, figures.webhookQueue)
            let working = figures.webhooksEnabled - figures.webhooksFailing
            page.add(.webhookEndpoints, working, ["working"])
            page.add(.webhookEndpoints, figures.webhooksFailing, ["failing"])
        } catch {
            // The page says nothing of what cannot be read; the log says why.
            options.log.line(.error, "metrics cannot be read", [("detail", .text("\(error)"))])
        }
    }

    private static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
