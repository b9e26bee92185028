/// Base 45: bytes in the alphanumeric characters of QR codes, two in three (RFC 9285).
package enum Base45 {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:".utf8)

    /// The text of some bytes.
    package static func string(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 3 + 1) / 2)
        for start in stride(from: 0, to: bytes.count, by: 2) {
            let isPair = start + 1 < bytes.count
            var rest = Int(bytes[start])
            if isPair { rest = rest << 8 | Int(bytes[start + 1]) }
            for _ in 0..<(isPair ? 3 : 2) {
                text.append(alphabet[rest % 45])
                rest /= 45
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of a text, or `nil` when it is not the one spelling of any.
    package static func bytes(_ text: String) -> [UInt8]? {
        var digits: [Int] = []
        digits.reserveCapacity(text.utf8.count)
        for character in text.utf8 {
            guard let digit = alphabet.firstIndex(of: character) else { return nil }
            digits.append(digit)
        }
        guard digits.count % 3 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 3 * 2 + 1)
        for start in stride(from: 0, to: digits.count, by: 3) {
            let group = digits[start..<min(start + 3, digits.count)]
            let value = group.reversed().reduce(0) { $0 * 45 + $1 }
            guard value <= (group.count == 3 ? 0xFFFF : 0xFF) else { return nil }
            if group.count == 3 { bytes.append(UInt8(value >> 8)) }
            bytes.append(UInt8(value & 0xFF))
        }
        return bytes
    }
}
