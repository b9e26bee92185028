import ToteClient
import ToteCommandLine

/// Replays what a device in the field did, from the trace that it exported.
enum FieldReplay {
    /// Whether a file is a device's trace, by its first bytes.
    static func isTrace(_ path: String) -> Bool {
        guard let bytes = try? Files.read(path) else { return false }
        let line = bytes.prefix(4_096).prefix { $0 != 0x0A }
        return String(decoding: line, as: UTF8.self).contains("\"trace\":")
    }

    static func run(
        _ path: String, asJSON isJSON: Bool, _ terminal: Terminal
    ) -> ExitCode {
        let replay: TraceReplay
        let outcome: TraceReplay.Outcome
        do {
            replay = try TraceReplay(try Files.read(path))
            var progress = ProgressLine(terminal)
            outcome = replay.run { done in
                guard done.isMultiple(of: 500) else { return }
                progress.update("step \(done) of \(replay.stepCount)")
            }
            progress.finish()
        } catch let failure as Files.Failure {
            return terminal.report(
                CommandFailure(code: "no_file", message: "\(failure)", exit: .noInput),
                asJSON: isJSON)
        } catch {
            let message = (error as? ToteError)?.message ?? "\(error)"
            return terminal.report(
                CommandFailure(
                    code: "trace_invalid", message: "\(path): \(message)", exit: .dataError),
                asJSON: isJSON)
        }
        return tell(outcome, asJSON: isJSON, terminal)
    }

    private static func tell(
        _ outcome: TraceReplay.Outcome, asJSON isJSON: Bool, _ terminal: Terminal
    ) -> ExitCode {
        switch outcome {
        case .same(let steps, let state):
            guard !isJSON else {
                terminal.writeOut(
                    JSONText.versioned([
                        ("verdict", "same"), ("steps", .int(steps)),
                        ("state", state.map { .string($0) } ?? .null),
                    ]).compact + "\n")
                return .success
            }
            terminal.writeOut("\(steps) steps, each as on the device\n")
            terminal.writeOut(
                state.map { "the end is the same: sha256 \($0)\n" }
                    ?? "the trace was full before the end, which it cannot tell\n")
            return .success
        case .diverged(let step, let kind, let what, let noted, let found):
            return terminal.report(
                CommandFailure(
                    code: "diverged",
                    message: "step \(step), \(kind): \(what) was \(noted) on the device, and is "
                        + "\(found) here", exit: .brokenPromise), asJSON: isJSON)
        }
    }
}
