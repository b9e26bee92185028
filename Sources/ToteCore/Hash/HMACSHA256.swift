/// HMAC with SHA-256 (RFC 2104, RFC 4231).
package enum HMACSHA256 {
    private static let blockBytes = 64

    /// The code of a message under a key of any length: 32 bytes.
    package static func code(key: [UInt8], message: [UInt8]) -> [UInt8] {
        var block = key.count > blockBytes ? SHA256.digest(key) : key
        block += [UInt8](repeating: 0, count: blockBytes - block.count)
        let inner = SHA256.digest(block.map { $0 ^ 0x36 } + message)
        return SHA256.digest(block.map { $0 ^ 0x5C } + inner)
    }
}
