import Foundation
import Testing

/// The bugs that `.ci/planted` plants: each still fits the code it is planted in.
struct PlantedBugTests {
    private struct Edit: Decodable {
        let file: String
        let find: String
        let replace: String
    }

    private struct Bug: Decodable {
        let name: String
        let file: String
        let find: String
        let replace: String
        /// A second place, where one does not make the bug.
        let also: Edit?
        /// Those that find it alone: `.ci/planted --faults` shows it.
        let faults: [String]?
    }

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardized

    private static func bugs() throws -> [Bug] {
        let list = try Data(contentsOf: root.appendingPathComponent("Tests/Planted/bugs.json"))
        return try JSONDecoder().decode([Bug].self, from: list)
    }

    @Test func `every kind of fault is named by a planted bug`() throws {
        let source = try String(
            contentsOf: Self.root.appendingPathComponent("Simulator/World/Day/Fault.swift"),
            encoding: .utf8)
        let kinds = source.split(separator: "\n").compactMap { line -> String? in
            guard let found = line.wholeMatch(of: #/    case (\w+)(?: = "([a-z-]+)")?/#) else {
                return nil
            }
            return String(found.2 ?? found.1)
        }
        #expect(kinds.count >= 30)
        let catching = Set(try Self.bugs().flatMap { $0.faults ?? [] })
        #expect(catching == Set(kinds))
    }

    @Test func `every planted bug has its place, and changes something there`() throws {
        let bugs = try Self.bugs()
        #expect(bugs.count >= 25)
        #expect(Set(bugs.map(\.name)).count == bugs.count)
        for bug in bugs {
            let place = Edit(file: bug.file, find: bug.find, replace: bug.replace)
            for edit in [place, bug.also].compactMap({ $0 }) {
                let text = try String(
                    contentsOf: Self.root.appendingPathComponent(edit.file), encoding: .utf8)
                #expect(text.components(separatedBy: edit.find).count == 2, "\(bug.name)")
                #expect(edit.find != edit.replace, "\(bug.name)")
            }
        }
    }
}
