import Testing

/// A check that cannot fail is no check: each one gets a text that breaks its rule, and one that
/// only looks as if it did.
@Suite struct CanaryTests {
    private func core(_ text: String, _ name: String = "Model/A.swift") -> SourceFile {
        SourceFile("Sources/ToteCore/" + name, text)
    }

    private func whats(_ findings: [Finding]) -> [String] { findings.map(\.what) }

    @Test func `comments, strings and names in backticks are no code`() {
        let text = ##"""
            let a = "x { y" // } z
            /* { /* nested */ { */ let b = #"raw " { \( "# + "\(f("}") { q })"
            func `an { odd name`() { "\"{" }
            """##
        let code = SourceText.code(in: text)
        #expect(code.count { $0 == "{" } == 2)
        #expect(code.count { $0 == "}" } == 2)
        #expect(code.contains("f("))
        #expect(code.utf8.count == text.utf8.count)
        #expect(SourceText.code(in: text, keeping: .strings).contains("x { y"))
        #expect(!SourceText.code(in: text, keeping: .strings).contains("nested"))
    }

    @Test func `multi-line strings end at their own quotes`() {
        let text = "let a = \"\"\"\n  { \"quoted\" {\n  \"\"\"\nlet b = \"unended {\nlet c = 1"
        let code = SourceText.code(in: text)
        #expect(!code.contains("{"))
        #expect(code.contains("let b") && code.contains("let c = 1"))
    }

    @Test func `a wide line and a long file are found`() {
        let wide = core(String(repeating: "x", count: 101))
        #expect(whats(SizeRules.findings(in: wide)) == ["101 characters in a line"])
        #expect(SizeRules.findings(in: core(String(repeating: "é", count: 100))).isEmpty)
        let long = core(String(repeating: "\n", count: 601))
        #expect(whats(SizeRules.findings(in: long)) == ["601 lines in a file"])
        #expect(SizeRules.findings(in: core(String(repeating: "\n", count: 600))).isEmpty)
    }

    @Test(arguments: [
        "func long() {", "package static func long<A>(\n    _ a: A = { 1 }()\n) -> A {",
        "    private init?(a: Int) throws {", "init<A>(_ a: A) {",
        "@discardableResult\nfunc `x {`() {",
    ])
    func `a long function is found`(head: String) {
        let body = String(repeating: "    work(\"}\")  // }\n", count: 71)
        #expect(
            whats(SizeRules.findings(in: core(head + "\n" + body + "}\n"))) == [
                "71 lines in a function"
            ])
        let shorter = String(repeating: "    if a { b }\n", count: 70)
        #expect(SizeRules.findings(in: core(head + "\n" + shorter + "}\n")).isEmpty)
    }

    @Test func `a requirement of a protocol has no body`() {
        let code = """
            protocol P {
                func f()
                init(a: Int)
                func g() -> Int
            }
            struct S {
            \(String(repeating: "    var a = 1\n", count: 80))
            }
            """
        #expect(SizeRules.functionBodies(in: code).isEmpty)
    }

    @Test(arguments: [
        ("Sources/ToteCore/A.swift", "import Foundation"),
        ("Sources/ToteCore/A.swift", "package import struct FoundationEssentials.Date"),
        ("Sources/ToteCore/A.swift", "#if canImport(Glibc)\n  import Glibc\n#endif"),
        ("Sources/ToteQR/A.swift", "import Foundation"),
        ("Simulator/World/A.swift", "internal import Dispatch"),
        ("Simulator/World/A.swift", "@preconcurrency import CSQLite"),
        ("Sources/ToteServer/A.swift", "import Glibc"),
        ("Sources/ToteClient/A.swift", "import CLinux"),
        ("Sources/ToteClient/A.swift", "import FoundationNetworking"),
        ("Sources/ToteService/A.swift", "import CLinux"),
        ("Sources/ToteServer/A.swift", "import CSQLite"),
    ])
    func `a banned import is found`(path: String, text: String) {
        #expect(ImportRules.bannedImports(in: SourceFile(path, text)).count == 1)
    }

    @Test(arguments: [
        ("Sources/ToteCore/A.swift", "// import Foundation\nlet a = \"\"\"\nimport Glibc\n\"\"\""),
        ("Sources/ToteHTTP/A.swift", "import CLinux\nimport Glibc"),
        ("Sources/ToteSQLite/A.swift", "internal import CSQLite"),
        ("Sources/ToteClient/A.swift", "import Foundation"),
    ])
    func `an allowed import is left alone`(path: String, text: String) {
        #expect(ImportRules.bannedImports(in: SourceFile(path, text)).isEmpty)
    }

    @Test func `an undeclared edge is found`() {
        let manifest = """
            library("ToteCore"),  // library("Ghost", ["A"])
            library("ToteServer", ["ToteCore", "ToteSQLite"]),
            library(
                "ToteSimulation", ["ToteCore"], path: "Simulator/World"),
            library("ToteBoard", embedding: ["Page/board.html"]),
            tests("EndToEndTests", ["tote-sim"]),
            """
        let targets = ImportRules.targets(inManifest: manifest)
        #expect(
            targets.map(\.folder) == [
                "Sources/ToteCore/", "Sources/ToteServer/", "Simulator/World/",
                "Sources/ToteBoard/", "Tests/EndToEndTests/",
            ])
        func found(_ path: String, _ text: String) -> [String] {
            let file = SourceFile(path, text)
            return whats(ImportRules.undeclaredImports(in: file, targets: targets))
        }
        let text = "import Foundation\nimport ToteCore\nimport ToteHTTP"
        #expect(
            found("Sources/ToteServer/A.swift", text) == ["imports ToteHTTP without declaring it"])
        #expect(found("Tests/EndToEndTests/A.swift", "import tote_sim").isEmpty)
        #expect(found("Sources/Other/A.swift", "") == ["belongs to no target of the manifest"])
    }

    @Test func `a folder that knows a later one is found`() {
        let files = [
            core(
                "struct Dot { var a: Cart? }  // Cart\nenum E { struct Own {} }", "CRDT/Dot.swift"),
            core("package struct Cart {}\nstruct Own {}\nlet f = Frame.self", "Model/Cart.swift"),
            core("enum Frame { struct Nested {} }\nlet c: Cart? = nil", "Wire/Frame.swift"),
        ]
        #expect(
            FolderOrder.findings(in: files).map(\.description) == [
                "Sources/ToteCore/CRDT/Dot.swift:1: mentions Cart of Sources/ToteCore/Model/",
                "Sources/ToteCore/Model/Cart.swift:3: mentions Frame of Sources/ToteCore/Wire/",
            ])
    }

    @Test(arguments: [
        "let d = Date()", "Date.now", "\"\\(UUID())\"", "ContinuousClock().now", "Task.sleep",
        "var g = SystemRandomNumberGenerator()", "Int.random(in: 0..<3)", "list.shuffled()",
        "list.randomElement()", "run(\"SELECT random()\")",
        "sql = \"\"\"\n current_timestamp\n\"\"\"",
    ])
    func `a clock or randomness taken is found`(text: String) {
        #expect(DeterminismRules.findings(in: core(text)).count == 1)
        #expect(DeterminismRules.findings(in: core(text, "SystemClock.swift")).isEmpty)
        #expect(DeterminismRules.findings(in: SourceFile("Tests/A/B.swift", text)).isEmpty)
    }

    @Test(arguments: [
        "// Date()", "let a = \"UUID()\"", "Int.random(\n  in: f(0)..<3,\n  using: &g)", "Date(d)",
        "list.shuffled(using: &g)",
    ])
    func `a clock or randomness given is left alone`(text: String) {
        #expect(DeterminismRules.findings(in: core(text)).isEmpty)
    }

    @Test func `a note to finish something is found`() {
        let notes = ["// TO" + "DO: later", "// FIX" + "ME", "let fine = TODOList()"]
        #expect(LeftoverRules.notes(in: core(notes.joined(separator: "\n"))).map(\.line) == [1, 2])
    }

    @Test func `types that vouch for themselves are counted and must say why`() {
        let vouched = "final class A: @unchecked" + " Sendable {}\n"
        let file = core("// Guarded by the lock.\n" + vouched + vouched)
        #expect(LeftoverRules.unexplainedSendables(in: file).map(\.line) == [3])
        #expect(LeftoverRules.uncheckedBudget([file], atMost: 1).count == 2)
        #expect(LeftoverRules.uncheckedBudget([file], atMost: 2).isEmpty)
        let quoted = SourceFile("Sources/A/B.swift", "// " + vouched)
        #expect(LeftoverRules.uncheckedBudget([quoted], atMost: 0).isEmpty)
    }

    @Test func `a stranger at the top level is found`() {
        let names = [".git", "Sources", "docs", "Package.resolved", "LICENSE"]
        #expect(LayoutRules.strangers(amongTopLevel: names).map(\.path) == ["docs"])
    }

    @Test func `a command that CI lacks is found`() {
        let script = "step swift test --parallel\n# swift build --build-tests\nswift test -q"
        let missing = LayoutRules.missingCommands(inCI: script)
        #expect(missing.count == 2)
        #expect(missing.allSatisfy { !$0.what.contains("swift test") })
    }

    @Test func `a README that tests otherwise is found`() {
        let script = "step \"Test\" swift test --parallel\n"
        func found(_ readme: String) -> Int {
            LayoutRules.differingTestCommand(readme: readme, ci: script).count
        }
        #expect(found("Run:\n```\nswift test --parallel\n```") == 0)
        #expect(found("Run `swift test --parallel`.") == 0)
        #expect(found("Run `swift test`.") == 1)
        #expect(found("Run nothing.") == 1)
    }
}
