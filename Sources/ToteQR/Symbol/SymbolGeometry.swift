/// Where a version has its patterns (ISO/IEC 18004:2015 §6.3).
package struct SymbolGeometry: Sendable, Hashable {
    /// 1 to 40.
    package let version: Int

    /// A version's geometry.
    package init(version: Int) { self.version = version }

    /// Modules along a side (§6.3.1).
    package var size: Int { 17 + 4 * version }
    /// Whether the version is written into the symbol (§7.10).
    package var hasVersionInformation: Bool { version >= 7 }

    /// Rows, and columns, in which alignment patterns have their centres (Table E.1).
    package var alignmentCentres: [Int] {
        guard version > 1 else { return [] }
        let gaps = version / 7 + 1
        // The table's distances: even and as equal as possible, with the odd one first. Version 32
        // alone has another one than this rounding gives.
        let distance = version == 32 ? 26 : (2 * version + 2 + gaps - 1) / gaps * 2
        return [6] + (0..<gaps).reversed().map { size - 7 - $0 * distance }
    }

    /// Modules that are left for codewords and for remainder bits (Table 1).
    package var dataModules: Int {
        let finders = 3 * 8 * 8
        // Two copies of 15 bits, and the module that is always dark (§7.9.1).
        let format = 31
        let timing = 2 * (size - 16)
        let versions = hasVersionInformation ? 2 * 18 : 0
        let centres = alignmentCentres.count
        guard centres > 0 else { return size * size - finders - format - timing }
        // None where a finder is; those of the first row and column lie across the timing patterns.
        let alignments = 25 * (centres * centres - 3) - 2 * 5 * (centres - 2)
        return size * size - finders - format - timing - versions - alignments
    }
}
