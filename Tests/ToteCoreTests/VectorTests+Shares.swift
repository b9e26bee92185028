import Testing
import ProtocolChecks
import ToteCore

extension VectorTests {
    @Test func `a share is made of its maker and its seed`() throws {
        let vectors = try JSON.vectors("shares").filter { $0["steps"] == nil }
        #expect(vectors.count >= 5)
        for vector in vectors {
            let kind = try #require(Share.Kind(rawValue: vector["kind"]?.text ?? ""))
            let seed = try #require(HandOffID(vector["seed"]?.text ?? ""))
            let space = Share.space(kind, of: vector["maker"]?.text ?? "", seed: seed)
            #expect(space == vector["space"]?.text && space != vector["wrong"]?.text)
            #expect(Share.kind(of: space) == kind)
        }
    }
}
