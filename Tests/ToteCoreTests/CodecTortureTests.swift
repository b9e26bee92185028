import Testing
import ToteCore

struct CodecTortureTests {
    @Test(arguments: MessageType.all, Encoding.allCases)
    func `random messages come back equal, and their bytes too`(
        type: MessageType, encoding: Encoding
    ) throws {
        for seed in 0..<150 as Range<UInt64> {
            let (bytes, comesBack) = type.sample(seed, encoding)
            guard comesBack, try type.again(bytes, encoding) == bytes else {
                Issue.record("seed \(seed) \(Hex.string(bytes))")
                return
            }
        }
    }

    @Test(arguments: MessageType.all, Encoding.allCases)
    func `a message cut at any byte is refused, with an offset inside`(
        type: MessageType, encoding: Encoding
    ) {
        for seed in 0..<15 as Range<UInt64> {
            let bytes = type.sample(seed, encoding).bytes
            for count in 0..<bytes.count {
                let cut = Array(bytes[..<count])
                do throws(WireError) {
                    _ = try type.again(cut, encoding)
                    // Half of a JSON number is a number.
                    if type.name != "value" || encoding != .json {
                        Issue.record("seed \(seed) accepted cut at \(count)")
                        return
                    }
                } catch {
                    guard (0...count).contains(error.offset) else {
                        Issue.record("seed \(seed) cut at \(count): offset \(error.offset)")
                        return
                    }
                }
            }
        }
    }

    @Test(arguments: MessageType.all, Encoding.allCases)
    func `bytes behind a message are refused where they begin`(
        type: MessageType, encoding: Encoding
    ) {
        let bytes = type.sample(1, encoding).bytes
        do throws(WireError) {
            _ = try type.again(bytes + [0x2C], encoding)
            Issue.record("accepted")
        } catch {
            #expect(error.offset == bytes.count)
            #expect(error.reason == .trailingBytes || type.name == "value")
        }
    }

    /// What is accepted after a change of one byte is written as these very bytes: CBOR has one
    /// spelling.
    @Test(arguments: MessageType.all)
    func `every byte of CBOR changed to every value is refused or canonical`(type: MessageType) {
        var accepted = 0
        for seed in 0..<24 as Range<UInt64> {
            let bytes = type.sample(seed, .cbor).bytes
            guard bytes.count <= 80 else { continue }
            for index in bytes.indices {
                var mutated = bytes
                for byte in 0...255 as ClosedRange<UInt8> where byte != bytes[index] {
                    mutated[index] = byte
                    guard let again = try? type.again(mutated, .cbor) else { continue }
                    accepted += 1
                    guard again != mutated, !OpenMap.isExplained(mutated, again) else { continue }
                    Issue.record(
                        """
                        seed \(seed), byte \(index) is \(byte): \(Hex.string(mutated)) is read as \
                        \(Hex.string(again))
                        """)
                    return
                }
            }
        }
        #expect(accepted > 300, "few mutations hit what is free")
    }

    @Test(arguments: MessageType.all)
    func `a byte of JSON changed anyhow is refused or means what it then says`(
        type: MessageType
    ) throws {
        for seed in 0..<6 as Range<UInt64> {
            let bytes = type.sample(seed, .json).bytes
            guard bytes.count <= 400 else { continue }
            for index in bytes.indices {
                var mutated = bytes
                for byte in Array("\"\\,:{}[]019-.eE tfnu/a\u{7F}".utf8) + [
                    0, 10, 0x80, 0xC3, 0xFF,
                ] {
                    mutated[index] = byte
                    guard let again = try? type.again(mutated, .json) else { continue }
                    // What was accepted is written again as a fixed point.
                    if (try? type.again(again, .json)) != again {
                        Issue.record("seed \(seed) \(String(decoding: mutated, as: UTF8.self))")
                        return
                    }
                }
            }
        }
    }

    @Test(arguments: MessageType.all, Encoding.allCases)
    func `random bytes and spliced messages never crash the decoder`(
        type: MessageType, encoding: Encoding
    ) {
        var random = SeededGenerator(seed: 99)
        let samples = (0..<20).map { type.sample($0, encoding).bytes }
        for _ in 0..<1_000 {
            var bytes = random.pick(samples)
            for _ in 0..<1 + random.below(4) where !bytes.isEmpty {
                let start = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes.removeSubrange(start..<min(bytes.count, start + random.below(6)))
                case 1: bytes.insert(UInt8(random.below(256)), at: start)
                case 2: bytes.insert(contentsOf: random.pick(samples).prefix(12), at: start)
                default: bytes[start] = UInt8(random.below(256))
                }
            }
            if let again = try? type.again(bytes, encoding), encoding == .cbor, again != bytes {
                #expect(OpenMap.isExplained(bytes, again), "\(Hex.string(bytes))")
            }
        }
    }
}
