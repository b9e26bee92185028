import ToteCommandLine

/// `tote-sim run`.
enum RunCommand {
    static let spec = CommandSpec(
        "run", "Runs scenarios: a server and devices, each a process of its own.",
        discussion: "Without --server each scenario gets a server of its own on this machine. "
            + "Nothing that is started outlives the run.",
        examples: [
            ("tote-sim run first-sync", "the first thing to try"),
            ("tote-sim run --all", "every scenario that is built in"),
            ("tote-sim run --tag counter", "those with a tag"),
            ("tote-sim run --all --virtual", "in virtual time, where nobody waits"),
            ("tote-sim run mine.json --keep", "a file; the run's files are kept"),
            ("tote-sim run --all --junit junit.xml", "for continuous integration"),
            (
                "tote-sim run first-sync --server http://10.0.0.5:8090 --admin-token-file admin",
                "the same against a server that runs already"
            ),
        ],
        arguments: [
            ArgumentSpec(
                "scenario", "the name of a built-in one, or the path of a file", optional: true,
                repeating: true, suggestions: BuiltInScenarios.all.map(\.name))
        ],
        options: [
            OptionSpec("all", "run every built-in scenario"),
            OptionSpec(
                "tag", valueName: "TAG", "run the built-in scenarios with a tag", repeating: true),
            OptionSpec("server", valueName: "URL", "a server that runs already"),
            OptionSpec(
                "admin-token-file", valueName: "FILE",
                "holds an admin's token for --server: `tote token mint --role admin`"),
            OptionSpec(
                "virtual",
                "run all of it in this process and in virtual time: without waiting, and the same "
                    + "again with the same seed"),
            OptionSpec(
                "seed", valueName: "N", "of all that is random with --virtual", default: "1"),
            OptionSpec("keep", "keep the files of the run"),
            OptionSpec("steps", "print every step, also of several scenarios"),
            OptionSpec(
                "junit", valueName: "FILE", "write a JUnit report as well, a test a scenario"),
            OptionSpec("json", "print one JSON object at the end"),
        ])

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let isJSON = command.flag("json")
        let isVirtual = command.flag("virtual")
        let place = isVirtual ? try virtualPlace(command) : try self.place(command, terminal)
        let chosen = try ScenarioCommands.chosen(command)
        var scenarios: [Scenario] = []
        for source in chosen {
            switch source.read() {
            case .success(let scenario): scenarios.append(scenario)
            case .failure(let failure): return terminal.report(failure, asJSON: isJSON)
            }
        }
        guard let place else { return .noInput }
        let style: RunReporter.Style =
            isJSON
            ? .silent : scenarios.count == 1 || command.flag("steps") ? .steps : .scenarios
        let reporter = RunReporter(terminal, style: style)
        let begun = Moment.text(SystemClock.nowMilliseconds())
        do throws(Files.Failure) {
            // Better now than after an hour.
            if let path = command.option("junit") { try Files.write([], to: path + ".new") }
            if let path = command.option("junit") { Files.remove(path + ".new") }
        } catch {
            return terminal.report(unwritable(error), asJSON: isJSON)
        }
        Keeper.shared.start()
        let seed = try self.seed(command)
        let results = scenarios.map { scenario in
            let run = {
                ScenarioRun.run(
                    scenario, at: place, keeps: command.flag("keep"), reporter: reporter)
            }
            return isVirtual ? VirtualRun.run(seed: seed, run) : run()
        }
        let exit = exitCode(results)
        do throws(Files.Failure) {
            if let path = command.option("junit") {
                let report = JUnitReport(cases: results.map { .init($0) }, begun: begun)
                try Files.write(Array(report.text.utf8), to: path)
            }
        } catch {
            return terminal.report(unwritable(error), asJSON: isJSON)
        }
        if isJSON {
            terminal.writeOut(json(results, exit).pretty + "\n")
        } else if results.count != 1 {
            terminal.writeOut(summary(results) + "\n")
        }
        return exit
    }

    private static func unwritable(_ failure: Files.Failure) -> CommandFailure {
        CommandFailure(
            code: "cannot_create", message: "\(failure): name another file with --junit",
            exit: .cannotCreate)
    }

    private static func virtualPlace(
        _ command: ParsedCommand
    ) throws(UsageError) -> ScenarioRun.Place {
        guard command.option("server") == nil else {
            throw UsageError(
                "--virtual has a server of its own", hint: "leave out --server",
                command: command.line)
        }
        return .own(isVirtual: true)
    }

    private static func seed(_ command: ParsedCommand) throws(UsageError) -> UInt64 {
        let text = try command.string("seed")
        guard let seed = UInt64(text) else {
            throw UsageError(
                "--seed: '\(text)' is no number", hint: "like --seed 7", command: command.line)
        }
        return seed
    }

    /// - Returns: `nil` when the token's file cannot be read, which was said.
    static func place(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ScenarioRun.Place? {
        guard let text = command.option("server") else { return .own(isVirtual: false) }
        let address: ServerAddress
        do throws(ServerAddress.Refusal) {
            address = try ServerAddress(text)
        } catch {
            throw UsageError(
                "--server: \(error.message)", hint: error.hint, command: command.line)
        }
        guard let file = command.option("admin-token-file") else {
            throw UsageError(
                "--server needs --admin-token-file", hint: "devices get tokens over the admin API",
                command: command.line)
        }
        do throws(Files.Failure) {
            let text = String(decoding: try Files.read(file), as: UTF8.self)
            let token = text.split(whereSeparator: \.isWhitespace).first.map(String.init)
            return .remote(
                address, Administrator(place: .socket(address.endpoint), token: token ?? ""))
        } catch {
            _ = terminal.report(
                CommandFailure(code: "no_file", message: "\(error)", exit: .noInput),
                asJSON: command.flag("json"))
            return nil
        }
    }

    private static func exitCode(_ results: [RunResult]) -> ExitCode {
        var ran = 0
        var exit = ExitCode.success
        for result in results {
            switch result.verdict {
            case .passed: ran += 1
            case .skipped: break
            case .failed(let failure):
                ran += 1
                // What is unreachable says nothing about the rest, a broken promise does.
                if failure.kind == .expectation {
                    exit = .failure
                } else if exit == .success {
                    exit = .unavailable
                }
            }
        }
        return ran == 0 ? .nothingRan : exit
    }

    private static func counts(_ results: [RunResult]) -> (passed: Int, failed: Int, skipped: Int) {
        var counts = (passed: 0, failed: 0, skipped: 0)
        for result in results {
            switch result.verdict {
            case .passed: counts.passed += 1
            case .failed: counts.failed += 1
            case .skipped: counts.skipped += 1
            }
        }
        return counts
    }

    private static func summary(_ results: [RunResult]) -> String {
        let (passed, failed, skipped) = counts(results)
        if passed + failed == 0 {
            return "nothing ran" + (skipped > 0 ? ", \(skipped) skipped" : "")
        }
        return "\(passed) passed, \(failed) failed" + (skipped > 0 ? ", \(skipped) skipped" : "")
    }

    private static func json(_ results: [RunResult], _ exit: ExitCode) -> JSONText {
        let (passed, failed, skipped) = counts(results)
        return .versioned([
            ("exit", .int(Int(exit.rawValue))), ("passed", .int(passed)),
            ("failed", .int(failed)), ("skipped", .int(skipped)),
            ("scenarios", .array(results.map(\.json))),
        ])
    }
}
