/// What gave an option its value.
package enum ValueOrigin: Hashable, Sendable, CustomStringConvertible {
    /// The command line.
    case flag
    /// A variable of the environment.
    case environment(String)
    /// A configuration file.
    case file(String, TextPlace)
    /// The table.
    case `default`

    /// In a word or a place: `flag`, `TOTE_LISTEN`, `tote.json:3:5`, `default`.
    package var description: String {
        switch self {
        case .flag: "flag"
        case .environment(let name): name
        case .file(let path, let place): "\(path):\(place)"
        case .default: "default"
        }
    }

    fileprivate var members: [(name: String, value: JSONText)] {
        switch self {
        case .flag: [("origin", "flag")]
        case .environment(let name): [("origin", "environment"), ("variable", .string(name))]
        case .file(let path, let place):
            [
                ("origin", "file"), ("file", .string(path)), ("line", .int(place.line)),
                ("column", .int(place.column)),
            ]
        case .default: [("origin", "default")]
        }
    }
}

/// What an option was given, and where. A flag that is set has one empty value, a flag that was
/// said to be off has none.
struct GivenValue: Hashable, Sendable {
    var values: [String]
    let origin: ValueOrigin
}

/// A setting with the value in force.
package struct EffectiveSetting: Sendable {
    let spec: OptionSpec
    let value: String?
    /// Where the value comes from.
    package let origin: ValueOrigin

    /// Its name in a configuration file.
    package var name: String { spec.key }

    /// Its value as people read it; a secret's is not shown.
    package var text: String {
        if spec.isFlag { return value == nil ? "off" : "on" }
        guard let value else { return "not set" }
        return spec.isSecret ? "(secret)" : value
    }

    /// Its value with its origin.
    package var json: JSONText {
        var shown: JSONText = .null
        if spec.isFlag {
            shown = .bool(value != nil)
        } else if let value {
            shown = spec.isSecret ? "(secret)" : spec.json(value)
        }
        return .object([("name", .string(name)), ("value", shown)] + origin.members)
    }
}

extension OptionSpec {
    fileprivate func json(_ value: String) -> JSONText {
        if case .whole = form, let number = Int(value) { return .int(number) }
        return .string(value)
    }

    /// The values that a member of a configuration file gives; nil if it is of a wrong kind.
    fileprivate func values(_ node: TextNode) -> [String]? {
        switch (node.kind, form) {
        case (.bool(let isOn), _) where isFlag: isOn ? [""] : []
        case (.number(let number), .whole) where !isFlag: [String(number)]
        case (.string(let text), .whole) where Int(text) != nil: nil
        case (.string(let text), _) where !isFlag: [text]
        default: nil
        }
    }

    fileprivate var wanted: String {
        if isFlag { return "true or false" }
        if case .whole = form { return "a number" }
        return "a text"
    }
}

/// A configuration file: a JSON object with a member for each setting that it gives.
package struct ConfigurationFile: Sendable {
    /// Bytes of a file.
    package static let bytesMax = 256 * 1_024
    /// Members that are no settings: a comment, the name of a schema.
    private static let ignoredMembers = ["//", "$schema"]

    /// By the long name of the option.
    let given: [String: GivenValue]

    /// Reads a file's text.
    ///
    /// - Throws: all that is wrong with it, in the order of the text.
    package init(
        _ text: String, path: String, settings: [OptionSpec]
    ) throws(CommandFailure) {
        var given: [String: GivenValue] = [:]
        var faults: [TextError] = []
        do throws(TextError) {
            let root = try JSONTextReader.read(text, repeated: &faults)
            guard case .object(let members) = root.kind else {
                throw TextError(root.place, "this is \(root.what), an object belongs here")
            }
            for member in members where !Self.ignoredMembers.contains(member.name) {
                guard let setting = settings.first(where: { $0.key == member.name }) else {
                    let hint = Suggestion.hint(for: member.name, among: settings.map(\.key))
                    faults.append(
                        TextError(
                            member.place,
                            "there is no setting '\(member.name)'"
                                + (hint.map { "; \($0)" } ?? "")))
                    continue
                }
                guard let values = setting.values(member.value) else {
                    faults.append(
                        TextError(
                            member.value.place,
                            "\(setting.key) needs \(setting.wanted), not \(member.value.what)"))
                    continue
                }
                if let value = values.first, let fault = setting.fault(in: value) {
                    faults.append(
                        TextError(
                            member.value.place,
                            "\(setting.key) \(fault.message)"
                                + (fault.hint.map { "; \($0)" } ?? "")))
                }
                given[setting.long] = GivenValue(
                    values: values, origin: .file(path, member.place))
            }
        } catch {
            faults.append(error)
        }
        guard faults.isEmpty else {
            throw Self.failure(path, faults.sorted { $0.place < $1.place })
        }
        self.given = given
    }

    /// Reads a file.
    ///
    /// - Throws: all that is wrong with it, or that it is not there.
    package init(
        contentsOf path: String, settings: [OptionSpec], reading file: FileReading = TextFile.read
    ) throws(CommandFailure) {
        let text: String
        do throws(CommandFailure) {
            text = try file(path, Self.bytesMax)
        } catch {
            guard let faults = error.faults else { throw error }
            throw Self.failure(path, faults.faults)
        }
        try self.init(text, path: path, settings: settings)
    }

    /// What a file with faults is refused with.
    package static func failure(_ path: String, _ faults: [TextError]) -> CommandFailure {
        CommandFailure(
            code: "config_invalid",
            message: "\(path) has \(faults.count == 1 ? "1 fault" : "\(faults.count) faults")",
            exit: .config, faults: FileFaults(path: path, faults: faults))
    }

    /// A value that the file gives, and where.
    package func value(_ long: String) -> (text: String, place: TextPlace)? {
        guard let found = given[long], let text = found.values.last,
            case .file(_, let place) = found.origin
        else { return nil }
        return (text, place)
    }
}
