import Foundation
import Testing

/// `tote-sim explore`, `replay` and `shrink`, as a QA engineer runs them.
struct DayCommandTests {
    private static func run(_ arguments: String...) async throws -> SimulatorProgram.Outcome {
        try await SimulatorProgram.run("tote-sim", arguments)
    }

    @Test func `a day is the same in every process, and its page needs nothing else`() async throws
    {
        let folder = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (history, page) = (
            folder.appendingPathComponent("day.ndjson"), folder.appendingPathComponent("day.html")
        )
        let first = try await Self.run(
            "replay", "3", "--history", history.path, "--report", page.path)
        let again = try await Self.run("replay", "3")
        #expect(first.exit == 0 && first.out == again.out, "\(first)")
        let hash = try #require(first.out.split(separator: " ").last?.dropLast())
        let sum = try await Tools.run("sha256sum", [history.path])
        #expect(sum.out.hasPrefix(hash), "\(sum.out) is not \(hash)")
        let html = try String(contentsOf: page, encoding: .utf8)
        #expect(html.contains("<svg") && html.contains("Seed 3: valid"))
        for word in ["http", "<script", "src=", "@import", "url("] {
            #expect(!html.contains(word), "\(word)")
        }
    }

    @Test func `a day is as long and as crowded as it is asked to be`() async throws {
        let outcome = try await Self.run(
            "explore", "--seeds", "1..1", "--customers", "7", "--devices-each", "2", "--length",
            "10m", "--act-every", "1m", "--json")
        #expect(outcome.exit == 0, "\(outcome.out)\(outcome.error)")
        // Fourteen devices, ten minutes, an act a minute.
        let acts = try #require(outcome.out.firstMatch(of: /"acts":(\d+)/).flatMap { Int($0.1) })
        #expect((70...280).contains(acts), "\(acts)")
        let wrong = try await Self.run("explore", "--length", "25h")
        #expect(wrong.exit == 64)
        #expect(wrong.error.contains("--length is from 1 s to 86400"))
    }

    @Test func `a file that names another history, or no day at all, is refused`() async throws {
        let folder = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("repro.json")
        func replay(_ text: String) async throws -> SimulatorProgram.Outcome {
            try Data(text.utf8).write(to: file)
            return try await Self.run("replay", file.path)
        }
        let short = #""seed":"5","seconds":9,"customers":1,"devices_each":1"#
        let other = try await replay(#"{"version":1,\#(short),"sha256":"00"}"#)
        #expect(other.exit == 1 && other.error.contains("another version of the code"), "\(other)")
        // Nine seconds of one device: nobody met anybody, which proves nothing.
        let void = try await replay("{\(short)}")
        #expect(void.exit == 2 && void.out.contains("void, nobody met anybody"), "\(void)")
        for (text, place) in [
            ("[]", "1:1"), (#"{"seed": 5}"#, "1:2"), (#"{"seed":"5","without":["x"]}"#, "1:24"),
            (#"{"version":1}"#, "1:1"), (#"{"seed":"5","customers":0}"#, "1:13"),
        ] {
            let wrong = try await replay(text)
            #expect(wrong.exit == 65, "\(text): \(wrong)")
            #expect(wrong.error.contains("repro.json:\(place): "), "\(text): \(wrong.error)")
        }
        let nothing = try await Self.run("shrink", "3")
        #expect(nothing.exit == 1 && nothing.error.contains("does not fail"), "\(nothing)")
    }

    @Test func `two days are compared record by record`() async throws {
        let folder = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: folder) }
        let kept = folder.appendingPathComponent("history.ndjson")
        _ = try await Self.run("replay", "3", "--history", kept.path)
        let same = try await Self.run("compare", folder.path, "3")
        #expect(same.exit == 0 && same.out.hasPrefix("the same "), "\(same)")
        var lines = try String(contentsOf: kept, encoding: .utf8).split(separator: "\n")
        let changed = #"{"t":1,"what":"changed by hand"}"#
        lines[9] = Substring(changed)
        let other = folder.appendingPathComponent("other.ndjson")
        try Data(lines.joined(separator: "\n").utf8).write(to: other)
        let parted = try await Self.run("compare", kept.path, other.path)
        #expect(parted.exit == 1, "\(parted)")
        #expect(parted.out.hasPrefix("they part at record 10:\n"), "\(parted.out)")
        #expect(parted.out.contains("\nb \(changed)\n  0 and 1 of changed by hand\n"))
        let short = try await Self.run("compare", kept.path, other.path + "-none.ndjson")
        #expect(short.exit == 66)
    }

    @Test func `a search says how much it saw, and refuses what it cannot do`() async throws {
        let found = try await Self.run("explore", "--seeds", "2..3", "--faults")
        #expect(found.exit == 0, "\(found)")
        #expect(found.out.contains("2 days, ") && found.out.contains("all valid"), "\(found.out)")
        #expect(found.out.contains("crash-before-commit"))
        let idle = try await Self.run("explore", "--seeds", "2..2", "--strict")
        #expect(idle.exit == 2 && idle.error.contains("never struck: "), "\(idle)")
        #expect(try await Self.run("explore", "--seeds", "3").exit == 64)
        #expect(try await Self.run("explore", "--without", "rain").exit == 64)
    }
}
