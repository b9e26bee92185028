/// A QR Code symbol: a text or bytes as a square of dark and light modules.
///
/// Source: ISO/IEC 18004:2015, QR Code Model 2, versions 1 to 40. Text goes as UTF-8 and without
/// an ECI header, which §7.4.2 would ask for: readers recognise UTF-8 by themselves, while some
/// scanners of tills hand the header on as if it were part of the text.
public struct QRCode: Sendable, Hashable {
    /// How much of a symbol may be damaged or covered and is still read (§7.5.1, Table 8).
    public enum Correction: Int, Sendable, CaseIterable, Comparable {
        /// L: about 7 % of the codewords.
        case low
        /// M: about 15 %.
        case medium
        /// Q: about 25 %.
        case quartile
        /// H: about 30 %.
        case high

        /// Whether the first corrects less than the second.
        public static func < (first: Correction, second: Correction) -> Bool {
            first.rawValue < second.rawValue
        }
    }

    /// How large the symbol is: 1 (21 modules a side) to 40 (177).
    public let version: Int
    /// What the symbol corrects: at least what was asked for, more where it takes no more room.
    public let correction: Correction
    /// Which of the eight data masks of §7.8.2 was laid over the data: 0 to 7.
    public let mask: Int
    /// Row by row from the top left; true is dark.
    private let modules: [Bool]

    /// The smallest symbol for a text.
    ///
    /// - Throws: `QRCodeError` if the text does not fit into version 40. The longest that fit have
    ///   7,089 digits, 4,296 characters of `0-9A-Z $%*+-./:` or 2,953 bytes at level `low`.
    public init(_ text: String, minimumCorrection: Correction = .medium) throws(QRCodeError) {
        // Asked before the text is looked at: finding its segments takes time and memory.
        guard text.utf8.count <= Segmentation.charactersMax else {
            throw .tooLong(characters: text.utf8.count)
        }
        let bytes = Array(text.utf8)
        try self.init(minimumCorrection) { Segmentation.shortest(of: bytes, in: $0) }
    }

    /// The smallest symbol for bytes of any kind, all of them in byte mode.
    ///
    /// - Throws: `QRCodeError` if they do not fit into version 40.
    public init(bytes: [UInt8], minimumCorrection: Correction = .medium) throws(QRCodeError) {
        guard bytes.count <= Segmentation.charactersMax else {
            throw .tooLong(characters: bytes.count)
        }
        try self.init(minimumCorrection) { _ in [Segment(mode: .byte, characters: bytes)] }
    }

    private init(
        _ minimumCorrection: Correction, segments: (VersionClass) -> [Segment]
    ) throws(QRCodeError) {
        for versions in VersionClass.allCases {
            let segments = segments(versions)
            guard let layout = versions.smallest(for: segments, minimumCorrection) else { continue }
            self.init(segments, in: layout.raised(for: segments), mask: nil)
            return
        }
        let segments = segments(.upTo40)
        let largest = BlockLayout(version: 40, correction: minimumCorrection)
        throw .tooLong(bits: Segment.bitCount(of: segments, in: .upTo40), atMost: largest.dataBits)
    }

    /// Segments in a symbol of the caller's choice; without a mask, the one that reads best.
    ///
    /// The segments must fit: a bug otherwise.
    package init(_ segments: [Segment], in layout: BlockLayout, mask: Int?) {
        precondition((mask ?? 0) >= 0 && (mask ?? 0) < 8, "there is no mask \(mask ?? 0)")
        let data = layout.dataCodewords(for: segments)
        let symbol = SymbolDrawing(layout: layout, codewords: layout.interleaved(data))
        version = layout.version
        correction = layout.correction
        (self.mask, modules) = mask.map { ($0, symbol.masked($0)) } ?? symbol.bestMasked()
    }

    /// The modules along a side, without the quiet zone.
    public var size: Int { 17 + 4 * version }

    /// Whether a module is dark. Everything around the symbol is light, as the quiet zone is.
    public subscript(x: Int, y: Int) -> Bool {
        guard (0..<size).contains(x), (0..<size).contains(y) else { return false }
        return modules[y * size + x]
    }
}
