import Glibc
import ToteCommandLine
import ToteCore
import ToteServer
import ToteService

/// `tote status`, `backup`, `restore`, `verify`.
enum FileCommands {
    static func status(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        return attempt(output) { () throws(Operator.Failure) in
            let value = try line.call("GET", ["v1", "admin", "status"])
            output.result(value, lines(value))
            return .success
        }
    }

    static func backUp(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let target = Paths.absolute(command.arguments[0])
        return attempt(output) { () throws(Operator.Failure) in
            let value: Value
            if line.isServed {
                value = try line.call(
                    "POST", ["v1", "operator", "backup"],
                    .map([Value.Entry("path", .text(target))]), timeout: .seconds(3_600))
            } else {
                value = try alone(line.directory, target)
            }
            output.result(
                value,
                [
                    "\(target): \(number(value, "events")) events of "
                        + "\(number(value, "spaces")) spaces, checked"
                ])
            return .success
        }
    }

    private static func alone(
        _ directory: DataDirectory, _ target: String
    ) throws(Operator.Failure) -> Value {
        guard directory.holdsData else {
            throw Operator.noData(directory)
        }
        do {
            let lock = try directory.lock()
            defer { withExtendedLifetime(lock) {} }
            let server = try Server(
                store: ServerStore(path: directory.filePath), random: SystemClock.randomBits)
            let moment = try server.markBackup(at: SystemClock.nowMilliseconds())
            let report = try BackupFile.make(of: directory.filePath, at: target)
            try server.noteBackupAlone(begunAt: moment)
            return BackupFile.value(report, path: target)
        } catch {
            throw Operator.failure(error)
        }
    }

    static func restore(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let backup = Paths.absolute(command.arguments[0])
        let list = command.option("erased").map(Paths.absolute)
        return attempt(output) { () throws(Operator.Failure) in
            try exists(backup)
            do {
                let hasList = list != nil || access(line.directory.erasedPath, F_OK) == 0
                let (report, taken) = try BackupFile.restore(
                    backup, into: line.directory, erased: list)
                let value = BackupFile.value(
                    report, path: line.directory.path,
                    [
                        Value.Entry("erased", .int(Int64(taken.customers))),
                        Value.Entry("revoked", .int(Int64(taken.rights))),
                    ])
                output.result(
                    value,
                    [
                        "\(line.directory.path): \(report.events) events of "
                            + "\(report.spaces) spaces",
                        hasList
                            ? "erased again: \(taken.customers) customers; taken away again: "
                                + "\(taken.rights) tokens, shares and roles in them"
                            : "there is no list of erased customers: whoever was erased after this "
                                + "backup is back, and tokens that were revoked are valid; "
                                + "--erased FILE names the former directory's",
                        "next: tote serve --data \(line.directory.path)",
                    ])
                return .success
            } catch {
                throw Operator.failure(error)
            }
        }
    }

    static func verify(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let path = command.arguments.first.map(Paths.absolute) ?? line.directory.filePath
        return attempt(output) { () throws(Operator.Failure) in
            try exists(path)
            do {
                var progress = ProgressLine(output.terminal)
                let isOwn = path == line.directory.filePath
                let erased = isOwn ? try line.directory.erasures() : ErasureList()
                let report = try Verifier.verify(path: path, erased: erased) { space, of in
                    if space > 0, space % 100 == 0, !output.isJSON {
                        progress.update("space \(space) of \(of)")
                    }
                }
                progress.finish()
                output.result(BackupFile.value(report, path: path), report.lines)
                return report.faults.isEmpty ? .success : .failure
            } catch {
                throw Operator.failure(error)
            }
        }
    }

    private static func exists(_ path: String) throws(Operator.Failure) {
        guard access(path, R_OK) == 0 else {
            throw Operator.Failure(
                code: "no_file", message: "\(path) is not there or cannot be read", exit: .noInput)
        }
    }

    /// Runs a command's body and reports what it failed with.
    static func attempt(
        _ output: Output, _ body: () throws(Operator.Failure) -> ExitCode
    ) -> ExitCode {
        do throws(Operator.Failure) {
            return try body()
        } catch {
            return output.failure(error)
        }
    }

    private static func lines(_ value: Value) -> [String] {
        guard case .map(let entries) = value else { return [] }
        return entries.map { entry in
            let text: String =
                switch entry.value {
                case .int(let int): String(int)
                case .text(let text): text
                case .bool(let bool): bool ? "yes" : "no"
                default: "none"
                }
            let name = entry.name.split(separator: "_").joined(separator: " ")
            return name + String(repeating: " ", count: max(1, 18 - name.count)) + text
        }
    }

    static func number(_ value: Value, _ name: String) -> Int64 { value[name]?.intValue ?? 0 }
}

extension Verifier.Report {
    fileprivate var lines: [String] {
        let summary =
            "\(events) events in \(batches) batches of \(spaces) spaces, "
            + "\(orders) orders, \(entries) ledger entries of \(accounts) accounts, "
            + "\(tokens) tokens"
        return faults.isEmpty
            ? ["in order: \(summary)"]
            : ["\(faults.count) faults; \(summary)"] + faults.map { "  \($0)" }
    }
}
