/// Versions that write the number of a segment's characters in as many bits (Table 3).
package enum VersionClass: Int, Sendable, CaseIterable {
    /// Versions 1 to 9.
    case upTo9
    /// Versions 10 to 26.
    case upTo26
    /// Versions 27 to 40.
    case upTo40

    /// The class of a version.
    package init(of version: Int) {
        self = version <= 9 ? .upTo9 : version <= 26 ? .upTo26 : .upTo40
    }

    /// Its versions, the smallest first.
    package var versions: ClosedRange<Int> {
        switch self {
        case .upTo9: 1...9
        case .upTo26: 10...26
        case .upTo40: 27...40
        }
    }

    /// The smallest of them that holds the segments, or nil.
    package func smallest(
        for segments: [Segment], _ correction: QRCode.Correction
    ) -> BlockLayout? {
        let bits = Segment.bitCount(of: segments, in: self)
        return versions.lazy.map { BlockLayout(version: $0, correction: correction) }
            .first { bits <= $0.dataBits }
    }
}

/// How a version's codewords are shared between data and correction, and between blocks (Table 9).
package struct BlockLayout: Sendable, Hashable {
    /// 1 to 40.
    package let version: Int
    /// What the symbol corrects.
    package let correction: QRCode.Correction

    /// A version's layout; a version beyond 1 to 40 is a bug.
    package init(version: Int, correction: QRCode.Correction) {
        precondition(version >= 1 && version <= 40, "there is no version \(version)")
        self.version = version
        self.correction = correction
    }

    /// All codewords of the symbol, of data and of correction (Table 1).
    package var codewords: Int { SymbolGeometry(version: version).dataModules / 8 }
    /// The blocks that are corrected each for itself.
    package var blocks: Int { Self.blocks[correction.rawValue][version - 1] }
    /// Correction codewords in each block.
    package var correctionPerBlock: Int {
        Self.correctionPerBlock[correction.rawValue][version - 1]
    }
    /// Codewords for data in all blocks together (Table 7).
    package var dataCodewords: Int { codewords - blocks * correctionPerBlock }
    /// Bits for data in all blocks together.
    package var dataBits: Int { dataCodewords * 8 }

    /// The same version with the most correction under which the segments still fit.
    package func raised(for segments: [Segment]) -> BlockLayout {
        let bits = Segment.bitCount(of: segments, in: VersionClass(of: version))
        return QRCode.Correction.allCases.reversed().lazy
            .filter { $0 > correction }
            .map { BlockLayout(version: version, correction: $0) }
            .first { bits <= $0.dataBits } ?? self
    }

    /// Table 9, by level and version.
    private static let correctionPerBlock: [[Int]] = [
        [
            7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
            28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
        ],
        [
            10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
            26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        ],
        [
            13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30,
            28, 30, 30, 30, 30, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
        ],
        [
            17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28, 22, 24, 24, 30, 28, 28, 26, 28,
            30, 24, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
        ],
    ]

    /// Table 9, by level and version.
    private static let blocks: [[Int]] = [
        [
            1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8,
            8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25,
        ],
        [
            1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
            17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
        ],
        [
            1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20,
            23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68,
        ],
        [
            1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25,
            25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81,
        ],
    ]
}
