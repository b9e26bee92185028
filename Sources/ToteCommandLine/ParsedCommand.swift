/// A command line that fits the table.
package struct ParsedCommand: Sendable {
    /// The command's names below the executable: `["token", "create"]`; empty for the root.
    package let path: [String]
    /// The positional arguments, in order; their number fits the table.
    package let arguments: [String]
    /// The command as typed, for messages.
    package let line: String
    /// Variables of the environment that look like mistyped ones of ours; nothing read them.
    package internal(set) var mistypedVariables: [MistypedVariable] = []
    private let options: [OptionSpec]
    /// Values by long name; one that nothing gives is not there.
    private let given: [String: GivenValue]

    init(scope: CommandScope, arguments: [String], given: [String: GivenValue]) {
        path = scope.path
        self.arguments = arguments
        line = scope.line
        options = scope.options
        self.given = given
    }

    /// The last value given on the command line, else the environment's, else the configuration
    /// file's, else the default.
    /// - Precondition: the table declares `--name` with a value.
    package func option(_ name: String) -> String? {
        let spec = declared(name, isFlag: false)
        return given[name]?.values.last ?? spec.default
    }

    /// Every value of a repeating option, in the order given; the default alone if none was.
    /// - Precondition: the table declares `--name` with a value.
    package func values(of name: String) -> [String] {
        let spec = declared(name, isFlag: false)
        return given[name]?.values ?? spec.default.map { [$0] } ?? []
    }

    /// Whether the table declares the option for this command.
    package func declares(_ name: String) -> Bool { options.contains { $0.long == name } }

    /// Whether the flag is set.
    /// - Precondition: the table declares `--name` without a value.
    package func flag(_ name: String) -> Bool {
        _ = declared(name, isFlag: true)
        return given[name]?.values.isEmpty == false
    }

    /// The settings that the command declares, in the order of the table, with the values in force.
    package var settings: [EffectiveSetting] {
        options.filter(\.isSetting).map { spec in
            let found = given[spec.long]
            return EffectiveSetting(
                spec: spec, value: found.map(\.values.last) ?? spec.default,
                origin: found?.origin ?? .default)
        }
    }

    /// The option's value.
    /// - Throws: `UsageError` if it has none.
    package func string(_ name: String) throws(UsageError) -> String {
        guard let value = option(name) else { throw missing(name) }
        return value
    }

    /// The option's value as a whole number.
    /// - Throws: `UsageError` if it has none, or one that is no number within `range`.
    package func int(
        _ name: String, in range: ClosedRange<Int> = Int.min...Int.max
    ) throws(UsageError) -> Int {
        guard let value = try optionalInt(name, in: range) else { throw missing(name) }
        return value
    }

    /// The option's value as a whole number, or nil if it has none.
    /// - Throws: `UsageError` if it has one that is no number within `range`.
    package func optionalInt(
        _ name: String, in range: ClosedRange<Int> = Int.min...Int.max
    ) throws(UsageError) -> Int? {
        guard let text = option(name) else { return nil }
        try check(text, name, .whole(range))
        return Int(text)
    }

    private func check(_ text: String, _ name: String, _ form: ValueForm) throws(UsageError) {
        guard let fault = form.fault(in: text) else { return }
        throw UsageError("--\(name) \(fault.message)", hint: fault.hint, command: line)
    }

    /// The option's value as a length of time: `250ms`, `30s`, `5m`, `2h`, `1d`.
    /// - Throws: `UsageError` if it has none, or one of another form.
    package func duration(_ name: String) throws(UsageError) -> Duration {
        guard let value = try optionalDuration(name) else { throw missing(name) }
        return value
    }

    /// The option's value as a length of time, or nil if it has none.
    /// - Throws: `UsageError` if it has one of another form.
    package func optionalDuration(_ name: String) throws(UsageError) -> Duration? {
        guard let text = option(name) else { return nil }
        try check(text, name, .time)
        return DurationText.parse(text)
    }

    private func missing(_ name: String) -> UsageError {
        let spec = declared(name, isFlag: false)
        let hint = spec.environment.map { "or set \($0) in the environment" }
        return UsageError(
            "--\(name) <\(spec.valueName ?? "value")> is needed", hint: hint, command: line)
    }

    private func declared(_ name: String, isFlag: Bool) -> OptionSpec {
        guard let spec = options.first(where: { $0.long == name }) else {
            preconditionFailure("'\(line)' declares no option --\(name)")
        }
        precondition(
            spec.isFlag == isFlag,
            "--\(name) of '\(line)' is \(spec.isFlag ? "a flag" : "an option with a value")")
        return spec
    }
}

/// Lengths of time as people type them.
package enum DurationText {
    /// Reads `250ms`, `30s`, `5m`, `2h` or `1d`; nil for any other form and beyond `Int64` ms.
    package static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), let unit = milliseconds[String(text[digits.endIndex...])]
        else { return nil }
        let (total, overflowed) = count.multipliedReportingOverflow(by: unit)
        return overflowed ? nil : .milliseconds(total)
    }

    private static let milliseconds: [String: Int64] = [
        "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
    ]
}
