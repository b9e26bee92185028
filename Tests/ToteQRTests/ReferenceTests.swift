import Testing
import ToteQR

/// Whole symbols of every version against another implementation.
struct ReferenceTests {
    /// FNV-1a over the modules of versions 1 to 40, row by row. From segno 1.6.6, with one line of
    /// it mended: it pads a codeword that is full already with another of zeros, against §7.4.10.
    private static let digests: [UInt64] = [
        0xa6c5_6f1e_c295_29e3, 0x8e95_82d0_228d_7843, 0x734a_9305_9651_d24b, 0x800a_a135_cd83_995f,
        0x2a24_c073_dc45_1482, 0x1f1f_57c8_0b1a_0475, 0x4519_a68c_db8d_f551, 0x5aa3_ccc9_4eb5_0415,
        0x7adc_3a27_7e0d_75ca, 0x13b6_2d9c_24a3_e367, 0xb282_fea8_025b_e001, 0x8432_2b9a_c2d4_b8d5,
        0x5498_122e_5245_af0f, 0x2337_7c1b_8730_4e1d, 0x7e59_4096_33e0_1a7a, 0x7caf_ac2e_6f57_a46d,
        0x0f5f_40a3_a7bc_75aa, 0x3da1_e251_e251_be4d, 0xf4b4_afd5_fbc7_6dbd, 0x768d_998f_b13a_ebdf,
        0x9e6d_8a16_5385_cad2, 0x74e2_0e3b_545a_63d5, 0xcd21_278b_acd1_0bed, 0x3adb_9fe7_a51e_b575,
        0x1eb9_9a4e_6028_bd1e, 0xfd24_c890_b818_7277, 0xecb8_0e70_6d2a_4359, 0xaeb7_1e66_6489_7ab0,
        0x03c4_faac_0dd3_1178, 0x586d_3b39_1088_33a8, 0xdbae_a9b4_27e0_0358, 0x8a85_0af2_86d6_20d3,
        0xa522_a01c_6389_63ca, 0xbdb7_191a_a670_cdc9, 0xbb76_340a_8fb8_a829, 0x1a7a_477b_6ee6_7763,
        0x1ea8_5b84_acee_e1b5, 0xdacd_4617_2386_929b, 0x723c_90af_882c_a920, 0x9fe0_bb19_5822_b825,
    ]

    private static let alphanumeric = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:".utf8)

    /// As many characters as fit, or half of them in every fifth version, which leaves padding.
    private static func segment(in layout: BlockLayout) -> Segment {
        let version = layout.version
        let mode = Segment.Mode.allCases[version % 3]
        let capacity = mode.capacity(of: layout)
        let count = version % 5 == 0 ? capacity / 2 : capacity
        let characters = (0..<count).map { index in
            switch mode {
            case .numeric: UInt8(0x30 + (index * 7 + index / 10 + version) % 10)
            case .alphanumeric: alphanumeric[(index * 11 + index / 45 + version) % 45]
            case .byte: UInt8((index * 37 + index / 256 + version) % 256)
            }
        }
        return Segment(mode: mode, characters: characters)
    }

    @Test(arguments: 1...40)
    func `a symbol of each version is the one that segno draws`(version: Int) throws {
        let correction = try #require(QRCode.Correction(rawValue: version % 4))
        let layout = BlockLayout(version: version, correction: correction)
        let code = QRCode([Self.segment(in: layout)], in: layout, mask: version % 8)
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for y in 0..<code.size {
            for x in 0..<code.size {
                digest = (digest ^ (code[x, y] ? 1 : 0)) &* 0x100_0000_01b3
            }
        }
        #expect(digest == Self.digests[version - 1], "\(correction), mask \(code.mask)")
    }
}
