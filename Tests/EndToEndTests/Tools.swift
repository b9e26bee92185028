import Foundation

/// Programs of the system that some tests need.
enum Tools {
    /// Where continuous integration runs, a missing tool is a failure and no reason to skip.
    static let mustRun = ProcessInfo.processInfo.environment["TOTE_CI"] == "1"

    /// Whether a test that needs these programs runs.
    static func areThere(_ programs: String...) -> Bool { mustRun || has(programs) }

    /// Whether all of the programs are installed.
    static func has(_ programs: [String]) -> Bool {
        let folders = SimulatorProgram.searchPath.split(separator: ":")
        return programs.allSatisfy { program in
            folders.contains { folder in
                FileManager.default.isExecutableFile(atPath: "\(folder)/\(program)")
            }
        }
    }

    /// Runs one of them to its end.
    static func run(
        _ program: String, _ arguments: [String], input: String = "",
        environment: [String: String] = [:]
    ) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run(
            "/usr/bin/env", [program] + arguments, input: input, environment: environment)
    }
}
