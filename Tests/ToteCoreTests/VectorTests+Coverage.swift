import Foundation
import Testing
import ProtocolChecks

/// Every MUST of the protocol's texts has a vector that keeps it and one that breaks it.
@Suite struct VectorCoverageTests {
    private static let topics = [
        "aftersales", "applying", "channels", "codes", "digests", "editing", "encoding", "erasure",
        "exchange",
        "folding", "guests",
        "handoffs", "ledger", "lists", "names", "nearest", "offers", "orders", "pricing",
        "programme", "rules", "shares",
        "visits", "webhooks",
    ]
    private static let texts = [
        "protocol.md", "orders.md", "webhooks.md", "points.md", "handoffs.md", "erasure.md",
        "channels.md", "aftersales.md", "visits.md", "guests.md", "offers.md",
        "lists.md", "shares.md",
    ]

    /// The texts one after another.
    private static func text() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try texts.map { name in
            try String(contentsOf: root.appending(path: "Protocol/\(name)"), encoding: .utf8)
        }.joined(separator: "\n\n")
    }

    @Test func `each requirement is kept by a vector and broken by another`() throws {
        let text = try Self.text()
        let musts = text.matches(of: #/\*\*\[(M-[A-Z]+-\d+)\]\*\*/#).map { String($0.output.1) }
        #expect(musts.count > 50)
        #expect(Set(musts).count == musts.count)
        let vectors = try Self.topics.flatMap { try JSON.vectors($0) }
        #expect(vectors.count >= 220)
        let ids = vectors.compactMap { $0["id"]?.text }
        #expect(Set(ids).count == vectors.count)
        for which in ["keeps", "breaks"] {
            let named = Set(vectors.flatMap { $0[which]?.array ?? [] }.compactMap(\.text))
            #expect(Set(musts).subtracting(named).sorted() == [], "no vector \(which) these")
            #expect(named.subtracting(musts).sorted() == [], "not in the text")
        }
    }

    @Test func `each paragraph that says MUST has an id`() throws {
        let text = try Self.text()
        for paragraph in text.split(separator: "\n\n") where paragraph.contains("MUST") {
            #expect(paragraph.contains("[M-"), "\(paragraph.prefix(80))")
        }
    }
}
