import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteProcesses
import ToteService

/// A server of a run's own, which may be killed, stopped and restored.
protocol ScenarioServer: Sendable {
    var files: ServerFiles { get }
    /// Where devices reach it, and where its operator does.
    var place: ServerPlace { get }
    var operatorPlace: ServerPlace { get }
    var isRunning: Bool { get }

    /// Starts it, unless it runs, with its clock so much ahead; `nil` leaves the clock as it is.
    func start(clockAhead: String?) throws(RunFailure)
    /// Ends it at once: nobody gets an answer any more.
    func kill() throws(RunFailure)
    /// Ends it in order: what is under way is answered.
    func stop() throws(RunFailure)
    /// Makes a backup while it runs.
    func makeBackup(_ name: String) throws(RunFailure)
    /// Ends it, however, if it runs.
    func end()
}

extension ScenarioServer {
    func start() throws(RunFailure) { try start(clockAhead: nil) }

    /// Puts a backup in the place of what is there, at the same address.
    func restore(_ name: String) throws(RunFailure) {
        if isRunning { try stop() }
        let former = try files.setAside()
        let erased = "\(former)/erased"
        if Files.exists(erased) {
            try files.tote("restore", files.backup(name), "--erased", erased)
        } else {
            try files.tote("restore", files.backup(name))
        }
        try start()
    }

    /// Ends the server, and has `tote verify` check every promise against the file.
    func verify() throws(RunFailure) {
        if isRunning { try stop() }
        try files.tote("verify")
    }
}

/// What a run's server keeps on the disk, and the program that looks after it.
final class ServerFiles: Sendable {
    let program: String
    private let directory: String
    private let asideCount = Lock(0)

    var data: String { directory + "/server" }
    var log: String { directory + "/server.log" }
    func backup(_ name: String) -> String { directory + "/backup-\(name).db" }

    /// Files under a directory.
    init(in directory: String) throws(RunFailure) {
        guard let program = Programs.server else {
            throw RunFailure(
                .unavailable,
                "the program `tote` is not beside tote-sim: build it, or name a "
                    + "server with --server URL")
        }
        self.program = program
        self.directory = directory
    }

    /// Moves the data out of the way, as an operator does before a restore.
    ///
    /// - Returns: where it is now.
    fileprivate func setAside() throws(RunFailure) -> String {
        let number = asideCount.withLock { count in
            count += 1
            return count
        }
        let aside = "\(data)-before-restore-\(number)"
        guard rename(data, aside) == 0 else {
            throw RunFailure(.expectation, "\(data) cannot be moved: error \(errno)")
        }
        return aside
    }

    /// Runs a command of `tote` on the data.
    func tote(_ arguments: String...) throws(RunFailure) {
        let words = arguments + ["--data", data]
        let (child, said): (ChildProcess, String)
        do {
            child = try ChildProcess(program, words, errors: log)
            child.endInput()
            said = child.readAll()
        } catch {
            throw RunFailure(.unavailable, "\(error)")
        }
        let end = child.wait(atMost: .seconds(60))
        guard end == .exited(0) else {
            throw RunFailure(
                .expectation,
                "`tote \(arguments.joined(separator: " "))` "
                    + (end.map { "\($0)" } ?? "does not end") + ": \(said) see \(log)")
        }
    }
}
