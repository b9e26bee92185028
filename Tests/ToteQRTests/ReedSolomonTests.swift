import Testing
import ToteQR

struct ReedSolomonTests {
    /// Multiplication in GF(256) bit by bit, without the tables of the sources.
    private static func product(_ first: Int, _ second: Int) -> Int {
        var product = 0
        for bit in (0..<8).reversed() {
            product <<= 1
            if product > 0xFF { product ^= 0x11D }
            if second >> bit & 1 == 1 { product ^= first }
        }
        return product
    }

    @Test(arguments: 1...30)
    func `data and its correction vanish at every root of the generator`(count: Int) {
        let data = (0..<40).map { UInt8(($0 * 73 + count * 11) % 256) }
        let correction = ReedSolomon(correctionCodewords: count).correction(for: data)
        #expect(correction.count == count)
        var root = 1
        for power in 0..<count {
            let value = (data + correction).reduce(0) { Self.product($0, root) ^ Int($1) }
            #expect(value == 0, "at the root α^\(power)")
            root = Self.product(root, 2)
        }
    }

    /// A single 1 leaves the generator itself: for seven codewords, the first row of Table A.1.
    @Test func `the generator is that of Annex A`() {
        var powers = [1]
        while powers.count < 255 { powers.append(Self.product(powers[powers.count - 1], 2)) }
        let wanted = [87, 229, 146, 149, 238, 102, 21].map { UInt8(powers[$0]) }
        #expect(ReedSolomon(correctionCodewords: 7).correction(for: [1]) == wanted)
    }

    @Test func `nothing but zeros has no correction but zeros`() {
        let code = ReedSolomon(correctionCodewords: 10)
        #expect(code.correction(for: [0, 0, 0]) == [UInt8](repeating: 0, count: 10))
        #expect(code.correction(for: []) == [UInt8](repeating: 0, count: 10))
    }

    /// Version 5-Q has two blocks of 15 data codewords and two of 16.
    @Test func `blocks of two lengths are interleaved column by column`() {
        let layout = BlockLayout(version: 5, correction: .quartile)
        let codewords = layout.interleaved((0..<62).map { UInt8($0) })
        #expect(codewords.count == 134)
        #expect(Array(codewords[..<8]) == [0, 15, 30, 46, 1, 16, 31, 47])
        #expect(Array(codewords[56..<62]) == [14, 29, 44, 60, 45, 61])
        let third = ReedSolomon(correctionCodewords: 18).correction(for: 30..<46 as Range<UInt8>)
        let found = stride(from: 64, to: 134, by: 4).map { codewords[$0] }
        #expect(found == third)
    }
}
