/// A run of characters in one mode (ISO/IEC 18004:2015 §7.4).
package struct Segment: Sendable, Hashable {
    /// How characters become bits. Kanji, ECI and the rest of Table 2 are not needed here.
    package enum Mode: Int, Sendable, CaseIterable {
        /// Three digits in ten bits (§7.4.3).
        case numeric
        /// Two of 45 characters in eleven bits (§7.4.4).
        case alphanumeric
        /// Eight bits for a byte (§7.4.5).
        case byte
    }

    /// How the characters become bits.
    package let mode: Mode
    /// Bytes that the mode can express.
    package let characters: [UInt8]

    /// A run of characters, each of which the mode can express: a bug otherwise.
    package init(mode: Mode, characters: [UInt8]) {
        precondition(
            characters.allSatisfy { mode.value(of: $0) != nil },
            "\(mode) mode cannot express all of \(characters.count) characters")
        self.mode = mode
        self.characters = characters
    }

    /// Mode indicator, character count and characters, in bits (§7.4.1).
    package func bitCount(in versions: VersionClass) -> Int {
        let count = characters.count
        let header = Mode.indicatorBits + mode.countBits(in: versions)
        switch mode {
        case .numeric: return header + count / 3 * 10 + [0, 4, 7][count % 3]
        case .alphanumeric: return header + count / 2 * 11 + count % 2 * 6
        case .byte: return header + count * 8
        }
    }

    /// All of them, one after the other.
    package static func bitCount(of segments: [Segment], in versions: VersionClass) -> Int {
        segments.reduce(0) { $0 + $1.bitCount(in: versions) }
    }

    func write(to bits: inout BitWriter, in versions: VersionClass) {
        bits.append(mode.indicator, bits: Mode.indicatorBits)
        bits.append(characters.count, bits: mode.countBits(in: versions))
        let (group, base) = mode.grouping
        for start in stride(from: 0, to: characters.count, by: group) {
            let characters = self.characters[start..<min(start + group, self.characters.count)]
            let value = characters.reduce(0) { $0 * base + (mode.value(of: $1) ?? 0) }
            bits.append(value, bits: mode.bits(ofGroup: characters.count))
        }
    }
}

extension Segment.Mode {
    static let indicatorBits = 4

    /// Table 2.
    var indicator: Int {
        switch self {
        case .numeric: 0b0001
        case .alphanumeric: 0b0010
        case .byte: 0b0100
        }
    }

    /// Table 3.
    func countBits(in versions: VersionClass) -> Int {
        switch self {
        case .numeric: [10, 12, 14][versions.rawValue]
        case .alphanumeric: [9, 11, 13][versions.rawValue]
        case .byte: [8, 16, 16][versions.rawValue]
        }
    }

    /// The characters that share a number, and the number's base.
    fileprivate var grouping: (characters: Int, base: Int) {
        switch self {
        case .numeric: (3, 10)
        case .alphanumeric: (2, 45)
        case .byte: (1, 256)
        }
    }

    fileprivate func bits(ofGroup characters: Int) -> Int {
        switch self {
        case .numeric: 1 + 3 * characters
        case .alphanumeric: 1 + 5 * characters
        case .byte: 8
        }
    }

    /// What a character counts, or nil if the mode cannot express it.
    func value(of character: UInt8) -> Int? {
        switch self {
        case .numeric: (0x30...0x39).contains(character) ? Int(character) - 0x30 : nil
        case .alphanumeric: Self.alphanumericValues[Int(character)]
        case .byte: Int(character)
        }
    }

    /// Table 5.
    private static let alphanumericValues: [Int?] = {
        var values = [Int?](repeating: nil, count: 256)
        for (value, character) in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:".utf8.enumerated()
        {
            values[Int(character)] = value
        }
        return values
    }()
}
