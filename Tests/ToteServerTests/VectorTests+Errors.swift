import Foundation
import Testing
import ToteServer

/// Protocol/errors.json lists every code that the sources can answer with, and no other twice.
@Suite struct ErrorListTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What a code looks like where it is made.
    private static let patterns = [
        #"Rejection\(\s*code: "([a-z_]+)""#, #"\.limit\(\s*"([a-z_]+)""#,
        #"Problem\(\s*[45][0-9][0-9],\s*"([a-z_]+)""#,
        #"package static let [a-zA-Z]+ = "([a-z]+_[a-z_]+)""#,
    ]

    private static func codes(in text: String) throws -> Set<String> {
        var codes = Set<String>()
        for pattern in patterns {
            for match in text.matches(of: try Regex(pattern)) {
                if let code = match.output[1].substring { codes.insert(String(code)) }
            }
        }
        return codes
    }

    @Test func `every code in the sources is listed`() throws {
        let listed = Set(try JSON.file("errors.json").array.compactMap { $0["code"]?.text })
        let files = FileManager.default.enumerator(
            atPath: Self.root.appending(path: "Sources").path())
        var found = Set<String>()
        while let file = files?.nextObject() as? String {
            let isShell = file.hasPrefix("ToteCore/Model") || file.hasPrefix("ToteServer/")
            let isHTTP = file.hasPrefix("ToteService/") || file.hasSuffix("HTTPFailure.swift")
            guard file.hasSuffix(".swift"), isShell || isHTTP else { continue }
            let path = Self.root.appending(path: "Sources/\(file)")
            found.formUnion(try Self.codes(in: String(contentsOf: path, encoding: .utf8)))
        }
        #expect(found.count > 30)
        #expect(found.subtracting(listed).sorted() == [])
    }

    @Test func `a code that is made is found, wherever its line breaks`() throws {
        let text = """
            Problem(
                503, "on_fire", "x"), Rejection(code: "too_blue"), .limit("too_wet", 1, 2)
            """
        #expect(try Self.codes(in: text) == ["on_fire", "too_blue", "too_wet"])
    }

    @Test func `each entry says what happened, what to do, and whether it may have happened`()
        throws
    {
        let entries = try JSON.file("errors.json").array
        for entry in entries {
            let code = entry["code"]?.text ?? ""
            #expect(entry["what"]?.text?.isEmpty == false, "\(code)")
            #expect(entry["do"]?.text?.isEmpty == false, "\(code)")
            #expect(["problem", "rejection"].contains(entry["kind"]?.text), "\(code)")
            #expect(entry["status"]?.int != nil, "\(code)")
            #expect([.bool(true), .bool(false)].contains(entry["did_not_happen"]), "\(code)")
        }
        #expect(Set(entries.map { $0["code"]?.text }).count == entries.count)
    }
}
