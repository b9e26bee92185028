/// Bits that become bytes, the most significant first.
struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private(set) var bitCount = 0

    /// Appends the lowest `count` bits of a number that has no others.
    mutating func append(_ value: Int, bits count: Int) {
        precondition(value >= 0 && value >> count == 0, "\(value) in \(count) bits")
        for shift in stride(from: count - 1, through: 0, by: -1) {
            if bitCount % 8 == 0 { bytes.append(0) }
            bytes[bitCount / 8] |= UInt8(value >> shift & 1) << UInt8(7 - bitCount % 8)
            bitCount += 1
        }
    }
}
