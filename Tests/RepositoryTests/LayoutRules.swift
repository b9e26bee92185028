/// The top level, and the commands that README and CI must agree on.
enum LayoutRules {
    private static let topLevel: Set<String> = [
        "Package.swift", "Sources", "Tests", "Protocol", "Simulator", "README.md", "LICENSE",
    ]
    /// What .gitignore keeps out of the repository.
    private static let ignored: Set<String> = ["Package.resolved", "runs"]

    static func strangers(amongTopLevel names: [String]) -> [Finding] {
        names.sorted().compactMap { name in
            let isKnown = name.hasPrefix(".") || topLevel.contains(name) || ignored.contains(name)
            return isKnown ? nil : Finding(name, 1, "not one of the top-level names")
        }
    }

    static let checkCommands = [
        "swift format lint --strict --recursive Sources Simulator Tests Package.swift",
        "swift build --build-tests --explicit-target-dependency-import-check error",
        "swift test --parallel",
    ]

    /// Check commands that `.ci/run` does not run as they are written everywhere else.
    static func missingCommands(inCI script: String) -> [Finding] {
        let lines = Set(commandLines(script))
        return checkCommands.filter { command in
            !lines.contains { $0 == command || $0.hasSuffix(" " + command) }
        }.map { Finding(".ci/run", 1, "does not run: \($0)") }
    }

    private static let testCommand = Pattern(#"swift test\b[^\n`#]*"#)

    /// The README's first test command where CI runs another one.
    static func differingTestCommand(readme: String, ci script: String) -> [Finding] {
        guard let match = testCommand.matches(in: readme).first else {
            return [Finding("README.md", 1, "has no test command")]
        }
        let command = match.groups[0].trimmed
        let runs = commandLines(script).contains { $0 == command || $0.hasSuffix(" " + command) }
        return runs ? [] : [Finding("README.md", match.line, "CI does not run: \(command)")]
    }

    private static func commandLines(_ script: String) -> [String] {
        script.split(separator: "\n").map { line in
            String(line.prefix { $0 != "#" }).trimmed
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        var rest = self[...].drop(while: \.isWhitespace)
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
