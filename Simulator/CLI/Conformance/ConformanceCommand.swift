import ToteCommandLine

/// `tote-sim conformance`: does a client in any language keep the protocol?
enum ConformanceCommand {
    static let spec = CommandSpec(
        "conformance",
        "Puts a client in any language through the protocol's vectors and live scenarios.",
        discussion: """
            Starts the command, asks it things in lines of JSON on its standard input, and reads \
            its answers from its standard output: Protocol/conformance.md says what. The scenarios \
            run against a server of their own, behind a relay that loses replies.
            """,
        examples: [
            ("tote-sim conformance -- python3 Tests/Conformance/client.py", "a client in Python"),
            ("tote-sim conformance --only killed -- ./my-client", "one scenario"),
        ],
        arguments: [
            ArgumentSpec("command", "the client and its arguments", repeating: true)
        ],
        options: [
            OptionSpec(
                "protocol", valueName: "DIR", "where the protocol's vectors are",
                default: "Protocol"),
            OptionSpec(
                "only", valueName: "NAME", "one scenario, or the vectors",
                choices: ["vectors"] + ConformanceScenarios.all.map(\.name)),
            OptionSpec("json", "print one JSON object instead of text"),
        ])

    /// One thing that was checked, and what was wrong.
    private struct Check {
        var name: String
        var count: Int?
        var faults: [String] = []
        var isSkipped = false
    }

    static func run(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let only = command.option("only")
        let scenarios = ConformanceScenarios.all.filter { only == nil || $0.name == only }
        // Nothing that is started outlives the run.
        Keeper.shared.start()
        var progress = ProgressLine(terminal)
        do {
            var checks: [Check] = []
            let (name, verbs) = try greet(command.arguments)
            if only == nil || only == "vectors" {
                if terminal.errorIsTerminal { progress.update("vectors") }
                checks += try vectors(command, verbs)
            }
            if !scenarios.isEmpty, only != "vectors" {
                let directory = try Files.makeTemporaryDirectory()
                defer { Files.remove(directory) }
                let world = try ConformanceWorld(in: directory, command: command.arguments)
                defer { world.end() }
                for (index, scenario) in scenarios.enumerated() {
                    if terminal.errorIsTerminal { progress.update(scenario.name) }
                    checks.append(try play(scenario, world, customer: "c-\(index)"))
                }
            }
            progress.finish()
            return tell(name, checks, command, terminal)
        } catch {
            progress.finish()
            let isFault = error is ConformanceFault
            return terminal.report(
                CommandFailure(
                    code: isFault ? "not_conformant" : "unavailable", message: "\(error)",
                    exit: isFault ? .failure : .unavailable),
                asJSON: command.flag("json"))
        }
    }

    private static func greet(_ command: [String]) throws -> (name: String, verbs: Set<String>) {
        let client = try ConformanceClient(command)
        defer { client.kill() }
        let hello = try client.ask(["do": "hello"])
        try client.end()
        guard let name = hello["name"]?.text, case .array(let verbs)? = hello["verbs"] else {
            throw ConformanceFault("hello is answered with \(hello.compact)")
        }
        return (name, Set(verbs.compactMap(\.text)))
    }

    private static func vectors(_ command: ParsedCommand, _ verbs: Set<String>) throws -> [Check] {
        let client = try ConformanceClient(command.arguments)
        defer { client.kill() }
        let outcomes = try ConformanceVectors(
            directory: command.option("protocol") ?? "Protocol", client: client, verbs: verbs
        ).run()
        try client.end()
        return outcomes.map { outcome in
            Check(
                name: outcome.topic, count: outcome.asked,
                faults: outcome.faults.map { "\($0.id): \($0.fault)" },
                isSkipped: outcome.isSkipped)
        }
    }

    private static func play(
        _ scenario: ConformanceScenarios.Scenario, _ world: ConformanceWorld, customer: String
    ) throws -> Check {
        var check = Check(name: scenario.name)
        do {
            try scenario.play(world, customer)
            try world.endDevices()
        } catch let fault as ConformanceFault {
            check.faults.append(fault.description)
            try? world.endDevices()
        }
        return check
    }

    /// How many faults of one check are shown to people.
    private static let faultsShown = 5

    private static func tell(
        _ name: String, _ checks: [Check], _ command: ParsedCommand, _ terminal: Terminal
    ) -> ExitCode {
        let failed = checks.filter { !$0.faults.isEmpty }.count
        if command.flag("json") {
            let list = checks.map { check -> JSONText in
                [
                    "name": .string(check.name), "vectors": check.count.map { .int($0) } ?? .null,
                    "skipped": .bool(check.isSkipped),
                    "faults": .array(check.faults.map { .string($0) }),
                ]
            }
            let report = JSONText.versioned([
                ("client", .string(name)), ("passed", .bool(failed == 0)), ("checks", .array(list)),
            ])
            terminal.writeOut(report.compact + "\n")
        } else {
            for check in checks {
                let what = check.count.map { "\($0) vectors of \(check.name)" } ?? check.name
                let word = check.isSkipped ? "skipped" : check.faults.isEmpty ? "passed" : "failed"
                terminal.writeOut("\(word)  \(check.isSkipped ? check.name : what)\n")
                for fault in check.faults.prefix(faultsShown) {
                    terminal.writeOut("        \(fault)\n")
                }
                if check.faults.count > faultsShown {
                    terminal.writeOut("        and \(check.faults.count - faultsShown) more\n")
                }
            }
            terminal.writeOut(
                failed == 0 ? "\(name) conforms\n" : "\(name) fails \(failed) checks\n")
        }
        return failed == 0 ? .success : .failure
    }
}
