import Glibc

/// Where the executables are.
enum Programs {
    /// This program's own file.
    static let own: String? = {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &bytes, bytes.count)
        guard count > 0, count < bytes.count else { return nil }
        return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// The server's program, which is installed beside this one.
    static let server: String? = {
        guard let own, let slash = own.lastIndex(of: "/") else { return nil }
        let path = own[..<slash] + "/tote"
        return access(String(path), X_OK) == 0 ? String(path) : nil
    }()
}
