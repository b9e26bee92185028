import Foundation
import Testing

/// The bugs that `.ci/planted` plants: each still fits the code it is planted in.
struct PlantedBugTests {
    private struct Bug: Decodable {
        let name: String
        let file: String
        let find: String
        let replace: String
    }

    @Test func `every planted bug has its place, and changes something there`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../..").standardized
        let list = try Data(contentsOf: root.appendingPathComponent("Tests/Planted/bugs.json"))
        let bugs = try JSONDecoder().decode([Bug].self, from: list)
        #expect(bugs.count >= 25)
        #expect(Set(bugs.map(\.name)).count == bugs.count)
        for bug in bugs {
            let text = try String(
                contentsOf: root.appendingPathComponent(bug.file), encoding: .utf8)
            #expect(text.components(separatedBy: bug.find).count == 2, "\(bug.name)")
            #expect(bug.find != bug.replace, "\(bug.name)")
        }
    }
}
