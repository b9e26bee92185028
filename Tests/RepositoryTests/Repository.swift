import Foundation

/// The tree these tests were built from.
struct Repository: Sendable {
    let root: URL
    /// The files of `Package.swift`, `Sources`, `Simulator` and `Tests`, by path.
    let files: [SourceFile]

    /// Read once: every check looks at the same files.
    static let shared = Repository()

    private init() {
        root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        var paths = ["Package.swift"]
        for folder in ["Sources", "Simulator", "Tests"] {
            let found = FileManager.default.enumerator(atPath: root.path + "/" + folder)
            while let path = found?.nextObject() as? String {
                if path.hasSuffix(".swift") { paths.append(folder + "/" + path) }
            }
        }
        let root = root
        files = paths.sorted().compactMap { path in
            Self.text(at: root.path + "/" + path).map { SourceFile(path, $0) }
        }
    }

    /// A file of any kind; nil where there is none.
    func text(of path: String) -> String? { Self.text(at: root.path + "/" + path) }

    private static func text(at path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
