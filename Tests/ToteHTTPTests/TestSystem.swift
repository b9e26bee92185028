// What the tests need of the operating system itself.

import Glibc
import Testing
import ToteHTTP

/// A directory of its own for one test.
struct TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/tote-http-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    func remove() {
        unlink(path + "/operator")
        rmdir(path)
    }

    /// A socket that is bound and never listens, as a dead server leaves it.
    func bindSocket(named name: String) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = (path + "/" + name).utf8CString
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            bytes.withUnsafeBytes { target.copyMemory(from: $0) }
        }
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return descriptor
    }
}

/// Takes a process to the point where `accept` fails with EMFILE.
enum DescriptorFamine {
    /// Sockets that are not connected yet.
    static func sockets(_ count: Int) -> [Int32] {
        (0..<count).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
    }

    /// From now on no descriptor of that number or above can be opened.
    static func begin(at count: Int32) {
        limitDescriptors(to: rlim_t(count))
    }

    /// Connects sockets to a port of this machine: the system does it without the server's help.
    static func connect(_ sockets: [Int32], port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        for socket in sockets {
            let code = withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(code == 0)
        }
    }

    /// Whether the peer has closed, once it has done anything.
    static func readsEnd(_ socket: Int32) -> Bool {
        var byte: UInt8 = 0
        let isAtEnd = recv(socket, &byte, 1, 0) <= 0
        return isAtEnd
    }

    static func end() {
        limitDescriptors(to: .max)
    }

    /// - Parameter count: at most as many as the system allows.
    private static func limitDescriptors(to count: rlim_t) {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = min(count, limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
