import Testing
import ProtocolChecks
import ToteCore

extension VectorTests {
    @Test func `a receipt's number is that of its order, and a wrong one is none`() throws {
        let vectors = try JSON.vectors("aftersales").filter { $0["steps"] == nil }
        #expect(vectors.count >= 15)
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            if let order = vector["order"]?.text {
                let number = SalesNumber(try #require(OrderID(order)))
                #expect(number.text == vector["number"]?.text, "\(id)")
                #expect(number.text != vector["wrong"]?.text, "\(id)")
                #expect(SalesNumber(number.description) == number, "\(id)")
            } else {
                let read = SalesNumber(vector["reads"]?.text ?? "")
                let bits = read.map { String(Hex.string($0.bits).dropFirst(4)) }
                #expect(bits == vector["bits"]?.text, "\(id)")
            }
        }
    }
}
