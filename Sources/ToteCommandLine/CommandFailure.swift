/// What a command failed with.
package struct CommandFailure: Error, Hashable, Sendable {
    /// For programs: stable, in snake_case.
    package let code: String
    /// What happened, and what to do about it.
    package let message: String
    /// The status to end with.
    package let exit: ExitCode
    /// What is wrong in a file, where that is the reason.
    package let faults: FileFaults?

    /// A failure.
    package init(code: String, message: String, exit: ExitCode, faults: FileFaults? = nil) {
        self.code = code
        self.message = message
        self.exit = exit
        self.faults = faults
    }
}

/// All that is wrong in a file, in the order of its text.
package struct FileFaults: Hashable, Sendable {
    /// The file, as it was named.
    package let path: String
    /// At least one.
    package let faults: [TextError]

    /// The faults of a file.
    package init(path: String, faults: [TextError]) {
        self.path = path
        self.faults = faults
    }

    /// As compilers say it: `tote.json:3:14: …`.
    var lines: [String] { faults.map { "\(path):\($0)" } }

    var json: JSONText {
        .array(
            faults.map {
                [
                    "file": .string(path), "line": .int($0.place.line),
                    "column": .int($0.place.column), "message": .string($0.message),
                ]
            })
    }
}

extension JSONText {
    /// The version of the shape of everything that `--json` prints: member `version` of each
    /// object. Members may be added under the same version; none changes its meaning.
    package static let shapeVersion = 1

    /// An object that says its version first.
    package static func versioned(_ members: [(name: String, value: JSONText)]) -> JSONText {
        .object([(name: "version", value: .int(shapeVersion))] + members)
    }
}

extension Terminal {
    /// Says on stderr why a command failed: for people, or as one line of JSON.
    /// - Returns: the status to end with.
    package func report(_ failure: CommandFailure, asJSON: Bool) -> ExitCode {
        if asJSON {
            var members: [(name: String, value: JSONText)] = [
                ("code", .string(failure.code)), ("detail", .string(failure.message)),
            ]
            if let faults = failure.faults { members.append(("errors", faults.json)) }
            writeError(JSONText.versioned(members).compact + "\n")
        } else {
            for line in failure.faults?.lines ?? [] { writeError(line + "\n") }
            writeError("\(style(.red, "error:", on: .error)) \(failure.message)\n")
        }
        return failure.exit
    }

    /// Says on stderr why a command line is refused: for people, or as one line of JSON.
    package func report(_ error: UsageError, asJSON: Bool) -> ExitCode {
        if asJSON {
            let hint = error.hint.map { ": \($0)" } ?? ""
            let faults = error.faults
            return report(
                CommandFailure(
                    code: error.code, message: error.message + hint, exit: error.exitCode,
                    faults: faults), asJSON: true)
        }
        writeError("\(error)\n")
        return error.exitCode
    }
}
