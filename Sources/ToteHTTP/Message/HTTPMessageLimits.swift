/// What one message may measure. The defaults are the product's limits.
package struct HTTPMessageLimits: Sendable, Hashable {
    /// Longest request target, in bytes; longer is 414.
    package var targetBytesAtMost = 8 * 1024
    /// Longest header section, from the end of the start line, in bytes; longer is 431. Trailers
    /// are counted by themselves, with the same limit.
    package var headerBytesAtMost = 16 * 1024
    /// Most header fields; more is 431.
    package var fieldsAtMost = 64
    /// Longest body, in bytes; longer is 413, before the body is read where its length is declared.
    package var bodyBytesAtMost = 1024 * 1024
    /// Longest body of a request to one of these paths (as they come, without the query), where it
    /// may be longer than `bodyBytesAtMost`.
    package var largerBodiesAtMost: [String: Int] = [:]
    /// Longest extension of one chunk, in bytes, counting from its `;`.
    package var chunkExtensionBytesAtMost = 256
    /// Longest sum of all chunk extensions in one body, in bytes: they are work without content.
    package var allChunkExtensionsBytesAtMost = 4096

    /// The default limits.
    package init() {}

    /// What a start line has besides its target, generously: a method, a version, two spaces.
    static let startLineBytesBesidesTarget = 64

    /// Offsets into a head are kept in 16 bits.
    func check() {
        precondition(targetBytesAtMost > 0 && headerBytesAtMost > 0 && fieldsAtMost > 0)
        precondition(bodyBytesAtMost >= 0 && chunkExtensionBytesAtMost >= 0)
        precondition(
            targetBytesAtMost + headerBytesAtMost < 60_000,
            "target and header together are bounded by 60,000 bytes")
    }
}
