/// Who may import what: the arrows of the architecture.
enum ImportRules {
    private static let platform: Set<String> = ["Glibc", "Musl", "Darwin"]
    private static let system: Set<String> = [
        "Swift", "Foundation", "FoundationEssentials", "FoundationNetworking", "Dispatch",
        "Synchronization", "CryptoKit", "Testing", "PackageDescription",
    ]

    private static let statement = Pattern(
        #"^[ \t]*(?:@\w+\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?import\s+"#
            + #"(?:(?:struct|class|enum|func|protocol|var|let|typealias)\s+)?(\w+)"#)

    static func imports(of file: SourceFile) -> [(module: String, line: Int)] {
        statement.matches(in: file.code).map { ($0.groups[1], $0.line) }
    }

    /// Modules that some folders must not see, whatever the manifest says.
    static func bannedImports(in file: SourceFile) -> [Finding] {
        imports(of: file).compactMap { module, line in
            isBanned(module, in: file)
                ? Finding(file, line, "must not import \(module)") : nil
        }
    }

    private static func isBanned(_ module: String, in file: SourceFile) -> Bool {
        let isPure = file.isIn(["Sources/ToteCore/", "Sources/ToteQR/", "Simulator/World/"])
        if isPure, module.hasPrefix("Foundation") || module == "Dispatch" { return true }
        switch module {
        case _ where platform.contains(module):
            return isPure || file.isIn(["Sources/ToteServer/", "Sources/ToteClient/"])
        case "FoundationNetworking":
            return file.isIn(["Sources/ToteServer/", "Sources/ToteClient/"])
        case "CLinux":
            return !file.isIn([
                "Sources/ToteProcesses/", "Sources/ToteHTTP/", "Tests/ToteHTTPTests/",
                "Tests/TestPrograms/", "Simulator/CLI/",
            ])
        case "CSQLite":
            // Tests take it for another program that writes to our files.
            return !file.isIn([
                "Sources/ToteSQLite/", "Tests/ToteSQLiteTests/", "Tests/ToteServerTests/",
            ])
        default:
            return false
        }
    }

    /// What a target of the manifest is and may import.
    struct Target: Equatable {
        var folder: String
        var dependencies: Set<String>
    }

    private static let target = Pattern(
        #"\b(library|command|tests)\(\s*"([\w-]+)"\s*(?:,\s*\[([^\]]*)\])?"#
            + #"(?:\s*,\s*path:\s*"([^"]+)")?(?:\s*,\s*embedding:\s*\[[^\]]*\])?\s*\)"#)
    private static let quotedName = Pattern(#""([\w-]+)""#)

    /// The targets of our manifest, written with its own three helper functions.
    static func targets(inManifest text: String) -> [Target] {
        let manifest = SourceText.code(in: text, keeping: .strings)
        return target.matches(in: manifest).map { match in
            let parent = match.groups[1] == "tests" ? "Tests/" : "Sources/"
            let folder = match.groups[4].isEmpty ? parent + match.groups[2] : match.groups[4]
            let dependencies = quotedName.matches(in: match.groups[3]).map { $0.groups[1] }
            return Target(folder: folder + "/", dependencies: Set(dependencies))
        }
    }

    /// Imports of a module that is neither a declared dependency nor part of the system.
    static func undeclaredImports(in file: SourceFile, targets: [Target]) -> [Finding] {
        // Built by `.ci/fuzz`, outside the package.
        guard !file.path.hasPrefix("Tests/Fuzz/") else { return [] }
        guard let target = targets.first(where: { file.path.hasPrefix($0.folder) }) else {
            return [Finding(file, 1, "belongs to no target of the manifest")]
        }
        return imports(of: file).compactMap { module, line in
            // The module of the executable `tote-sim` is called `tote_sim`.
            let names = Set(target.dependencies.map { $0.replacing("-", with: "_") })
            let isKnown =
                names.contains(module) || system.contains(module) || platform.contains(module)
            return isKnown ? nil : Finding(file, line, "imports \(module) without declaring it")
        }
    }
}
