import Testing
import ToteQR

/// What ISO/IEC 18004:2015 works out in its own text.
struct StandardTests {
    private static let layout = BlockLayout(version: 1, correction: .medium)
    /// Annex I.2, step by step: 01234567 in version 1-M.
    private static let example = Segment(mode: .numeric, characters: Array("01234567".utf8))
    private static let exampleData: [UInt8] = [
        0x10, 0x20, 0x0C, 0x56, 0x61, 0x80, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11, 0xEC,
        0x11,
    ]
    private static let exampleCorrection: [UInt8] = [
        0xA5, 0x24, 0xD4, 0xC1, 0xED, 0x36, 0xC7, 0x87, 0x2C, 0x55,
    ]

    @Test func `the digits of Annex I have its codewords`() {
        let data = Self.layout.dataCodewords(for: [Self.example])
        #expect(data == Self.exampleData)
        #expect(Self.layout.interleaved(data) == Self.exampleData + Self.exampleCorrection)
    }

    @Test func `the digits of Annex I have its symbol, under the mask that is chosen there`() {
        let code = QRCode([Self.example], in: Self.layout, mask: nil)
        #expect(code.mask == 0b010)
        #expect(
            drawing(of: code) == """
                #######..#.##.#######
                #.....#..####.#.....#
                #.###.#.#.....#.###.#
                #.###.#.##....#.###.#
                #.###.#.#.###.#.###.#
                #.....#.#...#.#.....#
                #######.#.#.#.#######
                ........#..##........
                #.#####..#..#.#####..
                ...#.#.##.#.#..#.##..
                ..#...##.#.#.#..#####
                ....#....#.....####..
                ...######..#.#..#....
                ........#.#####..##..
                #######..##.#.##.....
                #.....#.#.#####...#.#
                #.###.#.#...#..#.##..
                #.###.#.##..#..#.....
                #.###.#.#.##.#..#.#..
                #.....#........##.##.
                #######.####.#..#.#..
                """)
    }

    /// Figure 1, whose mask is read from its format information.
    @Test func `the text of Figure 1 has its symbol`() {
        let text = Segment(mode: .byte, characters: Array("QR Code Symbol".utf8))
        #expect(
            drawing(of: QRCode([text], in: Self.layout, mask: 0b101)) == """
                #######....##.#######
                #.....#.#..##.#.....#
                #.###.#.###.#.#.###.#
                #.###.#.#.#...#.###.#
                #.###.#.....#.#.###.#
                #.....#...#.#.#.....#
                #######.#.#.#.#######
                ........##..#........
                #.....#.####.##..###.
                #...#...###...#...###
                .###.####..##..#...#.
                ##.#....#.##.#.#..##.
                .##########...#.##.##
                ........#.......#.##.
                #######..######...##.
                #.....#...#..##.###..
                #.###.#.....###...###
                #.###.#..#....#.#.#..
                #.###.#..#..#.#.#..##
                #.....#....###.####..
                #######.#.##..#.#..#.
                """)
    }

    private func drawing(of code: QRCode) -> String {
        (0..<code.size).map { y in
            (0..<code.size).map { code[$0, y] ? "#" : "." }.joined()
        }.joined(separator: "\n")
    }

    /// §7.4.3 and §7.4.4, with the headers of version 1: without terminator and padding.
    @Test(arguments: [
        (Segment.Mode.numeric, "01234567", "0001 0000001000 0000001100 0101011001 1000011"),
        (
            .numeric, "0123456789012345",
            "0001 0000010000 0000001100 0101011001 1010100110 1110000101 0011101010 0101"
        ),
        (.alphanumeric, "AC-42", "0010 000000101 00111001110 11100111001 000010"),
        (.byte, "A", "0100 00000001 01000001"),
    ])
    func `the standard's texts become its bits`(mode: Segment.Mode, text: String, bits: String) {
        let segment = Segment(mode: mode, characters: Array(text.utf8))
        let wanted = bits.filter { $0 != " " }
        #expect(segment.bitCount(in: .upTo9) == wanted.count)
        let written = Self.layout.dataCodewords(for: [segment]).map { byte in
            (0..<8).map { byte >> (7 - $0) & 1 == 1 ? "1" : "0" }.joined()
        }
        #expect(written.joined().hasPrefix(wanted))
    }

    @Test func `format information is that of Table C 1`() {
        let levels: [QRCode.Correction] = [.medium, .low, .high, .quartile]
        let all = levels.flatMap { level in
            (0..<8).map { CodedInformation.format(level, mask: $0) }
        }
        #expect(all == StandardTables.formatInformation)
        // The example of §7.9.1.
        #expect(CodedInformation.format(.medium, mask: 0b101) == 0b100_0000_1100_1110)
    }

    @Test func `version information is that of Table D 1`() {
        #expect(CodedInformation.version(7) == 0x07C94)
        #expect((7...40).map(CodedInformation.version) == StandardTables.versionInformation)
    }

    @Test func `alignment patterns are where Table E 1 has them`() {
        #expect(SymbolGeometry(version: 1).alignmentCentres.isEmpty)
        let all = (2...40).map { SymbolGeometry(version: $0).alignmentCentres }
        #expect(all == StandardTables.alignmentCentres)
    }
}
