import Foundation
import TestPrograms
import Testing
import ToteCommandLine

@Suite struct CompletionTests {
    private func script(_ shell: String) throws -> String {
        guard case .completion(let text) = try testTable.parse(["completion", shell]) else {
            throw UsageError("no script for \(shell)", command: "tote")
        }
        return text
    }

    /// Runs `script` in bash and returns its output; fails the test when bash does.
    private func bash(_ script: String, syntaxOnly: Bool = false) throws -> String {
        let done = try TestProgram(
            "/bin/bash", syntaxOnly ? ["-n", "-c", script] : ["-c", script]
        ).waitForOutcome()
        #expect(done.exit == 0, "\(done.said)")
        return done.said
    }

    @Test func `bash accepts its script`() throws {
        #expect(try bash(script("bash"), syntaxOnly: true) == "")
    }

    @Test(arguments: [
        (["tote", "se"], "serve"),
        (["tote", "token", ""], "create revoke --color --config --verbose --help --version"),
        (["tote", "token", "create", "--v"], "--verbose --version"),
        (["tote", "serve", "--po"], "--port"),
        (["tote", "--color", ""], "auto always never"),
        (["tote", "serve", "d", "--color", "=", "al"], "always"),
        (["tote", "serve", "d", "--color", "="], "auto always never"),
        (["tote", "completion", "z"], "zsh"),
    ])
    func `bash completes what fits the cursor`(words: [String], expected: String) throws {
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        let asked = """
            COMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1); _tote; echo "${COMPREPLY[*]}"
            """
        #expect(try bash(script("bash") + asked) == expected + "\n")
    }

    @Test func `every script names every command and option`() throws {
        for shell in ["bash", "zsh", "fish"] {
            let text = try script(shell)
            for word in ["serve", "token", "create", "revoke", "port", "allow", "verbose", "help"] {
                #expect(text.contains(word), "\(shell): \(word)")
            }
        }
    }

    @Test func `a quote in a description cannot end the quotes around it`() {
        let table = CommandTable(
            root: CommandSpec(
                "t", "Test", subcommands: [CommandSpec("a", "It's 'quoted' $(here) \\")]),
            version: "0", date: "2026-11-26")
        #expect(table.completion(for: "zsh")?.contains("'a:It’s ’quoted’ $(here) /'") == true)
        #expect(table.completion(for: "fish")?.contains("'It’s ’quoted’ $(here) /'") == true)
    }
}
