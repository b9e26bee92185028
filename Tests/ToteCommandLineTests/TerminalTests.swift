import Testing

import ToteCommandLine

@Suite struct TerminalTests {
    private func terminal(
        _ color: ColorChoice = .auto, _ environment: [String: String] = [:], isTerminal: Bool = true
    ) -> Terminal {
        Terminal(
            color: color, environment: environment, inputIsTerminal: isTerminal,
            outIsTerminal: isTerminal, errorIsTerminal: isTerminal)
    }

    @Test(
        arguments: [
            (.auto, [:], true, true), (.auto, [:], false, false),
            (.auto, ["NO_COLOR": "1"], true, false), (.auto, ["NO_COLOR": ""], true, true),
            (.auto, ["TERM": "dumb"], true, false), (.auto, ["TERM": "xterm"], true, true),
            (.always, ["NO_COLOR": "1"], false, true), (.never, [:], true, false),
        ] as [(ColorChoice, [String: String], Bool, Bool)])
    func `colour follows the terminal, the environment and the option`(
        color: ColorChoice, environment: [String: String], isTerminal: Bool, expected: Bool
    ) {
        let terminal = terminal(color, environment, isTerminal: isTerminal)
        #expect(terminal.colors(.out) == expected)
        #expect(terminal.colors(.error) == expected)
        #expect(terminal.style(.green, "ok") == (expected ? "\u{1B}[32mok\u{1B}[0m" : "ok"))
    }

    @Test func `progress redraws in place on a terminal and never fills the last column`() {
        var line = ProgressLine(terminal())
        #expect(line.drawing("1 of 2", columns: 80) == "\r\u{1B}[2K1 of 2")
        #expect(line.drawing("1 of 2", columns: 80) == "")
        #expect(line.drawing("a long line", columns: 8) == "\r\u{1B}[2Ka long…")
        #expect(line.ending("done") == "\r\u{1B}[2Kdone\n")
        #expect(line.ending(nil) == "")
    }

    @Test func `progress into a file is a plain line per change`() {
        var line = ProgressLine(terminal(isTerminal: false))
        #expect(line.drawing("1 of 2", columns: 80) == "1 of 2\n")
        #expect(line.drawing("1 of 2", columns: 80) == "")
        #expect(line.drawing("2 of 2", columns: 80) == "2 of 2\n")
        #expect(line.ending("2 of 2") == "")
        #expect(line.ending("done") == "done\n")
    }

    @Test func `writing to a closed descriptor is reported, not fatal`() {
        #expect(!Terminal.write("lost", to: -1))
        #expect(Terminal.write("", to: -1))
    }

    @Test func `the environment is read by name`() {
        let values = ProcessEnvironment.read(["PATH", "TOTE_SURELY_NOT_SET"])
        #expect(values["PATH"]?.isEmpty == false)
        #expect(values["TOTE_SURELY_NOT_SET"] == nil)
    }
}
