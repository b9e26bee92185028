import Glibc

/// Reads what a person wrote.
package enum TextFile {
    /// The text of a file of at most so many bytes, without a byte order mark.
    package static func read(_ path: String, most: Int) throws(CommandFailure) -> String {
        guard let file = fopen(path, "r") else {
            throw CommandFailure(
                code: "no_file", message: "\(path) is not there or cannot be read", exit: .noInput)
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = Array(repeating: UInt8(0), count: 64 * 1_024)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= most else {
                throw CommandFailure(
                    code: "file_too_large", message: "\(path) has over \(most) bytes",
                    exit: .dataError)
            }
        }
        guard ferror(file) == 0 else {
            throw CommandFailure(
                code: "no_file", message: "\(path) cannot be read", exit: .noInput)
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let fault = TextError(firstFault(bytes), "these bytes are no UTF-8")
            throw CommandFailure(
                code: "not_utf8", message: "\(path) is not UTF-8: save it as UTF-8",
                exit: .dataError, faults: FileFaults(path: path, faults: [fault]))
        }
        return text
    }

    /// Where a text stops being UTF-8.
    private static func firstFault(_ bytes: [UInt8]) -> TextPlace {
        var sound = ""
        var codec = UTF8()
        var rest = bytes.makeIterator()
        while case .scalarValue(let scalar) = codec.decode(&rest) {
            sound.unicodeScalars.append(scalar)
        }
        let lines = sound.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return TextPlace(line: lines.count, column: (lines.last?.count ?? 0) + 1)
    }
}
