import Foundation
import Testing

/// Every MUST of Protocol/protocol.md and of orders.md has a vector that keeps it and one that
/// breaks it.
@Suite struct VectorCoverageTests {
    private static let topics = [
        "applying", "digests", "editing", "encoding", "exchange", "folding", "names",
        "orders", "rules",
    ]

    @Test func `each requirement is kept by a vector and broken by another`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = root.appending(path: "Protocol/protocol.md")
        let text = try String(contentsOf: path, encoding: .utf8)
        let orders = try String(
            contentsOf: root.appending(path: "Protocol/orders.md"), encoding: .utf8)
        let pattern = #/\*\*\[(M-[A-Z]+-\d+)\]\*\*/#
        let musts =
            text.matches(of: pattern).map { String($0.output.1) }
            + orders.matches(of: pattern).map { String($0.output.1) }
            .filter { $0.hasPrefix("M-ORD") || $0.hasPrefix("M-CNT") }
        #expect(musts.count > 50)
        #expect(Set(musts).count == musts.count)
        let vectors = try Self.topics.flatMap { try JSON.vectors($0) }
        #expect(vectors.count >= 700)
        let ids = vectors.compactMap { $0["id"]?.text }
        #expect(Set(ids).count == vectors.count)
        for which in ["keeps", "breaks"] {
            let named = Set(vectors.flatMap { $0[which]?.array ?? [] }.compactMap(\.text))
            #expect(Set(musts).subtracting(named).sorted() == [], "no vector \(which) these")
            #expect(named.subtracting(musts).sorted() == [], "not in the text")
        }
    }

    @Test(arguments: ["protocol.md", "orders.md"])
    func `each paragraph that says MUST has an id`(name: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = root.appending(path: "Protocol/\(name)")
        let text = try String(contentsOf: path, encoding: .utf8)
        for paragraph in text.split(separator: "\n\n") where paragraph.contains("MUST") {
            #expect(paragraph.contains("[M-"), "\(paragraph.prefix(80))")
        }
    }
}
