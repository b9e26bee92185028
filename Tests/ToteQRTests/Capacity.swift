import ToteQR

extension Segment.Mode {
    /// How many characters fit into a symbol of one segment: Table 7, from its bits alone.
    func capacity(of layout: BlockLayout) -> Int {
        let versions = VersionClass(of: layout.version).rawValue
        let bits = StandardTables.dataCodewords[layout.correction.rawValue][layout.version - 1] * 8
        switch self {
        case .numeric:
            let left = bits - 4 - [10, 12, 14][versions]
            return left / 10 * 3 + (left % 10 >= 7 ? 2 : left % 10 >= 4 ? 1 : 0)
        case .alphanumeric:
            let left = bits - 4 - [9, 11, 13][versions]
            return left / 11 * 2 + (left % 11 >= 6 ? 1 : 0)
        case .byte:
            return (bits - 4 - [8, 16, 16][versions]) / 8
        }
    }

    /// A character that takes this mode and no shorter one.
    var example: UInt8 {
        switch self {
        case .numeric: UInt8(ascii: "8")
        case .alphanumeric: UInt8(ascii: "K")
        case .byte: UInt8(ascii: "k")
        }
    }
}
