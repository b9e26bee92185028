import Foundation
import Testing

/// The rules of the house, applied to the tree itself. `CanaryTests` proves that each can fail.
@Suite struct RepositoryTests {
    private let repository = Repository.shared

    private func expectNone(
        _ findings: [Finding], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for finding in findings { Issue.record("\(finding)", sourceLocation: sourceLocation) }
        #expect(findings.isEmpty, sourceLocation: sourceLocation)
    }

    @Test func `the whole tree is found`() {
        #expect(repository.files.contains { $0.path == "Package.swift" })
        #expect(repository.files.contains { $0.path.hasPrefix("Sources/ToteCore/") })
        #expect(repository.files.contains { $0.path.hasPrefix("Simulator/World/") })
        #expect(repository.files.contains { $0.path == "Tests/RepositoryTests/Repository.swift" })
    }

    @Test func `lines, functions and files stay short`() {
        expectNone(repository.files.flatMap(SizeRules.findings))
    }

    @Test func `no folder imports what it must not see`() {
        expectNone(repository.files.flatMap(ImportRules.bannedImports))
    }

    @Test func `every import is declared in the manifest`() throws {
        let manifest = try #require(repository.text(of: "Package.swift"))
        let targets = ImportRules.targets(inManifest: manifest)
        #expect(targets.count >= 22, "the manifest's way to declare targets has changed")
        let files = repository.files.filter { $0.path != "Package.swift" }
        expectNone(files.flatMap { ImportRules.undeclaredImports(in: $0, targets: targets) })
    }

    @Test func `the manifest declares no Swift package`() throws {
        let manifest = try #require(repository.files.first { $0.path == "Package.swift" })
        #expect(!manifest.code.contains(".package("))
    }

    @Test func `inside ToteCore no folder knows a later one`() {
        expectNone(FolderOrder.findings(in: repository.files))
    }

    @Test func `clocks and randomness are given, not taken`() {
        expectNone(repository.files.flatMap(DeterminismRules.findings))
    }

    @Test func `no note to finish something is left`() {
        expectNone(repository.files.flatMap(LeftoverRules.notes))
    }

    @Test func `few types vouch for their thread safety, and each says why`() {
        expectNone(repository.files.flatMap(LeftoverRules.unexplainedSendables))
        expectNone(LeftoverRules.uncheckedBudget(repository.files))
    }

    @Test func `the top level holds only the names it should`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: repository.root.path)
        expectNone(LayoutRules.strangers(amongTopLevel: names))
    }

    @Test func `CI is executable and runs the check commands`() throws {
        let script = try #require(repository.text(of: ".ci/run"))
        #expect(FileManager.default.isExecutableFile(atPath: repository.root.path + "/.ci/run"))
        expectNone(LayoutRules.missingCommands(inCI: script))
    }

    @Test(.enabled(if: Repository.shared.text(of: "README.md") != nil, "there is no README yet"))
    func `the README tests as CI does`() throws {
        let readme = try #require(repository.text(of: "README.md"))
        let script = try #require(repository.text(of: ".ci/run"))
        expectNone(LayoutRules.differingTestCommand(readme: readme, ci: script))
    }

    @Test func `the README shows the snippets that tests run, word for word`() throws {
        let readme = try #require(repository.text(of: "README.md"))
        for target in ["ToteClientTests", "ToteTestingTests"] {
            let text = try #require(repository.text(of: "Tests/\(target)/ReadmeSnippet.swift"))
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let begin = try #require(lines.firstIndex(of: "// snippet:begin"))
            let end = try #require(lines.firstIndex(of: "// snippet:end"))
            let snippet = lines[(begin + 1)..<end].joined(separator: "\n")
            #expect(readme.contains("```swift\n\(snippet)\n```"), "\(target)")
        }
    }
}
