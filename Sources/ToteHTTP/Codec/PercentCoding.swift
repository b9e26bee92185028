/// Percent-decoding, once and strictly: what could mean something else when decoded again, or by
/// another reader, is refused.
enum PercentCoding {
    /// The bytes behind the encoding.
    ///
    /// - Returns: nil for a `%` without two hexadecimal digits, for control characters, NUL among
    ///   them, and for bytes that are no UTF-8 (overlong forms and surrogates are none).
    static func decoded(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            var byte = bytes[index]
            index += 1
            if byte == Byte.percent {
                guard index + 1 < bytes.count, let high = bytes[index].hexValue,
                    let low = bytes[index + 1].hexValue
                else { return nil }
                byte = high << 4 | low
                index += 2
            }
            guard byte >= Byte.space, byte != Byte.delete else { return nil }
            result.append(byte)
        }
        guard result.allSatisfy({ $0 < 0x80 }) || String(validating: result, as: UTF8.self) != nil
        else { return nil }
        return result
    }

    static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        decoded(bytes) != nil
    }

    /// Whether a path decodes and has no `.` or `..` in it, encoded slashes and backslashes counted
    /// as separators.
    static func isPlainPath(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let path = decoded(bytes) else { return false }
        let isSeparator = { (byte: UInt8) in byte == Byte.slash || byte == Byte.backslash }
        return path.split(omittingEmptySubsequences: false, whereSeparator: isSeparator)
            .allSatisfy { $0 != [Byte.dot] && $0 != [Byte.dot, Byte.dot] }
    }
}
