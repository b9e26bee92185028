import Testing
import ToteCommandLine

/// Settings: flags, then the environment, then a file, then the default.
@Suite struct ConfigurationTests {
    /// Parses a line beside files that exist only here.
    private func command(
        _ line: String, _ environment: [String: String] = [:], files: [String: String] = [:]
    ) throws(UsageError) -> ParsedCommand? {
        let reading: FileReading = { (path, _) throws(CommandFailure) in
            guard let text = files[path] else {
                throw CommandFailure(
                    code: "no_file", message: "\(path) is not there", exit: .noInput)
            }
            return text
        }
        let words = line.split(separator: " ").map(String.init)
        guard
            case .run(let command) = try testTable.parse(
                words, environment: environment, reading: reading)
        else { return nil }
        return command
    }

    private func refusal(
        _ line: String, _ environment: [String: String] = [:], files: [String: String] = [:]
    ) -> UsageError? {
        do throws(UsageError) {
            _ = try command(line, environment, files: files)
            return nil
        } catch {
            return error
        }
    }

    private func origin(_ command: ParsedCommand?, _ name: String) -> String? {
        command?.settings.first { $0.name == name }.map { "\($0.text) \($0.origin)" }
    }

    @Test func `each source wins over those below it, and says so`() throws {
        let files = ["t.json": "{\n  \"//\": \"ours\",\n  \"at_most\": 5,\n  \"quiet\": true\n}"]
        let line = "serve d --config t.json"
        #expect(origin(try command("serve d"), "at_most") == "9 default")
        #expect(origin(try command(line, files: files), "at_most") == "5 t.json:3:3")
        let set = ["TOTE_AT_MOST": "6", "TOTE_QUIET": "0"]
        #expect(origin(try command(line, set, files: files), "at_most") == "6 TOTE_AT_MOST")
        let all = try command(line + " --at-most 7", set, files: files)
        #expect(origin(all, "at_most") == "7 flag")
        #expect(try all?.int("at-most") == 7)
        #expect(try command(line, files: files)?.flag("quiet") == true)
        #expect(all?.flag("quiet") == false, "the environment turned it off")
    }

    @Test func `the environment names the file, and commands without settings do not read it`()
        throws
    {
        let environment = ["TOTE_CONFIG": "t.json"]
        let read = try command("serve d", environment, files: ["t.json": #"{"at_most": 3}"#])
        #expect(try read?.int("at-most") == 3)
        #expect(try command("token create", environment)?.path == ["token", "create"])
        let missing = refusal("serve d", environment)
        #expect(missing?.code == "no_file" && missing?.exitCode == .noInput)
    }

    @Test func `everything that is wrong in a file is told, with its place and what was meant`()
        throws
    {
        let text = """
            {
              "log-level": "info",
              "at_most": "5",
              "log_level": "debgu",
              "quiet": 1,
              "zzzzzz": 1,
              "at_most": 5
            }
            """
        let refusal = try #require(self.refusal("serve d --config t.json", files: ["t.json": text]))
        #expect(refusal.exitCode == .config && refusal.code == "config_invalid")
        #expect(
            refusal.description == """
                t.json:2:3: there is no setting 'log-level'; did you mean 'log_level'?
                t.json:3:14: at_most needs a number, not a text
                t.json:4:16: log_level must be debug or info, not 'debgu'; did you mean 'debug'?
                t.json:5:12: quiet needs true or false, not a number
                t.json:6:3: there is no setting 'zzzzzz'
                t.json:7:3: "at_most" is there twice
                tote serve: t.json has 6 faults
                See 'tote serve --help'.
                """)
    }

    @Test(arguments: [
        ("", "t.json:1:1: the text ends where a value belongs"),
        ("[]", "t.json:1:1: this is a list, an object belongs here"),
        (#"{"at_most": 1, "at_most": 2}"#, #"t.json:1:16: "at_most" is there twice"#),
        (#"{"at_most": 0}"#, "t.json:1:13: at_most must be between 1 and 100, not 0"),
        (#"{"port": "1"}"#, "t.json:1:2: there is no setting 'port'"),
    ])
    func `a file is refused where it is wrong`(text: String, expected: String) throws {
        let refusal = try #require(self.refusal("serve d --config t.json", files: ["t.json": text]))
        #expect(refusal.description.hasPrefix(expected + "\n"), "\(refusal)")
        #expect(refusal.exitCode == .config)
    }

    @Test(arguments: [
        ("serve d --at-most x", "--at-most needs a whole number, not 'x'"),
        ("serve d --at-most 101", "--at-most must be between 1 and 100, not 101"),
    ])
    func `a flag is checked as a file is`(line: String, message: String) throws {
        let refusal = try #require(self.refusal(line))
        #expect(refusal.message == message && refusal.exitCode == .usage)
        let value = String(line.split(separator: " ")[3])
        let environment = self.refusal("serve d", ["TOTE_AT_MOST": value])
        #expect(environment?.message == "TOTE_AT_MOST" + message.dropFirst(9))
    }

    @Test func `a secret comes out of a file and is never shown`() throws {
        let files = ["key": "  s3cret\n", "two": "a b", "t.json": #"{"key": "s3cret"}"#]
        let read = try command("serve d", ["TOTE_KEY_FILE": "key"], files: files)
        #expect(read?.option("key") == "s3cret")
        for command in [
            read, try command("serve d --config t.json", files: files),
            try command("serve d", ["TOTE_KEY": "s3cret"]),
        ] {
            let shown = try #require(command?.settings.first { $0.name == "key" })
            #expect(shown.text == "(secret)")
            #expect(!shown.json.compact.contains("s3cret"))
            #expect(shown.json.compact.contains("(secret)"))
        }
        let both = refusal("serve d", ["TOTE_KEY": "a", "TOTE_KEY_FILE": "key"], files: files)
        #expect(both?.message == "TOTE_KEY and TOTE_KEY_FILE are both set")
        #expect(refusal("serve d", ["TOTE_KEY_FILE": "two"], files: files)?.exitCode == .usage)
        #expect(refusal("serve d", ["TOTE_KEY_FILE": "none"])?.exitCode == .noInput)
    }

    @Test(
        arguments: [
            ("127.0.0.1:80", "127.0.0.1", 80, true), ("[::1]:0", "::1", 0, true),
            ("localhost:1", "127.0.0.1", 1, true), ("10.0.0.1:8090", "10.0.0.1", 8090, false),
        ] as [(String, String, UInt16, Bool)])
    func `a place to listen has a host and a port`(
        text: String, host: String, port: UInt16, isLoopback: Bool
    ) throws {
        let place = try #require(HostAndPort(text))
        #expect(place.host == host && place.port == port && place.isLoopback == isLoopback)
        for wrong in ["", ":80", "a", "a:", "a:x", "a:65536", "a:-1"] {
            #expect(HostAndPort(wrong) == nil, "\(wrong)")
        }
    }
}
