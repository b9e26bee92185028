import Testing
import ToteCommandLine

@Suite struct ParserTests {
    @Test(arguments: [
        "serve --port 90 here", "serve --port=90 here", "serve -p 90 here", "serve -p90 here",
        "serve here -p=90", "serve here --port 80 --port 90",
    ])
    func `every way to write an option gives the same value`(line: String) throws {
        let command = try #require(try testTable.command(line))
        #expect(command.path == ["serve"])
        #expect(command.arguments == ["here"])
        #expect(try command.int("port") == 90)
    }

    @Test func `the command line wins over the environment, and that over the default`() throws {
        let environment = ["TOTE_PORT": "70"]
        #expect(try testTable.command("serve d")?.int("port") == 8080)
        #expect(try testTable.command("serve d", environment: environment)?.int("port") == 70)
        let both = try testTable.command("serve d -p 60", environment: environment)
        #expect(try both?.int("port") == 60)
        let empty = try testTable.command("serve d", environment: ["TOTE_PORT": ""])
        #expect(try empty?.int("port") == 8080)
    }

    @Test func `an option of the root works before and after the command`() throws {
        #expect(try testTable.command("--color never serve d")?.option("color") == "never")
        #expect(try testTable.command("serve d --color never")?.option("color") == "never")
        #expect(try testTable.command("token create -v")?.flag("verbose") == true)
        #expect(try testTable.command("token create")?.flag("verbose") == false)
    }

    @Test func `flags run together and a flag reads the environment`() throws {
        let command = try #require(try testTable.command("serve -vjp1 d"))
        #expect(command.flag("verbose") && command.flag("json"))
        #expect(command.option("port") == "1")
        for (value, expected) in [("1", true), ("yes", true), ("0", false), ("off", false)] {
            let environment = ["TOTE_VERBOSE": value]
            let read = try testTable.command("serve d", environment: environment)
            #expect(read?.flag("verbose") == expected, "\(value)")
        }
    }

    @Test func `a repeated option keeps every value in order`() throws {
        let command = try testTable.command("serve d --allow a --allow=b --allow c=d")
        #expect(command?.values(of: "allow") == ["a", "b", "c=d"])
        #expect(command?.values(of: "token") == [])
        #expect(command?.values(of: "port") == ["8080"])
    }

    @Test func `two dashes end the options`() throws {
        let command = try testTable.command("serve -- d --port -h -- x")
        #expect(command?.arguments == ["d", "--port", "-h", "--", "x"])
    }

    @Test func `a dash alone and a negative number are arguments`() throws {
        #expect(try testTable.command("serve - -5")?.arguments == ["-", "-5"])
    }

    @Test(
        arguments: [
            ("serv d", "unknown command 'serv'", "did you mean 'tote serve'?"),
            ("token crate", "unknown command 'crate'", "did you mean 'tote token create'?"),
            ("compl", "unknown command 'compl'", "did you mean 'tote completion'?"),
            (
                "zzz", "unknown command 'zzz'",
                "the commands are: serve, token, help, completion, man"
            ),
            ("serve --prot 1 d", "unknown option '--prot'", "did you mean '--port'?"),
            ("serve --pory=1 d", "unknown option '--pory'", "did you mean '--port'?"),
            ("serve -x d", "unknown option '-x'", nil),
            ("serve", "missing <directory>", nil),
            ("token create x", "unexpected argument 'x'", nil),
            ("token", "needs a command", "one of: create, revoke"),
            ("serve d --port", "--port needs a value: <number>", nil),
            ("serve d --port --json", "--port needs a value: <number>", nil),
            ("serve d --port -j", "--port needs a value: <number>", nil),
            ("serve d --json=1", "--json takes no value", nil),
            (
                "serve d --color alway", "--color must be auto or always or never, not 'alway'",
                "did you mean 'always'?"
            ),
            ("completion tcsh", "there is no completion for 'tcsh'", nil),
            ("help serv", "unknown command 'serv'", "did you mean 'tote serve'?"),
        ] as [(String, String, String?)])
    func `a wrong line is refused with the word that is wrong`(
        line: String, message: String, hint: String?
    ) throws {
        let refusal = try #require(testTable.refusal(line))
        #expect(refusal.message == message)
        if let hint { #expect(refusal.hint == hint) }
        #expect(refusal.exitCode.rawValue == 64)
    }

    @Test func `a refusal says where to read on`() throws {
        let refusal = try #require(testTable.refusal("serve --prot 1 d"))
        #expect(
            refusal.description == """
                tote serve: unknown option '--prot'
                  did you mean '--port'?
                See 'tote serve --help'.
                """)
    }

    @Test func `numbers and lengths of time are checked where they are read`() throws {
        let command = try #require(try testTable.command("serve d -p x --timeout 5"))
        #expect(throws: UsageError.self) { try command.int("port") }
        #expect(throws: UsageError.self) { try command.duration("timeout") }
        #expect(throws: UsageError.self) { try command.string("token") }
        let good = try #require(try testTable.command("serve d -p 70000 --timeout 250ms"))
        #expect(try good.duration("timeout") == .milliseconds(250))
        #expect(
            throws: UsageError(
                "--port must be between 1 and 65535, not 70000", command: "tote serve")
        ) {
            try good.int("port", in: 1...65_535)
        }
    }

    @Test(
        arguments: [
            ("250ms", 250), ("0s", 0), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000),
            ("1d", 86_400_000), ("", nil), ("5", nil), ("s", nil), ("-5s", nil), ("1.5s", nil),
            ("5 s", nil), ("5S", nil), ("9223372036854775807d", nil), ("٣s", nil),
        ] as [(String, Int64?)])
    func `lengths of time have a number and a unit`(text: String, milliseconds: Int64?) {
        #expect(DurationText.parse(text) == milliseconds.map { .milliseconds($0) })
    }

    @Test func `the environment names are those the options declare`() {
        #expect(
            testTable.environmentNames == [
                "TOTE_AT_MOST", "TOTE_CONFIG", "TOTE_KEY", "TOTE_KEY_FILE", "TOTE_LOG_LEVEL",
                "TOTE_PORT", "TOTE_QUIET", "TOTE_TOKEN", "TOTE_TOKEN_FILE", "TOTE_VERBOSE",
            ])
    }

    @Test func `an executable without commands takes its arguments itself`() throws {
        let table = CommandTable(
            root: CommandSpec(
                "tote-sim", "Simulate",
                arguments: [ArgumentSpec("seed", "Which", repeating: true)]),
            version: "0.1", date: "2026-11-26")
        let command = try #require(try table.command("7 8 9"))
        #expect(command.path.isEmpty)
        #expect(command.arguments == ["7", "8", "9"])
        #expect(try table.command("help completion")?.arguments == ["help", "completion"])
    }

    @Test func `a table that contradicts itself stops the program`() async {
        await #expect(processExitsWith: .failure) {
            let twice = OptionSpec("json", "Print JSON")
            _ = CommandTable(
                root: CommandSpec("tote", "Sync", options: [twice, twice]), version: "0.1",
                date: "2026-11-26")
        }
    }

    @Test func `asking for an undeclared option stops the program`() async {
        await #expect(processExitsWith: .failure) {
            _ = try testTable.command("serve d")?.option("prot")
        }
    }
}
