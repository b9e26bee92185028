import ToteCommandLine

/// Where a scenario's text comes from.
struct ScenarioSource: Sendable {
    /// As messages name it: a path, or the name of a built-in one.
    let name: String
    /// `nil` for a file, which is read when it is needed.
    let text: String?

    func read() -> Result<Scenario, CommandFailure> {
        do throws(Files.Failure) {
            let text =
                if let text { text } else { String(decoding: try Files.read(name), as: UTF8.self) }
            do throws(ScenarioError) {
                return .success(try ScenarioReader.read(text))
            } catch {
                return .failure(
                    CommandFailure(
                        code: "scenario_invalid", message: "\(name) has a fault",
                        exit: .dataError, faults: FileFaults(path: name, faults: [error])))
            }
        } catch {
            return .failure(
                CommandFailure(code: "no_file", message: "\(error)", exit: .noInput))
        }
    }
}

/// `tote-sim list`, `show` and `check`.
enum ScenarioCommands {
    static let listSpec = CommandSpec(
        "list", "Lists the built-in scenarios.",
        examples: [
            ("tote-sim list", "what there is to run"),
            ("tote-sim list --tag network", "those about bad networks"),
        ],
        options: [
            OptionSpec("tag", valueName: "TAG", "only those with a tag", repeating: true),
            OptionSpec("json", "print one JSON object"),
        ])
    static let showSpec = CommandSpec(
        "show", "Prints a built-in scenario: the start of one of your own.",
        examples: [("tote-sim show first-sync > mine.json", "to change and run")],
        arguments: [
            ArgumentSpec("scenario", "its name", suggestions: BuiltInScenarios.all.map(\.name))
        ],
        options: [OptionSpec("json", "print its text as the member text of a JSON object")])
    static let checkSpec = CommandSpec(
        "check", "Reads a scenario and says what is wrong with it, without running anything.",
        examples: [("tote-sim check mine.json", "line and column of what is wrong")],
        arguments: [ArgumentSpec("file", "a scenario", repeating: true)],
        options: [OptionSpec("json", "print one JSON object")])

    static func list(_ command: ParsedCommand, _ terminal: Terminal) -> ExitCode {
        let scenarios = tagged(command.values(of: "tag"))
        guard !scenarios.isEmpty else {
            return terminal.report(
                CommandFailure(
                    code: "no_scenario",
                    message: "no scenario has this tag: `tote-sim list` shows "
                        + "those that there are", exit: .nothingRan),
                asJSON: command.flag("json"))
        }
        if command.flag("json") {
            let entries = scenarios.map { scenario -> JSONText in
                [
                    "name": .string(scenario.name), "about": .string(scenario.about),
                    "tags": .array(scenario.tags.map { .string($0) }),
                ]
            }
            terminal.writeOut(JSONText.versioned([("scenarios", .array(entries))]).pretty + "\n")
            return .success
        }
        let width = scenarios.map(\.name.count).max() ?? 0
        for scenario in scenarios {
            let name = terminal.style(.bold, VerbHelp.pad(scenario.name, width))
            let tags = terminal.style(.dim, "[\(scenario.tags.joined(separator: " "))]")
            terminal.writeOut("\(name)  \(scenario.about) \(tags)\n")
        }
        return .success
    }

    static func show(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        let text = (try builtIn(command.arguments[0], command).text ?? "") + "\n"
        let versioned = JSONText.versioned([("text", .string(text))])
        terminal.writeOut(command.flag("json") ? versioned.compact + "\n" : text)
        return .success
    }

    static func check(
        _ command: ParsedCommand, _ terminal: Terminal
    ) throws(UsageError) -> ExitCode {
        var exit = ExitCode.success
        var files: [JSONText] = []
        for name in command.arguments {
            switch ScenarioSource(name: name, text: nil).read() {
            case .success(let scenario):
                let (devices, steps) = (scenario.devices.count, scenario.steps.count)
                files.append([
                    "file": .string(name), "name": .string(scenario.name),
                    "devices": .int(devices), "steps": .int(steps),
                ])
                if command.flag("json") { continue }
                terminal.writeOut(
                    "\(name): \(scenario.name), \(devices) devices, \(steps) steps: in order\n")
            case .failure(let failure):
                exit = terminal.report(failure, asJSON: command.flag("json"))
            }
        }
        if command.flag("json") {
            terminal.writeOut(JSONText.versioned([("files", .array(files))]).compact + "\n")
        }
        return exit
    }

    /// What `run` is asked for, in order.
    static func chosen(_ command: ParsedCommand) throws(UsageError) -> [ScenarioSource] {
        var sources: [ScenarioSource] = []
        for name in command.arguments { sources.append(try source(name, command)) }
        let tags = command.values(of: "tag")
        if command.flag("all") || !tags.isEmpty {
            sources += tagged(tags).compactMap { scenario in
                BuiltInScenarios.all.first { $0.name == scenario.name }
                    .map { ScenarioSource(name: $0.name, text: $0.text) }
            }
        } else if sources.isEmpty {
            throw UsageError(
                "which scenario? name one, or a file", hint: "`tote-sim list` shows them",
                command: command.line)
        }
        return sources
    }

    private static func source(
        _ name: String, _ command: ParsedCommand
    ) throws(UsageError) -> ScenarioSource {
        if name.contains("/") || name.hasSuffix(".json") {
            return ScenarioSource(name: name, text: nil)
        }
        return try builtIn(name, command)
    }

    private static func builtIn(
        _ name: String, _ command: ParsedCommand
    ) throws(UsageError) -> ScenarioSource {
        guard let found = BuiltInScenarios.all.first(where: { $0.name == name }) else {
            let near = Suggestion.nearest(to: name, among: BuiltInScenarios.all.map(\.name))
                .map { "did you mean \($0)?" }
            throw UsageError(
                "there is no scenario '\(name)'",
                hint: near ?? "`tote-sim list` shows them; a file's name ends in .json",
                command: command.line)
        }
        return ScenarioSource(name: found.name, text: found.text)
    }

    private static func tagged(_ tags: [String]) -> [Scenario] {
        BuiltInScenarios.all.compactMap { try? ScenarioReader.read($0.text) }
            .filter { scenario in tags.isEmpty || tags.contains { scenario.tags.contains($0) } }
    }
}
