/// Finds the lines of a head or a trailer as their bytes arrive, and refuses bytes no line has.
///
/// The verdict depends on the bytes alone, not on how they were cut: every byte is judged in order,
/// and a limit strikes at the same offset however much of the line is there.
struct LineScanner {
    /// Where the line begins that is being looked for.
    private(set) var lineStart: Int
    /// How far the bytes are known to be fit for a line.
    private var scanned: Int

    /// - Parameter start: where the first line begins.
    init(start: Int = 0) {
        lineStart = start
        scanned = start
    }

    /// The next whole line, without its CR LF.
    ///
    /// - Parameters:
    ///   - end: the first offset that a line may not reach, its CR LF included.
    ///   - failure: what to throw when it does.
    /// - Returns: nil if the line is not complete yet.
    mutating func nextLine(
        in bytes: UnsafeBufferPointer<UInt8>, before end: Int, orThrow failure: () -> HTTPFailure
    ) throws(HTTPFailure) -> Range<Int>? {
        let stop = min(bytes.count, end)
        var index = scanned
        while true {
            index = Self.firstControl(in: bytes, from: index, to: stop)
            guard index < stop else { break }
            let byte = bytes[index]
            if byte == Byte.tab {
                index += 1
                continue
            }
            guard byte == Byte.carriageReturn else { throw Self.refusal(of: byte) }
            guard index + 1 < end else { break }
            guard index + 1 < bytes.count else {
                scanned = index
                return nil
            }
            guard bytes[index + 1] == Byte.lineFeed else {
                throw .badRequest("a carriage return without a line feed")
            }
            let line = lineStart..<index
            lineStart = index + 2
            scanned = lineStart
            return line
        }
        scanned = index
        if bytes.count >= end { throw failure() }
        return nil
    }

    /// Where the first control character or DEL is, tabs included; `end` if there is none.
    private static func firstControl(
        in bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int
    ) -> Int {
        var index = start
        let raw = UnsafeRawBufferPointer(bytes)
        // Eight at a time. Source: "Bit Twiddling Hacks", whether a word has a byte less than n, or
        // equal to n: the lowest bit set is exact, and tells which byte it is.
        let ones: UInt64 = 0x0101_0101_0101_0101
        while index + 8 <= end {
            let word = UInt64(
                littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let control = (word &- ones &* UInt64(Byte.space)) & ~word
            let delete = word ^ (ones &* UInt64(Byte.delete))
            let found = (control | (delete &- ones) & ~delete) & (ones &* 0x80)
            guard found == 0 else { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < end, bytes[index] >= Byte.space, bytes[index] != Byte.delete { index += 1 }
        return index
    }

    private static func refusal(of byte: UInt8) -> HTTPFailure {
        byte == Byte.lineFeed
            ? .badRequest("a line feed without a carriage return")
            : .badRequest("a control character in the header")
    }
}
