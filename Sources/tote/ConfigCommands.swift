import ToteCommandLine

/// `tote config check|show`.
enum ConfigCommands {
    static let spec = CommandSpec(
        "config", "Checks and shows the settings of the server.",
        discussion: "A setting is a flag of `tote serve`, else a variable of the environment, else "
            + "a member of the configuration file that --config or TOTE_CONFIG names, else its "
            + "default. The file is a JSON object; paths in it are relative to where the command "
            + "runs.",
        subcommands: [
            CommandSpec(
                "check", "Says all that is wrong with a configuration file, with line and column.",
                examples: [
                    ("tote config check /etc/tote.json", "before the server is started on it")
                ],
                arguments: [
                    ArgumentSpec(
                        "FILE", "the file; the one of --config or TOTE_CONFIG by default",
                        optional: true)
                ], options: [CommandTree.json]),
            CommandSpec(
                "show", "Shows every setting with the value in force.",
                examples: [
                    ("tote config show --config /etc/tote.json --origin", "and who set it"),
                    ("tote config show --json", "for a program"),
                ],
                options: Settings.all + [
                    OptionSpec("origin", "say where each value comes from"), CommandTree.json,
                ]),
        ])

    static func check(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        guard let path = command.arguments.first ?? command.option("config") else {
            throw UsageError(
                "which file?", hint: "name it, or set TOTE_CONFIG", command: command.line)
        }
        return FileCommands.attempt(output) { () throws(CommandFailure) in
            let file = try ConfigurationFile(contentsOf: path, settings: Settings.all)
            if let listen = file.value("listen"), let place = HostAndPort(listen.text),
                let exposure = Settings.exposure(place, proxy: file.value("proxy")?.text)
            {
                throw ConfigurationFile.failure(
                    path, [TextError(listen.place, "\(exposure); set proxy to the TLS proxy")])
            }
            let warnings = Settings.warnings(command, metrics: file.value("metrics")?.text)
            output.result(
                [
                    ("file", .string(path)), ("errors", .array([])),
                    ("warnings", .array(warnings.map { .string($0) })),
                ], ["\(path): in order"] + warnings.map { "warning: \($0)" })
            return .success
        }
    }

    static func show(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let settings = command.settings
        let name = settings.map(\.name.count).max() ?? 0
        let value = settings.map(\.text.count).max() ?? 0
        let lines = settings.map { setting in
            let shown = padded(setting.name, name) + "  "
            return command.flag("origin")
                ? shown + padded(setting.text, value) + "  \(setting.origin)"
                : shown + setting.text
        }
        let warnings = Settings.warnings(command, metrics: command.option("metrics"))
        output.result(
            [
                ("settings", .array(settings.map(\.json))),
                ("warnings", .array(warnings.map { .string($0) })),
            ], lines + warnings.map { "warning: \($0)" })
        return .success
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
