import Foundation
import Testing
import ProtocolChecks
import ToteServer

/// Protocol/errors.json lists every code that the sources can answer with, and no other twice.
@Suite struct ErrorListTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What a code looks like where it is made.
    private static let patterns = [
        #"Rejection\(\s*code: "([a-z_]+)""#, #"\.limit\(\s*"([a-z_]+)""#,
        #"Problem\(\s*[45][0-9][0-9],\s*"([a-z_]+)""#,
        #"package static let [a-zA-Z]+ = "([a-z]+_[a-z_]+)""#, #"\.refused\(\s*"([a-z_]+)""#,
    ]

    /// Of codes that a switch gives, in the file of quotes.
    private static let quotePattern = #"case \.[a-zA-Z]+: "([a-z]+_[a-z_]+)""#

    private static func codes(
        in text: String, patterns: [String] = ErrorListTests.patterns
    ) throws -> Set<String> {
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
            let isQuote = file == "ToteCore/Commerce/Quote.swift"
            let isHTTP = file.hasPrefix("ToteService/") || file.hasSuffix("HTTPFailure.swift")
            guard file.hasSuffix(".swift"), isShell || isHTTP || isQuote else { continue }
            let path = Self.root.appending(path: "Sources/\(file)")
            let text = try String(contentsOf: path, encoding: .utf8)
            found.formUnion(
                try Self.codes(in: text, patterns: isQuote ? [Self.quotePattern] : Self.patterns))
        }
        #expect(found.count > 60)
        #expect(found.subtracting(listed).sorted() == [])
    }

    @Test func `a code that is made is found, wherever its line breaks`() throws {
        let text = """
            Problem(
                503, "on_fire", "x"), Rejection(code: "too_blue"), .limit("too_wet", 1, 2),
            .refused(
                "too_odd", [:])
            """
        #expect(try Self.codes(in: text) == ["on_fire", "too_blue", "too_wet", "too_odd"])
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
            // A few codes come as both.
            let also = entry["also"]?.text
            #expect([nil, "problem", "rejection"].contains(also), "\(code)")
            #expect(also != entry["kind"]?.text, "\(code)")
            #expect(entry["status"]?.int != nil, "\(code)")
            #expect([.bool(true), .bool(false)].contains(entry["did_not_happen"]), "\(code)")
        }
        #expect(Set(entries.map { $0["code"]?.text }).count == entries.count)
    }
}
