import ToteCommandLine

/// What a run found, in the form that continuous integration reads: a test case per scenario, or
/// for a day.
///
/// Wire form: JUnit's XML, as Jenkins, GitLab and GitHub's reporters take it.
struct JUnitReport {
    struct Case {
        enum Outcome {
            case passed
            case skipped(String)
            /// What was to hold does not.
            case failure(type: String, message: String, body: String)
            /// It could not be told.
            case error(type: String, message: String, body: String)
        }

        var name: String
        var milliseconds: UInt64
        var outcome: Outcome
    }

    let cases: [Case]
    /// When the run began, as RFC 3339 says it.
    let begun: String

    /// The whole document.
    var text: String {
        let total = counts(milliseconds: cases.reduce(0) { $0 + $1.milliseconds })
        var lines = [
            #"<?xml version="1.0" encoding="UTF-8"?>"#, "<testsuites\(total)>",
            #"  <testsuite name="tote-sim" timestamp="\#(Self.escaped(begun))"\#(total)>"#,
        ]
        for one in cases { lines += Self.testCase(one) }
        lines += ["  </testsuite>", "</testsuites>"]
        return lines.joined(separator: "\n") + "\n"
    }

    private func counts(milliseconds: UInt64) -> String {
        var counts = (failures: 0, errors: 0, skipped: 0)
        for one in cases {
            switch one.outcome {
            case .passed: break
            case .skipped: counts.skipped += 1
            case .failure: counts.failures += 1
            case .error: counts.errors += 1
            }
        }
        return #" tests="\#(cases.count)" failures="\#(counts.failures)""#
            + #" errors="\#(counts.errors)" skipped="\#(counts.skipped)""#
            + #" time="\#(Self.seconds(milliseconds))""#
    }

    private static func testCase(_ one: Case) -> [String] {
        let start =
            #"    <testcase classname="tote-sim" name="\#(escaped(one.name))""#
            + #" time="\#(seconds(one.milliseconds))""#
        switch one.outcome {
        case .passed: return [start + "/>"]
        case .skipped(let why):
            return [
                start + ">", #"      <skipped message="\#(escaped(why))"/>"#, "    </testcase>",
            ]
        case .failure(let type, let message, let body):
            return [start + ">", element("failure", type, message, body), "    </testcase>"]
        case .error(let type, let message, let body):
            return [start + ">", element("error", type, message, body), "    </testcase>"]
        }
    }

    private static func element(
        _ name: String, _ type: String, _ message: String, _ body: String
    ) -> String {
        #"      <\#(name) type="\#(escaped(type))" message="\#(escaped(message))">"#
            + escaped(body) + "</\(name)>"
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

extension JUnitReport.Case {
    /// What a scenario came to.
    init(_ result: RunResult) {
        name = result.name
        milliseconds = result.milliseconds
        switch result.verdict {
        case .passed: outcome = .passed
        case .skipped(let why): outcome = .skipped(why)
        case .failed(let failure):
            var body = "step at \(failure.place), after \(result.steps) steps: \(failure.message)"
            if let directory = result.directory {
                body += "\nfiles and logs of the run: \(directory)"
            }
            outcome =
                failure.kind == .expectation
                ? .failure(type: "expectation", message: failure.message, body: body)
                : .error(type: "unavailable", message: failure.message, body: body)
        }
    }
}
