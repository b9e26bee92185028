/// From segments to the symbol's codewords.
extension BlockLayout {
    /// What fills the room behind the data, by turns (§7.4.10).
    private static let padding: [UInt8] = [0xEC, 0x11]
    private static let terminatorBits = 4

    /// The segments' bits, a terminator and padding (§7.4.9, §7.4.10). They must fit.
    package func dataCodewords(for segments: [Segment]) -> [UInt8] {
        var bits = BitWriter()
        let versions = VersionClass(of: version)
        for segment in segments { segment.write(to: &bits, in: versions) }
        precondition(bits.bitCount <= dataBits, "\(bits.bitCount) bits in \(dataBits)")
        // The terminator is cut short where the symbol ends.
        bits.append(0, bits: min(Self.terminatorBits, dataBits - bits.bitCount))
        var codewords = bits.bytes
        for index in 0..<dataCodewords - codewords.count {
            codewords.append(Self.padding[index % Self.padding.count])
        }
        return codewords
    }

    /// The data in its blocks, each with its correction, as they follow each other in the symbol:
    /// every block's first codeword, every block's second, and so on (§7.5.2, §7.6).
    package func interleaved(_ data: [UInt8]) -> [UInt8] {
        precondition(data.count == dataCodewords, "\(data.count) codewords for \(dataCodewords)")
        let code = ReedSolomon(correctionCodewords: correctionPerBlock)
        // Where the codewords cannot be shared evenly, the last blocks have one more.
        let shortLength = data.count / blocks
        let shortBlocks = blocks - data.count % blocks
        var starts: [Int] = []
        var corrections: [[UInt8]] = []
        var start = 0
        for block in 0..<blocks {
            let length = shortLength + (block < shortBlocks ? 0 : 1)
            starts.append(start)
            corrections.append(code.correction(for: data[start..<start + length]))
            start += length
        }
        var codewords: [UInt8] = []
        codewords.reserveCapacity(self.codewords)
        for offset in 0..<shortLength { codewords += starts.map { data[$0 + offset] } }
        codewords += starts.dropFirst(shortBlocks).map { data[$0 + shortLength] }
        for offset in 0..<correctionPerBlock { codewords += corrections.map { $0[offset] } }
        return codewords
    }
}
