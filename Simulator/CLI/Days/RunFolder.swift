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
        } catch {
            throw CommandFailure(code: "no_folder", message: "\(error)", exit: .cannotCreate)
        }
    }

    var repro: String { path + "/repro.json" }
}
