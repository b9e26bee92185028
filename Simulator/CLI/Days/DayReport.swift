import ToteCommandLine
import ToteSimulation

/// Tells of a day that failed.
enum DayReport {
    /// Records of the proof that are shown; with what stands around them at most ten lines.
    private static let proofMax = 6
    private static let columnsMax = 160

    /// Keeps a failed day, and says in at most ten lines what broke, the records that prove it and
    /// the command that repeats it.
    static func tell(
        _ outcome: DayOutcome, _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        guard let failure = outcome.failure else { return .success }
        let runs = try command.string("runs")
        let folder: RunFolder
        do throws(CommandFailure) {
            folder = try RunFolder(outcome, below: runs)
        } catch {
            return terminal.report(error, asJSON: command.flag("json"))
        }
        let exit = terminal.report(
            CommandFailure(
                code: failure.code, message: "seed \(outcome.seed): \(failure.message)",
                exit: failure.kind == .stuck ? .notSettled : .brokenPromise),
            asJSON: command.flag("json"))
        guard !command.flag("json") else { return exit }
        for stamped in failure.proof.prefix(proofMax) {
            terminal.writeError("  \(stamped.line.prefix(columnsMax))\n")
        }
        terminal.writeError("again: tote-sim replay \(folder.repro)\n")
        terminal.writeError("less:  tote-sim shrink \(folder.repro)\n")
        return exit
    }
}
