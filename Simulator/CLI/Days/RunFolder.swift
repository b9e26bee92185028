import ToteCommandLine
import ToteSimulation

/// A folder with all that there is to know of a day.
struct RunFolder {
    let path: String

    /// Writes the folder of a day: its history, what makes it again, what it came to, and a page
    /// about it.
    ///
    /// - Throws: what could not be made.
    init(_ outcome: DayOutcome, below runs: String) throws(CommandFailure) {
        path = "\(runs)/seed-\(outcome.seed)"
        do throws(Files.Failure) {
            try Files.makeDirectory(runs)
            try Files.makeDirectory(path)
            let repro = Repro(outcome).json(outcome.failure).pretty + "\n"
            try Files.write(Array(repro.utf8), to: path + "/repro.json")
            try Files.write(outcome.lines, to: path + "/history.ndjson")
            let result = JSONText.versioned(outcome.members).pretty + "\n"
            try Files.write(Array(result.utf8), to: path + "/result.json")
            try Files.write(Array(DayPage(outcome).html.utf8), to: path + "/report.html")
            try Files.write(Array(Self.junit(outcome).utf8), to: path + "/junit.xml")
        } catch {
            throw CommandFailure(code: "no_folder", message: "\(error)", exit: .cannotCreate)
        }
    }

    private static func junit(_ outcome: DayOutcome) -> String {
        let proof = outcome.failure?.proof.map(\.line) ?? []
        let one = JUnitReport.Case(
            name: "seed \(outcome.seed)", milliseconds: 0,
            outcome: outcome.failure.map {
                .failure(
                    type: $0.code, message: $0.message, body: proof.joined(separator: "\n"))
            } ?? .passed)
        return JUnitReport(cases: [one], begun: Moment.text(SystemClock.nowMilliseconds())).text
    }

    var repro: String { path + "/repro.json" }
}
