internal import CSHA

/// SHA-256 (FIPS 180-4), over whole messages.
package enum SHA256 {
    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
        0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
        0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
        0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
        0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
        0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
        0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
        0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
        0xc671_78f2,
    ]

    /// Whether the processor does it itself, five times as fast.
    private static let hasInstructions = csha_is_there() != 0

    /// The digest of a message: 32 bytes.
    package static func digest(_ message: [UInt8]) -> [UInt8] {
        digest(message, withInstructions: hasInstructions)
    }

    /// The same by one of the two ways. The processor must have the instructions for the one.
    package static func digest(_ message: [UInt8], withInstructions: Bool) -> [UInt8] {
        let take = withInstructions ? compressByInstructions : compressByHand
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 8) { state in
            _ = state.initialize(from: initialState)
            message.withUnsafeBytes { bytes in
                let whole = bytes.count / 64 * 64
                take(state, UnsafeRawBufferPointer(rebasing: bytes[..<whole]))
                // The rest, a one bit, zeros, and the length in bits at the end of a block.
                withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { tail in
                    let rest = bytes.count - whole
                    let used = rest < 56 ? 64 : 128
                    _ = tail.initializeMemory(as: UInt8.self, repeating: 0)
                    tail.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[whole...]))
                    tail[rest] = 0x80
                    let bits = (UInt64(bytes.count) * 8).bigEndian
                    tail.storeBytes(of: bits, toByteOffset: used - 8, as: UInt64.self)
                    take(state, UnsafeRawBufferPointer(rebasing: tail[..<used]))
                }
            }
            for index in state.indices { state[index] = state[index].bigEndian }
            return Array(UnsafeRawBufferPointer(state))
        }
    }

    private static let initialState: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19,
    ]

    /// Takes whole blocks into the state.
    private static func compressByInstructions(
        _ state: UnsafeMutableBufferPointer<UInt32>, _ blocks: UnsafeRawBufferPointer
    ) {
        constants.withUnsafeBufferPointer { constants in
            csha_compress(
                state.baseAddress, blocks.baseAddress?.assumingMemoryBound(to: UInt8.self),
                blocks.count / 64, constants.baseAddress)
        }
    }

    /// The same in Swift, for every processor.
    private static func compressByHand(
        _ state: UnsafeMutableBufferPointer<UInt32>, _ blocks: UnsafeRawBufferPointer
    ) {
        constants.withUnsafeBufferPointer { constants in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
                for start in stride(from: 0, to: blocks.count, by: 64) {
                    compress(state, blocks, start, schedule, constants)
                }
            }
        }
    }

    private static func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 {
        word &>> bits | word &<< (32 &- bits)
    }

    @inline(__always)
    private static func round(
        _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32,
        _ g: UInt32, _ h: inout UInt32, _ word: UInt32
    ) {
        let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        let one = h &+ s1 &+ (g ^ e & (f ^ g)) &+ word
        let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
        d = d &+ one
        h = one &+ s0 &+ (a & b | c & (a | b))
    }

    private static func compress(
        _ state: UnsafeMutableBufferPointer<UInt32>, _ bytes: UnsafeRawBufferPointer, _ start: Int,
        _ w: UnsafeMutableBufferPointer<UInt32>, _ constants: UnsafeBufferPointer<UInt32>
    ) {
        // Safe: `w` and `constants` hold 64 words, and `bytes` 64 bytes from `start` on.
        guard let w = w.baseAddress, let k = constants.baseAddress,
            let block = bytes.baseAddress?.advanced(by: start)
        else { return }
        for index in 0..<16 {
            w[index] = UInt32(
                bigEndian: block.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self))
        }
        for index in 16..<64 {
            let a = w[index &- 15]
            let b = w[index &- 2]
            let s0 = rotate(a, 7) ^ rotate(a, 18) ^ a &>> 3
            let s1 = rotate(b, 17) ^ rotate(b, 19) ^ b &>> 10
            w[index] = w[index &- 16] &+ s0 &+ w[index &- 7] &+ s1
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        // Eight rounds at a time: the words change places by name instead of by moving.
        for index in stride(from: 0, to: 64, by: 8) {
            round(a, b, c, &d, e, f, g, &h, k[index] &+ w[index])
            round(h, a, b, &c, d, e, f, &g, k[index &+ 1] &+ w[index &+ 1])
            round(g, h, a, &b, c, d, e, &f, k[index &+ 2] &+ w[index &+ 2])
            round(f, g, h, &a, b, c, d, &e, k[index &+ 3] &+ w[index &+ 3])
            round(e, f, g, &h, a, b, c, &d, k[index &+ 4] &+ w[index &+ 4])
            round(d, e, f, &g, h, a, b, &c, k[index &+ 5] &+ w[index &+ 5])
            round(c, d, e, &f, g, h, a, &b, k[index &+ 6] &+ w[index &+ 6])
            round(b, c, d, &e, f, g, h, &a, k[index &+ 7] &+ w[index &+ 7])
        }
        let words = SIMD8(a, b, c, d, e, f, g, h)
        for index in 0..<8 { state[index] = state[index] &+ words[index] }
    }
}
