import ToteConcurrency
import ToteCore
import ToteSQLite
import ToteService
import ToteSimulation

// What befalls the server's process and file, and devices' disks.
extension Floor {
    private static let waitSeconds = 30

    /// - Returns: whether it struck.
    func strikeServer(_ fault: Fault, _ weather: inout SeededGenerator) throws -> Bool {
        guard server.isRunning else { return false }
        switch fault {
        case .crashBeforeCommit, .crashAfterCommit:
            server.crashNext(fault == .crashBeforeCommit ? .beforeCommit : .afterCommit)
            for _ in 0..<Self.waitSeconds where server.isRunning { SystemClock.pause(.seconds(1)) }
            guard server.takeCrash() == nil else { return false }
            // The one that was taken may be under way still.
            for _ in 0..<2 * Self.waitSeconds where server.isRunning {
                SystemClock.pause(.seconds(1))
            }
        case .serverDiskFull, .serverDiskFailed:
            server.disk?.fail(fault == .serverDiskFull, &weather)
            SystemClock.pause(.milliseconds(weather.below(Self.waitSeconds * 1_000)))
            server.disk?.failures = [:]
            guard server.hasFailed else { return true }
            try server.kill()
        case .upgraded:
            // The former release has nothing that is shared: what is would be gone.
            guard book.snapshot.names.keys.allSatisfy({ Share.kind(of: $0) == nil }) else {
                return false
            }
            try server.kill()
            let path = DataDirectory(path: server.files.data).filePath
            try FormerRelease.takeBack(Database(path: path))
        case .serverPowerLost:
            try server.kill(losing: weather.next())
        default: try server.kill()
        }
        SystemClock.pause(.milliseconds(weather.below(5_000)))
        try server.start()
        serverSince = book.now
        return true
    }
}

extension FailingDirectory {
    private static let operationsMax = 60

    /// It is full until it is mended, or one of the next operations fails.
    func fail(_ isFull: Bool, _ weather: inout SeededGenerator) {
        guard !isFull else {
            failures[.write] = .init(count: .max, isFull: true)
            return
        }
        guard let operation = weather.one(of: SimulatedDisk.Operation.allCases) else { return }
        failures[operation] = .init(
            after: weather.below(Self.operationsMax), count: 1 + weather.below(3))
    }
}
