import Testing
import ToteQR

struct CapacityTests {
    @Test(arguments: QRCode.Correction.allCases)
    func `every version has the codewords of the standard`(correction: QRCode.Correction) {
        for version in 1...40 {
            let layout = BlockLayout(version: version, correction: correction)
            let standard = StandardTables.dataCodewords[correction.rawValue][version - 1]
            #expect(layout.dataCodewords == standard, "version \(version)")
            let modules = SymbolGeometry(version: version).dataModules
            #expect(modules % 8 == StandardTables.remainderBits[version - 1], "version \(version)")
        }
    }

    /// Rows of Table 7, which the boundaries below rest upon.
    @Test(arguments: [
        (1, QRCode.Correction.low, [41, 25, 17]), (1, .high, [17, 10, 7]),
        (10, .medium, [513, 311, 213]), (40, .low, [7089, 4296, 2953]),
        (40, .medium, [5596, 3391, 2331]), (40, .quartile, [3993, 2420, 1663]),
        (40, .high, [3057, 1852, 1273]),
    ])
    func `a symbol holds what the standard's table says`(
        version: Int, correction: QRCode.Correction, characters: [Int]
    ) {
        let layout = BlockLayout(version: version, correction: correction)
        #expect(Segment.Mode.allCases.map { $0.capacity(of: layout) } == characters)
    }

    @Test(arguments: Segment.Mode.allCases, QRCode.Correction.allCases)
    func `a full symbol is full, and one character more takes the next version`(
        mode: Segment.Mode, correction: QRCode.Correction
    ) {
        func version(of count: Int) -> Int? {
            let characters = [UInt8](repeating: mode.example, count: count)
            let segments = [Segment(mode: mode, characters: characters)]
            return VersionClass.allCases.lazy
                .compactMap { $0.smallest(for: segments, correction)?.version }.first
        }
        for wanted in 1...40 {
            let full = mode.capacity(of: BlockLayout(version: wanted, correction: correction))
            #expect(version(of: full) == wanted, "\(full) characters")
            #expect(version(of: full + 1) == (wanted < 40 ? wanted + 1 : nil), "\(full + 1)")
        }
    }

    @Test(arguments: Segment.Mode.allCases)
    func `the longest text has a symbol, and one character more has none`(
        mode: Segment.Mode
    ) throws {
        let longest = mode.capacity(of: BlockLayout(version: 40, correction: .low))
        let text = String(repeating: Character(Unicode.Scalar(mode.example)), count: longest)
        let code = try QRCode(text, minimumCorrection: .low)
        #expect(code.version == 40)
        #expect(code.correction == .low)
        #expect(code.size == 177)
        let error = #expect(throws: QRCodeError.self) {
            try QRCode(text + text.prefix(1), minimumCorrection: .low)
        }
        #expect(error?.reason == .tooLong)
        #expect(throws: QRCodeError.self) { try QRCode(text, minimumCorrection: .medium) }
    }

    @Test func `bytes are refused from the same length on, and any length without a trap`() {
        let bytes = [UInt8](repeating: 0xFF, count: 2954)
        #expect(throws: QRCodeError.self) { try QRCode(bytes: bytes, minimumCorrection: .low) }
        let error = #expect(throws: QRCodeError.self) {
            try QRCode(bytes: [UInt8](repeating: 0x30, count: 1_000_000))
        }
        #expect(error?.message.contains("1000000 bytes") == true)
        #expect(throws: QRCodeError.self) { try QRCode(String(repeating: "8", count: 1_000_000)) }
    }

    @Test func `correction is raised as far as it costs no larger symbol`() throws {
        #expect(try QRCode("01234567", minimumCorrection: .low).correction == .high)
        // Version 1 holds 25, 20, 16 and 10 characters at the four levels.
        for (count, correction) in [(25, QRCode.Correction.low), (20, .medium), (16, .quartile)] {
            let code = try QRCode(String(repeating: "K", count: count), minimumCorrection: .low)
            #expect(code.version == 1)
            #expect(code.correction == correction)
        }
        #expect(try QRCode(String(repeating: "K", count: 20)).version == 1)
        #expect(try QRCode(String(repeating: "K", count: 21)).version == 2)
    }
}
