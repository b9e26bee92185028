import Foundation
import Testing

/// Lets a program's writes below a path go wrong: `Tests/Faults/faults.c`, built for one test.
struct FaultyDisk {
    enum Kind: String, CustomStringConvertible {
        case inputOutput = "EIO"
        case noSpace = "ENOSPC"
        /// The program ends at the write.
        case kill
        /// The write waits until `heal` is called.
        case hold

        var description: String { rawValue }
    }

    private let library: String
    private let scratch: URL

    init() async throws {
        scratch = try SimulatorProgram.makeDirectory()
        library = scratch.appendingPathComponent("faults.so").path
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Faults/faults.c").standardized.path
        let built = try await Tools.run(
            "clang", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"])
        try #require(built.exit == 0, "faults.c cannot be built: \(built.error)")
    }

    func remove() { try? FileManager.default.removeItem(at: scratch) }

    /// The variables of a program whose write number `place` to a path that begins with `path` goes
    /// wrong.
    ///
    /// - Parameter count: the file that `counts` reads afterwards.
    func environment(
        _ kind: Kind, at place: Int, below path: String, count: String
    ) -> [String: String] {
        [
            "LD_PRELOAD": library, "TOTE_FAULT_PATH": path, "TOTE_FAULT_AT": "\(place)",
            "TOTE_FAULT_KIND": kind.rawValue, "TOTE_FAULT_COUNT": count,
        ]
    }

    /// How many writes there were, and how many went wrong.
    static func counts(_ file: String) -> (calls: Int, struck: Int) {
        let said = (try? String(contentsOfFile: file, encoding: .utf8)) ?? "0 0"
        let numbers = said.split { " \n".contains($0) }.compactMap { Int($0) }
        return (numbers.first ?? 0, numbers.last ?? 0)
    }

    /// Ends what lasts: room on the disk again, or held writes going on.
    static func heal(_ path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        try Data().write(to: folder.appendingPathComponent("healed"))
    }
}
