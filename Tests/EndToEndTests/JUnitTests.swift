import Foundation
import Testing

/// `tote-sim run --junit`, read back by an XML parser.
@Suite(.enabled(if: Tools.areThere("python3"), "python3 is missing")) struct JUnitTests {
    private static let reader = """
        import json, sys, xml.etree.ElementTree as tree
        root = tree.parse(sys.argv[1]).getroot()
        def told(element):
            return {"tag": element.tag, "attributes": element.attrib, "text": element.text or "",
                    "children": [told(child) for child in element]}
        json.dump(told(root), sys.stdout)
        """

    private struct Element: Decodable {
        let tag: String
        let attributes: [String: String]
        let text: String
        let children: [Element]
    }

    private func read(_ path: String) async throws -> Element {
        let outcome = try await Tools.run("python3", ["-c", Self.reader, path])
        #expect(outcome.exit == 0, "\(outcome.error)")
        return try JSONDecoder().decode(Element.self, from: Data(outcome.out.utf8))
    }

    @Test func `a test case for each scenario, with what failed, where and why`() async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let report = directory.appendingPathComponent("junit.xml").path
        // A note that closes elements, ends sections, holds entities and what XML cannot.
        let hostile = #"]]></failure><!-- & ' \u001b[31m\u0001é"#
        let scenario = """
            {
              "name": "hostile",
              "about": "a note that is not there",
              "devices": {"phone": {}},
              "steps": [
                {"on": "phone", "do": ["net offline", "expect note . \\"\(hostile)\\""]}
              ]
            }
            """
        let file = directory.appendingPathComponent("hostile.json")
        try Data(scenario.utf8).write(to: file)
        let outcome = try await SimulatorProgram.simulate(
            "run", "first-sync", file.path, "--junit", report)
        #expect(outcome.exit == 1, "\(outcome)")
        let root = try await read(report)
        #expect(root.tag == "testsuites" && root.attributes["tests"] == "2", "\(root)")
        #expect(root.attributes["failures"] == "1" && root.attributes["errors"] == "0")
        let suite = try #require(root.children.first)
        #expect(suite.attributes["timestamp"]?.hasSuffix("Z") == true)
        #expect(suite.children.map { $0.attributes["name"] } == ["first-sync", "hostile"])
        for testCase in suite.children {
            #expect(Double(testCase.attributes["time"] ?? "") ?? 0 > 0, "\(testCase)")
        }
        #expect(suite.children[0].children.isEmpty)
        let failure = try #require(suite.children[1].children.first)
        #expect(failure.tag == "failure" && failure.attributes["type"] == "expectation")
        let message = try #require(failure.attributes["message"])
        #expect(message.contains("]]></failure><!-- &"), "\(message)")
        #expect(message.contains("\u{FFFD}é"), "\(message)")
        #expect(failure.text.hasPrefix("step at 6:43, after "), "\(failure.text)")
        #expect(failure.text.contains("files and logs of the run: /"), "\(failure.text)")
    }

    @Test func `a scenario that cannot run is skipped, a server that is away is an error`()
        async throws
    {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let report = directory.appendingPathComponent("junit.xml").path
        let token = directory.appendingPathComponent("token")
        try Data("x".utf8).write(to: token)
        let outcome = try await SimulatorProgram.simulate(
            "run", "first-sync", "killed-server", "--server", "http://127.0.0.1:9",
            "--admin-token-file", token.path, "--junit", report)
        #expect(outcome.exit == 69, "\(outcome)")
        let root = try await read(report)
        #expect(root.attributes["errors"] == "1" && root.attributes["skipped"] == "1", "\(root)")
        let cases = try #require(root.children.first?.children)
        #expect(cases.map { $0.children.first?.tag } == ["error", "skipped"])
    }

    @Test func `a report that cannot be written is said before anything runs`() async throws {
        let outcome = try await SimulatorProgram.simulate(
            "run", "first-sync", "--junit", "/none/junit.xml")
        #expect(outcome.exit == 73 && outcome.out.isEmpty, "\(outcome)")
    }
}
