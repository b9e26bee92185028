/// The order inside ToteCore, which no compiler checks:
/// CRDT/ → Hash/ → Ledger/ → Model/ → Commerce/ → Wire/ → HandOff/, Lists/.
enum FolderOrder {
    static let folders = [
        "Sources/ToteCore/CRDT/", "Sources/ToteCore/Hash/", "Sources/ToteCore/Ledger/",
        "Sources/ToteCore/Model/", "Sources/ToteCore/Commerce/", "Sources/ToteCore/Wire/",
        "Sources/ToteCore/HandOff/", "Sources/ToteCore/Lists/",
    ]

    private static let topLevelType = Pattern(
        #"^(?:@\w+\s+|public\s+|package\s+|internal\s+|final\s+|indirect\s+)*"#
            + #"(?:struct|enum|class|actor|protocol|typealias)\s+(\w+)"#)
    private static let anyType = Pattern(
        #"\b(?:struct|enum|class|actor|protocol|typealias|associatedtype)\s+(\w+)"#)
    private static let typeName = Pattern(#"\b[A-Z]\w*\b"#)

    /// Mentions, in an earlier folder, of a type that a later one declares.
    static func findings(in files: [SourceFile]) -> [Finding] {
        let byFolder = folders.map { folder in files.filter { $0.path.hasPrefix(folder) } }
        var findings: [Finding] = []
        for (index, earlier) in byFolder.enumerated() {
            // A name the earlier folder declares too, if only inside a type, is its own.
            let own = names(earlier, anyType)
            for later in (index + 1)..<max(byFolder.count, index + 1) {
                let foreign = names(byFolder[later], topLevelType).subtracting(own)
                for file in earlier {
                    for match in typeName.matches(in: file.code)
                    where foreign.contains(match.groups[0]) {
                        let what = "mentions \(match.groups[0]) of \(folders[later])"
                        findings.append(Finding(file, match.line, what))
                    }
                }
            }
        }
        return findings
    }

    private static func names(_ files: [SourceFile], _ pattern: Pattern) -> Set<String> {
        Set(files.flatMap { pattern.matches(in: $0.code).map { $0.groups[1] } })
    }
}
