import Testing
import ProtocolChecks
import ToteCore

/// Protocol/vectors/handoffs.json: codes that carry the cart (Protocol §24.3).
@Suite struct HandOffVectorTests {
    @Test func `codes that carry the cart are as the vectors say`() throws {
        let vectors = try JSON.vectors("handoffs").filter { $0["steps"] == nil }
        #expect(vectors.count > 20)
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            if let text = vector["base45"]?.text {
                let bytes = Array(try #require(vector["bytes"]?.text).utf8)
                #expect(Base45.string(bytes) == text && Base45.bytes(text) == bytes, "\(id)")
            } else if vector["scan"] != nil {
                #expect(try refusal(vector) == vector["refused"], "\(id)")
            } else {
                let code = try Self.carried(try #require(vector["carried"]))
                #expect(code.text == vector["text"]?.text, "\(id): \(code.text)")
                #expect(code.text != vector["wrong"]?.text, "\(id)")
                #expect(CarriedHandOff(code.text) == code, "\(id)")
            }
        }
    }

    private static func carried(_ json: JSON) throws -> CarriedHandOff {
        let run = try json["run"].map { try Encoding.json.run($0.ordered.bytes) }
        return CarriedHandOff(
            id: try #require(json["id"]?.text.flatMap { HandOffID($0) }),
            seconds: try #require(json["for_s"]?.int),
            until: UInt64(try #require(json["until"]?.int)),
            run: run.map { Encoding.cbor.encode($0) } ?? [],
            key: CarriedHandOff.key(of: try #require(json["token"]?.text)))
    }

    /// What a server that knows one token refuses a text with.
    private func refusal(_ vector: JSON) throws -> JSON {
        let text = try #require(vector["scan"]?.text)
        guard let code = CarriedHandOff(text) else { return .text("wrong_code") }
        let token = try #require(vector["token"]?.text)
        guard code.isMade(with: CarriedHandOff.key(of: token)) else { return .text("code_unknown") }
        let now = UInt64(try #require(vector["now"]?.int))
        return code.isCurrent(at: now) ? .null : .text("code_expired")
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `base 45 comes back, and nothing else is read as it`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let text = Base45.string(bytes)
        #expect(text.utf8.count == (bytes.count * 3 + 1) / 2)
        #expect(Base45.bytes(text) == bytes)
        // Whatever is read is written the same.
        let characters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:a?")
        let any = String((0..<random.below(12)).map { _ in random.pick(characters) })
        if let read = Base45.bytes(any) { #expect(Base45.string(read) == any) }
    }

    @Test func `six characters, whatever the bits, and as people type them`() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<1_000 {
            let code = HandOffCode.code(random.next())
            #expect(code.utf8.count == 6 && HandOffCode.normal(code) == code)
            #expect(HandOffCode.normal(code.prefix(3).lowercased() + "-" + code.suffix(3)) == code)
        }
        for text in ["", "ACDEF", "ACDEFGH", "ACDEFB", "ACDEF0", "ÄCDEFG", "ACDE\nFG"] {
            #expect(HandOffCode.normal(text) == nil, "\(text)")
        }
        #expect(HandOffCode.normal(String(repeating: " ", count: 40)) == nil)
    }
}
