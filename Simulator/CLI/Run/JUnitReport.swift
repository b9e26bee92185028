import ToteCommandLine

/// What a run found, in the form that continuous integration reads: a test case per scenario.
///
/// Wire form: JUnit's XML, as Jenkins, GitLab and GitHub's reporters take it.
struct JUnitReport {
    let results: [RunResult]
    /// When the run began, as RFC 3339 says it.
    let begun: String

    /// The whole document.
    var text: String {
        let total = counts(milliseconds: results.reduce(0) { $0 + $1.milliseconds })
        var lines = [
            #"<?xml version="1.0" encoding="UTF-8"?>"#, "<testsuites\(total)>",
            #"  <testsuite name="tote-sim" timestamp="\#(Self.escaped(begun))"\#(total)>"#,
        ]
        for result in results { lines += Self.testCase(result) }
        lines += ["  </testsuite>", "</testsuites>"]
        return lines.joined(separator: "\n") + "\n"
    }

    private func counts(milliseconds: UInt64) -> String {
        var counts = (failures: 0, errors: 0, skipped: 0)
        for result in results {
            switch result.verdict {
            case .passed: break
            case .skipped: counts.skipped += 1
            case .failed(let failure) where failure.kind == .expectation: counts.failures += 1
            case .failed: counts.errors += 1
            }
        }
        return #" tests="\#(results.count)" failures="\#(counts.failures)""#
            + #" errors="\#(counts.errors)" skipped="\#(counts.skipped)""#
            + #" time="\#(Self.seconds(milliseconds))""#
    }

    private static func testCase(_ result: RunResult) -> [String] {
        let start =
            #"    <testcase classname="tote-sim" name="\#(escaped(result.name))""#
            + #" time="\#(seconds(result.milliseconds))""#
        switch result.verdict {
        case .passed: return [start + "/>"]
        case .skipped(let why):
            return [
                start + ">", #"      <skipped message="\#(escaped(why))"/>"#, "    </testcase>",
            ]
        case .failed(let failure):
            let element = failure.kind == .expectation ? "failure" : "error"
            let type = failure.kind == .expectation ? "expectation" : "unavailable"
            var body = "step at \(failure.place), after \(result.steps) steps: \(failure.message)"
            if let directory = result.directory {
                body += "\nfiles and logs of the run: \(directory)"
            }
            return [
                start + ">",
                #"      <\#(element) type="\#(type)" message="\#(escaped(failure.message))">"#
                    + escaped(body) + "</\(element)>",
                "    </testcase>",
            ]
        }
    }

    private static func seconds(_ milliseconds: UInt64) -> String {
        let fraction = String(milliseconds % 1_000)
        let padding = String(repeating: "0", count: 3 - fraction.count)
        return "\(milliseconds / 1_000).\(padding)\(fraction)"
    }

    /// Text for an attribute or an element. What XML 1.0 cannot hold becomes U+FFFD.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { escaped, scalar in
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            // As they are, a reader of an attribute would make spaces of them.
            case "\n", "\r", "\t": escaped += "&#\(scalar.value);"
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
    }
}
