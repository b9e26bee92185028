import Testing
import ToteCommandLine

@Suite struct HelpTests {
    private func text(_ line: String) throws -> String? {
        guard
            case .help(let text) = try testTable.parse(line.split(separator: " ").map(String.init))
        else { return nil }
        return text
    }

    @Test(arguments: [
        ("", []), ("--help", []), ("-h", []), ("help", []), ("serve -h", ["serve"]),
        ("--help serve", ["serve"]), ("help token create", ["token", "create"]),
        ("serve --prot --help", ["serve"]), ("--color token serve -h", ["serve"]),
    ])
    func `help is found everywhere and is about the command named`(
        line: String, path: [String]
    ) throws {
        #expect(try text(line) == testTable.help(at: path))
    }

    @Test func `version is found before and after a command`() throws {
        for words in [["--version"], ["serve", "--version"]] {
            guard case .version = try testTable.parse(words) else {
                Issue.record("\(words) is not about the version")
                continue
            }
        }
    }

    @Test func `the root's help reads examples first and exit codes last`() {
        #expect(
            testTable.help() == """
                tote: An offline-first sync server

                Examples
                  tote serve ./data
                      Serve the spaces in ./data on this machine.

                Usage
                  tote <command> [options]

                Commands
                  serve       Run the server
                  token       Manage tokens
                  help        Show the help of a command
                  completion  Print a completion script for a shell
                  man         Print a manual page

                Options
                      --color <when>   Colour the output (one of auto, always, never; default: auto)
                      --config <FILE>  A JSON file with settings (environment: TOTE_CONFIG)
                  -v, --verbose        Say more (environment: TOTE_VERBOSE)

                Options of every command
                  -h, --help     Show the help of a command
                      --version  Show the version

                Exit codes
                  0   all is well
                  64  the command line is wrong

                """)
    }

    @Test(arguments: [[], ["serve"], ["token"], ["token", "revoke"]])
    func `no line is wider than asked for`(path: [String]) {
        for width in [40, 60, 100, 500] {
            let widest =
                testTable.help(at: path, width: width)
                .split(separator: "\n").map(\.count).max() ?? 0
            #expect(widest <= max(min(width, 100), 50), "width \(width)")
        }
    }

    @Test func `a discussion is wrapped by paragraph`() {
        let help = testTable.help(at: ["serve"])
        #expect(help.contains("\nIt's one process.\n\nStop it with control-C.\n"))
        #expect(help.contains("  tote serve [options] <directory> [<space>...]\n"))
    }
}
